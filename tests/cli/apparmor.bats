#!/usr/bin/env bats
# AppArmor: the default profile is loaded, and confines; and what an administrator forbids is named.
load helpers

@test "the default profile is on the command, with and without a user namespace" {
    require root
    require apparmor
    run bocal run /bin/cat /proc/self/attr/current
    [ "$output" = "bocal-default (enforce)" ]
    run bocal run --userns host --no-init /bin/cat /proc/self/attr/current
    [ "$output" = "bocal-default (enforce)" ]
    run bocal run --security-opt apparmor=unconfined /bin/cat /proc/self/attr/current
    [ "$output" = unconfined ]
    run bocal run --privileged /bin/cat /proc/self/attr/current
    [ "$output" = unconfined ]
}

@test "the profile denies what nothing else would" {
    require root
    require apparmor
    local open="--userns host --security-opt systempaths=unconfined --security-opt seccomp=unconfined --cap-add sys_admin"
    for command in 'echo h >/proc/sysrq-trigger' 'cat /proc/sys/vm/swappiness >/proc/sys/vm/swappiness' \
        'mount -t tmpfs tmpfs /mnt'; do
        # shellcheck disable=SC2086
        run bocal run $open /bin/sh -c "$command"
        [ "$status" != 0 ] || { echo "allowed: $command"; return 1; }
        contains "ermission denied"
        # shellcheck disable=SC2086
        run bocal run $open --security-opt apparmor=unconfined /bin/sh -c "$command"
        [ "$status" = 0 ] || { echo "denied by something else: $command: $output"; return 1; }
    done
}

@test "securityfs need not be mounted for a profile that is loaded; the default is left out, and it is said why" {
    require root
    require apparmor
    bocal run /bin/true # loads bocal-default
    hidden() { unshare -m sh -c 'umount -l /sys/kernel/security && exec "$@"' hidden "$BOCAL" run "$@"; }
    run hidden --security-opt apparmor=bocal-default /bin/cat /proc/self/attr/current
    [ "$output" = "bocal-default (enforce)" ]
    run hidden --security-opt apparmor=no-such-profile /bin/true
    [ "$status" = 125 ]
    contains "not loaded"
    run hidden /bin/cat /proc/self/attr/current
    [ "$output" = unconfined ]
    run hidden --dry-run /bin/true
    contains "AppArmor profile bocal-default left out: securityfs is not mounted"
}

@test "a profile that is not loaded is refused by name" {
    require apparmor
    refused 125 "not loaded" --security-opt apparmor=no-such-profile /bin/true
}

@test "a profile where there is no AppArmor is refused" {
    require no-apparmor
    refused 125 "no AppArmor" --security-opt apparmor=docker-default /bin/true
}

# as_user COMMAND...: as an ordinary user with directories of its own.
as_user() {
    mkdir -p "$work/home" && chown 60600:60600 "$work/home"
    HOME=$work/home XDG_RUNTIME_DIR=$work/home setpriv --reuid 60600 --regid 60600 --clear-groups "$@"
}

@test "user namespaces forbidden by a limit of none: cause and remedy" {
    require root
    require disk # a machine of its own, whose settings may change
    run as_user "$BOCAL" run /bin/true
    [ "$status" = 0 ]
    before=$(cat /proc/sys/user/max_user_namespaces)
    echo 0 >/proc/sys/user/max_user_namespaces
    run as_user "$BOCAL" run /bin/true
    echo "$before" >/proc/sys/user/max_user_namespaces
    [ "$status" = 125 ]
    contains "user.max_user_namespaces is 0"
    contains "sysctl -w user.max_user_namespaces"
}

# The setting is Ubuntu's: no kernel of Debian's has it, so that its host is described, not booted.
@test "user namespaces restricted by AppArmor: cause and remedy" {
    cat >"$work/facts.json" <<'JSON'
{"uid": 1000, "gid": 1000, "user": "alice", "kernel": "6.8", "usernsRestricted": true, "apparmor": true}
JSON
    refused 125 "AppArmor forbids user namespaces" --facts "$work/facts.json" --dry-run /bin/true
    contains "kernel.apparmor_restrict_unprivileged_userns=0"
}
