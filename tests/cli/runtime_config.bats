#!/usr/bin/env bats
# bocal-runtime: properties of config.json, read back inside the container.
load helpers
load bundles

# inside COMMAND [PYTHON]: what the shell COMMAND prints in a container of the bundle that PYTHON changes.
inside() {
    bundle "$@"
    run oci run "config-$$" </dev/null
    [ "$status" = 0 ] || { echo "$output"; return 1; }
}

@test "scheduler, ioPriority and personality" {
    require root
    inside 'set -- $(busybox cat /proc/self/stat); shift 18; echo nice $1; shift 22; echo policy $1
            busybox ionice -p 1; busybox uname -m' "
c['process']['scheduler'] = {'policy': 'SCHED_BATCH', 'nice': 5}
c['process']['ioPriority'] = {'class': 'IOPRIO_CLASS_BE', 'priority': 6}
c['linux']['personality'] = {'domain': 'LINUX32'}"
    [ "${lines[0]}" = "nice 5" ]
    [ "${lines[1]}" = "policy 3" ]
    [ "${lines[2]}" = "best-effort: prio 6" ]
    [ "$(uname -m)" != x86_64 ] || [ "${lines[3]}" = i686 ]
}

@test "scheduler of a container with a user namespace of its own, which could not ask for it" {
    require root
    maps="[{'containerID': 0, 'hostID': 100000, 'size': 65536}]"
    inside 'set -- $(busybox cat /proc/self/stat); shift 39; echo real-time $1' "
c['process']['scheduler'] = {'policy': 'SCHED_RR', 'priority': 7}
if os.path.exists('/sys/fs/cgroup/cpu/cpu.rt_runtime_us'): c['linux']['resources'] = {'cpu': {'realtimeRuntime': 1000}}
c['linux']['namespaces'].append({'type': 'user'})
c['linux']['uidMappings'] = c['linux']['gidMappings'] = $maps"
    [ "${lines[0]}" = "real-time 7" ]
}

@test "time offsets, both clocks" {
    require root
    [ -e /proc/self/ns/time ] || skip "needs time namespaces"
    inside 'busybox cat /proc/self/timens_offsets /proc/uptime' "
c['linux']['namespaces'].append({'type': 'time'})
c['linux']['timeOffsets'] = {'boottime': {'secs': 1000000000}, 'monotonic': {'secs': 86400, 'nanosecs': 5}}"
    [ "$(echo ${lines[0]})" = "monotonic 86400 5" ]
    [ "$(echo ${lines[1]})" = "boottime 1000000000 0" ]
    [ "${lines[2]%%.*}" -gt 1000000000 ]
}

@test "memoryPolicy: what the kernel maps memory by" {
    require root
    [ -e /proc/self/numa_maps ] || skip "needs NUMA"
    inside 'busybox head -1 /proc/self/numa_maps' "
c['linux']['memoryPolicy'] = {'mode': 'MPOL_BIND', 'nodes': '0', 'flags': ['MPOL_F_STATIC_NODES']}"
    contains "bind=static:0"
    bundle true "c['linux']['memoryPolicy'] = {'mode': 'MPOL_BIND', 'nodes': '999'}"
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/linux/memoryPolicy: Invalid argument"
}

# at FILE: what the container's cgroup has in FILE, wherever its hierarchy is.
at() { find /sys/fs/cgroup -path "*/bocal-config-$$/$1" -exec cat {} +; }

# created PYTHON: a container of the bundle that PYTHON changes, whose cgroups can be looked at.
created() {
    bundle true "$1"
    oci create "config-$$" </dev/null >/dev/null 2>&1
}

@test "huge pages: reservations and what is used" {
    require root
    cat /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/unified/cgroup.controllers 2>/dev/null | grep -qw hugetlb ||
        [ -d /sys/fs/cgroup/hugetlb ] || skip "needs the hugetlb controller"
    [ -d /sys/kernel/mm/hugepages/hugepages-2048kB ] || skip "needs huge pages of 2MB"
    created "c['linux']['resources'] = {'hugepageLimits': [{'pageSize': '2MB', 'limit': 4194304}]}"
    [ "$(at 'hugetlb.2MB.max')$(at hugetlb.2MB.limit_in_bytes)" = 4194304 ]
    [ "$(at 'hugetlb.2MB.rsvd.max')$(at hugetlb.2MB.rsvd.limit_in_bytes)" = 4194304 ]
    oci delete --force "config-$$"
    bundle true "c['linux']['resources'] = {'hugepageLimits': [{'pageSize': '3MB', 'limit': 0}]}"
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/linux/resources/hugepageLimits/0/pageSize: this kernel has no huge pages of 3MB"
}

@test "real-time bandwidth and the OOM killer of cgroup v1; v2 refuses them by name" {
    require root
    resources="{'cpu': {'realtimeRuntime': 9500, 'realtimePeriod': 500000}, 'memory': {'disableOOMKiller': True}}"
    if is_v2; then
        require v2
        bundle true "c['linux']['resources'] = $resources"
        run oci run "config-$$" </dev/null
        [ "$status" = 1 ]
        contains "/linux/resources/memory/disableOOMKiller: cgroup v2 has no such setting"
        return
    fi
    [ -f /sys/fs/cgroup/cpu/cpu.rt_runtime_us ] || skip "needs real-time groups"
    created "c['linux']['resources'] = $resources"
    [ "$(at cpu.rt_runtime_us)" = 9500 ]
    [ "$(at cpu.rt_period_us)" = 500000 ]
    at memory.oom_control | grep -q 'oom_kill_disable 1'
    oci delete --force "config-$$"
}

@test "what no hierarchy here has is refused by name" {
    require root
    [ ! -d /sys/fs/cgroup/net_cls ] || skip "this host has it"
    bundle true "c['linux']['resources'] = {'network': {'classID': 1}}"
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/linux/resources/network/classID: no cgroup hierarchy with the net_cls controller"
}

@test "a configuration without device rules allows the default devices and no others" {
    require root
    inside 'busybox mknod /mem c 1 1; busybox mknod /null c 1 3; busybox head -c 1 /mem 2>&1; echo x >/null && echo written' "
c['process']['capabilities'] = {s: ['CAP_MKNOD', 'CAP_SYS_RAWIO', 'CAP_DAC_OVERRIDE'] for s in ('bounding', 'effective', 'permitted')}"
    contains "/mem: Operation not permitted"
    [ "${lines[1]}" = written ]
}

@test "a filter for a user who is not root and may gain privileges" {
    require root
    bundle 'busybox id -u; busybox grep -E "Seccomp:|CapEff|NoNewPrivs" /proc/self/status; busybox mkdir /tmp/x || echo no' "
c['process'].update(user={'uid': 1000, 'gid': 1000}, capabilities={'bounding': ['CAP_CHOWN']})
c['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['mkdir', 'mkdirat'], 'action': 'SCMP_ACT_ERRNO'}]}"
    run oci run filter-$$ </dev/null
    [ "$status" = 0 ]
    contains 1000
    contains "Seccomp:	2"
    contains "CapEff:	0000000000000000"
    contains "NoNewPrivs:	0"
    contains no
}
