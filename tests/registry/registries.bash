# Real registries for tests: docker-registry of the distribution, on loopback.

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

# In setup_file: one without TLS, and one with TLS that wants a name and a password, each with an image.
start_registries() {
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

stop_registries() {
    local pid
    for pid in "$BATS_FILE_TMPDIR"/*.pid; do
        [ ! -f "$pid" ] || kill "$(cat "$pid")" || true
    done
}

needs() {
    command -v docker-registry skopeo >/dev/null || skip "needs docker-registry and skopeo: tools/install drive"
    plain=$(cat "$server/plain.address") safe=$(cat "$server/safe.address")
}

# jar ARGUMENT...: bocal with a store of its own.
jar() { BOCAL_DATA=$work/data timeout 60 "$BOCAL" "$@"; }
