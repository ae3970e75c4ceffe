"""Images for tests/images/real: layers, and OCI layouts of them."""
import gzip
import hashlib
import io
import json
import os
import tarfile

TIME = 1600000000
kinds = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE,
         "char": tarfile.CHRTYPE, "block": tarfile.BLKTYPE, "fifo": tarfile.FIFOTYPE}


class Layer:
    """A tar in memory, entry by entry."""

    def __init__(self):
        self.out = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.out, mode="w", format=tarfile.PAX_FORMAT, errors="surrogateescape")
        self.at = TIME
        self.files = {}

    def add(self, kind, name, what="", mode=None, owner=(0, 0), xattrs=None):
        info = tarfile.TarInfo(name)
        info.type, info.mode = kinds[kind], mode or (0o755 if kind == "dir" else 0o644)
        info.uid, info.gid = owner
        self.at += 1
        info.mtime = self.at + 0.25
        if kind == "hard" and what in self.files: # as tar has it: all that is the file's
            info.mode, info.uid, info.gid, info.mtime = self.files[what]
        self.files[name] = info.mode, info.uid, info.gid, info.mtime
        info.pax_headers = {"SCHILY.xattr." + key: value for key, value in (xattrs or {}).items()}
        data = what.encode() if kind == "file" else b""
        info.size = len(data)
        if kind in ("char", "block"):
            info.devmajor, info.devminor = what
        elif kind in ("link", "hard"):
            info.linkname = what
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def bytes(self):
        self.tar.close()
        return self.out.getvalue()


def small_files(count=50000):
    layer = Layer().add("dir", "./").add("dir", "files")
    for n in range(count // 200):
        layer.add("dir", f"files/{n:03}")
        for m in range(200):
            layer.add("file", f"files/{n:03}/{m:03}", f"{n} {m}\n" * (1 + m % 20), owner=(n % 5, m % 3))
    return [layer.bytes()]


def all_kinds(odd=True):
    """One entry of each kind, and what unpackers get wrong. Not here, but in archive.bats, where tar is the measure: attributes without
    a value and second names of links, which umoci leaves out. ODD: what Podman refuses, an entry twice, and one before its directory."""
    capability = bytes.fromhex("0100000200200000000000000000000000000000").decode("latin-1")
    layer = Layer().add("dir", "./", mode=0o751)
    for name in ("bin", "hard", "box", "turn", "files", "deep", "deep/in", "deep/in/it"):
        layer.add("dir", name)
    layer.add("dir", "tmp", mode=0o1777).add("dir", "group", mode=0o2775, owner=(0, 50)).add("dir", "closed", mode=0o700, owner=(33, 33))
    layer.add("file", "bin/setuid", "x", mode=0o4755).add("file", "bin/setgid", "x", mode=0o2755, owner=(0, 42))
    layer.add("file", "bin/capable", "x", mode=0o755, xattrs={"security.capability": capability})
    layer.add("file", "secret", "x", mode=0o600, owner=(65534, 65534)).add("file", "none", "x", mode=0o001)
    layer.add("file", "marked", "x", xattrs={"user.mark": "a\nb"}).add("dir", "marked.d", xattrs={"user.mark": "d"})
    layer.add("link", "turn/to", "../secret").add("link", "broken", "/no/where").add("link", "owned", "secret", owner=(7, 8))
    layer.add("hard", "hard/secret", "secret").add("fifo", "pipe", mode=0o620, owner=(1, 5))
    layer.add("char", "null", (1, 3), mode=0o666).add("block", "disk", (8, 300), mode=0o660, owner=(0, 6))
    layer.add("file", "long-" + "n" * 200, "x").add("file", "no utf-8 \udcff\udcfe", "x").add("file", "g\u00fcnstig e\u0301", "x")
    if odd:
        layer.add("file", "twice", "1").add("file", "twice", "22").add("file", "late/child", "x").add("dir", "late", mode=0o711)
    layer.add("file", "current", "0").add("file", "box/old", "0").add("file", "files/0", "0")
    return layer.bytes()


def change(n):
    """The layer N of many: what is there is replaced, hidden, turned into something else, and added to."""
    layer = Layer()
    layer.at += n * 1000
    layer.add("dir", "./", mode=0o751).add("file", "current", str(n), owner=(n, n)).add("dir", "files").add("file", f"files/{n}", f"{n}\n" * n)
    if n % 3 == 0:
        layer.add("file", f"files/.wh.{n - 1}")
    if n % 10 == 0:
        layer.add("dir", "box", mode=0o750).add("file", "box/.wh..wh..opq").add("file", f"box/{n}", "x")
    elif n % 10 < 5:
        layer.add("dir", "box").add("file", f"box/{n}", "x", mode=0o640)
    if n % 4 == 1:
        layer.add("file", ".wh.turn").add("link", "turn", "box")
    elif n % 4 == 3:
        layer.add("dir", "turn", owner=(n, 0)).add("file", "turn/here", str(n))
    return layer.bytes()


def hundred():
    return [all_kinds(odd=False), *(change(n) for n in range(1, 100))]


def links_across():
    """Hard links to files of the layers below, and entries whose directories only those have."""
    return [all_kinds(), Layer().add("dir", "hard").add("hard", "hard/again", "bin/setuid").bytes(),
            Layer().add("file", "deep/in/it/here", "x").bytes()]


def sha(data):
    return hashlib.sha256(data).hexdigest()


def layout(directory, layers, config, packed=None):
    """An OCI layout with one image, named `real`. PACKED: a layer that is a file of gzip, below the others."""
    os.makedirs(directory + "/blobs/sha256")
    blobs, diff_ids = [], []

    def put(data, kind):
        with open(f"{directory}/blobs/sha256/{sha(data)}", "wb") as file:
            file.write(data)
        return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + sha(data), "size": len(data)}
    for data in [open(packed, "rb").read()] if packed else []:
        blobs.append(put(data, "layer.v1.tar+gzip"))
        diff_ids.append("sha256:" + sha(gzip.decompress(data)))
    for data in layers:
        blobs.append(put(data, "layer.v1.tar"))
        diff_ids.append("sha256:" + sha(data))
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
    conf = put(json.dumps({"architecture": architecture, "os": "linux", "config": config, "created": "2026-11-30T00:00:00Z",
                           "history": [{"created_by": "test"} for _ in blobs],
                           "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode(), "config.v1+json")
    top = put(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": conf,
                          "layers": blobs}).encode(), "manifest.v1+json")
    top["annotations"] = {"org.opencontainers.image.ref.name": "real"}
    for name, value in (("oci-layout", {"imageLayoutVersion": "1.0.0"}), ("index.json", {"schemaVersion": 2, "manifests": [top]})):
        with open(f"{directory}/{name}", "w") as file:
            json.dump(value, file)
