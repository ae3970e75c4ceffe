#!/usr/bin/env bats
# What goes wrong with images, and must not do harm: none of these runs a container.
load ../cli/helpers
load images

nothing_there() { [ -z "$(find data/images/blobs data/layers data/ingest -mindepth 1 -maxdepth 2 ! -name sha256)" ]; }

@test "a caller that ignores SIGCHLD is told of failures all the same" {
    store
    busybox_tree one
    make image.tar --oci --gzip --lie --name box one
    run python3 -c 'import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])' "$BOCAL" load image.tar
    [ "$status" = 125 ]
    contains "unpack layer sha256:"
    nothing_there
}

@test "an archive of two images, one of which lies, changes nothing" {
    store
    busybox_tree one
    busybox_tree other 'echo 2 >two'
    make before.tar --name one:1 one
    bocal load -q before.tar
    digest=$(bocal images --no-trunc -q)
    make good.tar --oci --gzip --name one:1 other
    make bad.tar --oci --gzip --lie --name two:1 one
    mkdir both
    tar -xf good.tar -C both
    mv both/index.json good.json
    tar -xf bad.tar -C both
    python3 -c 'import json
good, bad = json.load(open("good.json")), json.load(open("both/index.json"))
good["manifests"] += bad["manifests"]
json.dump(good, open("both/index.json", "w"))'
    tar -cf both.tar -C both .
    run bocal load both.tar
    [ "$status" = 125 ]
    [ "$(bocal images --no-trunc -q)" = "$digest" ]
    run bocal image verify
    [ "$status" = 0 ]
}

@test "rmi of a name that looks like a digest takes that name alone; what is missing does not keep the others" {
    store
    busybox_tree one
    make image.tar --name one:1 one
    bocal load -q image.tar
    digest=$(bocal images --no-trunc -q)
    bocal tag one:1 "${digest:7:1}" keep:1 gone:1
    bocal rmi "${digest:7:1}"
    [ "$(bocal images | wc -l)" = 4 ]
    run bocal rmi missing gone:1
    [ "$status" = 125 ]
    contains "image missing is not here"
    [ "$(bocal images | wc -l)" = 3 ]
    run bocal tag one:1 new:1 UPPER
    [ "$status" = 125 ]
    [ "$(bocal images | wc -l)" = 3 ]
    bocal rmi "${digest:7:12}"
    nothing_there
}

@test "a time that is none is not kept; an image that cannot be read keeps everything" {
    store
    busybox_tree one
    make image.tar --name one:1 --created "$(printf 'x%.0s' $(seq 5000))" one
    bocal load -q image.tar
    [ "$(wc -c <data/images/index.json)" -lt 1000 ]
    make other.tar --name other:1 one
    bocal load -q other.tar
    config=$(bocal inspect one:1 | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["configDigest"][7:])')
    echo damaged >"data/images/blobs/sha256/$config"
    run bocal rmi other:1
    [ "$status" = 125 ]
    contains "image one:1, for which nothing is removed"
    [ "$(ls data/layers | wc -l)" = 1 ]
    bocal rmi one:1
    nothing_there
}

# too_much CONFIG WHAT WHERE: with that as config.json image.tar is refused, on one line that says what it has, and where more is allowed.
too_much() {
    echo "$1" >config/bocal/config.json
    run bocal load -q image.tar
    [ "$status" = 125 ] && [ "${#lines[@]}" = 1 ] && contains "$2" && contains "$3's config.json allows more" && nothing_there
}

@test "what unpacks to too much is refused, and who trusts it says so in config.json" {
    store
    export XDG_CONFIG_HOME=$work/config
    mkdir -p config/bocal
    busybox_tree one 'truncate -s 24M zeros'
    for how in "--oci --gzip" "--gzip"; do # the layer is packed, or the archive
        make image.tar $how --name box:1 one
        too_much '{"unpackLimit": 10000000}' 'more than 10000000 bytes' '"unpackLimit", bytes, in bocal'
        too_much '{"unpackRatio": 3}' 'more than 3 times its size' '"unpackRatio" in bocal'
        echo '{"unpackLimit": 40000000, "unpackRatio": 5000}' >config/bocal/config.json
        bocal load -q image.tar
        bocal image verify
        bocal rmi box:1
    done
    (mkdir one/many && cd one/many && seq 1 100 | xargs touch)
    make image.tar --name box:1 one
    too_much '{"unpackEntries": 100}' 'more than 100 entries' '"unpackEntries" in bocal'
    echo '{"unpackEntries": 200}' >config/bocal/config.json
    bocal load -q image.tar
    bocal rmi box:1
    python3 -c 'import sys
open("one/zeros", "wb").truncate(64 << 20)'
    rm -r one/bin
    rm config/bocal/config.json
    make image.tar --oci --gzip --name box:1 one
    run bocal load -q image.tar # more than a thousand times its size
    [ "$status" = 125 ]
    contains 'more than 1000 times its size'
    nothing_there
    echo '{"unpackRatio": "many"}' >config/bocal/config.json
    run bocal load -q image.tar
    [ "$status" = 125 ]
    contains "config.json: /unpackRatio: expected "
    echo '{"unpackRatio": 2000}' >config/bocal/config.json
    run bocal load -q image.tar
    [ "$status" = 0 ]
}
