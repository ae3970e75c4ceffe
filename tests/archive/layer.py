#!/usr/bin/env python3
"""layer.py ENTRY...: a tar to standard output. An entry is `TYPE NAME [WHAT] [KEY=VALUE...]`, TYPE one of
file (WHAT its data), dir, link (its target), hard (its target), char, block (major:minor), fifo; keys are mode, uid, gid, mtime,
and x:NAME for an extended attribute."""
import io
import shlex
import sys
import tarfile

kinds = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE,
         "char": tarfile.CHRTYPE, "block": tarfile.BLKTYPE, "fifo": tarfile.FIFOTYPE}
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT) as tar:
    for entry in sys.argv[1:]:
        kind, name, *words = shlex.split(entry)
        info = tarfile.TarInfo(name)
        info.type, info.mtime = kinds[kind], 1000000000
        info.mode = 0o755 if kind == "dir" else 0o644
        data = b""
        for word in words:
            key, equals, value = word.partition("=")
            if equals and key.startswith("x:"):
                info.pax_headers["SCHILY.xattr." + key[2:]] = value
            elif equals and key in ("mode", "uid", "gid", "mtime"):
                setattr(info, key, int(value, 8) if key == "mode" else float(value) if key == "mtime" else int(value))
            elif kind in ("link", "hard"):
                info.linkname = word
            elif kind in ("char", "block"):
                info.devmajor, info.devminor = map(int, word.split(":"))
            else:
                data = word.encode()
        info.size = len(data)
        tar.addfile(info, io.BytesIO(data))
