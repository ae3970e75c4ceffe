#!/usr/bin/env bats
# Cgroup v2 with its controllers: what was asked for, as the host sees it, and that it bites.
load helpers

# start ARGS...: bocal run in the background, as root; sets $cgroup, the container's, and $bocal, its pid.
start() {
    "$BOCAL" run "$@" >"$work/out" 2>"$work/err" &
    bocal=$!
    for _ in $(seq 200); do
        if grep -q ready "$work/out"; then # then it is there
            cgroup=$(find /sys/fs/cgroup -maxdepth 1 -name 'bocal-*' -newer "$work/before" | head -1)
            [ -n "$cgroup" ]
            return
        fi
        sleep 0.1
    done
    cat "$work/err"
    return 1
}

stop() {
    kill -TERM "$bocal"
    wait "$bocal" || true
}

value() { cat "$cgroup/$1"; }

@test "memory, pids, cpu and cpuset, as the host sees them" {
    require root
    require v2
    start --memory 64m --memory-reservation 32m --pids-limit 33 --cpus 0.5 --cpu-shares 512 --cpuset-cpus 1 \
        /bin/sh -c 'echo ready; sleep 100'
    [ "$(value memory.max)" = 67108864 ]
    [ "$(value memory.swap.max)" = 67108864 ]
    [ "$(value memory.low)" = 33554432 ]
    [ "$(value pids.max)" = 33 ]
    [ "$(value pids.current)" -ge 2 ]
    [ "$(value cpu.max)" = "50000 100000" ]
    [ "$(value cpu.weight)" = 58 ] || [ "$(value cpu.weight)" = 59 ]
    [ "$(value cpuset.cpus.effective)" = 1 ]
    stop
    [ ! -e "$cgroup" ]
}

@test "an OOM kill is counted by the kernel and said by bocal" {
    require root
    require v2
    start --memory 32m --memory-swap 32m --no-init /bin/sh -c 'echo ready; sleep 1; exec awk "BEGIN { x = \"0123456789abcdef\"; while (1) x = x x }"'
    status=0
    wait "$bocal" || status=$?
    [ $status = 137 ]
    grep -q "out of memory" "$work/err"
    # One that outlives what was killed, so that its cgroup can be looked at.
    start --memory 32m --memory-swap 32m /bin/sh -c 'echo ready; awk "BEGIN { x = \"0123456789abcdef\"; while (1) x = x x }"; echo over; sleep 100'
    for _ in $(seq 300); do
        grep -q over "$work/out" && break
        sleep 0.1
    done
    grep -q 'oom_kill [1-9]' "$cgroup/memory.events"
    stop
    grep -q "out of memory" "$work/err"
}

@test "quota throttles, as the host counts it" {
    require root
    require v2
    start --cpus 0.1 /bin/sh -c 'echo ready; while :; do :; done'
    for _ in $(seq 100); do
        throttled=$(awk '/^nr_throttled/ {print $2}' "$cgroup/cpu.stat")
        [ "$throttled" -lt 3 ] || break
        sleep 0.1
    done
    stop
    [ "$throttled" -ge 3 ]
}

@test "a weight for disks is BFQ's, or io.weight where that is not there" {
    require root
    require v2
    start --blkio-weight 500 /bin/sh -c 'echo ready; sleep 100'
    if [ -e "$cgroup/io.bfq.weight" ]; then
        [ "$(value io.bfq.weight)" = "default 500" ]
    else
        [ "$(value io.weight)" = "default 4950" ]
    fi
    stop
}

@test "io.max on a disk, with its device's numbers, and bytes are held back" {
    require root
    require v2
    require disk
    device=$(findmnt -no SOURCE /scratch)
    numbers=$(lsblk -dno MAJ:MIN "$device" | tr -d ' ')
    mkdir "$work/data"
    start --device-write-bps "$device:1m" --device-read-iops "$device:100" -v "$work/data:/data" \
        /bin/sh -c 'echo ready; dd if=/dev/zero of=/data/x bs=1M count=4 conv=fsync 2>/dev/null; echo written; sleep 100'
    [ "$(value io.max)" = "$numbers rbps=max wbps=1048576 riops=100 wiops=max" ]
    sleep 1
    [ "$(grep -c written "$work/out")" = 0 ] # four seconds' worth
    stop
}

@test "a container is frozen and thawed by its cgroup" {
    require root
    require v2
    start /bin/sh -c 'echo ready; while sleep 0.1; do :; done'
    echo 1 >"$cgroup/cgroup.freeze"
    for _ in $(seq 50); do
        grep -q 'frozen 1' "$cgroup/cgroup.events" && break
        sleep 0.1
    done
    grep -q 'frozen 1' "$cgroup/cgroup.events"
    echo 0 >"$cgroup/cgroup.freeze"
    stop
}

@test "what outlives the command is ended by cgroup.kill" {
    require root
    require v2
    run bocal run --pid host /bin/sh -c 'setsid sleep 1234 & echo $!'
    [ "$status" = 0 ]
    ! pgrep -f 'sleep 1234'
}

@test "devices are filtered: a disk's node that the container makes cannot be opened" {
    require root
    require v2
    require disk
    disk=$(findmnt -no SOURCE /scratch)
    numbers=$(lsblk -dno MAJ:MIN "$disk" | tr -d ' ')
    run bocal run --userns host --cap-add mknod /bin/sh -c "mknod /tmp/disk b ${numbers/:/ } && head -c 1 /tmp/disk"
    [ "$status" != 0 ]
    contains "Operation not permitted"
    run bocal run --userns host --device "$disk:/dev/disk" /bin/sh -c 'head -c 1 /dev/disk | wc -c'
    [ "$output" = 1 ]
}

@test "an ordinary user's limits apply in a delegated cgroup, which is as it was afterwards" {
    require scope
    run limited --memory 64m --pids-limit 44 /bin/cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max
    [ "$status" = 0 ]
    [ "${lines[0]}" = 67108864 ]
    [ "${lines[1]}" = 44 ]
    run limited --memory 32m --memory-swap 32m --no-init /usr/bin/awk 'BEGIN { x = "0123456789abcdef"; while (1) x = x x }'
    [ "$status" = 137 ]
    contains "out of memory"
}

@test "an ordinary user's limits are refused with the remedy where nothing is delegated" {
    require no-scope
    refused 125 "Delegate=yes" --memory 64m /bin/true
}
