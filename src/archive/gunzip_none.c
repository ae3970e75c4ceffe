/* Where ISA-L is not to be had. */
#include "archive/gunzip.h"

#include <errno.h>

struct gunzip *gunzip_new(void)
{
    return NULL;
}

void gunzip_free(struct gunzip *gunzip)
{
    (void)gunzip;
}

int gunzip_step(struct gunzip *gunzip, const char **in, size_t *size, char *out, size_t room, size_t *made)
{
    (void)gunzip, (void)in, (void)size, (void)out, (void)room, (void)made;
    return -ENOSYS;
}

bool gunzip_is_whole(const struct gunzip *gunzip)
{
    (void)gunzip;
    return false;
}
