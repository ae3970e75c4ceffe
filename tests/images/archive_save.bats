#!/usr/bin/env bats
# bocal-archive save: round trips through load, and what other tools read of it.

bats_require_minimum_version 1.5.0

# shellcheck source=tests/images/archives.bash
source "$BATS_TEST_DIRNAME/archives.bash"

loaded() {
    generate "$1" >"$1.tar"
    take "$1" <"$1.tar"
}

@test "OCI: what is saved and loaded again has the same digests" {
    for name in docker docker-gzip-layers docker-several oci-gzip-layers oci-platforms both; do
        loaded $name
        save $name --format oci >saved.tar
        take again <saved.tar
        check again
        diff $name.said again.said
        diff -r $name again
        rm -r again
    done
}

@test "Docker: the same config, and layers as plain tars" {
    for name in docker docker-gzip-layers docker-several oci-gzip-layers; do
        loaded $name
        save $name --format docker >saved.tar
        take again <saved.tar
        [ "$(check $name | awk '{ gsub(/\+gzip/, ""); print $1, $4, $5 }')" = "$(check again | awk '{ print $1, $4, $5 }')" ]
        rm -r again
    done
}

@test "The same is saved byte for byte, packed or not, in any order of names" {
    loaded docker-several
    for how in none gzip zstd; do
        save docker-several --format oci --compress $how >one
        sleep 1.1
        touch docker-several.layout/blobs/sha256/*
        save docker-several --format oci --compress $how >two
        cmp one two
        take again <one
        diff docker-several.said again.said
        rm -r again
    done
    mapfile -t images < <(names docker-several | sort -r)
    "$ARCHIVE" save --format docker "${images[@]}" 3<docker-several.layout >three
    save docker-several --format docker >four
    cmp three four
}

@test "What is saved is packed as asked, without anything behind its end" {
    loaded docker
    save docker --format oci --compress gzip >gzip
    gzip -t gzip
    save docker --format oci | tar -tf - >plain
    gzip -dc gzip | tar -tf - | diff - plain
    head -n 2 plain | diff - <(printf 'blobs/\nblobs/sha256/\n')
    command -v zstd >/dev/null || skip "no zstd"
    save docker --format oci --compress zstd >zstd
    zstd -qt zstd
}

@test "A damaged blob is found while it is written" {
    loaded docker-gzip-layers
    layout docker-gzip-layers
    for blob in docker-gzip-layers.layout/blobs/sha256/*; do
        cp "$blob" kept
        printf x | dd of="$blob" bs=1 seek=20 conv=notrunc status=none
        for format in oci docker; do
            run ! save docker-gzip-layers --format $format
            [[ $output == *damaged* || $output == *"decompress the layer"* ]] || { echo "$output"; return 1; }
        done
        cp kept "$blob"
    done
    save docker-gzip-layers --format docker >/dev/null
}

@test "What cannot be saved is refused by name" {
    loaded docker
    layout docker
    run ! "$ARCHIVE" save --format oci 3<docker.layout
    [[ $output == *"needs NAME"* ]]
    run ! "$ARCHIVE" save --format oci "x=sha256:../../etc/passwd" 3<docker.layout
    [[ $output == *"expected NAME=sha256:HEX"* ]]
    run ! "$ARCHIVE" save --format oci "x=sha256:$(printf '%064d' 0)" 3<docker.layout
    [[ $output == "image x: sha256:0000"*"is missing"* ]]
    run ! "$ARCHIVE" save --format tarball "$(names docker)" 3<docker.layout
    [[ $output == *tarball* ]]
    run ! "$ARCHIVE" save --format docker "a@$(names docker | sed 's/.*=//')=$(names docker | sed 's/.*=//')" 3<docker.layout
    [[ $output == *"tags, but no digests"* ]]
    run ! "$ARCHIVE" save --format oci "$(names docker)" 3<docker
    [[ $output == *"no image layout"* ]]
}

@test "An index with one image there is saved in Docker's format as that image" {
    loaded oci-platforms
    save oci-platforms --format docker >saved.tar
    take again <saved.tar
    [[ $(check again) == "multi:1 manifest"*" $(generate config) tar,tar" ]]
}

@test "skopeo reads both formats, and the digests are the same" {
    command -v skopeo >/dev/null || skip "no skopeo"
    loaded oci-gzip-layers
    manifest=$(names oci-gzip-layers | sed 's/.*=//')
    for how in none zstd; do # skopeo 1.9 reads no small gzip, not gzip(1)'s either
        save oci-gzip-layers --format docker --compress $how >docker.tar
        skopeo inspect --raw docker-archive:docker.tar | grep -q "$(generate config)"
        skopeo --insecure-policy copy -q docker-archive:docker.tar dir:copied
        rm -r copied
    done
    save oci-gzip-layers --format oci >oci.tar
    [ "$(skopeo inspect --format '{{.Digest}}' oci-archive:oci.tar:packed:1)" = "$manifest" ]
    skopeo --insecure-policy copy -q oci-archive:oci.tar:packed:1 dir:copied
    [ "sha256:$(sha256sum <copied/manifest.json | cut -d' ' -f1)" = "$manifest" ]
}

@test "Podman loads both formats" {
    is_root || skip "needs root"
    command -v podman >/dev/null || skip "no podman"
    podman() { command podman --root "$work/graph" --runroot "$work/run" --storage-driver vfs "$@"; }
    generate docker | take loaded
    for format in oci docker; do
        save loaded --format $format >$format.tar
        podman load -q -i $format.tar
        [ "sha256:$(podman images --no-trunc -q | sed 's/sha256://')" = "$(generate config)" ]
        podman rmi -af >rmi
    done
}
