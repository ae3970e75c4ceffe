/* Compiled filters on disk. An entry's name is a hash of its key; the entry begins with the whole key,
 * so a collision, or an entry of another library version, is a miss and never a wrong filter. Entries
 * of somebody else, or that others may write to, are not read. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "kernel/capability.h"
#include "kernel/seccomp_compile.h"
#include "kernel/seccomp_default.h"

#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/stat.h>

struct header {
    char magic[8];
    uint32_t library, machine;
    uint64_t caps, text_size, instructions;
    uint32_t flags, allowed, refused, checks;
};

static struct header header_of(const char *text, uint64_t caps)
{
    const struct scmp_version *version = seccomp_version();
    return (struct header){.magic = "bocalbpf",
                           .library = version->major << 16 | version->minor << 8 | version->micro,
                           .machine = seccomp_arch_native(), .caps = caps,
                           .text_size = strlen(text)};
}

static uint64_t hash(uint64_t h, const void *bytes, size_t size)
{
    for (const unsigned char *p = bytes; size--; p++)
        h = (h ^ *p) * 0x100000001b3ULL; /* FNV-1a */
    return h;
}

static bool is_ours(int fd, struct stat *st)
{
    return fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_uid == geteuid() &&
           !(st->st_mode & 022);
}

/* 1 when the entry was there and is of this key. */
static int cache_read(struct arena *arena, const char *path, const struct header *key,
                      const char *text, struct seccomp_program *program)
{
    auto_fd fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || !is_ours(fd, &st) || st.st_size > 4 << 20)
        return 0;
    size_t size = (size_t)st.st_size;
    char *bytes = arena_alloc(arena, size + 1);
    struct header header;
    if (pread(fd, bytes, size, 0) != st.st_size || size < sizeof header + key->text_size)
        return 0;
    memcpy(&header, bytes, sizeof header);
    const char *body = bytes + sizeof header;
    if (memcmp(&header, key, offsetof(struct header, instructions)) != 0 ||
        memcmp(body, text, key->text_size) != 0 || header.instructions > BPF_MAXINSNS ||
        size != sizeof header + key->text_size + header.instructions * sizeof(struct sock_filter))
        return 0;
    struct sock_filter *instructions =
        arena_alloc(arena, header.instructions * sizeof *instructions);
    memcpy(instructions, body + key->text_size, header.instructions * sizeof *instructions);
    *program = (struct seccomp_program){instructions,   header.instructions, header.flags,
                                        NULL,           header.allowed,      header.refused,
                                        header.checks};
    return 1;
}

/* A cache that cannot be written is no failure: the filter is there. */
static void cache_write(struct arena *arena, const char *cache, const char *path,
                        struct header header, const char *text,
                        const struct seccomp_program *program)
{
    size_t program_size = program->count * sizeof *program->instructions;
    size_t size = sizeof header + header.text_size + program_size;
    header.instructions = program->count;
    header.flags = program->flags;
    header.allowed = program->allowed;
    header.refused = program->refused;
    header.checks = program->checks;
    char *bytes = arena_alloc(arena, size);
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + sizeof header, text, header.text_size);
    memcpy(bytes + sizeof header + header.text_size, program->instructions, program_size);
    if (dir_make(cache, 0700) < 0 || file_replace(AT_FDCWD, path, bytes, size, 0600) < 0)
        error_clear();
}

int seccomp_compile_cached(struct arena *arena, const char *text, const char *name, uint64_t caps,
                           const char *cache, struct seccomp_program *program)
{
    char path[4096];
    struct header key = header_of(text, caps);
    uint64_t name_hash = hash(hash(0xcbf29ce484222325ULL, &key, sizeof key), text, key.text_size);
    if (cache)
        snprintf(path, sizeof path, "%s/seccomp-%016llx", cache, (unsigned long long)name_hash);
    if (cache && cache_read(arena, path, &key, text, program)) {
        program->profile = name;
        return 0;
    }
    TRY(seccomp_compile(arena, text, name, caps, program));
    if (cache)
        cache_write(arena, cache, path, key, text, program);
    return 0;
}

int seccomp_default(struct arena *arena, uint64_t caps, const char *cache,
                    struct seccomp_program *program)
{
    if (caps == capability_default) {
        *program = seccomp_default_program;
        return 0;
    }
    return seccomp_compile_cached(arena, seccomp_default_profile, "default profile", caps, cache,
                                  program);
}
