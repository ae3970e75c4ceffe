#!/usr/bin/env bats
# bocal-registry push against a server that does everything wrong (server.py, uploads.py).

load helpers

setup_file() { start_server; }
teardown_file() { stop_server; }

# requests METHOD PATTERN: how many requests of the log are of METHOD and have PATTERN.
requests() { asked "\"method\": \"$1\".*$2"; }

@test "an image arrives as it is, and nothing is sent twice" {
    sent image "$host/up/first:1"
    says '"state": "uploading"'
    [ "$(requests PUT '/up/first/blobs')" = 3 ]
    [ "$(requests PATCH '/up/first/')" = 0 ]
    sent image "$host/up/first:2" --plain-http
    says '"state": "exists"'
    [ "$(requests POST '/up/first/blobs')" = 3 ]
    [ "$(requests PUT '/up/first/blobs')" = 3 ]
    [ "$(requests PUT '/up/first/manifests/2')" = 1 ]
}

@test "plain http is used with loopback only after TLS could not be begun, and that is said once" {
    sent image "$host/up/plain:1"
    [ "$(grep -c 'plain http is used with' <<<"$output")" = 1 ]
    sent image "$tls/up/tls:1" --cert-dir "$server/certs" || [ "$status" = 1 ] # which is pulled back without
    unsent "--cert-dir DIR has certificates to trust" image "$tls/up/tls:2"
}

@test "in parts, each where the registry has said after the one before" {
    sent image "$host/up/parts:1" --plain-http --part 1
    [ "$(requests PATCH '/up/parts/.*"content-range": "0-1048575"')" = 1 ]
    [ "$(requests PATCH '/up/parts/.*"content-range": "1048576-2097151"')" = 1 ]
    [ "$(requests PATCH '/up/parts/.*"content-range": "2097152-2999999"')" = 1 ]
    [ "$(requests PUT '/up/parts/blobs/.*"content-length": "0"')" = 1 ]
    sent image "$host/up-relative/parts:1" --plain-http --part 1
    sent image "$host/up-silent/parts:1" --plain-http --part 1
}

@test "parts are no smaller than the registry wants them" {
    sent image "$host/up-least/a:1" --plain-http --part 1
    [ "$(requests PATCH '/up-least/a/.*"content-range": "0-1999999"')" = 1 ]
    [ "$(requests PATCH '/up-least/a/')" = 2 ]
}

@test "a cut connection: where it has come to is asked for, and the rest is sent" {
    sent image "$host/up-cut/whole:1" --plain-http --parallel 1
    says 'once more in'
    [ "$(requests GET '/up-cut/whole/blobs/uploads')" = 2 ]
    [ "$(requests PATCH '/up-cut/whole/.*"content-range": "[1-9]')" -ge 1 ]
    sent image "$host/up-cut/parts:1" --plain-http --part 1
    [ "$(requests PATCH '/up-cut/parts/.*"content-range": "400000-')" = 1 ]
    sent image "$host/up-regress/a:1" --plain-http --part 1
    [ "$(requests PATCH '/up-regress/a/.*"content-range": "300000-')" = 1 ]
}

@test "a cut connection, and the upload is gone: from the beginning" {
    sent image "$host/up-lost/a:1" --plain-http --part 1
    [ "$(requests POST '/up-lost/a/')" = 4 ] # three blobs, one twice
}

@test "a connection that is always cut, or takes nothing, ends" {
    unsent "(tried 3 times)" image "$host/up-no-progress/a:1" --plain-http --part 1 --retries 2
    unsent "(tried 2 times)" image "$host/up-hang/a:1" --plain-http --timeout 1 --retries 1
    sent image "$host/up-cut-many/a:1" --plain-http --part 1 --retries 1
}

@test "what was begun and cannot be ended the registry is told to forget; the failure before it is what is said" {
    unsent "(tried 2 times)" image "$host/up-no-progress/b:1" --plain-http --part 1 --parallel 1 --retries 1
    [ "$(requests DELETE '/up-no-progress/b/blobs/uploads/')" = 1 ]
    unsent ": layer sha256:" image "$host/up-keep/a:1" --plain-http --part 1 --parallel 1 --retries 0
    [ "$(requests DELETE '/up-keep/a/blobs/uploads/')" = 1 ]
    start=$SECONDS
    unsent ": layer sha256:" image "$host/up-keep-hang/a:1" --plain-http --part 1 --parallel 1 --retries 0
    [ $((SECONDS - start)) -lt 9 ]
    sent image "$host/up/none-left:1" --plain-http
    [ "$(requests DELETE '/up/none-left/')" = 0 ]
}

# push_slowly REPOSITORY HOW: begins to push there, where it does not get on, $! is the program; SIGINT is DFL or IGN to it.
push_slowly() {
    python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, getattr(signal, "SIG_" + sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])' "$2" "$program" push --reference "$host/$1:1" --image "$(cat "$server/image.digest")" --plain-http \
        --part 1 --parallel 1 3<"$server/image" >out 2>err &
    for _ in $(seq 100); do
        [ "$(requests PATCH "/$1/")" = 0 ] || return 0
        sleep 0.05
    done
    return 1
}

# Ends it by SIGNAL; it says so, and has had the registry forget one upload.
ended_by() { # SIGNAL REPOSITORY
    kill "-$1" $!
    ! wait $! || return 1
    one_line ": interrupted" && [ "$(requests DELETE "/$2/blobs/uploads/")" -ge 1 ]
}

@test "a signal ends a push, when the registry has forgotten what has come of it" {
    for signal in TERM INT HUP; do
        push_slowly "up-slow/${signal,,}" DFL
        ended_by $signal "up-slow/${signal,,}"
    done
    push_slowly up-slow/ignored IGN
    kill -INT $!
    sleep 0.3
    [ "$(requests DELETE /up-slow/ignored/)" = 0 ]
    ended_by TERM up-slow/ignored
    push_slowly up-slow-token/a DFL
    ended_by TERM up-slow-token/a
    [ "$(requests GET '/token.*up-slow-token%2Fa%3Adelete')" = 1 ]
}

@test "the end was not told: it is looked for before anything is sent again" {
    sent image "$host/up-late/a:1" --plain-http
    [ "$(requests PUT '/up-late/a/blobs')" = 3 ]
    sent image "$host/up-500/a:1" --plain-http
    [ "$(requests PUT '/up-500/a/blobs')" = 3 ]
    [ "$(requests PUT '/up-500/a/manifests')" = 2 ]
}

@test "busy: again when the registry says, unless that is tomorrow" {
    start=$SECONDS
    sent image "$host/up-busy/a:1" --plain-http --part 1 --parallel 1
    [ $((SECONDS - start)) -ge 2 ]
    sent image "$host/up-unavailable/a:1" --plain-http --part 1
    unsent "asks not to come back for 86400 s" image "$host/up-long/a:1" --plain-http
}

@test "ranges: less than was sent, more, nothing, and what is refused" {
    sent image "$host/up-less/a:1" --plain-http --part 1
    sent image "$host/up-416/a:1" --plain-http --part 1
    unsent "its answers to uploads make no sense" image "$host/up-more/a:1" --plain-http --part 1
    unsent "its answers to uploads make no sense" image "$host/up-stuck/a:1" --plain-http --part 1
}

@test "who takes no parts gets all at once, and that is said" {
    sent image "$host/up-no-parts/a:1" --plain-http --part 1
    says 'it gets all at once'
}

@test "HEAD that is not known, or fails" {
    sent image "$host/up-head/a:1" --plain-http
    unsent "answers 500" image "$host/up-head-500/a:1" --plain-http --retries 0
}

@test "mounted from where it may be; where that is not done, sent" {
    sent image "$host/up-mount/source:1" --plain-http
    big=$(find "$server/image" -size +2000k -printf 'sha256:%f')
    sent image "$host/up-mount/target:1" --plain-http --mount "$big=up-mount/source"
    says '"state": "mounted"'
    [ "$(requests POST "/up-mount/target/blobs/uploads/.mount=${big/:/%3A}&from=up-mount%2Fsource")" = 1 ]
    [ "$(requests PUT '/up-mount/target/blobs')" = 2 ]
    sent image "$host/up-mount/other:1" --plain-http --mount "$big=up-mount/nowhere" # answers 202, as for any upload
    [ "$(requests POST '/up-mount/other/')" = 3 ]
    sent image "$host/up-mount-refused/a:1" --plain-http --mount "$big=up-mount/source"
    [ "$(requests POST '/up-mount-refused/a/')" = 4 ]
    ! grep -q mounted <<<"$output" || return 1
    sent image "$host/up-token/mount:1" --plain-http --mount "$big=up-mount/source"
    [ "$(requests GET '/token.*scope=repository%3Aup-mount%2Fsource%3Apull')" = 1 ]
}

@test "a token for pushing, asked for once; and one that ends between parts" {
    sent image "$host/up-token/a:1" --plain-http --part 1
    [ "$(requests GET '/token.scope=repository%3Aup-token%2Fa%3Apull&scope=repository%3Aup-token%2Fa%3Apull%2Cpush&service=s"')" = 1 ]
    sent image "$host/up-expire/a:1" --plain-http --part 1 --parallel 1
    [ "$(requests GET '/token.*up-expire%2Fa%3Apull%2Cpush')" -ge 5 ]
    sent image "$host/up-expire/whole:1" --plain-http --parallel 1
    unsent "unauthorized (log in: bocal login $host)" image "$host/up-never/a:1" --plain-http
}

@test "credentials of a file, and none" {
    unsent "unauthorized (log in: bocal login $host)" image "$host/up-basic/a:1" --plain-http
    credentials "$host"
    push image "$host/up-basic/a:1" --plain-http --authfile auth.json
    [ "$status" = 0 ]
    sed -i 's/dXNlcjpwYXNz/dXNlcjp3cm9uZw==/' auth.json
    unsent "log in again: it was shown what auth.json has for $host" image "$host/up-basic/a:1" --plain-http --authfile auth.json
}

@test "credentials go to no other host, whatever way an upload takes" {
    credentials "$host"
    sent image "$host/up-away/a:1" --plain-http --authfile auth.json --part 1
    [ "$(asked '"port": "elsewhere".*"method": "PATCH".*/up-away/a/')" = 3 ]
    sent image "$host/up-307/a:1" --plain-http --authfile auth.json
    [ "$(asked '"port": "elsewhere".*"method": "PUT".*/up-there/a/')" = 3 ]
    [ "$(asked '"port": "elsewhere".*[Aa]uthorization"')" = 0 ]
    unsent "redirects PUT with status 302" image "$host/up-302/a:1" --plain-http
    unsent "neither http nor https" image "$host/up-to-file/a:1" --plain-http
    unsent "from https to http" image "$tls/up-to-plain/a:1" --cert-dir "$server/certs"
    [ "$(asked '"port": "port".*/up-to-plain/')" = 0 ]
}

@test "lies: another digest for a blob, for a manifest; no address" {
    unsent "has stored it as sha256:" image "$host/up-blob-lie/a:1" --plain-http
    unsent "has stored it as sha256:" image "$host/up-lie/a:1" --plain-http
    unsent "does not say where to upload to" image "$host/up-no-location/a:1" --plain-http
}

@test "what the registry refuses, in its own words, disarmed" {
    unsent "manifest sha256:" image "$host/up-invalid/a:1" --plain-http
    one_line "answers 400: the registry says: manifest invalid: ?[31mOCI is not known here"
    unsent "answers 413: the registry says: quota exceeded" image "$host/up-full/a:1" --plain-http
}

@test "an index with all its images; and an image without a byte in its layer" {
    sent index "$host/up/index:1" --plain-http
    got "$host/up/index:1" --plain-http --platform linux/arm64
    sent zero "$host/up/zero:1" --plain-http
}

@test "an index of which one image is here: as it is where the registry has the rest, else that image alone" {
    push partial "$host/up-rest/a:1" --plain-http
    [ "$status" = 0 ]
    says "\"manifest\": \"$(cat "$server/partial.digest")\""
    push partial "$host/up/partial:1" --plain-http
    [ "$status" = 0 ]
    says "of the index $(cat "$server/partial.digest") one image is here, and is pushed alone"
    got "$host/up/partial:1" --plain-http
    says "application/vnd.oci.image.manifest.v1+json"
    unsent "images of its index are not here" partial "$host/up/partial@$(cat "$server/partial.digest")" --plain-http
}

@test "layers that registries may not have are left where they are, and that is said" {
    push foreign "$host/up/foreign:1" --plain-http
    [ "$status" = 0 ]
    says "it is to be had from https://elsewhere.example/layer only"
}

@test "by digest; another digest than the image's is refused before anything is asked" {
    digest=$(cat "$server/image.digest")
    push image "$host/up/digest@$digest" --plain-http
    [ "$status" = 0 ]
    [ "$(requests PUT "/up/digest/manifests/$digest")" = 1 ]
    unsent "the image is $digest" image "$host/up/other@sha256:$(printf '0%.0s' {1..64})" --plain-http
    [ "$(asked '/up/other/')" = 0 ]
}

@test "a store that is damaged: said, and nothing gets a name" {
    cp -r "$server/image" damaged
    big=$(find damaged -size +2000k)
    printf wrong | dd of="$big" conv=notrunc status=none
    cp -r damaged "$server/damaged" && cp "$server/image.digest" "$server/damaged.digest"
    unsent "what the store has is sha256:" damaged "$host/up/damaged:1" --plain-http --part 1
    truncate -s -1 "$server/damaged/${big##*/}"
    unsent "the manifest has 3000000 bytes, the store 2999999 (bocal image verify)" damaged "$host/up/damaged:1" --plain-http
    rm "$server/damaged/${big##*/}"
    unsent "neither the store nor $host has it" damaged "$host/up/damaged:1" --plain-http
    echo wrong >"$server/damaged/$(sed s/sha256:// "$server/damaged.digest")"
    unsent "is not in the store, or is damaged" damaged "$host/up/damaged:1" --plain-http
    [ "$(requests PUT '/up/damaged/manifests')" = 0 ]
}

@test "confined before it meets the network, and writes nowhere" {
    ! grep -q __asan_init "$program" || skip "sanitizers look around"
    "$program" push --reference "$host/up-hang/confined:1" --image "$(cat "$server/image.digest")" --plain-http 3<"$server/image" 4<in &
    pid=$!
    for _ in $(seq 100); do grep -q up-hang/confined "$server/log" && break || sleep 0.05; done
    cat "/proc/$pid/status" >status
    find "/proc/$pid/fd" -mindepth 1 -maxdepth 1 -printf '%l\n' >fds
    kill "$pid"
    grep -q "^NoNewPrivs:.1" status
    grep -q "^Seccomp:.2" status
    ! grep -q "$work/in" fds
}

@test "what is missing is said" {
    run "$program" push --reference "$host/up/a:1" 3<in
    says "--reference and --image sha256:… are needed"
    run "$program" push --image x --reference y
    says "file descriptor 3 is to be the store's blobs"
    run "$program" push --part 0 3<in
    says "--part 0: from 1 to"
}
