#!/usr/bin/env bats
# Capabilities, no_new_privs and filters: of the command, and of what is executed later.
load escape

# weakened: inheritable
@test "CVE-2022-24769: no capability is inheritable, whatever the caller's are: run, bocal-runtime run, exec" {
    require root
    in_work
    bundle 'grep -E "Cap(Inh|Amb)" /proc/self/status' "c['process']['capabilities'] = {k: ['CAP_CHOWN', 'CAP_NET_RAW'] for k in ('bounding', 'effective', 'permitted')}"
    applets grep
    with_caps() { setpriv --inh-caps +chown,+net_raw,+kill --ambient-caps +chown,+net_raw,+kill "$@"; }
    none=$(printf 'CapInh:\t0000000000000000\nCapAmb:\t0000000000000000')
    [ "$(with_caps "$work/bocal-runtime" --root "$work/root" run c-$$ </dev/null)" = "$none" ]
    [ "$(with_caps "$BOCAL" run /bin/grep -E 'Cap(Inh|Amb)' /proc/self/status)" = "$none" ]
    bundle 'exec sleep 100' "c['process']['capabilities'] = {k: ['CAP_CHOWN', 'CAP_NET_RAW'] for k in ('bounding', 'effective', 'permitted')}"
    background c-$$
    for option in "" "--cap CAP_KILL"; do
        # shellcheck disable=SC2086
        [ "$(with_caps "$work/bocal-runtime" --root "$work/root" exec $option c-$$ grep -E 'Cap(Inh|Amb)' /proc/self/status)" = "$none" ]
    done
    oci delete --force c-$$
}

# weakened: ambient
@test "CVE-2016-8867: a user other than root has no capability, ambient or other" {
    require ranges
    in_work
    run bocal run --user 1000:1000 /bin/grep -E 'Cap(Prm|Eff|Inh|Amb)' /proc/self/status
    ran
    [ "$(awk '{print $2}' <<<"$output" | sort -u)" = 0000000000000000 ]
}

# weakened: full_bounding
@test "the bounding set is the configuration's: of root's programs, of exec, of a configuration that names none" {
    require root
    in_work
    bundle 'grep -E "Cap(Bnd|Eff)" /proc/self/status' "c['process']['capabilities'] = {'bounding': ['CAP_CHOWN'], 'effective': ['CAP_CHOWN'], 'permitted': ['CAP_CHOWN']}"
    applets grep
    [ "$(oci run c-$$ </dev/null | awk '{print $2}' | sort -u)" = 0000000000000001 ]
    bundle 'grep -E "Cap(Bnd|Eff)" /proc/self/status'
    [ "$(oci run c-$$ </dev/null | awk '{print $2}' | sort -u)" = 0000000000000000 ]
    bundle 'exec sleep 100'
    background c-$$
    [ "$(oci exec c-$$ grep -E 'Cap(Bnd|Eff)' /proc/self/status | awk '{print $2}' | sort -u)" = 0000000000000000 ]
    [ "$(oci exec --user 5 c-$$ grep -E 'Cap(Bnd|Eff)' /proc/self/status | awk '{print $2}' | sort -u)" = 0000000000000000 ]
    oci delete --force c-$$
}

# weakened: exec_without_filter
@test "the filter is exec's as well" {
    require root
    in_work
    bundle 'exec sleep 100' "c['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['mkdir', 'mkdirat'], 'action': 'SCMP_ACT_ERRNO'}]}"
    applets mkdir grep
    background c-$$
    run oci exec c-$$ mkdir /made
    failed
    [ ! -e rootfs/made ]
    echo '{"args": ["/bin/mkdir", "/made"], "cwd": "/", "user": {"uid": 0, "gid": 0}}' >process.json
    run oci exec --process process.json c-$$
    failed
    [ ! -e rootfs/made ]
    [ "$(oci exec c-$$ grep Seccomp: /proc/self/status | tr -d '\t')" = Seccomp:2 ]
    oci delete --force c-$$
}

# weakened: exec_with_new_privs
@test "no_new_privs is exec's as well: a set-id program gains nothing" {
    require root
    in_work
    bundle 'exec sleep 100' "c['process']['noNewPrivileges'] = True"
    probe
    chmod 4755 rootfs/bin/probe
    applets grep
    background c-$$
    [ "$(oci exec --user 1000:1000 c-$$ probe who)" = 1000 ]
    [ "$(oci exec c-$$ grep NoNewPrivs /proc/self/status | tr -d '\t')" = NoNewPrivs:1 ]
    oci delete --force c-$$
}

# weakened: new_privs
@test "no_new_privs by default: a set-id program gains nothing" {
    require root
    in_work
    plain_root
    probe
    chmod 4755 rootfs/bin/probe
    [ "$(bocal run --rootfs "$work/rootfs" --user 1000:1000 /bin/probe who)" = 1000 ]
}

# weakened: narrow_filter
@test "CVE-2019-10063: bits above those that the kernel looks at open nothing" {
    require root
    in_work
    plain_root
    probe
    run bocal run --rootfs "$work/rootfs" /bin/probe wide
    ran
    [ "$output" = "$(printf 'vsock: Operation not permitted\nvsock, plain: Operation not permitted')" ] ||
        [ "$output" = "$(printf 'vsock: Function not implemented\nvsock, plain: Function not implemented')" ]
}

# weakened: filter_with_namespaces
@test "no user namespace by clone, unshare, in the default container" {
    require root
    in_work
    plain_root
    probe
    run bocal run --rootfs "$work/rootfs" /bin/probe namespaces
    ran
    contains "clone: "
    contains "unshare: Operation not permitted"
    lacks done
}
