#include "spec/config.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "kernel/sys.h"

const char *const ns_names[NS_COUNT] = {
    [NS_USER] = "user", [NS_MOUNT] = "mount", [NS_PID] = "pid",       [NS_NETWORK] = "network",
    [NS_UTS] = "uts",   [NS_IPC] = "ipc",     [NS_CGROUP] = "cgroup", [NS_TIME] = "time",
};

const uint64_t ns_flags[NS_COUNT] = {
    [NS_USER] = CLONE_NEWUSER,     [NS_MOUNT] = CLONE_NEWNS, [NS_PID] = CLONE_NEWPID,
    [NS_NETWORK] = CLONE_NEWNET,   [NS_UTS] = CLONE_NEWUTS,  [NS_IPC] = CLONE_NEWIPC,
    [NS_CGROUP] = CLONE_NEWCGROUP, [NS_TIME] = CLONE_NEWTIME,
};

const char *const ns_proc_names[NS_COUNT] = {
    [NS_USER] = "user", [NS_MOUNT] = "mnt", [NS_PID] = "pid",       [NS_NETWORK] = "net",
    [NS_UTS] = "uts",   [NS_IPC] = "ipc",   [NS_CGROUP] = "cgroup", [NS_TIME] = "time",
};

const char *const cgroup_manager_names[MANAGER_COUNT + 1] = {
    [MANAGER_CGROUPFS] = "cgroupfs", [MANAGER_SYSTEMD] = "systemd", [MANAGER_DISABLED] = "disabled"};

const char *const upper_names[UPPER_COUNT] = {
    [UPPER_DISK] = "disk", [UPPER_MEMORY] = "memory", [UPPER_AUTO] = "auto", [UPPER_FITTING] = "fitting",
    [UPPER_COPY] = "copy"};

static const struct {
    const char *path;
    unsigned major, minor;
} defaults[] = {
    {"/dev/null", 1, 3},   {"/dev/zero", 1, 5},    {"/dev/full", 1, 7},
    {"/dev/random", 1, 8}, {"/dev/urandom", 1, 9}, {"/dev/tty", 5, 0},
};

bool config_is_default_device(const struct device_config *device)
{
    for (size_t i = 0; i < COUNT(defaults); i++)
        if (device->type == 'c' && device->major == defaults[i].major && device->minor == defaults[i].minor)
            return true;
    return false;
}

static bool has_device(const struct config *config, const char *path)
{
    for (size_t i = 0; i < config->n_devices; i++)
        if (text_equal(config->devices[i].path, path))
            return true;
    return false;
}

static void allow(struct config *config, char type, int64_t major, int64_t minor, bool use)
{
    struct resources *r = &config->resources;
    *LIST_ADD(config->arena, &r->devices, &r->n_devices) =
        (struct device_rule){true, type, major, minor, use, use, true};
}

int64_t idmaps_outside(const struct idmaps *maps, uint32_t inside)
{
    for (size_t i = 0; i < maps->count; i++)
        if (inside >= maps->list[i].inside && inside - maps->list[i].inside < maps->list[i].count)
            return (int64_t)maps->list[i].outside + (inside - maps->list[i].inside);
    return -1;
}

void config_add_default_devices(struct config *config)
{
    for (size_t i = 0; i < COUNT(defaults); i++)
        if (!has_device(config, defaults[i].path))
            *LIST_ADD(config->arena, &config->devices, &config->n_devices) = (struct device_config){
                .path = defaults[i].path, .type = 'c', .major = defaults[i].major,
                .minor = defaults[i].minor, .has_mode = true, .mode = 0666,
                .origin = "runtime-spec: default devices"};
    allow(config, 'c', -1, -1, false);
    allow(config, 'b', -1, -1, false);
    for (size_t i = 0; i < COUNT(defaults); i++)
        allow(config, 'c', defaults[i].major, defaults[i].minor, true);
    allow(config, 'c', 5, 1, true);    /* /dev/console */
    allow(config, 'c', 5, 2, true);    /* /dev/ptmx */
    allow(config, 'c', 136, -1, true); /* pseudo-terminals */
}
