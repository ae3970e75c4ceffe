#!/usr/bin/env bats
# Devices and the kernel's other doors: nodes, release agents, core patterns.
load escape

# weakened: nodes_of_root
@test "device nodes of a root, of an image's layer and of a volume cannot be opened in the default container" {
    require root
    in_work
    plain_root
    mkdir volume
    device=$(openable)
    # shellcheck disable=SC2086
    mknod -m 666 rootfs/node $device && mknod -m 666 volume/node $device
    for root in rootfs rootfs:O; do
        # shellcheck disable=SC2016
        run bocal run --rootfs "$work/$root" -v "$work/volume:/volume" /bin/sh -c 'for n in /node /volume/node; do test -c $n && (: <$n) 2>/dev/null && echo "opened $n"; done; : </dev/null && echo fine'
        ran
        [ "$output" = fine ]
    done
    run bocal run -v "$work/volume:/volume" --upper disk /bin/sh -c '(: </volume/node) 2>/dev/null && echo opened; : </dev/null && echo fine'
    [ "$output" = fine ]
}

# weakened: no_device_rules
@test "device nodes of a root cannot be opened without a user namespace either, nor those made inside" {
    require root
    in_work
    [ -d /sys/fs/cgroup/devices ] || is_v2 || skip "needs device rules"
    device=$(openable)
    bundle "(: </node) 2>/dev/null && echo opened; mknod /made $device; (: </made) 2>/dev/null && echo opened; : </dev/null && echo fine" \
        "c['process']['capabilities'] = {k: ['CAP_MKNOD', 'CAP_DAC_OVERRIDE'] for k in ('bounding', 'effective', 'permitted')}"
    applets mknod
    # shellcheck disable=SC2086
    mknod -m 666 rootfs/node $device
    run oci run d-$$ </dev/null
    ran
    lacks opened
    contains fine
    # shellcheck disable=SC2086
    run bocal run --userns host --rootfs "$work/rootfs" /bin/sh -c '(: </node) 2>/dev/null && echo opened; : </dev/null && echo fine'
    [ "$output" = fine ]
}

# weakened: no_userns_device_rules
@test "device nodes in a bundle's volume: its rules hold with a user namespace, too" {
    require root
    in_work
    [ -d /sys/fs/cgroup/devices ] || is_v2 || skip "needs device rules"
    device=$(openable)
    chmod 711 "$work"
    mkdir volume
    # shellcheck disable=SC2086
    mknod -m 666 volume/node $device
    mkdir -p rootfs/volume
    bundle "(: </volume/node) 2>/dev/null && echo opened; : </dev/null && echo fine" "
c['linux']['namespaces'].append({'type': 'user'})
c['linux']['uidMappings'] = c['linux']['gidMappings'] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]
c['mounts'].append({'destination': '/volume', 'type': 'bind', 'source': '$work/volume', 'options': ['rbind']})"
    for rules in deny allow; do
        run oci run d-$$ </dev/null
        ran
        contains fine
        [ $rules = allow ] || lacks opened
        [ $rules = deny ] || contains opened
        RULES=$device python3 -c "
import json, os
c = json.load(open('config.json'))
kind, major, minor = os.environ['RULES'].split()
c['linux']['resources'] = {'devices': [{'allow': False, 'access': 'rwm'}, {'allow': True, 'type': kind, 'major': int(major), 'minor': int(minor), 'access': 'rw'}]}
json.dump(c, open('config.json', 'w'))"
    done
}

# weakened: whole_hierarchy
@test "CVE-2022-0492: no release agent, and no cgroup but the container's own" {
    require root
    require v1
    in_work
    bundle 'find /sys/fs/cgroup -name release_agent; find /sys/fs/cgroup -mindepth 2 -maxdepth 2 -type d | wc -l; cat /sys/fs/cgroup/pids/cgroup.procs | wc -l' \
        "c['mounts'].append({'destination': '/sys/fs/cgroup', 'type': 'cgroup', 'source': 'cgroup', 'options': ['ro']})"
    applets find wc cat
    run oci run d-$$ </dev/null
    ran
    lacks release_agent
    [ "${lines[0]}" = 0 ]
    run bocal run --userns host --memory 64m /bin/find /sys/fs/cgroup -name release_agent
    ran
    [ -z "$output" ]
}

# weakened: skip_masks
@test "core_pattern, sysrq-trigger, uevent_helper and their like cannot be written to by root without a user namespace" {
    require root
    in_work
    # shellcheck disable=SC2016
    run bocal run --userns host /bin/sh -c 'for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sysrq-trigger /sys/kernel/uevent_helper /proc/sys/vm/panic_on_oom; do
        test -e $f && (: >>$f) 2>/dev/null && echo "opened $f"; done; echo fine'
    ran
    [ "$output" = fine ]
}
