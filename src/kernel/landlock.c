/* landlock(7). A ruleset must not name what the kernel does not know, so each right has the version of the interface that
 * brought it. */
#include "kernel/landlock.h"

#include "base/cleanup.h"
#include "kernel/sys.h"

#include <sys/stat.h>

static uint64_t handled(int version)
{
    uint64_t rights = (UINT64_C(1) << 13) - 1; /* all of version 1 */
    rights |= version >= 2 ? SYS_LANDLOCK_REFER : 0;
    rights |= version >= 3 ? SYS_LANDLOCK_TRUNCATE : 0;
    rights |= version >= 5 ? SYS_LANDLOCK_IOCTL_DEV : 0;
    return rights;
}

/* What RULE allows on what its fd is: rights of directories are an error on files. */
static uint64_t allowed(const struct landlock_rule *rule, uint64_t known)
{
    const uint64_t of_files = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | SYS_LANDLOCK_TRUNCATE;
    uint64_t rights = 0;
    if (rule->rights & LANDLOCK_READS)
        rights |= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    if (rule->rights & LANDLOCK_WRITES)
        rights |= LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                  SYS_LANDLOCK_TRUNCATE;
    struct stat status;
    if (fstat(rule->fd, &status) == 0 && !S_ISDIR(status.st_mode))
        rights &= of_files;
    return rights & known;
}

int landlock_confine(const struct landlock_rule *rules, size_t count)
{
    int version = sys_landlock_version();
    if (version < 1)
        return -ENOSYS;
    struct sys_landlock_ruleset set = {
        .files = handled(version),
        .net = version >= 4 ? 1 : 0,   /* LANDLOCK_ACCESS_NET_BIND_TCP */
        .scoped = version >= 6 ? 3 : 0, /* abstract sockets, signals */
    };
    auto_fd ruleset = sys_landlock_create(&set, version >= 6 ? sizeof set : version >= 4 ? 16 : 8);
    if (ruleset < 0)
        return ruleset;
    for (size_t i = 0; i < count; i++) {
        struct landlock_path_beneath_attr rule = {.allowed_access = allowed(&rules[i], set.files),
                                                  .parent_fd = rules[i].fd};
        int r = sys_landlock_add(ruleset, &rule);
        if (r < 0)
            return r;
    }
    return sys_landlock_restrict(ruleset);
}
