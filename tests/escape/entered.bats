#!/usr/bin/env bats
# exec into a container whose first process is hostile: it has changed its root, its namespaces, its mounts.
load escape

# weakened: exec_without_userns
@test "exec follows a first process into a user namespace that it made, or is refused: never beside it" {
    require root
    in_work
    bundle 'exec unshare -U -m sleep 100'
    applets unshare readlink id
    background e-$$
    pid=$(pid_of e-$$)
    for _ in $(seq 100); do [ "$(readlink /proc/"$pid"/ns/user)" != "$(readlink /proc/self/ns/user)" ] && break; sleep 0.05; done
    wanted=$(readlink /proc/"$pid"/ns/user)
    [ "$wanted" != "$(readlink /proc/self/ns/user)" ] || skip "user namespaces cannot be made here"
    run oci exec e-$$ readlink /proc/self/ns/user
    [ "$status" != 0 ] || [ "$output" = "$wanted" ]
    oci delete --force e-$$
}

# weakened: exec_without_filter
@test "exec into a container that has changed its root and mounts: filter, capabilities and privileges are as they were" {
    require root
    in_work
    bundle 'mkdir -p /jail/bin /jail/proc /jail/etc; cp /bin/busybox /jail/bin; echo "5:x:0:0::/:" >/jail/etc/passwd; exec unshare -m chroot /jail /bin/busybox sleep 100' \
        "caps = ['CAP_SYS_ADMIN', 'CAP_SYS_CHROOT', 'CAP_DAC_OVERRIDE']
c['process'].update(noNewPrivileges=True, capabilities={k: caps for k in ('bounding', 'effective', 'permitted')})
c['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['reboot'], 'action': 'SCMP_ACT_ERRNO'}]}"
    applets mkdir cp unshare chroot id grep
    background e-$$
    for _ in $(seq 100); do [ "$(readlink /proc/"$(pid_of e-$$)"/root)" != / ] && [ -e rootfs/jail/etc/passwd ] && break; sleep 0.05; done
    run oci exec e-$$ /bin/busybox grep -E 'CapBnd|NoNewPrivs|Seccomp:' /proc/self/status
    if [ "$status" = 0 ]; then
        contains "Seccomp:	2"
        contains "NoNewPrivs:	1"
        contains "CapBnd:	0000000000240002"
    fi
    [ "$status" = 0 ]
    [ "$(oci exec --user 5 e-$$ /bin/busybox id -u)" = 5 ]
    oci delete --force e-$$
}

# weakened: any_target
@test "exec does not enter a process that has got the number of the container's first" {
    require root
    in_work
    bundle 'exec sleep 100'
    applets readlink
    background e-$$
    sleep 0.1 # the kernel counts start times in hundredths
    sleep 60 &
    other=$!
    pid=$(pid_of e-$$)
    cp root/e-$$/state.json kept
    sed -i "s/\"pid\": $pid/\"pid\": $other/" root/e-$$/state.json
    run oci exec e-$$ readlink /proc/self/ns/mnt
    cp kept root/e-$$/state.json
    kill $other
    failed
    oci delete --force e-$$
}
