#include "spec/config.h"

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
