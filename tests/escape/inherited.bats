#!/usr/bin/env bats
# What a process inherits, and a container must not: fds, the working directory, environment, keys, groups, signals, the
# terminal.
load escape

# weakened: keep_fds
@test "no fd of the caller is inherited: run, bocal-runtime run, exec" {
    require root
    in_work
    bundle 'ls /proc/self/fd'
    applets ls
    exec 7<host 9</etc/passwd 30>>host/canary
    run bocal run --rootfs "$work/rootfs" /bin/ls /proc/self/fd
    [ "$output" = "$(printf '0\n1\n2\n3')" ]
    run oci run f-$$ </dev/null
    [ "$output" = "$(printf '0\n1\n2\n3')" ]
    bundle 'exec sleep 100'
    background f-$$
    run oci exec f-$$ ls /proc/self/fd
    [ "$output" = "$(printf '0\n1\n2\n3')" ]
    [ "$(ls /proc/"$(pid_of f-$$)"/fd | wc -l)" = 3 ]
    exec 7<&- 9<&- 30>&-
    oci delete --force f-$$
}

# weakened: keep_fds
@test "no fd of the caller is inherited by an ordinary user's container" {
    in_work
    exec 7<host 9</etc/passwd
    run bocal run /bin/ls /proc/self/fd
    exec 7<&- 9<&-
    [ "$output" = "$(printf '0\n1\n2\n3')" ]
}

# weakened: any_cwd
@test "CVE-2024-21626: no working directory is a directory of the host, by whatever fd" {
    in_work
    exec 7<host 8</
    for fd in $(seq 3 30); do
        run bocal run --workdir /proc/self/fd/$fd /bin/sh -c "cat canary; cat .$work/host/canary"
        lacks untouched
    done
    exec 7<&- 8<&-
}

# weakened: any_cwd
@test "CVE-2024-21626: nor by a link in the root file system, in run and in exec" {
    require root
    in_work
    bundle "cat canary; cat .$work/host/canary"
    applets cat
    exec 7<host 8</
    for fd in $(seq 3 24); do
        ln -sfn /proc/self/fd/$fd rootfs/cwd
        bundle "cat canary; cat .$work/host/canary" "c['process']['cwd'] = '/cwd'"
        run oci run f-$$ </dev/null
        lacks untouched
    done
    bundle 'exec sleep 100'
    background f-$$
    for fd in $(seq 3 24); do
        ln -sfn /proc/self/fd/$fd rootfs/cwd
        run oci exec --cwd /cwd f-$$ sh -c "cat canary; cat .$work/host/canary"
        lacks untouched
        run oci exec --cwd /proc/self/fd/$fd f-$$ sh -c "cat canary; cat .$work/host/canary"
        lacks untouched
    done
    exec 7<&- 8<&-
    oci delete --force f-$$
}

# weakened: keep_fds
@test "CVE-2024-21626: no program of the host is executed through an fd" {
    require root
    in_work
    bundle true
    cp "$(command -v busybox)" escaped
    exec 7<. 8</
    for fd in 7 8; do
        for path in /proc/self/fd/$fd/escaped "/proc/self/fd/$fd/$work/escaped" /proc/self/fd/$fd/../escaped; do
            ln -sfn "$path" rootfs/link
            for command in "$path" /link; do
                bundle true "c['process']['args'] = ['$command', 'echo', 'out' + 'side']"
                ln -sfn escaped echo
                run oci run f-$$ </dev/null
                failed
                lacks outside
            done
        done
    done
    exec 7<&- 8<&-
}

# weakened: keep_environment
@test "the caller's environment stays outside: run, bocal-runtime run, exec" {
    require root
    in_work
    bundle env
    applets env
    with_secrets() { env SECRET=outside LD_PRELOAD= LD_LIBRARY_PATH=/nowhere NOTIFY_SOCKET=/x SUDO_USER=outside HOME="$work" "$@"; }
    run with_secrets "$BOCAL" run /bin/env
    lacks outside
    lacks NOTIFY
    lacks LD_
    lacks "$work"
    run with_secrets "$work/bocal-runtime" --root "$work/root" run e-$$ </dev/null
    lacks outside
    lacks LD_
    contains NOTIFY_SOCKET=/x/notify # the container's own, and no other
    [ "$(grep -c NOTIFY <<<"$output")" = 1 ]
    lacks "$work"
    bundle 'exec sleep 100'
    background e-$$
    run with_secrets "$work/bocal-runtime" --root "$work/root" exec e-$$ env
    lacks outside
    lacks NOTIFY
    lacks LD_
    lacks "$work"
    oci delete --force e-$$
}

# weakened: any_listen_pid
@test "LISTEN_FDS that is meant for another process passes no fd on" {
    require root
    in_work
    bundle 'ls /proc/self/fd; echo "listen $LISTEN_FDS"'
    applets ls
    for pid in 1 $$ "" x; do
        run env LISTEN_FDS=1 LISTEN_PID=$pid timeout 20 "$work/bocal-runtime" --root "$work/root" run e-$$ </dev/null 3<host
        ran
        [ "$output" = "$(printf '0\n1\n2\n3\nlisten ')" ]
    done
    # shellcheck disable=SC2016
    run sh -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" --root "$1" run "$2" </dev/null' "$work/bocal-runtime" "$work/root" e-$$ 3<host
    [ "$output" = "$(printf '0\n1\n2\n3\n4\nlisten 1')" ]
}

# weakened: no_keyring
@test "the caller's session keyring stays outside: run, exec" {
    require root
    in_work
    plain_root
    probe
    bundle 'probe key escape-secret'
    with_key() { # COMMAND...: with a key in the session keyring
        # shellcheck disable=SC2016
        python3 -c 'import ctypes, os, sys
call = ctypes.CDLL(None, use_errno=True).syscall
call(250, 1, None)
assert call(248, b"user", b"escape-secret", b"secret", 6, -3) > 0
os.execv(sys.argv[1], sys.argv[1:])' "$@"
    }
    run with_key "$work/rootfs/bin/probe" key escape-secret
    contains done
    run with_key "$work/bocal-runtime" --root "$work/root" run e-$$ </dev/null
    lacks done
    contains "key: "
    run with_key "$BOCAL" run --userns host --security-opt seccomp=unconfined --rootfs "$work/rootfs" /bin/probe key escape-secret
    lacks done
    contains "key: "
    bundle 'exec sleep 100'
    background e-$$
    run with_key "$work/bocal-runtime" --root "$work/root" exec e-$$ probe key escape-secret
    lacks done
    contains "key: "
    oci delete --force e-$$
}

# weakened: keep_signals
@test "blocked and ignored signals of the caller are neither inside: run, bocal-runtime run, exec" {
    require root
    in_work
    bundle true "c['process']['args'] = ['/bin/grep', '-E', 'Sig(Blk|Ign)', '/proc/self/status']"
    applets grep
    deaf() {
        python3 -c 'import os, signal, sys
for s in (1, 2, 3, 10, 12, 13, 15, 17, 18): signal.signal(s, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {1, 2, 3, 10, 12, 13, 14, 15, 17})
os.execv(sys.argv[1], sys.argv[1:])' "$@"
    }
    none=$(printf 'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000')
    [ "$(deaf "$work/bocal-runtime" --root "$work/root" run e-$$ </dev/null)" = "$none" ]
    [ "$(deaf "$BOCAL" run /bin/grep -E 'Sig(Blk|Ign)' /proc/self/status)" = "$none" ]
    bundle 'exec sleep 100'
    background e-$$
    [ "$(deaf "$work/bocal-runtime" --root "$work/root" exec e-$$ grep -E 'Sig(Blk|Ign)' /proc/self/status)" = "$none" ]
    oci delete --force e-$$
}

# weakened: no_umask
@test "the umask is the configuration's, not the caller's nor the set-up's" {
    require root
    in_work
    bundle umask
    umask 0
    [ "$(oci run e-$$ </dev/null)" = 0022 ]
    [ "$(bocal run /bin/sh -c umask)" = 0022 ]
    bundle 'exec sleep 100' "c['process']['user']['umask'] = 0o27"
    background e-$$
    [ "$(oci exec e-$$ sh -c umask)" = 0027 ]
    oci delete --force e-$$
}

# weakened: same_session
@test "CVE-2016-2568, CVE-2017-5226: the caller's terminal is nobody's inside: run, bocal-runtime run, exec" {
    require root
    in_work
    bundle 'cut -d" " -f7 /proc/self/stat; exec 3<>/dev/tty'
    applets cut
    on_pty() {
        python3 -c 'import os, pty, sys
status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))' "$@" </dev/null | tr -d '\r'
    }
    run on_pty cut -d' ' -f7 /proc/self/stat
    [ "$output" != 0 ]
    # shellcheck disable=SC2016
    look='cut -d" " -f7 /proc/self/stat; (exec 3<>/dev/tty) 2>/dev/null || echo none'
    run on_pty "$BOCAL" run -i --rootfs "$work/rootfs" /bin/sh -c "$look"
    [ "$output" = "$(printf '0\nnone')" ]
    bundle "$look"
    run on_pty "$work/bocal-runtime" --root "$work/root" run e-$$
    [ "$output" = "$(printf '0\nnone')" ]
    bundle 'exec sleep 100'
    background e-$$
    run on_pty "$work/bocal-runtime" --root "$work/root" exec e-$$ sh -c "$look"
    [ "$output" = "$(printf '0\nnone')" ]
    oci delete --force e-$$
}
