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

# disk: what du says of the store, as root of the user namespace of the containers where there is one.
disk() {
    if is_root || ! has_ranges; then
        du -s --block-size=1 data
    else
        unshare --map-root-user --map-auto du -s --block-size=1 data
    fi | cut -f1
}

# df KEY...: from the JSON of system df.
df_of() { bocal system df --format json "${@:2}" | python3 -c "import json, sys; df = json.load(sys.stdin); print($1)"; }

needs_du() { is_root || ! has_ranges || unshare --map-root-user --map-auto true 2>/dev/null || skip "needs unshare --map-auto"; }

@test "system df: its sum is what du says, hard links once; what can be reclaimed is what prune frees" {
    store
    needs_du
    [ "$(df_of 'df["bytes"], df["images"]["total"]')" = "0 0" ]
    [ ! -e data ]
    busybox_tree one 'head -c 300000 /dev/urandom >a; ln a b; mkdir -p private/inner; echo x >private/inner/x; chmod 700 private; truncate -s 10M sparse'
    tree two 'echo 2 >two; ln two three'
    make image.tar --name box:1 --owner private=5:5 --owner private/inner=5:5 one
    bocal load -q image.tar
    make other.tar --oci --gzip --name other:1 --owner private=5:5 one two
    bocal load -q other.tar
    bocal run /bin/true || true
    mkdir -p data/ingest/left-by-somebody
    head -c 50000 /dev/urandom >data/ingest/left-by-somebody/x
    before=$(disk)
    [ "$(df_of 'df["bytes"]')" = "$before" ]
    run bocal system df -v
    [ "$status" = 0 ]
    contains "RECLAIMABLE"
    contains "other:1"
    python3 -c 'import json, subprocess, sys
df = json.loads(subprocess.check_output([sys.argv[1], "system", "df", "-v", "--format", "json"]))
lists = ["blobs", "layers", "containers", "embedded", "ingest"]
assert sum(df[l]["bytes"] for l in lists) + df["other"] == df["bytes"], df
for l in lists:
    assert sum(i["bytes"] for i in df[l]["items"]) == df[l]["bytes"] and len(df[l]["items"]) == df[l]["total"], l
    assert sum(i["bytes"] for i in df[l]["items"] if not i["active"]) == df[l]["reclaimable"], l
assert df["images"]["total"] == 2 and df["images"]["active"] == 0 and len(df["images"]["items"]) == 2, df' "$BOCAL"
    index=$(stat -c %b data/images/index.json)
    reclaimable=$(df_of 'df["reclaimable"]')
    run bocal prune --all --force
    [ "$status" = 0 ]
    contains "removed box:1"
    contains "removed other:1"
    after=$(disk)
    gone=$(((index - $(stat -c %b data/images/index.json)) * 512))
    directories=$((before - after - gone - reclaimable)) # shrink on some file systems
    [ $directories -ge 0 ] && [ $directories -le 65536 ] || { echo "$before - $after, and not $reclaimable"; false; }
    [ "$(df_of 'df["bytes"], df["reclaimable"]')" = "$(disk) 0" ]
    bocal load -q image.tar # and it works on
    bocal image verify
}

@test "prune: what has no name; --all what is not used; a container keeps its image" {
    store
    loaded used:1
    busybox_tree other 'echo 2 >x'
    make other.tar --name unused:1 other
    bocal load -q other.tar
    tree third 'echo 3 >x'
    make third.tar third
    bocal load -q third.tar
    run bocal image prune
    [ "$status" = 0 ]
    [[ ${lines[0]} = "removed sha256:"* ]]
    [ "$(bocal images -q | wc -l)" = 2 ]
    mkfifo go
    bocal run -i -v "$work/go:/go" used:1 sh -c 'cat /go; cat /greeting' >out &
    pid=$!
    for _ in $(seq 100); do pgrep -f "cat /go" >/dev/null && break; sleep 0.1; done
    [ "$(df_of 'df["images"]["active"], df["layers"]["active"]')" = "1 1" ]
    run bocal prune --all </dev/null
    [ "$status" = 125 ]
    contains "there is nobody to ask (add --force)"
    bocal prune --all --force
    [ "$(bocal images --format json | python3 -c 'import json, sys; print([i["name"] for i in json.load(sys.stdin)])')" = "['used:1']" ]
    echo on >go
    wait $pid
    [ "$(cat out)" = "on
hello" ]
    bocal prune -af
    [ -z "$(bocal images -q)" ]
    [ -z "$(find data/layers data/images/blobs/sha256 data/ingest -mindepth 1)" ]
}

@test "prune waits for nobody, and takes nothing from who is adding" {
    store
    loaded box:1
    run flock -s data/users "$BOCAL" prune --all --force
    [ "$status" = 125 ]
    contains "images are being added, saved or verified (try again)"
    run flock -s data/users "$BOCAL" system df
    [ "$status" = 0 ]
    [[ ${lines[-1]} = "all "*" -" ]]
    bocal images box:1
}

@test "prune removes what a container wrote before the last boot, and of no other that it does not know" {
    store
    loaded box:1
    mkdir -p data/containers/old/upper data/containers/new/upper
    head -c 100000 /dev/zero >data/containers/old/upper/x
    touch -d 2001-01-01 data/containers/old
    [[ $(bocal prune) = "freed "*" kB" ]]
    [ "$(ls data/containers)" = new ]
}

filtered() { bocal images --format json "$@" | python3 -c 'import json, sys; print(*sorted(i.get("name", "-") for i in json.load(sys.stdin)))'; }

@test "images: filters, and orders" {
    store
    busybox_tree one
    tree two 'echo 2 >two'
    tree none 'echo 3 >three'
    make a.tar --name host.example/lib/box:1 --created 2026-01-01T00:00:00Z --config '{"Labels": {"kind": "web", "stage": ""}}' one
    make b.tar --name plain:2 --created 2026-06-01T12:00:00+02:00 --config '{"Labels": {"kind": "db"}}' two
    make c.tar --created 2026-06-01T11:00:00.5Z none
    for image in a b c; do bocal load -q $image.tar; done
    while read -r filter wanted; do
        got=$(filtered --filter "$filter")
        [ "$got" = "$wanted" ] || { echo "$filter: $got, and not $wanted"; false; }
    done <<'END'
reference=box
reference=lib/box host.example/lib/box:1
reference=lib/* host.example/lib/box:1
reference=*:2 plain:2
reference=plain plain:2
reference=host.example/*/*:1 host.example/lib/box:1
dangling=true -
dangling=false host.example/lib/box:1 plain:2
label=kind host.example/lib/box:1 plain:2
label=kind=db plain:2
label=stage= host.example/lib/box:1
label!=kind -
label!=kind=db - host.example/lib/box:1
before=plain:2 host.example/lib/box:1
since=plain:2 -
since=lib/box:1 - plain:2
until=2026-01-02 host.example/lib/box:1
until=2026-06-01T10:00:00Z host.example/lib/box:1
until=2026-06-01T10:00:00.1Z host.example/lib/box:1 plain:2
until=1h - host.example/lib/box:1 plain:2
END
    [ "$(filtered -f reference=plain -f reference=lib/box -f label=kind=web)" = host.example/lib/box:1 ]
    [ "$(bocal images --sort created --format json | python3 -c 'import json, sys; print(*(i.get("name", "-") for i in json.load(sys.stdin)))')" = "- plain:2 host.example/lib/box:1" ]
    [ "$(bocal images --sort size --format json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0].get("name"))')" = host.example/lib/box:1 ]
    for bad in size=1 label reference= until=yesterday until=2026-13-01 dangling=perhaps before=nobody =x; do
        run bocal images --filter "$bad"
        [ "$status" = 125 ] && [ "${#lines[@]}" = 1 ] || { echo "$bad: $output"; false; }
    done
    run bocal image prune --filter reference=x
    [ "$status" = 125 ]
    contains "--filter reference=x: no such filter (label=KEY[=VALUE], label!=KEY[=VALUE], until=TIME"
    run bocal images --format '{{.ID}}'
    [ "$status" = 125 ]
    contains "one of table, json"
    bocal image prune --all --force --filter until=2026-02-01
    [ "$(filtered)" = "- plain:2" ]
    bocal image prune --filter label=nothing
    [ "$(filtered)" = "- plain:2" ]
}

# pack gz|xz|bz2 FILE: FILE.gz and so on.
pack() {
    python3 -c 'import bz2, gzip, lzma, sys
pack = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}[sys.argv[1]]
open(sys.argv[2] + "." + sys.argv[1], "wb").write(pack(open(sys.argv[2], "rb").read()))' "$1" "$2"
}

config_of() { bocal inspect "$1" | python3 -c "import json, sys; i = json.load(sys.stdin)[0]; c = i['config']; print(($2))"; }

@test "import: plain and packed tars, from a file or a pipe, become an image that runs" {
    store
    busybox_tree one 'echo hello >greeting; mkdir -p sub/dir'
    tar --owner 0 --group 0 -C one -cf root.tar .
    pack gz root.tar
    pack xz root.tar
    pack bz2 root.tar
    ! command -v zstd >/dev/null || zstd -qk root.tar
    for file in root.tar*; do
        run bocal import -q "$file" from:1
        [ "$status" = 0 ] || { echo "$file: $output"; false; }
        [[ $output = sha256:* ]]
        [ "$output" = "$(bocal images --no-trunc -q from:1)" ]
        run bocal run from:1 cat /greeting
        [ "$output" = hello ]
        bocal image verify
        bocal rmi from:1
        [ -z "$(find data/layers data/images/blobs/sha256 data/ingest -mindepth 1)" ]
    done
    bocal import -q - <root.tar.gz
    [[ $(bocal images) = *"<none>"* ]]
    bocal import - two:1 <root.tar.gz --message "by hand" 2>/dev/null
    [ "$(bocal history two:1 --format json | python3 -c 'import json, sys; h = json.load(sys.stdin); print(len(h), h[0]["createdBy"], h[0]["comment"])')" = "1 bocal import by hand" ]
    [ "$(ls data/layers | wc -l)" = 1 ]
    bocal save -o saved.tar two:1
    bocal save --format oci -o saved-oci.tar two:1
}

@test "import: changes, as a Dockerfile's" {
    store
    busybox_tree one
    tar --owner 0 --group 0 -C one -cf root.tar .
    bocal import -q root.tar box:1 -c 'CMD ["sh", "-c", "echo $A $B; pwd"]' -c 'ENV A="x y" B=z' -c 'env OLD the rest' -c 'ENV=B=zz' \
        -c 'EXPOSE 80 53/udp' -c 'LABEL a=1 "b c"=d' -c 'USER app:app' -c 'WORKDIR /tmp' -c 'VOLUME ["/var/lib/x"]' -c 'VOLUME /y /z' -c 'STOPSIGNAL SIGQUIT' --arch arm64 --variant v8
    [ "$(config_of box:1 'c["Cmd"], c["Env"], list(c["ExposedPorts"]), c["Labels"], c["User"], c["WorkingDir"], list(c["Volumes"]), c["StopSignal"], i["platform"]')" = \
        "(['sh', '-c', 'echo \$A \$B; pwd'], ['A=x y', 'B=zz', 'OLD=the rest'], ['80/tcp', '53/udp'], {'a': '1', 'b c': 'd'}, 'app:app', '/tmp', ['/var/lib/x', '/y', '/z'], 'SIGQUIT', 'linux/arm64/v8')" ]
    bocal import -q root.tar box:2 --change 'ENTRYPOINT echo started' --platform "linux/$(uname -m)"
    [ "$(config_of box:2 'c["Entrypoint"]')" = "['/bin/sh', '-c', 'echo started']" ]
    run bocal run box:2
    [ "$output" = started ]
    while read -r change; do
        run bocal import -q root.tar -c "$change" bad:1
        [ "$status" = 125 ] && [ "${#lines[@]}" = 1 ] && [[ $output = *"change $change: "* ]] || { echo "$change: $output"; false; }
    done <<'END'
RUN x
CMD
CMD ["a", 1]
CMD ["a"
CMD ["a"] x
ENV A
EXPOSE http
EXPOSE 70000
EXPOSE 80/icmp
VOLUME relative
WORKDIR relative
USER a b
HEALTHCHECK NONE
END
    [ "$(bocal images -q | wc -l)" = 2 ]
}

@test "import: what is no tar, or hostile, is refused in one line and leaves the store as it was" {
    store
    echo "no tar" >text
    : >empty
    printf '\037\213junk' >junk.gz
    busybox_tree one
    tar -C one -cf root.tar .
    head -c 3000 root.tar >short.tar
    tar -P -C one --transform 's,^,../,' -cf up.tar etc/passwd
    head -c 50000000 /dev/zero >bomb
    pack xz bomb
    for file in text empty junk.gz short.tar up.tar bomb.xz missing https://host.example/root.tar; do
        run bocal import -q "$file" bad:1
        [ "$status" = 125 ] && [ "${#lines[@]}" = 1 ] || { echo "$file: $status: $output"; false; }
        [ -z "$(find data/layers data/images/blobs/sha256 data/ingest -mindepth 1 2>/dev/null)" ] || { echo "$file has left something"; false; }
    done
    for words in "" "root.tar a b" "root.tar UPPER" "root.tar x --os linux --platform linux/amd64" "root.tar x --variant v8" "root.tar x --arch a/b"; do
        run bocal import $words
        [ "$status" = 125 ] && [ "${#lines[@]}" = 1 ] || { echo "$words: $status: $output"; false; }
    done
    [ -z "$(bocal images -q)" ]
}

@test "import that is killed leaves nothing that the next one does not remove" {
    store
    busybox_tree one
    tar -C one -cf root.tar .
    mkfifo pipe
    "$BOCAL" import -q - box:1 <pipe >/dev/null 2>&1 3>&- &
    pid=$!
    exec 9>pipe
    head -c 200000 root.tar >&9
    for _ in $(seq 100); do [ -n "$(find data/ingest -type f 2>/dev/null)" ] && break; sleep 0.05; done
    kill -KILL $pid
    wait $pid || true
    exec 9>&-
    for _ in $(seq 100); do
        bocal import -q root.tar box:1
        [ -n "$(ls data/ingest)" ] || break
        sleep 0.05
    done
    [ -z "$(ls data/ingest)" ]
}

@test "image mount: what the image shows, read-only, until it is unmounted; in use meanwhile" {
    store
    require root
    busybox_tree one 'echo 1 >a; echo 1 >gone; mkdir dir; echo 1 >dir/x; chmod 4755 bin/busybox'
    tree two 'echo 2 >b; touch .wh.gone; mkdir dir; touch dir/.wh..wh..opq; echo 2 >dir/y'
    make image.tar --name box:1 one two
    bocal load -q image.tar
    make flat.tar --name flat:1 one
    bocal load -q flat.tar
    point=$(bocal image mount box:1)
    [ "$(cat "$point"/a "$point"/b; ls "$point/dir")" = "1
2
y" ]
    [ ! -e "$point/gone" ]
    ! touch "$point/new" 2>/dev/null || false
    [ "$(bocal image mount box:1)" = "$point" ]
    grep " $point " /proc/self/mountinfo | grep -q 'ro,nosuid,nodev'
    [ "$(stat -c %a "${point%/*}")" = 700 ]
    flat=$(bocal image mount flat:1)
    [ -e "$flat/gone" ]
    [ "$(bocal image mount | sort)" = "box:1  $point
flat:1  $flat" ]
    run bocal rmi box:1
    [ "$status" = 125 ]
    contains "image box:1 is mounted at $point (bocal image unmount box:1)"
    bocal tag box:1 other:1
    bocal rmi box:1
    run bocal rmi other:1
    [ "$status" = 125 ]
    run bocal rmi --all
    [ "$status" = 125 ]
    contains "is mounted at"
    bocal prune --all --force
    [ "$(bocal images -q | wc -l)" = 2 ]
    [ "$(df_of 'df["images"]["active"], df["layers"]["active"], df["bytes"]')" = "2 2 $(disk)" ]
    (cd "$point/dir" && exec sleep 30) 3>&- &
    pid=$!
    for _ in $(seq 100); do [ "$(readlink /proc/$pid/cwd)" = "$point/dir" ] && break || sleep 0.05; done
    run bocal image unmount other:1
    [ "$status" = 125 ]
    contains "somebody works in $point (--force takes it from him)"
    kill $pid
    wait $pid || true
    [ "$(bocal image unmount other:1)" = "$point" ]
    [ ! -e "$point" ]
    bocal rmi other:1
    bocal rmi flat:1 --force # its layers stay
    [ -e "$flat/gone" ]
    [ "$(ls data/layers | wc -l)" = 1 ]
    bocal image unmount "$flat"
    [ ! -e /run/bocal/.mounts ]
    [ -z "$(ls data/mounts)" ]
    bocal prune
    [ -z "$(ls data/layers)" ]
    run bocal image unmount box:1
    [ "$status" = 125 ]
    contains "image box:1 is not mounted: none is"
}

@test "image mount: what a killed one or the last boot left goes with the next look; other namespaces count" {
    store
    require root
    loaded box:1
    point=$(bocal image mount box:1)
    umount "$point" # as if it had been killed before it mounted
    [ -z "$(bocal image mount)" ]
    [ ! -e "$point" ] && [ -z "$(ls data/mounts)" ]
    bocal image mount box:1
    sed -i 's/"boot": "[^"]*"/"boot": "another"/' data/mounts/*
    [ -z "$(bocal image mount)" ]
    umount "$point"
    : >"data/mounts/${point##*/}" # killed while it wrote
    bocal prune -af
    [ -z "$(bocal images -q)" ] && [ -z "$(ls data/mounts)" ]
    bocal load -q image.tar
    mkfifo go
    unshare -m sh -c '"$1" image mount box:1; read -r _ <go' sh "$BOCAL" >out 3>&- &
    pid=$!
    for _ in $(seq 200); do [ -s out ] && break || sleep 0.05; done
    run bocal rmi box:1
    [ "$status" = 125 ]
    run bocal image unmount box:1
    [ "$status" = 125 ]
    contains "in another mount namespace (unmount it there, or --force)"
    run bocal image mount box:1
    [ "$status" = 125 ]
    echo on >go
    wait $pid
    bocal image unmount --force box:1
    bocal rmi box:1
    [ -z "$(ls data/layers)" ]
}

@test "image mount: 100 layers; images without layers and ordinary users are refused" {
    store
    loaded box:1
    if ! is_root; then
        run bocal image mount box:1
        [ "$status" = 125 ]
        contains "only root mounts images for all to see (bocal run box:1 COMMAND looks into it)"
        return
    fi
    layers=()
    for i in $(seq 100); do
        tree layer$i "echo $i >file$i; echo $i >same"
        layers+=(layer$i)
    done
    make many.tar --name many:1 "${layers[@]}"
    bocal load -q many.tar
    point=$(bocal image mount many:1)
    [ "$(cat "$point/same")" = 100 ]
    [ "$(ls "$point" | wc -l)" = 101 ]
    bocal image unmount --all
    run bocal image mount nobody
    [ "$status" = 125 ]
    run bocal image verify --all
    [ "$status" = 125 ]
    contains "verify has no such option"
}

@test "image verify: a layer whose files were changed is found, whatever was changed" {
    store
    busybox_tree one 'mkdir dir; echo hello >dir/file; ln dir/file dir/link; ln -s target dir/soft; truncate -s 5M dir/sparse; printf x | dd of=dir/sparse bs=1 seek=4000000 conv=notrunc 2>/dev/null'
    tree two 'mkdir -p dir; touch dir/.wh.file; echo 2 >two; ln two three'
    make image.tar --name box:1 one two
    bocal load -q image.tar
    run bocal image verify
    [ "$status:$output" = "0:1 images, 4 blobs and 2 layers are sound" ]
    bocal run box:1 /bin/ls / >/dev/null || true
    bocal image verify
    mv data sound
    layer=$(basename "$(dirname "$(dirname "$(dirname "$(find sound/layers -path '*/fs/dir/sparse')")")")")
    while read -r change; do
        cp -a sound data
        (cd "data/layers/$layer/fs" && eval "$change")
        run bocal image verify
        [ "$status" = 125 ] && [[ ${lines[0]} = "layer ${layer:0:12}: its files are not as they were unpacked "* ]] || { echo "$change: $output"; false; }
        [ "${#lines[@]}" = 2 ]
        rm -rf data
    done <<'END'
echo hallo >dir/file
printf y | dd of=dir/sparse bs=1 seek=4000000 conv=notrunc 2>/dev/null; touch -d @0 dir/sparse
t=$(stat -c @%.9Y dir/sparse); printf y | dd of=dir/sparse bs=1 seek=1000000 conv=notrunc 2>/dev/null; touch -d $t dir/sparse
t=$(stat -c @%.9Y bin/busybox); printf y | dd of=bin/busybox bs=1 seek=9000 conv=notrunc 2>/dev/null; touch -d $t bin/busybox
t=$(stat -c @%.9Y dir); rm dir/soft; touch -d $t dir
chmod 600 dir/file
chmod 700 dir
t=$(stat -c @%.9Y etc); touch etc/new; touch -d $t etc
t=$(stat -c @%.9Y dir); s=$(stat -c @%.9Y dir/soft); ln -sfn others dir/soft; touch -hd $s dir/soft; touch -d $t dir
touch etc
t=$(stat -c @%.9Y dir); cp -p dir/link dir/copy; mv -f dir/copy dir/link; touch -d $t dir
python3 -c 'import os; os.setxattr("dir/file", "user.changed", b"1")'
END
    cp -a sound data
    rm -r "data/layers/$layer/fs"
    run bocal image verify
    contains "layer ${layer:0:12}: its files are missing"
    rm -rf data
    cp -a sound data
    sed -i 's/"digest": "sha256:[^"]*"/"digest": ""/' "data/layers/$layer/layer.json"
    run bocal image verify
    contains "layer.json has no digest of its files"
    rm -rf data
    cp -a sound data
    mv "data/layers/$layer" "data/layers/$(printf '%064d' 0)"
    run bocal image verify
    contains "its name is not that of what layer.json says it was made from"
    rm -rf data
    mv sound data
    bocal image verify
}

@test "mount, unmount, import and prune, killed at any moment, leave nothing that the next look and a prune do not remove" {
    store
    loaded box:1
    tar -C one -cf root.tar .
    words=("import -q root.tar new:1" "prune --all --force" "load -q image.tar")
    ! is_root || words+=("image mount box:1" "image unmount --all" "image mount box:1")
    for round in $(seq 20); do
        "$BOCAL" ${words[round % ${#words[@]}]} >/dev/null 2>&1 3>&- &
        pid=$!
        sleep "0.0$((RANDOM % 6))"
        kill -KILL $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
    done
    bocal load -q image.tar
    run bocal image verify
    [ "$status" = 0 ] || { echo "$output"; false; }
    bocal image unmount --all
    for _ in $(seq 50); do # bocal-archive may have a moment to live
        bocal prune --all --force
        [ -n "$(find data/layers data/images/blobs/sha256 data/ingest data/mounts -mindepth 1 2>/dev/null)" ] || break
        sleep 0.1
    done
    [ -z "$(find data/layers data/images/blobs/sha256 data/ingest data/mounts -mindepth 1 2>/dev/null)" ]
    ! is_root || [ ! -e "$(state_dir)/.mounts" ]
    [ "$(df_of 'df["bytes"], df["reclaimable"]')" = "$(disk) 0" ]
}
