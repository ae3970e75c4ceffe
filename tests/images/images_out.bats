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

@test "inspect, history and save take archives, layouts and standard input, and keep nothing of them" {
    store
    busybox_tree one
    make one.oci --oci --gzip --name V1 one
    make one.docker --gzip --name host.example/lib/box:1 one
    mkdir layout
    tar -xf one.oci -C layout
    of() { python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"; }
    for from in oci-archive:one.oci oci-archive:one.oci:V1 oci:layout oci:layout:V1; do
        [ "$(bocal inspect "$from" | of 'len(d), d[0]["name"], len(d[0]["layers"])')" = "1 V1 1" ]
        bocal history "$from" | grep -q "add one"
    done
    for from in docker-archive:one.docker docker-archive:one.docker:lib/box:1 -; do
        [ "$(bocal inspect "$from" <one.docker | of 'd[0]["name"]')" = host.example/lib/box:1 ]
        bocal save --format oci -o saved.oci "$from" <one.docker
        [ "$(bocal inspect oci-archive:saved.oci | of 'd[0]["name"]')" = host.example/lib/box:1 ]
    done
    bocal save --format oci -o saved.oci oci:layout # the same, and its name
    cmp <(bocal inspect oci-archive:one.oci) <(bocal inspect oci-archive:saved.oci)
    run bocal save -o saved.docker oci:layout
    [ "$status" = 0 ]
    contains '"V1", which Docker takes for no name'
    bocal load -q one.docker
    before=$(find data | sort)
    [ "$(bocal inspect lib/box:1 oci-archive:one.oci | of '[i["name"] for i in d]')" = "['host.example/lib/box:1', 'V1']" ]
    for words in "save -o x lib/box:1 oci:layout" "save -o x oci:layout lib/box:1" "inspect oci-archive:missing" "history oci:one" \
        "inspect oci-archive:one.oci:V2" "history docker-archive:one/bin/busybox"; do
        # shellcheck disable=SC2086
        run bocal $words
        [ "$status:${#lines[@]}" = 125:1 ] || { echo "$words: $status: $output"; false; }
        [ ! -e x ]
    done
    [ "$(find data | sort)" = "$before" ]
    printf x | dd of="$(find layout/blobs -size +100k)" bs=1 seek=5000 conv=notrunc 2>/dev/null
    run bocal inspect oci:layout # it is read as it would be loaded
    [ "$status:${#lines[@]}" = 125:1 ]
    contains "layout: "
    [ "$(find data | sort)" = "$before" ]
    mkfifo pipe
    "$BOCAL" inspect - <pipe >out 2>&1 3>&- & # killed on the way: who adds next sweeps that
    exec 9>pipe
    head -c 100 one.oci >&9
    for _ in $(seq 100); do ls data/ingest | grep -q look && break; sleep 0.05; done
    ls data/ingest | grep -q look
    kill -KILL $!
    exec 9>&-
    wait $! || true
    bocal load -q one.docker
    [ -z "$(ls data/ingest)" ]
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

@test "image verify --repair: a layer is unpacked anew, a blob goes until it is loaded again, what is in use stays" {
    store
    two_layers --oci --gzip
    cp -a data sound
    run bocal image verify --repair
    [ "$status:$output" = "0:1 images, 4 blobs and 2 layers are sound" ]
    one=$(dirname "$(dirname "$(find data/layers -name bin -type d)")") two=$(dirname "$(dirname "$(find data/layers -name two)")")
    damage() { rm -rf "$1/fs/bin" "$1/fs/two"; } # whose files may be others'
    as() { if is_root || ! has_ranges; then "$@"; else unshare -Ur --map-auto "$@"; fi; }
    export -f damage
    as bash -c 'damage "$@"' damage "$one"
    run bocal image verify --repair
    [ "$status" = 0 ] || { echo "$output"; false; }
    [[ ${lines[0]} = "layer $(basename "$one" | head -c 12): its files are not as they were unpacked"* ]]
    [ "${lines[1]}" = "layer $(basename "$one" | head -c 12) was removed, and unpacked anew" ]
    [ "${lines[2]}" = "repaired: all that was wrong" ]
    bocal image verify
    [ -z "$(ls data/ingest)" ]
    sed -i 's/"digest": "sha256:[^"]*"/"digest": ""/' "$one/layer.json"
    mv "$two" "data/layers/$(printf '%064d' 0)"
    run bocal image verify --repair
    [ "$status" = 0 ] || { echo "$output"; false; }
    contains "layer 000000000000 was removed, and not made anew"
    bocal image verify
    [ -e "$two/fs/two" ]
    # a blob, and what was unpacked from it
    blob=$(find data/images/blobs -size +100k)
    printf x | dd of="$blob" bs=1 seek=5000 conv=notrunc 2>/dev/null
    as bash -c 'damage "$@"' damage "$one"
    run bocal image verify --repair
    [ "$status" = 125 ]
    contains "sha256:$(basename "$blob") was removed (pull or load its images again)"
    contains "layer $(basename "$one" | head -c 12) was removed, and not made anew"
    [ "${lines[-1]}" = "bocal image: 1 of 2 faults are left" ]
    [ ! -e "$blob" ]
    run bocal image verify --repair
    [ "$status" = 125 ]
    contains "its layer sha256:$(basename "$blob") is missing"
    bocal load -q image.tar
    bocal image verify
    # what is no blob
    touch data/images/blobs/sha256/other
    run bocal image verify --repair
    contains "other was removed"
    [ ! -e data/images/blobs/sha256/other ]
    # what somebody uses
    exec 8<"$two"
    flock -s 8
    as bash -c 'damage "$@"' damage "$one"
    as bash -c 'damage "$@"' damage "$two"
    run bocal image verify --repair
    [ "$status" = 125 ]
    [ "$(grep -c 'stays: it is in use' <<<"$output")" = 2 ] # one stands below
    [ "${lines[-1]}" = "bocal image: 2 of 2 faults are left" ]
    [ -d "$one" ]
    [ -d "$two" ]
    exec 8<&-
    run flock -s data/users "$BOCAL" image verify --repair
    [ "$status" = 125 ]
    contains "nothing was repaired (try again)"
    bocal image verify --repair
    bocal image verify
    run bocal image prune --repair
    [ "$status" = 125 ]
    contains "prune has no such option"
}

@test "image verify --repair killed at any moment leaves a store that is sound after the next" {
    store
    two_layers --oci --gzip
    one=$(dirname "$(dirname "$(find data/layers -name bin -type d)")")
    for round in $(seq 12); do
        sed -i 's/"digest": "sha256:[^"]*"/"digest": ""/' data/layers/*/layer.json
        "$BOCAL" image verify --repair >/dev/null 2>&1 3>&- &
        sleep "0.0$((RANDOM % 10))"
        kill -KILL $! 2>/dev/null || true
        wait $! 2>/dev/null || true
        for _ in $(seq 50); do # bocal-archive may have a moment to live, and holds the store
            run bocal image verify --repair
            [ "$status" != 0 ] || break
            sleep 0.05
        done
        [ "$status" = 0 ] || { echo "$output"; false; }
        bocal load -q image.tar # unpacks what is missing
        [ -d "$one/fs/bin" ]
        bocal image verify
        [ -z "$(ls data/ingest)" ]
    done
}

@test "save: owners are the image's, whoever has unpacked it and however" {
    store
    busybox_tree one 'echo x >mine; chmod 4755 mine'
    make image.tar --name box:1 --owner mine=1033:34 one
    bocal load -q image.tar
    for format in oci docker; do
        bocal save --format $format -o saved.tar box:1
        [ "$(python3 -c 'import io, sys, tarfile
saved = tarfile.open(sys.argv[1])
for member in saved:
    try:
        m = tarfile.open(fileobj=io.BytesIO(saved.extractfile(member).read())).getmember("mine")
        print(m.uid, m.gid, oct(m.mode))
    except (AttributeError, KeyError, tarfile.ReadError):
        pass' saved.tar)" = "1033 34 0o4755" ]
    done
}
