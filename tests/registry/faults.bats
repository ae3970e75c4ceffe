#!/usr/bin/env bats
# bocal-registry against a server that does everything wrong (server.py).

load helpers

setup_file() { start_server; }
teardown_file() { stop_server; }

@test "an image arrives whole, and nothing is fetched twice" {
    got "$host/ok/first:1"
    says '"state": "done"'
    says '"mediaType": "application/vnd.oci.image.manifest.v1+json"'
    [ "$(ls in | wc -l)" = 4 ]
    mv in/* store/
    got "$host/ok/first:1"
    [ "$(ls in | wc -l)" = 1 ] # the manifest, which is small, and tells whether the tag has moved
    says '"state": "exists"'
    [ "$(asked '/v2/ok/first/blobs')" = 3 ]
}

@test "plain http is used with loopback only after TLS could not be begun, and that is said" {
    got "$host/ok/plain:1"
    says '"notice": "plain http is used with'
    got "$host/ok/plain:1" --plain-http
    [[ $output != *notice* ]]
}

@test "what has a digest and is here is not asked for" {
    got "$host/ok/digest:1" --plain-http
    manifest=$(tail -n1 <<<"$output" | sed -E 's/.*"manifest": "([^"]*)".*/\1/')
    mv in/* store/
    got "$host/ok/nowhere@$manifest" --plain-http
    [ "$(asked /v2/ok/nowhere/)" = 0 ]
}

@test "an index: the entry for the platform, with variants" {
    for pair in linux/arm/v7:armv7 linux/arm:armv7 linux/arm/v6:armv6 linux/arm64:arm64 linux/arm64/v8:arm64 linux/amd64:amd64 \
        linux/amd64/v3:amd64v3 linux/amd64/v2:amd64; do
        rm -f in/*
        got "$host/index/a:1" --plain-http --platform "${pair%:*}"
        says '"index": "sha256:'
        grep -q "\"architecture\": \"${pair#*:}\"" in/* || { echo "$pair"; return 1; }
    done
    no "nothing for linux/riscv64" "$host/index/a:1" --plain-http --platform linux/riscv64
}

@test "an image that is in no index, for another platform: refused to who asked for one, else said" {
    no "the image is for linux/amd64, not for linux/s390x" "$host/ok/platform:1" --plain-http --platform linux/s390x
    got "$host/ok/platform:1" --plain-http --platform linux/amd64
    got "$host/other/platform:1" --plain-http
    says '"notice": "the image is for linux/s390x, not for '
    got "$host/other/platform:1" --plain-http
    says '"notice": "the image is for linux/s390x, not for ' # also when it is here
}

@test "a cut connection: the rest is asked for, and only that" {
    got "$host/cut/a:1" --plain-http
    says 'once more in'
    [ "$(asked '/cut/a/blobs.*"range": "bytes=[1-9].*"if-range": "\\"1\\""')" = 2 ]
}

@test "a cut connection, and a server that has changed meanwhile, or knows no parts" {
    got "$host/cut-new/a:1" --plain-http
    got "$host/cut-whole/a:1" --plain-http
}

@test "a cut connection, and what came before was wrong: from the beginning, once" {
    got "$host/cut-wrong/a:1" --plain-http
    [ "$(asked '/cut-wrong/a/blobs')" = 5 ] # big three times, small, config
}

@test "a connection that is always cut ends with what is there kept for the next try" {
    no "tried 3 times" "$host/cut-always/a:1" --plain-http --retries 2
    ls in/*.partial
    [ "$(find in -name '*.partial' -size +40k | wc -l)" -ge 1 ]
    got "$host/ok/after:1" --plain-http
    [ "$(asked '/ok/after/blobs.*"range"')" -ge 1 ]
}

@test "what an earlier try left may be wrong, too long, or complete" {
    got "$host/ok/left:1" --plain-http
    for name in $(find in -size +50k -printf '%f '); do mv "in/$name" "in/$name.partial"; done
    for file in in/*.partial; do cp "$file" keep; done
    got "$host/ok/left-complete:1" --plain-http
    [ "$(asked '/left-complete/blobs')" = 0 ]
    for name in $(find in -size +50k -printf '%f '); do
        { printf 'wrong'; head -c 60000 "in/$name" | tail -c +6; } >"in/$name.partial"
        rm "in/$name"
    done
    got "$host/ok/left-wrong:1" --plain-http
    for name in $(find in -size +50k -printf '%f '); do { cat "in/$name"; echo more; } >"in/$name.partial"; rm "in/$name"; done
    got "$host/ok/left-long:1" --plain-http
}

@test "another part than was asked for is refused" {
    no "another part than it was asked for" "$host/other-part/a:1" --plain-http
}

@test "no answer, an early end, a hang" {
    no "Empty reply" "$host/close/a:1" --plain-http --retries 1
    got "$host/early/a:1" --plain-http
    no "Operation t" "$host/hang/a:1" --plain-http --retries 0 --timeout 1
}

@test "a slow server counts as broken, and is asked again" {
    got "$host/slow/a:1" --plain-http --timeout 1
}

@test "429 with Retry-After, in seconds and as a date" {
    start=$SECONDS
    got "$host/busy/seconds:1" --plain-http
    [ $((SECONDS - start)) -ge 1 ]
    got "$host/busy/date:1" --plain-http
    no "asks not to come back for 86400 s" "$host/busy-long/a:1" --plain-http
}

@test "5xx: again for a while, then what the registry says" {
    got "$host/e500/a:1" --plain-http
    no "answers 502: the registry says: bad ?[1mgateway" "$host/e500-always/a:1" --plain-http --retries 1
    [ "$(asked '/e500-always/a/blobs.*')" -ge 2 ]
}

@test "sizes that lie" {
    no "the manifest has 3000000 bytes, the server offers 2999999" "$host/truncated/a:1" --plain-http --parallel 1
    no "the server offers 3000001" "$host/long/a:1" --plain-http --parallel 1
    no "more comes than the 3000000 bytes" "$host/endless/a:1" --plain-http --parallel 1
    no "the server offers 3000000" "$host/size-lie/a:1" --plain-http
}

@test "wrong bytes are refused, and not kept" {
    no "what came is sha256:" "$host/wrong/a:1" --plain-http --parallel 1
    [ "$(find in -name '*.partial' -size +0 | wc -l)" = 0 ]
}

@test "a layer without a byte" {
    got "$host/zero/a:1" --plain-http
}

@test "content-encoding that nobody asked for" {
    no "content-encoding gzip" "$host/gzip/a:1" --plain-http
    no "content-encoding gzip" "$host/gzip-manifest/a:1" --plain-http
}

@test "manifests that are none" {
    no "more than 4194304 bytes" "$host/endless-manifest/a:1" --plain-http
    no "nothing came" "$host/nothing/a:1" --plain-http
    no "not JSON" "$host/no-json/a:1" --plain-http
    no "sha512" "$host/sha512/a:1" --plain-http
    no "could be read as an index and as a manifest" "$host/both/a:1" --plain-http
    no "/layers/0/digest" "$host/escape-digest/a:1" --plain-http
    no "the server says sha256:" "$host/digest-lie/a:1" --plain-http
    no "what came is sha256:" "$host/ok/a@sha256:$(printf '0%.0s' {1..64})" --plain-http
    no "header without end" "$host/headers/a:1" --plain-http
    got "$host/digest-other/a:1" --plain-http
}

@test "a reference by sha512 is refused by name" {
    no "sha512" "$host/ok/a@sha512:$(printf '0%.0s' {1..128})" --plain-http
}

@test "not found, denied: in the registry's own words, disarmed" {
    no "pull $host/ok/a:missing: not found: the registry says: manifest unknown: ?]0;owned??[31mred" "$host/ok/a:missing" --plain-http
    no "not found: the registry says: no ?[31msuch? thing" "$host/ok/a:text" --plain-http
    no "denied: the registry says: requested access to the resource is denied (log in: bocal login $host)" \
        "$host/ok/a:denied" --plain-http
    no "not found: the registry says: blob unknown" "$host/gone/a:1" --plain-http
}

@test "a token: asked for once, for the scope, and used for everything" {
    got "$host/token/a:1" --plain-http
    [ "$(asked '"path": "/token.scope=repository%3Atoken%2Fa%3Apull&service=s%20v"')" = 1 ]
    [ "$(asked '/v2/token/a/.*Bearer for-repository:token/a:pull-1')" = 4 ]
}

@test "a token with a name and a password" {
    no "unauthorized: $host gives no token: incorrect username or password (log in: bocal login $host)" \
        "$host/token-private/a:1" --plain-http
    credentials "$host"
    got "$host/token-private/a:1" --plain-http --authfile auth.json
    [ "$(asked '/token.*account=user.*Basic dXNlcjpwYXNz')" = 1 ]
    [ "$(asked '/v2/token-private.*Basic')" = 0 ]
    printf '{"auths": {"%s": {"auth": "dXNlcjp3cm9uZw=="}}}' "$host" >wrong.json
    no "log in again: it was shown what wrong.json has" "$host/token-private/b:1" --plain-http --authfile wrong.json
}

@test "a token that expires in the middle is asked for anew" {
    got "$host/expire/a:1" --plain-http
    [ "$(asked '/token.*expire%2Fa')" = 2 ] # three blobs ran into the old one
}

@test "a token that never helps" {
    no "unauthorized: the registry says: authentication required (log in: bocal login $host)" "$host/token-never/a:1" --plain-http
}

@test "an identity token is posted, and goes nowhere else" {
    printf '{"auths": {"%s": {"auth": "MDAwMDA6", "identitytoken": "re&fresh"}}}' "$host" >auth.json
    got "$host/refresh/a:1" --plain-http --authfile auth.json
    [ "$(asked '"method": "POST".*refresh_token=re%26fresh')" = 1 ]
    [ "$(asked '"method": "GET".*re%26fresh')" = 0 ]
}

@test "basic authentication" {
    no "unauthorized: the registry says: authentication required (log in" "$host/basic/a:1" --plain-http
    credentials "$host"
    got "$host/basic/a:1" --plain-http --authfile auth.json
}

@test "credentials go to no other host" {
    credentials "$host"
    got "$host/basic/away:1" --plain-http --authfile auth.json
    got "$host/token/away:1" --plain-http
    got "$host/away/a:1" --plain-http
    [ "$(asked '"port": "elsewhere".*/v2/ok/blobs.*signature=a%20b')" -ge 6 ]
    [ "$(asked '"port": "elsewhere".*[Aa]uthorization"')" = 0 ]
}

@test "a challenge of another host is not answered" {
    credentials "$host"
    no "unauthorized" "$host/elsewhere-401/a:1" --plain-http --authfile auth.json
    [ "$(asked '"port": "elsewhere".*/token')" = 0 ]
}

@test "tokens from places that are none" {
    credentials "$host"
    no "neither http nor https" "$host/realm-file/a:1" --plain-http --authfile auth.json
    no "the token server" "$host/realm-gopher/a:1" --plain-http --authfile auth.json
    no "a user's name in it" "$host/realm-user/a:1" --plain-http --authfile auth.json
    no "there is none that could be sent" "$host/inject/a:1" --plain-http
    no "there is none that could be sent" "$host/no-token/a:1" --plain-http
    [ "$(asked '"x-evil"')" = 0 ]
}

@test "redirects that lead nowhere" {
    got "$host/relative/a:1" --plain-http
    no "more than 10 redirects" "$host/loop/a:1" --plain-http
    no "without saying where to" "$host/nowhere/a:1" --plain-http
    no "neither http nor https" "$host/to-file/a:1" --plain-http
}

@test "TLS: only who is trusted" {
    no "--cert-dir DIR has certificates to trust" "$tls/ok/a:1"
    got "$tls/ok/a:1" --tls-verify=false
    rm -f in/*
    got "$tls/ok/a:1" --cert-dir "$server/certs"
    rm -f in/*
    SSL_CERT_FILE=$server/server.crt got "$tls/ok/a:1"
}

@test "from https nothing leads to plain http" {
    no "redirects from https to http" "$tls/to-plain/a:1" --cert-dir "$server/certs"
    credentials "$tls"
    no "which is plain http" "$tls/realm-plain/a:1" --cert-dir "$server/certs" --authfile auth.json
    [ "$(asked '"port": "port".*realm-plain')" = 0 ]
}

@test "proxies of the environment, but never for this machine" {
    HTTP_PROXY=http://$elsewhere got registry.example/ok/proxy:1 --plain-http
    [ "$(asked '"port": "elsewhere".*"path": "http://registry.example/v2/ok/proxy/')" = 4 ]
    export HTTP_PROXY=http://127.0.0.1:1
    got "$host/ok/no-proxy:1" --plain-http
    no "127.0.0.1 port 1" registry.example/ok/proxy:1 --plain-http
}

@test "names are resolved by DNS, in spite of the fences" {
    [ "$(id -u)" = 0 ] || skip "needs root to mount"
    python3 - 3>&- <<'P' &
import socket
dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
dns.bind(("127.0.0.77", 53))
open("dns-is-up", "w").write("yes")
while True:  # 127.0.0.1 for whoever asks for A, nothing else
    data, peer = dns.recvfrom(512)
    end = data.index(0, 12) + 5
    a = data[end - 4:end - 2] == b"\0\1"
    dns.sendto(data[:2] + b"\x81\x80\0\1\0" + bytes([a]) + b"\0\0\0\0" + data[12:end] +
               (b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1" if a else b""), peer)
P
    dns=$!
    wait_for dns-is-up
    echo "nameserver 127.0.0.77" >resolv.conf
    run timeout 50 unshare -m --propagation private sh -c 'mount --bind resolv.conf "$(readlink -f /etc/resolv.conf)" && exec "$@"' \
        view "$program" pull --plain-http --reference "registry.example:${host##*:}/ok/dns:1" 3<in 4<store
    kill $dns
    [ "$status" = 0 ] || { echo "$output"; return 1; }
    whole
}

@test "a mirror is asked first, and left where it fails" {
    got "registry.example/only-elsewhere/a:1" --plain-http --mirror "$elsewhere" --retries 0
    rm -f in/*
    got "$elsewhere/only-elsewhere/b:1" --plain-http --mirror "$host" --retries 0
    says "the mirror $host is left"
    rm -f in/*
    got "$elsewhere/a:1" --plain-http --mirror "$host/wrong/deep/" --retries 0
    [ "$(asked '/v2/wrong/deep/a/manifests/1')" = 1 ]
    no "not HOST" "$host/ok/a:1" --mirror "https://x"
}

@test "credentials where Docker and Podman keep them" {
    mkdir -p home/.docker
    credentials "$host"
    mv auth.json home/.docker/config.json
    got "$host/basic/docker:1" --plain-http
    printf '{"auths": {"%s": {"auth": "eDp5"}, "%s/basic/deep": {"auth": "dXNlcjpwYXNz"}}}' "$host" "$host" >deep.json
    got "$host/basic/deep/er:1" --plain-http --authfile deep.json
    no "unauthorized" "$host/basic/deeper:1" --plain-http --authfile deep.json
    echo '{"auths": {"x"' >bad.json
    no "bad.json" "$host/ok/a:1" --plain-http --authfile bad.json
    no "missing.json" "$host/ok/a:1" --plain-http --authfile missing.json
}

@test "credential helpers" {
    mkdir bin
    printf '#!/bin/sh\n[ "$1" = get ] || exit 2\nhost=$(cat)\n[ "$host" = %s ] || { echo "credentials not found in native keychain"; exit 1; }\n%s\n' \
        "$host" 'echo "{\"ServerURL\": \"$host\", \"Username\": \"user\", \"Secret\": \"pass\"}"' >bin/docker-credential-test
    printf '#!/bin/sh\nprintf "broken \\033[1m"; exit 1\n' >bin/docker-credential-broken
    chmod +x bin/*
    export PATH=$work/bin:$PATH
    printf '{"credHelpers": {"%s": "test"}}' "$host" >auth.json
    got "$host/basic/helper:1" --plain-http --authfile auth.json
    echo '{"credsStore": "test"}' >auth.json
    got "$host/basic/store:1" --plain-http --authfile auth.json
    got "$elsewhere/ok/store:1" --plain-http --authfile auth.json
    echo '{"credsStore": "broken"}' >auth.json
    no "docker-credential-broken: broken ?[1m" "$host/ok/a:1" --plain-http --authfile auth.json
    echo '{"credsStore": "missing"}' >auth.json
    no "no credential helper docker-credential-missing in PATH" "$host/ok/a:1" --plain-http --authfile auth.json
    echo '{"credsStore": "../../bin/sh"}' >auth.json
    no "not the name of a credential helper" "$host/ok/a:1" --plain-http --authfile auth.json
}

@test "a full disk, and a directory that cannot be written into: one line, and nobody else is asked" {
    [ "$(id -u)" = 0 ] || skip "needs root to mount"
    mount -t tmpfs -o size=1m bocal-registry-test in
    no "No space left on device" "$host/ok/full:1" --plain-http --mirror "$elsewhere"
    [ "$(asked '"port": "elsewhere".*ok/full/blobs')" -ge 1 ]
    [ "$(asked '"port": "port".*ok/full/')" = 0 ]
    umount in
    mount -t tmpfs -o ro bocal-registry-test in
    no "Read-only file system" "$host/ok/a:1" --plain-http
    umount in
}

@test "who does not read ends it" {
    run bash -o pipefail -c "timeout 20 '$program' pull --reference '$host/ok/reader:1' --plain-http 3<in 4<store | true"
    [ "$status" != 124 ]
}

@test "confined before it meets the network" {
    ! grep -q __asan_init "$program" || skip "sanitizers look around"
    "$program" pull --reference "$host/hang/confined:1" --plain-http 3<in 4<store 5<"$server/server.key" &
    pid=$!
    for _ in $(seq 100); do grep -q hang/confined "$server/log" && break || sleep 0.05; done
    cat "/proc/$pid/status" >status
    find "/proc/$pid/fd" -mindepth 1 -maxdepth 1 -printf '%l\n' >fds
    kill "$pid"
    grep -q "^NoNewPrivs:.1" status
    grep -q "^Seccomp:.2" status
    grep -qE "^CapEff:.000000000000000[02]" status
    ! grep -q server.key fds # what was inherited by mistake
}

@test "what is missing is said" {
    no "--reference" "" || no "image" ""
    run "$program" pull --reference "$host/ok/a:1" 4<store
    says "file descriptor 3 is to be the ingest directory"
    run "$program" fetch 3<in 4<store
    says "no such verb"
}
