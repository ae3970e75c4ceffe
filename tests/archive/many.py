#!/usr/bin/env python3
"""many.py COUNT KIND: a tar of COUNT entries to standard output, KIND one of files (empty ones, a thousand a directory) and
directories (in one another by sixteens). Nothing of it is kept in memory."""
import sys

count, kind = int(sys.argv[1]), sys.argv[2]
blank = bytearray(512)
for at, text in ((100, b"0000755\0"), (108, b"0000000\0"), (116, b"0000000\0"), (124, b"00000000000\0"), (136, b"00000000000\0"),
                 (148, b" " * 8), (156, b"5" if kind == "directories" else b"0"), (257, b"ustar\x0000")):
    blank[at:at + len(text)] = text
rest = sum(blank)


def name(i):
    return "%d/%d" % (i // 1000, i) if kind == "files" else "/".join("%x" % (i >> at) for at in range(20, -4, -4))


for i in range(count):
    text = name(i).encode()
    entry = blank[:]
    entry[:len(text)] = text
    entry[148:156] = b"%06o\0 " % (rest + sum(text))
    sys.stdout.buffer.write(entry)
sys.stdout.buffer.write(bytes(1024))
