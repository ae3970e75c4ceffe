#!/usr/bin/env bats
# bocal-runtime events: the numbers are those of the container's cgroups, and what memory kills is told.
load helpers
load bundles

# In the container's cgroup of whichever hierarchy has it: the file V2, or V1.
cgroup_file() { # ID V2 V1
    if is_v2; then cat "/sys/fs/cgroup/bocal-$1/$2"; else cat "/sys/fs/cgroup/${3%%.*}/bocal-$1/$3"; fi
}

# has_limits: of memory and processes.
has_limits() {
    require limits
    is_v2 && ! grep -qw pids /sys/fs/cgroup/cgroup.controllers && skip "needs the pids controller"
    is_v2 || { [ -d /sys/fs/cgroup/memory ] && [ -d /sys/fs/cgroup/pids ]; } || skip "needs the memory and pids controllers"
}

# said PYTHON [FILE]: each event is an e of the list events.
said() { python3 -c "import json; events = [json.loads(l) for l in open('${2:-events}')]; $1"; }

# The first event is there.
wait_for_line() { for _ in $(seq 200); do [ -s events ] && return; sleep 0.05; done; }

@test "events --stats: the numbers are the cgroup's" {
    require root
    has_limits
    bundle 'exec sleep 100' "c['linux']['resources'] = {'memory': {'limit': 33554432}, 'pids': {'limit': 44}}"
    oci run -d ev1-$$ </dev/null >/dev/null 2>&1
    unified=/sys/fs/cgroup/unified/bocal-ev1-$$
    is_v2 && unified=/sys/fs/cgroup/bocal-ev1-$$
    now() { # "MEMORY CPU", the latter where it is told
        echo "$(cgroup_file ev1-$$ memory.current memory.usage_in_bytes) $(sed -n 's/^usage_usec \(.*\)/\1000/p' $unified/cpu.stat 2>/dev/null)"
    }
    for _ in $(seq 50); do # until it rests, and the kernel has given back what the start took
        before=$(now)
        sleep 0.1
        oci events --stats ev1-$$ >events
        [ "$before" = "$(now)" ] && break
    done
    [ "$(wc -l <events)" = 1 ]
    said "print(events[0]['type'], events[0]['id'])" >head
    [ "$(cat head)" = "stats ev1-$$" ]
    usage() { said "print(events[0]['data']$1)"; }
    [ "$(usage "['memory']['usage']['usage']")" = "${before% *}" ]
    [ "$(usage "['memory']['usage']['limit']")" = 33554432 ]
    [ "$(usage "['pids']")" = "{'current': 1, 'limit': 44}" ]
    [ "$(usage "['memory']['raw']['pgfault']")" = "$(cgroup_file ev1-$$ memory.stat memory.stat | sed -n 's/^pgfault //p')" ]
    if [ -n "${before#* }" ]; then
        [ "$(usage "['cpu']['usage']['total']")" = "${before#* }" ]
        said "u = events[0]['data']['cpu']['usage']; assert abs(u['user'] + u['kernel'] - u['total']) <= 2000, u"
    fi
    oci delete --force ev1-$$
}

@test "events: until the end, at each interval, and a kill for want of memory" {
    require root
    has_limits
    bundle 'while [ ! -e /etc/go ]; do sleep 0.1; done; (exec tail /dev/zero); sleep 2' "c['linux']['resources'] = {'memory': {'limit': 16777216, 'swap': 16777216}}"
    ln -sf busybox rootfs/bin/tail
    oci run -d ev2-$$ </dev/null >/dev/null 2>&1
    (wait_for_line && touch rootfs/etc/go) &
    oci events --interval 300ms ev2-$$ >events # ends with it
    [ "$(status_of ev2-$$)" = stopped ]
    said "assert [e['type'] for e in events].count('oom') == 1, events"
    said "assert [e['type'] for e in events].count('stats') >= 4, events"
    said "assert events[0]['type'] == 'stats' and all(e['id'] == 'ev2-$$' for e in events)"
    run oci events ev2-$$
    [ "$status" = 1 ]
    contains "is not running"
    oci delete ev2-$$
}

@test "events: the last kill is told, though the container goes with it" {
    require root
    has_limits
    bundle 'while [ ! -e /etc/go ]; do sleep 0.1; done; exec tail /dev/zero' "c['linux']['resources'] = {'memory': {'limit': 16777216, 'swap': 16777216}}"
    ln -sf busybox rootfs/bin/tail
    oci run ev3-$$ </dev/null >/dev/null 2>&1 & # removes it at once
    run=$!
    wait_for running ev3-$$
    (wait_for_line && touch rootfs/etc/go) &
    oci events --interval 60s ev3-$$ >events
    wait $run || [ $? = 137 ]
    [ "$(said "print(*[e['type'] for e in events])")" = "stats oom" ]
}

@test "events: what it refuses" {
    require root
    ln -s "$BOCAL" bocal-runtime
    for interval in 0 -1 5x "" 0.0001s; do
        run oci events --interval "$interval" none-$$
        [ "$status" = 1 ]
        contains "expected a duration above 0"
    done
    run oci events none-$$
    [ "$status" = 1 ]
    contains "does not exist"
}
