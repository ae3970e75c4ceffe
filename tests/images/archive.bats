# bocal-archive: the program that reads what images are made of. Each test has a directory of its own, and nothing outside
# of what a test gives it as descriptor 3 may change.
load ../cli/helpers

archive() { timeout 120 "$(dirname "$BOCAL")/bocal-archive" "$@"; }
tools=$BATS_TEST_DIRNAME/../archive

# layer FILE ENTRY...: a tar of these; layer.py says what an entry is.
layer() { python3 "$tools/layer.py" "${@:2}" >"$1"; }

# Who is not root has one id, and marks of overlayfs in user.*.
flat() { is_root || echo --flat --user; }
mark() { if is_root; then echo trusted.overlay.opaque; else echo user.overlay.opaque; fi; }

# unpack BLOB DIRECTORY OPTION...: with the digests that it has.
unpack() {
    local blob=$1 directory=$2 plain
    shift 2
    case $blob in
    *.gz) plain=$(zcat "$blob" | sha256sum) ;;
    *.zst) plain=$(zstdcat "$blob" | sha256sum) ;;
    *) plain=$(sha256sum <"$blob") ;;
    esac
    mkdir -p "$directory"
    # shellcheck disable=SC2046
    archive unpack --digest "sha256:$(sha256sum <"$blob" | cut -d' ' -f1)" --size "$(stat -c %s "$blob")" \
        --diff-id "sha256:${plain%% *}" $(flat) "$@" <"$blob" 3<"$directory"
}

tree() { python3 "$tools/tree.py" "$@"; }
is_whiteout() { [ "$(stat -c '%F %t:%T' "$1")" = "character special file 0:0" ]; }
xattr() { python3 -c 'import os, sys; sys.stdout.buffer.write(os.getxattr(sys.argv[1], sys.argv[2], follow_symlinks=False))' "$@" 2>/dev/null; }
is_opaque() { [ "$(xattr "$1" "$(mark)")" = y ]; }

@test "digest: of standard input, and its size" {
    run archive digest <<<""
    [ "$status" = 0 ]
    [ "$output" = '{"digest": "sha256:01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b", "size": 1}' ]
    head -c 3000001 /dev/zero >zeros
    wanted=$(sha256sum <zeros)
    run archive digest < <(cat zeros)
    contains "sha256:${wanted%% *}"
    contains '"size": 3000001'
}

@test "what bocal-archive does not know is refused on one line" {
    for words in "" "nothing" "digest more" "unpack" "unpack --potato" "unpack --digest sha256:abc"; do
        # shellcheck disable=SC2086
        run archive $words </dev/null
        [ "$status" = 1 ]
        [ "${#lines[@]}" = 1 ]
    done
}

@test "unpack: 128 layers that mean harm are refused, or do none" {
    mkdir hostile
    run python3 "$tools/hostile.py" "$(dirname "$BOCAL")/bocal-archive" hostile
    [ "$status" = 0 ] || {
        echo "$output"
        return 1
    }
    contains " 0 failed"
}

# In memory, for so many files take a minute to make on a slow disk.
many_entries() {
    mount -t tmpfs bocal-many .
    archive() { # and how much memory it took at most, in kB
        python3 -c 'import resource, subprocess, sys
status = subprocess.call(sys.argv[1:], close_fds=False)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=open("peak", "w"))
sys.exit(status)' "$(dirname "$BOCAL")/bocal-archive" "$@"
    }
    cd "$PWD"
    python3 "$tools/many.py" 50000 files >many.tar
    unpack many.tar files --parents 0 | grep '"entries": 50000'
    [ "$(cat peak)" -lt 24000 ] # 11 MB, as for a million
    [ "$(ls files/49 | wc -l)" = 1000 ]
    python3 "$tools/many.py" 50000 directories >many.tar # each is remembered, in 130 bytes
    unpack many.tar directories --parents 0 | grep '"entries": 50000'
    [ "$(cat peak)" -lt 32000 ]
    [ -d directories/0/0/c/c3/c34/c34f ]
    ! unpack many.tar refused --parents 0 --entries 40000 >out 2>&1 || return 1
    grep 'the layer has more than 40000 entries ("unpackEntries" in bocal' out
}

@test "unpack: fifty thousand entries, and no memory to speak of" {
    require root
    ! grep -q __asan_init "$(dirname "$BOCAL")/bocal-archive" || skip "sanitizers keep what is freed"
    export -f many_entries unpack flat is_root
    tools=$tools unshare -m bash -euo pipefail -c many_entries
}

@test "unpack: a real tree is what tar makes of it, in all formats and compressions" {
    require root
    mkdir -p tree/d tree/sticky tree/locked
    cp -a /bin/busybox tree/
    ln tree/busybox tree/d/hard
    ln -s ../../nowhere tree/d/link
    ln tree/d/link tree/d/same-link
    mkfifo -m 620 tree/fifo
    mknod tree/null c 1 3
    mknod tree/loop b 7 300
    echo text >"tree/$(printf 'n\xc3\xa4me \xff\n')"
    echo text >"tree/d/$(printf 'x%.0s' {1..200})"
    mkdir -p "tree/$(printf 'y%.0s' {1..200})/$(printf 'z%.0s' {1..200})"
    chown 1234:5678 tree/d tree/busybox
    chown -h 4000000000:7 tree/d/link
    chmod 6755 tree/busybox
    chmod 1777 tree/sticky
    chmod 0 tree/locked
    truncate -s 5M tree/hole
    { head -c 70000 /dev/urandom; } | dd of=tree/hole bs=1M seek=2 conv=notrunc status=none
    truncate -s 1M tree/all-hole
    python3 -c 'import os
os.setxattr("tree/d", "user.directory", b"a\0b\n")
os.setxattr("tree/hole", "user.file", b"")
os.setxattr("tree/busybox", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))'
    touch -d '2001-02-03 04:05:06.789012345' tree/hole tree/d tree/locked
    touch -h -d '1969-02-03 04:05:06' tree/d/link
    for format in gnu posix "posix --sparse-version=0.0" "posix --sparse-version=0.1" "posix --sparse-version=1.0"; do
        xattrs=(--xattrs "--xattrs-include=*")
        [ "$format" != gnu ] || xattrs=()
        # shellcheck disable=SC2086
        tar -C tree "${xattrs[@]}" --sparse --format=$format -cf layer.tar .
        rm -rf wanted got
        mkdir wanted
        tar -C wanted "${xattrs[@]}" -xpf layer.tar
        run unpack layer.tar got
        [ "$status" = 0 ]
        diff <(tree --sparse wanted) <(tree --sparse got)
    done
    diff <(tree --sparse tree) <(tree --sparse got)
    gzip -k layer.tar
    zstd -q layer.tar
    for blob in layer.tar.gz layer.tar.zst; do
        rm -rf got
        unpack $blob got
        diff <(tree --sparse tree) <(tree --sparse got)
    done
    rm -rf got
    mkfifo pipe
    cat layer.tar.zst >pipe & # a pipe in place of a file
    digest=$(sha256sum <layer.tar.zst)
    plain=$(sha256sum <layer.tar)
    mkdir got
    archive unpack --digest "sha256:${digest%% *}" --size "$(stat -c %s layer.tar.zst)" --diff-id "sha256:${plain%% *}" <pipe 3<got
    diff <(tree --sparse tree) <(tree --sparse got)
}

@test "unpack: gzip in several members, with something behind it; damaged, and cut off" {
    layer a.tar "dir ." "file a hello" "file b $(seq 20000 | tr '\n' ' ')"
    { head -c 5000 a.tar | gzip; tail -c +5001 a.tar | gzip -1; } >members.tar.gz
    unpack members.tar.gz got --parents 0
    [ "$(cat got/a)" = hello ]
    { gzip <a.tar; printf 'behind it'; } >behind.gz
    digest=$(sha256sum <behind.gz) plain=$(sha256sum <a.tar)
    mkdir behind
    # shellcheck disable=SC2046
    archive unpack --digest "sha256:${digest%% *}" --size "$(stat -c %s behind.gz)" --diff-id "sha256:${plain%% *}" $(flat) --parents 0 \
        <behind.gz 3<behind
    [ "$(cat behind/a)" = hello ]
    gzip -k a.tar
    size=$(stat -c %s a.tar.gz)
    head -c $((size - 30)) a.tar.gz >cut.gz
    head -c $((size - 3)) a.tar.gz >end.gz # its data is whole
    { head -c $((size / 2)) a.tar.gz; head -c 500 /dev/zero; tail -c +$((size / 2 + 501)) a.tar.gz; } >damaged.gz
    { head -c $((size - 8)) a.tar.gz; printf 'xxxx'; tail -c 4 a.tar.gz; } >sum.gz # its CRC
    zstd -qc a.tar | head -c 60 >cut.zst
    ends=1 # libarchive looks at nothing behind the data
    ldd "$(dirname "$BOCAL")/bocal-archive" | grep -q libisal || ends=0
    for blob in cut.gz=1 cut.zst=1 damaged.gz=1 end.gz=$ends sum.gz=$ends; do
        run archive digest --layer <"${blob%=*}"
        [ "$status:${#lines[@]}" = "${blob#*=}:1" ] || { echo "$blob: $status: $output"; return 1; }
    done
}

@test "unpack: the result is one line of JSON" {
    layer a.tar "dir ." "file a/b hello" "dir a" "link l t" "hard h a/b"
    run unpack a.tar got --parents 0
    [ "$status" = 0 ]
    [[ ${lines[-1]} = '{"entries": 5, "bytes": '*', "skippedDevices": 0, "skippedAttributes": 0, "seal": "sha256:'*'", "root": true, "rootOpaque": false}' ]]
    [ "$(cat got/h)" = hello ]
    [ "$(stat -c %h got/h)" = 2 ]
}

@test "unpack: whiteouts and opaque directories in overlayfs's form, before and behind what they meet" {
    layer a.tar "dir ." "dir d" "file d/.wh.gone" "file .wh.away" "dir o" "file o/.wh..wh..opq" "file o/new 1" \
        "file .wh.early" "dir early" "file early/f 1" "dir late" "file .wh.late" "file kept 1" "file .wh.kept" "file .wh.again" "file again 1"
    unpack a.tar got
    is_whiteout got/d/gone
    is_whiteout got/away
    is_opaque got/o
    is_opaque got/early # the layers below may have one of this name
    is_opaque got/late
    ! is_opaque got/d
    [ "$(cat got/o/new got/early/f got/kept got/again | tr -d '\n')" = 1111 ]
    [ -z "$(find got -name '.wh.*')" ]
}

@test "unpack: an opaque root is told, for overlayfs has no mark for it" {
    layer a.tar "file .wh..wh..opq" "file a"
    run unpack a.tar got
    contains '"root": false, "rootOpaque": true}'
}

@test "unpack: marks in user.* for who mounts in a user namespace" {
    layer a.tar "dir o" "file o/.wh..wh..opq"
    unpack a.tar got --user
    [ "$(xattr got/o user.overlay.opaque)" = y ]
}

@test "unpack: a hard link into the layers below takes the file along, with --parents" {
    layer one.tar "dir ." "dir d mode=750" "file d/f below x:user.a=b mode=640" "file d/g below"
    layer two.tar "dir ." "dir d" "file d/.wh.g"
    layer top.tar "dir ." "hard h d/f"
    unpack one.tar one
    unpack two.tar two
    run unpack top.tar got
    [ "$status" = 3 ]
    [ "${#lines[@]}" -le 2 ]
    contains "/h: a hard link to /d/f, which the tar does not have"
    rm -rf got
    unpack top.tar got --parents 2 4<two 5<one
    [ "$(cat got/h)" = below ]
    [ got/h -ef got/d/f ]
    [ "$(xattr got/h user.a)" = b ]
    [ "$(stat -c %a got/d)" = 755 ] # of the topmost layer that has it
    [ "$(stat -c %Y got/h)" = 1000000000 ]
    layer hidden.tar "dir ." "hard h d/g"
    run unpack hidden.tar got2 --parents 2 4<two 5<one
    [ "$status" = 1 ]
    contains "which is in no layer"
}

@test "unpack: missing parents are what the layers below have them as" {
    layer one.tar "dir . mode=700 mtime=5" "dir d mode=1750 mtime=7 x:user.a=b" "dir d/e mode=711" "dir gone mode=711" "link l d"
    layer two.tar "dir ." "dir d/e mode=700" "file .wh.gone" "file d/e/.wh..wh..opq"
    layer top.tar "file d/e/f/g 1" "file gone/h 1" "file l/i 1"
    unpack one.tar one --parents 0
    unpack two.tar two --parents 1 4<one
    run unpack top.tar got
    [ "$status" = 3 ]
    contains "/d: the tar has no entry for this directory"
    rm -rf got
    unpack top.tar got --parents 2 4<two 5<one
    [ "$(stat -c %a got got/d got/d/e got/d/e/f got/gone got/l | tr '\n' ' ')" = "755 1750 700 755 755 755 " ]
    [ "$(stat -c %Y got/d)" = 7 ]
    [ "$(xattr got/d user.a)" = b ]
    rm -rf got
    unpack top.tar got --parents 0
    [ "$(stat -c %a got got/d | tr '\n' ' ')" = "755 755 " ]
}

@test "unpack: who has one id keeps owners and modes in an attribute, and no devices" {
    require user
    layer a.tar "dir . uid=5" "file a x uid=1000 gid=7 mode=4755" "file secret x mode=0" "dir shut mode=111" "file shut/f x" \
        "file plain x" "char null 1:3" "block disk 8:0" "link l t uid=9" "fifo p"
    run unpack a.tar got
    [ "$status" = 0 ]
    contains '"skippedDevices": 2, "skippedAttributes": 0'
    [ "$(xattr got user.containers.override_stat)" = 5:0:0755 ]
    [ "$(xattr got/a user.containers.override_stat)" = 1000:7:04755 ]
    [ "$(xattr got/secret user.containers.override_stat)" = 0:0:00 ]
    [ "$(xattr got/shut user.containers.override_stat)" = 0:0:0111 ]
    [ "$(stat -c %a got/a got/secret got/shut got/plain | tr '\n' ' ')" = "755 600 711 644 " ]
    [ -z "$(xattr got/plain user.containers.override_stat)" ]
    [ "$(cat got/secret got/shut/f)" = xx ]
    layer top.tar "dir ." "hard h a"
    unpack top.tar top --parents 1 4<got
    [ "$(xattr top/h user.containers.override_stat)" = 1000:7:04755 ]
}

@test "unpack: in a user namespace whiteouts are made, other devices skipped and counted" {
    unshare -r true 2>/dev/null || skip "needs user namespaces"
    layer a.tar "dir ." "char null 1:3" "file .wh.gone" "dir d" "file d/.wh..wh..opq" "file f x mode=4755"
    digest=$(sha256sum <a.tar)
    mkdir got
    # shellcheck disable=SC2016
    run unshare -r "$(dirname "$BOCAL")/bocal-archive" unpack --user --digest "sha256:${digest%% *}" --size "$(stat -c %s a.tar)" \
        --diff-id "sha256:${digest%% *}" <a.tar 3<got
    [ "$status" = 0 ]
    contains '"skippedDevices": 1'
    is_whiteout got/gone
    [ "$(xattr got/d user.overlay.opaque)" = y ]
    [ "$(stat -c %a got/f)" = 4755 ]
}

@test "unpack: an owner that a user namespace does not have is refused, with the reason" {
    unshare -r true 2>/dev/null || skip "needs user namespaces"
    layer a.tar "dir ." "file f x uid=77"
    digest=$(sha256sum <a.tar)
    mkdir got
    run unshare -r "$(dirname "$BOCAL")/bocal-archive" unpack --user --digest "sha256:${digest%% *}" --size "$(stat -c %s a.tar)" \
        --diff-id "sha256:${digest%% *}" <a.tar 3<got
    [ "$status" = 1 ]
    contains "/f: Invalid argument (owner 77:0; a user namespace may not have these ids)"
}

@test "bocal-archive gives up calls, capabilities and new privileges before it reads" {
    [[ $BOCAL != *sanitize* ]] || skip "sanitizers look around: such builds are not confined"
    mkfifo input
    sleep 20 >input &
    writer=$!
    "$(dirname "$BOCAL")/bocal-archive" digest <input >digest &
    pid=$!
    for _ in $(seq 100); do
        ! grep -q '^Seccomp:.2' "/proc/$pid/status" || break
        sleep 0.1
    done
    grep -q '^Seccomp:.2' "/proc/$pid/status"
    grep -q '^NoNewPrivs:.1' "/proc/$pid/status"
    [ $((0x$(sed -n 's/^CapPrm:[[:blank:]]*//p' "/proc/$pid/status") & ~0x8820001f)) = 0 ]
    kill $writer
    wait $pid
}
