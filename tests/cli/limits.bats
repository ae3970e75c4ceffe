#!/usr/bin/env bats
# Limits, read back from inside and shown to bite.
load helpers

knob() { # V1PATH V2FILE: the file of the container's own cgroup
    if is_v2; then echo "/sys/fs/cgroup/$2"; else echo "/sys/fs/cgroup/$1"; fi
}

@test "64 MB that touch 200 MB die with 137, and a sentence says so" {
    require limits
    run limited --memory 64m --memory-swap 64m /bin/sh -c 'head -c 200m /dev/zero | tail'
    [ "$status" = 137 ] || [ "$status" = 1 ]
    contains "out of memory"
    run limited --memory 64m --memory-swap 64m --no-init /usr/bin/awk 'BEGIN { x = "0123456789abcdef"; while (1) x = x x }'
    [ "$status" = 137 ]
    contains "out of memory"
    contains "--memory 64m"
}

@test "a fork bomb stops at the pids limit" {
    require limits
    run limited --pids-limit 20 /bin/sh -c 'i=0; while [ $i -lt 40 ]; do sleep 2 & i=$((i+1)); done; echo all'
    contains "fork"
}

@test "values are what was asked for, read back inside" {
    require limits
    run limited --memory 64m --cpus 1.5 --pids-limit 33 /bin/cat "$(knob memory/memory.limit_in_bytes memory.max)" "$(knob pids/pids.max pids.max)"
    [ "${lines[0]}" = 67108864 ]
    [ "${lines[1]}" = 33 ]
    if is_v2; then
        run limited --cpus 1.5 /bin/cat /sys/fs/cgroup/cpu.max
        [ "$output" = "150000 100000" ]
    else
        run limited --cpus 1.5 /bin/cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us
        [ "$output" = 150000 ]
    fi
}

@test "cpu quota throttles" {
    require limits
    stat=$(knob cpu/cpu.stat cpu.stat)
    run limited --cpus 0.2 --timeout 50 /bin/sh -c "until grep -q 'nr_throttled [1-9]' $stat; do
        i=0; while [ \$i -lt 2000 ]; do i=\$((i+1)); done; done; cat $stat"
    [ "$status" = 0 ]
    throttled=$(printf '%s\n' "$output" | awk '/nr_throttled/ {print $2}')
    [ "$throttled" -gt 0 ]
}

@test "cpuset" {
    require limits
    require cpuset
    run limited --cpuset-cpus 0 /bin/grep Cpus_allowed_list /proc/self/status
    contains "	0"
}

@test "the default is 2048 processes" {
    require limits
    run limited /bin/cat "$(knob pids/pids.max pids.max)"
    [ "$output" = 2048 ]
}

@test "a default limit that cannot be applied is left out, and said by --explain" {
    require user
    is_v2 && skip "depends on what is delegated"
    run bocal run --explain /bin/true
    [ "$status" = 0 ]
    contains "left out"
}

@test "a limit that cannot be applied is refused with the remedy" {
    require user
    is_v2 && skip "depends on what is delegated"
    refused 125 "not delegated" --memory 64m /bin/true
    refused 125 "Delegate=yes" --cpus 1 /bin/true
}

@test "cgroups are read-only inside" {
    require limits
    run limited /bin/sh -c "echo 5 >$(knob pids/pids.max pids.max)"
    [ "$status" != 0 ]
}

@test "a device is there when asked for, and with a user namespace it is bound" {
    require root
    run bocal run --device /dev/fuse /bin/sh -c 'test -c /dev/fuse && echo there'
    [ "$output" = there ]
    run bocal run --userns host --device /dev/fuse:/dev/other /bin/sh -c 'test -c /dev/other && echo there'
    [ "$output" = there ]
    run bocal run --userns host /bin/sh -c 'mknod /tmp/vda b 254 0 && head -c 1 /tmp/vda'
    [ "$status" != 0 ]
}
