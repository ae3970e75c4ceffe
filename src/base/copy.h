/* Copies of directories, by fds alone: nothing is looked up by a path, no symlink is followed, so that who made the
 * source may be hostile. Allocates nothing and leaves no sentence, so INIT may call it; 0 or -errno. */
#pragma once

/* What is in the directory FROM also in TO, which is empty: files with their holes, directories, symlinks, nodes;
 * with modes, owners, times and extended attributes. A directory on which something else is mounted is empty there,
 * hard links are files of their own, and ids and attributes that there are none of in TO's file system or the
 * caller's user namespace are left out, and so are the marks of overlayfs. */
int tree_copy(int from, int to);

/* Extended attributes and times of the file FROM, and PARTS of the rest. */
enum { COPY_OWNER = 1, COPY_MODE = 2 };
int attributes_copy(int from, int to, unsigned parts);

/* The entry NAME of the directory FROM, which is no directory itself, also in TO. */
int node_copy(int from, int to, const char *name);
