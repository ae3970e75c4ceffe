/* A seccomp profile in the OCI format (runtime-spec config-linux.md "Seccomp"), with Docker's
 * `archMap` and its `includes`/`excludes` by capability, compiled by libseccomp. */
#pragma once

#include "base/arena.h"
#include "kernel/seccomp.h"

#include <stdint.h>

/* Compiles the JSON TEXT for a container with the capabilities CAPS. NAME is for messages, in front of
 * a JSON pointer: "profile.json: /syscalls/3/action: ...". The program lives in ARENA. System calls
 * that this libseccomp does not know are left out, as everywhere (but see seccomp_check_names()); all else that is wrong
 * is an error:
 * -EINVAL with a sentence. */
int seccomp_compile(struct arena *arena, const char *text, const char *name, uint64_t caps,
                    struct seccomp_program *program);

/* Verifies that every system call in the profile TEXT is one that this libseccomp knows. -EINVAL with a sentence. */
int seccomp_check_names(const char *text, const char *name);

/* The same as libseccomp writes it, before seccomp_compact(). */
int seccomp_compile_plain(struct arena *arena, const char *text, const char *name, uint64_t caps,
                          struct seccomp_program *program);

/* The words that profiles may use, each list NULL-terminated and in ARENA; of the architectures those that this
 * libseccomp filters on this machine. */
struct seccomp_words {
    char **actions, **operators, **archs, **flags;
};
void seccomp_list_words(struct arena *arena, struct seccomp_words *words);

/* The same through a cache in the directory CACHE (may be NULL): compiling takes a millisecond and
 * more. An entry holds the whole key (profile, capabilities, library version, machine) and is used only
 * if all of it is equal. */
int seccomp_compile_cached(struct arena *arena, const char *text, const char *name, uint64_t caps,
                           const char *cache, struct seccomp_program *program);

/* The default profile for CAPS: compiled at build time when they are the default set. */
int seccomp_default(struct arena *arena, uint64_t caps, const char *cache,
                    struct seccomp_program *program);
