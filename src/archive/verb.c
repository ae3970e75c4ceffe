/* See verb.h. */
#include "archive/verb.h"

#include "base/error.h"

int words_none(char **words)
{
    return *words ? refuse(-EINVAL, "%.80s: one word too many", *words) : 0;
}
