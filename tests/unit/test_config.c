/* config.json: what is wrong is refused with its JSON pointer, and what is right ends where it belongs. */
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "spec/config_decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A configuration with PROCESS, LINUX and REST, members in single quotes, each with a comma in front. */
static int decode(struct config *config, const char *process, const char *linux_, const char *rest)
{
    char text[4096];
    int n = snprintf(text, sizeof text,
                     "{'ociVersion': '1.3.0', 'root': {'path': 'rootfs'}, 'process': {'args': ['id'], 'cwd': '/'%s}, "
                     "'linux': {'namespaces': [{'type': 'mount'}]%s}%s}", process, linux_, rest);
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    error_clear();
    return config_decode(config, text, (size_t)n, "config.json");
}

static const struct wrong {
    const char *process, *linux_, *rest, *reason;
} wrongs[] = {
    {"", "", ", 'annotations': {'a/b~c': 1}", "/annotations/a~1b~0c: expected a string"},
    {"", ", 'sysctl': {'net/ipv4/x': null}", "", "/linux/sysctl/net~1ipv4~1x: expected a string"},
    {"", "", ", 'mounts': [{'type': 'tmpfs'}]", "/mounts/0/destination: is missing"},
    {"", "", ", 'mounts': [{'destination': '/a'}]", "/mounts/0/type: expected a file system's name"},
    {"", "", ", 'mounts': [{'destination': '/a', 'options': ['rbind']}]", "/mounts/0/source: is missing"},
    {"", "", ", 'mounts': [{'destination': '/a', 'type': 'tmpfs', 'uidMappings': [{'size': 1}]}]",
     "/mounts/0: expected uidMappings and gidMappings, or neither"},
    {"", "", ", 'mounts': [{'destination': '/a', 'type': 'tmpfs', 'uidMappings': [{'size': 0}]}]",
     "/mounts/0/uidMappings/0: expected a size of 1 or more"},
    {", 'scheduler': {}", "", "", "/process/scheduler/policy: is missing"},
    {", 'scheduler': {'policy': 'SCHED_SLOW'}", "", "", "/process/scheduler/policy: expected SCHED_OTHER, SCHED_FIFO"},
    {", 'scheduler': {'policy': 'SCHED_ISO'}", "", "", "/process/scheduler/policy: Linux has no SCHED_ISO"},
    {", 'scheduler': {'policy': 'SCHED_OTHER', 'nice': 20}", "", "", "/process/scheduler/nice: expected -20 to 19"},
    {", 'scheduler': {'policy': 'SCHED_RR', 'priority': 100}", "", "", "/process/scheduler/priority: expected 0 to 99"},
    {", 'scheduler': {'policy': 'SCHED_RR', 'flags': ['SCHED_FLAG_RECLAIM', 'X']}", "", "",
     "/process/scheduler/flags/1: expected SCHED_FLAG_RESET_ON_FORK, "},
    {", 'scheduler': {'policy': 'SCHED_DEADLINE', 'runtime': -1}", "", "",
     "/process/scheduler/runtime: expected an integer of 0 or more"},
    {", 'ioPriority': {'class': 'IOPRIO_CLASS_BE'}", "", "", "/process/ioPriority/priority: is missing"},
    {", 'ioPriority': {'priority': 1}", "", "", "/process/ioPriority/class: is missing"},
    {", 'ioPriority': {'class': 'BE', 'priority': 1}", "", "",
     "/process/ioPriority/class: expected IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE"},
    {", 'ioPriority': {'class': 'IOPRIO_CLASS_BE', 'priority': 8}", "", "", "/process/ioPriority/priority: expected 0 to 7"},
    {", 'execCPUAffinity': {'initial': '3-1'}", "", "", "/process/execCPUAffinity/initial: expected a list such as 0-3,7"},
    {"", ", 'memoryPolicy': {'nodes': '0'}", "", "/linux/memoryPolicy/mode: is missing"},
    {"", ", 'memoryPolicy': {'mode': 'MPOL_BIND', 'nodes': '1024'}", "", "/linux/memoryPolicy/nodes: expected a list"},
    {"", ", 'memoryPolicy': {'mode': 'MPOL_BIND', 'flags': ['']}", "",
     "/linux/memoryPolicy/flags/0: expected MPOL_F_NUMA_BALANCING, MPOL_F_RELATIVE_NODES or MPOL_F_STATIC_NODES"},
    {"", ", 'personality': {}", "", "/linux/personality/domain: is missing"},
    {"", ", 'personality': {'domain': 'BSD'}", "", "/linux/personality/domain: expected LINUX or LINUX32"},
    {"", ", 'personality': {'domain': 'LINUX', 'flags': ['ADDR_NO_RANDOMIZE']}", "",
     "/linux/personality/flags: expected no flags"},
    {"", ", 'resources': {'memory': {'kernel': 'x'}}", "", "/linux/resources/memory/kernel: expected an integer"},
    {"", ", 'resources': {'memory': {'useHierarchy': 1}}", "", "/linux/resources/memory/useHierarchy: expected true or false"},
    {"", ", 'resources': {'memory': {'disableOOMKiller': 1}}", "",
     "/linux/resources/memory/disableOOMKiller: expected true or false"},
    {"", ", 'resources': {'cpu': {'realtimeRuntime': '1'}}", "", "/linux/resources/cpu/realtimeRuntime: expected an integer"},
    {"", ", 'resources': {'blockIO': {'leafWeight': 10}}", "", "/linux/resources/blockIO/leafWeight: Linux has none since 5.0"},
    {"", ", 'resources': {'blockIO': {'weightDevice': [{'major': 8, 'minor': 0}]}}", "",
     "/linux/resources/blockIO/weightDevice/0/weight: is missing"},
    {"", ", 'resources': {'blockIO': {'weightDevice': [{'weight': 0}]}}", "",
     "/linux/resources/blockIO/weightDevice/0/weight: expected 1 to 65535"},
    {"", ", 'resources': {'hugepageLimits': [{'limit': 1}]}", "", "/linux/resources/hugepageLimits/0/pageSize: is missing"},
    {"", ", 'resources': {'hugepageLimits': [{'pageSize': '2MB', 'limit': -1}]}", "",
     "/linux/resources/hugepageLimits/0/limit: expected an integer of 0 or more"},
    {"", ", 'resources': {'rdma': {'a/b': {}}}", "", "/linux/resources/rdma/a~1b: expected hcaHandles or hcaObjects"},
    {"", ", 'resources': {'rdma': {'a': {'hcaObjects': 4294967296}}}", "",
     "/linux/resources/rdma/a/hcaObjects: expected 0 to 4294967295"},
    {"", ", 'resources': {'network': {'classID': -1}}", "", "/linux/resources/network/classID: expected 0 to 4294967295"},
    {"", ", 'resources': {'network': {'priorities': [{'priority': 1}]}}", "",
     "/linux/resources/network/priorities/0/name: is missing"},
    {"", ", 'intelRdt': {'closID': 'a/b'}", "", "/linux/intelRdt/closID: expected a name, or /"},
    {"", ", 'intelRdt': {'closID': '..'}", "", "/linux/intelRdt/closID: expected a name, or /"},
    {"", ", 'intelRdt': {'l3CacheSchema': 'MB:0=1'}", "", "/linux/intelRdt/l3CacheSchema: expected one line such as L3:"},
    {"", ", 'intelRdt': {'memBwSchema': 'MB:0=1\\nMB:1=1'}", "", "/linux/intelRdt/memBwSchema: expected one line such as MB:"},
    {"", ", 'intelRdt': {'schemata': ['L2:0=f', 'x']}", "", "/linux/intelRdt/schemata/1: expected one line"},
    {"", ", 'intelRdt': {'enableMonitoring': 1}", "", "/linux/intelRdt/enableMonitoring: expected true or false"},
    {"", ", 'netDevices': {'eth0%d': {}}", "", "/linux/netDevices/eth0%d: expected the name of a network device as key"},
    {"", ", 'netDevices': {'0123456789abcdef': {}}", "", "/linux/netDevices/0123456789abcdef: expected the name"},
    {"", ", 'netDevices': {'eth0': {'name': 'a b'}}", "", "/linux/netDevices/eth0/name: expected the name"},
    {"", ", 'netDevices': {'eth0': {'name': 'a%s'}}", "", "/linux/netDevices/eth0/name: expected the name"},
    {"", ", 'netDevices': {'eth0': 'eth1'}", "", "/linux/netDevices/eth0: expected an object"},
    {"", ", 'timeOffsets': {'monotonic': {'secs': 1}}", "", "/linux/timeOffsets: need a new time namespace"},
    {"", ", 'timeOffsets': {'monotonic': {'nanosecs': 1000000000}}", "",
     "/linux/timeOffsets/monotonic: expected seconds of 32 bits and 0 to 999999999 nanoseconds"},
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        auto_arena arena = {0};
        struct config config = {.arena = &arena};
        int r = decode(&config, wrongs[i].process, wrongs[i].linux_, wrongs[i].rest);
        if (r >= 0 || !strstr(error_text(), wrongs[i].reason))
            fail_msg("%zu: wanted \"%s\", got %d \"%s\"", i, wrongs[i].reason, r, error_text());
    }
    error_clear();
}

static void what_is_right_is_read(void **state)
{
    (void)state;
    auto_arena arena = {0};
    struct config config = {.arena = &arena};
    assert_int_equal(decode(&config,
                            ", 'scheduler': {'policy': 'SCHED_OTHER', 'nice': -20, 'flags': ['SCHED_FLAG_UTIL_CLAMP_MAX']}"
                            ", 'execCPUAffinity': {'initial': '', 'final': '0-3,65'}",
                            ", 'memoryPolicy': {'mode': 'MPOL_LOCAL'}", ", 'annotations': {'a/b': 'c'}"), 0);
    assert_int_equal(config.process.scheduler.nice, -20);
    assert_int_equal(config.process.scheduler.flags, 0x40);
    assert_null(config.process.affinity_initial.text);
    assert_true(config.process.affinity_final.bits[0] == 0xf && config.process.affinity_final.bits[1] == 2);
    assert_null(config.memory_policy.nodes.text);
    assert_string_equal(config.annotations[0].key, "a/b");
    assert_string_equal(config.annotations[0].origin, "/annotations/a~1b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(what_is_right_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
