#!/usr/bin/env bats
# bocal login and logout: what is tried, and where it is kept.

load helpers

setup_file() { start_server; }
teardown_file() { stop_server; }

setup_host() { basic=127.0.0.1:$(cat "$server/basic") bearer=127.0.0.1:$(cat "$server/bearer"); }

# login PASSWORD WORD...: with it on standard input.
login() {
    local password=$1
    shift
    run timeout 50 "$BOCAL" login -u user --password-stdin "$@" <<<"$password"
}

logout() { run timeout 50 "$BOCAL" logout "$@"; }

fails() { # TEXT
    [ "$status" = 125 ] || { echo "status $status: $output"; return 1; }
    says "$1"
}

goes_well() { [ "$status" = 0 ] || { echo "status $status: $output"; return 1; }; }

# json FILE EXPRESSION: of Python, on the document d.
json() { python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$@"; }

# A credential helper that keeps what it is told in $work/kept.
make_helper() { # NAME
    mkdir -p bin
    cat >"bin/docker-credential-$1" <<H
#!/bin/sh
case \$1 in
store) cat >$work/kept ;;
get) [ -s $work/kept ] && cat $work/kept || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) [ -s $work/kept ] || { echo "credentials not found in native keychain"; exit 1; }; cat >$work/erased; rm $work/kept ;;
esac
H
    chmod +x "bin/docker-credential-$1"
    export PATH=$work/bin:$PATH
}

@test "login: tried first, and kept for its owner alone; logout takes it out again" {
    setup_host
    login wrong "$basic"
    fails "unauthorized: the registry says: authentication required (the name or the password is wrong"
    [ "$(wc -l <<<"$output")" = 2 ] # and that plain http is used
    [ ! -e home/containers ]
    login pass "$basic"
    goes_well
    says "Login succeeded: $work/home/containers/auth.json has the password, not encrypted"
    [ "$(stat -c %a home/containers/auth.json)" = 600 ]
    [ "$(json home/containers/auth.json "d['auths']['$basic']['auth']")" = dXNlcjpwYXNz ]
    [ "$(find home -type f | wc -l)" = 1 ]
    logout "$basic"
    goes_well
    says "$basic: forgotten, by $work/home/containers/auth.json"
    [ "$(json home/containers/auth.json "d['auths']")" = "{}" ]
    logout "$basic"
    fails "not logged in to $basic"
}

@test "login: with a token; TLS; where nobody is asked; where no registry is" {
    setup_host
    login wrong "$bearer"
    fails "gives no token: incorrect username or password (the name or the password is wrong"
    login pass "https://$bearer/v2/"
    goes_well
    [ "$(asked '"path": "/token.service=private&account=user"')" = 2 ]
    login pass "$tls"
    fails "--cert-dir DIR has certificates to trust"
    login pass --cert-dir "$server/certs" "$tls"
    goes_well
    says "$tls asks nobody for a name: name and password were not verified"
    login pass "$elsewhere"
    fails "is it a registry? /v2/: not found: the registry says: no registry"
    [ "$(json home/containers/auth.json "sorted(d['auths']) == sorted(['$bearer', '$tls'])")" = True ]
}

@test "login: what else the file has stays, links stay links, and one that is no such file is left alone" {
    setup_host
    mkdir -p home/containers real
    printf '{"auths": {"other.example": {"auth": "eDp5"}, "http://%s/v1/": {"auth": "b2xkOm9sZA=="}, "%s/deep": {"auth": "eDp5"}},
        "big": 12345678901234567890, "path": "a/b", "list": [1.50, null]}' "$basic" "$basic" >real/auth.json
    ln -s ../../real/auth.json home/containers/auth.json
    login pass "$basic"
    goes_well
    [ -L home/containers/auth.json ]
    [ "$(stat -c %a real/auth.json)" = 600 ]
    [ "$(json real/auth.json "sorted(d['auths']) == sorted(['other.example', '$basic', '$basic/deep'])")" = True ]
    [ "$(json real/auth.json "[d['big'], d['path'], d['list']] == [12345678901234567890, 'a/b', [1.5, None]]")" = True ]
    [ "$(ls real)" = auth.json ]
    echo '{"auths": [1]}' >bad.json
    login pass --authfile bad.json "$basic"
    fails "bad.json: auths: no object"
    echo 'no json' >bad.json
    login pass --authfile bad.json "$basic"
    fails "bad.json: not a file of credentials"
    [ "$(cat bad.json)" = "no json" ]
}

@test "login: which file" {
    setup_host
    login pass --authfile new/auth.json "$basic"
    goes_well
    [ -s new/auth.json ]
    REGISTRY_AUTH_FILE=$work/said.json login pass "$basic"
    goes_well
    [ -s said.json ]
    mkdir -p home/.docker
    printf '{"auths": {"%s": {"auth": "b2xkOm9sZA=="}}}' "$basic" >home/.docker/config.json
    login pass "$basic" # where something is said of it already
    says "$work/home/.docker/config.json has the password"
    [ ! -e home/containers ]
    rm home/.docker/config.json
    if [ "$(id -u)" != 0 ]; then
        XDG_RUNTIME_DIR='' login pass "$basic"
        says "$work/home/.config/containers/auth.json has the password"
    fi
    login pass "$bearer"
    [ -s home/containers/auth.json ]
    logout "$basic"
    [ "$(id -u)" = 0 ] || goes_well
}

@test "credential helpers keep it, and the file has no password" {
    setup_host
    make_helper test
    mkdir -p home/.docker
    printf '{"credHelpers": {"%s": "test"}, "auths": {"%s": {"auth": "b2xkOm9sZA=="}}}' "$basic" "$basic" >home/.docker/config.json
    login pass "$basic"
    goes_well
    says "docker-credential-test keeps the password"
    [ "$(json kept "[d['ServerURL'], d['Username'], d['Secret']] == ['$basic', 'user', 'pass']")" = True ]
    [ "$(json home/.docker/config.json "d['auths']['$basic']")" = "{}" ]
    [ ! -e home/containers ]
    logout "$basic"
    says "$basic: forgotten, by docker-credential-test"
    [ "$(cat erased)" = "$basic" ]
    [ "$(json home/.docker/config.json "[d['auths'], d['credHelpers']] == [{}, {'$basic': 'test'}]")" = True ]
    logout "$basic"
    fails "not logged in to"
    echo '{"credsStore": "test"}' >home/.docker/config.json
    login pass "$bearer"
    says "docker-credential-test keeps the password"
    logout --all --authfile home/.docker/config.json
    says "$bearer: forgotten, by docker-credential-test"
    [ ! -e kept ]
    echo '{"credsStore": "missing"}' >home/.docker/config.json
    login pass "$basic"
    fails "no credential helper docker-credential-missing in PATH"
    [ "$(cat home/.docker/config.json)" = '{"credsStore": "missing"}' ]
}

@test "a helper is given UTF-8 only" {
    setup_host
    make_helper test
    echo '{"credsStore": "test"}' >auth.json
    login $'pass\xff' --authfile auth.json --cert-dir "$server/certs" "$tls"
    fails "takes UTF-8 only"
    [ ! -e kept ]
}

@test "logout --all" {
    setup_host
    login pass "$basic"
    login pass "$bearer"
    logout --all
    goes_well
    says "$basic: forgotten"
    says "$bearer: forgotten"
    [ "$(json home/containers/auth.json "d['auths']")" = "{}" ]
}

@test "a directory that cannot be written into: said, and the file is as it was" {
    setup_host
    mkdir full
    if [ "$(id -u)" = 0 ]; then
        mount -t tmpfs -o size=16k bocal-registry-test full
        printf '{"auths": {}, "more": "%s"}' "$(head -c 12000 /dev/zero | tr '\0' x)" >full/auth.json
        cp full/auth.json before
    else
        echo '{"auths": {}}' | tee before >full/auth.json
        chmod 500 full
    fi
    login pass --authfile full/auth.json "$basic"
    after=$(ls full)
    cmp before full/auth.json
    chmod 700 full
    [ "$(id -u)" != 0 ] || umount full
    [ "$status" = 125 ]
    says "write $work/full/auth.json: "
    [ "$after" = auth.json ]
}

# killed WORD...: with SIGKILL at every system call from the first that has to do with kept/ on. Before each, kept/ is as in before/;
# after each, auth.json is as in before/ or as in after/, and the next logout of nobody removes all else. $left: how often it had to.
killed() {
    local name number status kills=0
    rm -rf kept after && cp -r before kept
    printf 'user\npass' | ASAN_OPTIONS=detect_leaks=0 strace -o calls "$program" "$@"
    cp -r kept after
    python3 - <<'P' >numbers
import collections, re
seen, begun = collections.Counter(), False
for line in open("calls"):
    name = line.split("(")[0]
    seen[name] += 1
    begun = begun or "kept" in line and name != "execve"
    if begun and re.fullmatch(r"[a-z0-9_]+", name) and name != "exit_group":
        print(name, seen[name])
P
    [ "$(wc -l <numbers)" -gt 12 ]
    while read -r name number; do
        rm -rf kept && cp -r before kept
        printf 'user\npass' | ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null -e "inject=$name:signal=KILL:when=$number" "$program" "$@" \
            >out 2>&1 && status=0 || status=$?
        case $status in
        137) kills=$((kills + 1)) ;;
        0) ;; # sanitizers do not read the same number of times in each run
        *) echo "$name $number: status $status: $(cat out)" && return 1 ;;
        esac
        [ ! -e kept/.auth.json.bocal ] || left=$((left + 1))
        run "$program" forget --authfile kept/auth.json --host nobody.example
        case $output in "" | *"not logged in"*) ;; *) echo "$name $number: $output"; return 1 ;; esac
        if ! cmp -s kept/auth.json before/auth.json && ! cmp -s kept/auth.json after/auth.json; then
            [ ! -e kept/auth.json ] && [ ! -e before/auth.json ] || { echo "$name $number: $(cat kept/auth.json)"; return 1; }
        fi
        [ "$(ls -A kept)" = auth.json ] || [ -z "$(ls -A kept)" ] || { echo "$name $number left $(ls -A kept)"; return 1; }
    done <numbers
    [ "$kills" -gt 12 ]
}

@test "login and logout killed at every system call leave the one file or the other, and the next one nothing else" {
    command -v strace >/dev/null || skip "needs strace"
    local left=0
    mkdir before
    killed keep --authfile kept/auth.json --host new.example # where there was none
    [ "$left" -ge 1 ]
    echo '{"auths": {"new.example": {"auth": "eDp5"}, "other.example": {"auth": "eDp5"}}}' >before/auth.json
    left=0
    killed keep --authfile kept/auth.json --host new.example
    [ "$left" -ge 1 ]
    left=0
    killed forget --authfile kept/auth.json --host new.example
    [ "$left" -ge 1 ]
}

@test "a link where the next file is made leads nowhere" {
    mkdir kept
    echo mine >mine
    ln -s ../mine kept/.auth.json.bocal
    printf 'user\npass' | "$program" keep --authfile kept/auth.json --host new.example
    [ "$(cat mine)" = mine ]
    [ "$(ls -A kept)" = auth.json ]
    [ ! -L kept/auth.json ]
}

@test "two at once: none is lost" {
    setup_host
    for i in 1 2 3 4 5 6 7 8; do
        printf 'user\npass' | "$program" keep --host "host$i.example" 3>&- &
    done
    wait
    [ "$(json home/containers/auth.json "len(d['auths'])")" = 8 ]
    [ "$(ls home/containers)" = auth.json ]
}

@test "words that make no sense" {
    setup_host
    run "$BOCAL" login </dev/null
    fails "a registry's HOST is wanted"
    run "$BOCAL" login -u user --password-stdin a/b <<<pass
    fails "not a registry's host"
    run "$BOCAL" login --password-stdin "$basic" <<<pass
    fails "--username is needed"
    run "$BOCAL" login -u a:b --password-stdin "$basic" <<<pass
    fails "neither a colon nor a newline"
    run "$BOCAL" login -u user --password-stdin "$basic" </dev/null
    fails "standard input has no password"
    run "$BOCAL" login -u user -p x --password-stdin "$basic" <<<pass
    fails "one of them"
    run setsid -w "$BOCAL" login -u user "$basic" </dev/null
    fails "there is no terminal to ask on (--password-stdin)"
    logout
    fails "HOST is wanted"
    logout --all "$basic"
    fails "HOST is wanted"
    [ "$(find home -type f | wc -l)" = 0 ]
}

@test "login -p warns; the password is in no other command line" {
    setup_host
    run "$BOCAL" login -u user -p pass "$basic"
    goes_well
    says "warning: --password shows the password to everybody on this machine"
    "$BOCAL" login -u user --password-stdin "127.0.0.1:$(cat "$server/slow")" <<<"hidden-word" 3>&- &
    pid=$!
    for _ in $(seq 200); do
        child=$(pgrep -P "$pid" || true)
        cat "/proc/${child:-none}/cmdline" "/proc/${child:-none}/environ" "/proc/$pid/cmdline" 2>/dev/null | tr '\0' ' ' >seen || true
        ! grep -q "check --host" seen || break
        sleep 0.02
    done
    kill "$pid"
    grep -q "check --host" seen
    ! grep -q hidden-word seen
}

@test "asked for on the terminal, and not shown there; Ctrl-C" {
    setup_host
    cat >ask.py <<'P'
import os, pty, sys, termios, time, select
words, answers = sys.argv[2:], sys.argv[1].encode().decode("unicode_escape").encode().split(b"|")
pid, terminal = pty.fork()
if pid == 0:
    os.execv(words[0], words)
seen = b""
def until(text):
    global seen
    end = time.time() + 20
    while text not in seen:
        if not select.select([terminal], [], [], max(0, end - time.time()))[0]:
            sys.exit(f"no {text!r} in {seen!r}")
        seen += os.read(terminal, 1000)
for prompt, answer in zip((b"Username: ", b"Password: "), answers):
    until(prompt)
    os.write(terminal, answer)
try:
    while chunk := os.read(terminal, 1000):
        seen += chunk
except OSError:
    pass
print(seen.decode(), "status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
P
    run python3 ask.py 'user\n|pass\n' "$BOCAL" login "$basic"
    says "Login succeeded"
    says "Username: user"
    says "status 0"
    ! grep -q pass <<<"${output//the password/}" || { echo "shown: $output"; return 1; }
    run python3 ask.py 'user\n|pa\x03' "$BOCAL" login "$basic"
    says "cancelled"
    says "status 125"
    run python3 ask.py '\x04' "$BOCAL" login "$basic"
    says "cancelled"
    cat >ended.py <<'P'
import os, pty, signal, sys, termios, time
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
while termios.tcgetattr(terminal)[3] & termios.ECHO:
    time.sleep(0.02)
os.kill(pid, signal.SIGTERM)
status = os.waitpid(pid, 0)[1]
print("signal", os.WTERMSIG(status), "echo", bool(termios.tcgetattr(terminal)[3] & termios.ECHO))
P
    run timeout 20 python3 ended.py "$BOCAL" login -u user "$basic"
    says "signal 15 echo True"
}
