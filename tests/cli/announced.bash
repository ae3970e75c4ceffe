# For tests of NOTIFY_SOCKET: containers that announce, and who listens. A test that has had a manager ends him; he goes by himself after a minute.

# service [CHANGE]: a bundle for the command, run by the host's Python; changed by the Python CHANGE.
service() {
    bundle true "c['process']['args'] = ['/usr/bin/python3', '-c', open('command.py').read()]
for d in ('usr', 'lib', 'lib64'):
    c['mounts'].append({'destination': '/' + d, 'type': 'bind', 'source': '/' + d, 'options': ['rbind', 'ro']})
${1:-}"
}

# command: what it does is standard input; say() sends to the socket, whose name is out.
command_is() {
    {
        echo 'import os, socket, sys, time
out = os.environ.get("NOTIFY_SOCKET", "")
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def say(text): s.sendto(text, out)'
        cat
    } >command.py
}

# manager [ADDRESS]: what comes to ADDRESS, else $work/manager/socket, is in the file heard, a datagram a line.
manager() {
    mkdir -p manager
    address=${1:-$work/manager/socket}
    python3 -u -c '
import array, os, signal, socket, sys
signal.alarm(60) # of a test that has failed
address = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("\0" + address[1:] if address[0] == "@" else address)
open("bound", "w")
heard = open("heard", "a", 1)
while True:
    data, control, _, _ = s.recvmsg(65536, socket.CMSG_SPACE(64))
    for level, kind, fds in control:
        for fd in array.array("i", fds): os.close(fd)
    heard.write(repr(data)[2:-1] + (" with fds" if control and data != b"BARRIER=1" else "") + "\n")' "$address" 3>&- &
    manager=$!
    for _ in $(seq 100); do [ -e bound ] && break; sleep 0.02; done
    : >>heard
}

# retire: the manager ends, and what it has heard is forgotten.
retire() {
    kill "$manager"
    wait "$manager" || true
    manager=
    rm -rf manager bound heard
}

# announced COMMAND...: with the manager's socket in the environment.
announced() { NOTIFY_SOCKET=$address "$@"; }

heard() { # LINE...: just these, soon
    local wanted
    wanted=$(printf '%s\n' "$@")
    for _ in $(seq 100); do
        [ "$(cat heard)" = "$wanted" ] && return
        sleep 0.02
    done
    printf 'wanted: %s\nheard: %s\n' "$wanted" "$(cat heard)"
    return 1
}
