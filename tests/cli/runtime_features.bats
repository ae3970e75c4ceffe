#!/usr/bin/env bats
# bocal-runtime features: what it claims is taken in a config.json, what it denies is refused there.
load helpers
load bundles

# features PYTHON: the document is f.
features() { "$work/bocal-runtime" features | python3 -c "import json, sys; f = json.load(sys.stdin); $1"; }

# planned PYTHON: plans, and no more, what a bundle as PYTHON changes it says.
planned() { bundle true "import subprocess
f = json.loads(subprocess.check_output(['./bocal-runtime', 'features'])); l = f['linux']
$1" && bocal run --bundle . --dry-run >plan; }

@test "features: version 1.3.0, and this bocal" {
    ln -s "$BOCAL" bocal-runtime
    [ "$(features 'print(f["ociVersionMin"], f["ociVersionMax"], f["hooks"][0], f["hooks"][5], len(f["hooks"]))')" = "1.0.0 1.3.0 prestart poststop 6" ]
    [ "$(features 'print(f["annotations"]["io.bocal.version"])')" = "$("$BOCAL" version | sed -n '1s/^bocal //p')" ]
    features 'assert "io.bocal." in f["potentiallyUnsafeConfigAnnotations"]'
}

@test "--version: what engines and scripts look for" {
    ln -s "$BOCAL" bocal-runtime
    run "$work/bocal-runtime" --version
    [ "${lines[0]}" = "bocal-runtime version $("$BOCAL" version | sed -n '1s/^bocal //p')" ]
    [ "${lines[1]}" = "spec: $(features 'print(f["ociVersionMax"])')" ]
    [ "${lines[2]}" = "+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF +CRIU +JSON_C" ]
    [ "${#lines[@]}" = 3 ]
}

@test "features: every mount option, namespace, capability and hook is taken" {
    require root
    planned "c['mounts'] += [{'destination': '/m/%d' % i, 'type': 'bind', 'source': '/', 'options': [o]} for i, o in enumerate(f['mountOptions']) if o != 'tmpcopyup']
ids = [{'containerID': 0, 'hostID': 1000, 'size': 9}]
for m in c['mounts'][3:]:
    if 'idmap' in m['options'][0]: m.update(uidMappings=ids, gidMappings=ids)"
    for option in rnodev rnosymfollow rnoatime; do grep -q $option plan; done
    planned "c['mounts'] += [{'destination': '/m', 'type': 'tmpfs', 'source': 'm', 'options': [o for o in ('tmpcopyup', 'rro') if o in f['mountOptions']]}]"
    planned "c['linux'].update(namespaces=[{'type': t} for t in l['namespaces']], uidMappings=[{'containerID': 0, 'hostID': 1000, 'size': 1}], gidMappings=[{'containerID': 0, 'hostID': 1000, 'size': 1}])"
    for mode in $(features 'print(*f["linux"]["memoryPolicy"]["modes"])'); do
        run planned "c['linux']['memoryPolicy'] = {'mode': '$mode', 'flags': l['memoryPolicy']['flags']}"
        [[ $output != *expected* ]] # whether the kernel has it is the host's matter
    done
    run planned "c['process']['capabilities'] = {'bounding': l['capabilities']}"
    [[ $output != *"unknown capability"* ]] # whether bocal has them itself is the host's matter
    planned "c['hooks'] = {k: [{'path': '/bin/true'}] for k in f['hooks']}"
}

@test "features: every seccomp word is taken, and no other" {
    require root
    planned "c['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'architectures': l['seccomp']['archs'], 'flags': l['seccomp']['supportedFlags'],
    'syscalls': [{'names': ['mkdir'], 'action': 'SCMP_ACT_ERRNO', 'args': [{'index': 1, 'value': 1, 'valueTwo': 1, 'op': o}]} for o in l['seccomp']['operators']]
              + [{'names': ['swapon'], 'action': a, 'args': [{'index': 0, 'value': i, 'op': 'SCMP_CMP_EQ'}]} for i, a in enumerate(l['seccomp']['actions']) if a != 'SCMP_ACT_ALLOW'], 'listenerPath': '/none'}"
    grep -q seccomp plan
    run planned "c['linux']['seccomp'] = {'defaultAction': 'SCMP_ACT_ALLOW', 'syscalls': [{'names': ['mkdir'], 'action': 'SCMP_ACT_ASK'}]}"
    [ "$status" != 0 ]
    contains "unknown action SCMP_ACT_ASK"
}

@test "features: what is claimed is taken, or refused by its name for what this host lacks" {
    require root
    asks() { # CLAIM PROPERTY PYTHON
        run planned "open('claim', 'w').write(str($1))
$3"
        [ "$(cat claim)" = True ]
        [ "$status" = 0 ] || contains "$2" # taken, or refused by its name for what this host lacks
    }
    asks "l['intelRdt']['enabled']" intelRdt "c['linux']['intelRdt'] = {'closID': 'x'}"
    asks "l['intelRdt']['schemata']" intelRdt "c['linux']['intelRdt'] = {'schemata': ['L3:0=f']}"
    asks "l['intelRdt']['monitoring']" intelRdt "c['linux']['intelRdt'] = {'enableMonitoring': True}"
    asks "l['netDevices']['enabled']" netDevices "c['linux']['netDevices'] = {'none0': {'name': 'none1'}}"
    asks "l['selinux']['enabled']" mountLabel "c['linux']['mountLabel'] = 'x'"
    asks "l['cgroup']['rdma']" rdma "c['linux']['resources'] = {'rdma': {'mlx5': {'hcaHandles': 3}}}"
}
