#!/usr/bin/env bats
# A terminal as a person has it: tests/cli/on-terminal types, and looks at what comes back.
load helpers

on_terminal() { python3 "$BATS_TEST_DIRNAME/on-terminal" "$@"; }

@test "a shell on a terminal: tty, size, Ctrl-C, Ctrl-Z and its own job control" {
    run on_terminal "$BOCAL run" \
        'wait:# ' 'type:tty; stty size' 'wait:/dev/pts/0' 'wait:33 111' \
        'type:sleep 100' 'sleep:0.5' 'key:C' 'wait:# ' 'type:echo st=$?' 'wait:st=130' \
        'type:sleep 101' 'sleep:0.5' 'key:Z' 'wait:Stopped' 'type:kill %1; jobs' \
        'size:20 70' 'sleep:0.3' 'type:stty size' 'wait:20 70' 'type:exit 5' 'sleep:0.3' 'type:exit 5' 'end:5'
    echo "$output"
    [ "$status" = 0 ]
}

@test "the terminal is as before, after the end and after kill -9" {
    run on_terminal "$BOCAL run" 'wait:# ' 'type:exit' 'end:0' 'same'
    echo "$output"
    [ "$status" = 0 ]
    run on_terminal "$BOCAL run" 'wait:# ' 'kill' 'sleep:0.5' 'same'
    echo "$output"
    [ "$status" = 0 ]
    bocal run /bin/true # sweeps what the killed one left
}

@test "container run /bin/sh on a terminal prints the seed's lines and is a shell" {
    ln -s "$BOCAL" container
    run on_terminal "./container run /bin/sh" 'wait:running [/bin/sh] as PID ' 'wait:running [/bin/sh] as PID 1' \
        'wait:# ' 'type:echo in $((40+2))' 'wait:in 42' 'type:exit' 'end:0' 'same'
    echo "$output"
    [ "$status" = 0 ]
}

@test "Ctrl-Z on a command without a shell does not stop it for ever"  {
    printf '#!/bin/sh\necho ready\nexec sleep 50\n' >script
    chmod +x script
    run on_terminal "$BOCAL run -t -v $work/script:/script /script" wait:ready sleep:0.5 key:Z sleep:0.5 key:C end:130 same
    echo "$output"
    [ "$status" = 0 ]
}
