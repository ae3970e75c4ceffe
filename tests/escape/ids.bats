#!/usr/bin/env bats
# Ids read loosely: what is no id never becomes root, and a name that looks like a number is none.
load escape

# Not an id, in anybody's reading but strtol's.
no_ids=(-1 -0 4294967295 4294967296 18446744073709551616 99999999999999999999 "" " 0" "0 " +0 0x0 1e0 0.0 $'0\n' ٠)

hostile_passwd() {
    cat >rootfs/etc/passwd <<'END'
1000:x:0:0:a user called 1000:/evil:/bin/sh
wrap:x:4294967296:4294967296::/:
minus:x:-1:-1::/:
most:x:4294967295:4294967295::/:
long:x:99999999999999999999:0::/:
empty:x:::empty:/:
blank:x: 0: 0::/:
plus:x:+0:+0::/:
hex:x:0x0:0x0::/:
tail:x:0abc:0abc::/:
short:x:0
good:x:5:6::/home:
END
    cat >rootfs/etc/group <<'END'
1000:x:0:
wrap:x:4294967296:
minus:x:-1:
empty:x::
good:x:7:
END
}

# weakened: names_first
@test "CVE-2016-3697: a user called 1000 is not who --user 1000 is, nor a group" {
    require root
    in_work
    bundle 'exec sleep 100'
    applets id
    hostile_passwd
    background i-$$
    [ "$(oci exec --user 1000 i-$$ id -u)" = 1000 ]
    [ "$(oci exec --user good:1000 i-$$ id -g)" = 1000 ]
    [ "$(bocal run --rootfs "$work/rootfs" --user 1000 /bin/id -u)" = 1000 ]
    [ "$(bocal run --rootfs "$work/rootfs" --user good:1000 /bin/id -g)" = 1000 ]
    oci delete --force i-$$
}

# weakened: loose_passwd
@test "users whose ids in /etc/passwd are no ids are nobody" {
    require root
    in_work
    bundle 'exec sleep 100'
    applets id
    hostile_passwd
    background i-$$
    for name in wrap minus most long empty blank plus hex tail short; do
        run oci exec --user $name i-$$ id -u
        failed
        run bocal run --rootfs "$work/rootfs" --user $name /bin/id -u
        failed
        contains "no such user"
    done
    for name in wrap minus empty; do
        run oci exec --user good:$name i-$$ id -g
        failed
    done
    [ "$(oci exec --user good i-$$ id -u)" = 5 ]
    oci delete --force i-$$
}

# weakened: loose_ids
@test "CVE-2024-40635: options: -1, 2^32 and their like are refused" {
    in_work
    for id in "${no_ids[@]}"; do
        run bocal run --user "$id" /bin/id -u
        failed
        run bocal run --user "0:$id" /bin/id -g
        failed
        run bocal run --group-add "$id" /bin/id -G
        failed
    done
}

# weakened: loose_ids
@test "options of exec: -1, 2^32 and their like are refused" {
    require root
    in_work
    bundle 'exec sleep 100'
    applets id
    background i-$$
    for id in "${no_ids[@]}"; do
        run oci exec --user "$id" i-$$ id -u
        failed
        run oci exec --user "5:$id" i-$$ id -g
        failed
        run oci exec --additional-gids "$id" i-$$ id -G
        failed
    done
    oci delete --force i-$$
}

# weakened: loose_json
@test "config.json: numbers that are no ids are refused" {
    require root
    in_work
    for id in -1 4294967295 4294967296 18446744073709551616 0.5 1e1 '"0"' '""' true '[]'; do
        for place in "['process']['user']['uid']" "['process']['user']['gid']" "['process']['user']['additionalGids']"; do
            value=$id
            [[ $place != *Gids* ]] || value="[$id]"
            bundle 'echo ran' "c$place = json.loads('''$value''')"
            run oci run i-$$ </dev/null
            failed
            lacks ran
        done
    done
}

# weakened: loose_maps
@test "config.json: maps of no ids, and of more than there are, are refused" {
    require root
    in_work
    for map in '0, 100000, 0' '0, 4294967295, 1' '4294967295, 100000, 1' '1, 4294967000, 1000' '0, -1, 1' '0, 4294967296, 1'; do
        bundle 'echo ran' "c['linux']['namespaces'].append({'type': 'user'})
m = dict(zip(('containerID', 'hostID', 'size'), ($map)))
c['linux'].update(uidMappings=[m], gidMappings=[m])"
        run oci run i-$$ </dev/null
        failed
        lacks ran
        contains Mappings
    done
}

# weakened: keep_groups
@test "CVE-2022-2995: the caller's supplementary groups stay outside" {
    require root
    in_work
    bundle 'id -G'
    applets id
    run setpriv --groups 4242,4243 "$work/bocal-runtime" --root "$work/root" run i-$$ </dev/null
    ran
    [ "$output" = 0 ]
    run setpriv --groups 4242,4243 "$BOCAL" run --userns host /bin/id -G
    ran
    lacks 424
    bundle 'exec sleep 100'
    background i-$$
    run setpriv --groups 4242,4243 "$work/bocal-runtime" --root "$work/root" exec i-$$ id -G
    [ "$output" = 0 ]
    oci delete --force i-$$
}

# weakened: long_lines
@test "a line of /etc/passwd that is too long is none, and its tail is not another" {
    require root
    in_work
    plain_root
    python3 -c '
fill = "x" * 8191
print(fill + "evil:x:0:0::/:", fill + "x" * 9000 + ":", "evil2:x:0:0::/:" + "y" * 9000, "good:x:5:5::/:", sep="\n")' >rootfs/etc/passwd
    for name in evil evil2; do
        run bocal run --rootfs "$work/rootfs" --user $name /bin/id -u
        failed
    done
    [ "$(bocal run --rootfs "$work/rootfs" --user good /bin/id -u)" = 5 ]
}
