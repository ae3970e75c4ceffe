#!/usr/bin/env bats
# --bundle DIR: a config.json that says everything; and --dry-run=oci, which writes one.
load helpers

make_root() {
    mkdir -p root/bin root/proc root/dev root/sys root/etc root/tmp
    cp "$(command -v busybox)" root/bin/busybox
    ln -sf busybox root/bin/sh
}

# bundle PYTHON: config.json from --dry-run=oci of a shell, changed by PYTHON, where it is called c.
bundle() {
    make_root
    bocal run --dry-run=oci --rootfs "$work/root" /bin/sh -c 'id -u; hostname; exit 3' >before.json
    python3 -c "import json
c = json.load(open('before.json'))
$1
json.dump(c, open('config.json', 'w'))"
}

@test "what --dry-run=oci writes is run by --bundle" {
    bundle ""
    run bocal run --bundle .
    [ "$status" = 3 ]
    [ "${lines[0]}" = 0 ]
    [ "${#lines[1]}" = 12 ]
}

@test "a configuration of the embedded image, written and run, and the plan is the same" {
    bocal run --dry-run=oci /bin/sh -c 'echo x >/written && cat /written' >config.json
    run bocal run --bundle .
    [ "$output" = x ]
    bocal run --dry-run --bundle . | grep -oE '^ *[0-9]+  (host|init)  [a-z]+' >from-bundle
    bocal run --dry-run /bin/sh -c 'echo x >/written && cat /written' | grep -v generated |
        grep -v 'label\|apparmor' | grep -oE '^ *[0-9]+  (host|init)  [a-z]+' >from-options
    diff <(sed 's/^ *[0-9]*//' from-options | sort) <(sed 's/^ *[0-9]*//' from-bundle | sort)
}

@test "the seccomp profile of --dry-run=oci is plain OCI, for these capabilities" {
    bocal run --dry-run=oci --cap-add SYS_ADMIN /bin/true >with.json
    bocal run --dry-run=oci /bin/true >without.json
    python3 -c '
import json
allowed = lambda f: {n for r in json.load(open(f))["linux"]["seccomp"]["syscalls"] if r["action"] == "SCMP_ACT_ALLOW" and not r.get("args") for n in r["names"]}
assert "mount" in allowed("with.json") and "mount" not in allowed("without.json")
assert "read" in allowed("without.json")
profile = json.load(open("without.json"))["linux"]["seccomp"]
assert "archMap" not in profile and profile["architectures"]
assert not any("includes" in r or "excludes" in r for r in profile["syscalls"])'
}

@test "an archMap of anything but names is no crash" {
    echo '{"defaultAction": "SCMP_ACT_ALLOW", "archMap": [{"architecture": null}, {"architecture": 3}, 7], "syscalls": []}' >odd.json
    run bocal run --security-opt seccomp="$work/odd.json" /bin/echo fine
    [ "$status" = 0 ]
    [ "$output" = fine ]
}

@test "runc runs it as well" {
    require root
    command -v runc >/dev/null || skip "runc is not installed"
    make_root
    bocal run --dry-run=oci --userns host --no-init --rootfs "$work/root" /bin/sh -c 'echo ran; exit 5' >config.json
    run runc run --bundle . "bocal-cli-$$"
    [ "$status" = 5 ]
    contains ran
}

@test "wrong values are named by a JSON pointer" {
    bundle "c['linux']['resources'] = {'pids': {'limit': 'many'}}"
    refused 125 "/linux/resources/pids/limit: expected an integer" --bundle .
    bundle "c['process']['user']['uid'] = -1"
    refused 125 "/process/user/uid: expected an id" --bundle .
    bundle "c['mounts'][1]['destination'] = ['proc']"
    refused 125 "/mounts/1/destination: expected a string" --bundle .
    bundle "del c['process']['args']"
    refused 125 "/process/args: is missing" --bundle .
    bundle "c['hooks'] = {'prestart': [{'path': 'true'}]}"
    refused 125 "/hooks/prestart/0/path: expected an absolute path" --bundle .
    bundle "c['annotations']['io.bocal.upper'] = 'tape'"
    refused 125 "expected disk, memory, copy or auto" --bundle .
    echo '{' >config.json
    refused 125 "not JSON" --bundle .
    refused 125 "No such file" --bundle "$work/none"
}

@test "nothing else is taken beside --bundle" {
    bundle ""
    refused 125 "leave out" --bundle . --memory 64m
    refused 125 "leave out /bin/true" --bundle . /bin/true
}

@test "--upper: on disk and in memory" {
    run bocal run --upper disk /bin/sh -c 'echo x >/written && cat /written'
    [ "$output" = x ]
    if [ "$(printf '%s\n6.15\n' "$(uname -r)" | sort -V | head -1)" = 6.15 ]; then
        run bocal run --upper memory /bin/sh -c 'echo x >/written && cat /written; rmdir /root && mkdir /root && echo again'
        contains x
        contains again
    else
        refused 125 "Linux 6.15" --upper memory /bin/true
    fi
    refused 125 "memory" --upper tape /bin/true
}
