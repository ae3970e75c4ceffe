#!/usr/bin/env bats
# Hooks: who runs when, in whose namespaces, with what state, and what comes of one that fails, floods or hangs.
load helpers
load bundles

setup_hooks() {
    local kind # the caller has one, too
    bundle 'echo command >>/etc/said' "import sys
w = os.getcwd()
c['hooks'] = {k: [{'path': w + '/hook-' + k, 'args': ['hook', 'one'], 'env': ['PATH=/usr/bin:/bin']}]
    for k in ('prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop')}
c['hooks']['startContainer'] = [{'path': '/bin/sh', 'args': ['sh', '-c', 'echo startContainer \$(cat) >>/etc/said']}]"
    ln -sf busybox rootfs/bin/cat
    for kind in prestart createRuntime createContainer poststart poststop; do hook $kind; done
}

@test "hooks run in their order, with the state, in the namespaces that are theirs" {
    require root
    setup_hooks
    oci create h1-$$ </dev/null >/dev/null 2>&1
    [ "$(cut -d' ' -f1,2 said)" = "$(printf '%s creating\n' prestart createRuntime createContainer)" ]
    ours=$(readlink /proc/self/ns/mnt)
    [ "$(sed -n 1p said | cut -d' ' -f3)" = "$ours" ]
    [ "$(sed -n 2p said | cut -d' ' -f3)" = "$ours" ]
    [ "$(sed -n 3p said | cut -d' ' -f3)" != "$ours" ]
    [ ! -e rootfs/etc/said ]
    oci start h1-$$
    wait_for stopped h1-$$
    grep -q '^poststart running' said
    [[ $(sed -n 's/^startContainer //p' rootfs/etc/said | python3 -c 'import json, sys; s = json.load(sys.stdin); print(s["status"], s["id"], s["pid"] > 1)') = "created h1-$$ True" ]]
    [ "$(sed -n 2p rootfs/etc/said)" = command ]
    oci delete h1-$$
    [ "$(tail -1 said | cut -d' ' -f1,2)" = "poststop stopped" ]
    [ -z "$(ls root)" ]
    rm said rootfs/etc/said
    "$BOCAL" run --bundle . </dev/null
    [ "$(cut -d' ' -f1 said)" = "$(printf 'prestart\ncreateRuntime\ncreateContainer\npoststart\npoststop')" ]
}

@test "a hook that fails before the start undoes the container, and its words are the reason" {
    require root
    for kind in prestart createRuntime createContainer; do
        setup_hooks
        printf '#!/bin/sh\necho no luck today >&2\nexit 3\n' >hook-$kind
        run oci create h2-$$ </dev/null
        [ "$status" = 1 ]
        contains "/hooks/$kind/0"
        contains "exit code 3: "
        contains "no luck today"
        [ -z "$(ls root)" ]
    done
    setup_hooks
    bundle true "c['hooks'] = {'startContainer': [{'path': '/bin/none'}]}"
    oci create h2-$$ </dev/null >/dev/null 2>&1
    run oci start h2-$$
    [ "$status" = 1 ]
    wait_for stopped h2-$$
    oci delete h2-$$
}

@test "a poststart that fails ends the container, a poststop that fails is a warning" {
    require root
    setup_hooks
    hook poststart 1
    hook poststop 2
    oci create h3-$$ </dev/null >/dev/null 2>&1
    run oci start h3-$$
    [ "$status" = 1 ]
    contains "/hooks/poststart/0"
    contains "poststart hook failed with exit code 1"
    [ -z "$(ls root)" ]
    hook poststart
    oci create h3-$$ </dev/null >/dev/null 2>&1
    oci start h3-$$
    wait_for stopped h3-$$
    run oci delete h3-$$
    [ "$status" = 0 ]
    contains "/hooks/poststop/0"
    contains "poststop hook failed with exit code 2"
    [ -z "$(ls root)" ]
}

@test "a hook that floods does not block, one that hangs is killed with what it has started" {
    require root
    bundle true "c['hooks'] = {'prestart': [{'path': os.getcwd() + '/flood'}]}"
    printf '#!/bin/sh\nhead -c 20000000 /dev/zero\nexit 4\n' >flood
    chmod +x flood
    run oci create h4-$$ </dev/null
    [ "$status" = 1 ]
    contains "exit code 4"
    bundle true "c['hooks'] = {'createRuntime': [{'path': os.getcwd() + '/hang', 'timeout': 1}]}"
    printf '#!/bin/sh\nsleep 4321 &\necho $! >%s/pid\nwait\n' "$work" >hang
    chmod +x hang
    run oci create h4-$$ </dev/null
    [ "$status" = 1 ]
    contains "not done after 1 s"
    # Ended; whether this machine's PID 1 has reaped it yet is its affair.
    [ ! -e /proc/"$(cat pid)" ] || grep -q "^State:.Z" /proc/"$(cat pid)"/status
    bundle true "c['hooks'] = {'createRuntime': [{'path': os.getcwd() + '/hang', 'timeout': -1}]}"
    run oci create h4-$$ </dev/null
    contains "/hooks/createRuntime/0/timeout: expected seconds"
    bundle true "c['hooks'] = {'poststop': [{'path': 'relative'}]}"
    run oci create h4-$$ </dev/null
    contains "/hooks/poststop/0/path: expected an absolute path"
    [ -z "$(ls root)" ]
}

@test "a hook without an environment has the caller's, one of the container's own has none" {
    require root
    bundle true "c['hooks'] = {'createRuntime': [{'path': '/bin/sh', 'args': ['sh', '-c', 'echo \$SECRET >host']}], 'startContainer': [{'path': '/bin/sh', 'args': ['sh', '-c', 'echo :\$SECRET: >/etc/inside']}]}
c['process']['cwd'] = '/'"
    SECRET=word oci run env-$$ </dev/null
    [ "$(cat host)" = word ]
    [ "$(cat rootfs/etc/inside)" = :: ]
}

@test "run.oci.hooks.stdout and stderr: appended to files, and to nothing else" {
    require root
    kinds="('prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop')"
    say="c['hooks'] = {k: [{'path': '/bin/sh', 'args': ['sh', '-c', 'echo out %s; echo err %s >&2' % (k, k)]}] for k in $kinds}
c['hooks']['startContainer'] = [{'path': '/bin/sh', 'args': ['sh', '-c', 'echo out inside']}]"
    bundle true "$say
c['annotations'].update({'run.oci.hooks.stdout': os.getcwd() + '/out', 'run.oci.hooks.stderr': os.getcwd() + '/err'})"
    echo before >out
    oci create said-$$ </dev/null >/dev/null 2>&1
    oci start said-$$
    wait_for stopped said-$$
    oci delete said-$$
    [ "$(echo $(cat out))" = "before out prestart out createRuntime out createContainer out inside out poststart out poststop" ]
    [ "$(grep -c '^err' err)" = 5 ]
    [ "$(stat -c %a err)" = 600 ]
    # One alone: the other is the reason of a failure, as ever.
    bundle true "c['hooks'] = {'createRuntime': [{'path': '/bin/sh', 'args': ['sh', '-c', 'echo out; echo no luck >&2; exit 3']}]}
c['annotations']['run.oci.hooks.stdout'] = os.getcwd() + '/one'"
    run oci create said-$$ </dev/null
    [ "$status" = 1 ]
    contains "exit code 3: /bin/sh: no luck"
    [ "$(cat one)" = out ]
    ln -s out link
    for to in link none/file; do
        bundle true "$say
c['annotations']['run.oci.hooks.stderr'] = os.getcwd() + '/$to'"
        run oci create said-$$ </dev/null
        [ "$status" = 1 ]
        contains "for /annotations/run.oci.hooks.stderr: "
    done
    bundle true "$say
c['annotations']['run.oci.hooks.stderr'] = '/dev/null'"
    run oci create said-$$ </dev/null
    contains "what hooks say is appended to a file, and to nothing else"
    [ -z "$(ls root)" ]
}
