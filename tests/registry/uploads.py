"""Uploads, for server.py: repositories whose name begins with "up" take what is pushed, and what they do wrong is behind that: "up-cut/a".

A session's address changes with each answer ("state"), and an old one is not known any more, unless nothing was answered. What has been
taken is served again, so that what comes back can be compared.
"""
import hashlib
import json
import re
import time

PIECE = 400_000  # that is taken before a connection is cut
sessions, blobs, manifests = {}, {}, {}


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Uploads:
    """What a handler needs for it; self.fault is the first part of self.repository."""

    # ---- reading bodies ----

    def length(self):
        return int(self.headers["Content-Length"] or 0)

    def take(self, most=None):
        """The body, MOST bytes of it, which is what the session has then."""
        left, data = self.length() if most is None else min(most, self.length()), b""
        while left and (piece := self.rfile.read(min(left, 65536))):
            left -= len(piece)
            data += piece
        return data

    def drop(self, answer, *words, **headers):
        """Answers when the body has been read, which nobody needs."""
        self.take()
        return answer(*words, **headers)

    # ---- sessions ----

    def location(self, session):
        session["state"] += 1
        where = f"/v2/{self.repository}/blobs/uploads/{session['name']}?state={session['state']}&x=a%20b"
        if self.fault == "up-relative":
            return where if session["state"] % 2 else f"{session['name']}?state={session['state']}"
        if self.fault == "up-away":
            return self.origin("elsewhere") + where
        if self.fault == "up-to-plain":
            return self.origin("port") + where
        if self.fault == "up-to-file":
            return "file:///etc/passwd"
        return self.origin(self.server.name) + where

    def accepted(self, session, status=202, have=None):
        have = len(session["data"]) if have is None else have
        more = {} if self.fault == "up-no-location" else {"Location": self.location(session)}
        if have or self.fault != "up-silent":
            more["Range"] = f"0-{max(have - 1, 0)}"
        if self.fault == "up-least":
            more["OCI-Chunk-Min-Length"] = "2000000"
        self.answer(status, **more)

    def session(self):
        """That of the path, where its state is the last that was said."""
        found = re.search(r"/uploads/([^?/]+)(?:\?state=(\d+))?", self.path)
        session = found and sessions.get((self.repository, found[1]))
        if not session or str(session["state"]) != found[2]:
            return None
        return session

    def open_session(self):
        if self.fault == "up-busy" and self.nth("post") == 1:
            return self.error(429, "toomanyrequests", Retry_After="1")
        if self.fault == "up-long" and self.nth("post") == 1:
            return self.error(429, "toomanyrequests", Retry_After="86400")
        if self.fault == "up-full":
            return self.error(413, "quota exceeded")
        name = f"s{self.nth('session')}"
        sessions[self.repository, name] = session = {"name": name, "data": b"", "state": 0}
        return self.accepted(session)

    def mount(self, query):
        """Whether it has answered."""
        wanted, source = query["mount"][0], query["from"][0]
        if self.fault == "up-mount-refused":
            self.error(405, "no mounts")
        elif self.fault == "up-mount" and (source, wanted) in blobs:
            blobs[self.repository, wanted] = blobs[source, wanted]
            self.answer(201, Location=f"/v2/{self.repository}/blobs/{wanted}", Docker_Content_Digest=wanted)
        else:
            return False
        return True

    # ---- parts ----

    def cuts(self, session):
        """Takes a piece and cuts the connection, where the fault says so."""
        often = {"up-cut": 2, "up-lost": 1, "up-regress": 1}.get(self.fault, 1000 if self.fault in ("up-cut-many", "up-no-progress", "up-keep", "up-keep-hang") else 0)
        if self.length() <= PIECE or self.nth("cut") > often:
            return False
        data = self.take(PIECE)
        if self.fault not in ("up-no-progress", "up-keep", "up-keep-hang"):
            session["data"] += data if self.fault != "up-cut-many" else data[:300_000]
        if self.fault == "up-regress":
            session["data"] = session["data"][:-100_000]
        self.cut()
        return True

    def patch(self):
        session = self.session()
        if self.fault in ("up-slow", "up-slow-token"):
            self.take(1000)
            return time.sleep(30)
        if not session:
            return self.drop(self.error, 404, "no such upload")
        if self.fault == "up-no-parts":
            return self.drop(self.error, 405, "method not allowed")
        if self.fault in ("up-busy", "up-unavailable") and self.nth("patch") == 1:
            self.take()
            return self.error(503, "later", Retry_After="1" if self.fault == "up-busy" else "0")
        if self.cuts(session):
            return None
        data, said = self.take(), self.headers["Content-Range"]
        first, last = map(int, said.split("-"))
        if first != len(session["data"]) or last - first + 1 != len(data) or (self.fault == "up-416" and self.nth("416") == 1):
            return self.error(416, "range invalid", Range=f"0-{max(len(session['data']) - 1, 0)}", Location=self.location(session))
        if self.fault == "up-less":
            data = data[:max(1, len(data) // 2)]
        session["data"] += data
        if self.fault == "up-more":
            return self.accepted(session, have=len(session["data"]) + 10)
        if self.fault == "up-stuck":
            session["data"] = session["data"][:first]
            return self.accepted(session)
        return self.accepted(session)

    def status(self):
        session = self.session()
        if not session or self.fault == "up-lost":
            return self.error(404, "no such upload")
        return self.accepted(session, 204)

    def forget(self):
        if self.fault == "up-keep-hang":
            return time.sleep(30)
        if self.fault == "up-keep":
            return self.error(405, "not here")
        session = self.session()
        if not session:
            return self.error(404, "no such upload")
        del sessions[self.repository, session["name"]]
        return self.answer(204)

    def seal(self, query):
        session = self.session()
        if not session:
            return self.drop(self.error, 404, "no such upload")
        if self.fault == "up-307" and self.server.name != "elsewhere":
            self.take()
            where = self.path.replace("up-307", "up-there")
            sessions["up-there" + self.repository.removeprefix("up-307"), session["name"]] = session
            return self.answer(307, Location=self.origin("elsewhere") + where)
        if self.fault == "up-302":
            return self.drop(self.answer, 302, Location=self.origin("elsewhere") + self.path)
        if self.cuts(session):
            return None
        session["data"] += self.take()
        wanted = query["digest"][0]
        if digest(session["data"]) != wanted:
            return self.error(400, "provided digest did not match uploaded content")
        repository = self.repository.replace("up-there", "up-307")
        blobs[repository, wanted] = session["data"]
        del sessions[self.repository, session["name"]]
        if self.fault == "up-late" and self.nth("late") == 1:  # it is done, but who asked is not told
            return self.cut()
        if self.fault == "up-500" and self.nth("500") == 1:
            return self.error(500, "it is done, though")
        said = digest(b"other") if self.fault == "up-blob-lie" else wanted
        return self.answer(201, Location=f"/v2/{self.repository}/blobs/{wanted}", Docker_Content_Digest=said)

    # ---- manifests ----

    def named(self, document):
        """What a manifest wants to be there."""
        for entry in document.get("manifests", []):
            yield entry["digest"], manifests
        for entry in [document["config"]] if "config" in document else []:
            yield entry["digest"], blobs
        for entry in document.get("layers", []):
            if not entry.get("urls"):
                yield entry["digest"], blobs

    def put_manifest(self, reference):
        data = self.take()
        if self.fault == "up-500" and self.nth("manifest") == 1:
            return self.error(502, "oops")
        if self.fault == "up-invalid":
            return self.error(400, "manifest invalid: \x1b[31mOCI is not known here")
        document = json.loads(data)
        if self.fault != "up-rest":
            for wanted, place in self.named(document):
                if (self.repository, wanted) not in place:
                    return self.error(400, f"manifest unknown: {wanted}")
        if document.get("mediaType", self.headers["Content-Type"]) != self.headers["Content-Type"]:
            return self.error(400, "another type than it says")
        for name in (reference, digest(data)):
            manifests[self.repository, name] = data, self.headers["Content-Type"]
        said = digest(b"other") if self.fault == "up-lie" else digest(data)
        return self.answer(201, Location=f"/v2/{self.repository}/manifests/{said}", Docker_Content_Digest=said)

    # ---- what is asked for ----

    def upload_token_wanted(self, kind):
        """Answers 401 where a token is needed that there is none of. Whether it did."""
        sent, pushes = self.headers["Authorization"] or "", self.command in ("POST", "PATCH", "PUT")
        forgets = self.command == "DELETE"
        scope = f"repository:{self.repository}:" + ("delete" if forgets else "pull" + (",push" if pushes else ""))
        source = re.search("from=([^&]*)", self.path)
        source = "repository:" + source[1].replace("%2F", "/") + ":pull" if source else ""
        scope += source and " " + source
        if self.fault == "up-basic":
            ok, header = sent == "Basic dXNlcjpwYXNz", 'Basic realm="a"'
        elif self.fault in ("up-token", "up-expire", "up-never", "up-slow-token"):
            ok = sent.startswith("Bearer for-repository:") and ("delete" if forgets else "push" if pushes else "") in sent and source in sent and self.fault != "up-never"
            if self.fault == "up-expire" and self.command in ("PATCH", "PUT") and kind == "uploads":  # each wants one of its own
                used = self.used.setdefault(self.repository, set())
                ok = ok and sent not in used
                if ok:
                    used.add(sent)
            header = f'Bearer realm="{self.origin(self.server.name)}/token",service="s",scope="{scope}"'
        else:
            return False
        expects = self.headers.get("Expect") == "100-continue"
        if ok and expects:
            self.send_response_only(100)
            self.end_headers()
        if not ok:
            if not expects:
                self.take()
            self.error(401, "authentication required", WWW_Authenticate=header)
        return not ok

    used = {}

    def upload(self, kind, reference, query):
        """Answers whatever is asked of a repository that begins with "up"."""
        if self.upload_token_wanted("uploads" if "/uploads/" in self.path else kind):
            return None
        if self.fault == "up-hang":
            return time.sleep(30)
        if "/blobs/uploads/" in self.path:
            if self.command == "POST":
                return None if "mount" in query and self.mount(query) else self.open_session()
            return {"PATCH": self.patch, "GET": self.status, "PUT": lambda: self.seal(query), "DELETE": self.forget}[self.command]()
        if self.command == "PUT":
            return self.put_manifest(reference)
        if kind == "manifests":
            found = manifests.get((self.repository, reference))
            if self.fault == "up-rest" and self.command == "HEAD":
                return self.answer(200)
            return self.answer(200, found[0], Content_Type=found[1]) if found else self.error(404, "manifest unknown")
        if self.fault == "up-head" and self.command == "HEAD":
            return self.answer(405)
        if self.fault == "up-head-500" and self.command == "HEAD":
            return self.answer(500)
        data = blobs.get((self.repository, reference))
        return self.error(404, "blob unknown") if data is None else self.part(data)
