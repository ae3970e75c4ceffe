#!/usr/bin/env bats
# What else is done with the store of images: what is read makes nothing, what is killed leaves nothing.
load ../cli/helpers
load images

loaded() { # NAME...: an image of one layer
    [ -d one ] || busybox_tree one 'echo hello >greeting'
    for name; do
        make image.tar --name "$name" one
        bocal load -q image.tar
    done
}

@test "options behind operands count, but for what is behind -- or belongs to a command" {
    store
    loaded box:1
    [ "$(bocal images box:1 --quiet)" = "$(bocal images --quiet box:1)" ]
    bocal save box:1 -o box.tar --format oci
    [ -s box.tar ]
    run bocal images -- --quiet
    [ "$status" = 125 ]
    contains '"--quiet" is no image reference'
    run bocal run box:1 /bin/ls --help
    [[ $output != *"Usage: bocal run"* ]]
    run bocal history box:1 --no-such
    [ "$status" = 125 ]
    contains "unknown option --no-such"
    run bocal tag box:1 new:1 --help
    [ "$status" = 0 ]
    contains "Usage: bocal tag"
}

@test "what only reads makes no store" {
    store
    for words in "images" "inspect x" "history x" "save -o x.tar x" "tag x y" "rmi x" "image verify" "image prune"; do
        run bocal $words
        case $words in
        images | image*) [ "$status" = 0 ] ;;
        *) [ "$status" = 125 ] && contains "image x is not here: there are no images yet" ;;
        esac || { echo "$words: $status: $output"; false; }
        [ ! -e data ] || { echo "$words has made a store"; false; }
    done
    bocal rmi --all
    [ ! -e data ]
}

@test "an image that gets a name is no longer one without, and goes with that name" {
    store
    busybox_tree one
    make image.tar one
    bocal load -q image.tar
    [[ $(bocal images) = *"<none>"* ]]
    bocal tag "$(bocal images -q)" named:1
    [ "$(bocal images -q | wc -l)" = 1 ]
    [[ $(bocal images) != *"<none>"* ]]
    bocal rmi named:1
    [ -z "$(bocal images -q)" ]
    [ -z "$(find data/layers data/images/blobs/sha256 -mindepth 1)" ]
}

@test "save that is killed leaves the file that was there, and nothing beside it" {
    store
    loaded box:1
    mkdir out bin
    echo before >out/box.tar
    printf '#!/bin/sh\necho half\necho $$ >%s/sleeper\nexec sleep 30\n' "$work" >bin/bocal-archive
    chmod 755 bin/bocal-archive
    for file in box.tar new.tar; do
        rm -f sleeper
        BOCAL_LIBEXEC=$work/bin "$BOCAL" save -o out/$file box:1 3>&- &
        pid=$!
        for _ in $(seq 1000); do [ -s sleeper ] && break || sleep 0.01; done
        kill -KILL $pid "$(cat sleeper)"
        wait $pid || true
        [ "$(cat out/*)" = before ] || { ls -l out; false; }
    done
    [ "$(ls out)" = box.tar ]
    bocal save -o out/box.tar box:1
    bocal save -o out/new.tar box:1
    cmp out/box.tar out/new.tar
    [ "$(ls out | wc -l)" = 2 ]
}

@test "save replaces what a killed one has left beside its file, and not what is being written" {
    store
    loaded box:1
    echo left >box.tar.part
    echo before >box.tar
    bocal save -o box.tar box:1
    [ ! -e box.tar.part ]
    echo used >box.tar.part
    run flock box.tar.part "$BOCAL" save -o box.tar box:1
    [ "$status" = 125 ]
    contains "box.tar.part: somebody else is writing it"
    [ "$(cat box.tar.part)" = used ]
}

@test "a program whose helper holds its error stream open has ended all the same" {
    store
    mkdir bin
    printf '#!/bin/sh\nsleep 30 >/dev/null &\necho $! >%s/sleeper\necho "it failed" >&2\nexit 1\n' "$work" >bin/bocal-archive
    chmod 755 bin/bocal-archive
    echo x >x.tar
    began=$SECONDS
    run env BOCAL_LIBEXEC="$work/bin" "$BOCAL" load x.tar
    [ "$status" = 125 ]
    contains "it failed"
    [ $((SECONDS - began)) -lt 20 ]
    kill "$(cat sleeper)"
}
