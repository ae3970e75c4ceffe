#!/usr/bin/env bats
# A container as its user sees it.
load helpers

@test "the first look: uid 0, own host name, own processes, PID 1 is not bocal" {
    run bocal run /bin/sh -c 'id -u; hostname; ps; ls -l /proc/1/exe'
    [ "$status" = 0 ]
    [ "${lines[0]}" = 0 ]
    [ "${lines[1]}" != "$(hostname)" ]
    [ "${#lines[1]}" = 12 ]
    contains "PID"
    [ "$(printf '%s\n' "$output" | grep -cE '^ *[0-9]+ ')" -le 3 ]
    contains "bocal-init"
}

@test "capabilities, no_new_privs and seccomp are on" {
    run bocal run /bin/cat /proc/self/status
    [ "$status" = 0 ]
    contains "NoNewPrivs:	1"
    contains "Seccomp:	2"
    [ "$(printf '%s\n' "$output" | awk '/CapBnd/ {print $2}')" = "$(printf '%s\n' "$output" | awk '/CapEff/ {print $2}')" ]
    ! printf '%s\n' "$output" | grep -q 'CapEff:.*[0-9a-f]*3ffffffff'
}

@test "it has a mount namespace, pid namespace, ... of its own" {
    for ns in mnt pid net uts ipc cgroup user; do
        run bocal run /bin/readlink /proc/self/ns/$ns
        [ "$status" = 0 ]
        [ "$output" != "$(readlink /proc/self/ns/$ns)" ] || { echo "$ns is the host's"; return 1; }
    done
}

@test "what it writes is its own" {
    run bocal run /bin/sh -c 'echo x >/written && cat /written'
    [ "$output" = x ]
    run bocal run /bin/cat /written
    [ "$status" = 1 ]
}

@test "exit status: the command's, 128+n, 126, 127, 125" {
    run bocal run /bin/sh -c 'exit 7'
    [ "$status" = 7 ]
    run bocal run /bin/sh -c 'kill -9 $$'
    [ "$status" = 137 ]
    run bocal run /bin/sh -c 'kill -TERM $$'
    [ "$status" = 143 ]
    run bocal run /nope
    [ "$status" = 127 ]
    run bocal run /etc/passwd
    [ "$status" = 126 ]
    run bocal run --nope
    [ "$status" = 125 ]
}

@test "standard input, output and error are the caller's" {
    run bash -c 'echo in | "$BOCAL" run -i /bin/sh -c "cat; echo err >&2" 2>/dev/null'
    [ "$output" = in ]
    run bash -c '"$BOCAL" run /bin/sh -c "echo out; echo err >&2" 2>&1 >/dev/null | grep -v "one id only"'
    [ "$output" = err ]
}

@test "a megabyte goes through unchanged" {
    head -c 1000000 /dev/urandom >data
    bocal run -i /bin/cat <data >copy
    cmp data copy
}

@test "--no-init makes the command PID 1, otherwise it is not" {
    run bocal run --no-init /bin/sh -c 'echo $$'
    [ "$output" = 1 ]
    run bocal run /bin/sh -c 'echo $$'
    [ "$output" != 1 ]
}

@test "orphans are reaped" {
    run bocal run /bin/sh -c '(sleep 0.1 &) ; sleep 0.4; ps | grep -c "\[sleep\]"'
    [ "$output" = 0 ]
}

@test "/proc/self/exe of what runs first is a sealed memfd, not bocal (CVE-2019-5736)" {
    run bocal run /bin/ls -l /proc/1/exe
    contains "memfd:bocal-init"
    run bocal run /bin/sh -c 'echo >/proc/1/exe'
    [ "$status" != 0 ]
}

@test "no fd but 0, 1, 2 is inherited" {
    exec 9</etc/passwd
    run bocal run /bin/sh -c 'ls /proc/self/fd'
    exec 9<&-
    [ "$(printf '%s' "$output" | tr '\n' ' ')" = "0 1 2 3" ]
}

@test "/dev is the default set" {
    run bocal run /bin/sh -c 'ls /dev; echo x >/dev/null; head -c 4 /dev/zero | wc -c; test -c /dev/tty && echo tty'
    [ "$status" = 0 ]
    for name in null zero full random urandom tty ptmx pts shm mqueue fd stdin stdout stderr; do
        contains "$name"
    done
    contains 4
}

@test "/proc and /sys hide and protect what is the host's" {
    run bocal run /bin/sh -c 'wc -c </proc/kcore 2>/dev/null || echo hidden; echo 1 >/proc/sys/vm/overcommit_memory; echo b >/proc/sysrq-trigger; ls /sys/firmware | wc -l; touch /sys/x'
    contains "Read-only file system"
    run bocal run /bin/sh -c 'ls /sys/firmware | wc -l'
    [ "$output" = 0 ]
}

@test "nothing of the host is mounted: one root, and what the plan mounts" {
    for options in "" "--userns host --no-init" "--uptime"; do
        # shellcheck disable=SC2086
        run bocal run $options /bin/sh -c 'cut -d" " -f5 /proc/self/mountinfo'
        [ "$status" = 0 ] || { is_root || continue; return 1; }
        [ "$(printf '%s\n' "$output" | grep -cx /)" = 1 ]
        strange=$(printf '%s\n' "$output" | grep -vxE '/|/(proc|sys|dev|etc)(/.*)?' || true)
        [ -z "$strange" ] || { echo "strange: $strange"; return 1; }
    done
}

@test "loopback is up, and nothing else is there" {
    run bocal run /bin/sh -c 'ip -o link | wc -l; ip -o addr show lo | grep -c 127.0.0.1'
    [ "${lines[0]}" = 1 ]
    [ "${lines[1]}" = 1 ]
}

@test "--network host is the host's" {
    run bocal run --network host /bin/readlink /proc/self/ns/net
    [ "$output" = "$(readlink /proc/self/ns/net)" ]
}

@test "--pid, --ipc, --uts, --cgroupns host are the host's" {
    for ns in ipc uts; do
        run bocal run --$ns host /bin/readlink /proc/self/ns/$ns
        [ "$output" = "$(readlink /proc/self/ns/$ns)" ] || { echo "$ns: $output"; return 1; }
    done
    run bocal run --pid host /bin/readlink /proc/self/ns/pid
    [ "$output" = "$(readlink /proc/self/ns/pid)" ]
}

@test "joining the namespaces of a running container" {
    mkfifo gate
    "$BOCAL" run -i /bin/sh -c 'echo ready; read x' <gate >out &
    outer=$!
    exec 7>gate
    for _ in $(seq 100); do [ -s out ] && break; sleep 0.05; done
    inner=$(pgrep -P $outer | head -1)
    wanted=$(readlink /proc/$inner/ns/net 2>/dev/null || true)
    run bocal run --network container:$inner --pid container:$inner --userns container:$inner /bin/sh -c 'readlink /proc/self/ns/net; ps'
    exec 7>&-
    wait $outer || true
    [ "$status" = 0 ]
    [ -z "$wanted" ] || contains "$wanted"
    contains "bocal-init"
}

@test "joining a namespace, as the host's root" {
    require root
    "$BOCAL" run --userns host /bin/sh -c 'echo ready; sleep 60' >out &
    outer=$!
    for _ in $(seq 100); do [ -s out ] && break; sleep 0.05; done
    inner=$(pgrep -P $outer | head -1)
    wanted=$(readlink /proc/$inner/ns/net)
    run bocal run --userns host --network container:$inner --pid container:$inner /bin/sh -c 'readlink /proc/self/ns/net; ps'
    kill -TERM $outer
    wait $outer || true
    [ "$status" = 0 ]
    contains "$wanted"
    contains "sleep 60"
}

@test "--uptime starts the clock" {
    run bocal run --uptime /bin/cut -d. -f1 /proc/uptime
    [ "$status" = 0 ]
    [ "$output" -lt 5 ]
}

@test "/etc/hosts, hostname and resolv.conf are generated" {
    run bocal run --hostname jar /bin/sh -c 'hostname; cat /etc/hostname; grep jar /etc/hosts'
    [ "${lines[0]}" = jar ]
    [ "${lines[1]}" = jar ]
    contains "jar"
}

@test "--read-only" {
    run bocal run --read-only /bin/touch /x
    [ "$status" = 1 ]
    contains "Read-only"
    run bocal run --read-only --tmpfs /tmp /bin/touch /tmp/x
    [ "$status" = 0 ]
}

@test "-v: a directory of the caller looks like the container's, both ways" {
    mkdir shared
    echo hello >shared/file
    run bocal run -v "$work/shared:/mnt" /bin/sh -c 'cat /mnt/file; stat -c %u /mnt/file; echo back >/mnt/new'
    [ "${lines[0]}" = hello ]
    [ "${lines[1]}" = 0 ]
    [ "$(cat shared/new)" = back ]
    [ "$(stat -c %u shared/new)" = "$(id -u)" ]
}

@test "-v ro, a file, a relative path" {
    mkdir d
    echo one >d/f
    run bocal run -v ./d:/mnt:ro /bin/sh -c 'cat /mnt/f; touch /mnt/x'
    contains one
    contains "Read-only"
    run bocal run -v "$work/d/f:/file" /bin/cat /file
    [ "$output" = one ]
}

@test "--mount and --tmpfs" {
    run bocal run --mount type=bind,source="$work",target=/mnt,readonly /bin/touch /mnt/x
    contains "Read-only"
    run bocal run --tmpfs /t:size=1m /bin/sh -c 'df -k /t | tail -1'
    contains 1024
}

@test "a target that is deep and missing is made" {
    run bocal run --tmpfs /a/b/c/d/e -v "$work:/x/y/z/w/v" /bin/sh -c 'ls -d /a/b/c/d/e /x/y/z/w/v'
    [ "$status" = 0 ]
    contains /a/b/c/d/e
    contains /x/y/z/w/v
}

@test "--shm-size" {
    run bocal run --shm-size 2m /bin/sh -c 'df -k /dev/shm | tail -1'
    contains 2048
}

@test "--user by number and by name, --group-add" {
    require ranges
    run bocal run --user 1000:1000 /bin/sh -c 'id -u; id -g; grep CapEff /proc/self/status'
    [ "${lines[0]}" = 1000 ]
    [ "${lines[1]}" = 1000 ]
    contains "CapEff:	0000000000000000"
    run bocal run --user nobody /bin/id -un
    [ "$output" = nobody ]
    run bocal run --user 1000:1000 --group-add 42 /bin/id -G
    contains 42
}

@test "--user 1000 with one id" {
    require single
    run bocal run --user 1000:1000 /bin/id -u
    contains 1000
    run bocal run --user 0 /bin/id -u
    [ "$status:${lines[-1]}" = 0:0 ]
}

@test "one id only is said, with the remedy" {
    require single
    run "$BOCAL" run /bin/true
    [ "$status" = 0 ]
    contains "one id only"
    contains "usermod --add-subuids"
}

@test "a --user capability is ambient" {
    require ranges
    run bocal run --user 1000:1000 --cap-add NET_ADMIN /bin/grep CapAmb /proc/self/status
    contains "CapAmb:	0000000000001000"
}

@test "--workdir, --env, --env-file, --entrypoint, --umask" {
    printf '# comment\nA=1\nB=two words\n' >env
    run bocal run --workdir /tmp --env-file env -e B=3 -e C /bin/sh -c 'pwd; echo $A$B$C; umask'
    [ "${lines[0]}" = /tmp ]
    [ "${lines[1]}" = 13 ]
    [ "${lines[2]}" = 0022 ]
    run bocal run --umask 077 /bin/sh -c umask
    [ "$output" = 0077 ]
    export X=y
    run bocal run -e X /bin/sh -c 'echo $X $HOME'
    [ "$output" = "y /root" ]
}

@test "--cap-drop ALL and --cap-add" {
    run bocal run --cap-drop ALL /bin/grep CapBnd /proc/self/status
    contains "CapBnd:	0000000000000000"
    run bocal run --cap-drop ALL --cap-add CHOWN /bin/grep CapEff /proc/self/status
    contains "CapEff:	0000000000000001"
}

@test "--ulimit" {
    run bocal run --ulimit nofile=100:200 /bin/sh -c 'ulimit -Sn; ulimit -Hn'
    [ "${lines[0]}" = 100 ]
    [ "${lines[1]}" = 200 ]
}

@test "--sysctl" {
    run bocal run --sysctl net.ipv4.ip_unprivileged_port_start=80 /bin/cat /proc/sys/net/ipv4/ip_unprivileged_port_start
    [ "$output" = 80 ]
}

@test "--timeout stops it" {
    run bocal run --timeout 300ms --stop-timeout 1 /bin/sleep 20
    [ "$status" != 0 ]
    contains "time"
}

@test "signals are passed on" {
    "$BOCAL" run /bin/sh -c 'trap "echo got; exit 9" TERM; echo ready; while :; do sleep 0.05; done' >out &
    pid=$!
    for _ in $(seq 100); do [ -s out ] && break; sleep 0.05; done
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ "$status" = 9 ]
    grep -q got out
}

@test "a caller that ignores signals, all that it can, changes nothing inside" {
    run timeout 20 python3 -c 'import ctypes, os, signal, sys
for s in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE): signal.signal(s, signal.SIG_IGN)
ignore = (ctypes.c_ulong * 4)(1)
for s in (32, 33): ctypes.CDLL(None).syscall(13, s, ignore, None, 8) # rt_sigaction: the C library refuses these
os.execv(os.environ["BOCAL"], ["bocal", "run", "/bin/sh", "-c", "grep SigIgn /proc/self/status; exit 6"])'
    [ "$status" = 6 ]
    contains "SigIgn:	0000000000000000"
}

@test "seccomp: what a container must not do is refused" {
    run bocal run /bin/unshare -U /bin/true
    [ "$status" != 0 ]
    run bocal run --security-opt seccomp=unconfined /bin/grep Seccomp: /proc/self/status
    contains "Seccomp:	0"
}

@test "--rootfs DIR and DIR:O" {
    require root
    mkdir -p root/bin root/proc root/dev root/sys root/etc
    cp "$(command -v busybox)" root/bin/sh
    run bocal run --rootfs "$work/root:O" /bin/sh -c 'echo >/new; echo ok'
    [ "$output" = ok ]
    [ ! -e root/new ]
    run bocal run --rootfs "$work/root" /bin/sh -c 'echo >/new; echo ok'
    [ "$output" = ok ]
    [ -e root/new ]
}

@test "--rootfs DIR of an ordinary user" {
    require user
    mkdir -p root/bin root/proc root/dev root/sys root/etc
    cp "$(command -v busybox)" root/bin/sh
    run bocal run --rootfs "$work/root" /bin/sh -c 'echo >/new; echo ok'
    contains ok
    [ -e root/new ]
}

@test "container run prints both lines of the seed" {
    ln -s "$BOCAL" container
    run ./container run /bin/sh -c 'echo inside'
    [ "$status" = 0 ]
    contains "running [/bin/sh -c echo inside] as PID 1"
    [ "$(printf '%s\n' "$output" | grep -c 'running \[/bin/sh')" = 2 ]
    contains inside
}

@test "--privileged gives what bocal has" {
    require root
    run bocal run --privileged /bin/sh -c 'grep -E "Seccomp:|NoNewPrivs" /proc/self/status; ls /dev | wc -l'
    contains "Seccomp:	0"
}

@test "two hundred lines of environment and arguments arrive" {
    args=()
    for i in $(seq 200); do args+=("-e" "V$i=$i"); done
    run bocal run "${args[@]}" /bin/sh -c 'env | grep -c ^V'
    [ "$output" = 200 ]
}
