# For tests of images: trees, archives of them, and a store of the test's own.

# tree NAME COMMAND: a directory that the shell COMMAND fills, from within.
tree() {
    mkdir -p "$1"
    (cd "$1" && eval "$2")
}

# busybox_tree NAME [COMMAND]: the same with a shell in it.
busybox_tree() {
    tree "$1" 'mkdir -p bin etc tmp; cp "$(command -v busybox)" bin/busybox; for n in sh cat ls id stat env pwd sleep readlink; do ln -sf busybox bin/$n; done
               echo "root:x:0:0::/:/bin/sh" >etc/passwd; echo "app:x:7:8::/home:/bin/sh" >>etc/passwd; echo "app:x:8:" >etc/group
               '"${2:-}"
}

# make ARGUMENT...: see tests/images/make.
make() { "$BATS_TEST_DIRNAME/make" "$@"; }

store() {
    export BOCAL_DATA="$work/data"
    [ -x "$(dirname "$(readlink -f "$BOCAL")")/bocal-archive" ] || [ -n "${BOCAL_LIBEXEC:-}" ] || skip "bocal-archive is not beside $BOCAL"
}

teardown() {
    cd /
    [ ! -d "$work/data/mounts" ] || bocal image unmount --all --force >/dev/null 2>&1 || true
    [ ! -d "$work/data" ] || bocal rmi --all >/dev/null 2>&1 || true
    left=$(leftovers | grep -vxFf "$work/before" || true)
    rm -rf "$work"
    [ -z "$left" ] || { echo "left behind: $left"; return 1; }
}
