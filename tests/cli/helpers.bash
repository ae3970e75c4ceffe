# What the command tests share. BOCAL is the binary under test; each test has directories of its own, and
# fails when the container that it ran has left anything behind.

setup() {
    work=$(mktemp -d -t bocal-cli.XXXXXX)
    chmod 755 "$work"
    cd "$work" || return 1
    leftovers >"$work/before" # what others run on this machine is not this test's
}

teardown() {
    cd /
    left=$(leftovers | grep -vxFf "$work/before" || true)
    end_containers
    rm -rf "$work"
    [ -z "$left" ] || {
        echo "left behind: $left"
        return 1
    }
}

# Of a case that has failed: what runs on would keep who waits for its output waiting.
end_containers() {
    local id
    for id in "$work"/root/*/; do
        [ ! -d "$id" ] || [ ! -e "$work/bocal-runtime" ] || timeout 30 "$work/bocal-runtime" --root "$work/root" delete --force "$(basename "$id")" || true
    done
}

state_dir() {
    if [ "$(id -u)" = 0 ]; then echo /run/bocal; else echo "$XDG_RUNTIME_DIR/bocal"; fi
}

data_dir() {
    if [ "$(id -u)" = 0 ]; then echo /var/lib/bocal; else echo "${XDG_DATA_HOME:-$HOME/.local/share}/bocal"; fi
}

leftovers() {
    find "$(state_dir)" "$(data_dir)/containers" -mindepth 1 -maxdepth 1 2>/dev/null || true
    grep bocal /proc/self/mountinfo || true
    find /sys/fs/cgroup -mindepth 1 -name 'apart-*' -prune -o -type d -name 'bocal-*' -print 2>/dev/null || true # tests/apart
}

# Users with one id are told so at every run: kept apart, that is a test of its own.
bocal() {
    if is_root || has_ranges; then
        timeout 60 "$BOCAL" "$@"
    else
        local status=0
        timeout 60 "$BOCAL" "$@" 2>"$work/stderr" || status=$?
        grep -v '^bocal: one id only' "$work/stderr" >&2 || true
        return $status
    fi
}

is_root() { [ "$(id -u)" = 0 ]; }
has_ranges() { is_root || grep -q "^$(id -un):" /etc/subuid 2>/dev/null; }
is_v2() { [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; }

# An ordinary user with limits: in a scope of its own from systemd, or below the cgroup that the VM lane delegates.
delegated=/sys/fs/cgroup/guest
can_have_scope() { is_v2 && { [ -w $delegated/cgroup.procs ] || is_systemd_user; }; }
is_systemd_user() { ! is_root && [ -S "${XDG_RUNTIME_DIR:-/nonexistent}/systemd/private" ]; }

forgets_no_new_privs() { [[ $(criu --version) =~ ^Version:\ 3\.(1[0-8]|[0-9])(\.|$) ]]; }

# in_scope COMMAND...: as root as it is; else in a cgroup of its own that is delegated.
in_scope() {
    if is_root; then
        "$@"
    elif is_systemd_user; then
        systemd-run --user --scope --quiet -p Delegate=yes "$@"
    else
        local scope status=0
        scope=$(mktemp -d $delegated/scope.XXXXXX)
        bash -c "echo \$\$ >$scope/cgroup.procs && exec \"\$@\"" scope "$@" || status=$?
        rmdir "$scope" || return 99 # bocal has left something there
        return $status
    fi
}

# limited ARGS...: bocal run with limits, whoever we are.
limited() { in_scope "$BOCAL" run "$@" 2> >(grep -v '^bocal: one id only' >&2); }

# require WHAT: skips the test, saying why, where WHAT is not to be had.
require() {
    case $1 in
    root) is_root || skip "needs root" ;;
    user) is_root && skip "is about ordinary users" ;;
    ranges) has_ranges || skip "needs a range in /etc/subuid" ;;
    single) { is_root || has_ranges; } && skip "is about users without a range in /etc/subuid" ;;
    v1) is_v2 && skip "is about cgroup v1" ;;
    limits)
        is_root || can_have_scope || skip "needs a delegated cgroup"
        is_v2 && ! grep -qw memory /sys/fs/cgroup/cgroup.controllers && skip "needs the memory, pids and cpu controllers"
        ;;
    v2) is_v2 && grep -qw memory /sys/fs/cgroup/cgroup.controllers || skip "needs cgroup v2 with its controllers" ;;
    disk) mountpoint -q /scratch || skip "needs the scratch disk of the VM lane" ;;
    scope) { ! is_root && can_have_scope; } || skip "needs an ordinary user with a delegated cgroup v2" ;;
    cpuset)
        is_root || grep -qw cpuset $delegated/cgroup.controllers 2>/dev/null ||
            skip "needs the cpuset controller, which systemd does not pass on to users"
        ;;
    apparmor) [ -d /sys/kernel/security/apparmor ] || skip "needs AppArmor" ;;
    systemd) { [ -d /run/systemd/system ] && is_v2 && { is_root || is_systemd_user; }; } || skip "needs systemd on cgroup v2" ;;
    no-apparmor) [ ! -d /sys/kernel/security/apparmor ] || skip "is about kernels without AppArmor" ;;
    old-kernel) [ "$(uname -r | cut -d. -f1-2)" = 5.10 ] || skip "is about kernels before 5.14" ;;
    criu) criu check >/dev/null 2>&1 || skip "needs criu, and a kernel that it knows" ;;
    old-criu) forgets_no_new_privs || skip "is about criu before 3.19" ;;
    no-criu) criu check >/dev/null 2>&1 && skip "is about machines where criu does not work" ;;
    resources) [ $((0x$(sed -n 's/^CapEff:[[:blank:]]*//p' /proc/self/status) >> 24 & 1)) = 1 ] || skip "needs CAP_SYS_RESOURCE" ;;
    no-scope) { ! is_root && is_v2; } || skip "is about ordinary users on cgroup v2" ;;
    esac
    return 0
}

# contains TEXT: $output has it.
contains() {
    case $output in
    *"$1"*) ;;
    *)
        printf 'wanted: %s\ngot:    %s\n' "$1" "$output"
        return 1
        ;;
    esac
}

# refused STATUS TEXT ARGS...: bocal run ARGS ends with STATUS and one line that has TEXT.
refused() {
    local status_wanted=$1 text=$2
    shift 2
    run bocal run "$@" </dev/null
    [ "$status" = "$status_wanted" ] || {
        printf 'status %s, wanted %s: %s\n' "$status" "$status_wanted" "$output"
        return 1
    }
    [ "${#lines[@]}" = 1 ] || {
        printf 'not one line:\n%s\n' "$output"
        return 1
    }
    contains "$text"
}
