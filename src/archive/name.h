/* Names of a tar's entries, which are anybody's. */
#pragma once

#include <limits.h>
#include <stddef.h>

enum { NAME_DEEPEST = 256 };

/* A path below the root of a layer: no slash at either end, no empty part, no "." and no "..". */
struct name {
    size_t length; /* 0: the root itself */
    size_t base;   /* where its last part begins */
    char path[PATH_MAX];
};

/* What NAME says, leading slashes and "." taken off as tar does. WHAT is what it is the name of, for the sentence. Refused,
 * with -errno: "..", more than NAME_DEEPEST parts, PATH_MAX bytes and more. */
int name_clean(struct name *clean, const char *what, const char *name);

/* What a name means in a layer (image-spec, layer.md): `.wh.NAME` hides NAME of the layers below. */
enum name_kind {
    NAME_PLAIN,
    NAME_WHITEOUT, /* of the last part's rest */
    NAME_OPAQUE,   /* `.wh..wh..opq`: hides all that the layers below have in its directory */
    NAME_META,     /* any other `.wh..wh.`, or below such: nothing of the tree */
};

/* -EINVAL with a sentence for whiteouts of nothing and for what is below a whiteout. */
int name_kind(const struct name *name, enum name_kind *kind);
