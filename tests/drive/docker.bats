#!/usr/bin/env bats
# Docker drives the runtime: a daemon of this file's own, with a containerd of its own.
load helpers

setup_file() {
    can_have dockerd docker || return 0
    begin
    export DOCKER_HOST=unix://$work/docker.sock DOCKER_CONFIG=$work/client
    mkdir -p "$DOCKER_CONFIG"
    echo '{}' >"$work/daemon.json"
    find /run/docker /etc/docker >"$work/was-there" 2>/dev/null || true
    # Nothing of the host's network; a score that needs no privilege.
    dockerd --host "$DOCKER_HOST" --config-file "$work/daemon.json" --data-root "$work/data" --exec-root "$work/exec" \
        --pidfile "$work/pid" --bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
        --oom-score-adjust 0 --cgroup-parent "$own_cgroup" --exec-opt "native.cgroupdriver=$manager" \
        --add-runtime "under-test=$RUNTIME" --default-runtime under-test \
        --storage-driver overlay2 --shutdown-timeout 2 >"$work/log" 2>&1 3>&- 4>&- &
    echo $! >"$work/daemon"
    wait_until docker version >/dev/null 2>&1 || {
        tail "$work/log" >&2
        return 1
    }
    docker import "$work/root.tar" box >/dev/null
}

teardown_file() {
    [ -n "${work:-}" ] || return 0
    # shellcheck disable=SC2046
    docker rm -f $(docker ps -aq) >/dev/null 2>&1 || true
    wait_until no_shims || true
    kill "$(cat "$work/daemon")"
    wait_until gone "$(cat "$work/daemon")"
    # Whatever its options say, it makes these.
    for path in /run/docker/plugins /run/docker /etc/docker/key.json; do
        grep -qxF "$path" "$work/was-there" || rm -d "$path"
    done
    finish
}

docker() { timeout 60 docker "$@" 3>&- 4>&-; }

setup() {
    require root
    require dockerd
    require docker
    box=t$BATS_TEST_NUMBER
    cd "$work"
}

teardown() { [ -z "${work:-}" ] || docker rm -f "$box" >/dev/null 2>&1 || true; }

inspect() { docker inspect --format "$1" "${2:-$box}"; }

state_is() { [ "$(inspect '{{.State.Status}}')" = "$1" ]; }
log_has() { docker logs "$box" 2>&1 | grep -qx "$1"; }

run_box() { # ARGS...: docker run without a network
    docker run --network none --name "$box" "$@"
}

@test "docker info: the runtime under test is the default" {
    same under-test "$(docker info --format '{{.DefaultRuntime}}')"
}

@test "docker run: output, environment, directory, user, host name, exit status" {
    ends 7 run_box --rm -e A=b -w /etc -u guest --hostname jar box \
        sh -c 'echo "$A $(pwd) $(id -u):$(id -g) $(id -G) $(hostname)"; exit 7'
    same "b /etc 1000:1000 1000 2000 jar" "$output"
    ends 1 docker inspect "$box"
}

@test "docker run: 125, 126, 127" {
    [ "$runtime" != crun ] || skip "crun says Permission denied, Docker 20.10 looks for permission denied"
    ends 125 run_box --rm --bogus box true
    ends 126 run_box --rm box /etc/not-executable
    ends 127 run_box --rm box /none
    ends 127 run_box --rm box none
}

@test "docker run: what fails only when it is executed leaves no shim behind" {
    for _ in 1 2 3 4 5; do
        status=0
        run_box --rm box /etc/no-interpreter >/dev/null 2>&1 || status=$?
        [ "$status" != 0 ]
    done
    wait_until no_shims
}

@test "docker run: input by a pipe, both outputs kept apart" {
    echo through | run_box --rm -i box sh -c 'cat; echo other >&2' >out 2>err
    same through "$(cat out)"
    same other "$(cat err)"
}

@test "docker run -d, logs, exec, stop" {
    run_box -d box sh -c 'trap "echo ending; exit 3" TERM; echo up; while :; do sleep 0.1; done'
    wait_until log_has up
    ends 5 docker exec -e A=b -w /etc -u guest "$box" sh -c 'echo "$A $(pwd) $(id -u)"; exit 5'
    same "b /etc 1000" "$output"
    same in "$(echo in | docker exec -i "$box" cat)"
    ends 126 docker exec "$box" /none # so it is in 20.10
    contains /none
    ends 126 docker exec "$box" /etc/not-executable
    docker exec -d "$box" sh -c 'echo behind >/tmp/behind'
    wait_until docker exec "$box" test -s /tmp/behind
    docker stop -t 10 "$box"
    same "exited 3" "$(inspect '{{.State.Status}} {{.State.ExitCode}}')"
    same $'up\nending' "$(docker logs "$box")"
}

@test "docker run -it: a terminal with its size, and its end" {
    on_terminal "/usr/bin/env docker run --network none -it --rm --name $box box sh" 'wait:# ' "type:$tty_and_size" \
        'wait:/dev/pts/0' 'wait:33 111' 'type:sleep 100' 'sleep:0.5' 'key:C' 'wait:# ' 'type:echo st=$?' 'wait:st=130' \
        'type:exit 6' 'end:6' 'same'
}

@test "docker exec -it: a terminal with its size, a new size, and its end" {
    run_box -d box sleep 100
    on_terminal "/usr/bin/env docker exec -it $box sh" 'wait:# ' "type:$tty_and_size" 'wait:/dev/pts/0' 'wait:33 111' \
        'size:20 70' 'sleep:0.5' 'type:stty size' 'wait:20 70' 'type:exit 6' 'end:6' 'same'
}

@test "docker kill, restart, and a policy that restarts" {
    run_box -d box sh -c 'trap "echo got" USR1; echo ready; while :; do sleep 0.1; done'
    wait_until log_has ready
    docker kill -s USR1 "$box"
    wait_until log_has got
    local pid
    pid=$(inspect '{{.State.Pid}}')
    docker restart -t 0 "$box"
    same running "$(inspect '{{.State.Status}}')"
    [ "$(inspect '{{.State.Pid}}')" != "$pid" ]
    docker kill "$box"
    same "exited 137" "$(inspect '{{.State.Status}} {{.State.ExitCode}}')"
    docker rm "$box"
    run_box -d --restart on-failure:2 box false
    restarted() { [ "$(inspect '{{.State.Status}} {{.RestartCount}}')" = "exited 2" ]; }
    wait_until restarted
}

@test "docker pause and unpause" {
    run_box -d box sleep 100
    local pid
    pid=$(inspect '{{.State.Pid}}')
    docker pause "$box"
    same paused "$(inspect '{{.State.Status}}')"
    wait_until is_frozen "$pid"
    ends 1 docker exec "$box" true
    docker unpause "$box"
    same running "$(inspect '{{.State.Status}}')"
    ends 1 is_frozen "$pid"
    docker exec "$box" true
}

@test "docker run and update: limits of memory, processes and processor" {
    require limits
    run_box -d --memory 64m --pids-limit 77 --cpus 0.5 --ulimit nofile=300:400 box sleep 100
    local pid
    pid=$(inspect '{{.State.Pid}}')
    same "67108864 77 50000 100000" "$(memory_limit "$pid") $(pids_limit "$pid") $(cpu_limit "$pid")"
    same "300 400" "$(awk '/open files/ {print $4, $5}' "/proc/$pid/limits")"
    docker update --memory 32m --memory-swap 64m --pids-limit 55 --cpus 0.25 "$box"
    same "33554432 55 25000 100000" "$(memory_limit "$pid") $(pids_limit "$pid") $(cpu_limit "$pid")"
}

@test "docker top, stats" {
    require limits
    run_box -d --memory 64m box sh -c 'sleep 100 & sleep 101 & wait'
    wait_until docker exec "$box" pidof sleep
    ends 0 docker top "$box"
    contains "sleep 100"
    contains "sleep 101"
    read -r pids memory _ limit < <(docker stats --no-stream --format '{{.PIDs}} {{.MemUsage}}' "$box")
    same "3 64MiB" "$pids $limit"
    [ "$memory" != 0B ]
}

@test "docker run: too much memory ends with 137, and the daemon is told" {
    require limits
    # A moment before the end: the daemon hears of the two by different ways, and forgets the one that comes late.
    ends 137 run_box --memory 16m --memory-swap 16m box sh -c '(x=x; while :; do x=$x$x; done); s=$?; sleep 1; exit $s'
    same true "$(inspect '{{.State.OOMKilled}}')"
}

@test "docker cp, both ways, diff, commit" {
    run_box -d box sleep 100
    echo outside >here
    docker cp here "$box":/tmp/there
    same outside "$(docker exec "$box" cat /tmp/there)"
    docker exec "$box" sh -c 'echo inside >/etc/made'
    docker cp "$box":/etc/made back
    same inside "$(cat back)"
    ends 0 docker diff "$box"
    contains "A /etc/made"
    docker commit "$box" "$box-image" >/dev/null
    same inside "$(docker run --rm --network none "$box-image" cat /etc/made)"
    docker rmi "$box-image"
}

@test "docker: a health check by the daemon" {
    run_box -d --health-cmd 'test -e /tmp/well' --health-interval 0.3s --health-retries 1 box sleep 100
    health_is() { [ "$(inspect '{{.State.Health.Status}}')" = "$1" ]; }
    wait_until health_is unhealthy
    docker exec "$box" touch /tmp/well
    wait_until health_is healthy
}

@test "docker run --read-only, volumes, tmpfs, devices" {
    mkdir -p volume
    ends 0 run_box --rm --read-only -v "$work/volume:/v" -v "$work/volume:/r:ro" --tmpfs /t:size=64k \
        --device /dev/null:/dev/nil box sh -c 'touch /no; echo in >/v/file; touch /r/no
        cat /r/file; stat -f -c "%b*%S" /t; ls -l /dev/nil'
    contains "/no: Read-only"
    contains "/r/no: Read-only"
    contains "16*4096"
    contains "1,   3"
    same in "$(cat volume/file)"
}

@test "docker run --init: PID 1 reaps" {
    run_box -d --init box sleep 100
    ends 0 docker exec "$box" cat /proc/1/comm
    contains docker-init
    docker exec "$box" sh -c 'sh -c "sleep 0.1 & exit" & wait; sleep 0.4; grep -l "^State:.*Z" /proc/[0-9]*/status || echo none' >zombies
    same none "$(cat zombies)"
}

@test "docker run: capabilities, seccomp, no_new_privs, masked paths, sysctl" {
    status_in() { # ARGS...: what /proc/self/status says
        run_box --rm "$@" box awk '/^(CapEff|CapBnd|NoNewPrivs|Seccomp):/ {printf "%s ", $2}' /proc/self/status
    }
    same "00000000a80425fb 00000000a80425fb 0 2 " "$(status_in)"
    same "0000000000000400 0000000000000400 1 0 " \
        "$(status_in --cap-drop all --cap-add net_bind_service --security-opt no-new-privileges --security-opt seccomp=unconfined)"
    same "0000000000000000 00000000a80425fb 0 2 " "$(status_in -u guest)"
    ends 1 run_box --rm box unshare -m true
    contains "not permitted"
    same 0 "$(run_box --rm box wc -c /proc/keys | cut -d' ' -f1)"
    same 4321 "$(run_box --rm --sysctl kernel.msgmax=4321 box cat /proc/sys/kernel/msgmax)"
}

@test "docker run --privileged: all capabilities, or a refusal" {
    run docker run --rm --privileged --network none --name "$box" box awk '/^CapEff:/ {print $2}' /proc/self/status
    if [ "$status" = 0 ]; then # 20.10 knows those up to CAP_AUDIT_READ
        [ "$output" = "$(capabilities)" ] || same "$(printf %016x $((0x$(capabilities) & 0x3fffffffff)))" "$output"
    else # Docker asks for those too that it does not have itself
        [ "$(capabilities)" != "$(printf %016x $(((2 << $(cat /proc/sys/kernel/cap_last_cap)) - 1)))" ]
        same 125 "$status"
    fi
}

@test "docker run: namespaces of the host and of other containers" {
    same "$(readlink /proc/self/ns/net)" "$(docker run --rm --network host box readlink /proc/self/ns/net)"
    same "$(readlink /proc/self/ns/pid)" "$(docker run --rm --network none --pid host box readlink /proc/self/ns/pid)"
    run_box -d --ipc shareable box sleep 100
    for kind in net ipc pid; do
        option=$kind
        [ $kind != net ] || option=network
        same "$(docker exec "$box" readlink /proc/self/ns/$kind)" "$(docker run --rm "--$option" "container:$box" box readlink /proc/self/ns/$kind)"
    done
}

@test "docker build: RUN steps" {
    mkdir -p context
    printf 'FROM box\nRUN echo built >/built\nUSER guest\nRUN id -u >/tmp/user\nCMD ["cat", "/built", "/tmp/user"]\n' >context/Dockerfile
    DOCKER_BUILDKIT=0 docker build --network none -q -t "$box-image" context
    same $'built\n1000' "$(docker run --rm --network none "$box-image")"
    docker rmi "$box-image"
    printf 'FROM box\nRUN exit 9\n' >context/Dockerfile
    DOCKER_BUILDKIT=0 ends 9 docker build --network none -q context
    contains "returned a non-zero code: 9"
}
