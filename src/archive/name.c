/* One pass over the bytes; nothing is looked up. ".." is refused even where it would stay inside: what it would mean
 * depends on links, and no tool writes it. */
#include "archive/name.h"

#include "base/error.h"
#include "base/text.h"

#define WHITEOUT ".wh."
#define META WHITEOUT WHITEOUT
#define OPAQUE META ".opq"
#define QUOTE "%.200s" /* names can be a megabyte long */

static bool part_is(const char *part, size_t length, const char *text)
{
    return length == strlen(text) && memcmp(part, text, length) == 0;
}

int name_clean(struct name *clean, const char *what, const char *name)
{
    size_t length = 0, base = 0, depth = 0;
    for (const char *part = name; *part;) {
        size_t size = strcspn(part, "/");
        if (part_is(part, size, ".."))
            return refuse(-EINVAL, "%s " QUOTE ": it has .. in it", what, name);
        if (size && !part_is(part, size, ".")) {
            if (++depth > NAME_DEEPEST)
                return refuse(-ENAMETOOLONG, "%s " QUOTE "...: deeper than %d directories", what, name, NAME_DEEPEST);
            if (length + 1 + size >= sizeof clean->path)
                return refuse(-ENAMETOOLONG, "%s " QUOTE "...: longer than %zu bytes", what, name, sizeof clean->path - 1);
            if (length)
                clean->path[length++] = '/';
            base = length;
            memcpy(clean->path + length, part, size);
            length += size;
        }
        part += size;
        part += *part == '/';
    }
    clean->path[length] = '\0';
    clean->length = length;
    clean->base = base;
    return 0;
}

int name_kind(const struct name *name, enum name_kind *kind)
{
    *kind = NAME_PLAIN;
    for (const char *part = name->path; *part && *kind != NAME_META;) {
        bool last = part == name->path + name->base;
        const char *hidden = text_after(part, WHITEOUT);
        if (last && text_equal(part, OPAQUE))
            *kind = NAME_OPAQUE;
        else if (text_after(part, META))
            *kind = NAME_META;
        else if (hidden && !last)
            return refuse(-EINVAL, QUOTE ": it is below a whiteout", name->path);
        else if (hidden && (!*hidden || text_equal(hidden, ".") || text_equal(hidden, "..")))
            return refuse(-EINVAL, QUOTE ": a whiteout of nothing", name->path);
        else if (hidden)
            *kind = NAME_WHITEOUT;
        part += strcspn(part, "/");
        part += *part == '/';
    }
    return 0;
}
