#!/usr/bin/env bats
# NOTIFY_SOCKET: what a container announces reaches the service manager, and nothing else of it does.
load helpers
load bundles
load announced

eval "$(declare -f teardown | sed '1s/teardown/cli_teardown/')"
teardown() {
    [ -z "${manager:-}" ] || kill "$manager"
    cli_teardown
}

pid_of() { oci state "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])'; }

no_receiver() {
    for _ in $(seq 100); do
        pgrep -f "^$work/bocal-runtime" >/dev/null || return 0
        sleep 0.02
    done
    return 1
}

mapped="c['linux']['namespaces'].append({'type': 'user'})
for k in ('uidMappings', 'gidMappings'): c['linux'][k] = [{'containerID': 0, 'hostID': 700000, 'size': 65536}]"

@test "run: what the container announces reaches the manager" {
    require root
    command_is <<'EOF'
say(b"STATUS=getting there")
say(b"READY=1")
say(b"STATUS=fine\nWATCHDOG=1\nMAINPID=1\nX_OTHER=1")
say(b"STOPPING=1\n")
EOF
    service
    manager
    run announced oci run n-$$ </dev/null
    [ "$status" = 0 ]
    [ -z "$output" ]
    heard "STATUS=getting there" READY=1 'STATUS=fine\nWATCHDOG=1' STOPPING=1
    [ -z "$(ls root)" ]
    no_receiver
}

@test "run: the container sees a directory with a socket, and cannot change it" {
    require root
    command_is <<'EOF'
print(out, os.listdir(os.path.dirname(out)))
for change in (lambda: os.unlink(out), lambda: open(out + "x", "w"), lambda: os.chmod(out, 0)):
    try:
        change()
    except OSError as e:
        print(e.errno)
print([l.split()[5] for l in open("/proc/self/mountinfo") if l.split()[4] == os.path.dirname(out)])
EOF
    service
    address=/tmp/parent-dir/the-socket
    run announced oci run n-$$ </dev/null
    echo "$output"
    [ "$output" = "/tmp/parent-dir/the-socket/notify ['notify']
30
30
30
['ro,nosuid,nodev,noexec,relatime']" ]
}

@test "run: an abstract socket, and one with a long name, have a place of their own inside" {
    require root
    command_is <<'EOF'
print(out)
say(b"READY=1")
EOF
    service
    manager @bocal-notify-$$
    [ "$(announced oci run n-$$ </dev/null)" = /run/notify/notify ]
    heard READY=1
    retire
    manager "$work/manager/$(printf 'x%.0s' $(seq $((107 - ${#work} - 9))))"
    [ "$(announced oci run n-$$ </dev/null)" = /run/notify/notify ]
    heard READY=1
}

@test "create and start: start waits until the container is ready, and tells whose process it is" {
    require root
    command_is <<'EOF'
time.sleep(0.5)
say(b"STATUS=soon")
say(b"READY=1\nSTATUS=now\nMAINPID=1")
time.sleep(100)
EOF
    service
    manager
    announced oci create n-$$ </dev/null >/dev/null 2>&1
    heard ''
    before=$(date +%s%N)
    announced oci start n-$$
    [ $((($(date +%s%N) - before) / 1000000)) -ge 400 ]
    [ "$(status_of n-$$)" = running ]
    heard STATUS=soon "READY=1\\nSTATUS=now\\nMAINPID=$(pid_of n-$$)" BARRIER=1
    no_receiver
    oci delete --force n-$$
    [ -z "$(ls root)" ]
}

@test "create and start: a container that ends is not waited for, but its last words are heard" {
    require root
    command_is <<'EOF'
say(b"STATUS=no")
sys.exit(3)
EOF
    service
    manager
    announced oci create n-$$ </dev/null >/dev/null 2>&1
    announced oci start n-$$
    heard STATUS=no
    wait_for stopped n-$$
    oci delete n-$$
    retire
    command_is <<<'say(b"READY=1")'
    service
    manager
    announced oci create n-$$ </dev/null >/dev/null 2>&1
    pid=$(pid_of n-$$)
    announced oci start n-$$
    heard "READY=1\\nMAINPID=$pid" BARRIER=1
    wait_for stopped n-$$
    oci delete n-$$
}

@test "run --detach: it is left when the container is ready" {
    require root
    command_is <<'EOF'
time.sleep(0.3)
say(b"READY=1")
time.sleep(100)
EOF
    service
    manager
    announced oci run -d n-$$ </dev/null >/dev/null 2>&1
    heard "READY=1\\nMAINPID=$(pid_of n-$$)" BARRIER=1
    no_receiver
    oci delete --force n-$$
}

@test "start without a manager does not wait, nor does that of a container that was made without" {
    require root
    command_is <<<'time.sleep(100)'
    service
    manager
    announced oci create n-$$ </dev/null >/dev/null 2>&1
    oci start n-$$
    oci delete --force n-$$
    oci create n-$$ </dev/null >/dev/null 2>&1
    announced oci start n-$$
    heard ''
    oci delete --force n-$$
}

@test "with a user namespace of its own, and a time namespace; by root and another user inside" {
    require root
    # shellcheck disable=SC2016
    command_is <<<'say(b"READY=1\nSTATUS=%d" % os.getuid())'
    manager
    for change in "" "$mapped" "$mapped
c['linux']['namespaces'].append({'type': 'time'})"; do
        for user in 0 1000; do
            service "$change
c['process']['user'] = {'uid': $user, 'gid': $user}"
            announced oci run n-$$ </dev/null
            echo "READY=1\\nSTATUS=$user" >>wanted
        done
    done
    heard "$(cat wanted)"
    [ -z "$(ls root)" ]
}

@test "in somebody's user namespace" {
    require root
    bundle 'exec sleep 100' "$mapped"
    oci run -d first-$$ </dev/null >/dev/null 2>&1
    mv rootfs first
    # shellcheck disable=SC2016
    bundle '[ -S "$NOTIFY_SOCKET" ] && [ -w "$NOTIFY_SOCKET" ] && echo "$NOTIFY_SOCKET"' \
        "c['linux']['namespaces'].append({'type': 'user', 'path': '/proc/$(pid_of first-$$)/ns/user'})"
    chown -R 700000:700000 rootfs
    address=/run/x
    run announced oci run n-$$ </dev/null
    oci delete --force first-$$
    echo "$output"
    [ "$output" = /run/x/notify ]
}

@test "an ordinary user's container" {
    require user
    command_is <<<'say(b"READY=1")'
    service "l = c['linux']
l['namespaces'].append({'type': 'user'})
l['uidMappings'] = [{'containerID': 0, 'hostID': $(id -u), 'size': 1}]
l['gidMappings'] = [{'containerID': 0, 'hostID': $(id -g), 'size': 1}]"
    manager
    run announced oci run n-$$ </dev/null
    echo "$output"
    [ "$status" = 0 ]
    heard READY=1
    [ -z "$(ls root)" ]
}

@test "hostile: floods, long and empty datagrams, fds, another's words, and none of it holds the runtime up" {
    require root
    command_is <<'EOF'
import array, signal, struct
def fds(text, *fds): s.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
s.connect(out)
say = s.send
for _ in range(3000): say(b"MAINPID=1\nFDSTORE=1")
say(b"")
say(b"READY=1\n" + b"x" * 8000)
say(b"READY=1\0\nREADY=1")
say(b"STATUS=\x1b[2J")
fds(b"FDSTORE=1\nFDNAME=x\nSTATUS=fds", 0, 1, 2)
fds(b"BARRIER=1", 1)
# A connection that lingers when it is closed by its last holder: the receiver, or, where that has been quicker, us, for a second.
signal.signal(signal.SIGALRM, lambda *_: None)
signal.alarm(1)
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen(1)
c = socket.create_connection(l.getsockname())
c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
c.setblocking(False)
try:
    while True: c.send(b"x" * 65536)
except BlockingIOError:
    pass
fds(b"STATUS=lingers", c.fileno())
c.close()
time.sleep(0.5)
os._exit(5)
EOF
    service
    manager
    before=$(date +%s)
    run announced oci run n-$$ </dev/null
    echo "$output"
    [ "$status" = 5 ]
    [ $(($(date +%s) - before)) -lt 10 ]
    heard STATUS=fds STATUS=lingers
    [ -z "$(ls root)" ]
    no_receiver
}

@test "a manager who does not listen, or is not there, holds nothing up: the exit status is the container's" {
    require root
    command_is <<'EOF'
s.setblocking(False)
try:
    for _ in range(5000): say(b"STATUS=more")
except BlockingIOError:
    pass
sys.exit(4)
EOF
    service
    manager
    kill -STOP "$manager"
    run announced oci run n-$$ </dev/null
    kill -CONT "$manager"
    [ "$status" = 4 ]
    [ -z "$output" ]
    address=/nowhere/at-all
    run announced oci run n-$$ </dev/null
    [ "$status" = 4 ]
    contains "NOTIFY_SOCKET=/nowhere/at-all: No such file or directory: what the container announces goes nowhere"
}

@test "a manager that is started anew hears the rest" {
    require root
    command_is <<'EOF'
say(b"READY=1")
while not os.path.exists("/go"): time.sleep(0.02)
say(b"STATUS=still here")
EOF
    service
    manager
    announced oci run n-$$ </dev/null 3>&- &
    running=$!
    heard READY=1
    retire
    manager
    touch rootfs/go
    wait $running
    heard "STATUS=still here"
}

@test "killed, it leaves nothing that delete does not remove" {
    require root
    command_is <<<'time.sleep(100)'
    service
    manager
    NOTIFY_SOCKET=$address "$work/bocal-runtime" --root "$work/root" run n-$$ </dev/null >/dev/null 2>&1 3>&- &
    running=$!
    for _ in $(seq 100); do [ -e root/n-$$/state.json ] && break; sleep 0.02; done
    wait_for running n-$$
    kill -KILL $running
    wait $running || true
    no_receiver
    oci delete --force n-$$
    [ -z "$(ls root)" ]
}

@test "a container that cannot be made leaves nothing" {
    require root
    command_is </dev/null
    service "c['process']['args'] = ['/nowhere']"
    manager
    run announced oci run n-$$ </dev/null
    [ "$status" != 0 ]
    contains "/nowhere"
    [ -z "$(ls root)" ]
    heard ''
}

@test "what the configuration says of NOTIFY_SOCKET stays, and what is no address is warned of" {
    require root
    command_is <<<'print(out, os.path.exists("/x"))'
    service "c['process']['env'].append('NOTIFY_SOCKET=/own')"
    address=/x
    [ "$(announced oci run n-$$ </dev/null)" = "/own False" ]
    service
    for address in relative / @ vsock:2:1234; do
        run announced oci run n-$$ </dev/null
        contains "warning: NOTIFY_SOCKET=$address: neither an absolute path nor an abstract name"
        contains " False"
    done
    address=
    run announced oci run n-$$ </dev/null
    [ "$output" = " False" ]
}

@test "the steps say where the socket is; exec does not inherit the variable" {
    require root
    command_is <<<'time.sleep(100)'
    service "c['annotations'] = {'io.bocal.explain': '$work/steps'}"
    ln -s busybox rootfs/bin/env
    address=/run/x/y
    announced oci create n-$$ </dev/null >/dev/null 2>&1
    grep -q "notify .*create $work/root/n-$$/notify" steps
    grep -q "bind .*inside at /run/x/y" steps
    oci start n-$$
    run announced oci exec n-$$ /bin/env
    [ "$status" = 0 ]
    [[ $output != *NOTIFY* ]]
    oci delete --force n-$$
}
