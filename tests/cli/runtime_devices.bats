#!/usr/bin/env bats
# bocal-runtime: the nodes in the container's /dev, and in its root's where nothing is mounted there.
load helpers
load bundles

@test "devices of a container with users of its own: their mode and owner, whether the host has them or not" {
    require root
    maps="[{'containerID': 0, 'hostID': 100000, 'size': 65536}]"
    all="[{'containerID': 0, 'hostID': 0, 'size': 4294967295}]"
    for ids in "$maps" "$all"; do
        bundle 'busybox stat -c "%F %a %u:%g %t:%T" /dev/foo /dev/null /dev; busybox readlink /dev/fd; echo x >/dev/null && echo written; echo x 2>/dev/null >/dev/foo || echo denied
                busybox touch /dev/new && busybox stat -c %u /dev/new' "
c['linux']['namespaces'].append({'type': 'user'})
c['linux']['uidMappings'] = c['linux']['gidMappings'] = $ids
c['linux']['devices'] = [{'path': '/dev/foo', 'type': 'b', 'major': 1, 'minor': 5, 'uid': 10, 'gid': 11, 'fileMode': 0o157}]"
        chown 100000:100000 rootfs rootfs/*
        run oci run "config-$$" </dev/null
        [ "$status" = 0 ]
        [ "${lines[0]}" = "block special file 157 10:11 1:5" ]
        [ "${lines[1]}" = "character special file 666 0:0 1:3" ]
        [[ ${lines[2]} = "directory "*" 0:0 0:0" ]]
        [ "$(echo ${lines[@]:3})" = "/proc/self/fd written denied 0" ]
    done
}

@test "the null device as a standard fd is the container's own; what the root has in its place is not opened" {
    require root
    bundle 'for fd in 0 1 2; do busybox stat -Lc "%d:%i" /proc/self/fd/$fd; done >/out; busybox stat -c "%d:%i" /dev/null >>/out'
    for _ in 1 2; do
        oci run "null-$$" </dev/null >/dev/null 2>/dev/null
        mapfile -t seen <rootfs/out
        [ "${seen[0]}" != "$(stat -c "%d:%i" /dev/null)" ]
        [ "${seen[0]} ${seen[2]}" = "${seen[3]} ${seen[3]}" ] # 1 is the file
        sed -i "s/'network')/'network', 'user')/" config.json # bound there, not made
    done
    bundle 'busybox stat -Lc "%F" /proc/self/fd/0' "
c['mounts'] = [m for m in c['mounts'] if not m['destination'].startswith('/dev')]"
    mkfifo rootfs/dev/null
    run oci run "null-$$" </dev/null # an open would wait
    [ "$status" = 0 ]
    contains "character special file"
}

@test "without a mount at /dev the root's gets what is listed, and the default devices" {
    require root
    bundle 'busybox stat -c "%F %a %u:%g %t:%T" /dev/foo /dev/sub/bar /dev/null /dev/tty; busybox readlink /dev/fd; busybox readlink /dev/ptmx' "
c['mounts'] = [m for m in c['mounts'] if not m['destination'].startswith('/dev')]
c['linux']['devices'] = [{'path': '/dev/foo', 'type': 'c', 'major': 1, 'minor': 5, 'uid': 3, 'gid': 4, 'fileMode': 0o640},
                         {'path': '/dev/sub/bar', 'type': 'p', 'fileMode': 0o600}]"
    for i in 1 2; do # the second time they are there
        run oci run "config-$$" </dev/null
        [ "$status" = 0 ]
        [ "${lines[0]}" = "character special file 640 3:4 1:5" ]
        [ "${lines[1]}" = "fifo 600 0:0 0:0" ]
        [ "${lines[2]}" = "character special file 666 0:0 1:3" ]
        [ "${lines[3]}" = "character special file 666 0:0 5:0" ]
        [ "$(echo "${lines[@]:4}")" = "/proc/self/fd pts/ptmx" ]
    done
    mkdir theirs
    bundle 'busybox ls /dev' "c['mounts'] = [{'destination': '/dev', 'source': 'theirs', 'options': ['rbind']}]
c['linux']['devices'] = [{'path': '/dev/foo', 'type': 'c', 'major': 1, 'minor': 5}]"
    run oci run "config-$$" </dev/null
    [ "$status:$output:$(ls theirs)" = "0::" ]
    bundle true "c['mounts'] = [m for m in c['mounts'] if not m['destination'].startswith('/dev')]
c['linux']['devices'] = [{'path': '/dev/foo', 'type': 'c', 'major': 1, 'minor': 5}]"
    rm rootfs/dev/foo
    touch rootfs/dev/foo
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/linux/devices/0: File exists (something else is there)"
}

@test "without a mount at /dev: what the root has of the default devices stays, a link at /dev is refused" {
    require root
    bare="c['mounts'] = [m for m in c['mounts'] if not m['destination'].startswith('/dev')]"
    bundle 'busybox stat -c "%F %a %g" /dev/null' "$bare"
    mknod -m 600 rootfs/dev/null c 1 3
    chown 0:7 rootfs/dev/null
    run oci run "config-$$" </dev/null
    [ "$status:$output" = "0:character special file 600 7" ]
    rm rootfs/dev/null
    touch rootfs/dev/null
    run oci run "config-$$" </dev/null
    [ "$status" = 0 ]
    [[ $output = "regular "*"file 644 0" ]]
    rm -r rootfs/dev
    mkdir outside
    ln -s "$work/outside" rootfs/dev
    run oci run "config-$$" </dev/null
    [ "$status" = 1 ]
    contains "/dev of the root is a link"
    [ -z "$(ls outside)" ]
}
