# What the tests that let engines drive a runtime share. RUNTIME is the runtime under test; where nobody names one,
# it is BOCAL under its other name. Every file has a directory, $work, in which its engine keeps all that it can be
# told to keep there; the rest is removed, and what the runtime or the engine has left is a failure.

PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin # the distribution's engines

begin() { # in setup_file
    work=$(mktemp -d -t drive.XXXXXX)
    chmod 755 "$work"
    if [ -z "${RUNTIME:-}" ]; then
        ln -s "$(realpath "${BOCAL:-$BATS_TEST_DIRNAME/../../build/bocal}")" "$work/bocal-runtime"
        RUNTIME=$work/bocal-runtime
    fi
    runtime=${RUNTIME##*/}
    manager=cgroupfs own_cgroup=/drive-$$
    ! is_systemd || manager=systemd own_cgroup=drive-$$.slice
    HOME=$work/home
    mkdir "$HOME"
    export work RUNTIME runtime manager own_cgroup HOME
    touch "$work/ids"
    make_root "$work/root"
    tar -C "$work/root" -cf "$work/root.tar" .
}

finish() { # in teardown_file; ids of containers are in $work/ids
    local left process
    cd /
    left=$(pgrep -af "$work" || true)
    for process in $(pgrep -f "$work"); do
        kill -KILL "$process" || true
    done
    ! is_systemd || wait_until nothing_remains >/dev/null || true # it has its own pace
    left+=$(remains)
    sed -nE "s|^([^ ]+ ){4}(${work}[^ ]*) .*|\2|p" /proc/self/mountinfo | sort -r | while read -r point; do
        umount "$point"
    done
    ! is_systemd || systemctl stop "$own_cgroup" 2>/dev/null || true
    find /sys/fs/cgroup -mindepth 2 -depth -type d -path "*$own_cgroup*" -exec rmdir {} + 2>/dev/null || true
    find /run/containerd -depth -type d -empty -exec rmdir {} + 2>/dev/null || true # of shims, whoever started them
    rm -rf --one-file-system "$work" || left+=$work
    [ -z "$left" ] || {
        echo "left behind: $left" >&2
        return 1
    }
}

# What is left of containers: states, cgroups, mounts. The engines' own parent cgroups are theirs.
remains() {
    find {/run,"${XDG_RUNTIME_DIR:-/run}"}/{bocal-runtime,runc,crun} -mindepth 1 -maxdepth 1 2>/dev/null | grep -Ff "$work/ids"
    find /sys/fs/cgroup -mindepth 2 -type d \( -fstype cgroup -o -fstype cgroup2 \) 2>/dev/null |
        grep -F -e "$own_cgroup/" -f "$work/ids"
    grep -oE " $work/(storage|data|user/storage|state|exec)/[^ ]* " /proc/self/mountinfo | grep -vE '/(netns/default|storage/overlay|data/overlay2) $'
    true
}

nothing_remains() { [ -z "$(remains)" ]; }

# make_root DIRECTORY: busybox under all its names, and two users.
make_root() {
    local name
    mkdir -p "$1"/bin "$1"/etc "$1"/proc "$1"/sys "$1"/dev "$1"/run "$1"/home
    mkdir -m 1777 "$1/tmp"
    cp "$(command -v busybox)" "$1/bin/busybox"
    for name in $(busybox --list); do
        [ "$name" = busybox ] || ln -s busybox "$1/bin/$name"
    done
    printf 'root:x:0:0:root:/:/bin/sh\nguest:x:1000:1000:guest:/home:/bin/sh\n' >"$1/etc/passwd"
    printf 'root:x:0:\nguest:x:1000:\nextra:x:2000:guest\n' >"$1/etc/group"
    echo "from the image" >"$1/etc/motd"
    echo "no program" >"$1/etc/not-executable"
    echo "#!/none" >"$1/etc/no-interpreter"
    chmod +x "$1/etc/no-interpreter"
}

# podman_configuration DIRECTORY: Podman with all that it keeps in there. It asks for limits of its own choice, and not everybody
# may raise what they were given: so it gets what is here. The processes it lowers itself, to 32,768.
podman_configuration() {
    local processes
    processes=$(ulimit -Hu)
    [ "$processes" != unlimited ] && [ "$processes" -lt 32768 ] || processes=32768
    cat >"$1/containers.conf" <<C
[containers]
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=$processes:$processes"]
log_driver = "k8s-file"
netns = "none"
[engine]
cgroup_manager = "$manager"
events_logger = "file"
events_logfile_path = "$1/events"
lock_type = "file"
tmp_dir = "$1/run/libpod/tmp"
volume_path = "$1/volumes"
hooks_dir = ["$1/hooks"]
runtime = "$runtime"
runtime_supports_json = ["$runtime"]
[engine.runtimes]
$runtime = ["$RUNTIME"]
C
    cat >"$1/storage.conf" <<C
[storage]
driver = "overlay"
graphroot = "$1/storage"
runroot = "$1/run/storage"
rootless_storage_path = "$1/storage"
[storage.options]
root-auto-userns-user = "$user"
C
    mkdir -p "$1/hooks"
}

is_v2() { [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; }
is_systemd() { [ -d /run/systemd/system ] && is_v2; } # then it is the engines' cgroup manager, else they are it

capabilities() { awk '/^CapBnd/ {print $2}' /proc/self/status; }

# can_have COMMAND...: we are root, and have these.
can_have() { [ "$(id -u)" = 0 ] && command -v "$@" >/dev/null; }

# require WHAT: skips the test, saying why, where WHAT is not to be had.
require() {
    case $1 in
    root) [ "$(id -u)" = 0 ] || skip "needs root" ;;
    own-systemd)
        is_systemd && grep -q "user@$(id -u).service" /proc/self/cgroup ||
            skip "needs an ordinary user below his own systemd: systemd-run --user --scope -p Delegate=yes bats FILE"
        ;;
    limits)
        ! is_v2 || grep -qw memory /sys/fs/cgroup/cgroup.controllers ||
            skip "needs the memory, pids and cpu controllers"
        ;;
    criu) criu check >/dev/null 2>&1 || skip "needs criu, and a kernel that it knows" ;;
    *) command -v "$1" >/dev/null || skip "needs $1, which tools/install drive installs" ;;
    esac
}

# cgroup_file PID CONTROLLER V1-FILE V2-FILE: what the cgroup of a process has there.
cgroup_file() {
    if is_v2; then
        cat "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$1/cgroup")/$4"
    else
        cat "/sys/fs/cgroup/$2$(sed -nE "s/^[0-9]+:$2:(.*)/\1/p" "/proc/$1/cgroup")/$3"
    fi
}

memory_limit() { cgroup_file "$1" memory memory.limit_in_bytes memory.max; }
pids_limit() { cgroup_file "$1" pids pids.max pids.max; }

# Half a processor, as microseconds of a period.
cpu_limit() {
    if is_v2; then
        cgroup_file "$1" cpu - cpu.max
    else
        echo "$(cgroup_file "$1" cpu cpu.cfs_quota_us -) $(cgroup_file "$1" cpu cpu.cfs_period_us -)"
    fi
}

is_frozen() { # PID: all that is in its cgroup is stopped, by the freezer of either generation
    local unified=/sys/fs/cgroup
    is_v2 || unified=/sys/fs/cgroup/unified
    is_v2 || [ "$(cgroup_file "$1" freezer freezer.state -)" != FROZEN ] || return 0
    grep -qsx "frozen 1" "$unified$(sed -n 's/^0:://p' "/proc/$1/cgroup")/cgroup.events" || return 1
}

no_shims() { ! pgrep -f "^[^ ]*containerd-shim.*$work" >/dev/null; }

gone() { ! kill -0 "$1" 2>/dev/null; } # PID

wait_until() { # COMMAND...: for half a minute at most
    for _ in $(seq 300); do
        "$@" && return
        sleep 0.1
    done
    echo "never: $*"
    return 1
}

# same WANTED GOT
same() {
    [ "$1" = "$2" ] || {
        printf 'wanted: %s\ngot:    %s\n' "$1" "$2"
        return 1
    }
}

# contains TEXT: $output has it, in capitals or not.
contains() {
    case ${output,,} in
    *"${1,,}"*) ;;
    *)
        printf 'wanted: %s\ngot:    %s\n' "$1" "$output"
        return 1
        ;;
    esac
}

# ends STATUS COMMAND...: the command ends so; what it says is $output. As `run`, which warns about 127.
ends() {
    local wanted=$1
    shift
    status=0
    output=$("$@" 2>&1) || status=$?
    mapfile -t lines <<<"$output"
    [ "$status" = "$wanted" ] || {
        printf 'status %s, wanted %s: %s\n' "$status" "$wanted" "$output"
        return 1
    }
}

# What is typed to learn a terminal's name and size: the size comes when the command runs already, or later.
tty_and_size='tty; until stty size 2>/dev/null | grep .; do sleep 0.1; done'

# on_terminal COMMAND ACTION...: tests/cli/on-terminal has the actions.
on_terminal() {
    run python3 "$BATS_TEST_DIRNAME/../cli/on-terminal" "$@" 3>&-
    echo "$output"
    [ "$status" = 0 ]
}
