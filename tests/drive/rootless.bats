#!/usr/bin/env bats
# Podman drives the runtime as an ordinary user whose own systemd makes the cgroups.
load helpers

setup_file() {
    is_systemd && [ "$(id -u)" != 0 ] && command -v podman >/dev/null || return 0
    begin
    user=$(id -un) podman_configuration "$work"
    export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf
    podman import -q "$work/root.tar" box >/dev/null
}

teardown_file() {
    [ -n "${work:-}" ] || return 0
    podman rm -fa -t 0 >/dev/null
    grep -ohE '\b[0-9a-f]{64}\b' "$work/events" | sort -u >"$work/ids"
    local pause
    pause=$(cat "$work/run/libpod/tmp/pause.pid") && kill "$pause" # what holds the user's namespaces
    wait_until gone "$pause"
    # Files belong to ids of the user's range.
    podman unshare rm -rf "$work/storage"
    pause=$(cat "$work/run/libpod/tmp/pause.pid") && kill "$pause"
    wait_until gone "$pause"
    finish
}

podman() { timeout 60 podman "$@" 3>&- 4>&-; }

setup() {
    require own-systemd
    require podman
    box=t$BATS_TEST_NUMBER
    cd "$work"
}

teardown() { [ -z "${work:-}" ] || podman rm -f -t 0 "$box" >/dev/null 2>&1 || podman rm -f -t 0 "$box" >/dev/null; }

inspect() { podman inspect --format "$1" "${2:-$box}"; }

@test "a user's systemd: run -d, in a scope of its own, with limits, which change; exec" {
    podman run -d --name "$box" --memory 64m --pids-limit 77 --cpus 0.5 box sleep 100 >id
    local pid
    pid=$(inspect '{{.State.Pid}}')
    same "$runtime" "$(inspect '{{.OCIRuntime}}')"
    output=$(cat "/proc/$pid/cgroup")
    contains "/user@$(id -u).service/user.slice/libpod-$(cat id).scope"
    same "67108864 77 50000 100000" "$(memory_limit "$pid") $(pids_limit "$pid") $(cpu_limit "$pid")"
    podman update --memory 32m "$box"
    same 33554432 "$(memory_limit "$pid")"
    ends 5 podman exec -u guest "$box" sh -c 'id -u; exit 5'
    contains 1000
    same "$(podman exec "$box" cat /proc/1/cgroup)" "$(podman exec "$box" cat /proc/self/cgroup)"
}

@test "a user's systemd: pause, unpause, stats, kill" {
    podman run -d --name "$box" --memory 64m box sh -c 'sleep 100 & sleep 101 & wait'
    local pid
    pid=$(inspect '{{.State.Pid}}')
    wait_until podman exec "$box" pidof sleep
    same "3 67.11MB" "$(podman stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' "$box" | sed 's|[^ ]* / ||')"
    podman pause "$box"
    wait_until is_frozen "$pid"
    podman unpause "$box"
    ends 1 is_frozen "$pid"
    podman kill "$box"
    same 137 "$(podman wait "$box")"
}

@test "a user's systemd: too much memory ends with 137" {
    ends 137 podman run --name "$box" --memory 16m --memory-swap 16m box sh -c 'x=x; while :; do x=$x$x; done'
}

@test "a user's systemd: a pod" {
    podman pod create --name "$box-pod" --network none --hostname jar
    podman run -d --pod "$box-pod" --name "$box" box sleep 100
    same jar "$(podman exec "$box" hostname)"
    podman pod rm -f -t 0 "$box-pod"
    podman rmi "$(podman images -q --filter reference=localhost/podman-pause)"
}
