#!/usr/bin/env bats
# bocal-runtime spec: the config.json that a bundle begins with runs, here and under other runtimes.
load helpers
load bundles

# Of a bundle whose configuration somebody has written: no terminal, and a COMMAND.
change() { COMMAND=$1 python3 -c 'import json, os
c = json.load(open("config.json"))
c["process"].update(terminal=False, args=["sh", "-c", os.environ["COMMAND"]])
json.dump(c, open("config.json", "w"))'; }

spec_bundle() {
    bundle true
    for applet in id cat grep touch; do ln -sf busybox rootfs/bin/$applet; done
    rm config.json
    "$work/bocal-runtime" spec "$@"
}

# read_config PYTHON: config.json is c.
read_config() { python3 -c "import json; c = json.load(open('${2:-config.json}')); l = c['linux']; print($1)"; }

@test "spec: what it says, and that it overwrites nothing" {
    spec_bundle
    [ "$(read_config 'c["ociVersion"], c["process"]["args"], c["process"]["terminal"], c["process"]["noNewPrivileges"], c["root"]["readonly"]')" = "1.0.2 ['sh'] True True True" ]
    [ "$(read_config '[n["type"] for n in l["namespaces"]][:5]')" = "['pid', 'network', 'ipc', 'uts', 'mount']" ]
    [ "$(read_config '"cgroup" in [n["type"] for n in l["namespaces"]]')" = "$(is_v2 && echo True || echo False)" ]
    before=$(cksum config.json)
    run "$work/bocal-runtime" spec
    [ "$status" = 1 ]
    contains "exists already"
    [ "$(cksum config.json)" = "$before" ]
    mkdir other
    "$work/bocal-runtime" spec --bundle other
    [ "$(cksum <other/config.json)" = "$(cksum <config.json)" ]
    run "$work/bocal-runtime" spec --bundle none
    [ "$status" = 1 ]
    contains "none/config.json"
}

@test "spec: it runs" {
    require root
    spec_bundle
    change 'id -u; cat /proc/sys/kernel/hostname; grep -E "CapEff|NoNewPrivs" /proc/self/status; touch /x || cat /proc/kcore'
    run oci run spec1-$$ </dev/null
    contains "$(printf '0\nbocal\n')"
    contains "CapEff:	0000000020000420"
    contains "NoNewPrivs:	1"
    contains "/x: Read-only file system"
    [ ! -s rootfs/x ]
    [ -z "$(ls root)" ]
}

@test "spec --rootless: it runs, for who has one id" {
    require user
    spec_bundle --rootless
    [ "$(read_config 'l["uidMappings"][0]["hostID"], l["gidMappings"][0]["hostID"], "resources" in l')" = "$(id -u) $(id -g) False" ]
    [ "$(read_config '[o for m in c["mounts"] for o in m.get("options", []) if o.startswith("gid=")]')" = "[]" ]
    change 'id -u; cat /proc/self/uid_map; [ -d /sys/class ] && cat /proc/sys/kernel/hostname'
    run oci run spec2-$$ </dev/null
    [ "$status" = 0 ]
    [ "${lines[0]}" = 0 ]
    [ "$(echo ${lines[1]})" = "0 $(id -u) 1" ]
    [ "${lines[2]}" = bocal ]
}

@test "spec: other runtimes run it where they run their own" {
    require root
    found=
    for peer in runc crun; do
        command -v $peer >/dev/null || continue
        spec_bundle
        mv config.json ours
        $peer spec
        change 'exit 3'
        status=0
        timeout 30 $peer --root "$work/$peer" run spec3-$$ </dev/null || status=$?
        [ "$status" = 3 ] || continue
        found="$found $peer"
        mv ours config.json
        change 'exit 4'
        run timeout 30 $peer --root "$work/$peer" run spec3-$$ </dev/null
        [ "$status" = 4 ]
        rm config.json
    done
    [ -n "$found" ] || skip "needs runc or crun, able to run a container"
}
