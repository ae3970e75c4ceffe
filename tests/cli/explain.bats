#!/usr/bin/env bats
# See into it: --explain, --dry-run, --dry-run=oci.
load helpers

@test "--explain prints each step with actor, operation, reason and time, then the command runs" {
    run bocal run --explain /bin/echo hello
    [ "$status" = 0 ]
    contains "  1  host  state"
    contains "clone"
    contains "pivot"
    contains " ms"
    contains "seccomp"
    [ "$(bocal run --explain /bin/echo hello 2>/dev/null)" = hello ]
}

@test "--explain=json is one object a step" {
    bocal run --explain=json /bin/true 2>json
    [ "$(wc -l <json)" -gt 20 ]
    python3 -c 'import json,sys
steps = [json.loads(l) for l in open("json") if l.startswith("{")]
assert steps[0]["actor"] == "host" and steps[0]["op"] == "state", steps[0]
assert [s["op"] for s in steps if s["actor"] == "init"][-1] == "exec"
assert all("why" in s for s in steps), [s for s in steps if "why" not in s]
assert any("ms" in s for s in steps)'
}

@test "--dry-run prints the same steps and does nothing" {
    bocal run --explain /bin/true 2>performed
    bocal run --dry-run /bin/true >planned
    ops() { sed -nE 's/^ *[0-9]+  (host|join|init)  ([a-z]+).*/\1 \2/p' "$1" | grep -vE 'send|wait'; }
    diff <(ops performed) <(ops planned)
}

@test "--dry-run=oci is a configuration with the options in it" {
    bocal run --dry-run=oci --memory 64m --env A=b -v /tmp:/mnt:ro /bin/true >config.json
    python3 -c 'import json
c = json.load(open("config.json"))
assert c["ociVersion"].startswith("1."), c["ociVersion"]
assert c["process"]["args"] == ["/bin/true"]
assert "A=b" in c["process"]["env"]
assert c["linux"]["resources"]["memory"]["limit"] == 64 << 20
assert any(m["destination"] == "/mnt" and "ro" in m["options"] for m in c["mounts"])
assert {n["type"] for n in c["linux"]["namespaces"]} >= {"pid", "mount", "network", "uts", "ipc"}'
}

@test "a failing step is named with the option that asked for it and a remedy" {
    run bocal run -v /does/not/exist:/mnt /bin/true
    [ "$status" = 125 ]
    contains "--volume /does/not/exist:/mnt"
    contains "No such file"
    [ "${#lines[@]}" -le 2 ]
}

@test "--help lists the options, the manual names them all" {
    run bocal run --help
    [ "$status" = 0 ]
    contains "--memory"
    run bocal help --man run
    contains "NAME"
    for shell in bash zsh fish; do
        run bocal completion $shell
        [ "$status" = 0 ]
        contains "explain"
    done
}
