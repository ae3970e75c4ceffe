#!/usr/bin/env bats
# Images go to a real registry and come back, with bocal, skopeo and Podman on either end: each digest stays what it is.

load helpers
load registries

setup_file() { start_registries; }
teardown_file() { stop_registries; }

# An image that has a shell, as an archive: $work/box.tar; in the store as "box"; $digest.
make_box() {
    mkdir -p tree/bin
    cp "$(command -v busybox)" tree/bin/busybox
    ln -s busybox tree/bin/cat
    echo hello >tree/greeting
    head -c 3000000 /dev/urandom >tree/noise
    "$BATS_TEST_DIRNAME/../images/make" box.tar --oci --gzip --name box --config '{"Cmd": ["/bin/cat", "/greeting"]}' tree
    jar load -i box.tar >/dev/null 2>&1
    digest=$(jar images -q --no-trunc)
}

in_registry() { skopeo inspect "${@:2}" --format '{{.Digest}}' "docker://$1"; }

# A store of Podman's own, with the files that bocal reads.
pod() { podman --root "$work/pod" --runroot "$work/podrun" --storage-driver vfs "$@"; }

# Podman of an ordinary user has files that are others', and leaves a process that holds its user namespace.
teardown() {
    local file
    cd /
    if [ -d "$work/pod" ]; then
        XDG_DATA_HOME=$work/home podman unshare rm -rf "$work/pod" "$work/podrun" 2>/dev/null || true
        for file in $(find "$work" -name pause.pid -size +0); do kill "$(cat "$file")" || true; done
    fi
    rm -rf "$work"
}

needs_podman() {
    command -v podman >/dev/null || skip "needs podman: tools/install drive"
    pod info >/dev/null 2>&1 || skip "podman does not run here"
}

# The blobs of the store are those that skopeo has brought of REFERENCE.
same_blobs() { # REFERENCE OPTION...
    rm -rf peer
    skopeo --insecure-policy copy -q "${@:2}" "docker://$1" "oci:$work/peer:1"
    diff -r data/images/blobs/sha256 peer/blobs/sha256
}

@test "bocal pushes: skopeo, Podman and bocal pull the same" {
    needs
    make_box
    run jar push box "$plain/rounds/box:1"
    [ "$status" = 0 ] || { echo "$output"; return 1; }
    [ "${lines[-1]}" = "$digest" ]
    [ "$(in_registry "$plain/rounds/box:1" --tls-verify=false)" = "$digest" ]
    same_blobs "$plain/rounds/box:1" --src-tls-verify=false
    jar rmi --all
    jar pull -q "$plain/rounds/box:1"
    [ "$(jar images -q --no-trunc)" = "$digest" ]
    same_blobs "$plain/rounds/box:1" --src-tls-verify=false
    [ "$(jar run "$plain/rounds/box:1")" = hello ]
}

@test "bocal pushes: Podman pulls, by tag and by digest" {
    needs
    needs_podman
    make_box
    jar push -q box "$plain/rounds/pod:1"
    pod pull -q --tls-verify=false "$plain/rounds/pod:1"
    [ "$(pod image inspect --format '{{.Digest}}' "$plain/rounds/pod:1")" = "$digest" ]
    pod pull -q --tls-verify=false "$plain/rounds/pod@$digest"
}

@test "skopeo and Podman push: bocal pulls, and pushes on; the digest is the registry's" {
    needs
    make_box
    mkdir box # not as oci-archive: skopeo gives the files of archives away, which users may not
    tar -xf box.tar -C box
    skopeo --insecure-policy copy -q --dest-tls-verify=false oci:box:box "docker://$plain/rounds/skopeo:1"
    jar rmi --all
    jar pull -q "$plain/rounds/skopeo:1"
    run jar push -q "$plain/rounds/skopeo:1" "$plain/rounds/on:1"
    [ "$output" = "$digest" ]
    [ "$(in_registry "$plain/rounds/on:1" --tls-verify=false)" = "$digest" ]
    skopeo --insecure-policy copy -q --format v2s2 --dest-tls-verify=false oci:box:box "docker://$plain/rounds/docker:1"
    jar pull -q "$plain/rounds/docker:1"
    jar push -q "$plain/rounds/docker:1" "$plain/rounds/docker-on:1"
    [ "$(in_registry "$plain/rounds/docker-on:1" --tls-verify=false)" = "$(in_registry "$plain/rounds/docker:1" --tls-verify=false)" ]
    needs_podman
    pod load -q -i box.tar
    pod push -q --tls-verify=false "$(pod images -q)" "docker://$plain/rounds/podman:1"
    theirs=$(in_registry "$plain/rounds/podman:1" --tls-verify=false)
    jar pull -q "$plain/rounds/podman:1"
    run jar push -q "$plain/rounds/podman:1" "$plain/rounds/podman-on:1"
    [ "$output" = "$theirs" ]
}

@test "TLS and a password: who logs in with bocal is let in as skopeo and Podman, and the other way round" {
    needs
    make_box
    run jar push box "$safe/rounds/box:1"
    [ "$status" = 125 ]
    [[ $output = *"--cert-dir DIR has certificates to trust"* ]]
    run jar push --cert-dir "$server/certs" box "$safe/rounds/box:1"
    [ "$status" = 125 ]
    [[ $output = *"unauthorized"*"(log in: bocal login $safe)"* ]]
    run jar login --cert-dir "$server/certs" -u user --password-stdin "$safe" <<<wrong
    [ "$status" = 125 ]
    [[ $output = *"unauthorized: the registry says: authentication required (the name or the password is wrong"* ]]
    jar login --cert-dir "$server/certs" -u user --password-stdin "$safe" <<<pass
    jar push -q --cert-dir "$server/certs" box "$safe/rounds/box:1"
    file=$XDG_RUNTIME_DIR/containers/auth.json
    [ "$(in_registry "$safe/rounds/box:1" --cert-dir "$server/certs" --authfile "$file")" = "$digest" ]
    skopeo logout "$safe"
    run jar push --cert-dir "$server/certs" box "$safe/rounds/box:2"
    [ "$status" = 125 ]
    skopeo login --cert-dir "$server/certs" -u user -p pass "$safe"
    jar push -q --cert-dir "$server/certs" box "$safe/rounds/box:2"
    jar rmi --all
    jar pull -q --cert-dir "$server/certs" "$safe/rounds/box:2"
    [ "$(jar images -q --no-trunc)" = "$digest" ]
    if command -v podman >/dev/null && pod info >/dev/null 2>&1; then
        pod pull -q --cert-dir "$server/certs" "$safe/rounds/box:2"
        pod push -q --cert-dir "$server/certs" "$safe/rounds/box:2" "docker://$safe/rounds/box:3"
        jar pull -q --cert-dir "$server/certs" "$safe/rounds/box:3"
    fi
    jar logout "$safe"
    run skopeo inspect --cert-dir "$server/certs" "docker://$safe/rounds/box:1"
    [ "$status" != 0 ]
}

@test "what is in another repository of the registry is mounted, and what is there is not sent" {
    needs
    make_box
    jar push -q box "$plain/rounds/here:1"
    jar tag box "$plain/rounds/here:1"
    run jar push --progress plain box "$plain/rounds/there:1"
    [ "$(grep -c mounted <<<"$output")" = 2 ]
    run jar push --progress plain box "$plain/rounds/there:2"
    [ "$(grep -c exists <<<"$output")" = 2 ]
    [ "$(in_registry "$plain/rounds/there:2" --tls-verify=false)" = "$digest" ]
}

@test "in parts, and through a line that breaks" {
    needs
    make_box
    manifest=${digest#sha256:}
    "$program" push --reference "$plain/rounds/parts:1" --image "$digest" --plain-http --part 1 3<data/images/blobs/sha256
    same_blobs "$plain/rounds/parts:1" --src-tls-verify=false
    cat >line.py <<'P'
import os, socket, sys, threading
target, cuts, lock = ("127.0.0.1", int(sys.argv[1])), [1500000, 1200000, 300000], threading.Lock()
def copy(a, b, count):
    left = None
    while data := a.recv(65536) if True else b"":
        if count:
            with lock:
                if left is None and len(data) > 4000 and cuts:  # a body
                    left = cuts.pop()
            if left is not None:
                left -= len(data)
                if left < 0:
                    break
        b.sendall(data)
    for s in (a, b):
        try: s.shutdown(socket.SHUT_RDWR)
        except OSError: pass
def serve(client):
    server = socket.create_connection(target)
    threading.Thread(target=copy, args=(server, client, False), daemon=True).start()
    try: copy(client, server, True)
    except OSError: pass
line = socket.create_server(("127.0.0.1", 0))
open("line.new", "w").write(str(line.getsockname()[1]))
os.rename("line.new", "line")
while True:
    threading.Thread(target=serve, args=(line.accept()[0],), daemon=True).start()
P
    python3 line.py "${plain##*:}" 3>&- &
    pid=$!
    wait_for line
    run "$program" push --reference "127.0.0.1:$(cat line)/rounds/line:1" --image "$digest" --plain-http 3<data/images/blobs/sha256
    kill "$pid"
    [ "$status" = 0 ] || { echo "$output"; return 1; }
    [ "$(grep -c 'once more in' <<<"$output")" -ge 2 ] || { echo "$output"; return 1; }
    same_blobs "$plain/rounds/line:1" --src-tls-verify=false
}

@test "an index: whole where all is here; else as it is where the registry has the rest, or the one image alone" {
    needs
    python3 - <<'P'
import hashlib, json, os
os.makedirs("two")
def put(data, kind, **more):
    name = hashlib.sha256(data).hexdigest()
    open(f"two/{name}", "wb").write(data)
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": "sha256:" + name, "size": len(data), **more}
def image(architecture):
    layer = put(b"\0" * 10240, "layer.v1.tar")
    config = put(json.dumps({"os": "linux", "architecture": architecture, "config": {}, "rootfs": {
        "type": "layers", "diff_ids": [layer["digest"]]}}).encode(), "config.v1+json")
    return put(json.dumps({"schemaVersion": 2, "config": config, "layers": [layer]}).encode(), "manifest.v1+json",
               platform={"os": "linux", "architecture": architecture})
index = put(json.dumps({"schemaVersion": 2, "manifests": [image("amd64"), image("s390x")]}).encode(), "index.v1+json")
open("index.digest", "w").write(index["digest"])
P
    index=$(cat index.digest)
    "$program" push --reference "$plain/rounds/two:1" --image "$index" --type application/vnd.oci.image.index.v1+json --plain-http 3<two
    skopeo --insecure-policy copy -q --all --preserve-digests --src-tls-verify=false "docker://$plain/rounds/two:1" "oci:$work/both:1"
    diff -r two both/blobs/sha256
    jar pull -q --platform linux/s390x "$plain/rounds/two:1"
    jar pull -q "$plain/rounds/two:1"
    jar push -q "$plain/rounds/two:1" "$plain/rounds/two:again"
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$plain/rounds/two:again" | sha256sum)" = "${index#sha256:}  -" ]
    jar rmi --all
    jar pull -q "$plain/rounds/two:1"
    jar push -q "$plain/rounds/two:1" "$plain/rounds/two:rest"
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$plain/rounds/two:rest" | sha256sum)" = "${index#sha256:}  -" ]
    run jar push "$plain/rounds/two:1" "$plain/rounds/alone:1"
    [ "$status" = 0 ]
    [[ $output = *"of the index $index one image is here, and is pushed alone"* ]]
    [ "$(in_registry "$plain/rounds/alone:1" --tls-verify=false)" = "${lines[-1]}" ]
    run jar push -q "$plain/rounds/two:1" "$plain/rounds/alone:2" # nor is it silent about that
    [[ ${lines[0]} = "of the index $index one image was pushed alone: ${lines[1]}" ]]
    run jar push -q --platform linux/amd64 "$plain/rounds/two:1" "$plain/rounds/chosen:1"
    [ "$(in_registry "$plain/rounds/chosen:1" --tls-verify=false)" = "$output" ]
    run jar push -q --platform linux/arm64 "$plain/rounds/two:1" "$plain/rounds/none:1"
    [ "$status" = 125 ]
    [[ $output = *"nothing for linux/arm64"* ]]
}

@test "bocal push: where to; all tags; the digest into a file; what is refused" {
    needs
    run jar push box "$plain/rounds/box:1"
    [ "$status" = 125 ]
    [[ $output = *"image box is not here: there are no images yet"* ]]
    [ ! -e data ] # nothing is made for who only reads
    make_box
    run jar push box
    [ "$status" = 125 ]
    [[ $output = *"no registry is configured for names without a host"* ]]
    run jar push "${digest#sha256:}"
    [ "$status" = 125 ]
    [[ $output = *"where to is not said (bocal push IMAGE HOST/NAME:TAG)"* ]]
    run jar push box "oci:$work/dir"
    [ "$status" = 125 ]
    [[ $output = *"not a name that a registry knows"* ]]
    run jar push nothing "$plain/rounds/box:1"
    [ "$status" = 125 ]
    [[ $output = *"is not here"* ]]
    run jar push --platform linux/s390x box "$plain/rounds/box:1"
    [ "$status" = 125 ]
    [[ $output = *"the image is for linux/amd64, not for linux/s390x"* ]]
    mkdir -p config/bocal
    printf '{"registries": ["%s/conf"], "insecureRegistries": ["%s"]}' "$plain" "$plain" >config/bocal/config.json
    XDG_CONFIG_HOME=$work/config run jar push box
    [ "$status" = 0 ]
    [[ $output = *"pushing $plain/conf/box:latest, by the configuration $work/config/bocal/config.json"* ]]
    for tag in 1 2 3; do jar tag box "$plain/rounds/all:$tag"; done
    run jar push -q --all-tags "$plain/rounds/all"
    [ "$status" = 0 ]
    [ "${#lines[@]}" = 3 ]
    [ "$(in_registry "$plain/rounds/all:3" --tls-verify=false)" = "$digest" ]
    run jar push --all-tags "$plain/rounds/all:1"
    [ "$status" = 125 ]
    run jar push "$plain/rounds/all:1" "$plain/rounds/behind:1" -q # options may stand behind
    [ "$output" = "$digest" ]
    jar push -q --digestfile digest "$plain/rounds/all:1"
    [ "$(cat digest)" = "$digest" ]
    run jar push -q "$plain/rounds/all:1" "$plain/rounds/exact@$digest"
    [ "$output" = "$digest" ]
    [ "$(skopeo inspect --raw --tls-verify=false "docker://$plain/rounds/exact@$digest" | sha256sum)" = "${digest#sha256:}  -" ]
}
