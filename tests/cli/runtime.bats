#!/usr/bin/env bats
# bocal-runtime: the operations of an OCI runtime.
load helpers
load bundles

@test "create, start, kill, delete, and what state says in between" {
    require root
    bundle 'echo started; exec sleep 100'
    oci create --pid-file pid one-$$ >out </dev/null
    [ "$(status_of one-$$)" = created ]
    [ "$(python3 -c 'import json; s = json.load(open("root/one-'$$'/status")); print(s["pid"], json.loads(s["external_descriptors"])[0])')" = "$(cat pid) /dev/null" ]
    [ ! -s out ]
    [ "$(oci state one-$$ | python3 -c 'import json, sys; s = json.load(sys.stdin); print(s["pid"], s["annotations"]["a.b"], s["bundle"])')" = "$(cat pid) c $work" ]
    oci start one-$$
    wait_for running one-$$
    for _ in $(seq 100); do [ -s out ] && break; sleep 0.05; done
    [ "$(cat out)" = started ]
    run oci delete one-$$
    [ "$status" = 1 ]
    contains "is running"
    oci kill one-$$ KILL
    wait_for stopped one-$$
    run oci kill one-$$ KILL
    [ "$status" = 1 ]
    contains "is not running"
    oci delete one-$$
    run oci state one-$$
    [ "$status" = 1 ]
    contains "does not exist"
    [ -z "$(ls root)" ]
    [ -z "$(find /sys/fs/cgroup -name "bocal-one-$$" 2>/dev/null)" ]
}

@test "run waits, passes the status on, and leaves nothing" {
    require root
    bundle 'hostname 2>/dev/null; cat /proc/sys/kernel/hostname; exit 7'
    ln -sf busybox rootfs/bin/cat
    run oci run two-$$ </dev/null
    [ "$status" = 7 ]
    contains box
    [ -z "$(ls root)" ]
}

@test "a terminal goes to the console socket" {
    require root
    bundle 'test -t 0 && test -t 1 && echo "a terminal"' 'c["process"]["terminal"] = True'
    run oci create three-$$
    [ "$status" = 1 ]
    contains "--console-socket"
    python3 -c '
import array, os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind("console")
s.listen(1)
open("ready", "w")
c, _ = s.accept()
_, data, _, _ = c.recvmsg(64, socket.CMSG_SPACE(4))
fd = array.array("i", data[0][2])[0]
text = b""
try:
    while b"terminal" not in text: text += os.read(fd, 100)
except OSError: pass
sys.stdout.write(text.decode())' >said &
    listener=$!
    for _ in $(seq 100); do [ -e ready ] && break; sleep 0.05; done
    oci create --console-socket console three-$$
    oci start three-$$
    wait $listener
    grep -q "a terminal" said
    oci delete --force three-$$
}

@test "what fails leaves nothing, and says so in the log" {
    require root
    bundle true 'c["process"]["args"] = ["/bin/none"]'
    run oci --log log --log-format json create four-$$
    [ "$status" = 1 ]
    contains "/process/args"
    [ -z "$(ls root)" ]
    python3 -c 'import json; e = json.loads(open("log").readline()); assert e["level"] == "error" and "/bin/none" in e["msg"], e'
    run oci create ../four
    [ "$status" = 1 ]
    contains "container ID"
    run oci start four-$$
    contains "does not exist"
    oci delete --force four-$$
}

@test "two starts and two deletes at once" {
    require root
    bundle 'exec sleep 100'
    oci create five-$$ </dev/null >/dev/null 2>&1
    (first=0; oci start five-$$ 2>/dev/null || first=$?; echo $first >first) &
    second=0
    oci start five-$$ 2>/dev/null || second=$?
    wait
    [ $(($(cat first) + second)) = 1 ] # one of them, and only one
    wait_for running five-$$
    run oci create five-$$
    [ "$status" = 1 ]
    contains "exists already"
    (first=0; oci delete --force five-$$ || first=$?; echo $first >first) &
    oci delete --force five-$$
    wait
    [ "$(cat first)" = 0 ]
    [ -z "$(ls root)" ]
}

@test "a pid that is somebody else's now is not signalled" {
    require root
    bundle 'exec sleep 100'
    sleep 60 &
    other=$!
    sleep 0.1 # the kernel counts start times in hundredths
    oci create six-$$ </dev/null >/dev/null 2>&1
    sed -i "s/\"pid\": [0-9]*/\"pid\": $other/" root/six-$$/state.json
    run oci kill six-$$ KILL
    [ "$status" = 1 ]
    kill -0 $other
    kill $other
    oci delete --force six-$$
    [ -z "$(ls root)" ]
}

@test "limits and cgroupsPath; list" {
    require root
    [ -d /sys/fs/cgroup/pids ] || [ -f /sys/fs/cgroup/cgroup.controllers ] || skip "needs cgroups"
    is_v2 && ! grep -qw pids /sys/fs/cgroup/cgroup.controllers && skip "needs the pids controller"
    bundle 'exec sleep 100' "c['linux']['cgroupsPath'] = '/bocal-cli-$$/seven'; c['linux']['resources'] = {'pids': {'limit': 77}}"
    oci create seven-$$ </dev/null >/dev/null 2>&1
    if is_v2; then top=/sys/fs/cgroup; else top=/sys/fs/cgroup/pids; fi
    [ "$(cat $top/bocal-cli-$$/seven/pids.max)" = 77 ]
    [ "$(oci list -q)" = seven-$$ ]
    oci list | grep -q created
    oci list --format json | python3 -c 'import json, sys; assert json.load(sys.stdin)[0]["status"] == "created"'
    oci kill --all seven-$$ KILL
    wait_for stopped seven-$$
    oci delete seven-$$
    [ ! -e $top/bocal-cli-$$/seven ]
    find /sys/fs/cgroup -depth -type d -name "bocal-cli-$$" -exec rmdir {} +
}

@test "a runtime that is killed while it creates leaves what delete --force removes" {
    require root
    bundle 'exec sleep 100'
    for after in 0.0005 0.001 0.0015 0.002 0.003; do
        timeout -s KILL $after "$work/bocal-runtime" --root "$work/root" create eight-$$ </dev/null >/dev/null 2>&1 || true
        oci delete --force eight-$$
        [ -z "$(ls root 2>/dev/null)" ]
        [ -z "$(find /sys/fs/cgroup -name "bocal-eight-$$" 2>/dev/null)" ]
    done
}

@test "a cgroup that is another container's is neither taken nor removed" {
    require root
    [ -d /sys/fs/cgroup/pids ] || is_v2 || skip "needs cgroups"
    bundle 'exec sleep 100' "c['linux']['cgroupsPath'] = '/bocal-cli-$$/nine'"
    oci run -d nine-$$ </dev/null >/dev/null 2>&1
    run oci create ten-$$ </dev/null
    [ "$status" = 1 ]
    contains "another container's"
    [ "$(status_of nine-$$)" = running ]
    [ "$(ls root)" = nine-$$ ]
    oci delete --force nine-$$
    find /sys/fs/cgroup -depth -type d -name "bocal-cli-$$" -exec rmdir {} +
}

@test "while the command waits nothing of the host is open in it" {
    require root
    bundle 'exec sleep 100'
    oci create fds-$$ 7</ 8</etc/passwd </dev/null >/dev/null 2>&1
    pid=$(oci state fds-$$ | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])')
    for fd in /proc/"$pid"/fd/*; do
        case ${fd##*/}:$(readlink "$fd") in
        [012]:*) ;;
        *:socket:* | *:/memfd:bocal-init*) ;;
        *) echo "open: $fd, $(readlink "$fd")"; false ;;
        esac
    done
    oci start fds-$$
    wait_for running fds-$$
    [ "$(ls /proc/"$pid"/fd | wc -l)" = 3 ]
    oci delete --force fds-$$
}

@test "what somebody else starts is explained in a file: by an annotation, by the environment" {
    require root
    bundle true "c['annotations']['io.bocal.explain'] = os.getcwd() + '/why'"
    oci run why-$$ </dev/null
    grep -q 'clone .*mount' why
    grep -q 'exec .*/bin/sh' why
    run oci run why-$$ </dev/null # no file of anybody's is changed by an annotation
    [ "$status" = 1 ]
    contains "io.bocal.explain"
    [ -z "$(ls root)" ]
    bundle true
    BOCAL_EXPLAIN=$work/all oci run why-$$ </dev/null
    BOCAL_EXPLAIN=$work/all oci run why-$$ </dev/null
    [ "$(grep -c 'exec .*/bin/sh' all)" = 2 ]
}

@test "delete --regex: all whose id it matches, and no other" {
    require root
    bundle 'exec sleep 100'
    for id in re-a-$$ re-b-$$ other-$$; do oci create $id </dev/null >/dev/null 2>&1; done
    oci start re-a-$$
    run oci delete --regex "^re-.-$$\$"
    [ "$status" = 1 ]
    contains "warning: container re-a-$$ is running"
    contains "delete --regex ^re-.-$$\$: 1 of 2 containers"
    [ "$(oci list -q | sort)" = "$(printf '%s\n' other-$$ re-a-$$)" ]
    oci delete --force -r "^re-"
    [ "$(oci list -q)" = other-$$ ]
    oci delete --regex none
    run oci delete --regex 'a['
    [ "$status" = 1 ]
    contains "delete --regex a[: "
    oci delete --force --regex .
    [ -z "$(ls root)" ]
    run oci create .hidden
    [ "$status" = 1 ]
    contains "container ID .hidden: invalid"
}

@test "a container that somebody else has frozen can be deleted, what is frozen with it stays so" {
    require root
    [ -w /sys/fs/cgroup/freezer ] || skip "needs the freezer of cgroup v1"
    bundle 'exec sleep 100'
    oci run -d --pid-file pid cold-$$ </dev/null >/dev/null 2>&1
    sleep 100 &
    other=$!
    frozen=/sys/fs/cgroup/freezer/cli-$$
    mkdir $frozen
    echo $other >$frozen/cgroup.procs
    cat pid >$frozen/cgroup.procs
    echo FROZEN >$frozen/freezer.state
    deleted=0
    oci delete --force cold-$$ || deleted=$?
    state=$(cat $frozen/freezer.state)
    kill $other
    echo THAWED >$frozen/freezer.state
    wait $other || true
    rmdir $frozen
    [ "$deleted" = 0 ]
    [ "$state" = FROZEN ]
    [ -z "$(ls root)" ]
}
