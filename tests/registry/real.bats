#!/usr/bin/env bats
# bocal-registry and a real registry, docker-registry of the distribution, on loopback: filled by skopeo, and what is
# fetched is compared with what skopeo fetches.

load helpers
load registries

setup_file() { start_registries; }
teardown_file() { stop_registries; }

# same REFERENCE OPTION...: what is in $work/in is, file by file, what skopeo brings of REFERENCE.
same() {
    skopeo --insecure-policy copy -q "${@:2}" "docker://$1" "oci:$work/peer:1"
    diff -r "$work/in" "$work/peer/blobs/sha256"
}

@test "a real registry: what is pulled is what skopeo brings" {
    needs
    got "$plain/some/image:1"
    same "$plain/some/image:1" --src-tls-verify=false
}

@test "a real registry: by digest, and of Docker's format" {
    needs
    manifest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$plain/some/image:1")
    got "$plain/some/image@$manifest" --plain-http
    [ -s "in/${manifest#sha256:}" ]
    rm in/*
    got "$plain/some/image:docker" --plain-http
    says '"mediaType": "application/vnd.docker.distribution.manifest.v2+json"'
    no "not found: the registry says: manifest unknown" "$plain/some/image:2"
    no "not found: the registry says:" "$plain/no/image:1"
}

@test "a real registry with TLS and basic authentication" {
    needs
    no "certificate" "$safe/some/image:1"
    no "unauthorized: the registry says: authentication required (log in: bocal login $safe)" "$safe/some/image:1" \
        --cert-dir "$server/certs"
    skopeo login --cert-dir "$server/certs" --authfile auth.json -u user -p pass "$safe" >/dev/null
    got "$safe/some/image:1" --cert-dir "$server/certs" --authfile auth.json
    same "$safe/some/image:1" --src-cert-dir "$server/certs" --src-authfile auth.json
    credentials "$safe"
    sed -i 's/dXNlcjpwYXNz/dXNlcjp3cm9uZw==/' auth.json
    no "log in again: it was shown what auth.json has for $safe" "$safe/some/image:1" --cert-dir "$server/certs" --authfile auth.json
}

@test "bocal pull: whole, by name, by digest, through the configuration; what fails leaves the store as it was" {
    needs
    run jar pull -q "$plain/some/image:2"
    [ "$status" = 125 ]
    [[ $output = *"not found: the registry says: manifest unknown"* ]]
    [ -z "$(find data/images/blobs data/layers data/ingest -type f)" ]
    run jar pull -q "$plain/some/image:1"
    [ "$status" = 0 ]
    digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$plain/some/image:1")
    [ "${lines[-1]}" = "$digest" ]
    [ "$(jar images --no-trunc -q)" = "$digest" ]
    [ "$(find data/layers -path '*/fs/big' -size 5000000c | wc -l)" = 1 ]
    jar rmi some/image:1
    [ -z "$(find data/images/blobs data/layers data/ingest -type f)" ]
    mkdir -p config/bocal
    printf '{"registries": ["%s/some"], "insecureRegistries": ["%s"]}' "$plain" "$plain" >config/bocal/config.json
    XDG_CONFIG_HOME=$work/config run jar pull "image@$digest"
    [ "$status" = 0 ]
    [[ $output = *"pulling $plain/some/image@$digest, by the configuration $work/config/bocal/config.json"* ]]
    jar rmi --all
    run jar run --pull never "$plain/some/image:1" /bin/sh
    [ "$status" = 125 ]
    [[ $output = *"is not here"* ]]
    run jar pull "image:1"
    [ "$status" = 125 ]
    [[ $output = *"no registry is configured for names without a host"* ]]
}

@test "bocal run: an image that is not here is pulled, once" {
    needs
    mkdir -p tree/bin
    cp "$(command -v busybox)" tree/bin/busybox
    ln -s busybox tree/bin/cat
    echo hello >tree/greeting
    "$BATS_TEST_DIRNAME/../images/make" box.tar --oci --gzip --name 1 --config '{"Cmd": ["/bin/cat", "/greeting"]}' tree
    mkdir box # not as oci-archive: skopeo gives the files of archives away, which users may not
    tar -xf box.tar -C box
    skopeo --insecure-policy copy -q --dest-tls-verify=false oci:box:1 "docker://$plain/own/box:1"
    run jar run "$plain/own/box:1"
    [ "$status" = 0 ]
    [[ ${lines[0]} = "pulling $plain/own/box:1" ]]
    [ "${lines[-1]}" = hello ]
    run jar run "$plain/own/box:1" # who has one id is told so as well
    [ "$status:${lines[-1]}" = 0:hello ]
    [[ $output != *pulling* ]]
    run jar run own/box:1 /bin/busybox ls -d /greeting
    [ "$status:${lines[-1]}" = 0:/greeting ]
    run jar run --pull newer "$plain/own/box:1" # asks, and nothing has changed
    [ "$status:${lines[-1]}" = 0:hello ]
    [[ $output = *pulling* ]]
    "$BATS_TEST_DIRNAME/../images/make" gone.tar --name "127.0.0.1:1/own/box:1" --config '{"Cmd": ["/bin/cat", "/greeting"]}' tree
    jar load -q gone.tar
    run jar run --pull newer 127.0.0.1:1/own/box:1
    [ "$status:${lines[-1]}" = 0:hello ]
    [[ $output = *"taking the image that is here"* ]]
    run jar run --pull always 127.0.0.1:1/own/box:1
    [ "$status" = 125 ]
    jar rmi --all
}

# A line to the registry at PORT, its own is in the file "line": it keeps whatever part of a blob is not the first, and makes a file "held" then.
line_that_holds() { # PORT
    cat >line.py <<'P'
import os, re, socket, sys, threading
def copy(a, b, holds):
    while data := a.recv(65536):
        if holds and data.startswith(b"PATCH") and not re.search(rb"content-range: 0-", data.lower()):
            open("held", "w").write("held")
            return threading.Event().wait()
        b.sendall(data)
    b.shutdown(socket.SHUT_RDWR)
def serve(client):
    server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    threading.Thread(target=copy, args=(server, client, False), daemon=True).start()
    copy(client, server, True)
line = socket.create_server(("127.0.0.1", 0))
open("line.new", "w").write(str(line.getsockname()[1]))
os.rename("line.new", "line")
while True:
    threading.Thread(target=serve, args=(line.accept()[0],), daemon=True).start()
P
    python3 line.py "$1" 2>/dev/null 3>&- &
    line=$!
    wait_for line
}

@test "a push that is ended, or whose bocal is killed, leaves nothing begun at a real registry" {
    needs
    line_that_holds "${plain##*:}"
    digest=$(sed -n 's/.*"digest": "\(sha256:[0-9a-f]*\)".*/\1/p' "$server/layout/index.json")
    begun() { find "$server/plain.data" -path "*/own/$1/_uploads/*" -name data | wc -l; }
    for signal in TERM KILL; do
        words=(push --reference "127.0.0.1:$(cat line)/own/${signal,,}:1" --image "$digest" --plain-http --part 1)
        rm -f held
        if [ $signal = TERM ]; then
            "$program" "${words[@]}" 3<"$server/layout/blobs/sha256" >out 2>err &
        else # its parent, and then nobody is told anything
            python3 -c 'import os, subprocess, sys
os.dup2(os.open(sys.argv[1], 0), 3)
subprocess.Popen(sys.argv[2:], close_fds=False).wait()' "$server/layout/blobs/sha256" "$program" "${words[@]}" >out 2>&1 &
        fi
        pid=$!
        wait_for held
        [ "$(begun "${signal,,}")" = 1 ]
        kill "-$signal" "$pid"
        wait "$pid" || true
        for _ in $(seq 100); do
            [ "$(begun "${signal,,}")" != 0 ] || break
            sleep 0.1
        done
        [ "$(begun "${signal,,}")" = 0 ]
    done
    kill $line
}
