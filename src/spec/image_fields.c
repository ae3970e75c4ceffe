#include "spec/image_fields.h"

#include "base/error.h"
#include "spec/digest.h"

#include <string.h>

int image_read_word(struct json_source *s, struct json_object *value, void *into)
{
    const char **word = into;
    TRY(json_string(s, value, word));
    for (const char *p = *word; *p; p++)
        if (*p < ' ' || *p > '~')
            return json_expected(s, "a word of printable ASCII characters");
    if (!**word)
        *word = NULL;
    return 0;
}

int image_read_digest(struct json_source *s, struct json_object *value, void *into)
{
    const char **digest = into;
    TRY(json_string(s, value, digest));
    const char *fault = digest_fault(*digest, strlen(*digest));
    return fault ? refuse(-EINVAL, "%s: %s: %s", s->name, s->pointer, fault) : 0;
}

int image_read_document(struct arena *arena, const char *text, size_t length, size_t max, const char *name,
                        const struct json_field *fields, void *into)
{
    if (length > max)
        return refuse(-EFBIG, "%s: %zu bytes, more than the %zu that such a document may have", name, length, max);
    return json_read_strict(arena, text, length, name, fields, into);
}
