#!/usr/bin/env bats
# Images out of the store: saved, inspected, their history.
load ../cli/helpers
load images

two_layers() {
    busybox_tree one
    tree two 'echo 2 >two'
    make image.tar "$@" --name host.example/lib/box:2 --config '{"Cmd": ["cat", "/two"], "Env": ["A=b\u009bc"]}' one two
    bocal load -q image.tar
}

@test "save and load again: the same digest in OCI's format, the same config in Docker's, packed or not, to a file or a pipe" {
    store
    two_layers --oci --gzip
    digest=$(bocal images --no-trunc -q)
    config=$(bocal inspect lib/box:2 | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["configDigest"])')
    for how in none gzip zstd; do
        bocal rmi --all
        bocal load -q image.tar
        bocal save --format oci --compress $how -o oci.tar lib/box:2
        bocal save --compress $how lib/box:2 >docker.tar
        bocal rmi --all
        run bocal load -q oci.tar
        [ "$status:$output" = "0:host.example/lib/box:2" ]
        [ "$(bocal images --no-trunc -q)" = "$digest" ]
        bocal rmi --all
        run bocal load -q docker.tar
        [ "$status:$output" = "0:host.example/lib/box:2" ]
        [ "$(bocal inspect lib/box:2 | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["configDigest"])')" = "$config" ]
    done
}

@test "save: several images at once, twice the same bytes; what fails leaves no file, and the one that was there" {
    store
    two_layers
    busybox_tree other 'echo 3 >three'
    make other.tar --name other:1 other
    bocal load -q other.tar
    bocal save -o a.tar lib/box:2 other:1
    bocal save -o b.tar other:1 lib/box:2
    cmp a.tar b.tar
    echo before >c.tar
    run bocal save -o c.tar lib/box:2 nobody
    [ "$status" = 125 ]
    contains "image nobody is not here"
    [ "$(cat c.tar)" = before ]
    [ -z "$(ls | grep tmp)" ]
    run bocal save -o missing/c.tar lib/box:2
    [ "$status" = 125 ]
    [ "${#lines[@]}" = 1 ]
    truncate -s 10 "$(find data/images/blobs -size +100k | head -1)"
    run bocal save -o c.tar lib/box:2 other:1
    [ "$status" = 125 ]
    [ "${#lines[@]}" = 1 ]
    [ "$(cat c.tar)" = before ]
    [ -z "$(ls | grep tmp)" ]
}

@test "inspect: JSON, without what terminals act on; all or nothing" {
    store
    two_layers
    run bocal inspect lib/box:2
    [ "$status" = 0 ]
    python3 -c 'import json, sys
i = json.load(sys.stdin)[0]
assert i["name"] == "host.example/lib/box:2" and i["config"]["Cmd"] == ["cat", "/two"] and len(i["layers"]) == 2, i
assert i["platform"].startswith("linux/") and i["layers"][0]["diffID"] == i["layers"][0]["chainID"], i' <<<"$output"
    ! grep -q $'\u009b' <<<"$output"
    run bocal inspect lib/box:2 nobody
    [ "$status" = 125 ]
    [ "$output" = "bocal inspect: image nobody is not here (bocal pull, or bocal load; bocal images lists what is)" ]
}

@test "history: the newest step first, with the sizes of layers" {
    store
    two_layers
    run bocal history lib/box:2
    [ "$status" = 0 ]
    [[ ${lines[1]} = "- "*" 0 B "*" CMD" ]]
    [[ ${lines[2]} = "2026-11-27T12:00:00 "*" add two?[31m" ]]
    [[ ${lines[3]} = "2026-11-27T12:00:00 "*" MB "*" add one?[31m" ]]
    run bocal history --format json lib/box:2
    [ "$(python3 -c 'import json, sys; h = json.load(sys.stdin); print(h[0]["emptyLayer"], h[1]["createdBy"] == "add two\033[31m", h[2]["size"] > 10**5)' <<<"$output")" = "True True True" ]
}

@test "image verify: sound, damaged, missing; image prune removes what no name leads to" {
    store
    two_layers --oci --gzip
    run bocal image verify
    [ "$status:$output" = "0:1 images, 4 blobs and 2 layers are sound" ]
    blob=$(find data/images/blobs -size +100k)
    cp "$blob" kept
    printf x | dd of="$blob" bs=1 seek=5000 conv=notrunc 2>/dev/null
    run bocal image verify
    [ "$status" = 125 ]
    contains "sha256:$(basename "$blob"): "
    [[ ${lines[-1]} = "bocal image: "*" in 1 images, 4 blobs and 2 layers" ]]
    rm "$blob"
    run bocal image verify
    [ "$status" = 125 ]
    contains "host.example/lib/box:2: its layer sha256:$(basename "$blob") is missing"
    cp kept "$blob"
    bocal image verify
    echo '{"schemaVersion": 2, "manifests": []}' >data/images/index.json
    run bocal image prune
    [ "$status" = 0 ]
    contains "freed "
    [ -z "$(find data/images/blobs data/layers -mindepth 2)" ]
    run bocal image
    [ "$status" = 125 ]
    contains "none of verify, prune, mount, unmount"
}
