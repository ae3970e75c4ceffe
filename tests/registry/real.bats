#!/usr/bin/env bats
# bocal-registry and a real registry, docker-registry of the distribution, on loopback: filled by skopeo, and what is
# fetched is compared with what skopeo fetches.

load helpers

# registry NAME YAML: starts one whose configuration ends with YAML; its address in $server/NAME.address.
registry() {
    local name=$1 port
    for _ in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 12000))
        printf 'version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s}}\n%s\n' \
            "$server/$name.data" "${2/PORT/$port}" >"$server/$name.yml"
        docker-registry serve "$server/$name.yml" >"$server/$name.log" 2>&1 3>&- &
        echo $! >"$server/$name.pid"
        for _ in $(seq 100); do
            kill -0 "$(cat "$server/$name.pid")" 2>/dev/null || continue 2
            (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null && { echo "127.0.0.1:$port" >"$server/$name.address"; return 0; }
            sleep 0.1
        done
    done
    return 1
}

# make_layout DIR: an OCI layout with one image "1", of an uncompressed layer and an empty one.
make_layout() {
    python3 - "$1" <<'P'
import hashlib, io, json, os, random, sys, tarfile
top = sys.argv[1]
os.makedirs(top + "/blobs/sha256")
def put(data, kind):
    name = hashlib.sha256(data).hexdigest()
    open(f"{top}/blobs/sha256/{name}", "wb").write(data)
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": "sha256:" + name, "size": len(data)}
def tar(**files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return put(out.getvalue(), "layer.v1.tar")
layers = [tar(big=random.Random(5).randbytes(5_000_000)), tar(small=b"x"), tar()]
config = put(json.dumps({"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {
    "type": "layers", "diff_ids": [l["digest"] for l in layers]}}).encode(), "config.v1+json")
manifest = put(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                           "config": config, "layers": layers}).encode(), "manifest.v1+json")
manifest["annotations"] = {"org.opencontainers.image.ref.name": "1"}
json.dump({"schemaVersion": 2, "manifests": [manifest]}, open(top + "/index.json", "w"))
open(top + "/oci-layout", "w").write('{"imageLayoutVersion": "1.0.0"}')
P
}

setup_file() {
    command -v docker-registry skopeo >/dev/null || return 0
    export server=$BATS_FILE_TMPDIR XDG_RUNTIME_DIR=$BATS_FILE_TMPDIR
    make_certificate "$server"
    make_layout "$server/layout"
    # shellcheck disable=SC2016
    echo 'user:$2y$05$nCRqc9iVVPQiRbAGeiZG9ugn1K90UgtBLDt8YMVPSK53oRQGVLSqS' >"$server/htpasswd"
    registry plain 'http: {addr: "127.0.0.1:PORT"}'
    registry safe "http: {addr: '127.0.0.1:PORT', tls: {certificate: $server/server.crt, key: $server/server.key}}
auth: {htpasswd: {realm: 'a realm', path: $server/htpasswd}}"
    skopeo --insecure-policy copy -q --dest-tls-verify=false "oci:$server/layout:1" "docker://$(cat "$server/plain.address")/some/image:1"
    skopeo --insecure-policy copy -q --format v2s2 --dest-tls-verify=false "oci:$server/layout:1" \
        "docker://$(cat "$server/plain.address")/some/image:docker"
    skopeo --insecure-policy copy -q --dest-cert-dir "$server/certs" --dest-creds user:pass "oci:$server/layout:1" \
        "docker://$(cat "$server/safe.address")/some/image:1"
}

teardown_file() {
    local pid
    for pid in "$BATS_FILE_TMPDIR"/*.pid; do
        [ ! -f "$pid" ] || kill "$(cat "$pid")" || true
    done
}

needs() {
    command -v docker-registry skopeo >/dev/null || skip "needs docker-registry and skopeo: tools/install drive"
    plain=$(cat "$server/plain.address") safe=$(cat "$server/safe.address")
}

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

# jar ARGUMENT...: bocal with a store of its own.
jar() { BOCAL_DATA=$work/data timeout 60 "$BOCAL" "$@"; }

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
    jar rmi --all
}
