/* The order of giving: owner, mode, extended attributes, time. A new owner clears set-id bits and capabilities(7), an ACL is
 * finer than the mode. What is right already is not set again: most files of most images are root's, with the mode that they
 * were made with, and each call would be a transaction of the file system. */
#include "archive/attributes.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <archive_entry.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- extended attributes ---- */

/* Of overlayfs: a layer that had them could make directories opaque, or redirect names to others (CVE-2021-3847 and its kin). */
static bool xattr_is_ours(const char *name)
{
    return text_after(name, "user.overlay.") || text_after(name, "trusted.");
}

static int xattr_add(struct attributes *attributes, const char *name, const void *value, size_t size)
{
    size_t length = strlen(name) + 1;
    char *grown = realloc(attributes->xattrs, attributes->xattrs_size + length + sizeof size + size);
    if (!grown)
        return -ENOMEM;
    char *to = grown + attributes->xattrs_size;
    memcpy(to, name, length);
    memcpy(to + length, &size, sizeof size);
    if (size)
        memcpy(to + length + sizeof size, value, size);
    attributes->xattrs = grown;
    attributes->xattrs_size += length + sizeof size + size;
    return 0;
}

struct xattr {
    const char *name, *value;
    size_t size;
};

/* The one at *AT, which becomes the next one's place. */
static bool xattr_next(const struct attributes *attributes, size_t *at, struct xattr *xattr)
{
    if (*at >= attributes->xattrs_size)
        return false;
    xattr->name = attributes->xattrs + *at;
    const char *size = xattr->name + strlen(xattr->name) + 1;
    memcpy(&xattr->size, size, sizeof xattr->size);
    xattr->value = size + sizeof xattr->size;
    *at = (size_t)(xattr->value + xattr->size - attributes->xattrs);
    return true;
}

/* Where to set them: an open file; or, FD < 0, a link's own, in the working directory. */
static int xattrs_set(const struct attributes *attributes, int fd, const char *link, const struct attributes_policy *policy)
{
    struct xattr x;
    for (size_t at = 0; xattr_next(attributes, &at, &x);) {
        int r = fd >= 0 ? fsetxattr(fd, x.name, x.value, x.size, 0) : lsetxattr(link, x.name, x.value, x.size, 0);
        if (r < 0 && errno != ENOTSUP && errno != EPERM)
            return -errno;
        *policy->skipped += r < 0;
    }
    return 0;
}

/* ---- from where ---- */

static int entry_xattrs(struct attributes *attributes, struct archive_entry *entry)
{
    const char *name;
    const void *value;
    size_t size;
    if (archive_entry_xattr_reset(entry) == 0)
        return 0;
    while (archive_entry_xattr_next(entry, &name, &value, &size) == 0)
        if (name && !xattr_is_ours(name) && !text_equal(name, ATTRIBUTES_OVERRIDE))
            TRY(xattr_add(attributes, name, value, size));
    return 0;
}

int attributes_of_entry(struct attributes *attributes, struct archive_entry *entry, const char *name)
{
    int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
    if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
        return refuse(-EINVAL, "%.200s: no ids: owner %lld, group %lld", name, (long long)uid, (long long)gid);
    long nanoseconds = archive_entry_mtime_nsec(entry);
    bool timed = archive_entry_mtime_is_set(entry) && nanoseconds >= 0 && nanoseconds < 1000000000;
    *attributes = (struct attributes){.mode = archive_entry_perm(entry) & 07777,
                                      .uid = (uid_t)uid,
                                      .gid = (gid_t)gid,
                                      .mtime = {.tv_sec = archive_entry_mtime(entry),
                                                .tv_nsec = timed ? nanoseconds : UTIME_OMIT}};
    int r = entry_xattrs(attributes, entry);
    return r < 0 ? fail(r, "%.200s", name) : 0;
}

static int file_xattr(struct attributes *attributes, int fd, const char *name)
{
    char *value = NULL;
    ssize_t size = fgetxattr(fd, name, NULL, 0);
    auto_free void *owned = size > 0 ? value = malloc((size_t)size) : NULL;
    if (size > 0)
        size = value ? fgetxattr(fd, name, value, (size_t)size) : -1;
    return size < 0 ? -errno : xattr_add(attributes, name, owned, (size_t)size);
}

/* With one id the owner on disk says nothing: the true one comes along as an attribute. */
int attributes_of_file(struct attributes *attributes, int fd, const struct attributes_policy *policy)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    *attributes = (struct attributes){.mode = st.st_mode & 07777,
                                      .uid = policy->flat ? 0 : st.st_uid,
                                      .gid = policy->flat ? 0 : st.st_gid,
                                      .mtime = st.st_mtim};
    auto_free char *names = malloc(XATTR_LIST_MAX);
    if (!names)
        return -ENOMEM;
    ssize_t n = flistxattr(fd, names, XATTR_LIST_MAX);
    if (n < 0 && errno != ENOTSUP)
        return -errno;
    for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1)
        if (!xattr_is_ours(name))
            TRY(file_xattr(attributes, fd, name));
    return 0;
}

/* ---- onto what ---- */

/* The set-id bits of a file that belongs to the caller alone would be his, for everybody. */
mode_t attributes_mode(const struct attributes_policy *policy, mode_t mode, bool directory)
{
    return policy->flat ? (mode & 01777) | (directory ? 0700 : 0600) : mode;
}

static int record_override(const struct attributes *attributes, int fd, mode_t on_disk, const struct attributes_policy *policy)
{
    char text[64];
    if (!attributes->uid && !attributes->gid && on_disk == attributes->mode)
        return 0;
    int length = snprintf(text, sizeof text, "%u:%u:0%o", attributes->uid, attributes->gid, attributes->mode);
    if (fsetxattr(fd, ATTRIBUTES_OVERRIDE, text, (size_t)length, 0) == 0)
        return 0;
    if (errno != ENOTSUP && errno != EPERM)
        return -errno;
    (*policy->skipped)++;
    return 0;
}

int attributes_apply(const struct attributes *attributes, int fd, const struct attributes_policy *policy)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    mode_t mode = attributes_mode(policy, attributes->mode, S_ISDIR(st.st_mode));
    bool chown = !policy->flat && (st.st_uid != attributes->uid || st.st_gid != attributes->gid);
    if (chown && fchown(fd, attributes->uid, attributes->gid) < 0)
        return -errno;
    if (((st.st_mode & 07777) != mode || (chown && mode & 06000)) && fchmod(fd, mode) < 0)
        return -errno;
    TRY(xattrs_set(attributes, fd, NULL, policy));
    if (policy->flat)
        TRY(record_override(attributes, fd, mode, policy));
    return futimens(fd, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, attributes->mtime}) < 0 ? -errno : 0;
}

int attributes_apply_at(const struct attributes *attributes, int dir, const char *name, bool link,
                        const struct attributes_policy *policy)
{
    if (!policy->flat && fchownat(dir, name, attributes->uid, attributes->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (!link && fchmodat(dir, name, attributes_mode(policy, attributes->mode, false), 0) < 0)
        return -errno;
    if (attributes->xattrs_size) {
        if (fchdir(dir) < 0)
            return -errno;
        TRY(xattrs_set(attributes, -1, name, policy));
    }
    return utimensat(dir, name, (struct timespec[]){{.tv_nsec = UTIME_OMIT}, attributes->mtime}, AT_SYMLINK_NOFOLLOW) < 0
               ? -errno
               : 0;
}

void attributes_free(struct attributes *attributes)
{
    free(attributes->xattrs);
    attributes->xattrs = NULL;
    attributes->xattrs_size = 0;
}
