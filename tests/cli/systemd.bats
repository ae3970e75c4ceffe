#!/usr/bin/env bats
# Systemd as the maker of cgroups: what the unit says, what the kernel says, and that both are gone in the end.
load helpers
load bundles

control() { if is_root; then systemctl "$@"; else systemctl --user "$@"; fi; }

# start ARGS...: bocal run in the background; sets $unit, $cgroup and $bocal, its pid.
start() {
    in_scope "$BOCAL" run --cgroup-manager systemd "$@" /bin/sh -c 'echo ready; sleep 100' >"$work/out" 2>"$work/err" &
    bocal=$!
    for _ in $(seq 300); do
        grep -q ready "$work/out" && break
        sleep 0.1
    done
    cat "$work/err"
    cgroup=$(find /sys/fs/cgroup -type d -name 'bocal-*.scope' -newer "$work/before" | head -1)
    unit=$(basename "$cgroup")
    [ -n "$unit" ]
}

stop() { # in_scope is in between
    pkill -TERM -P "$bocal" || kill -TERM "$bocal"
    wait "$bocal" || true
}

property() { control show --property "$1" --value "$unit"; }
value() { cat "$cgroup/$1"; }

gone() { # UNIT
    for _ in $(seq 100); do
        [ "$(control show --property LoadState --value "$1")" = not-found ] && return
        sleep 0.1
    done
    control status "$1"
    return 1
}

@test "systemd makes the cgroup: limits as it has them, and as the kernel has them" {
    require systemd
    start --memory 64m --pids-limit 33 --cpus 0.5 --cpu-shares 512
    [ "$(property Delegate)" = yes ]
    [ "$(property MemoryMax)" = 67108864 ]
    [ "$(property TasksMax)" = 33 ]
    [ "$(property CPUQuotaPerSecUSec)" = 500ms ]
    [ "$(value memory.max)" = 67108864 ]
    [ "$(value pids.max)" = 33 ]
    [ "$(value cpu.max)" = "50000 100000" ]
    [ "$(value cpu.weight)" = 58 ]
    control daemon-reload
    [ "$(value memory.max)" = 67108864 ]
    [ "$(value pids.max)" = 33 ]
    stop
    [ ! -e "$cgroup" ]
    gone "$unit"
}

@test "a slice of one's own, in the slices that its name has" {
    require systemd
    start --cgroup-parent bocaltest-inner.slice
    [ "${cgroup%/*}" = "$(dirname "$(dirname "$cgroup")")/bocaltest-inner.slice" ]
    [ "$(basename "$(dirname "$(dirname "$cgroup")")")" = bocaltest.slice ]
    stop
    gone "$unit"
    control stop bocaltest-inner.slice bocaltest.slice
}

@test "bocal-runtime --systemd-cgroup: create, update, pause, kill, delete, and the same name at once" {
    require root
    require systemd
    bundle 'exec sleep 100' 'c["linux"].update({"cgroupsPath": "system.slice:bocal-t:%d" % os.getppid(), "resources": {"memory": {"limit": 1 << 26}, "unified": {"memory.high": "60000000"}}})
c["annotations"].update({"org.systemd.property.TimeoutStopUSec": "uint64 123000000", "org.systemd.property.CollectMode": "\"inactive-or-failed\""})'
    unit=bocal-t-$(python3 -c 'import json; print(json.load(open("config.json"))["linux"]["cgroupsPath"].split(":")[2])').scope
    cgroup=/sys/fs/cgroup/system.slice/$unit
    for _ in 1 2; do
        oci --systemd-cgroup create sd-$$ </dev/null >/dev/null 2>&1
        [ "$(property MemoryMax)" = 67108864 ]
        [ "$(property MemoryHigh)" = 60000000 ]
        [ "$(property TimeoutStopUSec)" = "2min 3s" ]
        [ "$(value cgroup.procs)" = "$(oci state sd-$$ | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')" ]
        oci start sd-$$
        oci update --memory 128m --pids-limit 20 --cpu-period 100000 --cpu-quota 12345 sd-$$
        [ "$(property MemoryMax)" = 134217728 ]
        [ "$(property TasksMax)" = 20 ]
        [ "$(value cpu.max)" = "12345 100000" ]
        [ "$(value memory.max)" = 134217728 ]
        oci pause sd-$$
        [ "$(status_of sd-$$)" = paused ]
        oci resume sd-$$
        oci exec sd-$$ /bin/sh -c 'exit 5' || [ $? = 5 ]
        [ "$(oci ps --format json sd-$$)" != "[]" ]
        oci kill sd-$$ KILL
        wait_for stopped sd-$$
        oci delete sd-$$
        [ ! -e "$cgroup" ]
        gone "$unit"
    done
}

@test "a runtime that is killed while it has a scope leaves one that is removed with delete" {
    require root
    require systemd
    bundle 'exec sleep 100' 'c["linux"]["cgroupsPath"] = ":bocal-k:x"'
    for step in 3 5 8; do
        BOCAL_KILL_AT=$step oci --systemd-cgroup create k-$$ </dev/null >/dev/null 2>&1 || true
        oci delete --force k-$$
        gone bocal-k-x.scope
        [ ! -e /sys/fs/cgroup/system.slice/bocal-k-x.scope ]
    done
    oci --systemd-cgroup create k-$$ </dev/null >/dev/null 2>&1
    run oci --systemd-cgroup create l-$$
    [ "$status" = 1 ]
    contains bocal-k-x.scope
    [ "$(status_of k-$$)" = created ]
    oci delete --force k-$$
}

@test "--cgroup-manager disabled leaves the container in its caller's cgroups, and refuses limits" {
    require root
    bundle 'cat /proc/self/cgroup'
    ln -sf busybox rootfs/bin/cat
    run oci --cgroup-manager disabled run off-$$ </dev/null
    [ "$output" = "$(cat /proc/self/cgroup)" ]
    bundle true 'c["linux"]["resources"] = {"pids": {"limit": 5}}'
    run oci --cgroup-manager disabled create off-$$
    [ "$status" = 1 ]
    contains "/linux/resources/pids/limit: cgroups are disabled"
}

@test "what systemd cannot do is refused by name" {
    require root
    bundle true
    if [ -d /run/systemd/system ] && is_v2; then
        python3 -c 'import json; c = json.load(open("config.json")); c["linux"]["cgroupsPath"] = "/a/b"; json.dump(c, open("config.json", "w"))'
        wanted="expected SLICE:PREFIX:NAME"
    else
        wanted="systemd is not in charge"
    fi
    run oci --systemd-cgroup create no-$$
    [ "$status" = 1 ]
    contains "$wanted"
    run oci --cgroup-manager other create no-$$
    [ "$status" = 1 ]
    contains "cgroupfs"
    [ -z "$(ls root 2>/dev/null)" ]
}

# notified ACCESS ARGS...: bocal-runtime ARGS as the unit notified-$$.service, whose start is over when the container is ready.
notified() {
    local access=$1
    shift
    systemd-run --quiet --collect --unit "notified-$$" -p Type=notify -p "NotifyAccess=$access" -p TimeoutStartSec=30 -p TimeoutStopSec=20 -p SuccessExitStatus=143 -p WorkingDirectory="$work" \
        "$work/bocal-runtime" --root "$work/root" "$@"
}

@test "a service of systemd's is active when its container says that it is ready" {
    require systemd
    require root
    bundle true "c['process']['args'] = ['/bin/sh', '-c', 'trap exit TERM; /usr/bin/systemd-notify --ready --status=fine && sleep 1000 & wait']
for d in ('usr', 'lib', 'lib64'):
    c['mounts'].append({'destination': '/' + d, 'type': 'bind', 'source': '/' + d, 'options': ['rbind', 'ro']})"
    unit=notified-$$.service
    notified main run n-$$
    [ "$(property ActiveState)" = active ]
    [ "$(property StatusText)" = fine ]
    [ "$(cat /proc/"$(property MainPID)"/comm)" = bocal-runtime ]
    systemctl stop "$unit"
    gone "$unit"
    [ -z "$(ls root)" ]
    # A service whose process is the container's.
    notified main run --detach n-$$
    [ "$(property ActiveState)" = active ]
    [ "$(property StatusText)" = fine ]
    [ "$(property MainPID)" = "$(oci state n-$$ | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')" ]
    oci kill n-$$ KILL
    oci delete --force n-$$
    gone "$unit"
    [ -z "$(ls root)" ]
}
