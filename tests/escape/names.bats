#!/usr/bin/env bats
# Names that become paths: sysctls, cgroups, containers; and annotations.
load escape

# weakened: any_sysctl
@test "CVE-2022-0811: a bundle's sysctls are those of its own namespaces, by whatever spelling" {
    require root
    in_work
    value=$(cat /proc/sys/vm/stat_interval) # what it is already: nothing changes where this test fails
    for key in vm.stat_interval vm/stat_interval net/../vm/stat_interval net.ipv4/../../vm/stat_interval ../sys/vm/stat_interval \
        net..vm kernel.shm/../../vm/stat_interval kernel.shm_rmid_forced/../../vm/stat_interval /proc/sys/vm/stat_interval "" net net/; do
        bundle 'echo ran' "c['linux']['sysctl'] = {'$key': '$value'}"
        run oci run n-$$ </dev/null
        failed
        lacks ran
        contains sysctl
    done
    bundle 'echo ran' "c['linux']['sysctl'] = {'net.ipv4.ip_unprivileged_port_start': '80', 'net/ipv4/ip_default_ttl': '63', 'kernel.shm_rmid_forced': '1'}"
    run oci run n-$$ </dev/null
    ran
}

# weakened: any_sysctl
@test "a bundle's sysctls of namespaces that it shares with the host are refused" {
    require root
    in_work
    ttl=$(cat /proc/sys/net/ipv4/ip_default_ttl) shm=$(cat /proc/sys/kernel/shm_rmid_forced)
    for pair in "network net.ipv4.ip_default_ttl $ttl" "ipc kernel.shm_rmid_forced $shm"; do
        # shellcheck disable=SC2086
        set -- $pair
        bundle 'echo ran' "c['linux']['sysctl'] = {'$2': '$3'}
c['linux']['namespaces'] = [n for n in c['linux']['namespaces'] if n['type'] != '$1']"
        run oci run n-$$ </dev/null
        failed
        lacks ran
        bundle 'echo ran' "c['linux']['sysctl'] = {'$2': '$3'}
for n in c['linux']['namespaces']:
    if n['type'] == '$1': n['path'] = '/proc/self/ns/' + {'network': 'net'}.get('$1', '$1')"
        run oci run n-$$ </dev/null
        failed
        lacks ran
    done
}

# weakened: any_sysctl
@test "--sysctl: the host's are refused, by whatever spelling" {
    require root
    in_work
    for key in vm.stat_interval vm/stat_interval net/../vm/stat_interval net.ipv4/../../vm/stat_interval ../sys/vm/stat_interval \
        kernel.shm/../../vm/stat_interval /proc/sys/vm/stat_interval; do
        run bocal run --userns host --sysctl "$key=$(cat /proc/sys/vm/stat_interval)" /bin/echo ran
        failed
        lacks ran
    done
}

# weakened: any_cgroup
@test "cgroupsPath does not lead out of the cgroup file systems" {
    require root
    in_work
    chmod 755 host
    for path in "/../../../../../../$work/host/made" "/a/../../../../../../$work/host/made" /a/.. /.. / // /. /a/./b "/a
b"; do
        CGROUP=$path bundle 'echo ran' "c['linux']['cgroupsPath'] = os.environ['CGROUP']"
        run oci run n-$$ </dev/null
        failed
        lacks ran
        contains cgroupsPath
        untouched
    done
}

# weakened: undo_others
@test "a cgroup that is there already is nobody's to be removed, nor are its processes" {
    require root
    in_work
    top=/sys/fs/cgroup
    is_v2 || top=/sys/fs/cgroup/pids
    [ -d $top ] || skip "needs cgroups"
    sleep 60 &
    other=$!
    mkdir "$top/escape-$$"
    echo $other >"$top/escape-$$/cgroup.procs"
    bundle 'echo ran' "c['linux']['cgroupsPath'] = '/escape-$$'"
    run oci run n-$$ </dev/null
    oci delete --force n-$$
    alive=no
    ! kill -0 $other || alive=yes
    echo $other >$top/cgroup.procs || true
    kill $other || true
    wait $other || true
    [ -d "$top/escape-$$" ]
    find /sys/fs/cgroup -depth -type d -name "escape-$$" -exec rmdir {} +
    failed
    [ $alive = yes ]
}

# weakened: undo_others
@test "nor are those of a container of the same name below another --root" {
    require root
    in_work
    bundle 'exec sleep 100'
    background n-$$
    run timeout 20 "$work/bocal-runtime" --root "$work/other" create n-$$ </dev/null
    failed
    [ "$(status_of n-$$)" = running ]
    oci exec n-$$ sh -c true
    oci delete --force n-$$
}

# weakened: any_exec_cgroup
@test "exec --cgroup does not lead out of the container's" {
    require root
    in_work
    [ -d /sys/fs/cgroup/pids ] || [ -f /sys/fs/cgroup/cgroup.controllers ] || skip "needs cgroups"
    bundle 'exec sleep 100' "c['linux']['cgroupsPath'] = '/escape-$$/one'"
    applets cat
    background n-$$
    for path in .. ../.. "pids:.." "pids:../" "/../"; do
        run oci exec --cgroup "$path" n-$$ cat /proc/self/cgroup
        failed
    done
    oci delete --force n-$$
}

# weakened: any_name
@test "a container's name is no path: create, state, exec, kill, delete" {
    require root
    in_work
    bundle 'echo ran'
    mkdir root
    for name in .. . ../host host/../../host "$work/host" "" "a b" $'a\nb' $'\e[31m' a/b; do
        for verb in create run state kill delete "delete --force" exec start pause ps; do
            # shellcheck disable=SC2086
            run oci $verb "$name" </dev/null
            failed
            lacks ran
            printf '%s\n' "$output" >>said
        done
    done
    no_controls said
    untouched
}

# weakened: any_unified
@test "names of cgroup files are no paths" {
    require root
    in_work
    for key in ../escape.none memory.max/../escape.none /escape.none escape; do
        bundle 'echo ran' "c['linux']['resources'] = {'unified': {'$key': '1'}}"
        run oci run n-$$ </dev/null
        failed
        lacks ran
        contains "cgroup's file"
    done
}

# weakened: any_clos
@test "the name of a resctrl group is no path" {
    require root
    in_work
    for name in .. . a/b ../../tmp /x; do
        bundle 'echo ran' "c['linux']['intelRdt'] = {'closID': '$name', 'schemata': ['MB:0=50']}"
        run oci run n-$$ </dev/null
        failed
        lacks ran
        contains "/linux/intelRdt/closID: expected a name"
    done
}

# weakened: trusting_annotations
@test "annotations take away no protection" {
    require root
    in_work
    protections="c['process'].update(noNewPrivileges=True, capabilities={k: ['CAP_CHOWN'] for k in ('bounding', 'effective', 'permitted')})
c['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['reboot'], 'action': 'SCMP_ACT_ERRNO'}]}"
    look='grep -E "Cap|NoNew|Seccomp:" /proc/self/status; id -G'
    bundle "$look" "$protections"
    applets grep id
    plain=$(oci run n-$$ </dev/null)
    bundle "$look" "$protections
for name in ('privileged', 'init', 'idmap', 'seccomp', 'no-new-privileges', 'capabilities', 'userns'):
    for value in ('true', 'false', 'unconfined', 'host'):
        c['annotations'].update({'io.bocal.' + name: value, 'run.oci.' + name: value})
c['annotations'].update({'io.bocal.init': 'false', 'io.bocal.privileged': 'true', 'run.oci.handler': '../../host'})"
    [ "$(setpriv --groups 4242 timeout 20 "$work/bocal-runtime" --root "$work/root" run n-$$ </dev/null)" = "$plain" ]
    # One gives the caller's groups, which is what it is for, and nothing beside; features says that not everybody may write it.
    bundle "$look" "$protections
c['annotations']['run.oci.keep_original_groups'] = '1'"
    kept=$(setpriv --groups 4242 timeout 20 "$work/bocal-runtime" --root "$work/root" run n-$$ </dev/null)
    [ "$(echo "$kept" | head -n -1)" = "$(echo "$plain" | head -n -1)" ]
    [ "$(echo "$kept" | tail -1)" = "0 4242" ]
    "$work/bocal-runtime" features | grep -q '"run.oci."'
}
