# What the tests of bocal-archive share: it is called as bocal does it, with the directory at fd 3. No container runs.

ARCHIVE=${ARCHIVE:-$(dirname "$BOCAL")/bocal-archive}

setup() {
    work=$(mktemp -d -t bocal-archive.XXXXXX)
    cd "$work" || return 1
}

teardown() {
    cd /
    rm -rf "$work"
}

is_root() { [ "$(id -u)" = 0 ]; }
generate() { "$BATS_TEST_DIRNAME/archives" "$@"; }

# take DIR [OPTION...] <ARCHIVE: loads into DIR, which is made; what is said is in DIR.said.
take() {
    local dir=$1
    shift
    mkdir "$dir"
    timeout 120 "$ARCHIVE" load "$@" 3<"$dir" >"$dir.said"
}

# check DIR: that all is there and nothing else; one line an image.
check() { generate check "$1" <"$1.said"; }

# layout DIR: an image layout of what was loaded into DIR, as the store is one.
layout() {
    mkdir -p "$1.layout/blobs"
    cp -r "$1" "$1.layout/blobs/sha256"
}

# names DIR: NAME=sha256:HEX of what was loaded into it.
names() {
    python3 -c '
import json, sys
for image in (json.loads(line).get("image") for line in sys.stdin):
    for name in (image["names"] or [""]) if image else []:
        print(name + "=" + image["manifest"])' <"$1.said"
}

# save DIR OPTION...: what was loaded into DIR, all of it.
save() {
    local dir=$1 images
    shift
    [ -e "$dir.layout" ] || layout "$dir"
    mapfile -t images < <(names "$dir")
    timeout 120 "$ARCHIVE" save "$@" "${images[@]}" 3<"$dir.layout"
}
