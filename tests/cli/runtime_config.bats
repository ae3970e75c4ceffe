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

# mounted PATH: the options and the file system's of what is mounted at PATH in the container.
mounted='mounted() { busybox awk -v at="$1" "\$5 == at { print \$6, \$NF }" /proc/self/mountinfo; }'

@test "attributes of mounts, alone and of all below" {
    require root
    mkdir -p data/below
    mount -t tmpfs tmpfs data/below
    bundle "$mounted; mounted /data; mounted /data/below; mounted /flat; mounted /t" "
c['mounts'] += [{'destination': '/data', 'source': 'data', 'options': ['rbind', 'rro', 'rnosuid', 'rnodev', 'rnoexec', 'rnosymfollow', 'rnoatime']},
                {'destination': 'flat', 'source': 'data', 'options': ['rbind', 'nosymfollow', 'ro', 'strictatime', 'loud']},
                {'destination': '/t', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['sync', 'dirsync', 'lazytime', 'mode=700', 'size=1m', 'silent']}]"
    run oci run "config-$$" </dev/null
    umount data/below
    [ "$status" = 0 ]
    [[ ${lines[0]} = ro,nosuid,nodev,noexec,noatime,nosymfollow\ * ]]
    [[ ${lines[1]} = ro,nosuid,nodev,noexec,noatime,nosymfollow\ * ]]
    [[ ${lines[2]} = ro,nosymfollow\ * ]]
    [[ ${lines[3]} = rw,relatime\ rw,sync,dirsync,lazytime,size=1024k,mode=700* ]]
}

@test "remount: attributes of what is mounted, and settings of its file system" {
    require root
    inside "$mounted; mounted /t; mounted /proc" "
c['mounts'] += [{'destination': '/t', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['size=1m']},
                {'destination': '/t', 'options': ['remount', 'noexec', 'size=2m']},
                {'destination': '/proc', 'options': ['bind', 'remount', 'nosuid', 'ro']}]"
    [[ ${lines[0]} = rw,noexec,relatime\ rw,size=2048k* ]]
    [[ ${lines[1]} = ro,nosuid,relatime\ * ]]
    bundle true "c['mounts'].append({'destination': '/bin', 'options': ['remount', 'ro']})"
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/mounts/3: Invalid argument (nothing is mounted there"
}

@test "idmap and ridmap, by maps of the mount's own and by the container's" {
    require root
    kernel=$(uname -r)
    [ "$(printf '6.3\n%s\n' "$kernel" | sort -V | head -1)" = 6.3 ] || skip "needs id-mapped tmpfs, Linux 6.3"
    mkdir -p data/below
    mount -t tmpfs tmpfs data
    mkdir data/below
    mount -t tmpfs tmpfs data/below
    touch data/file data/below/file
    chown 5:5 data/file data/below/file
    own="'uidMappings': [{'containerID': 5, 'hostID': 1005, 'size': 1}], 'gidMappings': [{'containerID': 5, 'hostID': 2005, 'size': 1}]"
    bundle 'busybox stat -c %u:%g /a/file /a/below/file /b/file /b/below/file' "
c['mounts'] += [{'destination': '/a', 'source': 'data', 'options': ['rbind', 'idmap'], $own},
                {'destination': '/b', 'source': 'data', 'options': ['rbind', 'ridmap'], $own}]"
    run oci run "config-$$" </dev/null
    first=$output
    maps="[{'containerID': 0, 'hostID': 100000, 'size': 65536}]"
    bundle 'busybox stat -c %u:%g /a/file /a/below/file /b/file' "
c['mounts'] += [{'destination': '/a', 'source': 'data', 'options': ['rbind', 'ridmap']}, {'destination': '/b', 'source': 'data', 'options': ['rbind']}]
c['linux']['namespaces'].append({'type': 'user'})
c['linux']['uidMappings'] = c['linux']['gidMappings'] = $maps"
    run oci run "config-$$" </dev/null
    umount data/below data
    [ "$(echo $first)" = "1005:2005 5:5 1005:2005 1005:2005" ]
    [ "$(echo $output)" = "5:5 5:5 65534:65534" ]
    bundle true "c['mounts'].append({'destination': '/a', 'source': 'data', 'options': ['bind', 'idmap']})"
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/mounts/3: idmap needs uidMappings and gidMappings"
}

@test "tmpcopyup: what was there, in a tmpfs" {
    require root
    mkdir -p rootfs/x/dir outside
    echo text >rootfs/x/dir/file
    echo secret >outside/file
    chown 12:34 rootfs/x/dir/file
    chmod 4755 rootfs/x/dir/file
    chmod 1777 rootfs/x
    ln -s "$work/outside" rootfs/x/away
    ln -s "$work/outside" rootfs/link
    inside "$mounted; mounted /x; busybox stat -c '%a %u:%g' /x /x/dir/file; busybox cat /x/dir/file; busybox readlink /x/away; echo new >/x/new && echo written
            mounted /ro; busybox ls /ro; echo new >/ro/new 2>&1; busybox ls /none" "
c['mounts'] += [{'destination': '/x', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['tmpcopyup', 'nosuid', 'size=1m']},
                {'destination': '/none', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['tmpcopyup']},
                {'destination': '/ro', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['tmpcopyup', 'ro']}]
import shutil; shutil.copytree('rootfs/x', 'rootfs/ro', symlinks=True, dirs_exist_ok=True)"
    [[ ${lines[0]} = rw,nosuid,relatime\ rw,size=1024k* ]]
    [ "${lines[1]}" = "1777 0:0" ]
    [ "${lines[2]}" = "4755 12:34" ]
    [ "${lines[3]}" = text ]
    [ "${lines[4]}" = "$work/outside" ]
    [ "${lines[5]}" = written ]
    [[ ${lines[6]} = ro,* ]]
    [ "${lines[7]} ${lines[8]}" = "away dir" ]
    contains "/ro/new: Read-only file system"
    [ ! -e rootfs/x/new ]
    # A destination that is a symlink stays below the root: nothing of the host's is copied.
    mkdir -p "rootfs$work/outside"
    touch "rootfs$work/outside/ours"
    bundle 'busybox ls /link' "c['mounts'].append({'destination': '/link', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['tmpcopyup']})"
    run oci run "config-$$" </dev/null
    [ "$output" = ours ]
    head -c 100000 /dev/zero >rootfs/x/big
    bundle true "c['mounts'].append({'destination': '/x', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['tmpcopyup', 'size=4k']})"
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/mounts/3: No space left on device (what is there does not fit into the tmpfs: its option size)"
}

# with_devices COMMAND...: in a network namespace of its own, which has the devices v0 and v1.
with_devices() {
    unshare -n bash -c 'ip link add v0 type veth peer name v1 2>/dev/null || exit 99
        ip link set v0 mtu 1400
        ip addr add 10.9.8.7/24 dev v0 label v0:x && ip addr add 10.9.8.8/24 dev v0
        ip addr add 10.9.9.1 peer 10.9.9.2/32 dev v0 && ip addr add 10.9.7.1/24 scope link dev v0
        ip addr add fd00::7/64 dev v0 nodad 2>/dev/null
        ip link set v0 up; ip link set v1 up
        "$@"' devices "$@"
}

@test "network devices: moved, renamed, up, with their permanent global addresses" {
    require root
    export -f oci
    export work
    bundle 'busybox ip -o addr; busybox ip link show data0 | busybox head -1' "c['linux']['netDevices'] = {'v0': {'name': 'data%d'}}"
    run with_devices bash -c "oci run config-$$ </dev/null; ip -o link show v0"
    [ "$status" != 99 ] || skip "needs veth"
    echo "$output"
    contains "10.9.8.7/24"
    contains "10.9.8.8/24"
    contains "10.9.9.1 peer 10.9.9.2/32"
    [ ! -d /proc/sys/net/ipv6 ] || contains "fd00::7/64"
    [[ $output != *10.9.7.1* ]]
    contains "mtu 1400"
    [[ $output == *data0@*,UP* ]]
    contains 'Device "v0" does not exist'
}

@test "network devices of a container with users of its own, and of one that joins a network" {
    require root
    export -f oci
    export work
    maps="[{'containerID': 0, 'hostID': 100000, 'size': 65536}]"
    bundle 'busybox ip -o addr show v0' "
c['linux']['netDevices'] = {'v0': {}}
c['linux']['namespaces'].append({'type': 'user'})
c['linux']['uidMappings'] = c['linux']['gidMappings'] = $maps"
    run with_devices bash -c "oci run config-$$ </dev/null"
    [ "$status" != 99 ] || skip "needs veth"
    [ "$status" = 0 ]
    contains "10.9.8.7/24"
    unshare -n sleep 60 &
    other=$!
    sleep 0.3
    bundle 'busybox ip -o addr show v0' "
c['linux']['netDevices'] = {'v0': {}}
c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != 'network'] + [{'type': 'network', 'path': '/proc/$other/ns/net'}]"
    run with_devices bash -c "oci run config-$$ </dev/null && ip link set v1 name v0 && oci run config-$$ </dev/null"
    kill "$other"
    [ "$status" = 1 ]
    contains "10.9.8.7/24"
    contains "/linux/netDevices/v0: File exists (a device of that name is there already"
    bundle true "c['linux']['netDevices'] = {'none': {}}"
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/linux/netDevices/none: No such device (no such network device on the host)"
}

@test "execCPUAffinity is exec's, and not the container's" {
    require root
    last=$(($(nproc --all) - 1))
    [ "$last" -gt 0 ] || skip "needs two processors"
    bundle 'busybox grep Cpus_allowed_list /proc/self/status; exec sleep 100' "c['process']['execCPUAffinity'] = {'initial': '0', 'final': '$last'}"
    oci run -d "config-$$" </dev/null >out 2>&1
    for _ in $(seq 100); do [ -s out ] && break; sleep 0.05; done
    [ "$(awk '{ print $2 }' out)" = "$(awk '/Cpus_allowed_list/ { print $2 }' /proc/self/status)" ]
    [ "$(oci exec "config-$$" busybox grep Cpus_allowed_list /proc/self/status | awk '{ print $2 }')" = "$last" ]
    echo '{"args": ["busybox", "true"], "cwd": "/", "execCPUAffinity": {"final": "1000"}}' >process.json
    run oci exec --process process.json "config-$$"
    [ "$status" != 0 ]
    contains "/process/execCPUAffinity/final: Invalid argument (none of these processors"
    echo '{"args": ["/bin/sh", "-c", "set -- $(busybox cat /proc/self/stat); shift 18; echo nice $1"], "cwd": "/", "env": ["PATH=/bin"], "scheduler": {"policy": "SCHED_OTHER", "nice": 7}}' >process.json
    run oci exec --process process.json "config-$$"
    [ "$output" = "nice 7" ]
    oci delete --force "config-$$"
}

@test "seccomp: who listens decides, and is told whose question it is" {
    require root
    bundle '[ "$(mkdir /tmp/x 2>&1)" = "" ] && echo made; exec sleep 100' 'c["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": os.path.abspath("agent"),
  "listenerMetadata": "meta\"data", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]}'
    ln -sf busybox rootfs/bin/mkdir
    mkdir rootfs/tmp
    cat >agent.py <<'PYTHON'
import array, ctypes, fcntl, json, os, socket, struct, sys
# Answers each question with success, without doing anything: seccomp_unotify(2).
s = socket.socket(socket.AF_UNIX)
s.bind("agent")
s.listen(8)
open("ready", "w")
while True:
    c, _ = s.accept()
    text, data, _, _ = c.recvmsg(65536, socket.CMSG_SPACE(4))
    fd = array.array("i", data[0][2])[0]
    open("told", "a").write(text.decode() + "\n")
    if os.fork() == 0:
        try:
            while True:
                request = bytearray(80)
                fcntl.ioctl(fd, 0xC0502100, request)  # SECCOMP_IOCTL_NOTIF_RECV
                number, = struct.unpack_from("Q", request)
                fcntl.ioctl(fd, 0xC0182101, struct.pack("QqiI", number, 0, 0, 0))  # ..._SEND
        except OSError:  # it has ended
            os._exit(0)
PYTHON
    python3 agent.py 3>&- &
    agent=$!
    for _ in $(seq 100); do [ -e ready ] && break; sleep 0.05; done
    oci create note-$$ </dev/null >out 2>&1
    oci start note-$$
    for _ in $(seq 100); do [ -s out ] && break; sleep 0.05; done
    oci exec note-$$ /bin/mkdir /tmp/y
    pkill -P $agent || true
    kill $agent
    [ "$(cat out)" = made ]
    [ -z "$(ls rootfs/tmp)" ]
    python3 - "$(oci state note-$$ | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')" <<'PYTHON'
import json, os, sys
first, second = [json.loads(line) for line in open("told")]
pid = int(sys.argv[1])
assert first["fds"] == ["seccompFd"] and first["pid"] == pid and first["metadata"] == 'meta"data', first
assert first["state"]["pid"] == pid and first["state"]["bundle"] == os.getcwd() and first["state"]["annotations"] == {"a.b": "c"}, first
assert second["state"]["pid"] == pid and second["pid"] != pid and second["state"]["status"] == "running", second
PYTHON
    oci delete --force note-$$
    rm agent
    run oci create note-$$
    [ "$status" = 1 ]
    contains "/linux/seccomp/listenerPath"
    bundle true 'c["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}'
    run oci create note-$$
    [ "$status" = 1 ]
    contains "add listenerPath"
}

@test "a mount over a link to nothing makes what it is a link to, below the root" {
    require root
    echo content >file
    bundle "cat /run/systemd/resolv.conf /outside$$; readlink /etc/resolv.conf" "s = os.path.abspath('file')
c['mounts'] += [{'destination': d, 'type': 'bind', 'source': s, 'options': ['bind', 'ro']} for d in ('/etc/resolv.conf', '/etc/out')]
os.makedirs('rootfs/etc', exist_ok=True)
for name, to in (('resolv.conf', '../run/systemd/resolv.conf'), ('out', '../../../../../../outside$$'), ('loop', 'loop')):
    os.symlink(to, 'rootfs/etc/' + name)"
    for applet in cat readlink; do ln -sf busybox rootfs/bin/$applet; done
    run oci run link-$$ </dev/null
    [ "$output" = "content
content
../run/systemd/resolv.conf" ]
    [ ! -e /outside$$ ]
    python3 -c "import json; c = json.load(open('config.json')); c['mounts'][-1]['destination'] = '/etc/loop'; json.dump(c, open('config.json', 'w'))"
    run oci run link-$$
    [ "$status" = 1 ]
    contains "/mounts/4"
}

@test "a tmpfs has the mode of what it covers, unless one is asked for" {
    require root
    bundle 'stat -c %a /covered /asked /new' "c['mounts'] += [{'destination': d, 'type': 'tmpfs', 'source': 'tmpfs', 'options': o}
  for d, o in (('/covered', ['ro']), ('/asked', ['mode=700']), ('/new', []))]
for d in 'covered', 'asked':
    os.mkdir('rootfs/' + d)
    os.chmod('rootfs/' + d, 0o1712)"
    ln -sf busybox rootfs/bin/stat
    run oci run mode-$$ </dev/null
    [ "$output" = "1712
700
1777" ]
}

@test "kernelTCP, where the kernel has it; a source is what mountinfo shows; a relative cgroupsPath is one below the top" {
    require root
    bundle 'grep -c " /mnt .* - tmpfs shown " /proc/self/mountinfo; cat /proc/self/cgroup' "c['mounts'] += [{'destination': '/mnt', 'type': 'tmpfs', 'source': 'shown'}]
c['linux']['cgroupsPath'] = 'bocal-rel-$$/inner'"
    for applet in grep cat; do ln -sf busybox rootfs/bin/$applet; done
    run oci run source-$$ </dev/null
    [ "${lines[0]}" = 1 ]
    contains "/bocal-rel-$$/inner"
    find /sys/fs/cgroup -depth -type d -name "bocal-rel-$$" -exec rmdir {} \;
    bundle 'exec sleep 100' "c['linux']['resources'] = {'memory': {'kernelTCP': 50593792}}"
    if [ -e /sys/fs/cgroup/memory/memory.kmem.tcp.limit_in_bytes ]; then
        oci create source-$$ </dev/null >/dev/null 2>&1
        [ "$(cat /sys/fs/cgroup/memory/bocal-source-$$/memory.kmem.tcp.limit_in_bytes)" = 50593792 ]
        oci delete --force source-$$
    else
        run oci create source-$$
        [ "$status" = 1 ]
        contains "/linux/resources/memory/kernelTCP"
    fi
}

@test "a sysfs in a new user namespace without a network of its own is the host's, read-only" {
    require root
    bundle 'test -d /sys/class/net/lo && ! mkdir /sys/fs/cgroup/x 2>/dev/null && grep -c " /sys ro" /proc/self/mountinfo' "c['mounts'].append({'destination': '/sys', 'type': 'sysfs', 'source': 'sysfs', 'options': ['nosuid', 'noexec', 'nodev', 'ro']})
c['linux']['namespaces'] = [{'type': t} for t in ('pid', 'mount', 'uts', 'ipc', 'user')]
c['linux']['uidMappings'] = c['linux']['gidMappings'] = [{'containerID': 0, 'hostID': 0, 'size': 65536}]"
    for applet in grep test mkdir; do ln -sf busybox rootfs/bin/$applet; done
    run oci run sys-$$ </dev/null
    [ "$output" = 1 ]
}

@test "capabilities that are unknown, or not to be had: a warning, once, and the others" {
    require root
    caps="c['process']['capabilities'] = {s: ['CAP_KILL', 'CAP_FLY', 'CAP_SYS_TIME'] for s in ('bounding', 'effective', 'permitted')}"
    bundle 'busybox grep CapEff /proc/self/status; exec sleep 100' "$caps"
    # Whose bounding set has less, has less than root.
    printf '#!/bin/sh\nexec setpriv --bounding-set -sys_time --inh-caps -sys_time "%s/bocal-runtime" "$@"\n' "$work" >few
    chmod +x few
    ./few --root "$work/root" --log log --log-format json run -d "config-$$" </dev/null >out 2>&1
    for _ in $(seq 100); do grep -q CapEff out && break; sleep 0.05; done
    [ "$(grep -c '/process/capabilities/effective/1: unknown capability CAP_FLY is left out' log)" = 1 ]
    [ "$(grep -c '"/process/capabilities: sys_time left out' log)" = 1 ]
    [ "$(grep -c warning out)" = 0 ] # standard error is the container's where there is a log
    grep -q "CapEff:	0000000000000020" out
    python3 -c 'import json; e = [json.loads(l) for l in open("log")]; assert len(e) == 4 and {x["level"] for x in e} == {"warning"}, e'
    [ "$(./few --root "$work/root" exec "config-$$" busybox echo quiet 2>&1)" = quiet ]
    run ./few --root "$work/root" exec --cap CAP_SYS_TIME "config-$$" busybox echo loud
    [ "$output" = "bocal-runtime: warning: --cap: sys_time left out: bocal itself has not that (run it with all capabilities)
loud" ]
    echo '{"args": ["/bin/sh", "-c", "busybox grep CapEff /proc/self/status"], "cwd": "/", "capabilities": {"bounding": ["CAP_SWIM"]}}' >process.json
    run oci exec --process process.json "config-$$"
    [ "$status" = 0 ]
    contains "process.json: /capabilities/bounding/0: unknown capability CAP_SWIM"
    oci delete --force "config-$$"
}

@test "run.oci.keep_original_groups: those of the caller, also as another user, in a user namespace, for exec" {
    require root
    bundle 'busybox grep Groups: /proc/self/status; exec sleep 100' "
c['annotations']['run.oci.keep_original_groups'] = '1'
c['process']['user'] = {'uid': 1000, 'gid': 1000, 'additionalGids': [77]}
c['linux']['namespaces'].append({'type': 'user'})
c['linux']['uidMappings'] = c['linux']['gidMappings'] = [{'containerID': 0, 'hostID': 0, 'size': 100000}]"
    setpriv --groups 5,4321 "$work/bocal-runtime" --root "$work/root" run -d "config-$$" </dev/null >out 2>&1
    for _ in $(seq 100); do grep -q Groups out && break; sleep 0.05; done
    grep -q 'warning: /process/user: additional groups left out' out
    [ "$(echo $(grep Groups out))" = "Groups: 5 4321" ]
    run setpriv --groups 6 "$work/bocal-runtime" --root "$work/root" exec "config-$$" busybox grep Groups: /proc/self/status
    [ "$(echo $output)" = "Groups: 6" ]
    oci delete --force "config-$$"
    bundle 'busybox grep Groups: /proc/self/status'
    run setpriv --groups 5,4321 "$work/bocal-runtime" --root "$work/root" run "config-$$" </dev/null
    [ "$(echo $output)" = Groups: ]
}

@test "run.oci.seccomp_fail_unknown_syscall: a system call that nobody knows is an error" {
    require root
    filter="c['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['mkdir', 'fly_to_the_moon'], 'action': 'SCMP_ACT_ERRNO'}]}"
    bundle true "$filter"
    oci run "config-$$" </dev/null
    bundle true "$filter
c['annotations']['run.oci.seccomp_fail_unknown_syscall'] = '1'"
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/linux/seccomp: /syscalls/0/names/1: unknown system call fly_to_the_moon"
}

@test "links as sources and targets of binds: followed, or not, or copied" {
    require root
    mkdir -p far rootfs
    echo text >far/file
    ln -s far/file link
    ln -s nowhere broken
    for i in over under; do ln -sfn nothing rootfs/$i; done
    bundle 'for l in /over /c/d/broken /again; do busybox readlink $l; done; busybox cat /under /file; busybox readlink /under || echo no link' "
c['mounts'] += [{'destination': '/over', 'source': 'link', 'options': ['bind', 'src-nofollow', 'dest-nofollow']},
                {'destination': '/under', 'source': 'link', 'options': ['bind', 'dest-nofollow']},
                {'destination': '/file', 'source': 'link', 'options': ['bind', 'copy-symlink', 'src-nofollow'][:1]},
                {'destination': '/c/d/broken', 'source': 'broken', 'options': ['bind', 'copy-symlink']},
                {'destination': '/again', 'source': 'broken', 'options': ['bind', 'copy-symlink']}]"
    for i in 1 2; do # the second time the copied links are there
        run oci run "config-$$" </dev/null
        echo "$output"
        [ "$status" = 0 ]
        [ "$(echo $output)" = "far/file nowhere nowhere text text no link" ]
    done
    [ "$(readlink rootfs/over) $(readlink rootfs/under)" = "nothing nothing" ]
    ln -sfn elsewhere rootfs/again
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/mounts/7: File exists (something else is there)"
    bundle true "c['mounts'].append({'destination': '/proc/self', 'source': 'broken', 'options': ['bind', 'src-nofollow', 'dest-nofollow']})"
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "nobody's to mount over"
    # What leads out of the root leads nowhere: the link itself is what is mounted over.
    ln -sfn "$work/far" rootfs/out
    bundle 'busybox ls /out/' "c['mounts'].append({'destination': '/out/new', 'source': 'far/file', 'options': ['bind', 'dest-nofollow']})"
    run oci run "config-$$" </dev/null
    [ "$(ls far)" = file ]
    bundle true "c['mounts'].append({'destination': '/a', 'source': 'link', 'options': ['bind', 'copy-symlink', 'dest-nofollow']})"
    run oci run "config-$$" </dev/null
    contains "/mounts/3: copy-symlink mounts nothing"
}

@test "words that are no option of a bind are left out, with a warning; typed ones are refused" {
    require root
    mkdir data
    bundle 'busybox ls -d /data' "c['mounts'].append({'destination': '/data', 'source': 'data', 'options': ['rbind', 'size=64k', 'mode=755']})"
    run oci run "config-$$" </dev/null
    [ "$status" = 0 ]
    [ "${lines[0]}" = "bocal-runtime: warning: /mounts/3: size=64k left out: it is no option of a bind mount" ]
    [ "${#lines[@]}" = 3 ]
}

@test "a mount over the root is the root" {
    require root
    mkdir -p other/bin other/proc other/dev
    cp "$(command -v busybox)" other/bin/sh
    cp other/bin/sh other/bin/busybox
    touch other/marker
    bundle 'busybox ls /marker; busybox ls -d /etc; echo x >/new; busybox awk "\$5 == \"/\" { print \$6, \$4 }" /proc/self/mountinfo' "
c['mounts'].insert(0, {'destination': '/', 'source': 'other', 'options': ['rbind', 'nosuid']})"
    run oci run "config-$$" </dev/null
    echo "$output"
    [ "$(echo $output)" = "/marker ls: /etc: No such file or directory rw,nosuid,relatime $(findmnt -no FSROOT -T other | sed 's,/$,,')${work#"$(findmnt -no TARGET -T other | sed 's,^/$,,')"}/other" ]
    [ -e other/new ]
    [ ! -e rootfs/new ]
    bundle true "c['root']['readonly'] = True
c['mounts'] = [{'destination': '/', 'type': 'tmpfs', 'source': 'tmpfs'}, {'destination': '/', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['nodev']}] + c['mounts']
c['mounts'].insert(2, {'destination': '/bin', 'source': 'rootfs/bin', 'options': ['bind']})
c['process']['args'] = ['/bin/busybox', 'awk', '\$5 == \"/\" { print \$6, \$(NF-2) }', '/proc/self/mountinfo']"
    run oci run "config-$$" </dev/null
    [ "$output" = "ro,nodev,relatime tmpfs" ] # once: neither the root that it covers nor the host's is left
    bundle true "c['mounts'].insert(0, {'destination': '/', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['tmpcopyup']})"
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/mounts/0: tmpcopyup at /"
}

@test "idmap=uids=...;gids=...: the mount's own maps, also as the container counts" {
    require root
    [ "$(printf '6.3\n%s\n' "$(uname -r)" | sort -V | head -1)" = 6.3 ] || skip "needs id-mapped tmpfs, Linux 6.3"
    mkdir data
    mount -t tmpfs tmpfs data
    touch data/one data/two
    chown 1:1 data/one
    chown 7:7 data/two
    mkdir -p rootfs/a
    bundle 'busybox stat -c %u:%g /a/one /a/two' "
c['mounts'].append({'destination': '/a', 'source': 'data', 'options': ['bind', 'idmap=uids=1-100009-1#@7-70-3;gids=@0-10-5']})
c['linux']['namespaces'].append({'type': 'user'})
c['linux']['uidMappings'] = c['linux']['gidMappings'] = [{'containerID': 0, 'hostID': 100000, 'size': 1000}]"
    run oci run "config-$$" </dev/null
    umount data
    echo "$output"
    [ "$(echo $output)" = "9:11 70:65534" ]
}

@test "mountLabel without SELinux: a warning; a label that is to confine the command is refused" {
    require root
    [ ! -e /sys/fs/selinux/enforce ] || skip "is about hosts without SELinux"
    bundle 'busybox echo here' "c['linux']['mountLabel'] = 'system_u:object_r:container_file_t:s0'"
    run oci run "config-$$" </dev/null
    [ "$status" = 0 ]
    contains "warning: /linux/mountLabel: system_u:object_r:container_file_t:s0 left out"
    [ "${lines[1]}" = here ]
    bundle true "c['process']['selinuxLabel'] = 'system_u:system_r:container_t:s0'"
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/process/selinuxLabel"
}
