/* Mounts through fds (open_tree, fsopen, move_mount, mount_setattr: Linux 5.12 and older), so that no
 * path of a hostile root is ever walked twice. Bare calls: no allocation, no sentence; INIT's. */
#pragma once

#include "kernel/sys.h"

#include <stdbool.h>

/* A detached copy of the mount at PATH (below DIR, or DIR itself when PATH is ""). */
int mount_clone(int dir, const char *path, bool recursive);

/* The same; where PATH ends in a link it is that, and not what it leads to. */
int mount_clone_link(int dir, const char *path, bool recursive);

/* A detached new file system. SETTINGS: keys and values in pairs, NULL-terminated, may be NULL. */
int mount_create(const char *type, const char *const *settings, uint64_t attributes);

/* Changes the SETTINGS of the file system that is mounted at MOUNT. */
int mount_reconfigure(int mount, const char *const *settings);

/* Attaches a detached mount over the directory or file that TARGET is. */
int mount_attach(int mount, int target);

/* Attributes of a mount, or of it and everything below it. */
int mount_attributes(int mount, bool recursive, uint64_t set, uint64_t clear, uint64_t propagation);
/* Maps the ids of a detached mount through the user namespace USERNS. */
int mount_idmap(int mount, bool recursive, int userns);

/* Opens PATH inside ROOT (O_PATH), making what is missing: directories, and at the end a directory
 * or an empty file. STRICT: no symlink anywhere in it, for the kernel's own file systems
 * (CVE-2019-19921, CVE-2023-27561: a /proc that is a symlink). */
int mount_target(int root, const char *path, bool directory, bool strict);

/* Opens the link that PATH inside ROOT is. -ENOENT where there is nothing, -EINVAL where it is no link, -EXDEV where it is
 * the kernel's own, in a procfs: what is mounted there stands in for a process. */
int mount_target_link(int root, const char *path);

/* Whether a mount has its root at PATH below DIR, or at DIR itself when PATH is "": 1 or 0 (statx(2), Linux 5.8). A link at its
 * end is not followed. */
int mount_is_mountpoint(int dir, const char *path);

/* Verifies that FD is the root of a procfs: fstatfs magic and inode 1 (CVE-2019-16884). */
int mount_is_proc(int fd);
