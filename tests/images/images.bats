#!/usr/bin/env bats
# Images: loaded, listed, run, removed. Each test has a store of its own.
load ../cli/helpers
load images

@test "load, images, run, rmi: docker-archive and OCI, packed or not, from a file or a pipe" {
    store
    busybox_tree one 'echo hello >greeting'
    for how in "" "--gzip" "--oci" "--oci --gzip"; do
        make image.tar $how --name box:1 --config '{"Cmd": ["cat", "/greeting"]}' one
        run bocal load -q image.tar
        [ "$status:$output" = "0:box:1" ] || { echo "$how: $output"; false; }
        run bocal run box:1
        [ "$status:$output" = "0:hello" ] || { echo "$how: $output"; false; }
        run bocal images
        [ "${#lines[@]}" = 2 ]
        [[ ${lines[1]} = "box:1 "*" 2026-11-27T12:00:00 "* ]]
        run bocal rmi box:1
        [ "$status" = 0 ]
        [ "$(find data/images/blobs data/layers data/ingest -mindepth 1 -maxdepth 2 ! -name sha256)" = "" ]
        make - $how --name box:1 --config '{"Cmd": ["cat", "/greeting"]}' one | bocal load -q
        run bocal run box:1 /bin/cat /greeting
        [ "$status:$output" = "0:hello" ]
        bocal rmi box:1
    done
}

@test "an image says what is run: entrypoint, command, environment, directory, user" {
    store
    busybox_tree one
    make image.tar --name box --config '{"Entrypoint": ["sh", "-c"], "Cmd": ["env; pwd; id -u; id -g"], "Env": ["FOO=bar", "PATH=/bin"],
        "WorkingDir": "/made/there", "User": "app"}' one
    bocal load -q image.tar
    has_ranges || skip "needs a range in /etc/subuid"
    run bocal run box
    [ "$status" = 0 ]
    contains "FOO=bar"
    contains "PATH=/bin"
    contains "/made/there"
    [ "${lines[-2]}:${lines[-1]}" = "7:8" ]
    run bocal run -e FOO=other -w / --user 0 box 'echo $FOO; pwd; id -u'
    [ "$(echo $output)" = "other / 0" ]
    run bocal run --entrypoint /bin/pwd box
    [ "$status:$output" = "0:/made/there" ]
}

@test "layers: what is above hides, whiteouts and opaque directories take away" {
    store
    busybox_tree one 'mkdir -p dir/sub keep; echo 1 >dir/a; echo 1 >dir/sub/b; echo 1 >keep/x; echo 1 >gone; echo 1 >over'
    tree two 'mkdir -p dir keep; echo 2 >over; touch .wh.gone dir/.wh..wh..opq; echo 2 >dir/new; touch keep/.wh.x'
    make image.tar --name box one two
    bocal load -q image.tar
    run bocal run box sh -c 'cat /over; ls /dir; ls /keep; ls /gone 2>/dev/null; ls -d /dir'
    [ "$(echo $output)" = "2 new /dir" ]
}

# What / of the image NAME is like, in a container of its own.
root_of() {
    bocal run "$@" stat -c "%a %u:%g %Y" /
}

memory_upper_or() { # IMAGE WANTED: with the upper directory in memory, where the kernel can
    [ "$(printf '%s\n' 6.15 "$(uname -r)" | sort -V | head -1)" != 6.15 ] || [ "$(root_of --upper memory "$1")" = "$2" ]
}

@test "the root directory is like the topmost layer's that has an entry for it" {
    store
    busybox_tree one 'mkdir -p dev proc sys etc; touch etc/hosts etc/hostname etc/resolv.conf'
    tree two 'echo 2 >two'
    chmod 1751 one
    chmod 700 two
    touch -d @1000000000 one
    make bare.tar --name bare --bare 2 one two
    make both.tar --name both one two
    make none.tar --name none --bare 1 --bare 2 one two
    for image in bare both none; do bocal load -q $image.tar; done
    [ "$(root_of bare)" = "1751 0:0 1000000000" ]
    memory_upper_or bare "1751 0:0 1000000000"
    [[ $(root_of both) = "700 0:0 "* ]]
    [[ $(root_of none) = "755 0:0 "* ]]
    run bocal run --dry-run bare true
    contains ", / like $work/data/layers/"
    rm data/layers/*/model # as earlier versions have left it, and who was killed
    [ "$(root_of bare)" = "1751 0:0 1000000000" ]
    [ "$(ls -d data/layers/*/model | wc -l)" = 1 ]
    require ranges
    make owned.tar --name owned --owner .=7:8 --bare 2 one two
    bocal load -q owned.tar
    [ "$(root_of owned)" = "1751 7:8 1000000000" ]
    memory_upper_or owned "1751 7:8 1000000000"
}

@test "the root directory of --rootfs DIR:O is like DIR" {
    busybox_tree dir 'mkdir -p dev proc sys etc; touch etc/hosts etc/hostname etc/resolv.conf'
    chmod 751 dir
    touch -d @1000000000 dir
    [ "$(root_of --rootfs "$work/dir:O")" = "751 0:0 1000000000" ]
    [ "$(stat -c "%a %Y" dir)" = "751 1000000000" ]
}

@test "a layer whose root is opaque hides all below it" {
    store
    busybox_tree one 'echo 1 >gone; mkdir -p dir; echo 1 >dir/gone'
    busybox_tree two 'touch .wh..wh..opq; mkdir -p dir; echo 2 >dir/new'
    tree three 'echo 3 >three'
    make image.tar --name box one two three
    bocal load -q image.tar
    run bocal run box sh -c 'ls / /dir | grep -E "gone|new|three"'
    [ "$(echo $output)" = "three new" ]
    if is_root; then
        run bocal image mount box
        [ "$(ls "$output" "$output/dir" | grep -E "gone|new|three" | tr '\n' ' ')" = "three new " ]
        bocal image unmount box
    fi
}

@test "owners are the image's, and a second image shares its layers" {
    store
    require ranges
    busybox_tree one 'echo x >mine'
    tree two 'echo 2 >two'
    make one.tar --name one --owner mine=33:34 one
    make two.tar --name two --owner mine=33:34 one two
    bocal load -q one.tar
    bocal load -q two.tar
    run bocal run two stat -c %u:%g /mine
    [ "$status:$output" = "0:33:34" ]
    [ "$(ls data/layers | wc -l)" = 2 ]
    bocal rmi two
    [ "$(ls data/layers | wc -l)" = 1 ]
    run bocal run one stat -c %u:%g /mine
    [ "$output" = "33:34" ]
}

@test "names: tag, digests, hosts; what several mean is nobody's" {
    store
    busybox_tree one
    make image.tar --name host.example/lib/box:2 one
    bocal load -q image.tar
    digest=$(bocal images --no-trunc -q)
    for name in host.example/lib/box:2 lib/box:2 "$digest" "${digest:7:12}"; do
        run bocal run "$name" /bin/cat /etc/group
        [ "$status" = 0 ] || { echo "$name: $output"; false; }
    done
    bocal tag lib/box:2 mine
    run bocal run mine /bin/pwd
    [ "$output" = / ]
    bocal rmi host.example/lib/box:2
    run bocal run mine /bin/pwd
    [ "$output" = / ]
    run bocal run lib/box:2
    [ "$status" = 125 ]
    contains "image lib/box:2 is not here"
    run bocal tag mine UPPER
    [ "$status" = 125 ]
    [ "${#lines[@]}" = 1 ]
}

@test "a running container keeps its layers, whatever is removed meanwhile" {
    store
    busybox_tree one
    make image.tar --name box one
    bocal load -q image.tar
    mkfifo go
    bocal run -i -v "$work/go:/go" box sh -c 'cat /go; cat /etc/passwd' >out &
    pid=$!
    for _ in $(seq 100); do pgrep -f "cat /go" >/dev/null && break; sleep 0.1; done
    bocal rmi box
    [ "$(ls data/layers | wc -l)" = 1 ]
    echo on >go
    wait $pid
    grep -q app out
    busybox_tree other 'echo 2 >x'
    make other.tar --name other other
    bocal load -q other.tar
    bocal rmi other
    [ "$(ls data/layers | wc -l)" = 0 ]
}

@test "what is no archive, or lies, is refused in one line and leaves the store as it was" {
    store
    echo "no archive" >text
    run bocal load text
    [ "$status" = 125 ]
    [ "${#lines[@]}" = 1 ]
    run bocal load missing
    contains "open missing: No such file or directory"
    busybox_tree one
    make image.tar --name box one
    head -c 3000 image.tar >short.tar
    run bocal load short.tar
    [ "$status" = 125 ]
    [ "${#lines[@]}" = 1 ]
    [ "$(find data/images/blobs data/layers data/ingest -mindepth 1 -maxdepth 2 ! -name sha256)" = "" ]
    run bocal images
    [ "${#lines[@]}" = 1 ]
    run bocal run box
    [ "$status" = 125 ]
    contains "image box is not here: no registry is configured for names without a host (write HOST/box:latest, "
    run bocal run --pull never box
    [ "$status" = 125 ]
    contains "image box is not here (bocal pull, or bocal load; bocal images lists what is)"
}

nothing_there() { [ -z "$(find data/images/blobs data/layers data/ingest -mindepth 1 -maxdepth 2 ! -name sha256)" ]; }

@test "a layer that is not what the image says: refused, and nothing of it is left" {
    store
    busybox_tree one
    make image.tar --oci --gzip --lie --name box one
    run bocal load image.tar
    [ "$status" = 125 ]
    contains "unpack layer sha256:"
    nothing_there
    [ "$(bocal images | wc -l)" = 1 ]
}

@test "who is killed while he loads leaves nothing that the next one does not remove" {
    store
    busybox_tree one
    make image.tar --name box one
    mkfifo pipe
    "$BOCAL" load <pipe >/dev/null 2>&1 3>&- &
    pid=$!
    exec 9>pipe
    head -c 20000 image.tar >&9
    for _ in $(seq 100); do [ -n "$(find data/ingest -type f 2>/dev/null)" ] && break; sleep 0.05; done
    [ -n "$(find data/ingest -type f)" ]
    kill -KILL $pid
    wait $pid || true
    for _ in $(seq 100); do
        bocal load -q image.tar
        [ -n "$(ls data/ingest)" ] || break # its bocal-archive may have a moment to live
        sleep 0.05
    done
    exec 9>&-
    [ -z "$(ls data/ingest)" ]
    run bocal images -q
    [ "${#lines[@]}" = 1 ]
}

@test "what is unpacked is closed to everybody else on the host" {
    store
    busybox_tree one 'chmod 4755 bin/busybox'
    make image.tar --name box one
    bocal load -q image.tar
    [ "$(stat -c %a data/layers data/ingest data/images data/layers/* | sort -u)" = 700 ]
    ! has_ranges || [ "$(stat -c %a data/layers/*/fs/bin/busybox)" = 4755 ]
}

@test "what a container has written as other users is removed with it" {
    store
    require ranges
    busybox_tree one
    for n in chown chmod mkdir; do ln -s busybox one/bin/$n; done
    make image.tar --name box one
    bocal load -q image.tar
    run bocal run box sh -c 'mkdir -p /d/e && echo x >/d/e/f && chmod 700 /d /d/e && chown -R 7:8 /d && ls -d /d/e/f'
    [ "$status:$output" = 0:/d/e/f ]
    [ -z "$(ls data/containers)" ]
    run python3 -c 'import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])' "$BOCAL" run box sh -c 'mkdir -p /d/e && chmod 700 /d /d/e && chown -R 7:8 /d'
    [ "$status:$output" = 0: ]
    [ -z "$(ls data/containers)" ]
}

@test "layers that mean harm together: what one has as a link the next one's entries are not led by" {
    store
    mkdir -p outside/sub
    echo secret >outside/secret
    chmod 755 outside outside/sub
    before=$(python3 "$BATS_TEST_DIRNAME/../archive/tree.py" outside)
    busybox_tree one "ln -s $work/outside below; ln -s $work/outside hides; ln -s ../../outside opaque; ln -s / top; ln -s $work/outside/secret file
        mkdir gone turned; echo 1 >gone/x; echo 1 >turned/x"
    tree two 'mkdir -p below/sub hides opaque top/etc; echo 2 >below/secret; echo 2 >below/sub/new; touch hides/.wh.secret hides/.wh.sub
        echo 2 >opaque/new; touch opaque/.wh..wh..opq; echo 2 >top/etc/passwd; echo 2 >file
        touch .wh.gone; mkdir gone; echo 2 >gone/y; ln -s below turned'
    tree three 'mkdir -p turned/sub; echo 3 >turned/sub/new; touch .wh.below turned/.wh.x gone/.wh.y 2>/dev/null || { mkdir gone; touch .wh.below gone/.wh.y; }'
    make image.tar --name box:1 one two three
    bocal load -q image.tar
    run bocal run box:1 sh -c 'for d in below hides opaque top/etc gone turned turned/sub; do echo $d: $(ls -A /$d 2>/dev/null); done; cat /file; [ -L /turned ] || echo directory'
    [ "$status" = 0 ]
    [ "$(echo $output)" = "below: hides: opaque: new top/etc: passwd gone: turned: sub turned/sub: new 2 directory" ]
    run bocal run box:1 sh -c 'cat /etc/passwd'
    contains "root:x:0:0"
    [ "$(python3 "$BATS_TEST_DIRNAME/../archive/tree.py" outside)" = "$before" ]
}

@test "a root directory that is another's, who alone may enter it, is so in the container, too" {
    store
    require ranges
    busybox_tree one
    chmod 0700 one
    make image.tar --name box --owner .=5:6 one
    bocal load -q image.tar
    for where in disk auto copy; do
        run bocal run --upper $where box stat -c %a:%u:%g /
        [ "$status:$output" = 0:700:5:6 ] || { echo "$where: $output"; false; }
    done
    bocal image verify
}
