#!/usr/bin/env bats
# bocal-runtime mounts: into a container that runs, and out of it.
load helpers
load bundles

# box ID [PYTHON]: a container that rests, with applets, and a directory and a file of the host's.
box() {
    bundle 'exec sleep 100' "${2:-}"
    for applet in cat ls grep touch mkdir ln mount umount rm mv id stat; do ln -sf busybox rootfs/bin/$applet; done
    mkdir -p source
    echo said >source/file
    [ -z "${owner:-}" ] || chown -R "$owner" rootfs
    oci run -d "$1" </dev/null >/dev/null 2>&1
}

userns="c['linux']['namespaces'].append({'type': 'user'})
c['linux']['uidMappings'] = c['linux']['gidMappings'] = [{'containerID': 0, 'hostID': 100000, 'size': 65536}]"

# mounts add|remove ID JSON
mounts() { echo "$3" | oci mounts "$1" "$2" -; }

points() { oci exec "$1" cat /proc/self/mountinfo | cut -d' ' -f5; }

# unchanged ID COMMAND...: it fails on one line, and the container's mounts are what they were.
unchanged() {
    local id=$1 before
    shift
    before=$(points "$id")
    run "$@"
    [ "$status" = 1 ]
    [ "${#lines[@]}" = 1 ] || { echo "$output"; return 1; }
    [ "$(points "$id")" = "$before" ]
}

@test "binds, files and file systems come and go, with and without a user namespace" {
    require root
    for kind in plain userns; do
        id=$kind-$$ owner='' more=
        [ $kind = plain ] || { owner=100000:100000 more=$userns; }
        box $id "$more"
        before=$(points $id)
        cat >mounts.json <<END
[{"destination": "/a/b/dir", "type": "bind", "source": "$work/source", "options": ["bind", "ro"], "unknown": 1},
 {"destination": "/a/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m", "mode=0700", "nosuid"]},
 {"destination": "/a/tmp/below", "type": "tmpfs", "source": "tmpfs"},
 {"destination": "a/file", "source": "$work/source/file", "options": ["rbind"]}]
END
        run oci mounts add $id mounts.json
        [ "$status" = 0 ] && [ -z "$output" ] || { echo "$output"; false; }
        [ "$(oci exec $id cat /a/b/dir/file /a/file)" = "$(printf 'said\nsaid')" ]
        run oci exec $id touch /a/b/dir/new
        [ "$status" != 0 ]
        contains "Read-only file system"
        oci exec $id touch /a/tmp/new
        [ "$(oci exec $id stat -c %u:%a /a/tmp)" = 0:700 ]
        oci exec $id grep -E ' /a/tmp [^ ]*nosuid.* - tmpfs tmpfs .*size=1024k' /proc/self/mountinfo
        [ "$(points $id | wc -l)" = $(($(echo "$before" | wc -l) + 4)) ]
        not_on_host=$(grep -c "/a/tmp" /proc/self/mountinfo || true)
        [ "$not_on_host" = 0 ]
        oci mounts remove $id mounts.json
        [ "$(points $id)" = "$before" ]
        run oci exec $id ls /a/b/dir
        [ -z "$output" ]
        oci delete --force $id
        [ "$(cat source/file)" = said ]
        rm -r rootfs
    done
}

@test "file systems are the container's user namespace's, and show its namespaces" {
    require root
    owner=100000:100000
    box owned-$$ "$userns
c['mounts'].append({'destination': '/sys', 'type': 'sysfs', 'source': 'sysfs', 'options': ['ro']})"
    mounts add owned-$$ '[{"destination": "/a", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m"]},
        {"destination": "/q", "type": "mqueue", "source": "mqueue"}, {"destination": "/s", "type": "sysfs", "source": "sysfs", "options": ["ro"]}]'
    pid=$(oci state owned-$$ | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')
    [ "$(stat -c %u "/proc/$pid/root/a")" = 100000 ]
    run touch "/proc/$pid/root/a/new" # the host's root is nobody in a file system of a user namespace's
    [ "$status" != 0 ]
    contains "Value too large"
    [ "$(oci exec owned-$$ ls /s/class/net)" = lo ]
    oci delete --force owned-$$
}

@test "ids: a bind is id-mapped where it is asked for, and where nobody has chosen the container's ids" {
    require root
    owner=100000:100000
    box mapped-$$ "$userns"
    echo '[{"destination": "/m", "type": "bind", "source": "'"$work"'/source", "options": ["idmap"]}, {"destination": "/n", "type": "bind", "source": "'"$work"'/source"}]' >mounts.json
    run oci mounts add mapped-$$ mounts.json
    [ "$status" = 0 ] || skip "no id-mapped mounts here: $output"
    [ "$(oci exec mapped-$$ stat -c %u /m/file /n/file)" = "$(printf '0\n65534')" ]
    oci delete --force mapped-$$
    owner=''
    rm -r rootfs
    box auto-$$ "c['linux']['namespaces'].append({'type': 'user'})"
    mounts add auto-$$ '[{"destination": "/m", "type": "bind", "source": "source"}]'
    [ "$(oci exec auto-$$ stat -c %u /m/file)" = 0 ] # and a relative source is so to the bundle
    oci delete --force auto-$$
}

@test "all or nothing: what a later mount lacks takes the earlier ones away again" {
    require root
    box all-$$
    dir='{"destination": "/x/one", "type": "bind", "source": "'$work'/source"}'
    file='{"destination": "/x/two", "type": "bind", "source": "'$work'/source/file"}'
    unchanged all-$$ mounts add all-$$ "[$dir, $file, "'{"destination": "/three", "type": "tmpfs", "options": ["size=nonsense"]}]'
    contains "for /2"
    unchanged all-$$ mounts add all-$$ "[$dir, "'{"destination": "/bin/busybox", "type": "tmpfs", "source": "tmpfs"}, '"$file]"
    contains "for /1"
    unchanged all-$$ mounts add all-$$ "[$dir, "'{"destination": "/four", "type": "bind", "source": "/none/such"}]'
    contains "/none/such"
    contains "the source must exist on the host"
    mounts add all-$$ "[$dir]"
    unchanged all-$$ mounts remove all-$$ "[$dir, $file]"
    contains "nothing is mounted there"
    unchanged all-$$ mounts remove all-$$ "[$file]"
    contains "for /0"
    mounts remove all-$$ "[$dir]"
    unchanged all-$$ mounts remove all-$$ "[$dir]"
    oci delete --force all-$$
}

@test "links are not followed, neither to the host's places nor to the container's" {
    require root
    box links-$$ "c['linux']['maskedPaths'] = ['/proc/keys', '/etc/secret']"
    oci exec links-$$ sh -c 'mkdir -p /etc /real; ln -s /etc /etc-link; ln -s ../../../../../etc /up; ln -s '"$work"'/source /host; ln -s /proc /data; touch /real/file; ln -s /real/file /file-link'
    for place in /etc-link /host /file-link /etc-link/new /up/new /host/new /data/keys; do
        mount='[{"destination": "'$place'", "type": "bind", "source": "'$work'/source"}]'
        unchanged links-$$ mounts add links-$$ "$mount"
        contains "there is a link on the way"
        unchanged links-$$ mounts remove links-$$ "$mount"
        case $place in /etc-link | /host | /file-link) contains "nothing is mounted there" ;; *) contains "there is a link on the way" ;; esac
    done
    [ "$(ls source)" = file ]
    [ ! -e /etc/new ]
    unchanged links-$$ mounts add links-$$ '[{"destination": "/../../x", "type": "tmpfs", "source": "tmpfs"}]'
    contains "/0/destination"
    for place in /proc/keys /proc /proc//; do
        unchanged links-$$ mounts remove links-$$ '[{"destination": "'$place'", "type": "tmpfs", "source": "tmpfs"}]'
        contains "/linux/maskedPaths protects"
    done
    unchanged links-$$ mounts remove links-$$ '[{"destination": "//", "type": "tmpfs", "source": "tmpfs"}]'
    contains "the root of a container"
    oci delete --force links-$$
}

@test "what is wrong in FILE is told by its place" {
    require root
    box wrong-$$
    while read -r wanted json; do
        unchanged wrong-$$ mounts add wrong-$$ "$json"
        contains "$wanted"
    done <<'END'
/: {"destination": "/a"}
JSON [
/0/destination: [{"type": "tmpfs"}]
/0/type: [{"destination": "/a"}]
/0/source: [{"destination": "/a", "type": "bind"}]
/0/options/1: [{"destination": "/a", "type": "tmpfs", "options": ["ro", 1]}]
/1/destination [{"destination": "/a", "type": "tmpfs"}, {"destination": "/a/", "type": "tmpfs"}]
/0/type: [{"destination": "/a", "type": "proc"}]
/0/type: [{"destination": "/a", "type": "ext4", "source": "/dev/vda"}]
/0/options [{"destination": "/a", "type": "tmpfs", "options": ["remount"]}]
/0/options [{"destination": "/a", "type": "tmpfs", "options": ["tmpcopyup"]}]
/0/options [{"destination": "/a", "type": "bind", "source": "/etc", "options": ["U"]}]
END
    unchanged wrong-$$ oci mounts add wrong-$$ none-such
    contains none-such
    unchanged wrong-$$ oci mounts swap wrong-$$ -
    contains "expected add or remove"
    unchanged wrong-$$ oci mounts add wrong-$$
    contains usage:
    oci mounts add wrong-$$ - <<<'[]'
    oci delete --force wrong-$$
}

@test "a container that is created or paused has them as well; one that has ended is refused" {
    require root
    bundle 'cat /m/file; sleep 100'
    ln -sf busybox rootfs/bin/cat
    mkdir source
    echo said >source/file
    mount='[{"destination": "/m", "type": "bind", "source": "'$work'/source"}, {"destination": "/t", "type": "tmpfs", "source": "tmpfs"}]'
    oci create still-$$ </dev/null >out 2>&1
    mounts add still-$$ "$mount"
    oci start still-$$
    for _ in $(seq 100); do [ -s out ] && break; sleep 0.05; done
    [ "$(cat out)" = said ]
    if oci pause still-$$; then
        mounts remove still-$$ "$mount"
        mounts add still-$$ "$mount"
        oci resume still-$$
    fi
    oci kill still-$$ KILL
    wait_for stopped still-$$
    run mounts add still-$$ "$mount"
    [ "$status" = 1 ]
    contains "is stopped, not running"
    oci delete still-$$
    run mounts add still-$$ "$mount"
    contains "does not exist"
}

@test "an ordinary user has them in containers of his own" {
    require user
    owner=
    box user-$$ "c['linux']['namespaces'].append({'type': 'user'})
c['linux']['uidMappings'] = [{'containerID': 0, 'hostID': $(id -u), 'size': 1}]
c['linux']['gidMappings'] = [{'containerID': 0, 'hostID': $(id -g), 'size': 1}]"
    mount='[{"destination": "/m/n", "type": "bind", "source": "'$work'/source", "options": ["ro"]}, {"destination": "/t", "type": "tmpfs", "source": "tmpfs"}]'
    before=$(points user-$$)
    oci create waits-$$ </dev/null >/dev/null 2>&1
    run mounts add waits-$$ "$mount"
    [ "$status" = 1 ]
    contains "before it is started it is hidden from all but root"
    oci delete waits-$$
    mounts add user-$$ "$mount"
    [ "$(oci exec user-$$ cat /m/n/file)" = said ]
    unchanged user-$$ mounts add user-$$ '[{"destination": "/u", "type": "tmpfs"}, {"destination": "/none", "type": "bind", "source": "/none/such"}]'
    mounts remove user-$$ "$mount"
    [ "$(points user-$$)" = "$before" ]
    oci delete --force user-$$
}

@test "mounts --help" {
    bundle true
    run oci mounts --help
    [ "$status" = 0 ]
    contains "add|remove ID FILE|-"
}
