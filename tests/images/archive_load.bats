#!/usr/bin/env bats
# bocal-archive load: archives of images taken apart, good ones and hostile ones (archives makes them).

bats_require_minimum_version 1.5.0

# shellcheck source=tests/images/archives.bash
source "$BATS_TEST_DIRNAME/archives.bash"

# one NAME PATTERN: the archive NAME is loaded, and its only line matches.
one() {
    generate "$1" >"$1.tar"
    take "$1" <"$1.tar"
    check "$1" | tee "$1.checked"
    [[ $(cat "$1.checked") =~ ^$2$ ]]
}

D='sha256:[0-9a-f]{64}'

@test "docker-archive: config and layers as they are, and a manifest of OCI's" {
    one docker "alpine:3.18 manifest $D $(generate config) tar,tar"
    [ "$(tail -n1 docker.said)" = '{"images": 1}' ]
}

@test "docker-archive: layers that are packed stay so, and are told by their content" {
    one docker-gzip-layers "alpine:3.18 manifest $D $(generate config) tar\+gzip,tar\+gzip"
}

@test "docker-archive: the manifest first, junk in it: what nobody names is removed" {
    one docker-reversed "alpine:3.18 manifest $D $(generate config) tar,tar"
    run ! grep -r "nobody needs" docker-reversed
}

@test "docker-archive of old: directories, and links for layers that are there again" {
    one docker-old "- manifest $D $D tar,tar,tar"
    [ "$(ls docker-old | wc -l)" = 4 ]
}

@test "docker-archive: several images, with layers in common and several names" {
    one docker-several "one:1,one:latest manifest $D $D tar,tar
two:1 manifest $D $D tar"
    [ "$(tail -n1 docker-several.said)" = '{"images": 2}' ]
    [ "$(ls docker-several | wc -l)" = 6 ]
}

@test "docker-archive: an image without layers" {
    one docker-no-layers "alpine:3.18 manifest $D $D -"
}

@test "The same archive is the same manifest, whatever the order of its members" {
    one docker ".*"
    one docker-reversed ".*"
    diff docker.said docker-reversed.said
}

@test "OCI archive: as it is" {
    one oci "alpine:3.18 manifest $D $(generate config) tar,tar"
    one oci-dot "alpine:3.18 manifest $D $(generate config) tar,tar"
    one oci-gzip-layers "packed:1 manifest $D $(generate config) tar\+gzip,tar\+gzip"
}

@test "Docker 25 and later: both in one; the layout is read, with the whole names" {
    one both "docker.io/library/alpine:3.18,docker.io/library/alpine:latest manifest $D $(generate config) tar,tar"
}

@test "OCI archive: an index of which one platform is there, with its attestation" {
    one oci-platforms "multi:1 index $D $(generate config),$D tar,tar,.* absent=2"
}

@test "From a pipe, and packed with gzip and zstd" {
    generate docker | take piped
    check piped
    generate docker | gzip | take gzipped
    check gzipped
    command -v zstd >/dev/null || skip "no zstd"
    generate docker | zstd | take zstded
    check zstded
    diff piped.said gzipped.said
    diff piped.said zstded.said
}

@test "A pipe is read to its end: whoever writes an archive does not die of SIGPIPE" {
    set -o pipefail
    { generate docker; head -c 3000000 /dev/zero; } | take padded
    check padded
}

@test "Layers packed with zstd in a docker-archive" {
    command -v zstd >/dev/null || skip "no zstd"
    generate docker >docker.tar
    mkdir x
    tar -xf docker.tar -C x
    for f in x/*.tar; do zstd -q --rm "$f" -o "$f.zst" && mv "$f.zst" "$f"; done
    tar -C x -cf packed.tar .
    take packed <packed.tar
    [[ $(check packed) =~ tar\+zstd,tar\+zstd$ ]]
}

@test "Hostile archives: refused with one line, and nothing is touched but the directory" {
    echo canary >canary
    local failed=0 name says count=0
    mkdir hostile
    generate --hostile hostile >list
    while IFS=$'\t' read -r name says; do
        count=$((count + 1))
        local status=0
        take "$name" <"hostile/$name.tar" 2>"$name.errors" || status=$?
        if [ $status != 1 ] || [ "$(wc -l <"$name.errors")" != 1 ] || ! grep -qE "$says" "$name.errors" ||
            LC_ALL=C grep -q '[[:cntrl:]]' "$name.errors"; then
            echo "$name: status $status, wanted '$says', said: $(cat -v "$name.errors")"
            failed=1
        fi
        [ -z "$(find "$name" -mindepth 1 ! -type f)" ] || { echo "$name: more than files"; failed=1; }
        rm -rf "$name" "$name".*
    done <list
    rm -r hostile list
    [ "$(ls)" = canary ] || { echo "left: $(ls)"; failed=1; }
    [ ! -e /tmp/bocal-evil ]
    [ $count -ge 60 ]
    [ $failed = 0 ]
}

@test "The limits are options" {
    generate docker >docker.tar
    run ! take small --limit 1k <docker.tar
    [[ $output == *"more than 1024 bytes"* ]]
    run ! take wrong --ratio none <docker.tar
    [[ $output == *"--ratio none: no number"* ]]
    generate bomb-archive >bomb.tar
    take bomb --ratio 100000 <bomb.tar
    check bomb
}

@test "A directory that is not empty is refused, and left as it is" {
    mkdir full
    echo mine >full/mine
    generate docker >docker.tar
    run ! "$ARCHIVE" load 3<full <docker.tar
    [[ $output == *"no empty directory"* ]]
    [ "$(cat full/mine)" = mine ]
}

@test "What skopeo writes, both formats" {
    is_root || skip "needs root: skopeo gives the files of archives away"
    command -v skopeo >/dev/null || skip "no skopeo"
    generate oci-gzip-layers >in.tar
    skopeo --insecure-policy copy -q oci-archive:in.tar:packed:1 docker-archive:docker.tar:some:tag
    skopeo --insecure-policy copy -q oci-archive:in.tar:packed:1 oci-archive:oci.tar:some:tag
    take oci <oci.tar
    [[ $(check oci) == "some:tag manifest $(skopeo --insecure-policy inspect --format '{{.Digest}}' oci-archive:oci.tar) $(generate config) tar+gzip,tar+gzip" ]]
    take docker <docker.tar
    [[ $(check docker) =~ some:tag\ manifest\ $D\ $D\ tar,tar ]]
}

@test "What umoci makes" {
    command -v umoci >/dev/null || skip "no umoci"
    umoci init --layout made
    umoci new --image made:tag
    mkdir -p root/etc && echo hello >root/etc/motd
    umoci insert --rootless --image made:tag root /
    tar -C made -cf made.tar .
    take loaded <made.tar
    [[ $(check loaded) =~ ^tag\ manifest\ $D\ $D\ tar\+gzip$ ]]
}

@test "What Podman saves" {
    is_root || skip "needs root"
    command -v podman >/dev/null || skip "no podman"
    generate docker >in.tar
    podman() { command podman --root "$work/graph" --runroot "$work/run" --storage-driver vfs "$@"; }
    podman load -q -i in.tar
    for format in docker-archive oci-archive; do
        podman save -q --format $format alpine:3.18 -o $format.tar
        take $format <$format.tar
        check $format
    done
    [[ $(check docker-archive) == *" $(generate config) tar,tar" ]]
}
