# bocal-archive: the program that reads what images are made of. Each test has a directory of its own, and nothing outside
# of what a test gives it as descriptor 3 may change.
load helpers

archive() { timeout 120 "$(dirname "$BOCAL")/bocal-archive" "$@"; }

@test "digest: of standard input, and its size" {
    run archive digest <<<""
    [ "$status" = 0 ]
    [ "$output" = '{"digest": "sha256:01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b", "size": 1}' ]
    head -c 3000001 /dev/zero >zeros
    wanted=$(sha256sum <zeros)
    run archive digest < <(cat zeros)
    contains "sha256:${wanted%% *}"
    contains '"size": 3000001'
}

@test "what bocal-archive does not know is refused on one line" {
    for words in "" "nothing" "digest more"; do
        # shellcheck disable=SC2086
        run archive $words </dev/null
        [ "$status" = 1 ]
        [ "${#lines[@]}" = 1 ]
    done
}
