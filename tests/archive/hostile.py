#!/usr/bin/env python3
"""hostile.py PROGRAM DIRECTORY: layers that mean harm, through `bocal-archive unpack`.
hostile.py --seeds DIRECTORY: those that are small, as tests/fuzz/unpack.c takes them.

Each is refused with exit status 1 and one line that has the case's words, or made harmless, which the case's check looks
at. In either case a tree beside the destination, the canary, must be what it was. As an ordinary user with --flat."""
import gzip
import hashlib
import io
import os
import shutil
import stat
import struct
import subprocess
import sys
import tarfile

program, work = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
root = os.geteuid() == 0
canary, dest, below = work + "/outside", work + "/dest", work + "/below"
cases = []
EITHER = object()


# ---- tars by hand ----

def octal(value, width):
    return (b"%0*o" % (width - 1, value)) + b"\0"


def header(name, size=0, kind=b"0", link=b"", mode=0o644, uid=0, gid=0, mtime=0, magic=b"ustar\x0000", major=0, minor=0,
           raw=None):
    """One ustar header; RAW maps offsets to bytes that replace what is there."""
    h = bytearray(512)

    def put(at, text):
        h[at:at + len(text)] = text
    put(0, name[:100])
    put(100, octal(mode, 8)), put(108, octal(uid, 8)), put(116, octal(gid, 8))
    put(124, octal(size, 12)), put(136, octal(mtime, 12))
    put(156, kind), put(157, link[:100]), put(257, magic)
    put(329, octal(major, 8)), put(337, octal(minor, 8))
    for at, text in (raw or {}).items():
        put(at, text)
    put(148, b" " * 8)
    if 148 not in (raw or {}):
        put(148, b"%06o\0 " % sum(h))
    return bytes(h)


def padded(data):
    return data + b"\0" * (-len(data) % 512)


def file(name, data=b"x", **more):
    return header(name, len(data), **more) + padded(data)


def directory(name, **more):
    return header(name, kind=b"5", mode=0o755, **more)


def symlink(name, target):
    return header(name, kind=b"2", link=target)


def hardlink(name, target):
    return header(name, kind=b"1", link=target)


def pax(pairs, kind=b"x"):
    body = b""
    for key, value in pairs:
        text = b" " + key + b"=" + value + b"\n"
        n = len(text)
        while len(b"%d" % n) + len(text) != n:
            n = len(b"%d" % n) + len(text)
        body += b"%d" % n + text
    return header(b"pax", len(body), kind=kind) + padded(body)


def long_name(name, kind=b"L"):
    return header(b"././@LongLink", len(name) + 1, kind=kind) + padded(name + b"\0")


END = b"\0" * 1024


# ---- running ----

def snapshot(path):
    lines = []
    for at, _, files in os.walk(path):
        for name in [""] + files:
            st = os.lstat(os.path.join(at, name))
            lines.append((at, name, st.st_mode, st.st_uid, st.st_size, st.st_mtime_ns, st.st_nlink, st.st_ino,
                          tuple(os.listxattr(os.path.join(at, name), follow_symlinks=False))))
    return sorted(lines), open(canary + "/secret").read()


def unpack(blob, plain=None, options=(), digest=None, size=None, diff_id=None):
    shutil.rmtree(dest, ignore_errors=True)
    os.mkdir(dest)
    plain = blob if plain is None else plain
    command = [program, "unpack", "--digest", digest or "sha256:" + hashlib.sha256(blob).hexdigest(),
               "--size", str(len(blob) if size is None else size),
               "--diff-id", diff_id or "sha256:" + hashlib.sha256(plain).hexdigest(), *options]
    if not root:
        command += ["--flat", "--user"]
    target, layer = os.open(dest, os.O_RDONLY), os.open(below, os.O_RDONLY)

    def descriptors():
        a, b = os.dup(target), os.dup(layer) # out of the way of 3 and 4
        high_a, high_b = os.dup2(a, 50), os.dup2(b, 51)
        os.dup2(high_a, 3), os.dup2(high_b, 4)
    done = subprocess.run(command, input=blob, capture_output=True, preexec_fn=descriptors, close_fds=False, timeout=300)
    os.close(target), os.close(layer)
    return done


def case(name, blob, refused=None, check=None, status=1, **more):
    cases.append((name, blob, refused, check, status, more))


def outcome(name, blob, refused, check, status, more):
    before = snapshot(canary)
    done = unpack(blob, **more)
    text = done.stderr.decode(errors="replace")
    if snapshot(canary) != before:
        return "the canary has changed"
    if sorted(os.listdir(work)) != ["below", "dest", "outside"]:
        return f"something new beside the destination: {os.listdir(work)}"
    if refused is EITHER: # some file systems have room for it
        return None if done.returncode in (0, 1) else f"status {done.returncode}: {text!r}"
    if refused is not None:
        if done.returncode != status or text.count("\n") != 1 or refused not in text:
            return f"status {done.returncode}, wanted {status} and {refused!r}: {text!r}"
    elif done.returncode != 0 or text:
        return f"status {done.returncode}: {text!r}"
    return None if not check or check() else "the check of the destination failed"


def at(path):
    return os.path.join(dest, path)


def content(path):
    with open(at(path), "rb") as f:
        return f.read()


def kind(path):
    return stat.S_IFMT(os.lstat(at(path)).st_mode)


def is_whiteout(path):
    st = os.lstat(at(path))
    return stat.S_ISCHR(st.st_mode) and st.st_rdev == 0


def is_opaque(path):
    return ("trusted" if root else "user") + ".overlay.opaque" in os.listxattr(at(path))


# ---- names ----
out = canary.encode()
case("absolute name", file(out + b"/new") + END, check=lambda: content(canary[1:] + "/new") == b"x")
case("absolute name of a file that exists", file(out + b"/secret") + END, check=lambda: kind(canary[1:] + "/secret"))
case("many leading slashes", file(b"////etc/passwd") + END, check=lambda: content("etc/passwd") == b"x")
case("dot dot", file(b"../outside/new") + END, ".. in it")
case("dot dot inside", file(b"a/../../outside/new") + END, ".. in it")
case("dot dot that stays inside", file(b"a/../b") + END, ".. in it")
case("dot dot at the end", directory(b"a/..") + END, ".. in it")
case("dot dot in a pax path", pax([(b"path", b"../outside/new")]) + file(b"ok") + END, ".. in it")
case("dot dot in a GNU long name", long_name(b"../outside/new") + file(b"ok") + END, ".. in it")
case("dot dot in the prefix", header(b"outside/new", raw={345: b".."}) + END, ".. in it")
case("dots and slashes", file(b".//./a/.//b") + END, check=lambda: content("a/b") == b"x")
case("a file with a slash behind it", file(b"a/", b"") + END, check=lambda: kind("a") == stat.S_IFDIR)
case("the root as a file", file(b"./", b"") + END, check=lambda: kind("") == stat.S_IFDIR)
case("the root as a link", symlink(b".", out) + END, "the root is a directory")
case("the root as a hard link", hardlink(b"/", b"x") + END, "the root is a directory")
case("an empty name", header(b"") + END, "")
case("a part of 256 bytes", long_name(b"a" * 256) + file(b"x") + END, "too long")
case("a name of 5000 bytes", long_name(b"ab/" * 1666) + file(b"x") + END, "a")
case("a name of a megabyte", long_name(b"a" * 1000000) + file(b"x") + END, "")
case("a name of ten megabytes", long_name(b"a" * 10000000) + file(b"x") + END, "")
case("257 directories deep", long_name(b"a/" * 256 + b"b") + file(b"x") + END, "deeper than")
case("256 directories deep", long_name(b"a/" * 255 + b"b") + file(b"x") + END, check=lambda: content("a/" * 255 + "b") == b"x")
case("control characters", file(b"a\x1b[31m\nb") + END, check=lambda: content("a\x1b[31m\nb") == b"x")
case("control characters in a refusal", file(b"\x1b[31m\n/../b") + END, ".. in it")
case("no UTF-8", file(b"\xff\xfe") + END, check=lambda: os.listdir(os.fsencode(dest)) == [b"\xff\xfe"])
case("no UTF-8 in a pax path", pax([(b"path", b"\xff\xfe")]) + file(b"x") + END,
     check=lambda: os.listdir(os.fsencode(dest)) == [b"\xff\xfe"])
case("letters that are not composed", pax([(b"path", "e\u0301".encode())]) + file(b"x") + END,
     check=lambda: os.listdir(os.fsencode(dest)) == ["e\u0301".encode()])

# ---- links ----
case("below a link to outside", symlink(b"a", out) + file(b"a/new") + END, "a link of the same tar")
case("below a link upwards", symlink(b"a", b"../outside") + file(b"a/new") + END, "a link of the same tar")
case("below a link to the root", symlink(b"a", b"/") + file(b"a" + out + b"/new") + END, "a link of the same tar")
case("below a link to proc", symlink(b"a", b"/proc/self/cwd") + file(b"a/new") + END, "a link of the same tar")
case("directory below a link", symlink(b"a", out) + directory(b"a/new") + END, "a link of the same tar")
case("through two links", symlink(b"a", b"b") + symlink(b"b", out) + file(b"a/new") + END, "a link of the same tar")
case("a link over a directory, and below it", directory(b"a") + file(b"a/f") + symlink(b"a", out) + file(b"a/new") + END,
     "a link of the same tar")
case("directory, link, directory", directory(b"a") + symlink(b"a", out) + directory(b"a") + file(b"a/new") + END,
     check=lambda: content("a/new") == b"x" and is_opaque("a"))
case("a link over the directory that was used last", file(b"a/b/f") + symlink(b"a/b", out) + file(b"a/b/new") + END,
     "a link of the same tar")
case("its parent replaced while it is used", file(b"a/b/f") + symlink(b"a", out) + file(b"a/b/new") + END, "a link of the same tar")
case("a file over a link to outside", symlink(b"a", out + b"/secret") + file(b"a") + END, check=lambda: kind("a") == stat.S_IFREG)
case("a mode for a link to outside", symlink(b"a", out) + directory(b"a", raw={100: b"0000777\0"}) + END,
     check=lambda: kind("a") == stat.S_IFDIR)
case("modes of directories, and then a link", directory(b"a", raw={100: b"0000777\0"}) + symlink(b"a", out) + END,
     check=lambda: kind("a") == stat.S_IFLNK)
case("a directory below what becomes a link", directory(b"a") + directory(b"a/secret") + symlink(b"a", out) + END,
     check=lambda: kind("a") == stat.S_IFLNK)
case("a link to itself", symlink(b"a", b"a") + file(b"a/b") + END, "a link of the same tar")
case("a link to nothing", symlink(b"a", b"") + END, "link to nowhere")
case("hard link to outside", hardlink(b"a", out + b"/secret") + END, "in no layer", options=("--parents", "0"))
case("hard link upwards", hardlink(b"a", b"../outside/secret") + END, ".. in it")
case("hard link through a link", symlink(b"l", out) + hardlink(b"a", b"l/secret") + END, "hard link")
case("hard link to a link, and written", symlink(b"l", out + b"/secret") + hardlink(b"a", b"l") + file(b"a", b"evil") + END,
     check=lambda: content("a") == b"evil" and kind("l") == stat.S_IFLNK)
case("hard link to a directory", directory(b"d") + hardlink(b"a", b"d") + END, "which is a directory")
case("hard link to itself", file(b"a") + hardlink(b"a", b"./a") + END, check=lambda: content("a") == b"x")
case("hard link to itself that is not there", hardlink(b"a", b"a") + END, "in no layer", options=("--parents", "0"))
case("hard link over the directory of its target", file(b"d/f") + hardlink(b"d", b"d/f") + END, "/d: ")
case("hard link to a whiteout", file(b".wh.a") + hardlink(b"b", b"a") + END, "hidden by the same tar")
case("hard link into the layers below, through a link", hardlink(b"a", b"link/secret") + END, "in no layer", options=("--parents", "1"))
case("hard link to a link of the layers below", hardlink(b"a", b"link") + file(b"a/b") + END, "a link of the same tar",
     options=("--parents", "1"))
case("hard link with data", header(b"b", 4, kind=b"1", link=b"a") + padded(b"evil") + file(b"c") + END, "in no layer",
     options=("--parents", "0"))

# ---- one name twice ----
case("a file twice", file(b"a", b"1") + file(b"a", b"2") + END, check=lambda: content("a") == b"2")
case("a file over a full directory", file(b"a/b/c") + file(b"a") + END, check=lambda: content("a") == b"x")
case("a directory over a file", file(b"a") + directory(b"a") + file(b"a/b") + END, check=lambda: content("a/b") == b"x")
case("below a file", file(b"a") + file(b"a/b") + END, "no directory of the same tar")
case("a hard link's file replaced", file(b"a", b"1") + hardlink(b"b", b"a") + file(b"a", b"2") + END,
     check=lambda: content("a") == b"2" and content("b") == b"1")
case("a FIFO that is then a file", header(b"a", kind=b"6") + file(b"a") + END, check=lambda: content("a") == b"x")
if root:
    case("a device that is then a file", header(b"a", kind=b"3", major=1, minor=5) + file(b"a") + END, check=lambda: content("a") == b"x")

# ---- whiteouts ----
case("a whiteout of dot dot", file(b"a/.wh...") + END, "whiteout of nothing")
case("a whiteout of dot", file(b"a/.wh..") + END, "whiteout of nothing")
case("a whiteout of nothing", file(b".wh.") + END, "whiteout of nothing")
case("below a whiteout", file(b".wh.a/b") + END, "below a whiteout")
case("a whiteout as a link to outside", symlink(b".wh.a", out) + END, check=lambda: is_whiteout("a"))
case("a whiteout below a link", symlink(b"l", out) + file(b"l/.wh.secret") + END, "a link of the same tar")
case("an opaque mark below a link", symlink(b"l", out) + file(b"l/.wh..wh..opq") + END, "a link of the same tar")
case("aufs's own files", file(b".wh..wh.plnk/1.2") + file(b".wh..wh.aufs") + END, check=lambda: os.listdir(dest) == [])
case("a whiteout takes nothing of its own layer", file(b"a") + file(b".wh.a") + file(b".wh.b") + file(b"b") + END,
     check=lambda: content("a") == b"x" and content("b") == b"x")
case("a device 0:0", header(b"a", kind=b"3") + END, check=lambda: is_whiteout("a"))

# ---- attributes ----
case("attributes of overlayfs", pax([(b"SCHILY.xattr.trusted.overlay.opaque", b"y"), (b"SCHILY.xattr.user.overlay.opaque", b"y"),
                                     (b"SCHILY.xattr.trusted.overlay.redirect", b"/secret"),
                                     (b"SCHILY.xattr.user.overlay.metacopy", b"")]) + directory(b"a") + END,
     check=lambda: not [n for n in os.listxattr(at("a")) if "overlay" in n])
case("attributes of overlayfs, libarchive's way", pax([(b"LIBARCHIVE.xattr.trusted.overlay.opaque", b"eQ"),
                                                      (b"LIBARCHIVE.xattr.user%2Eoverlay.opaque", b"eQ")]) + directory(b"a") + END,
     check=lambda: not [n for n in os.listxattr(at("a")) if "overlay" in n])
case("an override of the owner", pax([(b"SCHILY.xattr.user.containers.override_stat", b"0:0:04777")]) + file(b"a") + END,
     check=lambda: os.listxattr(at("a")) == [])
case("an attribute without a namespace", pax([(b"SCHILY.xattr.nothing", b"y")]) + file(b"a") + END, check=lambda: content("a") == b"x")
case("an attribute of 300 KB", pax([(b"SCHILY.xattr.user.a", b"y" * 300000)]) + file(b"a") + END, "a: ")
case("an attribute with a long name", pax([(b"SCHILY.xattr.user." + b"a" * 300, b"y")]) + file(b"a") + END, "a: ")
case("a negative owner", header(b"a", raw={108: b"\xff" * 8}) + END, "no ids")
case("a huge owner", header(b"a", raw={108: b"\x80\0\0\x7f\xff\xff\xff\xff"}) + END, "no ids")
case("the owner that is none", pax([(b"uid", b"4294967295")]) + file(b"a") + END, "no ids")
case("a time before 1970", pax([(b"mtime", b"-99999999999999999999")]) + file(b"a") + END)
case("a time after all", pax([(b"mtime", b"99999999999999999999.999999999999")]) + file(b"a") + END)
if root:
    case("a huge device", header(b"a", kind=b"3", raw={329: b"\x80\0\0\0\x7f\xff\xff\xff"}) + END, "no numbers of a device")

# ---- sizes ----
case("a negative size", header(b"a", raw={124: b"\xff" * 12}) + END, "")
case("a size of 2^63", header(b"a", raw={124: b"\x80\0\0\0\x7f" + b"\xff" * 7}) + END, "")
case("a pax size of 2^64", pax([(b"size", b"18446744073709551615")]) + file(b"a") + END, "")
case("a negative pax size", pax([(b"size", b"-1")]) + file(b"a") + END, "")
case("more bytes promised than there are", header(b"a", 1 << 30) + END, "runcated")
case("cut off in a header", file(b"a")[:700] + b"", "")
case("a wrong checksum", header(b"a", raw={148: b"000000\0 "}) + END, "")
case("rubbish behind the first entry", file(b"a") + os.urandom(512) + END, "damaged")
case("rubbish", b"\x01" * 4096, "no tar")
case("nothing", b"", check=lambda: os.listdir(dest) == [])
case("behind the end", END + file(b"a") + END, check=lambda: os.listdir(dest) == [])
case("40 headers of one entry", pax([(b"path", b"b")]) * 40 + file(b"a") + END, "")
case("an unknown type of entry", header(b"a", kind=b"Z") + END, check=lambda: kind("a") == stat.S_IFREG)
case("a pax header that is none", header(b"pax", 20, kind=b"x") + padded(b"999999999999 path=..\n") + file(b"a") + END, "")
case("an older GNU sparse map that overlaps",
     header(b"a", 1024, kind=b"S", magic=b"ustar  \0", raw={386: octal(0, 12) + octal(512, 12) + octal(0, 12) + octal(512, 12),
                                                            483: octal(1024, 12)}) + b"x" * 1024 + END, "")
case("a sparse map behind the end",
     header(b"a", 512, kind=b"S", magic=b"ustar  \0", raw={386: octal(1 << 20, 12) + octal(512, 12), 483: octal(1024, 12)}) + b"x" * 512 + END, "")
case("a sparse map of more than there is",
     header(b"a", 512, kind=b"S", magic=b"ustar  \0", raw={386: octal(0, 12) + octal(4096, 12), 483: octal(4096, 12)}) + b"x" * 512 + END, "")
case("a sparse file of 2^62 bytes",
     header(b"a", 512, kind=b"S", magic=b"ustar  \0",
            raw={386: octal(0, 12) + octal(512, 12), 483: b"\x80\0\0\0\x40\0\0\0\0\0\0\0"}) + b"x" * 512 + END, EITHER)
case("a sparse file with a negative size",
     header(b"a", 512, kind=b"S", magic=b"ustar  \0", raw={386: octal(0, 12) + octal(512, 12), 483: b"\xff" * 12}) + b"x" * 512 + END, "")
case("a pax sparse map that lies", pax([(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", b"../outside/new"),
                                       (b"GNU.sparse.realsize", b"99999999")]) + file(b"a", b"1\n0\n99999\n".ljust(512, b"\0") + b"x") + END, "")
case("a pax sparse map with a negative place", pax([(b"GNU.sparse.map", b"-5,10"), (b"GNU.sparse.size", b"100"),
                                                    (b"GNU.sparse.numblocks", b"1")]) + file(b"a", b"x" * 10) + END, "")

# ---- bombs and lies ----
zeros = file(b"a", b"\0" * (40 << 20)) + END
case("a bomb", gzip.compress(zeros, 9), "as a bomb would", plain=zeros, options=("--ratio", "100"))
case("more than the limit", zeros, "more than 1048576 bytes", options=("--limit", "1048576"))
case("more than the limit behind the end", END + b"\0" * (2 << 20), "more than 1048576 bytes", options=("--limit", "1048576"))
case("directories by the thousand", b"".join(directory(b"%d" % i) for i in range(3000)) + END, "more than 4194304 bytes",
     options=("--limit", str(4 << 20)))
case("an entry too many", b"".join(file(b"%d" % i, b"") for i in range(100)) + END, "more than 99 entries", options=("--entries", "99"))
case("as many entries as there may be", b"".join(file(b"%d" % i, b"") for i in range(100)) + END,
     check=lambda: len(os.listdir(dest)) == 100, options=("--entries", "100"))
case("directories without entries", b"".join(file(b"%d/%d/%d/a" % (i, i, i)) for i in range(30)) + END, "more than 99 entries",
     options=("--entries", "99"))
case("a wrong digest", file(b"a") + END, "not what its name says", digest="sha256:" + "0" * 64)
case("a wrong diffID", file(b"a") + END, "not that of the image's configuration", diff_id="sha256:" + "0" * 64)
case("shorter than said", file(b"a") + END, "should have", size=5000)
case("longer than said", file(b"a") + END, "larger than", size=600)
case("a digest that is a path", END, "lowercase hexadecimal", digest="sha256:../../etc/passwd")
plain = file(b"a") + END
packed = gzip.compress(plain)
case("gzip, cut off", packed[:-12], "", plain=plain)
case("gzip, damaged", packed[:20] + b"\xff\xff\xff" + packed[23:], "", plain=plain)
case("gzip in gzip", gzip.compress(packed), "no tar", plain=packed)
case("rubbish behind gzip, which the digest is of", packed + b"rubbish", check=lambda: content("a") == b"x", plain=plain)
case("two members of gzip", gzip.compress(plain[:600]) + gzip.compress(plain[600:]), check=lambda: content("a") == b"x", plain=plain)
case("gzip of nothing", gzip.compress(b""), check=lambda: os.listdir(dest) == [], plain=b"")
case("an archive of another kind", b"PK\x03\x04" + b"\0" * 600, "no tar")
case("a cpio archive", b"070701" + b"0" * 600, "no tar")
case("an mtree", b"#mtree\n/etc type=file contents=/etc/shadow\n" * 20, "no tar")

# ---- many ----
thousands = b"".join(file(b"d/%d" % i, b"") for i in range(20000)) + END
case("thousands of files", thousands, check=lambda: len(os.listdir(at("d"))) == 20000)
case("a directory replaced and replaced", (directory(b"a") + file(b"a/b") + file(b"a")) * 2000 + END, check=lambda: content("a") == b"x")


def seeds():
    """The first byte: a tar whose checksums are put right, unless it is packed."""
    os.makedirs(work, exist_ok=True)
    for name, blob, *_ in cases:
        if len(blob) <= 8192:
            with open(os.path.join(work, name.replace(" ", "-").replace(",", "")), "wb") as f:
                f.write((b"\1" if blob[257:262] == b"ustar" else b"\0") + blob)


def main():
    failed = 0
    os.makedirs(canary + "/directory"), os.mkdir(below)
    for path in (canary + "/secret", below + "/file"):
        with open(path, "w") as f:
            f.write("secret")
    os.symlink(canary, below + "/link")
    for one in cases:
        if "--parents" not in one[5].get("options", ()):
            one[5]["options"] = (*one[5].get("options", ()), "--parents", "0")
        fault = outcome(*one)
        if fault:
            failed += 1
            print(f"{one[0]}: {fault}")
    shutil.rmtree(dest, ignore_errors=True)
    print(f"{len(cases) - failed} passed, {failed} failed, 0 skipped")
    return failed != 0


sys.exit(seeds() if sys.argv[1] == "--seeds" else main())
