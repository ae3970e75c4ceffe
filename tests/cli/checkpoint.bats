#!/usr/bin/env bats
# bocal-runtime checkpoint and restore, where criu works; and what they say where it does not.
load helpers
load bundles

# A command that counts, so that it can be seen whether it goes on where it was.
counting='i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done'

# detached ID BUNDLE-DIRECTORY: what it says goes to the file out, through a pipe as engines have it.
started() {
    oci create "$1" < /dev/null > >(cat >>"$work/out") 2>&1
    oci start "$1"
    wait_for running "$1"
}

lines_after() { # N: waits until the file out has more lines than N
    for _ in $(seq 100); do
        [ "$(wc -l <out)" -gt "$1" ] && return
        sleep 0.05
    done
    echo "no more than $1 lines in out"
    return 1
}

# The numbers in the file out go up one by one: nothing was lost, nothing began anew.
counted_on() { awk 'NR > 1 && $1 != last + 1 { exit 1 } { last = $1 }' out; }

@test "checkpoint without criu's help is refused with the reason" {
    require root
    require no-criu
    bundle "$counting"
    started c0-$$
    run oci checkpoint --image-path images c0-$$
    [ "$status" = 1 ]
    [[ $output = *"criu is missing"* || $output = *"criu: "*tells\ more* ]] || { echo "$output"; false; }
    [ "$(status_of c0-$$)" = running ]
    oci delete --force c0-$$
}

@test "what cannot be dumped or restored is refused, and nothing is left" {
    require root
    bundle "$counting"
    run oci checkpoint --image-path images nobody-$$
    [ "$status" = 1 ]
    contains "does not exist"
    oci create c1-$$ </dev/null >/dev/null
    run oci checkpoint --image-path images c1-$$
    [ "$status" = 1 ]
    contains "is created, not running"
    oci start c1-$$
    run oci checkpoint --manage-cgroups-mode soft --image-path images c1-$$
    [ "$status" = 1 ]
    [[ $output = *"--manage-cgroups-mode soft"* || $output = *"criu is missing"* ]]
    oci delete --force c1-$$
    run oci restore --image-path nowhere c1-$$
    [ "$status" = 1 ]
    [[ $output = *nowhere* || $output = *"criu is missing"* ]]
    [ -z "$(ls root)" ]
}

@test "a container goes on where it was" {
    require root
    require criu
    bundle "$counting"
    started c2-$$
    lines_after 3
    oci checkpoint --image-path images c2-$$
    run oci state c2-$$
    contains "does not exist"
    [ "$(ls root)" = "" ]
    before=$(wc -l <out)
    oci restore --detach --image-path images --pid-file pid c2-$$ < /dev/null > >(cat >>out) 2>&1
    [ "$(status_of c2-$$)" = running ]
    [ "$(oci state c2-$$ | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')" = "$(cat pid)" ]
    lines_after "$before"
    counted_on
    oci exec c2-$$ /bin/busybox ps >ps
    grep -q 'sleep' ps
    oci kill c2-$$ KILL
    wait_for stopped c2-$$
    oci delete c2-$$
}

@test "left running, then restored under another name" {
    require root
    require criu
    bundle "$counting"
    started c3-$$
    lines_after 2
    oci checkpoint --leave-running --image-path images c3-$$
    [ "$(status_of c3-$$)" = running ]
    lines_after "$(wc -l <out)"
    oci delete --force c3-$$
    : >out
    oci restore --detach --image-path images other-$$ < /dev/null > >(cat >>out) 2>&1
    lines_after 1
    counted_on
    oci delete --force other-$$
}

@test "restored in the foreground: its exit status is the command's" {
    require root
    require criu
    bundle 'echo begun; until [ -e /go ]; do sleep 0.1; done; echo gone; exit 7'
    started c4-$$
    lines_after 0
    oci checkpoint --image-path images c4-$$
    touch rootfs/go
    status=0
    oci restore --image-path images c4-$$ < /dev/null >out || status=$?
    [ "$status" = 7 ]
    [ "$(cat out)" = gone ]
    [ -z "$(ls root)" ]
}

@test "rights and limits are those it had" {
    require root
    require criu
    require resources # criu reads limits of processes of other users
    keeps=0 # no_new_privs: see the next test
    forgets_no_new_privs || keeps=1
    bundle "$counting" 'c["process"].update(noNewPrivileges=('"$keeps"' == 1), capabilities={k: ["CAP_KILL"] for k in ("bounding", "permitted", "effective")})
c["process"]["user"] = {"uid": 65534, "gid": 65534}
c["linux"]["namespaces"].append({"type": "cgroup"})
c["linux"]["resources"] = {"pids": {"limit": 55}}'
    started c5-$$
    lines_after 2
    p=$(oci state c5-$$ | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')
    grep -E '^(Uid|Gid|Cap|NoNewPrivs|Seccomp):?' "/proc/$p/status" >had
    oci checkpoint --image-path images c5-$$
    oci restore --detach --image-path images --pid-file pid c5-$$ < /dev/null > >(cat >>out) 2>&1
    grep -E '^(Uid|Gid|Cap|NoNewPrivs|Seccomp):?' "/proc/$(cat pid)/status" | diff had -
    limit=$(find /sys/fs/cgroup -path "*bocal-c5-$$/pids.max" | head -1)
    [ "$(cat "$limit")" = 55 ]
    grep -qx "$(cat pid)" "$(dirname "$limit")/cgroup.procs"
    [ "$(readlink "/proc/$(cat pid)/ns/cgroup")" != "$(readlink /proc/self/ns/cgroup)" ]
    oci delete --force c5-$$
}

@test "a criu that would give back what no_new_privs has taken is refused" {
    require root
    require criu
    require old-criu
    bundle "$counting" 'c["process"]["noNewPrivileges"] = True'
    started c12-$$
    run oci checkpoint --image-path images c12-$$
    [ "$status" = 1 ]
    contains "no_new_privs"
    [ "$(status_of c12-$$)" = running ]
    oci delete --force c12-$$
}

@test "volumes, masks and read-only places come back, from where they were" {
    require root
    require criu
    mkdir volume
    echo before >volume/file
    touch hosts
    bundle "$counting" "c['mounts'] += [{'destination': '/data', 'type': 'bind', 'source': '$work/volume', 'options': ['rbind']},
        {'destination': '/etc/hosts', 'type': 'bind', 'source': '$work/hosts', 'options': ['bind', 'ro']},
        {'destination': '/sys', 'type': 'sysfs', 'source': 'sysfs', 'options': ['ro']},
        {'destination': '/sys/fs/cgroup', 'type': 'cgroup', 'source': 'cgroup', 'options': ['ro']},
        {'destination': '/tmp', 'type': 'tmpfs', 'source': 'tmpfs'},
        {'destination': '/var/link/volume', 'type': 'bind', 'source': '$work/volume', 'options': ['rbind']}]
c['linux']['maskedPaths'] = ['/proc/kcore', '/proc/acpi', '/proc/keys']
c['linux']['readonlyPaths'] = ['/proc/sys']"
    mkdir -p rootfs/var rootfs/real
    ln -s ../real rootfs/var/link
    started c6-$$
    lines_after 2
    oci exec c6-$$ /bin/sh -c 'echo kept >/tmp/kept'
    mounts() { oci exec c6-$$ /bin/busybox mount | sed 's/^[^ ]* //' | sort; } # what a source is called is the host's
    mounts >had
    oci checkpoint --image-path images c6-$$
    oci restore --detach --image-path images c6-$$ < /dev/null > >(cat >>out) 2>&1
    mounts | diff had -
    mkdir moved # a root made anew, without what was made there to mount at
    oci checkpoint --image-path images c6-$$
    mv rootfs moved/old
    mkdir rootfs
    cp -a moved/old/bin moved/old/var rootfs/
    mkdir rootfs/real
    oci restore --detach --image-path images c6-$$ < /dev/null > >(cat >>out) 2>&1
    [ "$(oci exec c6-$$ /bin/busybox cat /tmp/kept)" = kept ]
    oci exec c6-$$ /bin/sh -c 'echo after >/data/file'
    [ "$(cat volume/file)" = after ]
    run oci exec c6-$$ /bin/sh -c 'echo x >/etc/hosts'
    [ "$status" != 0 ]
    run oci exec c6-$$ /bin/busybox cat /proc/keys
    [ "$status$output" = 0 ]
    oci delete --force c6-$$
}

@test "a network namespace that is somebody's is joined again" {
    require root
    require criu
    unshare --net sleep 100 &
    holder=$!
    for _ in $(seq 50); do [ "$(readlink /proc/$holder/ns/net)" != "$(readlink /proc/self/ns/net)" ] && break; sleep 0.05; done
    bundle "$counting" "
for n in c['linux']['namespaces']:
    if n['type'] == 'network': n['path'] = '/proc/$holder/ns/net'"
    started c7-$$
    lines_after 2
    oci checkpoint --image-path images c7-$$
    oci restore --detach --image-path images --pid-file pid c7-$$ < /dev/null > >(cat >>out) 2>&1
    [ "$(readlink "/proc/$(cat pid)/ns/net")" = "$(readlink /proc/$holder/ns/net)" ]
    oci delete --force c7-$$
    kill $holder
}

@test "hooks run at a restore; one that fails leaves nothing" {
    require root
    require criu
    hook runtime
    hook bad 3
    bundle "$counting" "c['hooks'] = {'createRuntime': [{'path': '$work/hook-runtime'}]}"
    started c8-$$
    lines_after 2
    rm said
    oci checkpoint --image-path images c8-$$
    oci restore --detach --image-path images c8-$$ < /dev/null > >(cat >>out) 2>&1
    grep -q '^runtime creating' said
    oci delete --force c8-$$
    bundle "$counting" "c['hooks'] = {'createRuntime': [{'path': '$work/hook-bad'}]}"
    run oci restore --detach --image-path images c8-$$ </dev/null
    [ "$status" = 1 ]
    contains "/hooks/createRuntime/0"
    [ -z "$(ls root)" ]
    [ -z "$(find /sys/fs/cgroup -name "bocal-c8-$$" 2>/dev/null)" ]
}

@test "images that are none are refused with criu's reason, and nothing is left" {
    require root
    require criu
    bundle "$counting"
    started c9-$$
    lines_after 2
    oci checkpoint --image-path images c9-$$
    : >images/pstree.img
    run oci restore --detach --image-path images c9-$$ </dev/null
    [ "$status" = 1 ]
    contains "criu: "
    contains "images/criu.log tells more"
    [ -z "$(ls root)" ]
    [ -z "$(find /sys/fs/cgroup -name "bocal-c9-$$" 2>/dev/null)" ]
}

@test "a terminal comes back, for who has the console socket" {
    require root
    require criu
    bundle 'while read -r line; do echo "got $line"; done' 'c["process"]["terminal"] = True'
    cat >console.py <<'PY'
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(1)
open(sys.argv[1] + ".ready", "w")
c, _ = s.accept()
_, data, _, _ = c.recvmsg(64, socket.CMSG_SPACE(4))
fd = array.array("i", data[0][2])[0]
for line in sys.stdin:
    os.write(fd, line.encode())
    text = b""
    while ("got " + line.strip()).encode() not in text: text += os.read(fd, 100)
    print(line.strip(), "answered", flush=True)
PY
    mkfifo first second
    python3 console.py one <first >answers &
    exec 7>first
    for _ in $(seq 50); do [ -e one.ready ] && break; sleep 0.05; done
    oci create --console-socket one c10-$$
    oci start c10-$$
    echo a >&7
    for _ in $(seq 50); do grep -q 'a answered' answers && break; sleep 0.05; done
    oci checkpoint --image-path images c10-$$
    exec 7>&-
    python3 console.py two <second >answers &
    exec 7>second
    for _ in $(seq 50); do [ -e two.ready ] && break; sleep 0.05; done
    oci restore --detach --console-socket two --image-path images c10-$$
    echo b >&7
    for _ in $(seq 50); do grep -q 'b answered' answers && break; sleep 0.05; done
    grep -q 'b answered' answers
    exec 7>&-
    oci delete --force c10-$$
}

@test "memory first, the rest later" {
    require root
    require criu
    criu check --feature mem_dirty_track >/dev/null 2>&1 || skip "needs a kernel that tracks memory"
    bundle "$counting"
    started c11-$$
    lines_after 2
    oci checkpoint --pre-dump --image-path images/first c11-$$
    [ "$(status_of c11-$$)" = running ]
    oci checkpoint --parent-path ../first --image-path images/last c11-$$
    before=$(wc -l <out)
    oci restore --detach --image-path images/last c11-$$ < /dev/null > >(cat >>out) 2>&1
    lines_after "$before"
    counted_on
    oci delete --force c11-$$
}

@test "a read-only root is one again" {
    require root
    require criu
    bundle "$counting" "c['root']['readonly'] = True"
    started c15-$$
    lines_after 3
    oci checkpoint --image-path images c15-$$
    before=$(wc -l <out)
    oci restore --detach --image-path images c15-$$ </dev/null > >(cat >>out) 2>&1
    lines_after "$before"
    counted_on
    run oci exec c15-$$ /bin/busybox touch /new
    [ "$status" != 0 ]
    contains "Read-only file system"
    [ ! -e rootfs/new ]
    oci delete --force c15-$$
}
