#!/usr/bin/env bats
# Files of the root file system that the runtime reads or executes: fifos, devices, links, files without an end.
load escape

try_user() { # ID: whoever that is, by run and by exec, soon
    run timeout -s KILL 8 "$BOCAL" run --rootfs "$work/rootfs" --user "$1" /bin/grep Uid /proc/self/status
    [ "$status" != 137 ]
    lacks 77
    run timeout -s KILL 8 "$work/bocal-runtime" --root "$work/root" exec --user "$1" f-$$ grep Uid /proc/self/status
    [ "$status" != 137 ]
    lacks 77
}

# weakened: any_file
@test "/etc/passwd and /etc/group that are fifos, devices, directories or sockets" {
    require root
    in_work
    bundle 'exec sleep 100'
    applets id grep
    background f-$$
    for kind in fifo zero directory tty; do
        rm -rf rootfs/etc/passwd rootfs/etc/group
        for file in rootfs/etc/passwd rootfs/etc/group; do
            case $kind in
            fifo) mkfifo $file ;;
            zero) mknod -m 666 $file c 1 5 ;;
            tty) mknod -m 666 $file c 5 0 ;;
            directory) mkdir $file ;;
            esac
        done
        for user in 5 nobody 5:group; do try_user $user; done
    done
    oci delete --force f-$$
}

# weakened: magic_passwd
@test "/etc/passwd that leads to an fd of the caller is not read" {
    require root
    in_work
    echo 'secret:x:77:77::/home/secret:/bin/sh' >secret
    bundle 'exec sleep 100'
    applets id env
    background f-$$
    for fd in $(seq 5 12); do
        ln -sfn /proc/self/fd/$fd rootfs/etc/passwd
        run bocal run --rootfs "$work/rootfs" --user secret /bin/id -u 9<secret
        failed
        lacks 77
        run bocal run --rootfs "$work/rootfs" --user 77:77 /bin/env 9<secret
        lacks secret
        run oci exec --user secret f-$$ id -u 9<secret
        failed
        lacks 77
    done
    oci delete --force f-$$
}

# weakened: endless_file
@test "/etc/passwd and /etc/group of a terabyte" {
    require root
    in_work
    bundle 'exec sleep 100'
    applets id grep
    truncate -s 1T rootfs/etc/passwd
    cp --sparse=always rootfs/etc/passwd rootfs/etc/group 2>/dev/null || truncate -s 1T rootfs/etc/group
    background f-$$
    for user in 5 nobody 5:group; do try_user $user; done
    oci delete --force f-$$
    rm rootfs/etc/passwd rootfs/etc/group
}

# weakened: any_command
@test "a command that is a fifo, a device or a directory ends it at once" {
    require root
    in_work
    bundle 'exec sleep 100'
    background f-$$
    mkfifo rootfs/fifo
    mknod -m 777 rootfs/zero c 1 5
    mkdir rootfs/directory
    chmod 777 rootfs/fifo rootfs/directory
    for command in /fifo /zero /directory; do
        run timeout -s KILL 8 "$BOCAL" run --rootfs "$work/rootfs" $command
        [ "$status" = 126 ]
        run timeout -s KILL 8 "$work/bocal-runtime" --root "$work/root" exec f-$$ $command
        [ "$status" = 1 ]
    done
    oci delete --force f-$$
}

# weakened: in_root
@test "entries of the root that are fifos or links where files are mounted" {
    require root
    in_work
    plain_root
    chmod 777 host
    mkfifo rootfs/etc/hosts
    ln -s /proc/self/fd/9 rootfs/etc/resolv.conf
    ln -s "$work/host/made" rootfs/etc/hostname
    run timeout -s KILL 8 "$BOCAL" run --rootfs "$work/rootfs" /bin/cat /etc/hostname 9<>host/canary
    [ "$status" != 137 ]
    untouched
    rm rootfs/etc/resolv.conf rootfs/etc/hostname rootfs/etc/hosts
    ln -s "$work/host" rootfs/etc/directory
    run timeout -s KILL 8 "$BOCAL" run --rootfs "$work/rootfs" -v "$work/host/canary:/etc/directory/made" /bin/true
    untouched
}
