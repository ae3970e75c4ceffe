/* The volumes that an image declares. Its containers here are gone at their end, and what they write with them; so a volume of no
 * name, which others keep beside the container and remove with it, is a directory of the container's own: it has what the image
 * has there, it is made where the image has none, and it can be written even where the rest of the root cannot. What the user
 * mounts there, or above it, is there in its place. */
#include "base/error.h"
#include "base/text.h"
#include "engine/request.h"

#include <string.h>

static int check(const char *path)
{
    bool below = *path == '/' && path[strspn(path, "/.")] != '\0';
    for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/')
        below = below && !(p[0] == '.' && p[1] == '.' && (p[2] == '/' || !p[2]));
    return below ? 0 : refuse(-EINVAL, "the image's volume %.200s: not an absolute path below /", path);
}

static bool is_mounted(const struct config *config, const char *path)
{
    for (size_t i = 0; i < config->n_mounts; i++)
        if (text_path_covers(config->mounts[i].destination, path))
            return true;
    return false;
}

int request_volumes(struct request *r)
{
    size_t count = 0;
    for (char **path = r->context->image ? r->context->image->volumes : NULL; path && *path; path++) {
        TRY(check(*path));
        if (!is_mounted(r->config, *path))
            *LIST_ADD(r->arena, &r->config->volumes, &count) = *path;
    }
    if (count)
        *LIST_ADD(r->arena, &r->config->volumes, &count) = NULL;
    return 0;
}
