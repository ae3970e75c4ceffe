#!/usr/bin/env bats
# Mounts in a container that runs, and whose processes put other things where they are to be.
load escape

# rests PYTHON: a container e-$$ that rests, with links from where mounts are to be.
rests() {
    bundle 'ln -s /proc /data; ln -s / /top; echo ready >/etc/ready; exec sleep 100' "$1"
    applets ln cat grep
    background e-$$
    for _ in $(seq 100); do [ -e rootfs/etc/ready ] && break; sleep 0.05; done
}

points() { cut -d' ' -f5 "/proc/$(pid_of e-$$)/mountinfo"; }

# weakened: follow_removed
@test "mounts remove takes nothing away that a link of the container's leads to: what is masked stays so" {
    require root
    in_work
    rests "c['linux']['maskedPaths'] = ['/proc/keys']"
    before=$(points)
    grep -qx /proc/keys <<<"$before"
    for place in /data/keys /top/proc/keys /data; do
        run oci mounts remove e-$$ - <<<'[{"destination": "'$place'", "type": "tmpfs"}]'
        failed
        [ "$(points)" = "$before" ]
    done
    oci delete --force e-$$
}

# weakened: follow_added
@test "mounts add mounts nothing where a link of the container's leads to, neither in it nor on the host" {
    require root
    in_work
    rests "c['process']['args'][2] = 'ln -s $work/host /host; ln -s ../../../../../../../../.. /up; ' + c['process']['args'][2]"
    before=$(points)
    for place in /data/keys /top/bin /host/new "/up$work/host"; do
        run oci mounts add e-$$ - <<<'[{"destination": "'"$place"'", "type": "bind", "source": "'"$work"'/host"}]'
        failed
        [ "$(points)" = "$before" ]
    done
    untouched
    oci delete --force e-$$
}

# weakened: their_proc
@test "mounts remove does not ask the container's /proc what to take away" {
    require root
    in_work
    bundle 'echo ready >/etc/ready; exec sleep 100' "c['mounts'] = [{'destination': '/victim', 'type': 'tmpfs', 'source': 'tmpfs'}]"
    mkdir -p rootfs/proc/self/fd
    for n in $(seq 3 40); do ln -s /victim "rootfs/proc/self/fd/$n"; done
    background e-$$
    for _ in $(seq 100); do [ -e rootfs/etc/ready ] && break; sleep 0.05; done
    before=$(points)
    oci mounts add e-$$ - <<<'[{"destination": "/m", "type": "tmpfs"}]'
    oci mounts remove e-$$ - <<<'[{"destination": "/m", "type": "tmpfs"}]'
    [ "$(points)" = "$before" ]
    oci delete --force e-$$
}
