#!/usr/bin/env bats
# Below the floor of Linux 5.14: a clear refusal.
load helpers

@test "a kernel that is too old is named, and what it lacks" {
    require old-kernel
    refused 125 "needs Linux 5.14" /bin/true
    refused 125 "needs Linux 5.14" --dry-run=oci /bin/true
    echo '{"kernel": "6.12"}' >facts.json
    run bocal run --dry-run=oci --facts facts.json /bin/true
    [ "$status" = 0 ]
    run bocal version
    [ "$status" = 0 ]
}
