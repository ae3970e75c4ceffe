#include "kernel/capability.h"

#include "base/arena.h"
#include "base/cleanup.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const names[] = {
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
    "CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
    "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
};

#define BIT(capability) (1ULL << (capability))
const uint64_t capability_default =
    BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_KILL) |
    BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) |
    BIT(CAP_SYS_CHROOT) | BIT(CAP_SETFCAP);

const char *capability_name(int capability)
{
    return capability >= 0 && (size_t)capability < COUNT(names) ? names[capability] : NULL;
}

int capability_parse(const char *name, uint64_t *mask)
{
    if (strcasecmp(name, "ALL") == 0) {
        *mask = CAPABILITY_ALL;
        return 0;
    }
    const char *bare = strncasecmp(name, "CAP_", 4) == 0 ? name + 4 : name;
    for (size_t i = 0; i < COUNT(names); i++)
        if (strcasecmp(names[i] + 4, bare) == 0) {
            *mask = BIT(i);
            return 0;
        }
    return -EINVAL;
}

char *capability_format(uint64_t mask, struct arena *arena)
{
    char *text = arena_strdup(arena, "");
    for (size_t i = 0; i < COUNT(names); i++)
        if (mask >> i & 1) {
            char lower[32];
            size_t n = 0;
            for (const char *p = names[i] + 4; *p; p++)
                lower[n++] = *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p;
            lower[n] = '\0';
            text = arena_printf(arena, "%s%s%s", text, *text ? ", " : "", lower);
        }
    return text;
}

/* The kernel says EINVAL beyond its own last capability. */
int capability_drop_bounding(uint64_t keep)
{
    for (int i = 0; i < 64; i++) {
        if (keep >> i & 1)
            continue;
        if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
            return errno == EINVAL ? 0 : -errno;
    }
    return 0;
}

static struct __user_cap_data_struct half(const struct capabilities *caps, int shift)
{
    return (struct __user_cap_data_struct){.effective = (uint32_t)(caps->effective >> shift),
                                           .permitted = (uint32_t)(caps->permitted >> shift),
                                           .inheritable = (uint32_t)(caps->inheritable >> shift)};
}

int capability_raise(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return -errno;
    data[0].effective = data[0].permitted;
    data[1].effective = data[1].permitted;
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* Ambient capabilities must be permitted and inheritable already: so they come last. */
int capability_apply(const struct capabilities *caps)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {half(caps, 0), half(caps, 32)};
    if (syscall(SYS_capset, &header, data) < 0 ||
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return -errno;
    for (int i = 0; i < 64; i++)
        if (caps->ambient >> i & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
            return -errno;
    return 0;
}
