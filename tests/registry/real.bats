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
