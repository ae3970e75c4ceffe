#!/usr/bin/env bats
# A root that is a copy of the layers, where there is no overlay: it is what an overlay would show.
load ../cli/helpers
load images

# layered: an image of three layers that meet in every way, all.
layered() {
    store
    busybox_tree one 'mkdir -p dir/sub keep old swap/in proc sys dev; echo 1 >dir/a; echo 1 >dir/sub/b; echo 1 >keep/x; echo 1 >keep/y; echo 1 >gone; echo 1 >over
        echo h >h1; ln h1 h2; ln h1 keep/h3; ln -s /etc escape; ln -s ../../../../tmp up; echo 1 >swap/in/f; mkfifo pipe; : >empty
        truncate -s 5M sparse; echo end >>sparse; chmod 4755 over; chmod 1777 keep; mkdir -m 0700 closed; echo c >closed/c; echo f >file
        mkdir -p old/deep/er; echo 1 >old/deep/er/f'
    tree two 'mkdir -p dir keep escape up closed file; echo 2 >over; touch .wh.gone dir/.wh..wh..opq; echo 2 >dir/new; touch keep/.wh.x
        echo 2 >escape/passwd; echo 2 >up/f; echo 2 >closed/d; echo 2 >file/in; ln -s dir swap; mkdir -p old; touch old/.wh.deep'
    tree three 'mkdir -p dir/sub old/deep; echo 3 >dir/sub/c; echo 3 >old/deep/g; echo 3 >gone; touch -d @1600000000 dir/sub/c dir/sub'
    chmod 1777 three
    make all.tar --name all --owner closed=5:6 --owner over=7:8 --owner h1=9:9 --owner keep/h3=9:9 --owner h2=9:9 one two three
    bocal load -q all.tar
}

# shown WHERE: every entry of the image all, as a container sees it.
shown() {
    bocal run --upper "$1" --read-only all /bin/busybox sh -c '
        b=/bin/busybox; cd /
        $b find . -xdev ! -path "./proc*" ! -path "./sys*" ! -path "./dev*" | $b sort | while read -r f; do
            if [ -d "$f" ] && [ ! -L "$f" ]; then $b stat -c "%n %F %a %u:%g %Y" "$f"; else $b stat -c "%N %F %a %u:%g %Y %h %s" "$f"; fi
            [ ! -f "$f" ] || [ -L "$f" ] || $b md5sum "$f"
        done'
}

# Of what bocal puts into a container itself, and what has another time each time.
steady() { grep -vE "^\./(etc|run)?( |/(hosts|hostname|resolv.conf|mtab))|  \./etc/(hosts|hostname|resolv.conf)"; }

@test "copy: what whiteouts, opaque directories, links and owners come to is what an overlay shows" {
    layered
    shown disk | steady >overlay
    shown copy | steady >copy
    [ "$(wc -l <overlay)" -gt 40 ]
    diff overlay copy
    grep -q "h1.* 3 2$" copy
    grep -q "escape/passwd" copy
    ! grep -q "gone.* 1$" copy || false
    bocal image verify
    [ "$(ls data/containers 2>/dev/null)" = "" ]
}

@test "copy: it can be written, and is gone at the end with all that was" {
    layered
    run bocal run --upper copy all sh -c 'echo new >/made; echo 4 >>/over; cat /made /over; /bin/busybox rm -r /dir; ls -d /dir 2>/dev/null; stat -c %a /'
    [ "$status" = 0 ]
    [ "$(echo $output)" = "new 2 4 1777" ]
    [ "$(ls data/containers)" = "" ]
    run bocal run --upper copy all cat /over
    [ "$output" = 2 ]
}

@test "copy: --explain tells the step, and what nobody asked for is announced with its reason" {
    layered
    run bocal run --dry-run --upper copy all true
    [ "$status" = 0 ]
    [ "$(grep -c ' copy  *.* and 2 layers below it' <<<"$output")" = 1 ]
    [ "$(grep -c ' overlay ' <<<"$output")" = 0 ]
}

@test "copy: where the kernel has no overlayfs, it is a copy, and a line says why" {
    require root
    command -v strace >/dev/null || skip "needs strace"
    [ -d /sys/module ] || skip "needs /sys/module, to cover it"
    layered
    # shellcheck disable=SC2016
    run unshare -m --propagation private sh -c 'mount -t tmpfs tmpfs /sys/module
        ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null -e trace=fsopen -e inject=fsopen:error=ENODEV:when=1 "$0" run --userns host all cat /over /dir/new' "$BOCAL"
    [ "$status" = 0 ]
    [ "${lines[0]}" = "bocal: the image is copied, which takes time and room: this kernel has no overlayfs (--upper copy says so)" ]
    [ "$(echo "${lines[@]:1}")" = "2 2" ]
    [ "$(ls data/containers)" = "" ]
}

@test "copy: a disk that is full is one line, and nothing stays" {
    require root
    layered
    mkdir -p data/containers
    mount -t tmpfs -o size=300k,mode=0711 tmpfs data/containers
    run bocal run --upper copy all true
    left=$(ls data/containers)
    umount data/containers
    [ "$status" = 125 ]
    [ "${#lines[@]}" = 1 ]
    contains "No space left on device"
    [ "$left" = "" ]
}

@test "copy: killed at the step that copies, it leaves nothing that the next command does not remove" {
    layered
    bocal run --kill-at 1 all true >/dev/null 2>&1 || [ $? -gt 128 ] || skip "needs the build for faults"
    step=$(bocal run --dry-run --upper copy all true | awk '$3 == "copy" && / layers below it / { print $1; exit }')
    for kill in $((step - 1)) "$step" $((step + 1)); do
        run bocal run --kill-at "$kill" --upper copy all true
        [ "$(find data/containers -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
        bocal run --upper copy all true
        [ "$(ls data/containers)" = "" ]
    done
}

@test "copy: killed in the middle of it, nothing stays" {
    store
    busybox_tree one 'for d in $(seq 40); do mkdir d$d; for f in $(seq 200); do echo $d $f >d$d/f$f; done; done'
    make image.tar --name many one
    bocal load -q image.tar
    for _ in 1 2 3; do
        "$BOCAL" run --upper copy many true >/dev/null 2>&1 3>&- &
        pid=$!
        for _ in $(seq 2000); do compgen -G "data/containers/*/upper/d*/f1" >/dev/null && break; sleep 0.002; done
        kill -9 $pid
        wait $pid || [ $? = 137 ]
        [ "$(find data/containers -mindepth 1 -maxdepth 1 | wc -l)" = 1 ]
        bocal run --upper copy many true
        [ "$(ls data/containers)" = "" ]
    done
}
