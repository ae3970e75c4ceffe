#!/usr/bin/env bats
# bocal-runtime: further processes in a container, and all of them together.
load helpers
load bundles

@test "exec: namespaces, cgroups, ids, environment and status are the container's" {
    require root
    bundle 'exec sleep 100' "c['linux']['namespaces'].append({'type': 'cgroup'})
c['process'].update(env=['PATH=/bin', 'ONE=1'], noNewPrivileges=True, capabilities={k: ['CAP_CHOWN'] for k in ('bounding', 'effective', 'permitted')})"
    for applet in id ps readlink env grep; do ln -sf busybox rootfs/bin/$applet; done
    oci run -d exec1-$$ </dev/null >/dev/null 2>&1
    pid=$(oci state exec1-$$ | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')
    for ns in mnt pid uts ipc net cgroup; do
        [ "$(oci exec exec1-$$ readlink /proc/self/ns/$ns)" = "$(readlink /proc/$pid/ns/$ns)" ]
    done
    [ "$(oci exec exec1-$$ readlink /proc/self/exe)" = /bin/busybox ]
    oci exec exec1-$$ ps | grep -q 'sleep 100'
    [ "$(oci exec exec1-$$ sh -c 'grep -v :/$ /proc/self/cgroup | wc -l')" = 0 ]
    [ "$(oci exec --user 5:6 --additional-gids 7 --cwd /etc --env TWO=2 exec1-$$ sh -c 'id -u; id -G; pwd; echo $ONE $TWO')" = "$(printf '5\n6 7\n/etc\n1 2')" ]
    [ "$(oci exec exec1-$$ sh -c 'grep -E "CapBnd|NoNewPrivs" /proc/self/status | tr -d "\t"')" = "$(printf 'CapBnd:0000000000000001\nNoNewPrivs:1')" ]
    [ "$(oci exec --cap CAP_KILL exec1-$$ grep CapEff /proc/self/status | tr -d '\t')" = CapEff:0000000000000021 ]
    run oci exec exec1-$$ sh -c 'exit 9'
    [ "$status" = 9 ]
    run oci exec exec1-$$ sh -c 'kill -9 $$'
    [ "$status" = 137 ]
    run oci exec exec1-$$ none-such
    [ "$status" = 1 ]
    contains "executable file not found"
    for id in -1 4294967295 99999999999999999999 ""; do
        run oci exec --user "$id" exec1-$$ true
        [ "$status" = 1 ]
    done
    oci delete --force exec1-$$
    run oci exec exec1-$$ true
    contains "does not exist"
}

@test "exec --process, --detach, --pid-file; a terminal" {
    require root
    bundle 'exec sleep 100'
    for applet in tty cat; do ln -sf busybox rootfs/bin/$applet; done
    oci run -d exec2-$$ </dev/null >/dev/null 2>&1
    echo '{"args": ["/bin/sh", "-c", "echo $0 $NAME >/proc/1/cwd/etc/said; exec sleep 50", "word"], "cwd": "/etc", "env": ["PATH=/bin", "NAME=x"], "user": {"uid": 0, "gid": 0}}' >process.json
    oci exec --process process.json --detach --pid-file pid exec2-$$ </dev/null >/dev/null 2>&1
    for _ in $(seq 100); do [ -s rootfs/etc/said ] && break; sleep 0.05; done
    [ "$(cat rootfs/etc/said)" = "word x" ]
    [ "$(readlink /proc/"$(cat pid)"/cwd)" = /etc ]
    oci ps --format json exec2-$$ | grep -qw "$(cat pid)"
    oci ps exec2-$$ | grep -q 'sleep 50'
    run oci exec -t exec2-$$ tty
    [ "$status" = 0 ]
    contains /dev/pts/0
    run oci exec -t -d exec2-$$ tty
    [ "$status" = 1 ]
    contains "--console-socket"
    echo '{"args": ["a"], "cwd": "/", "user": {"uid": -1}}' >process.json
    run oci exec --process process.json exec2-$$
    contains "/user/uid: expected an id"
    oci delete --force exec2-$$
    [ ! -e "/proc/$(cat pid)/cwd" ]
}

@test "fds: those preserved are there, no other is" {
    require root
    bundle 'ls /proc/self/fd; cat <&3'
    for applet in ls cat; do ln -sf busybox rootfs/bin/$applet; done
    echo three >three
    run oci run --preserve-fds 1 fds-$$ 3<three 4<three </dev/null
    [ "$status" = 0 ]
    [ "$output" = "$(printf '0\n1\n2\n3\n4\nthree')" ] # 4 is what ls reads the directory by
    # More than are open: those, and none of bocal's own in between.
    bundle 'ls /proc/self/fd'
    run oci run --preserve-fds 7 fds-$$ 3<&- 4<three 5<&- 6<&- 7<three 8<&- 9<&- </dev/null
    [ "$status" = 0 ]
    [ "${lines[0]}" = "bocal-runtime: warning: --preserve-fds 7: 5 of them are not open" ]
    [ "$(echo ${lines[@]:1})" = "0 1 2 3 4 7" ] # 3 is what ls reads the directory by
    oci create --preserve-fds 7 fds-$$ 3<&- 4<three 5<&- 6<&- 7<three 8<&- 9<&- </dev/null >/dev/null 2>&1
    pid=$(oci state fds-$$ | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')
    for fd in 3 5 6; do [ "$(readlink /proc/$pid/fd/$fd)" = /dev/null ]; done
    oci delete --force fds-$$
    [ -z "$(ls root)" ]
}

@test "pause rests all its processes, resume lets them go on" {
    require root
    [ -w /sys/fs/cgroup/freezer ] || [ -e /sys/fs/cgroup/unified/cgroup.procs ] || is_v2 || skip "needs a freezer"
    bundle 'i=0; while :; do i=$((i + 1)); echo $i >/etc/count; done'
    oci run -d pause-$$ </dev/null >/dev/null 2>&1
    for _ in $(seq 100); do [ -s rootfs/etc/count ] && break; sleep 0.05; done
    oci pause pause-$$
    [ "$(status_of pause-$$)" = paused ]
    before=$(cat rootfs/etc/count)
    sleep 0.3
    [ "$(cat rootfs/etc/count)" = "$before" ]
    run oci exec pause-$$ true
    [ "$status" = 1 ]
    contains "is paused"
    run oci delete pause-$$
    [ "$status" = 1 ]
    oci resume pause-$$
    [ "$(status_of pause-$$)" = running ]
    run oci resume pause-$$
    [ "$status" = 1 ]
    oci pause pause-$$
    oci delete --force pause-$$
    [ -z "$(ls root)" ]
}

@test "no-new-keyring keeps the caller's, no-pivot covers the old root" {
    require root
    bundle 'ls /..; cat /proc/keys'
    for applet in ls cat; do ln -sf busybox rootfs/bin/$applet; done
    touch rootfs/rootfs-marker
    run oci run --no-pivot covered-$$ </dev/null
    [ "$status" = 0 ]
    contains rootfs-marker
    [[ $'\n'$output$'\n' != *$'\n'boot$'\n'* ]] # of the host's root; keys have such names, too
    contains "keyring   covered-$$"
    run oci run --no-new-keyring keys-$$ </dev/null
    [ "$status" = 0 ]
    [[ $output != *keys-$$* ]]
}

# knob V1-CONTROLLER V1-FILE V2-FILE: what the cgroup of the container upd says.
knob() { if is_v2; then cat /sys/fs/cgroup/bocal-upd-$$/$3; else cat /sys/fs/cgroup/$1/bocal-upd-$$/$2; fi; }

@test "update changes limits, from options and from a file" {
    require root
    is_v2 && ! grep -qw memory /sys/fs/cgroup/cgroup.controllers && skip "needs the memory controller"
    is_v2 || [ -d /sys/fs/cgroup/memory ] || skip "needs cgroups"
    bundle 'exec sleep 100' "c['linux']['resources'] = {'memory': {'limit': 67108864}, 'pids': {'limit': 50}, 'cpu': {'quota': 20000, 'period': 100000}}"
    oci run -d upd-$$ </dev/null >/dev/null 2>&1
    oci update --memory 32m --pids-limit 40 upd-$$
    [ "$(knob memory memory.limit_in_bytes memory.max)" = 33554432 ]
    [ "$(knob pids pids.max pids.max)" = 40 ]
    oci update --cpu-quota 30000 upd-$$
    if is_v2; then [ "$(knob - - cpu.max)" = "30000 100000" ]; else [ "$(knob cpu cpu.cfs_quota_us -)" = 30000 ]; fi
    echo '{"memory": {"limit": 134217728}, "cpu": {"shares": 512}}' | oci update --resources - upd-$$
    [ "$(knob memory memory.limit_in_bytes memory.max)" = 134217728 ]
    [ "$(knob cpu cpu.shares cpu.weight)" = "$(if is_v2; then echo 58; else echo 512; fi)" ]
    echo '{"pids": {"limit": "x"}}' >bad.json
    run oci update --resources bad.json upd-$$
    [ "$status" = 1 ]
    contains "bad.json: /pids/limit: expected an integer"
    run oci update --pids-limit 9x upd-$$
    contains "--pids-limit 9x: expected a number"
    oci delete --force upd-$$
}
