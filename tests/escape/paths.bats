#!/usr/bin/env bats
# Paths swapped under the runtime: links and files of the root file system where the runtime mounts, masks and writes.
load escape

# weakened: strict
@test "CVE-2019-19921, CVE-2023-27561: /proc that is a link is refused" {
    require root
    in_work
    bundle 'echo ran'
    rmdir rootfs/proc
    mkdir rootfs/fake
    for target in /fake fake ../../../../"$work"/host "$work/host"; do
        ln -sfn "$target" rootfs/proc
        run oci run p-$$ </dev/null
        failed
        lacks ran
        run bocal run --rootfs "$work/rootfs" /bin/sh -c 'echo ran'
        failed
        lacks ran
    done
    untouched
}

# weakened: strict
@test "the same of /sys, /dev/pts, /dev/mqueue and /sys/fs/cgroup" {
    require root
    in_work
    mkdir -p rootfs/etc/else
    for place in /sys:sysfs /pts:devpts /queue:mqueue /groups:cgroup; do
        bundle 'echo ran' "c['mounts'].append({'destination': '${place%:*}', 'type': '${place#*:}', 'source': 'x'})"
        rm -rf "rootfs${place%:*}"
        ln -sfn /etc/else "rootfs${place%:*}"
        run oci run p-$$ </dev/null
        failed
        lacks ran
        rm "rootfs${place%:*}"
    done
}

# weakened: strict
@test "/dev that is a link is refused with what lies below it" {
    require root
    in_work
    bundle 'echo ran'
    rmdir rootfs/dev
    mkdir rootfs/else
    for target in else "$work/host"; do
        ln -sfn "$target" rootfs/dev
        run oci run p-$$ </dev/null
        failed
        lacks ran
    done
    untouched
}

# weakened: in_root
@test "CVE-2021-30465: a mount's target behind a link stays in the root" {
    require root
    in_work
    mkdir source
    echo inside >source/file
    bundle "cat $work/host/new/file" "c['mounts'].append({'destination': '/data/new', 'type': 'bind', 'source': '$work/source', 'options': ['bind']})"
    applets cat
    for target in "$work/host" "../../../../../../$work/host"; do
        ln -sfn "$target" rootfs/data
        rm -rf "rootfs/${work%%/*}$(dirname "$work")"
        run oci run p-$$ </dev/null # where the link leads to inside, there is nothing
        untouched
        mkdir -p "rootfs/$work/host"
        run oci run p-$$ </dev/null
        ran
        contains inside
        untouched
    done
}

# weakened: in_root
@test "CVE-2024-45310: no file is made on the host for a mount of a file, nor a directory" {
    require root
    in_work
    echo x >source
    ln -s "$work/host" plain
    for target in "$work/host" "$work/plain" /proc/self/root/"$work"/host; do
        bundle true "c['mounts'] += [{'destination': '/a/file', 'type': 'bind', 'source': '$work/source', 'options': ['bind']},
            {'destination': '/a/b/c/dir', 'type': 'tmpfs', 'source': 'tmpfs'}]"
        ln -sfn "$target" rootfs/a
        run oci run p-$$ </dev/null
        untouched
        run bocal run --rootfs "$work/rootfs" -v "$work/source:/a/file" --tmpfs /a/b/c/dir /bin/sh -c true
        untouched
    done
}

# weakened: in_root
@test "CVE-2021-30465 as a race: a volume's directory becomes a link, and back" {
    require root
    in_work
    bundle true "c['mounts'] += [{'destination': '/vol', 'type': 'bind', 'source': '$work/vol', 'options': ['bind']},
        {'destination': '/vol/dir/made', 'type': 'tmpfs', 'source': 'tmpfs'}]"
    mkdir -p vol/dir
    ln -s "$work/host" vol/link
    python3 -c '
import ctypes
exchange = ctypes.CDLL(None).syscall
while True: exchange(316, -100, b"vol/dir", -100, b"vol/link", 2)' &
    swapper=$!
    for _ in $(seq 60); do
        oci run p-$$ </dev/null >/dev/null 2>&1 || true
        [ "$(ls -A host)" = canary ] || break
    done
    kill $swapper
    untouched
}

# weakened: in_root
@test "an engine's /etc/hosts, volumes and tmpfs: a root whose /etc leads to the host" {
    in_work
    plain_root
    require ranges
    chmod 777 host
    rmdir rootfs/etc
    ln -s "$work/host" rootfs/etc
    run bocal run --rootfs "$work/rootfs" --tmpfs /etc/x /bin/sh -c true
    untouched
}

# weakened: in_root
@test "a device of the configuration behind a link is not made on the host" {
    require root
    in_work
    bundle true "c['linux']['devices'] = [{'path': '/data/node', 'type': 'c', 'major': 1, 'minor': 3}]"
    ln -s "$work/host" rootfs/data
    run oci run p-$$ </dev/null
    untouched
}

# weakened: in_root
@test "what is masked or read-only behind a link is the container's" {
    require root
    in_work
    bundle "cat $work/host/secret; echo x >$work/host/fixed/file" "c['linux'].update(maskedPaths=['/link/secret'], readonlyPaths=['/link/fixed'])"
    applets cat
    mkdir -p "rootfs/$work/host/fixed" host/fixed
    echo secret | tee host/secret >"rootfs/$work/host/secret"
    ln -s "$work/host" rootfs/link
    run oci run p-$$ </dev/null
    lacks secret$'\n'
    contains "Read-only"
    [[ $output != secret* ]]
}

# weakened: root_null
@test "CVE-2025-31133: masks are the host's null device, whatever the root's /dev/null is" {
    require root
    in_work
    bundle 'cat /secret; echo written >/secret' "c['mounts'] = c['mounts'][:1]; c['linux']['maskedPaths'] = ['/secret']"
    applets cat
    echo fake >rootfs/fake
    echo secret >rootfs/secret
    for kind in link file; do
        rm -f rootfs/dev/null
        if [ $kind = link ]; then ln -s /fake rootfs/dev/null; else echo fake >rootfs/dev/null; fi
        run oci run p-$$ </dev/null
        ran
        [ -z "$output" ]
        [ "$(cat rootfs/fake)" = fake ]
        [ "$(cat rootfs/secret)" = secret ]
    done
}

# weakened: any_null
@test "CVE-2025-31133: a null device that is none is refused" {
    require root
    in_work
    echo fake >fake
    bundle 'echo ran' "c['linux']['maskedPaths'] = ['/etc/secret']"
    echo secret >rootfs/etc/secret
    # shellcheck disable=SC2016
    run unshare -m sh -c 'mount --bind fake /dev/null && exec "$@"' sh "$work/bocal-runtime" --root "$work/root" run p-$$
    failed
    lacks ran
    oci delete --force p-$$
}

# weakened: skip_masks
@test "masks and read-only paths are in force, also for exec" {
    require root
    in_work
    bundle 'exec sleep 100' "c['linux'].update(maskedPaths=['/proc/keys', '/etc/dir', '/etc/file'], readonlyPaths=['/proc/sys'])"
    applets cat ls
    mkdir rootfs/etc/dir
    echo secret | tee rootfs/etc/dir/file >rootfs/etc/file
    background p-$$
    [ -z "$(oci exec p-$$ cat /etc/file /proc/keys)" ]
    [ -z "$(oci exec p-$$ ls /etc/dir)" ]
    run oci exec p-$$ sh -c ': >>/proc/sys/kernel/core_pattern'
    failed
    contains "Read-only"
    oci delete --force p-$$
}

# weakened: late_values
@test "CVE-2019-16884: what is written through /proc/self is written through the host's" {
    require root
    in_work
    mkdir -p fake/self/attr
    echo none | tee fake/self/oom_score_adj fake/self/attr/exec >/dev/null
    bundle 'exec sleep 100' "c['mounts'][0] = {'destination': '/proc', 'type': 'bind', 'source': '$work/fake', 'options': ['bind']}
c['process']['oomScoreAdj'] = 321"
    background p-$$
    [ "$(cat fake/self/oom_score_adj)" = none ]
    [ "$(cat /proc/"$(pid_of p-$$)"/oom_score_adj)" = 321 ]
    oci delete --force p-$$
}

# weakened: late_values_of_exec
@test "CVE-2019-16884, CVE-2025-52881: the same of exec" {
    require root
    in_work
    mkdir -p fake/self/attr
    echo none | tee fake/self/oom_score_adj fake/self/attr/exec >/dev/null
    bundle 'exec sleep 100' "c['mounts'][0] = {'destination': '/proc', 'type': 'bind', 'source': '$work/fake', 'options': ['bind']}"
    background p-$$
    echo '{"args": ["/bin/sleep", "50"], "cwd": "/", "user": {"uid": 0, "gid": 0}, "oomScoreAdj": 432}' >process.json
    oci exec --process process.json -d --pid-file pid p-$$ </dev/null >/dev/null 2>&1
    [ "$(cat fake/self/oom_score_adj)" = none ]
    [ "$(cat /proc/"$(cat pid)"/oom_score_adj)" = 432 ]
    oci delete --force p-$$
}

# weakened: root_sysctl
@test "CVE-2025-52881: sysctls are written through a procfs of the runtime's own" {
    require root
    in_work
    mkdir -p fake/sys/net/ipv4
    echo none >fake/sys/net/ipv4/ip_unprivileged_port_start
    bundle 'exec sleep 100' "c['mounts'][0] = {'destination': '/proc', 'type': 'bind', 'source': '$work/fake', 'options': ['bind']}
c['linux']['sysctl'] = {'net.ipv4.ip_unprivileged_port_start': '77'}"
    background p-$$
    [ "$(cat fake/sys/net/ipv4/ip_unprivileged_port_start)" = none ]
    [ "$(nsenter -n -t "$(pid_of p-$$)" cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" = 77 ]
    oci delete --force p-$$
}

# weakened: chown_follows
@test "the mount option U changes no owner behind a link" {
    require root
    in_work
    mkdir vol
    ln -s "$work/host/canary" vol/link
    ln -s "$work/host" vol/directory
    bundle true "c['mounts'].append({'destination': '/v', 'type': 'bind', 'source': '$work/vol', 'options': ['bind', 'U']})
c['process']['user'] = {'uid': 1234, 'gid': 1234}"
    run oci run p-$$ </dev/null
    ran
    [ "$(stat -c %u vol)" = 1234 ]
    [ "$(stat -c %u host/canary host)" = "$(printf '0\n0')" ]
}

# weakened: copy_follows
@test "tmpcopyup copies links as links, opens no fifo, and gives no more than was there" {
    require root
    in_work
    bundle 'cat /data/link /data/dir/canary; readlink /data/link; test -p /data/fifo && cat /data/plain' \
        "c['mounts'].append({'destination': '/data', 'type': 'tmpfs', 'source': 'tmpfs', 'options': ['tmpcopyup']})"
    applets cat readlink
    mkdir rootfs/data
    ln -s "$work/host/canary" rootfs/data/link
    ln -s "$work/host" rootfs/data/dir
    mkfifo rootfs/data/fifo
    echo plain >rootfs/data/plain
    run oci run p-$$ </dev/null
    ran
    lacks untouched
    contains "$work/host/canary"
    contains plain
    untouched
}

# weakened: remove_follows
@test "removing what a container wrote follows no link out of it" {
    require root
    in_work
    run bocal run --upper disk /bin/sh -c "ln -s $work/host /link; mkdir /dir; ln -s $work/host /dir/link"
    untouched
    bundle "ln -s $work/host /etc/link" "c['annotations']['io.bocal.upper'] = 'disk'"
    applets ln
    run oci run p-$$ </dev/null
    ran
    untouched
}

# weakened: remove_by_fds
@test "a container cannot leave a tree too deep to be removed" {
    require root
    in_work
    plain_root
    # shellcheck disable=SC2016
    run bash -c 'ulimit -n 256 && exec "$BOCAL" run --rootfs rootfs:O --upper disk /bin/sh -c "
        i=0; while [ \$i -lt 600 ]; do mkdir d && cd d || exit 1; i=\$((i + 1)); done 2>/dev/null; echo made"'
    contains made
    ran
}

# weakened: propagation
@test "no mount of a container reaches a host whose mounts are shared" {
    require root
    in_work
    bundle 'echo ran'
    run shared_host timeout 20 "$work/bocal-runtime" --root "$work/root" run p-$$
    contains ran
    diff before-mounts after-mounts
}

# weakened: shared_root
@test "nor with rootfsPropagation shared" {
    require root
    in_work
    for propagation in shared rshared; do
        bundle 'echo ran' "c['linux']['rootfsPropagation'] = '$propagation'"
        run shared_host timeout 20 "$work/bocal-runtime" --root "$work/root" run p-$$
        diff before-mounts after-mounts
        contains ran
    done
}
