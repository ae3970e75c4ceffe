#!/usr/bin/env python3
"""tree.py DIRECTORY: all that a tree is, one line an entry: names, types, modes, owners, times, contents, links, attributes.

Two trees are the same when their lines are. --sparse adds the bytes that are not holes; --no-directory-times leaves
those of directories out."""
import argparse
import hashlib
import os
import stat

arguments = argparse.ArgumentParser()
arguments.add_argument("directory")
arguments.add_argument("--sparse", action="store_true")
arguments.add_argument("--no-directory-times", action="store_true")
options = arguments.parse_args()
top = os.fsencode(options.directory)
seen = {}


def data_size(fd, size):
    total = at = 0
    while at < size:
        try:
            at = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            break
        end = os.lseek(fd, at, os.SEEK_HOLE)
        total += end - at
        at = end
    return total


def contents(path, st):
    with open(path, "rb") as file:
        digest = hashlib.sha256()
        while piece := file.read(1 << 20):
            digest.update(piece)
        return f"{digest.hexdigest()[:16]}{' data ' + str(data_size(file.fileno(), st.st_size)) if options.sparse else ''}"


def describe(path):
    st = os.lstat(path)
    line = f"{stat.filemode(st.st_mode)} {st.st_uid}:{st.st_gid}"
    if not (options.no_directory_times and stat.S_ISDIR(st.st_mode)):
        line += f" {st.st_mtime_ns}"
    if stat.S_ISREG(st.st_mode):
        line += f" size {st.st_size} {contents(path, st)}"
    if stat.S_ISLNK(st.st_mode):
        line += f" -> {os.readlink(path)!r}"
    if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        line += f" device {os.major(st.st_rdev)}:{os.minor(st.st_rdev)}"
    if st.st_nlink > 1 and not stat.S_ISDIR(st.st_mode):
        line += f" same as {seen.setdefault((st.st_dev, st.st_ino), path[len(top):])!r}"
    for name in sorted(os.listxattr(path, follow_symlinks=False)):
        line += f" {name}={os.getxattr(path, name, follow_symlinks=False)!r}"
    return line


def walk(path):
    print(repr(path[len(top):] or b"/"), describe(path))
    if stat.S_ISDIR(os.lstat(path).st_mode):
        for name in sorted(os.listdir(path)):
            walk(path + b"/" + name)


walk(top)
