#include "archive/members.h"

#include "base/error.h"
#include "base/text.h"

#include <limits.h>
#include <search.h>
#include <string.h>

enum {
    MOST = 100000, /* an image has a handful for each layer */
    LINKS = 16, /* followed: Docker before 25 has one for each time that a layer is there again */
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static int outside(const char *name)
{
    return refuse(-EINVAL, "the archive has the name %.80s, which leads out of it", name);
}

/* Appends RAW, part by part, to what is in NAME, of LENGTH bytes; there is room. */
static int append(char *name, size_t length, const char *raw)
{
    for (const char *at = raw; *at;) {
        size_t n = strcspn(at, "/");
        if (n == 2 && memcmp(at, "..", 2) == 0) {
            if (!length)
                return -EINVAL;
            const char *slash = memrchr(name, '/', length);
            length = slash ? (size_t)(slash - name) : 0;
        } else if (n && !(n == 1 && *at == '.')) {
            if (length)
                name[length++] = '/';
            memcpy(name + length, at, n);
            length += n;
        }
        at += n + (at[n] == '/');
    }
    name[length] = '\0';
    return 0;
}

static int resolve(struct arena *arena, const char *directory, size_t length, const char *raw,
                   const char **name)
{
    if (length + strlen(raw) >= PATH_MAX)
        return refuse(-ENAMETOOLONG, "the archive has a name of more than %d bytes: %.60s",
                      PATH_MAX, raw);
    char *text = arena_alloc(arena, length + strlen(raw) + 2);
    memcpy(text, directory, length);
    *name = text;
    return *raw == '/' || append(text, length, raw) < 0 ? outside(raw) : 0;
}

int member_name(struct arena *arena, const char *raw, const char **name)
{
    return resolve(arena, "", 0, raw, name);
}

int member_link(struct arena *arena, const char *name, const char *target, const char **to)
{
    const char *slash = strrchr(name, '/');
    return resolve(arena, name, slash ? (size_t)(slash - name) : 0, target, to);
}

int members_add(struct members *members, const char *name, struct blob *blob, const char *target)
{
    if (++members->count > MOST)
        return refuse(-E2BIG, "the archive has more than %d members: it is none of images", MOST);
    struct member *member = arena_alloc(members->arena, sizeof *member);
    *member = (struct member){.name = name, .blob = blob, .target = target};
    struct member **there = tsearch(member, &members->tree, compare);
    if (!there)
        return fail(-ENOMEM, "read the archive");
    const struct member *other = *there;
    if (other == member ||
        (other->blob == blob && (other->target == target || text_equal(other->target, target))))
        return 0;
    return refuse(-EEXIST, "the archive has %.80s twice, with different content", name);
}

struct blob *members_find(const struct members *members, const char *name)
{
    for (int i = 0; i < LINKS; i++) {
        struct member wanted = {.name = name}, **found = tfind(&wanted, &members->tree, compare);
        if (!found || !(*found)->target)
            return found ? (*found)->blob : NULL;
        name = (*found)->target;
    }
    return NULL;
}

static void nothing(void *member)
{
    (void)member; /* is the arena's */
}

void members_free(struct members *members)
{
    tdestroy(members->tree, nothing);
    members->tree = NULL;
}
