#!/usr/bin/env bats
# Podman drives the runtime: as root, and as an ordinary user.
load helpers

setup_file() {
    can_have podman || return 0
    begin
    user=drive$$
    export user
    useradd -M -d "$work/user" "$user"
    sed -i "/^$user:/d" /etc/subuid /etc/subgid
    echo "$user:3000000:65536" | tee -a /etc/subuid >>/etc/subgid
    podman_configuration "$work"
    export CONTAINERS_CONF=$work/containers.conf CONTAINERS_STORAGE_CONF=$work/storage.conf
    podman import -q "$work/root.tar" box >/dev/null
}

teardown_file() {
    [ -n "${work:-}" ] || return 0
    podman rm -fa -t 0 >/dev/null
    if [ -d "$work/user/storage" ]; then
        user_podman rm -fa -t 0 >/dev/null
        kill "$(cat "$work/user/run/libpod/tmp/pause.pid")" # what holds the user's namespaces
        wait_until no_processes "$user"
    fi
    sed -i "/^$user:/d" /etc/subuid /etc/subgid
    userdel "$user" || true
    grep -ohE '\b[0-9a-f]{64}\b' "$work/events" | sort -u >"$work/ids"
    # Podman's own, those of pods among them; the runtime's are called libpod-ID.
    while read -r id; do
        find /sys/fs/cgroup -mindepth 3 -type d -path "*/libpod_parent/$id" -exec rmdir {} + || true
    done <"$work/ids"
    find /sys/fs/cgroup -mindepth 2 -depth -type d \( -name libpod_parent -o -path '*/libpod_parent/conmon' \) -exec rmdir {} + 2>/dev/null || true
    finish
}

no_processes() { ! pgrep -u "$1" >/dev/null; }

podman() { timeout 60 podman "$@" 3>&- 4>&-; }

setup() {
    require root
    require podman
    box=t$BATS_TEST_NUMBER
    cd "$work"
}

# Twice: the clean-up that a container's end starts may be at it, too.
teardown() { [ -z "${work:-}" ] || podman rm -f -t 0 "$box" >/dev/null 2>&1 || podman rm -f -t 0 "$box" >/dev/null; }

inspect() { podman inspect --format "$1" "${2:-$box}"; }

state_is() { [ "$(inspect '{{.State.Status}}')" = "$1" ]; }

@test "podman run: output, environment, directory, user, host name, exit status" {
    ends 7 podman run --rm --name "$box" -e A=b -w /etc -u guest --hostname jar box \
        sh -c 'echo "$A $(pwd) $(id -u):$(id -g) $(id -G) $(hostname)"; exit 7'
    same "b /etc 1000:1000 1000 2000 jar" "$output"
    ends 1 podman container exists "$box"
}

@test "podman run: 125, 126, 127" {
    ends 125 podman run --rm --bogus box true
    ends 126 podman run --rm --name "$box" box /etc/not-executable
    ends 127 podman run --rm --name "$box" box /none
    ends 127 podman run --rm --name "$box" box none
}

@test "podman run: input by a pipe, both outputs kept apart" {
    echo "through" | podman run --rm -i --name "$box" box sh -c 'cat; echo other >&2' >out 2>err
    same through "$(cat out)"
    same other "$(cat err)"
}

@test "podman run -d, logs, exec, stop" {
    podman run -d --name "$box" box sh -c 'trap "echo ending; exit 3" TERM; echo up; while :; do sleep 0.1; done' >id
    wait_until state_is running
    same "$(cat id)" "$(inspect '{{.Id}}')"
    same "$runtime" "$(inspect '{{.OCIRuntime}}')"
    ends 5 podman exec -e A=b -w /etc -u guest "$box" sh -c 'echo "$A $(pwd) $(id -u)"; exit 5'
    same "b /etc 1000" "$output"
    same "in" "$(echo in | podman exec -i "$box" cat)"
    same "$(podman exec "$box" readlink /proc/1/ns/pid)" "$(podman exec "$box" readlink /proc/self/ns/pid)"
    ends 127 podman exec "$box" /none
    ends 126 podman exec "$box" /etc/not-executable
    podman exec -d "$box" sh -c 'echo behind >/tmp/behind'
    wait_until podman exec "$box" test -s /tmp/behind
    podman stop -t 10 "$box"
    same "exited 3" "$(inspect '{{.State.Status}} {{.State.ExitCode}}')"
    same $'up\nending' "$(podman logs "$box")"
}

@test "podman run -it: a terminal with its size, and its end" {
    on_terminal "/usr/bin/env podman run -it --rm --name $box box sh" 'wait:# ' "type:$tty_and_size" \
        'wait:/dev/pts/0' 'wait:33 111' 'type:sleep 100' 'sleep:0.5' 'key:C' 'wait:# ' 'type:echo st=$?' 'wait:st=130' \
        'type:exit 6' 'end:6' 'same'
}

@test "podman exec -it: a terminal with its size, a new size, and its end" {
    podman run -d --name "$box" box sleep 100
    on_terminal "/usr/bin/env podman exec -it $box sh" 'wait:# ' "type:$tty_and_size" 'wait:/dev/pts/0' 'wait:33 111' \
        'size:20 70' 'sleep:0.5' 'type:stty size' 'wait:20 70' 'type:exit 6' 'end:6' 'same'
}

@test "podman kill, wait, restart" {
    podman run -d --name "$box" box sh -c 'trap "echo got" USR1; echo ready; while :; do sleep 0.1; done'
    log_has() { podman logs "$box" | grep -qx "$1"; }
    wait_until log_has ready
    podman kill -s USR1 "$box"
    wait_until log_has got
    podman kill "$box"
    same 137 "$(podman wait "$box")"
    podman restart -t 0 "$box"
    same running "$(inspect '{{.State.Status}}')"
}

@test "podman pause and unpause" {
    podman run -d --name "$box" box sleep 100
    local pid
    pid=$(inspect '{{.State.Pid}}')
    podman pause "$box"
    same paused "$(inspect '{{.State.Status}}')"
    wait_until is_frozen "$pid"
    ends 255 podman exec "$box" true
    contains improper
    podman unpause "$box"
    same running "$(inspect '{{.State.Status}}')"
    ends 1 is_frozen "$pid"
    podman exec "$box" true
}

@test "podman top, stats" {
    require limits
    podman run -d --name "$box" --memory 64m box sh -c 'sleep 100 & sleep 101 & wait'
    wait_until podman exec "$box" pidof sleep
    ends 0 podman top "$box" user pid args
    contains "sleep 100"
    contains "sleep 101"
    read -r pids limit memory < <(podman stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' "$box" | sed -E 's|^([0-9]+) ([^ ]+) / (.*)|\1 \3 \2|')
    same "3 67.11MB" "$pids $limit"
    [ "$memory" != 0B ]
}

@test "podman cp, both ways, and diff" {
    podman run -d --name "$box" box sleep 100
    echo outside >here
    podman cp here "$box":/tmp/there
    same outside "$(podman exec "$box" cat /tmp/there)"
    podman exec "$box" sh -c 'echo inside >/etc/made'
    podman cp "$box":/etc/made back
    same inside "$(cat back)"
    ends 0 podman diff "$box"
    contains "A /etc/made"
}

@test "podman healthcheck" {
    podman run -d --name "$box" --health-cmd 'test -e /tmp/well' --health-interval disable --health-retries 1 box sleep 100
    ends 1 podman healthcheck run "$box"
    podman exec "$box" touch /tmp/well
    ends 0 podman healthcheck run "$box"
    same healthy "$(inspect '{{.State.Health.Status}}')"
}

# Podman 4.3 forbids all devices below a pod's cgroup where it makes that itself on cgroup v2. Tried without a runtime.
pods_have_devices() {
    local top=/sys/fs/cgroup id directory status=0
    is_v2 || top+=/devices
    id=$(podman pod create --network none)
    for directory in $(find "$top" -type d -name "*$id*"); do
        mkdir "$directory/try"
        sh -c "echo \$\$ >$directory/try/cgroup.procs && exec head -c 1 /dev/zero" >"$work/tried" && [ -s "$work/tried" ] || status=1
        rmdir "$directory/try"
    done
    podman pod rm -f -t 0 "$id" >/dev/null
    return $status
}

@test "podman pod: two containers share network, host name and IPC, and nothing else" {
    pods_have_devices || skip "needs a Podman whose pods may use devices"
    podman pod create --name "$box-pod" --network none --hostname jar
    podman run -d --pod "$box-pod" --name "$box" box sleep 100
    podman run -d --pod "$box-pod" --name "$box-b" box sleep 100
    for ns in net uts ipc; do
        same "$(podman exec "$box" readlink /proc/self/ns/$ns)" "$(podman exec "$box-b" readlink /proc/self/ns/$ns)"
    done
    for ns in pid mnt; do
        [ "$(podman exec "$box" readlink /proc/self/ns/$ns)" != "$(podman exec "$box-b" readlink /proc/self/ns/$ns)" ]
    done
    same jar "$(podman exec "$box-b" hostname)"
    podman pod stop -t 0 "$box-pod"
    podman pod start "$box-pod"
    same running "$(inspect '{{.State.Status}}' "$box-b")"
    podman pod rm -f -t 0 "$box-pod"
    podman rmi "$(podman images -q --filter reference=localhost/podman-pause)"
}

@test "podman run --userns=auto: ids of its own, others for the next" {
    first=$(podman run --rm --userns=auto box awk '{print $1, $2}' /proc/self/uid_map)
    podman run -d --name "$box" --userns=auto box sleep 100
    second=$(podman exec "$box" awk '{print $1, $2}' /proc/self/uid_map)
    third=$(podman run --rm --userns=auto box awk '{print $1, $2}' /proc/self/uid_map)
    same "0 3000000" "$first"
    same "0 3000000" "$second"
    [ "$third" != "$second" ]
    same "0 0" "$(podman exec "$box" stat -c '%u %g' /bin/busybox)"
    same 3000000 "$(stat -c %u "/proc/$(inspect '{{.State.Pid}}')")"
}

@test "podman run --read-only, volumes, tmpfs, devices" {
    mkdir -p volume
    ends 0 podman run --rm --name "$box" --read-only -v "$work/volume:/v" -v "$work/volume:/r:ro" --tmpfs /t:size=64k \
        --device /dev/null:/dev/nil box sh -c 'touch /no; echo in >/v/file; touch /r/no; touch /tmp/yes && echo tmp
        cat /r/file; stat -f -c "%b*%S" /t; ls -l /dev/nil'
    contains "/no: Read-only"
    contains "/r/no: Read-only"
    contains tmp
    contains "16*4096"
    contains "1,   3"
    same in "$(cat volume/file)"
    podman run --rm --name "$box" -v "$box-named:/v" box sh -c 'echo kept >/v/file'
    same kept "$(podman run --rm --name "$box" -v "$box-named:/v" box cat /v/file)"
    podman volume rm "$box-named"
}

@test "podman run --init: PID 1 reaps" {
    podman run -d --name "$box" --init box sleep 100
    ends 0 podman exec "$box" cat /proc/1/comm
    [[ $output = *init* || $output = *tini* || $output = catatonit ]]
    podman exec "$box" sh -c 'sh -c "sleep 0.1 & exit" & wait; sleep 0.4; grep -l "^State:.*Z" /proc/[0-9]*/status || echo none' >zombies
    same none "$(cat zombies)"
}

@test "podman run: limits of memory, processes and processor" {
    require limits
    podman run -d --name "$box" --memory 64m --pids-limit 77 --cpus 0.5 --ulimit nofile=300:400 --ulimit nproc=1000:1000 box sleep 100
    local pid
    pid=$(inspect '{{.State.Pid}}')
    same "67108864 77 50000 100000" "$(memory_limit "$pid") $(pids_limit "$pid") $(cpu_limit "$pid")"
    same "300 400" "$(awk '/open files/ {print $4, $5}' "/proc/$pid/limits")"
    [ "$runtime" = runc ] || # 1.1.5 raises the lower one of what is executed later
        same "300 400" "$(podman exec "$box" awk '/open files/ {print $4, $5}' /proc/self/limits)"
    podman update --memory 32m "$box"
    same 33554432 "$(memory_limit "$pid")"
}

@test "podman run: too much memory ends with 137" {
    require limits
    ends 137 podman run --name "$box" --memory 16m --memory-swap 16m box sh -c 'x=x; while :; do x=$x$x; done'
}

@test "podman run: capabilities, seccomp, no_new_privs, masked paths, sysctl" {
    status_in() { # ARGS...: what /proc/self/status says
        podman run --rm --name "$box" "$@" box awk '/^(CapEff|CapBnd|NoNewPrivs|Seccomp):/ {printf "%s ", $2}' /proc/self/status
    }
    same "00000000a80425fb 00000000a80425fb 0 2 " "$(status_in)"
    same "0000000000000400 0000000000000400 1 0 " \
        "$(status_in --cap-drop all --cap-add net_bind_service --security-opt no-new-privileges --security-opt seccomp=unconfined)"
    same "0000000000000000 00000000a80425fb 0 2 " "$(status_in -u guest)"
    effective=$(status_in --privileged)
    same "$(capabilities)" "${effective%% *}"
    ends 1 podman run --rm --name "$box" box unshare -m true
    contains "not permitted"
    same 0 "$(podman run --rm --name "$box" box wc -c /proc/keys | cut -d' ' -f1)"
    same 4321 "$(podman run --rm --name "$box" --sysctl kernel.msgmax=4321 box cat /proc/sys/kernel/msgmax)"
}

@test "podman run: namespaces of the host and of other containers" {
    same "$(readlink /proc/self/ns/net)" "$(podman run --rm --network host box readlink /proc/self/ns/net)"
    same "$(readlink /proc/self/ns/pid)" "$(podman run --rm --pid host box readlink /proc/self/ns/pid)"
    podman run -d --name "$box" box sleep 100
    same "$(podman exec "$box" readlink /proc/self/ns/net)" "$(podman run --rm --network "container:$box" box readlink /proc/self/ns/net)"
    same "$(podman exec "$box" readlink /proc/self/ns/pid)" "$(podman run --rm --pid "container:$box" box readlink /proc/self/ns/pid)"
    podman run -d --name "$box-b" --pid host box sh -c 'sleep 1000.5 & sleep 1001.5'
    wait_until pgrep -f '^sleep 1000.5'
    podman rm -f -t 0 "$box-b"
    ends 1 pgrep -f '^sleep 100[01].5' # all of them, although they have no PID 1 of their own
}

@test "podman run: file descriptors are passed on" {
    same "from outside" "$(timeout 60 podman run --rm --name "$box" --preserve-fds 1 box sh -c 'cat <&3' 3< <(echo from outside) 4>&-)"
}

@test "podman run: hooks see the state" {
    cat >hook <<'H'
#!/bin/sh
cat >"$1.$2"
H
    chmod +x hook
    for stage in prestart poststart poststop; do
        cat >hooks/$stage.json <<C
{"version": "1.0.0", "hook": {"path": "$work/hook", "args": ["hook", "$work/hooked", "$stage"]},
 "when": {"annotations": {"^drive$": "^yes$"}}, "stages": ["$stage"]}
C
    done
    podman run --rm --name "$box" --annotation drive=yes --cidfile hooked.id box true
    rm hooks/*.json
    wait_until test -s hooked.poststop
    same "$(cat hooked.id) creat running|created stopped" "$(python3 -c 'import json
before, after, last = (json.load(open("hooked." + stage)) for stage in ("prestart", "poststart", "poststop"))
assert before["id"] == after["id"] == last["id"] and before["pid"] == after["pid"] > 0, (before, after, last)
assert after["annotations"]["drive"] == "yes", after
print(last["id"], before["status"][:5], "running|created" if after["status"] in ("running", "created") else after, last["status"])')"
}

# Conmon stands between, with a socket of its own that Podman has the container see.
@test "podman run --sdnotify=container: the container's READY=1 reaches who listens" {
    python3 -u -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(30)
while True: print(repr(s.recv(4096))[2:-1])' "$work/manager" >heard 2>/dev/null 3>&- 4>&- &
    manager=$!
    wait_until test -S "$work/manager"
    NOTIFY_SOCKET=$work/manager podman run -d --name "$box" --sdnotify=container -v /usr:/usr:ro -v /lib:/lib:ro -v /lib64:/lib64:ro box \
        sh -c '/usr/bin/systemd-notify --ready --status=fine; exec sleep 100' >/dev/null
    wait_until grep -q READY=1 heard
    kill "$manager"
    cat heard
    grep -q "MAINPID=$(inspect '{{.State.ConmonPid}}')" heard
}

@test "podman create, start -a, ps, commit, export" {
    podman create --name "$box" box sh -c 'echo made >/made; echo said; exit 4'
    same "Created" "$(podman ps -a --filter "name=^$box$" --format '{{.State}}')"
    ends 4 podman start -a "$box"
    same said "$output"
    podman commit -q "$box" "$box-image" >/dev/null
    same made "$(podman run --rm "$box-image" cat /made)"
    same made "$(podman export "$box" | tar -xO made)"
    podman rmi "$box-image"
}

@test "podman container checkpoint, restore" {
    require criu
    podman run -d --name "$box" box sh -c 'i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done'
    said() { [ "$(podman logs "$box" | wc -l)" -gt "$1" ]; }
    wait_until said 3
    podman container checkpoint "$box"
    same exited "$(inspect '{{.State.Status}}')"
    before=$(podman logs "$box" | wc -l)
    podman container restore "$box"
    same running "$(inspect '{{.State.Status}}')"
    wait_until said "$before"
    podman logs "$box" >log
    same "$(seq "$(wc -l <log)")" "$(cat log)" # nothing lost, nothing begun anew
    podman container checkpoint --leave-running --export "$work/dump.tar" "$box"
    same running "$(inspect '{{.State.Status}}')"
    podman rm -f -t 0 "$box"
    podman container restore --import "$work/dump.tar"
    wait_until said "$before"
}

@test "podman build: a RUN step" {
    mkdir -p context
    printf 'FROM localhost/box\nRUN echo built >/built\nCMD ["cat", "/built"]\n' >context/Containerfile
    podman build -q -t "$box-image" context
    same built "$(podman run --rm "$box-image")"
    podman rmi "$box-image"
}

# ---- an ordinary user ----

user_podman() {
    (cd / && timeout 60 runuser -u "$user" -- env HOME="$work/user" XDG_RUNTIME_DIR="$work/user/run" \
        CONTAINERS_CONF="$work/user/containers.conf" CONTAINERS_STORAGE_CONF="$work/user/storage.conf" podman "$@" 3>&- 4>&-)
}

user_has_box() {
    [ -e "$work/user/storage" ] || {
        mkdir -p "$work/user/run"
        manager=cgroupfs podman_configuration "$work/user" # without a systemd of its own
        chown -R "$user" "$work/user"
        chmod 700 "$work/user/run"
        chmod a+r "$work/root.tar"
        user_podman import -q "$work/root.tar" box
    }
}

@test "an ordinary user: run, ids, exit status" {
    user_has_box
    ends 7 user_podman run --rm box sh -c 'id -u; awk "{print \$1, \$2, \$3}" /proc/self/uid_map; exit 7'
    same "0" "${lines[-3]}"
    same "0 $(id -u "$user") 1" "${lines[-2]}"
    same "1 3000000 65536" "${lines[-1]}"
    ends 127 user_podman run --rm box /none
}

@test "an ordinary user: run -d, exec, logs, kill" {
    user_has_box
    user_podman run -d --name "$box" box sh -c 'echo up; exec sleep 100'
    ends 5 user_podman exec -u guest "$box" sh -c 'id -u; exit 5'
    contains 1000
    wait_until user_has_logged up
    user_podman kill "$box"
    same 137 "$(user_podman wait "$box")"
    user_podman rm -f "$box"
}

user_has_logged() { user_podman logs "$box" | grep -qx "$1"; }

@test "an ordinary user: --userns=keep-id" {
    user_has_box
    same "$(id -u "$user")" "$(user_podman run --rm --userns=keep-id box id -u)"
}
