# For tests of bocal-runtime: bundles, and containers made of them.

# Containers of this test only: a root of its own, cgroups with its name.
oci() { timeout 30 "$work/bocal-runtime" --root "$work/root" "$@"; }

# bundle COMMAND [PYTHON]: a bundle that runs the shell COMMAND, changed by PYTHON, where it is called c.
bundle() {
    ln -sf "$BOCAL" bocal-runtime
    mkdir -p rootfs/bin rootfs/proc rootfs/dev rootfs/sys rootfs/etc
    cp "$(command -v busybox)" rootfs/bin/busybox
    ln -sf busybox rootfs/bin/sh
    ln -sf busybox rootfs/bin/sleep
    COMMAND=$1 python3 -c "import json, os
c = {'ociVersion': '1.0.2', 'root': {'path': 'rootfs'}, 'hostname': 'box', 'annotations': {'a.b': 'c'},
     'process': {'args': ['/bin/sh', '-c', os.environ['COMMAND']], 'cwd': '/', 'env': ['PATH=/bin'], 'user': {'uid': 0, 'gid': 0}},
     'mounts': [{'destination': '/proc', 'type': 'proc', 'source': 'proc'}, {'destination': '/dev', 'type': 'tmpfs', 'source': 'tmpfs'},
                {'destination': '/dev/pts', 'type': 'devpts', 'source': 'devpts', 'options': ['newinstance', 'ptmxmode=0666']}],
     'linux': {'namespaces': [{'type': t} for t in ('pid', 'mount', 'uts', 'ipc', 'network')]}}
${2:-}
json.dump(c, open('config.json', 'w'))"
}

status_of() { oci state "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["status"])'; }

wait_for() { # STATUS ID
    for _ in $(seq 100); do
        [ "$(status_of "$2")" = "$1" ] && return
        sleep 0.05
    done
    echo "$2 is not $1"
    return 1
}

# hook NAME [STATUS]: a program that writes NAME and the state's status to the file said, and fails with STATUS.
hook() {
    printf '#!/bin/sh\nexec >>%s\necho "%s $(tr -d " \\n" | sed -n "s/.*\\"status\\":\\"\\([a-z]*\\)\\".*/\\1/p") $(readlink /proc/self/ns/mnt)"\nexit %s\n' "$work/said" "$1" "${2:-0}" >"hook-$1"
    chmod +x "hook-$1"
}
