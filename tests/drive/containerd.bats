#!/usr/bin/env bats
# containerd drives the runtime, by ctr; and Buildah, without a daemon.
load helpers

setup_file() {
    can_have containerd ctr || return 0
    begin
    cat >"$work/config.toml" <<C
version = 2
root = "$work/root-of-containerd"
state = "$work/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
    "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "$work/containerd.sock"
[ttrpc]
  address = "$work/containerd.sock.ttrpc"
C
    find /run/containerd >"$work/run-before" 2>/dev/null || true
    containerd --config "$work/config.toml" >"$work/log" 2>&1 3>&- 4>&- &
    echo $! >"$work/daemon"
    export CONTAINERD_ADDRESS=$work/containerd.sock CONTAINERD_NAMESPACE=${own_cgroup#/}
    wait_until ctr version >/dev/null 2>&1 || {
        tail "$work/log" >&2
        return 1
    }
    oci_archive "$work/root.tar" "$work/image.tar"
    ctr image import --base-name local/box "$work/image.tar" >/dev/null
}

teardown_file() {
    [ -n "${work:-}" ] || return 0
    local name
    for name in $(ctr container ls -q); do
        ctr task rm -f "$name" || true
        ctr container rm "$name" || true
    done
    wait_until no_shims || true
    kill "$(cat "$work/daemon")"
    wait_until gone "$(cat "$work/daemon")"
    # Sockets and pipes are there whatever the configuration says, and stay when a shim was killed.
    find /run/containerd -depth 2>/dev/null | grep -vxFf "$work/run-before" | while read -r path; do
        rm -d "$path"
    done
    finish
}

# oci_archive ROOT.tar ARCHIVE: an image of one layer.
oci_archive() {
    python3 - "$1" "$2" <<'P'
import hashlib, io, json, sys, tarfile
layer = open(sys.argv[1], "rb").read()
archive = tarfile.open(sys.argv[2], "w")

def add(name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))

def blob(kind, data):
    data = data if isinstance(data, bytes) else json.dumps(data).encode()
    digest = hashlib.sha256(data).hexdigest()
    add("blobs/sha256/" + digest, data)
    return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data)}

config = {"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"], "Cmd": ["sh"]},
          "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}
manifest = blob("manifest.v1+json", {"schemaVersion": 2, "config": blob("config.v1+json", config),
                                     "layers": [blob("layer.v1.tar", layer)]})
manifest["annotations"] = {"org.opencontainers.image.ref.name": "1"}
add("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
add("index.json", json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode())
P
}

ctr() { timeout 60 ctr "$@" 3>&- 4>&-; }

run_box() { # OPTION... NAME COMMAND...: the image stands before the name
    local options=()
    while [[ $1 = -* ]]; do
        options+=("$1")
        shift
    done
    [ "$manager" = cgroupfs ] || options+=(--runc-systemd-cgroup --cgroup "$own_cgroup:ctr:$box")
    ctr run --runc-binary "$RUNTIME" --runc-root "$work/states" "${options[@]}" local/box:1 "$@"
}

setup() {
    require root
    require containerd
    require ctr
    box=t$BATS_TEST_NUMBER
    cd "$work"
}

teardown() {
    [ -n "${work:-}" ] || return 0
    ctr task rm -f "$box" >/dev/null 2>&1 || true
    ctr container rm "$box" >/dev/null 2>&1 || true
    wait_until no_states
}

no_states() { [ -z "$(ls "$work/states/$CONTAINERD_NAMESPACE" 2>/dev/null)" ]; }

status_is() { [ "$(ctr task ls | awk -v name="$box" '$1 == name {print $3}')" = "$1" ]; }
pid_of() { ctr task ls | awk -v name="$box" '$1 == name {print $2}'; }

@test "ctr run --rm: output, environment, directory, exit status" {
    # A moment before the end: at that ctr gives up its fifos, and with them what it has not read yet.
    ends 7 run_box --rm --env=A=b --cwd=/etc "$box" sh -c 'echo "$A $(pwd) $(id -u):$(id -g)"; sleep 0.5; exit 7'
    same "b /etc 0:0" "$output"
    ends 1 ctr container info "$box"
}

@test "ctr run: a command that is missing, one that may not be executed" {
    ends 1 run_box --rm "$box" /none
    contains "/none"
    contains "no such file or directory"
    ends 1 run_box --rm "$box" /etc/not-executable
    contains "permission denied"
}

@test "ctr run -d, task ls, ps, exec, kill, rm" {
    run_box -d "$box" sh -c 'sleep 100 & sleep 101 & wait'
    wait_until status_is RUNNING
    local pid
    pid=$(pid_of)
    ends 0 ctr task ps "$box"
    contains "$pid"
    wait_until has_processes 3
    ends 5 ctr task exec --exec-id one --user 1000 --cwd /etc "$box" sh -c 'echo "$(pwd) $(id -u) $(readlink /proc/self/ns/pid)"; exit 5'
    same "/etc 1000 $(readlink "/proc/$pid/ns/pid")" "$output"
    ends 1 ctr task exec --exec-id two "$box" /none
    contains "no such file or directory"
    ctr task kill -s SIGKILL "$box"
    wait_until status_is STOPPED
    ends 0 ctr task rm "$box"
    contains "exit code 137"
    ctr container rm "$box"
}

has_processes() { [ "$(ctr task ps "$box" | grep -c '^[0-9]')" = "$1" ]; }

@test "ctr run -t and task exec -t: terminals" {
    on_terminal "/usr/bin/env ctr run --rm -t --runc-binary $RUNTIME --runc-root $work/states local/box:1 $box sh" \
        'wait:# ' "type:$tty_and_size" 'wait:/dev/pts/0' 'wait:33 111' 'type:exit 6' 'end:6' 'same'
    run_box -d "$box" sleep 100
    on_terminal "/usr/bin/env ctr task exec -t --exec-id one $box sh" \
        'wait:# ' "type:$tty_and_size" 'wait:/dev/pts/0' 'wait:33 111' 'type:exit 6' 'end:6' 'same'
}

@test "ctr task pause and resume" {
    run_box -d "$box" sleep 100
    ctr task pause "$box"
    status_is PAUSED
    wait_until is_frozen "$(pid_of)"
    ctr task resume "$box"
    status_is RUNNING
    ends 1 is_frozen "$(pid_of)"
}

@test "ctr run: limits; metrics; kill --all" {
    require limits
    run_box -d --memory-limit=67108864 --cpus=0.5 "$box" sh -c 'sleep 100 & sleep 101 & wait'
    local pid
    pid=$(pid_of)
    wait_until has_processes 3
    same "67108864 50000 100000" "$(memory_limit "$pid") $(cpu_limit "$pid")"
    ends 0 ctr task metrics --format json "$box"
    python3 -c 'import json, sys
data = json.loads(sys.argv[1])
used = data["memory"]["usage"]
used = used if isinstance(used, int) else used["usage"] # cgroup v2, v1
assert data["pids"]["current"] == 3 and 0 < used < 67108864, data' "$output"
    ctr task kill -a -s SIGKILL "$box"
    wait_until status_is STOPPED
    ends 3 has_process "$pid"
}

has_process() { [ -e "/proc/$1" ] || return 3; }

@test "ctr run --read-only, --mount, --privileged, --seccomp, --net-host" {
    mkdir -p volume
    ends 0 run_box --rm --read-only --mount="type=bind,src=$work/volume,dst=/home,options=rbind:rw" "$box" \
        sh -c 'touch /no; echo in >/home/file'
    contains "/no: Read-only"
    same in "$(cat volume/file)"
    same "$(capabilities)" "$(run_box --rm --privileged "$box" awk '/^CapEff/ {print $2}' /proc/self/status)"
    same 2 "$(run_box --rm --seccomp "$box" awk '/^Seccomp:/ {print $2}' /proc/self/status)"
    same "$(readlink /proc/self/ns/net)" "$(run_box --rm --net-host "$box" readlink /proc/self/ns/net)"
}

@test "a shim that is killed: containerd has the runtime clean up" {
    run_box -d "$box" sleep 100
    local pid shim
    pid=$(pid_of)
    shim=$(awk '/^PPid:/ {print $2}' "/proc/$pid/status")
    [ "$(readlink "/proc/$shim/exe")" = "$(command -v containerd-shim-runc-v2)" ]
    kill -KILL "$shim"
    wait_until gone "$pid"
    wait_until no_states
}

# ---- Buildah ----

buildah() {
    timeout 60 buildah --root "$work/storage" --runroot "$work/run" --storage-driver overlay "$@" 3>&- 4>&-
}

@test "buildah from, run, commit; bud" {
    require buildah
    echo buildah-buildah >"$work/ids" # so it calls its containers, with a number
    printf '[containers]\ndefault_ulimits = ["nofile=%s:%s", "nproc=1000:1000"]\n' "$(ulimit -Hn)" "$(ulimit -Hn)" >containers.conf
    export CONTAINERS_CONF=$work/containers.conf
    working=$(buildah from scratch)
    buildah add "$working" "$work/root.tar" /
    ends 7 buildah run --isolation oci --runtime "$RUNTIME" --network none "$working" -- sh -c 'echo inside; exit 7'
    contains inside
    buildah run --isolation oci --runtime "$RUNTIME" --network none --user guest "$working" -- sh -c 'id -u >/tmp/user'
    buildah config --cmd "cat /tmp/user" "$working"
    buildah commit -q "$working" made
    printf 'FROM localhost/made\nRUN cat /tmp/user >/copy && hostname >>/copy\n' >Containerfile
    buildah bud -q --isolation oci --runtime "$RUNTIME" --network none -t next .
    second=$(buildah from next)
    same 1000 "$(head -1 "$(buildah mount "$second")/copy")"
    buildah umount "$second"
    on_terminal "/usr/bin/env buildah --root $work/storage --runroot $work/run --storage-driver overlay run --isolation oci --runtime $RUNTIME --network none -t $working sh" \
        'wait:# ' 'type:tty' 'wait:/dev/pts/0' 'type:exit 6' 'end:6'
    buildah rm -a
    buildah rmi -a
}
