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
