/* How overlayfs says what a layer takes away of those below it: a name, by a character device 0:0, and all that a directory has there,
 * by an extended attribute (Documentation/filesystems/overlayfs.rst). */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* Which attribute it is depends on who makes the overlay: in a user namespace, with the option userxattr, the second. */
#define OVERLAY_OPAQUE "trusted.overlay.opaque"
#define OVERLAY_OPAQUE_USER "user.overlay.opaque"

static inline bool overlay_is_whiteout(const struct stat *st)
{
    return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

/* By the attribute MARK. DIRECTORY is open for reading. */
static inline bool overlay_is_opaque(int directory, const char *mark)
{
    char value;
    return fgetxattr(directory, mark, &value, 1) == 1 && value == 'y';
}
