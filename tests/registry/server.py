#!/usr/bin/env python3
"""server.py DIR [LAYOUT]: a registry with faults, on loopback. What it does wrong is the first part of a repository's name.

Its image has a large layer and a small one, of random bytes; or of the first image in the OCI layout LAYOUT.

Its ports are written to DIR/port, DIR/elsewhere (another origin), DIR/tls (with DIR/server.crt and .key), DIR/basic and DIR/bearer (which
want to know who logs in), DIR/slow (which does not answer that). Every request is a
line of JSON in DIR/log: port, method, path, the headers that tests look at, the body. A fault that happens N times is
counted by the whole repository name, so that each test has a count of its own: "cut/a", "cut/b". Repositories that begin with
"up" take what is pushed: uploads.py.

DIR/image has an image's blobs, as a store has them, and DIR/image.digest says which is its manifest; DIR/partial the same of an index with
one of its images, DIR/index of one with all.
"""
import email.utils
import hashlib
import json
import os
import random
import socket
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from uploads import Uploads

DIR = sys.argv[1]
BIG, SMALL = random.Random(1).randbytes(3_000_000), random.Random(2).randbytes(100_000)
LAYOUT, SETTINGS = sys.argv[2] if len(sys.argv) > 2 else None, {}
OCI = "application/vnd.oci.image."
SECRET = "Basic dXNlcjpwYXNz"  # user:pass
lock, counts, ports = threading.Lock(), {}, {}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(kind, data, **more):
    return {"mediaType": OCI + kind, "digest": digest(data), "size": len(data), **more}


def of_layout(described):
    with open(f"{LAYOUT}/blobs/sha256/{described['digest'][7:]}", "rb") as file:
        return file.read()


if LAYOUT:
    with open(LAYOUT + "/index.json") as file:
        found = json.loads(of_layout(json.load(file)["manifests"][0]))
    BIG, SMALL = map(of_layout, found["layers"])
    CONFIG = json.loads(of_layout(found["config"]))
    SETTINGS, DIFF_IDS = CONFIG["config"], CONFIG["rootfs"]["diff_ids"]
else:
    DIFF_IDS = [digest(BIG), digest(SMALL)]
PIECE = len(BIG) * 2 // 5  # of BIG, when the connection is cut


def image(architecture):
    """A manifest, and what it names."""
    config = json.dumps({"os": "linux", "architecture": architecture, "config": SETTINGS, "rootfs": {
        "type": "layers", "diff_ids": DIFF_IDS}}).encode()
    manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": descriptor("config.v1+json", config),
                "layers": [descriptor("layer.v1.tar", BIG), descriptor("layer.v1.tar", SMALL)]}
    return manifest, config


MANIFEST, CONFIG = image("amd64")
BLOBS = {digest(b): b for b in (BIG, SMALL, CONFIG)}
ENTRIES = []
DOCUMENTS = {}
for arch, variant in (("arm", "v6"), ("arm64", None), ("arm", "v7"), ("amd64", "v3"), ("amd64", None)):
    document, blob = image(arch + (variant or ""))
    data = json.dumps(document).encode()
    BLOBS[digest(blob)] = blob
    DOCUMENTS[digest(data)] = data
    ENTRIES.append(descriptor("manifest.v1+json", data, platform={
        "os": "linux", "architecture": arch, **({"variant": variant} if variant else {})}))
ENTRIES.append(descriptor("manifest.v1+json", b"{}", platform={"os": "unknown", "architecture": "unknown"}))
INDEX = json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": ENTRIES}).encode()


def changed(**changes):
    return json.dumps({**MANIFEST, **changes}).encode()


document, blob = image("s390x")
OTHER = json.dumps(document).encode()
BLOBS[digest(blob)] = blob

MANIFESTS = {
    "index": INDEX,
    "sha512": changed(layers=[{**MANIFEST["layers"][0], "digest": "sha512:" + "0" * 128}]),
    "both": changed(manifests=[]),
    "no-json": b"<html>\x1b[31m</html>",
    "nothing": b"",
    "other": OTHER,
    "zero": changed(layers=[{**descriptor("layer.v1.tar", b"")}]),
    "size-lie": changed(layers=[{**MANIFEST["layers"][0], "size": 9_000_000_000_000_000_000}]),
    "escape-digest": changed(layers=[{**MANIFEST["layers"][0], "digest": "sha256:../../../../etc/passwd"}]),
}
BLOBS[digest(b"")] = b""


def lay_out(name, *blobs):
    """A directory of BLOBS, of which the first is what it is about."""
    os.makedirs(f"{DIR}/{name}", exist_ok=True)
    for data in blobs:
        with open(f"{DIR}/{name}/{digest(data)[7:]}", "wb") as out:
            out.write(data)
    with open(f"{DIR}/{name}.digest", "w") as out:
        out.write(digest(blobs[0]))


def lay_out_all():
    lay_out("image", json.dumps(MANIFEST).encode(), CONFIG, BIG, SMALL)
    alone = DOCUMENTS[ENTRIES[4]["digest"]]
    config = BLOBS[json.loads(alone)["config"]["digest"]]
    lay_out("partial", INDEX, alone, config, BIG, SMALL)
    two = json.dumps({"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [ENTRIES[1], ENTRIES[4]]}).encode()
    other = DOCUMENTS[ENTRIES[1]["digest"]]
    lay_out("index", two, alone, config, other, BLOBS[json.loads(other)["config"]["digest"]], BIG, SMALL)
    foreign = {**descriptor("layer.nondistributable.v1.tar", b"foreign"), "urls": ["https://elsewhere.example/layer"]}
    lay_out("foreign", changed(layers=[MANIFEST["layers"][1], foreign]), CONFIG, SMALL)
    lay_out("zero", changed(layers=[descriptor("layer.v1.tar", b"")]), CONFIG, b"")


class Handler(Uploads, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, body=""):
        with lock, open(DIR + "/log", "a") as log:
            log.write(json.dumps({"port": self.server.name, "method": self.command, "path": self.path, "body": body,
                                  **{k.lower(): v for k, v in self.headers.items()}}) + "\n")

    def nth(self, what):
        """How often this was asked for in this repository, from 1."""
        with lock:
            key = (self.server.name, self.repository, what)
            counts[key] = counts.get(key, 0) + 1
            return counts[key]

    def answer(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def origin(self, name):
        return f"{'https' if name == 'tls' else 'http'}://127.0.0.1:{ports[name]}"

    def error(self, status, message, **headers):
        body = json.dumps({"errors": [{"code": "CODE", "message": message}]}).encode()
        self.answer(status, body, Content_Type="application/json", **headers)

    # ---- tokens ----

    def do_POST(self):
        if self.path.startswith("/v2/"):
            return self.do_GET()
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.note(body)
        form = urllib.parse.parse_qs(body)
        if form.get("refresh_token") == ["re&fresh"] and form.get("grant_type") == ["refresh_token"]:
            self.answer(200, json.dumps({"access_token": "from-refresh"}).encode())
        else:
            self.error(401, "that is no refresh token")

    def token(self):
        query = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        scope = "+".join(query.get("scope", [""]))
        if ("private" in scope or query.get("service") == ["private"]) and self.headers["Authorization"] != SECRET:
            self.error(401, "incorrect username or password")
        elif "inject" in scope:
            self.answer(200, json.dumps({"token": "x\r\nX-Evil: yes"}).encode())
        elif "no-token" in scope:
            self.answer(200, b'{"token": ""}')
        else:
            self.answer(200, json.dumps({"token": f"for-{scope}-{self.nth(scope)}", "expires_in": 300}).encode())

    def challenge(self):
        """Answers 401 where the fault asks for credentials and there are none that fit. Whether it did."""
        sent = self.headers["Authorization"] or ""
        realm = {"realm-file": "file:///etc/passwd", "realm-gopher": "gopher://127.0.0.1/x", "realm-none": "",
                 "realm-user": f"http://a:b@127.0.0.1:{ports['port']}/token",
                 "realm-plain": self.origin("port") + "/token"}.get(self.fault, self.origin(self.server.name) + "/token")
        scope = f"repository:{self.repository}:pull"
        if self.fault == "basic":
            ok, header = sent == SECRET, 'Basic realm="a, \\"b\\""'
        elif self.fault in ("token", "token-private", "inject", "no-token", "token-never") or self.fault.startswith("realm"):
            ok = sent.startswith("Bearer for-repository:")
            header = f'Negotiate, Basic realm="x", Bearer realm="{realm}",service="s v",scope="{scope}"'
        elif self.fault == "refresh":
            ok, header = sent == "Bearer from-refresh", f'Bearer realm="{realm}",service="s",scope="{scope}"'
        elif self.fault == "expire":  # each blob wants a newer token than the manifest
            ok = sent.startswith("Bearer for-") and not ("/blobs/" in self.path and sent.endswith("-1"))
            header = f'Bearer realm="{realm}",service="s",scope="{scope}"'
        else:
            return False
        if ok and self.fault != "token-never":
            return False
        self.error(401, "authentication required", WWW_Authenticate=header)
        return True

    # ---- what is asked for ----

    def do_HEAD(self):
        self.do_GET()

    def do_PUT(self):
        self.do_GET()

    def do_DELETE(self):
        self.do_GET()

    def do_PATCH(self):
        self.do_GET()

    def handle_expect_100(self):
        """Who would be refused is, before he has sent anything."""
        if "/up-expire/" in self.path or "/up-never/" in self.path:
            return True  # upload_token_wanted() answers
        return super().handle_expect_100()

    def of_itself(self):
        """/v2/, which says who may come in; the server's name does it by its port."""
        sent, realm = self.headers["Authorization"] or "", self.origin(self.server.name) + "/token"
        if self.server.name == "slow":
            return time.sleep(30)
        if self.server.name == "basic" and sent != SECRET:
            return self.error(401, "authentication required", WWW_Authenticate='Basic realm="a"')
        if self.server.name == "bearer" and not sent.startswith("Bearer for-"):
            return self.error(401, "authentication required", WWW_Authenticate=f'Bearer realm="{realm}",service="private"')
        return self.error(404, "no registry") if self.server.name == "elsewhere" else self.answer(200, b"{}")

    def do_GET(self):
        self.note()
        self.repository = "?"
        self.path = self.path.removeprefix("http://registry.example")  # to a proxy
        if self.path.startswith("/token"):
            return self.token()
        if self.path == "/v2/":
            return self.of_itself()
        path, _, query = self.path.partition("?")
        parts = path.split("/")  # "", v2, NAME..., manifests|blobs, REFERENCE
        self.repository, kind, reference = "/".join(parts[2:-2]), parts[-2], parts[-1]
        self.fault = parts[2]
        if self.fault.startswith("up"):
            self.repository = self.repository.removesuffix("/blobs")  # of blobs/uploads/…
            return self.upload(kind, reference, urllib.parse.parse_qs(query))
        if self.server.name == "elsewhere" and self.fault == "elsewhere-401":
            return self.error(401, "who?", WWW_Authenticate=f'Bearer realm="{self.origin("elsewhere")}/token",service="evil"')
        if self.server.name == "port" and self.fault == "only-elsewhere":
            return self.error(503, "away")
        if self.challenge():
            return None
        return self.manifest(reference) if kind == "manifests" else self.blob(reference)

    def manifest(self, reference):
        fault = self.fault
        data = DOCUMENTS.get(reference) or MANIFESTS.get(fault) or json.dumps(MANIFEST).encode()
        media = json.loads(data).get("mediaType", "") if data[:1] == b"{" else "text/html"
        if self.server.name == "elsewhere" and fault == "not-mirrored":
            return self.error(404, "not here")
        if reference == "missing":
            return self.error(404, "manifest unknown: \x1b]0;owned\x07\x1b[31mred\u009b")
        if reference == "text":
            return self.answer(404, b"no \x1b[31msuch\x9b thing\nsecond line", Content_Type="text/plain")
        if reference == "denied":
            return self.error(403, "requested access to the resource is denied")
        if fault == "nothing":
            data = b""
        if fault == "endless-manifest":
            return self.endless(media)
        if fault == "gzip-manifest":
            return self.answer(200, data, Content_Type=media, Content_Encoding="gzip")
        if fault == "digest-lie":
            return self.answer(200, data, Content_Type=media, Docker_Content_Digest=digest(b"other"))
        if fault == "digest-other":
            return self.answer(200, data, Content_Type=media, Docker_Content_Digest="sha512:" + "1" * 128)
        if fault == "changed" and reference.startswith("sha256"):
            return self.answer(200, data + b" ", Content_Type=media)
        if fault == "headers":
            return self.answer(200, data, Content_Type=media, **{f"X-{i}": "y" * 8000 for i in range(60)})
        if fault == "hang":
            return time.sleep(30)
        if fault == "close":
            return self.cut()
        return self.answer(200, data, Content_Type=media, Docker_Content_Digest=digest(data))

    def endless(self, media):
        self.send_response(200)
        self.send_header("Content-Type", media)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        except OSError:
            self.close_connection = True

    def blob(self, reference):
        data = BLOBS.get(reference)
        if data is None:
            return self.error(404, "blob unknown")
        name = "big" if data is BIG else "small"
        behave = getattr(self, "blob_" + self.fault.replace("-", "_"), None)
        if behave and data in (BIG, SMALL):
            return behave(data, self.nth(name))
        return self.part(data)

    def part(self, data, most=None, tag='"1"', head=b""):
        """DATA as Range asks, MOST bytes of it before the connection is cut."""
        first, asked = 0, self.headers["Range"]
        if asked and self.headers.get("If-Range", tag) == tag:
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
        if first >= len(data) and first:
            return self.answer(416)
        body = head + data[first + len(head):]
        more = {"Content_Range": f"bytes {first}-{len(data) - 1}/{len(data)}"} if first else {}
        self.answer(206 if first else 200, body if most is None else body[:most], len(body), ETag=tag, **more)
        return None if most is None else self.cut()

    def blob_cut(self, data, n):
        self.part(data, PIECE if n < 3 and data is BIG else None)

    def blob_cut_new(self, data, n):  # another ETag each time: no part fits the one before
        self.part(data, PIECE if n < 3 and data is BIG else None, tag=f'"{n}"')

    def blob_cut_whole(self, data, n):  # Range is not known here
        self.answer(200, data[:PIECE] if n < 3 else data, len(data))
        if n < 3:
            self.cut()

    def blob_cut_always(self, data, n):
        self.part(data, 50_000)

    def blob_cut_wrong(self, data, n):  # the first piece is wrong
        bad = n == 1 and data is BIG
        self.part(data, PIECE if bad else None, head=b"wrong" if bad else b"")

    def blob_rest_wrong(self, data, n):  # what comes behind the first piece is, the first time
        self.part(data[:PIECE] + b"x" * (len(data) - PIECE) if n == 2 and data is BIG else data, PIECE if n == 1 and data is BIG else None)

    def blob_rest_lies(self, data, n):  # each time
        self.part(data[:PIECE] + b"x" * (len(data) - PIECE) if data is BIG else data, PIECE if n == 1 and data is BIG else None)

    def blob_other_part(self, data, n):
        if n == 1:
            return self.part(data, PIECE)
        return self.answer(206, data[5:], Content_Range=f"bytes 5-{len(data) - 1}/{len(data)}")

    def blob_busy(self, data, n):
        if n > 1:
            return self.part(data)
        date = email.utils.formatdate(time.time() + 2, usegmt=True)
        return self.error(429, "toomanyrequests", Retry_After=date if "date" in self.repository else "1")

    def blob_busy_long(self, data, n):
        self.error(503, "maintenance", Retry_After="86400")

    def blob_e500(self, data, n):
        return self.part(data) if n > 2 else self.error(500, "oops")

    def blob_e500_always(self, data, n):
        self.error(502, "bad \x1b[1mgateway")

    def blob_truncated(self, data, n):
        self.answer(200, data[:-1])

    def blob_long(self, data, n):
        self.answer(200, data + b"x")

    def blob_endless(self, data, n):
        self.endless("application/octet-stream")

    def blob_early(self, data, n):  # no length, and then it ends
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data[:1000] if n == 1 else data)
        self.cut()

    def blob_wrong(self, data, n):
        self.answer(200, b"wrong" + data[5:])

    def blob_gzip(self, data, n):
        self.answer(200, data, Content_Encoding="gzip")

    def blob_slow(self, data, n):
        if n > 1:
            return self.part(data)
        self.answer(200, data[:10], len(data))
        return time.sleep(5)

    def blob_stall(self, data, n):  # in the middle, once
        if n > 1 or data is not BIG:
            return self.part(data)
        self.answer(200, data[:PIECE], len(data))
        self.wfile.flush()
        return time.sleep(30)

    def blob_gone(self, data, n):
        self.error(404, "blob unknown")

    # redirects; "token" in the name of the repository has nothing to do with it
    def blob_away(self, data, n):
        where = f"/v2/ok/blobs/{digest(data)}?signature=a%20b"
        self.answer(307, Location=self.origin("elsewhere") + where if self.server.name != "elsewhere" else where)

    def blob_basic(self, data, n):
        self.blob_away(data, n)

    def blob_token(self, data, n):
        self.blob_away(data, n)

    def blob_elsewhere_401(self, data, n):
        self.answer(307, Location=self.origin("elsewhere") + f"/v2/elsewhere-401/blobs/{digest(data)}")

    def blob_relative(self, data, n):
        self.answer(302, Location=f"../../../ok/blobs/{digest(data)}")

    def blob_loop(self, data, n):
        self.answer(302, Location=self.path)

    def blob_nowhere(self, data, n):
        self.answer(302)

    def blob_to_file(self, data, n):
        self.answer(302, Location="file:///etc/passwd")

    def blob_to_plain(self, data, n):
        self.answer(302, Location=self.origin("port") + f"/v2/ok/blobs/{digest(data)}")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_):
        pass


def serve(name, wrap=None):
    server = Server(("127.0.0.1", 0), Handler)
    server.name = name
    if wrap:
        server.socket = wrap.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    ports[name] = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(DIR + "/server.crt", DIR + "/server.key")
serve("port")
serve("elsewhere")
serve("tls", context)
serve("basic")
serve("bearer")
serve("slow")
lay_out_all()
for port in ports:
    with open(f"{DIR}/{port}.new", "w") as out:
        out.write(str(ports[port]))
    os.rename(f"{DIR}/{port}.new", f"{DIR}/{port}")
threading.Event().wait()
