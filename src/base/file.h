/* Whole files, relative to directory fds. Every fd returned is O_CLOEXEC and owned by the caller. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Reads all of a regular or /proc-like file, at most MAX bytes, NUL-terminated. Caller frees *TEXT.
 * Returns the length, or -errno with a sentence (-EFBIG above MAX). */
ssize_t file_read(int dir, const char *path, size_t max, char **text);

/* The same of the file that an operand names, "-" is standard input. *SHOWN is what messages call it. */
ssize_t file_read_operand(const char *operand, size_t max, char **text, const char **shown);

/* Writes all of TEXT to an existing file such as a cgroup or sysctl knob, in one write(2).
 * Allocates nothing and leaves no sentence, so INIT may call it. */
int file_put(int dir, const char *path, const char *text);

/* Creates or replaces a file: written beside it, then renamed over it. */
int file_replace(int dir, const char *path, const void *bytes, size_t size, mode_t mode);
/* The same, so that a power cut leaves the old one or the new one, and after it returned the new one. */
int file_replace_synced(int dir, const char *path, const void *bytes, size_t size, mode_t mode);

/* Writes everything, through short writes and EINTR. No sentence. */
int fd_write_all(int fd, const void *bytes, size_t size);

/* Sends TEXT, not empty, with FD over SOCKET, in one message. -1 and errno. */
int fd_send(int socket, int fd, const char *text);

/* mkdir -p; existing directories are left as they are. */
int dir_make(const char *path, mode_t mode);

/* Makes the directory NAME in DIR, an fd, for a tree that has nothing to do with others there, and tells the file system so, where it
 * takes such a hint (chattr(1) +T, which DIR has afterwards). No sentence. */
int dir_make_apart(int dir, const char *name, mode_t mode);

/* Calls EACH for every entry of the directory DIR, an fd that can be read, but "." and ".."; TYPE is a DT_*, or
 * DT_UNKNOWN. Ends with the first negative result. Allocates nothing and leaves no sentence, so INIT may call it. */
typedef int dir_visitor(int dir, const char *name, unsigned char type, void *data);
int dir_each(int dir, dir_visitor *each, void *data);

/* rm -rf below and including PATH, never following links, never crossing into a mount of another
 * device. Missing is success. */
int tree_remove(int dir, const char *path);
