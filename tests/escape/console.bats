#!/usr/bin/env bats
# Terminals: /dev/console, /dev/pts and /dev/ptmx that are something else.
load escape

# weakened: any_pts
@test "exec -t: a /dev/pts that is no devpts is refused, whatever device lies in it" {
    require root
    in_work
    # A directory, with a ptmx that leads to a devpts beside it, as the kernel looks for one there.
    bundle 'mknod /dev/pts/ptmx c 5 2; exec sleep 100' "c['mounts'][2]['destination'] = '/dev/pts/pts'
c['process']['capabilities'] = {k: ['CAP_MKNOD'] for k in ('bounding', 'effective', 'permitted')}"
    applets tty mknod
    background t-$$
    for _ in $(seq 100); do oci exec t-$$ sh -c 'test -e /dev/pts/ptmx' && break; sleep 0.05; done
    run oci exec -t t-$$ tty </dev/null
    failed
    contains "No such device"
    oci delete --force t-$$
}

# weakened: any_pts
@test "exec -t: fifos, files and links where the terminals are end it at once" {
    require root
    in_work
    bundle 'exec sleep 100' "c['mounts'] = c['mounts'][:1]"
    applets tty
    background t-$$
    for kind in fifo file link loop none; do
        rm -rf rootfs/dev/pts
        mkdir -p rootfs/dev/pts
        case $kind in
        fifo) mkfifo rootfs/dev/pts/ptmx ;;
        file) echo >rootfs/dev/pts/ptmx ;;
        link) ln -s /proc/self/fd/0 rootfs/dev/pts/ptmx ;;
        loop) rmdir rootfs/dev/pts && ln -s pts rootfs/dev/pts ;;
        esac
        run oci exec -t t-$$ tty </dev/null
        failed
        [ $kind = loop ] || contains "No such device"
    done
    oci delete --force t-$$
}

# weakened: magic_pts
@test "exec -t: /dev/pts that leads to an fd of the caller is refused" {
    require root
    in_work
    bundle 'exec sleep 100' "c['mounts'] = c['mounts'][:1]"
    applets tty
    background t-$$
    rm -rf rootfs/dev/pts
    for fd in $(seq 5 12); do
        ln -sfn /proc/self/fd/$fd rootfs/dev/pts
        run oci exec -t t-$$ sh -c 'echo ran' </dev/null 9</dev/pts
        failed
        lacks ran
    done
    oci delete --force t-$$
}

# weakened: console_anywhere
@test "CVE-2025-52565: no console is put over what the root's /dev/console leads to" {
    require root
    in_work
    plain_root
    bundle 'test -c /etc/target && echo covered; test -c /dev/console && echo console; exit 0' "c['process']['terminal'] = True
del c['mounts'][1]"
    mkdir rootfs/dev/pts
    echo target >rootfs/etc/target
    ln -s /etc/target rootfs/dev/console
    # shellcheck disable=SC2016
    run python3 -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$work/bocal-runtime" --root "$work/root" run t-$$ </dev/null
    ran
    lacks covered
}

# weakened: own_terminal
@test "with --tty the caller's terminal is not inside, on any fd" {
    in_work
    plain_root
    require ranges
    # shellcheck disable=SC2016
    run python3 -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$BOCAL" run -it /bin/sh -c 'for f in /proc/self/fd/[012] /dev/pts/0; do stat -L -c %d:%i $f; done' </dev/null
    ran
    [ "$(tr -d '\r' <<<"$output" | sort -u | wc -l)" = 1 ]
}
