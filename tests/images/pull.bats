#!/usr/bin/env bats
# bocal pull, from a registry on loopback that breaks, stalls and lies: tests/registry/server.py, with an image that can be run.
load ../cli/helpers
load images

setup_file() {
    export server=$BATS_FILE_TMPDIR
    command -v python3 openssl >/dev/null || return 0
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=registry.example \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$server/server.key" -out "$server/server.crt" 2>/dev/null
    cd "$server"
    busybox_tree large 'dd if=/dev/zero bs=1k count=600 status=none >zeros'
    tree small 'mkdir etc; echo hello >etc/greeting'
    make image.tar --oci --name box --config '{"Cmd": ["cat", "/etc/greeting"]}' large small
    mkdir layout && tar -xf image.tar -C layout
    python3 "$BATS_TEST_DIRNAME/../registry/server.py" "$server" layout 3>&- &
    echo $! >pid
    for _ in $(seq 100); do
        [ ! -s tls ] || break
        sleep 0.1
    done
}

teardown_file() { [ ! -s "$BATS_FILE_TMPDIR/pid" ] || kill "$(cat "$BATS_FILE_TMPDIR/pid")"; }

needs() {
    [ -s "$server/tls" ] || skip "needs python3 and openssl"
    store
    export XDG_CONFIG_HOME=$work/config HOME=$work
    here=127.0.0.1:$(cat "$server/port") elsewhere=127.0.0.1:$(cat "$server/elsewhere")
}

# What a failure may not leave.
nothing_is_left() {
    left=$(find data/images/blobs/sha256 data/layers data/ingest -mindepth 1)
    [ -z "$left" ] || { echo "left: $left"; return 1; }
    [ "$(bocal images -q)" = "" ]
}

# asked REPOSITORY KIND: how many requests there were for that.
asked() { grep -c "\"path\": \"/v2/$1/$2" "$server/log" || true; }

# one_line TEXT COMMAND...: fails with one line, which has TEXT.
one_line() {
    local text=$1
    shift
    run "$@"
    [ "$status" = 125 ]
    [ "${#lines[@]}" = 1 ]
    contains "$text"
}

@test "pull: what was pulled runs, is sound, and is not fetched again" {
    needs
    run bocal pull --plain-http "$here/ok/pull"
    [ "$status" = 0 ]
    for state in downloading unpacking unpacked; do
        [ "$(grep -c " $state " <<<"$output")" -ge 2 ]
    done
    [ -z "$(ls data/ingest)" ]
    [ "$(bocal image verify)" = "1 images, 4 blobs and 2 layers are sound" ]
    run bocal pull -q --plain-http "$here/ok/pull"
    [ "$status" = 0 ]
    [ "$(asked ok/pull blobs):$(asked ok/pull manifests)" = 3:2 ]
    run bocal run --pull never "$here/ok/pull"
    [ "$status:$output" = 0:hello ]
}

@test "pull: layers are unpacked while they come, also where what came was wrong and comes again" {
    needs
    for how in cut cut-new cut-whole early e500 cut-wrong; do
        bocal pull -q --plain-http "$here/$how/pull" || { echo "$how"; false; }
        [ "$(bocal run --pull never "$here/$how/pull")" = hello ]
        bocal rmi "$here/$how/pull"
        nothing_is_left
    done
}

@test "pull: what is wrong is refused in one line, and leaves nothing" {
    needs
    one_line "what came is sha256:" bocal pull -q --plain-http "$here/wrong/pull"
    nothing_is_left
    one_line "the manifest has" bocal pull -q --plain-http "$here/truncated/pull"
    nothing_is_left
    one_line "not found: the registry says: manifest unknown" bocal pull -q --plain-http "$here/ok/pull:missing"
    nothing_is_left
    one_line "127.0.0.1:1" bocal pull -q --plain-http 127.0.0.1:1/no/pull
    nothing_is_left
}

# begin_to_stall REPOSITORY COUNT: a pull that has got a part of the large layer, and COUNT blobs whole; $pull is its process.
begin_to_stall() {
    "$BOCAL" pull -q --plain-http "$here/$1" 3>&- 2>/dev/null &
    pull=$!
    for _ in $(seq 200); do
        part=$(find data/ingest/pull-* -name '*.partial' -size +100k 2>/dev/null || true)
        whole=$(find data/ingest/pull-* -name '[0-9a-f]*' ! -name '*.partial' ! -name 'pull-*' 2>/dev/null | wc -l)
        [ -z "$part" ] || [ "$whole" -lt "$2" ] || return 0
        sleep 0.05
    done
    return 1
}

@test "pull: killed, its blobs are gone on with by the next; rmi lets them be, image prune does not" {
    needs
    begin_to_stall stall/killed 3
    kill -KILL $pull
    wait $pull || true
    bocal rmi --all
    [ -s "$part" ]
    size=$(stat -c %s "$part")
    bocal pull -q --plain-http "$here/stall/killed"
    [ "$(asked stall/killed blobs)" = 4 ] # config, the small one, and twice the large
    grep "\"path\": \"/v2/stall/killed/blobs" "$server/log" | grep -q "\"range\": \"bytes=$size-\""
    [ "$(bocal run --pull never "$here/stall/killed")" = hello ]
    [ -z "$(ls data/ingest)" ]

    bocal rmi --all
    begin_to_stall stall/pruned 3
    run bocal image prune # who is at it is let be
    [ "$status" = 125 ]
    [ -s "$part" ]
    kill -KILL $pull
    wait $pull || true
    bocal image prune
    [ -z "$(ls data/ingest)" ]
}

@test "pull: what an interrupted one has left is wrong by now, or the rest of it is: from the beginning, and nothing wrong is unpacked" {
    needs
    begin_to_stall stall/damaged 3
    kill -KILL $pull
    wait $pull || true
    printf wrong | dd of="$part" bs=1 seek=70000 conv=notrunc status=none
    size=$(stat -c %s "$part")
    bocal pull -q --plain-http "$here/stall/damaged"
    [ "$(grep -c "\"path\": \"/v2/stall/damaged/blobs.*\"range\": \"bytes=$size-\"" "$server/log")" = 1 ]
    [ "$(asked stall/damaged blobs)" = 5 ] # config, the small one, and three times the large
    [ "$(bocal run --pull never "$here/stall/damaged")" = hello ]
    bocal image verify
    [ -z "$(ls data/ingest)" ]
    bocal rmi --all
    bocal pull -q --plain-http "$here/rest-wrong/pull"
    [ "$(bocal run --pull never "$here/rest-wrong/pull")" = hello ]
    bocal image verify
    bocal rmi --all
    one_line "what came is sha256:" bocal pull -q --plain-http "$here/rest-lies/pull"
    nothing_is_left
}

@test "pull: images with layers in common at the same time, while others prune and remove: each is whole in the end" {
    needs
    local kinds=(ok cut cut-wrong e500 early rest-wrong)
    for round in 1 2; do
        pulls=()
        for kind in "${kinds[@]}"; do
            "$BOCAL" pull -q --plain-http "$here/$kind/shared$round" >"out-$kind" 2>&1 3>&- &
            pulls+=($!)
        done
        while [ -n "$(jobs -pr)" ]; do # what they have pulled stays, and what they are at
            bocal image prune >/dev/null 2>&1 || true
            bocal tag "$here/ok/shared$round" gone:1 2>/dev/null && bocal rmi gone:1 >/dev/null
        done
        for n in "${!pulls[@]}"; do
            wait "${pulls[n]}" || { echo "${kinds[n]}: $(cat "out-${kinds[n]}")"; false; }
        done
        for kind in "${kinds[@]}"; do
            [ "$(bocal run --pull never "$here/$kind/shared$round")" = hello ]
        done
        [ "$(bocal image verify)" = "6 images, 4 blobs and 2 layers are sound" ]
        bocal rmi --all
        nothing_is_left
    done
}

@test "pull: what an interrupted one has left is removed after a week" {
    needs
    begin_to_stall stall/old 3
    kill -KILL $pull
    wait $pull || true
    touch -d "6 days ago" "${part%/*}"
    bocal pull -q --plain-http "$here/ok/pull"
    [ -s "$part" ]
    touch -d "8 days ago" "${part%/*}"
    bocal pull -q --plain-http "$here/ok/pull"
    [ -z "$(ls data/ingest)" ]
}

@test "pull: several of the same at the same time fetch it once" {
    needs
    for n in 1 2 3; do
        "$BOCAL" pull --progress plain --plain-http "$here/slow/once" >"out$n" 2>"err$n" 3>&- &
    done
    wait
    [ "$(cat out1 out2 out3 | sort -u | wc -l)" = 1 ]
    grep -q "another bocal is pulling $here/slow/once:latest: waiting for it" err1 err2 err3
    [ "$(asked slow/once blobs)" -le 5 ] # each of the layers is retried once
    [ "$(bocal run --pull never "$here/slow/once")" = hello ]
}

@test "pull: mirrors are asked first, and left when they fail, which is said" {
    needs
    mkdir -p config/bocal
    configure() {
        printf '{"insecureRegistries": ["%s", "%s"], "mirrors": {"%s": %s}}' "$here" "$elsewhere" "$here" "$1" >config/bocal/config.json
    }
    configure "[\"$elsewhere/only-elsewhere\"]"
    bocal pull -q "$here/mirrored" # of which the registry itself has nothing to say
    [ "$(asked mirrored manifests)" = 0 ]
    [ "$(bocal run --pull never "$here/mirrored")" = hello ]
    configure "[\"127.0.0.1:1\", \"$elsewhere\"]"
    run bocal pull "$here/not-mirrored/pull"
    [ "$status" = 0 ]
    contains "the mirror 127.0.0.1:1 is left: "
    contains "the mirror $elsewhere is left: not found: the registry says: not here"
    configure '["no host"]'
    one_line "config/bocal/config.json: /mirrors/$here: expected HOST[:PORT][/PREFIX]" bocal pull -q "$here/not-mirrored/pull"
    mkdir -p .docker
    configure "[\"$elsewhere/basic\"]" # wants user and password, of the mirror
    printf '{"auths": {"%s": {"auth": "dXNlcjpwYXNz"}}}' "$elsewhere" >.docker/config.json
    run bocal pull "$here/ok/credentials"
    [ "$status" = 0 ]
    [[ $output != *"is left"* ]]
}

@test "pull --newer: an image that is here will do where the registry cannot be reached" {
    needs
    bocal pull -q --plain-http "$here/ok/pull"
    bocal tag "$here/ok/pull" 127.0.0.1:1/away
    run bocal pull --plain-http --newer 127.0.0.1:1/away
    [ "$status" = 0 ]
    [ "${#lines[@]}" = 3 ] # what is pulled, why it is not, the digest
    contains ": taking the image that is here"
    one_line "127.0.0.1:1" bocal pull -q --plain-http 127.0.0.1:1/away
    one_line "127.0.0.1:1" bocal pull -q --plain-http --newer 127.0.0.1:1/another
    one_line "not found" bocal pull -q --plain-http --newer "$here/ok/pull:missing"
}

@test "pull: a blob of the store that is damaged is found when its layer is unpacked" {
    needs
    bocal pull -q --plain-http "$here/ok/pull"
    find data/layers -mindepth 1 -maxdepth 1 -exec rm -rf {} + 2>/dev/null || skip "the layers are other ids'"
    blob=$(find data/images/blobs -type f -size +500k)
    printf x | dd of="$blob" bs=1 seek=100000 conv=notrunc status=none
    one_line "the layer is not what its name says" bocal pull -q --plain-http "$here/ok/pull"
}
