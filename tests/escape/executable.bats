#!/usr/bin/env bats
# The runtime as a process among hostile ones: its executable, its fds, who may trace it.
load escape

# weakened: no_seals
@test "CVE-2019-5736: PID 1's executable is a sealed copy that nobody can write to" {
    require root
    in_work
    plain_root
    probe
    run bocal run --userns host --security-opt seccomp=unconfined --rootfs "$work/rootfs" /bin/probe seals /proc/1/exe
    ran
    contains "seals: 15" # F_SEAL_SEAL, _SHRINK, _GROW, _WRITE
    lacks "write: done"
}

# weakened: no_shim
@test "CVE-2019-5736: a script whose interpreter is /proc/self/exe gets no bocal: run, exec" {
    require root
    in_work
    bundle true "c['process']['args'] = ['/script', '--help']"
    printf '#!/proc/self/exe run\n' >rootfs/script
    chmod +x rootfs/script
    run oci run x-$$ </dev/null
    failed
    lacks Usage
    lacks "bocal:"
    lacks "bocal run:"
    bundle 'exec sleep 100'
    background x-$$
    run oci exec x-$$ /script --help
    failed
    lacks Usage
    lacks "bocal:"
    lacks "bocal run:"
    oci delete --force x-$$
}

# weakened: no_shim
@test "CVE-2019-5736: what is executed last is not the host's file, seen from outside" {
    require root
    in_work
    cp "$BOCAL" copy
    bundle 'exec sleep 100'
    ln -sf "$work/copy" bocal-runtime
    ln -s /proc/self/exe rootfs/command
    bundle true "c['process']['args'] = ['/command', 'run', '/bin/sleep', '100']"
    ln -sf "$work/copy" bocal-runtime
    run oci run x-$$ </dev/null
    failed
    lacks "bocal run:"
    lacks "copy:"
}

# weakened: traceable
@test "CVE-2016-9962: one that enters by exec shows neither its executable nor its fds" {
    require root
    in_work
    probe
    bundle 'exec probe watch /etc/seen' "c['linux']['namespaces'].append({'type': 'user'})
m = [{'containerID': 0, 'hostID': 0, 'size': 65536}]
c['linux'].update(uidMappings=m, gidMappings=m)
c['process']['capabilities'] = {k: ['CAP_SYS_PTRACE', 'CAP_CHOWN', 'CAP_SETUID', 'CAP_SETGID'] for k in ('bounding', 'effective', 'permitted')}"
    applets true
    background x-$$
    for _ in $(seq 100); do [ -e rootfs/etc/seen ] && break; sleep 0.05; done
    for _ in $(seq 60); do
        oci exec x-$$ true
        [ ! -s rootfs/etc/seen ] || break
    done
    [ ! -s rootfs/etc/seen ] || {
        cat rootfs/etc/seen
        return 1
    }
    oci delete --force x-$$
}

# weakened: traceable_wait
@test "CVE-2024-21626's class: a created container shows nothing of the host to who enters it" {
    require root
    in_work
    for user in 0 1234; do
        bundle 'exec sleep 100' "c['process'].update(noNewPrivileges=True, user={'uid': $user, 'gid': $user})
c['process']['capabilities'] = {k: ['CAP_CHOWN'] for k in ('bounding', 'effective', 'permitted')}"
        applets cat readlink
        oci create x-$$ </dev/null >/dev/null 2>&1
        # shellcheck disable=SC2016
        run oci exec x-$$ sh -c 'exec 2>/dev/null; for f in /proc/1/fd/*; do cat $f/../../../../..'"$work"'/host/canary; done; cat /proc/1/root/../host/canary
            readlink /proc/1/exe; readlink /proc/1/cwd'
        [ -z "$output" ]
        oci delete --force x-$$
    done
}

# weakened: traceable_wait
@test "nor to a startContainer hook, whose program is the container's" {
    require root
    in_work
    hook='(for f in /proc/1/fd/*; do cat $f/../../../../..'$work'/host/canary; done; readlink /proc/1/exe) >/etc/seen 2>/dev/null; true'
    HOOK=$hook bundle true "c['process']['noNewPrivileges'] = True
c['process']['capabilities'] = {k: ['CAP_CHOWN'] for k in ('bounding', 'effective', 'permitted')}
c['hooks'] = {'startContainer': [{'path': '/bin/sh', 'args': ['sh', '-c', os.environ['HOOK']]}]}"
    applets cat readlink
    run oci run x-$$ </dev/null
    ran
    [ -e rootfs/etc/seen ]
    [ ! -s rootfs/etc/seen ] || {
        cat rootfs/etc/seen
        return 1
    }
}

# weakened: hook_without_filter
@test "a startContainer hook is under the container's filter and has no more than its capabilities" {
    require root
    in_work
    for nnp in True False; do
        bundle true "c['process']['noNewPrivileges'] = $nnp
c['process']['capabilities'] = {k: ['CAP_CHOWN'] for k in ('bounding', 'effective', 'permitted')}
c['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['mkdir', 'mkdirat'], 'action': 'SCMP_ACT_ERRNO'}]}
c['hooks'] = {'startContainer': [{'path': '/bin/sh', 'args': ['sh', '-c', 'grep -E \"CapEff|CapBnd\" /proc/self/status >/etc/seen; mkdir /made; true']}]}"
        applets grep mkdir
        run oci run x-$$ </dev/null
        ran
        [ "$(tr -d '\t' <rootfs/etc/seen)" = "$(printf 'CapEff:0000000000000001\nCapBnd:0000000000000001')" ]
        [ ! -e rootfs/made ]
    done
}

# weakened: abstract_socket
@test "CVE-2020-15257: nothing of bocal listens on an abstract socket" {
    require root
    in_work
    abstract() { awk '$8 ~ /^@/ {print $8}' /proc/net/unix | sort; }
    bundle 'exec sleep 100' "c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != 'network']"
    abstract >before-sockets
    oci create x-$$ </dev/null >/dev/null 2>&1
    abstract | comm -13 before-sockets - >new-sockets
    not grep -F -e bocal -e start -e x-$$ new-sockets
    oci delete --force x-$$
}

# weakened: open_layers
@test "CVE-2021-41091: what a container writes cannot be executed by others on the host" {
    require root
    in_work
    "$BOCAL" run --userns host --upper disk /bin/sh -c 'cp /bin/busybox /set-id; chmod 4755 /set-id; echo ready; sleep 20' >out &
    runner=$!
    for _ in $(seq 100); do [ -s out ] && break; sleep 0.05; done
    found=$(find /var/lib/bocal/containers -path '*/upper/set-id' | head -1)
    [ -n "$found" ]
    run setpriv --reuid 65534 --regid 65534 --clear-groups test -e "$found"
    kill $runner
    wait $runner || true
    failed
}
