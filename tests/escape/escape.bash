# What the escape tests share, beside the helpers of tests/cli. The host's side is $work/host, with one file: a test
# that ends with `untouched` has failed when anything of the container came there.
#
# The line "# weakened: NAME" before a test names the change in tests/escape/weakenings without which it would pass for
# nothing: tests/escape/prove builds bocal so weakened, and shows that the test fails.
load ../cli/helpers
load ../cli/bundles

# What bocal run leaves, and what this test's bundles do. Others may work on this machine as well: whose journal somebody holds
# the lock of is one that runs.
leftovers() {
    local journal running
    running=$(for journal in "$(state_dir)"/*; do [ ! -f "$journal" ] || flock -n "$journal" true 2>/dev/null || basename "$journal"; done)
    {
        find "$(state_dir)" "$(data_dir)/containers" -mindepth 1 -maxdepth 1 2>/dev/null || true
        find /sys/fs/cgroup -mindepth 1 -name 'apart-*' -prune -o -type d -name 'bocal-*' -print 2>/dev/null | grep -E -- "-$$$|bocal-[0-9a-f]{12}$" || true
    } | while read -r path; do
        case " $(for journal in $running; do echo "$journal ${journal:0:12}"; done | tr '\n' ' ') " in
        *" ${path##*[/-]} "*) ;;
        *) echo "$path" ;;
        esac
    done
    grep bocal /proc/self/mountinfo || true
}

# A test that has failed may have left a container: it is removed, and the others go on.
eval "$(declare -f teardown | sed '1s/teardown/cli_teardown/')"
teardown() {
    local id
    for id in "$work"/root/*/; do
        [ ! -d "$id" ] || oci delete --force "$(basename "$id")" 2>/dev/null || true
    done
    find /sys/fs/cgroup -depth -type d -name "escape-$$" -exec rmdir {} + 2>/dev/null || true # of a case that has failed
    for _ in $(seq 50); do # what others began meanwhile on this machine is not this test's
        [ -z "$(leftovers | grep -vxFf "$work/before")" ] && break
        sleep 0.1
    done
    cli_teardown
}

# What every test begins with; and that what is tested runs containers at all, for most tests want it to refuse something.
in_work() {
    mkdir host
    echo untouched >host/canary
    bocal run /bin/true
}

untouched() {
    [ "$(cat host/canary)" = untouched ] && [ "$(ls -A host)" = canary ] && return
    echo "the host's directory was reached: $(ls -lA host)"
    return 1
}

applets() { for applet; do ln -sf busybox rootfs/bin/"$applet"; done; }

not() { ! "$@"; }

lacks() { # TEXT: $output has it not
    case $output in
    *"$1"*)
        printf 'unwanted: %s\nin:       %s\n' "$1" "$output"
        return 1
        ;;
    esac
}

failed() { # the last `run` did
    [ "$status" != 0 ] && [ "$status" != 124 ] && [ "$status" != 137 ] && return # timeout(1): a hang
    printf 'status %s: %s\n' "$status" "$output"
    return 1
}

ran() { # the last `run` was fine
    [ "$status" = 0 ] && return
    printf 'status %s: %s\n' "$status" "$output"
    return 1
}

# no_controls FILE: nothing in it that a terminal acts on, be it C0, DEL or C1 (U+0080 to U+009F).
no_controls() {
    python3 -c '
import sys
text = open(sys.argv[1], "rb").read().decode("utf-8", "surrogateescape")
bad = [c for c in text if c != "\n" and (ord(c) < 32 or 0x7f <= ord(c) < 0xa0 or 0xdc80 <= ord(c) < 0xdca0)]
sys.exit("controls: %r in %r" % (bad, text) if bad else 0)' "$1"
}

pid_of() { oci state "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["pid"])'; }

# background ID: create and start, with nothing of this test's standard fds.
background() { oci run -d "$1" </dev/null >/dev/null 2>&1; }

# probe: rootfs/bin/probe, tests/escape/probe.c, which makes the system calls that a shell cannot.
probe() {
    command -v gcc >/dev/null || skip "needs gcc"
    [ -x "$BATS_FILE_TMPDIR/probe" ] || gcc -static -O1 -o "$BATS_FILE_TMPDIR/probe" "$BATS_TEST_DIRNAME/probe.c"
    mkdir -p rootfs/bin
    cp "$BATS_FILE_TMPDIR/probe" rootfs/bin/probe
}

# plain_root: a root file system without a bundle, for bocal run --rootfs.
plain_root() {
    mkdir -p rootfs/bin rootfs/proc rootfs/dev rootfs/sys rootfs/etc
    cp "$(command -v busybox)" rootfs/bin/busybox
    applets sh cat ls grep id true mkdir readlink
}

# openable: type and numbers of a device that this host can open, and no container should.
openable() {
    local node
    for node in "c 10 237" "c 10 229" "c 10 200" "c 1 11"; do
        # shellcheck disable=SC2086
        mknod -m 666 "$work/openable" $node 2>/dev/null && (: <"$work/openable") 2>/dev/null && echo "$node" && rm "$work/openable" && return
        rm -f "$work/openable"
    done
    skip "no device here that the host could open"
}

# shared_host COMMAND...: in a mount namespace whose mounts are all shared, as systemd's are; what is mounted there before
# and after is in the files before-mounts and after-mounts.
shared_host() {
    # shellcheck disable=SC2016
    unshare -m sh -c 'mount --make-rshared / && cut -d" " -f5 /proc/self/mountinfo | sort >"$0/before-mounts"
        "$@"; status=$?; cut -d" " -f5 /proc/self/mountinfo | sort >"$0/after-mounts"; exit $status' "$work" "$@"
}
