#!/usr/bin/env bats
# What bocal prints reaches a terminal: nothing in it may be what a terminal acts on, be it ESC or a C1 control.
load escape
load ../cli/announced

controls=$'\e]0;x\a\e[31m\u009b31m\u009d0;x\u0090\x7f\b\r'

# weakened: raw_errors
@test "errors: the interpreter's name of a script in the image" {
    in_work
    printf '#!/x%s \n' "$controls" >script
    chmod 755 script
    run bocal run -v "$work/script:/script" /script
    failed
    contains interpreter
    printf '%s\n' "$output" >said
    no_controls said
}

# weakened: raw_errors
@test "errors: names of containers, bundles, options, commands, users; in the log as well" {
    require root
    in_work
    bundle true
    say() {
        run "$@" </dev/null
        failed
        printf '%s\n' "$output" >said
        no_controls said
    }
    say oci run "x$controls"
    say oci create --bundle "$work/$controls" x-$$
    say oci "$controls"
    say bocal run "--$controls" /bin/true
    say bocal run --rootfs "$work/$controls" /bin/true
    say bocal run "/$controls"
    say bocal run --user "$controls" /bin/true
    say bocal "$controls"
    for format in json text; do
        say oci --log log --log-format $format create --bundle "$work/$controls" x-$$
        [ -s log ]
        no_controls log
        rm log
    done
}

# weakened: raw_errors
@test "errors: what a hook says" {
    require root
    in_work
    bundle true "c['hooks'] = {'prestart': [{'path': '$work/hook'}]}"
    printf '#!/bin/sh\nprintf "%%s" "%s" >&2\nexit 3\n' "said $controls" >hook
    chmod +x hook
    run oci create o-$$ </dev/null
    failed
    contains "said "
    printf '%s\n' "$output" >said
    no_controls said
}

# weakened: raw_state
@test "state and list: annotations and bundles" {
    require root
    in_work
    dir="bundle$controls"
    mkdir "$dir"
    CONTROLS=$controls bundle 'exec sleep 100' "c['annotations'] = {os.environ['CONTROLS']: os.environ['CONTROLS']}"
    mv config.json rootfs "$dir"
    oci create --bundle "$work/$dir" o-$$ </dev/null >/dev/null 2>&1
    for verb in "state o-$$" list "list --format json"; do
        # shellcheck disable=SC2086
        oci $verb >said
        [ -s said ]
        no_controls said
    done
    oci state o-$$ | python3 -c 'import json, os, sys
s = json.load(sys.stdin)
assert s["annotations"] == {sys.argv[1]: sys.argv[1]}, s' "$controls"
    oci delete --force o-$$
}

# weakened: raw_plan
@test "--explain and --dry-run: options and configurations" {
    in_work
    for options in --dry-run --dry-run=json --explain --explain=json; do
        bocal run $options --hostname box --env "A=$controls" --annotation "a=$controls" --add-host "box$controls:127.0.0.1" --workdir / \
            /bin/echo "$controls" >/dev/null 2>said
        no_controls said
        bocal run --dry-run --entrypoint "/bin/$controls" /bin/true >said
        [ -s said ]
        no_controls said
    done
}

# weakened: any_announcement
@test "announcements: the service manager hears no control, and nothing in the runtime's name" {
    require root
    in_work
    command_is <<'EOF'
say(b"STATUS=\x1b]0;x\x07")
say("STATUS=\u009b31m".encode())
say(b"STATUS=a\rb")
say(b"STATUS=\xff")
say(b"MAINPID=1\nREADY=1\nFDSTORE=1\nFDNAME=x\nNOTIFYACCESS=all\nEXTEND_TIMEOUT_USEC=1\nWATCHDOG_USEC=1\nMAINPIDFD=1")
s.connect(out)
s.sendmsg([b"FDSTORE=1\nSTATUS=done"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, b"\0\0\0\0")])
EOF
    service
    manager
    run announced oci run e-$$ </dev/null
    kill "$manager"
    ran
    heard READY=1 STATUS=done
}

# weakened: open_notify
@test "nobody else on the host can announce in the container's place" {
    require root
    in_work
    command_is <<<'time.sleep(100)'
    service
    manager
    announced oci create e-$$ </dev/null >/dev/null 2>&1
    announced timeout 20 "$work/bocal-runtime" --root "$work/root" start e-$$ 3>&- &
    starting=$!
    for _ in $(seq 100); do [ -S root/e-$$/notify/inside/notify ] && break; sleep 0.02; done
    run setpriv --reuid 65534 --regid 65534 --clear-groups /usr/bin/python3 -c 'import socket, sys
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", sys.argv[1])' "$work/root/e-$$/notify/inside/notify"
    contains "Permission denied"
    oci delete --force e-$$
    wait $starting
    kill "$manager"
    heard ''
}
