/* What lies in the layers comes from tars that were just as hostile: no link is followed, and nothing but directories is
 * opened on the way. */
#include "archive/below.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/overlay.h"
#include "kernel/sys.h"

#include <limits.h>
#include <string.h>

enum verdict { ABSENT, HIDDEN, FOUND };

/* PATH, of one part at least, in one layer. -errno. */
static int look(const struct below *below, int layer, const char *path, struct below_found *found)
{
    char part[NAME_MAX + 1];
    bool opaque = overlay_is_opaque(layer, below->opaque);
    auto_fd held = -1;
    for (int directory = layer;;) {
        size_t length = strcspn(path, "/");
        if (length >= sizeof part)
            return HIDDEN; /* no file system has such */
        memcpy(part, path, length);
        part[length] = '\0';
        path += length;
        if (fstatat(directory, part, &found->st, AT_SYMLINK_NOFOLLOW) < 0)
            return errno != ENOENT ? -errno : opaque ? HIDDEN : ABSENT;
        if (overlay_is_whiteout(&found->st))
            return HIDDEN;
        if (!*path++)
            return FOUND;
        if (!S_ISDIR(found->st.st_mode))
            return HIDDEN;
        int next = openat(directory, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (next < 0)
            return -errno;
        cleanup_fd(&held);
        directory = held = next;
        opaque = opaque || overlay_is_opaque(held, below->opaque);
    }
}

int below_find(const struct below *below, const char *path, struct below_found *found)
{
    for (int i = 0; i < below->count; i++) {
        found->layer = below->layers[i];
        int verdict = *path ? look(below, found->layer, path, found) : fstat(found->layer, &found->st) < 0 ? -errno : FOUND;
        if (verdict < 0)
            return fail(verdict, "look up %.200s in layer %d below", path, i + 1);
        if (verdict != ABSENT)
            return verdict == FOUND;
    }
    return 0;
}

int below_open(int layer, const char *path)
{
    if (!*path)
        return SYS_RESULT(fcntl(layer, F_DUPFD_CLOEXEC, 0));
    return sys_openat2(layer, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0,
                       RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}
