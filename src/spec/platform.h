/* Platforms of images (image-spec, image-index.md, "platform"): operating system, architecture and its variant, in Go's
 * words. What is left out means the oldest that all processors of an architecture have, but for arm and arm64, whose
 * images without a variant are v7 and v8. Another architecture is never taken in place of the wanted one, although some
 * processors run two: who wants 32-bit code names it. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>

struct platform {
    const char *os;           /* "linux"; NULL: not said */
    const char *architecture; /* "amd64"; NULL: not said */
    const char *variant;      /* "v8"; NULL: none */
    const char *os_version;   /* carried along, never compared: Windows has it */
};

/* Reads "OS/ARCHITECTURE[/VARIANT]", or "ARCHITECTURE" for linux; names of uname(2) and of Debian are understood for
 * architectures (x86_64, aarch64, armhf). 0, or -EINVAL with a sentence. */
int platform_parse(struct arena *arena, const char *text, struct platform *platform);

/* The platform of a MACHINE as uname(2) has it: linux, and words of its own where the machine is unknown here. */
struct platform platform_of_machine(const char *machine);

/* This host's. */
int platform_host(struct arena *arena, struct platform *platform);

/* "linux/arm64/v8", for people. */
const char *platform_text(struct arena *arena, const struct platform *platform);

/* How well what is OFFERED serves WANTED: 0 not at all; else the more the better, an equal variant best. A later variant
 * than the wanted one never serves. */
int platform_serves(const struct platform *offered, const struct platform *wanted);

/* Whether a processor of HERE runs programs of ITS architecture as they are: its own, whatever the variant, and 32-bit ones of its kind. */
bool platform_runs(const struct platform *here, const struct platform *its);

/* Whether it is said to be none: attestations have "unknown/unknown". */
bool platform_unknown(const struct platform *platform);
