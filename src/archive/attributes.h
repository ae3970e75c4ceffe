/* What belongs to a file beside its bytes: owner, mode, time, extended attributes. From a tar's entry or from a file of a
 * layer below, and onto a file. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct archive_entry;

struct attributes {
    mode_t mode; /* the twelve bits */
    uid_t uid;
    gid_t gid;
    struct timespec mtime; /* tv_nsec UTIME_OMIT: unknown */
    size_t xattrs_size;
    char *xattrs; /* name, NUL, size_t, value; again */
};

/* How they are given. */
struct attributes_policy {
    bool flat; /* by a process with one id: owners, and modes that it could not work with, are recorded in an attribute */
    uint64_t *skipped; /* counts what the file system or the kernel would not store */
};

/* The attribute that records them: "UID:GID:0MODE", as fuse-overlayfs and Podman know it. */
#define ATTRIBUTES_OVERRIDE "user.containers.override_stat"

/* What is on disk of a MODE. */
mode_t attributes_mode(const struct attributes_policy *policy, mode_t mode, bool directory);

/* Of an entry. trusted.*, the attributes of overlayfs and the override are not an image's to give, and left out. Xattrs are
 * malloc'd. NAME is for the sentence; -errno: ids that are none. */
int attributes_of_entry(struct attributes *attributes, struct archive_entry *entry, const char *name);

/* Of an open file of a layer that was unpacked with the same policy; those of overlayfs are left out. -errno, no sentence. */
int attributes_of_file(struct attributes *attributes, int fd, const struct attributes_policy *policy);

/* Onto an open file or directory; all, or -errno without a sentence. */
int attributes_apply(const struct attributes *attributes, int fd, const struct attributes_policy *policy);

/* Onto what is NAME in the directory DIR and cannot be opened: a link or a node. */
int attributes_apply_at(const struct attributes *attributes, int dir, const char *name, bool link,
                        const struct attributes_policy *policy);

void attributes_free(struct attributes *attributes);
#define auto_attributes __attribute__((cleanup(attributes_free))) struct attributes
