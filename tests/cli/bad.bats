#!/usr/bin/env bats
# Bad input: one line that says what, where and what to do; status 125 to 127; nothing left (teardown looks).
load helpers

@test "unknown options and words" {
    refused 125 "unknown option" --memroy 64m /bin/true
    refused 125 "--memory" --memroy 64m /bin/true
    refused 125 "unknown option" -Z /bin/true
    refused 125 "alpine" alpine sh
    refused 125 "value" --memory
}

@test "commands" {
    refused 127 "no such file or directory in the container" /nope
    refused 127 'executable file not found in the container'"'"'s $PATH' --entrypoint nope-nope-nope /bin/true
    refused 126 "" /etc/passwd
    refused 126 "" /etc
    refused 125 "empty" ""
    refused 127 "No such file" --entrypoint /nope /bin/true
}

@test "scripts and programs that the kernel will not execute" {
    printf '#!/bin/sh\r\necho\n' >crlf
    printf '#!/no/interpreter\n' >missing
    printf 'just text\n' >text
    printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\267\0\1\0\0\0' >arm
    head -c 100 /dev/zero >>arm
    chmod +x crlf missing text arm
    refused 127 "CR LF" -v "$work/crlf:/x" /x
    refused 127 "interpreter /no/interpreter" -v "$work/missing:/x" /x
    refused 126 "neither a program nor a script" -v "$work/text:/x" /x
    refused 126 "arm64" -v "$work/arm:/x" /x
}

@test "root file systems" {
    touch file
    refused 125 "not a directory" --rootfs "$work/file" /bin/sh
    refused 125 "No such file" --rootfs "$work/none" /bin/sh
    refused 125 "empty path" --rootfs "" /bin/sh
    mkdir empty
    run bocal run --rootfs "$work/empty" /bin/sh
    [ "$status" = 127 ]
}

@test "an unreadable root file system" {
    require user
    mkdir closed
    chmod 000 closed
    refused 125 "Permission denied" --rootfs "$work/closed" /bin/sh
    chmod 755 closed
}

@test "volumes" {
    refused 125 "anonymous volumes" -v /data /bin/true
    refused 125 "source is missing" -v :/data /bin/true
    refused 125 "named volumes" -v name:/data /bin/true
    refused 125 "not an absolute path" -v /tmp:data /bin/true
    refused 125 '".."' -v /tmp:/data/../etc /bin/true
    refused 125 "root file system" -v /tmp:/ /bin/true
    refused 125 "unknown option" -v /tmp:/data:rz /bin/true
    refused 125 "No such file" -v /no/such/dir:/data /bin/true
    refused 125 "already" -v /tmp:/data -v /var:/data /bin/true
    refused 125 "more than" -v /tmp:/data:ro:rw /bin/true
}

@test "--mount and --tmpfs" {
    refused 125 "target is missing" --mount type=bind,source=/tmp /bin/true
    refused 125 "source is missing" --mount type=bind,target=/x /bin/true
    refused 125 "unknown type" --mount type=nfs,target=/x /bin/true
    refused 125 "unknown key" --mount type=tmpfs,target=/x,colour=red /bin/true
    refused 125 "not an absolute path" --tmpfs data /bin/true
    run bocal run --tmpfs /x:size=much /bin/true
    [ "$status" = 125 ]
}

@test "limits" {
    refused 125 "at least 6m" --memory 1 /bin/true
    refused 125 "not a size" --memory lots /bin/true
    refused 125 "not a size" --memory -1 /bin/true
    refused 125 "goes with --memory" --memory-swap 1g /bin/true
    refused 125 "at least --memory" --memory 64m --memory-swap 32m /bin/true
    refused 125 "not a number of processors" --cpus none /bin/true
    refused 125 "say the same" --cpus 1 --cpu-quota 5000 /bin/true
    refused 125 "such as 0-3,5" --cpuset-cpus 3-1 /bin/true
    refused 125 "not a number" --pids-limit many /bin/true
    refused 125 "not a number" --blkio-weight 5 /bin/true
    refused 125 "not DEVICE:RATE" --device-read-bps /dev/null /bin/true
    refused 125 "not a block device" --device-read-bps /dev/null:1m /bin/true
    refused 125 "unknown limit" --ulimit files=10 /bin/true
    refused 125 "soft limit is above" --ulimit nofile=200:100 /bin/true
    refused 125 "not NAME=SOFT" --ulimit nofile /bin/true
}

@test "a ulimit above the hard one is refused with the limit" {
    hard=$(ulimit -Hn)
    without="" # who has CAP_SYS_RESOURCE may raise it
    ! is_root || without="setpriv --bounding-set -sys_resource"
    run bash -c "ulimit -n $((hard - 1)) && $without \"\$BOCAL\" run --ulimit nofile=$hard /bin/true 2>&1 | grep -v 'one id only'"
    contains "above the hard limit of $((hard - 1))"
}

@test "ids" {
    refused 125 "no user id" --user -1 /bin/true
    refused 125 "no user id" --user 4294967295 /bin/true
    refused 125 "no user id" --user 99999999999999999999 /bin/true
    refused 125 "not USER" --user "" /bin/true
    refused 125 "no group id" --user 0:-1 /bin/true
    refused 125 "no group id" --group-add -5 /bin/true
    refused 125 "INSIDE:OUTSIDE:COUNT" --uidmap 0:x:1 /bin/true
}

@test "a user that the image has not" {
    require ranges
    refused 125 "no such user in the container" --user nosuchuser /bin/true
    refused 125 "no such group in the container" --user 0:nosuchgroup /bin/true
}

@test "namespaces" {
    refused 125 "not host, private" --pid mine /bin/true
    refused 125 "not built yet" --network bridge /bin/true
    refused 125 "no process id" --network container:x /bin/true
    refused 125 "No such file" --userns container:999999 /bin/true
    refused 125 "--uts host" --uts host --hostname x /bin/true
}

@test "--userns host of an ordinary user" {
    require user
    refused 125 "user namespace of its own" --userns host /bin/true
}

@test "names, numbers and times" {
    refused 125 "host name" --hostname "a b" /bin/true
    refused 125 "octal" --umask 999 /bin/true
    refused 125 "not a time" --timeout soon /bin/true
    refused 125 "no such signal" --stop-signal BOO /bin/true
    refused 125 "-1000 to 1000" --oom-score-adj 2000 /bin/true
    refused 125 "not an absolute path" --workdir relative /bin/true
    refused 125 "must exist" --workdir /no/where /bin/true
}

@test "environment" {
    refused 125 "needs a name" --env =x /bin/true
    refused 125 "env-file" --env-file /no/such/file /bin/true
    printf 'A=1\nB C=2\n' >env
    refused 125 "line 2" --env-file env /bin/true
    printf 'A=\0x\n' >binary
    refused 125 "zero byte" --env-file binary /bin/true
}

@test "a megabyte of environment is refused or arrives, and leaves nothing" {
    big=$(head -c 100000 /dev/zero | tr '\0' x)
    args=()
    for i in $(seq 10); do args+=(--env "V$i=$big"); done
    run bocal run "${args[@]}" /bin/sh -c 'echo ${#V10}'
    [ "$output" = 100000 ] || [ "$status" = 126 ] || [ "$status" = 125 ]
}

@test "sysctls that are the host's" {
    refused 125 "whole host" --sysctl vm.swappiness=1 /bin/true
    refused 125 "not NAME=VALUE" --sysctl net.x /bin/true
    refused 125 "would change the host" --network host --sysctl net.ipv4.ip_forward=1 /bin/true
    refused 125 "no sysctl's name" --sysctl net..x=1 /bin/true
    refused 125 "no such sysctl" --sysctl net.no.such.thing=1 /bin/true
}

@test "devices" {
    refused 125 "No such file" --device /dev/nosuch /bin/true
    refused 125 "not a device" --device /etc/passwd /bin/true
    refused 125 "absolute paths" --device null /bin/true
}

@test "protections" {
    refused 125 "unknown capability" --cap-add FLY /bin/true
    refused 125 "both name" --cap-add CHOWN --cap-drop CHOWN /bin/true
    refused 125 "unknown" --security-opt colour=red /bin/true
    refused 125 "no-such-profile" --security-opt seccomp=/no-such-profile /bin/true
    echo '{"defaultAction":"SCMP_ACT_BOO"}' >profile
    refused 125 "/defaultAction: unknown action" --security-opt seccomp=profile /bin/true
    echo '{"defaultAction":' >profile
    refused 125 "not a JSON object" --security-opt seccomp=profile /bin/true
}
