#!/usr/bin/env bats
# `bocal run IMAGE`: where the image comes from, which it is, and what is said of it.
load ../cli/helpers
load images

arch=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
other=$([ "$arch" = s390x ] && echo riscv64 || echo s390x)

layout() { "$BATS_TEST_DIRNAME/layout" make "$@"; }

# registry DIR: what serves it, at $registry until the test ends.
registry() {
    "$BATS_TEST_DIRNAME/layout" serve "$1" "$work/port" 3>&- &
    echo $! >"$work/registry.pid"
    for _ in $(seq 100); do [ -s port ] && break; sleep 0.05; done
    registry=127.0.0.1:$(cat port)
    export XDG_CONFIG_HOME=$work/config
    mkdir -p config/bocal
    echo "{\"insecureRegistries\": [\"$registry\"]}" >config/bocal/config.json
}

eval "images_$(declare -f teardown)"
teardown() {
    [ ! -f "$work/registry.pid" ] || kill "$(cat "$work/registry.pid")" || true
    images_teardown
}

# box_served: one image, box:1 of $registry.
box_served() {
    store
    busybox_tree one
    make image.tar --oci one
    layout layout 1=image.tar
    registry layout
}

has_line() { grep -qxF "$1" <<<"$output"; }

# explained ARGUMENT...: what `bocal run --explain=json ARGUMENT...` says of the image, into the file explained.
explained() {
    "$BOCAL" run --explain=json "$@" 2>err >out
    grep '^{"image"' err >explained
}

# of EXPRESSION: of the image i in the file explained.
of() { python3 -c "import json; i = json.load(open('explained'))['image']; print(*($1,))"; }

@test "run IMAGE: the index of the store is read once" {
    store
    command -v strace >/dev/null || skip "needs strace"
    busybox_tree one
    make image.tar --name box one
    bocal load -q image.tar
    ASAN_OPTIONS=detect_leaks=0 strace -o trace -e trace=openat,openat2 "$BOCAL" run box true
    [ "$(grep -c 'index.json' trace)" = 1 ]
}

@test "run IMAGE: what else was asked for is looked at before anything is pulled" {
    box_served
    for option in --memory=1x --user=a:b:c --volume=/x "--security-opt=seccomp=$work/none" --stop-signal=NONE --platform=a/b/c/d; do
        run bocal run "$option" "$registry/box:1" true
        [ "$status" = 125 ] || { echo "$option: $output"; false; }
        [ "${#lines[@]}" = 1 ]
        contains "${option%%=*}"
    done
    [ ! -e port.log ]
    [ ! -e data/images ]
    run bocal run "$registry/box:1" true
    [ "$status" = 0 ]
    [ -s port.log ]
}

@test "--pull: missing asks once, always each time, never not at all" {
    box_served
    run bocal run --pull never "$registry/box:1" true
    [ "$status" = 125 ]
    contains "is not here"
    [ ! -e port.log ]
    bocal run "$registry/box:1" true
    asked=$(wc -l <port.log)
    bocal run "$registry/box:1" true
    [ "$(wc -l <port.log)" = "$asked" ]
    bocal run --pull always "$registry/box:1" true
    [ "$(wc -l <port.log)" -gt "$asked" ]
    run bocal run --dry-run --pull always "$registry/nowhere:1" true # nothing is done
    [ "$status" = 125 ]
}

@test "--explain and --dry-run say which image it is, and what came for it" {
    store
    busybox_tree one
    tree two 'echo 2 >two'
    make image.tar --oci --gzip --config '{"Cmd": ["cat", "/two"]}' one two
    layout layout 1=image.tar
    registry layout
    explained "$registry/box:1"
    [ "$(cat out)" = 2 ]
    [ "$(of 'i["reference"] == i["name"], i["from"], i["platform"], [(l["fetched"], l["unpacked"]) for l in i["layers"]]')" = \
        "True registry linux/$arch [(True, True), (True, True)]" ]
    [ "$(of 'i["digest"]')" = "$(bocal images -q --no-trunc)" ]
    explained "box:1"
    [ "$(of 'i["reference"], i["name"], i["from"], [(l["fetched"], l["unpacked"]) for l in i["layers"]]')" = \
        "box:1 $registry/box:1 store [(False, False), (False, False)]" ]
    find data/layers -mindepth 1 -maxdepth 1 -exec rm -rf {} + 2>/dev/null || skip "the layers' owner is not the caller" # as if another tool had cleaned up
    run bocal run --explain box:1
    [ "$status" = 0 ]
    contains "image: box:1 is $registry/box:1 for linux/$arch, from the store"
    [ "$(grep -c '^layer: sha256:[0-9a-f]\{64\}, [0-9]* bytes, was here, unpacked now$' <<<"$output")" = 2 ]
    run bocal run --dry-run box:1
    [ "$status" = 0 ]
    [ "$(grep -c '^layer: .*, was here$' <<<"$output")" = 2 ]
    run bocal run --dry-run=json box:1
    [ "$status" = 0 ]
    python3 -c 'import json, sys
lines = [json.loads(line) for line in sys.stdin]
assert lines[0]["image"]["reference"] == "box:1" and lines[1]["step"] == 1, lines[:2]' <<<"$output"
}

@test "--platform: of an index in the store, or pulled; another machine's is refused, with the remedy" {
    store
    busybox_tree one 'echo here >machine'
    busybox_tree two 'echo other >machine'
    make here.tar --oci one
    make other.tar --oci --platform "linux/$other" two
    layout layout 1=here.tar,other.tar 2=other.tar
    registry layout
    run bocal run "$registry/box:1" cat /machine
    has_line here
    run bocal run --pull never "$registry/box:1" cat /machine
    [ "$status:$output" = 0:here ]
    run bocal run --platform "linux/$arch" "$registry/box:1" cat /machine
    [ "$status:$output" = 0:here ]
    run bocal run --pull never --platform "linux/$other" "$registry/box:1" cat /machine
    [ "$status" = 125 ]
    [ "${#lines[@]}" = 1 ]
    bocal pull -q --platform "linux/$other" "$registry/box:2"
    run bocal run "$registry/box:2" cat /machine
    [ "$status" = 125 ]
    [ "$output" = "bocal run: image $registry/box:2 is for linux/$other, and this machine is linux/$arch (bocal pull --platform linux/$arch gets this machine's, where there is one; --platform linux/$other runs it all the same)" ]
    run bocal run --platform windows/amd64 --pull never "$registry/box:2"
    [ "$status" = 125 ]
    contains "is here for linux/$other, and not for windows/amd64"
    run bocal run --platform "linux/$arch" /bin/true
    [ "$status" = 125 ]
    contains "only an IMAGE has a choice of platforms"
}

# emulating FLAGS COMMAND: runs it as root of a user namespace that has a binfmt_misc of its own (Linux 6.7), where s390x's programs
# are "run" by busybox as cat, which shows them.
emulating() {
    local status=0 pid zeros='\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00' ones='\xff\xff\xff\xff\xff\xff\xff'
    cp "$(command -v busybox)" cat
    mkfifo go
    cat >emulate <<EOF
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit 99
echo ':bocal-test:M::\x7fELF\x02\x02\x01$zeros\x02\x00\x16:$ones\x00$ones\xff\xff\xfe\xff\xff:$work/cat:$1' >/proc/sys/fs/binfmt_misc/register || exit 99
$2
EOF
    unshare -U -m bash -c "read -r _ <$work/go; exec setpriv --reuid 0 --regid 0 --clear-groups bash $work/emulate" 3>&- &
    pid=$!
    for _ in $(seq 100); do [ "$(readlink /proc/$pid/ns/user)" != "$(readlink /proc/self/ns/user)" ] && break; sleep 0.05; done
    echo "0 0 65536" >"/proc/$pid/uid_map"
    echo "0 0 65536" >"/proc/$pid/gid_map"
    echo >go
    wait $pid || status=$?
    rm go
    [ "$status" != 99 ] || skip "needs a binfmt_misc of its own: Linux 6.7"
    return $status
}

@test "--platform of another machine: run by its handler of binfmt_misc, and refused without one" {
    store
    require root
    [ "$other" = s390x ] || skip "the handler is for s390x"
    busybox_tree one 'printf "\177ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\3\0\26 not this machine\n" >bin/hello; chmod 755 bin/hello'
    make image.tar --name box --platform "linux/$other" one
    bocal load -q image.tar
    run bocal run --platform "linux/$other" box hello
    [ "$status" = 125 ]
    [ "$output" = "bocal run: image box is for linux/s390x, and this machine is linux/$arch: binfmt_misc has no handler for that (apt-get install qemu-user-static, which registers one)" ]
    command -v setpriv >/dev/null || skip "needs setpriv"
    export BOCAL_DATA="$work/there"
    emulating F "$BOCAL load -q $work/image.tar && $BOCAL run --platform linux/$other box hello; rm -rf $work/there" >out 2>&1
    grep -aq "not this machine" out
    emulating '' "$BOCAL load -q $work/image.tar; $BOCAL run --platform linux/$other box hello; rm -rf $work/there" >out 2>&1 || true
    grep -aq "binfmt_misc looks for $work/cat, which runs s390x, in the container: its handler bocal-test has no flag F" out
    run grep -a "not this machine" out
    [ "$status" = 1 ]
}

@test "run takes an archive, a layout or standard input: oci-archive:, docker-archive:, oci:, -; and dir:, a root" {
    store
    busybox_tree one 'echo one >which'
    busybox_tree two 'echo two >which'
    make one.oci --oci --name V1 one
    make two.oci --oci --name latest two
    make one.docker --gzip --name host.example/lib/box:1 one
    layout both V1=one.oci latest=two.oci ""=one.oci
    tar -cf both.tar -C both .
    for from in oci-archive:one.oci oci-archive:one.oci:V1 docker-archive:one.docker docker-archive:one.docker:lib/box:1 \
        oci:both:V1 oci-archive:both.tar:V1; do
        run bocal run "$from" cat /which
        [ "$status" = 0 ] || { echo "$from: $output"; false; }
        has_line one || { echo "$from: $output"; false; }
        bocal rmi --all >/dev/null
    done
    run bocal run oci:both:latest cat /which
    has_line two
    run bocal run latest cat /which # loaded under that name, as others do
    [ "$output" = two ]
    bocal run - cat /which <one.docker >out 2>/dev/null
    [ "$(cat out)" = one ]
    run bocal run --pull never host.example/lib/box:1 cat /which
    [ "$output" = one ]
    explained oci-archive:one.oci cat /which
    [ "$(of 'i["from"], i["reference"]')" = "archive oci-archive:one.oci" ]
    ! has_ranges || chmod -R a+rX one
    run bocal run "dir:$work/one:O" cat /which
    [ "$status:$output" = 0:one ]
}

@test "what is wrong with an archive that is to be run is one line, and leaves the store as it was" {
    store
    busybox_tree one
    busybox_tree two 'echo 2 >two'
    make one.oci --oci --name V1 one
    make two.oci --oci --name 2 two
    layout both V1=one.oci 2=two.oci
    tar -cf both.tar -C both .
    make docker --name box:1 --name box:2 one
    cp -r both damaged
    for blob in damaged/blobs/sha256/*; do [ "$(stat -c %s "$blob")" -lt 100000 ] || printf x | dd of="$blob" bs=1 seek=3000 conv=notrunc 2>/dev/null; done
    refuses() { # TEXT REFERENCE OPTION...
        run bocal run "${@:3}" "$2" true </dev/null
        [ "$status:${#lines[@]}" = 125:1 ] || { echo "$2: $status: $output"; return 1; }
        contains "$1"
    }
    refuses "several images: V1, 2" oci:both
    refuses "the archive has 2 images: V1, 2:latest" oci-archive:both.tar
    refuses "has no image nothing; it has V1, 2" oci:both:nothing
    refuses "the archive has no image nothing; it has V1, 2" oci-archive:both.tar:nothing
    refuses "the archive has no image other:1; it has box:1, box:2" docker-archive:docker:other:1
    refuses "open missing: No such file or directory" oci:missing
    refuses "open missing: No such file or directory" oci-archive:missing
    refuses "one is no image layout" oci:one
    refuses "damaged: " oci:damaged:V1
    refuses "--memory" oci:both:V1 --memory=1x
    refuses "leave out --interactive" - -i
    refuses "would have to be loaded" oci:both:V1 --dry-run
    [ -z "$(find data/images/blobs data/layers data/ingest -mindepth 1 -maxdepth 2 ! -name sha256 2>/dev/null)" ]
}

@test "load takes the same; an archive is never refused for its names" {
    store
    busybox_tree one
    busybox_tree two 'echo 2 >two'
    make one.oci --oci --name V1 --name 'a b' one
    make two.oci --oci --name 1.0 two
    layout both V1=one.oci 1.0=two.oci
    run bocal load -q one.oci
    [ "$status" = 0 ]
    digest=$(bocal images -q --no-trunc)
    contains "the archive calls ${digest:0:19} \"V1\", which is no name of an image (bocal tag ${digest:7:12} NAME:TAG)"
    contains "\"a b\""
    [ "${lines[-1]}" = "$digest" ] || contains "$digest"
    bocal run "$digest" true
    bocal rmi "$digest"
    run bocal load -q oci:both:1.0
    [ "$status:$output" = 0:1.0:latest ]
    run bocal load -q oci:both
    [ "$status" = 0 ]
    [ "$(bocal images -q | sort -u | wc -l)" = 2 ]
    run bocal load oci-archive:one.oci:V2
    [ "$status" = 125 ]
    contains "has no image V2"
    bocal image verify
}

@test "an image by some digits of its digest, with or without sha256:; several are refused by name" {
    store
    busybox_tree one
    make image.tar --name box one
    bocal load -q image.tar
    digest=$(bocal images -q --no-trunc)
    for word in "$digest" "${digest:0:20}" "${digest:0:13}" "${digest:7:12}" "$(bocal images -q)"; do
        run bocal run --pull never "$word" true
        [ "$status" = 0 ] || { echo "$word: $output"; false; }
    done
    run bocal run --pull never sha256:123 true
    [ "$status" = 125 ]
    run bocal run --pull never "sha256:ffffff${digest:7:6}" true
    [ "$status" = 125 ]
    contains "is not here"
    python3 - "$digest" <<'P'
import json, sys
index = json.load(open("data/images/index.json"))
entry = json.loads(json.dumps(index["manifests"][0]))
last = entry["digest"][-1]
entry["digest"] = entry["digest"][:-1] + ("0" if last != "0" else "1")
entry["annotations"]["org.opencontainers.image.ref.name"] = "twin:2"
index["manifests"].append(entry)
json.dump(index, open("data/images/index.json", "w"))
P
    run bocal run --pull never "${digest:0:15}" true
    [ "$status" = 125 ]
    [ "$output" = "bocal run: image ${digest:0:15}: several are meant by it: box:latest ${digest:0:19}, twin:2 ${digest:0:19} (give more of one)" ]
    run bocal run --pull never box true
    [ "$status" = 0 ]
}

# box_with CONFIG [COMMAND]: the image box, of busybox and what COMMAND makes.
box_with() {
    store
    busybox_tree one "${2:-}"
    make image.tar --name box --config "$1" one
    bocal load -q image.tar >/dev/null
}

@test "the image's user: names and numbers, of its own files; one that is not there is refused" {
    require ranges
    box_with '{"User": "app:other"}' 'echo "other:x:99:" >>etc/group'
    run bocal run box sh -c 'echo $(id -u) $(id -g)'
    [ "$status:$output" = "0:7 99" ]
    run bocal run --user 0 box sh -c 'echo $(id -u) $(id -g)'
    [ "$output" = "0 0" ]
    for case in '7=7 8' 'app=7 8' '7:99=7 99' '1234:1235=1234 1235' '1234=1234 0' 'app:1235=7 1235' '=0 0'; do
        make image.tar --name box --config "{\"User\": \"${case%%=*}\"}" one
        bocal load -q image.tar
        run bocal run box sh -c 'echo $(id -u) $(id -g)'
        [ "$status:$output" = "0:${case#*=}" ] || { echo "$case: $output"; false; }
    done
    for user in nobody-here app:nobody-here 4294967295 -1 a:b:c :8; do
        make image.tar --name box --config "{\"User\": \"$user\"}" one
        bocal load -q image.tar
        run bocal run box true
        [ "$status:${#lines[@]}" = 125:1 ] || { echo "$user: $status $output"; false; }
        contains "${user##*:}"
        contains "the image's User"
        run bocal run --user 0 box true
        [ "$status" = 0 ]
    done
}

@test "the image's command: entrypoint and arguments, as lists or words; shell, labels and ports change nothing" {
    box_with '{"Entrypoint": "/bin/pwd", "Cmd": ["-L"], "WorkingDir": "not/there", "Shell": ["/bin/none", "-c"],
        "Labels": {"io.bocal.idmap": "x", "run.oci.hooks.stdout": "/tmp/never"}, "ExposedPorts": {"80/tcp": {}}}'
    run bocal run box
    [ "$status:$output" = "0:/not/there" ]
    run bocal run box -P
    [ "$status:$output" = "0:/not/there" ]
    run bocal run -w /etc --entrypoint /bin/sh box -c 'pwd; echo "$0"' zero
    [ "$(echo $output)" = "/etc zero" ]
    run bocal run --entrypoint '' box
    [ "$status" = 125 ]
    contains "says no command"
    run bocal run --entrypoint '' box /bin/pwd
    [ "$status:$output" = "0:/not/there" ]
    run bocal run --dry-run=oci box
    [ "$status" = 0 ]
    ! grep -q never <<<"$output" || false
    make image.tar --name box --config '{"Entrypoint": null, "Cmd": null, "Env": null, "Volumes": null, "WorkingDir": ""}' one
    bocal load -q image.tar
    run bocal run box
    [ "$status" = 125 ]
    contains "says no command"
    run bocal run box pwd
    [ "$output" = / ]
}

@test "the image's environment: what the user says wins, then files, then the image, then what is usual" {
    box_with '{"Env": ["A=image", "B=image", "C=image=more", "PATH=/bin:/else", "HOME=/of/image", "NONSENSE", "=x"], "User": "app"}'
    has_ranges || skip "needs a range in /etc/subuid"
    printf 'A=file\nB=file\n' >file
    run bocal run --env-file file -e A=said box sh -c 'echo "$A $B $C $PATH $HOME $container"'
    [ "$status:$output" = "0:said file image=more /bin:/else /of/image bocal" ]
}

@test "the image's working directory is made, and entered by its user; a file there is named" {
    box_with '{"WorkingDir": "/some/where/deep"}' 'mkdir -p link/to; ln -s /link/to shortcut; echo x >file'
    run bocal run box sh -c 'pwd; stat -c %u /some/where/deep; echo x >made; cat made'
    [ "$(echo $output)" = "/some/where/deep 0 x" ]
    run bocal run -w /shortcut/more box pwd
    [ "$status:$output" = "0:/link/to/more" ]
    run bocal run --read-only -w /new box pwd
    [ "$status:$output" = "0:/new" ]
    run bocal run -w /file/x box pwd
    [ "$status" != 0 ]
    [ "${#lines[@]}" = 1 ]
    contains "--workdir /file/x"
}

@test "the image's stop signal ends it; one that is none is refused" {
    box_with '{"StopSignal": "SIGUSR1", "Cmd": ["sh", "-c", "trap \"echo asked; exit 3\" USR1; while :; do sleep 0.1; done"]}'
    run bocal run --timeout 1 box
    contains asked
    make image.tar --name box --config '{"StopSignal": "SIGNONE"}' one
    bocal load -q image.tar
    run bocal run box true
    [ "$status:${#lines[@]}" = 125:1 ]
    contains "StopSignal SIGNONE"
}

@test "the image's volumes: what it has there, or made; written even with --read-only; gone at the end; a mount of the user's instead" {
    box_with '{"Volumes": {"/data": {}, "/new/place": {}, "/dev/inside": {}}}' 'mkdir data; echo image >data/file; chmod 1777 data'
    run bocal run --read-only box sh -c 'cat /data/file; echo more >>/data/file; cat /data/file; echo x >/new/place/x && ls /new/place; stat -c %a /data; echo x >/etc/x'
    [ "$status" != 0 ]
    contains "Read-only file system"
    [ "$(echo ${lines[@]:0:5})" = "image image more x 1777" ]
    run bocal run box sh -c 'cat /data/file; ls -d /new/place; ls /new/place'
    [ "$(echo $output)" = "image /new/place" ]
    mkdir mine
    echo mine >mine/file
    chmod -R a+rX mine
    run bocal run --read-only -v "$work/mine:/data:ro" box cat /data/file
    [ "$status:$output" = "0:mine" ]
    run bocal run --dry-run --read-only --tmpfs /new box true
    contains "/data can be written"
    case $output in *"/new/place can be"*) false ;; esac
    run bocal run --dry-run=oci --read-only box true
    contains tmpcopyup
    for volume in / relative /a/../../b; do
        make image.tar --name box --config "{\"Volumes\": {\"$volume\": {}}}" one
        bocal load -q image.tar
        run bocal run box true
        [ "$status:${#lines[@]}" = 125:1 ]
        contains "the image's volume $volume: "
    done
}

@test "the image's health check is not run, and that is said once" {
    box_with '{"Healthcheck": {"Test": ["CMD", "false"], "Interval": 1000000000}}'
    run bocal run --explain box true
    [ "$(grep -c 'note: the image.s health check is not run' <<<"$output")" = 1 ]
    run bocal run --explain --no-healthcheck box true
    case $output in *"health check"*) false ;; esac
    explained box true
    [ "$(of 'i["healthcheckRun"]')" = False ]
    make image.tar --name box --config '{"Healthcheck": {"Test": ["NONE"]}}' one
    bocal load -q image.tar
    run bocal run --explain box true
    case $output in *"health check"*) false ;; esac
}

many_layers() { # N: an image of as many layers, each of which has a file of its own and changes one of the first's
    busybox_tree layer0
    for i in $(seq 1 $(($1 - 1))); do tree "layer$i" "echo $i >file$i; echo $i >last"; done
    make many.tar --name many $(seq -f layer%g 0 $(($1 - 1)))
    bocal load -q many.tar
}

@test "an image of 120 layers" {
    store
    many_layers 120
    run bocal run many sh -c 'cat /last; cat /file1 /file60 /file119; ls / | wc -l'
    [ "$status" = 0 ]
    [ "$(echo $output)" = "119 1 60 119 $(echo $output | cut -d' ' -f5)" ]
}

@test "images on an overlay: what a container writes is in memory, and that is said" {
    require root
    [ "$(printf '%s\n' 6.15 "$(uname -r)" | sort -V | head -1)" = 6.15 ] || skip "needs Linux 6.15"
    mkdir lower upper work merged
    mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
    BOCAL_DATA=$work/merged/data
    export BOCAL_DATA
    busybox_tree one
    make image.tar --name box one
    bocal load -q image.tar
    run bocal run box sh -c 'echo x >/made; cat /made'
    umount -l merged
    [ "$status" = 0 ]
    [ "${lines[-1]}" = x ]
    contains "bocal: what the container writes is in memory: overlayfs cannot keep it on overlay (--upper memory says so)"
    contains "bocal: no user namespace: overlayfs takes no id-mapped layers that are another overlay's; root in the container is root of the host"
}
