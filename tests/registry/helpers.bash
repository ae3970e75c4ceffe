# What the tests of bocal-registry share. BOCAL is the binary under test, with bocal-registry beside it.

program=$(dirname "$BOCAL")/bocal-registry

# A certificate of its own for loopback, valid for a day.
make_certificate() { # DIR
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=registry.example \
        -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout "$1/server.key" -out "$1/server.crt" 2>/dev/null
    mkdir -p "$1/certs"
    cp "$1/server.crt" "$1/certs/ca.crt"
}

# wait_for FILE...: until all are there.
wait_for() {
    local file
    for file in "$@"; do
        for _ in $(seq 100); do
            [ -s "$file" ] && continue 2
            sleep 0.05
        done
        echo "$file did not appear"
        return 1
    done
}

# Starts server.py, in setup_file; its address as $host, that of another origin as $elsewhere, and $tls.
start_server() {
    export server=$BATS_FILE_TMPDIR
    make_certificate "$server"
    "$BATS_TEST_DIRNAME/server.py" "$server" 3>&- &
    echo $! >"$server/pid"
    wait_for "$server"/{port,elsewhere,tls,basic,bearer,slow,zero.digest}
    host=127.0.0.1:$(cat "$server/port") elsewhere=127.0.0.1:$(cat "$server/elsewhere") tls=127.0.0.1:$(cat "$server/tls")
    export host elsewhere tls
}

stop_server() { kill "$(cat "$server/pid")"; }

setup() {
    work=$(mktemp -d -t bocal-registry.XXXXXX)
    mkdir "$work/in" "$work/store" "$work/home"
    export HOME=$work/home XDG_RUNTIME_DIR=$work/home
    unset XDG_CONFIG_HOME DOCKER_CONFIG REGISTRY_AUTH_FILE HTTP_PROXY http_proxy HTTPS_PROXY https_proxy
    cd "$work" || return 1
}

teardown() {
    cd /
    umount "$work/in" 2>/dev/null || true
    rm -rf "$work"
}

# pull REFERENCE OPTION...: into $work/in. $output is what it says on both streams.
pull() {
    local reference=$1
    shift
    run timeout 50 "$program" pull --reference "$reference" "$@" 3<"$work/in" 4<"$work/store"
}

# got REFERENCE OPTION...: succeeds, every file has its digest for a name, nothing is half there.
got() {
    pull "$@"
    [ "$status" = 0 ] || { echo "status $status: $output"; return 1; }
    whole
}

whole() {
    (cd "$work/in" && for file in *; do [ "$file" = '*' ] || [ "$(sha256sum <"$file")" = "$file  -" ] || { echo "$file is not whole"; return 1; }; done)
}

# no TEXT REFERENCE OPTION...: into an empty directory, fails with one line on standard error, which has TEXT; no blob has a wrong name.
no() {
    local text=$1
    shift
    rm -f "$work"/in/* 2>/dev/null
    timeout 50 "$program" pull --reference "$@" 3<"$work/in" 4<"$work/store" >"$work/out" 2>"$work/err" && { echo "went well"; return 1; }
    one_line "$text" || return 1
    (cd "$work/in" && for file in *; do
        case $file in *.partial | '*') ;; *) [ "$(sha256sum <"$file")" = "$file  -" ] || { echo "$file is wrong"; return 1; } ;; esac
    done)
}

says() {
    case $output in *"$1"*) ;; *) printf 'wanted: %s\ngot:    %s\n' "$1" "$output"; return 1 ;; esac
}

# asked PATTERN: how many requests of the log have it.
asked() { grep -cE "$1" "$server/log"; }

# credentials HOST: a file of Podman's, with user:pass.
credentials() {
    printf '{"auths": {"%s": {"auth": "dXNlcjpwYXNz"}}}' "$1" >"$work/auth.json"
}

# push KIND REFERENCE OPTION...: what server.py has laid out as KIND. $output is what it says on both streams.
push() {
    local kind=$1 reference=$2
    shift 2
    run timeout 50 "$program" push --reference "$reference" --image "$(cat "$server/$kind.digest")" "$@" 3<"$server/$kind"
}

# sent KIND REFERENCE OPTION...: succeeds, and what is pulled back is, bit by bit, what was sent.
sent() {
    push "$@"
    [ "$status" = 0 ] || { echo "status $status: $output"; return 1; }
    local said=$output
    rm -f "$work"/in/*
    got "$2" --plain-http --platform linux/amd64
    [[ $said = *"\"manifest\": \"$(cat "$server/$1.digest")\""* ]] || { echo "another digest: $said"; return 1; }
    for file in "$work"/in/*; do cmp "$file" "$server/$1/${file##*/}" || return 1; done
    [ -s "$work/in/$(sed s/sha256:// "$server/$1.digest")" ]
    output=$said
}

# unsent TEXT KIND REFERENCE OPTION...: fails with one line on standard error, which has TEXT; the name is nobody's there.
unsent() {
    local text=$1 kind=$2 reference=$3
    shift 3
    timeout 50 "$program" push --reference "$reference" --image "$(cat "$server/$kind.digest")" "$@" 3<"$server/$kind" >"$work/out" \
        2>"$work/err" && { echo "went well"; return 1; }
    one_line "$text"
}

# one_line TEXT: $work/err is one line, with TEXT in it and nothing that a terminal acts on.
one_line() {
    local line
    line=$(cat "$work/err")
    [ "$(wc -l <"$work/err")" = 1 ] || { echo "not one line: $line"; return 1; }
    LC_ALL=C grep -q '[[:cntrl:]]' "$work/err" && { echo "control characters: $line"; return 1; }
    case $line in *"$1"*) ;; *) printf 'wanted: %s\ngot:    %s\n' "$1" "$line"; return 1 ;; esac
}
