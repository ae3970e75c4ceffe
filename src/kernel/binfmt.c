/* A handler's file says by magic and mask, or by a file's extension, which files are its. Here the beginning of an ELF file
 * is made as a program of that architecture has it, and compared as the kernel does. Both kinds of executables are tried: many
 * a handler takes those of fixed addresses and those of none by one mask, but some have an entry for each. */
#include "kernel/binfmt.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>

enum { HEADER = 20, LONGEST = 4096 };

static const struct machine {
    const char *architecture;
    unsigned char class, data;
    unsigned short number;
} machines[] = {
    {"amd64", ELFCLASS64, ELFDATA2LSB, EM_X86_64},   {"386", ELFCLASS32, ELFDATA2LSB, EM_386},
    {"arm64", ELFCLASS64, ELFDATA2LSB, EM_AARCH64},  {"arm", ELFCLASS32, ELFDATA2LSB, EM_ARM},
    {"riscv64", ELFCLASS64, ELFDATA2LSB, EM_RISCV},  {"ppc64le", ELFCLASS64, ELFDATA2LSB, EM_PPC64},
    {"ppc64", ELFCLASS64, ELFDATA2MSB, EM_PPC64},    {"s390x", ELFCLASS64, ELFDATA2MSB, EM_S390},
    {"mips", ELFCLASS32, ELFDATA2MSB, EM_MIPS},      {"mipsle", ELFCLASS32, ELFDATA2LSB, EM_MIPS},
    {"mips64", ELFCLASS64, ELFDATA2MSB, EM_MIPS},    {"mips64le", ELFCLASS64, ELFDATA2LSB, EM_MIPS},
    {"loong64", ELFCLASS64, ELFDATA2LSB, 258},
};

static const struct machine *find_machine(const char *architecture)
{
    for (size_t i = 0; i < COUNT(machines); i++)
        if (text_equal(machines[i].architecture, architecture))
            return &machines[i];
    return NULL;
}

static void put_half(unsigned char *at, unsigned value, const struct machine *machine)
{
    bool big = machine->data == ELFDATA2MSB;
    at[big] = (unsigned char)(value & 0xff);
    at[!big] = (unsigned char)(value >> 8);
}

static void make_header(const struct machine *machine, unsigned type, unsigned char header[HEADER])
{
    memset(header, 0, HEADER);
    memcpy(header, ELFMAG, SELFMAG);
    header[EI_CLASS] = machine->class;
    header[EI_DATA] = machine->data;
    header[EI_VERSION] = EV_CURRENT;
    put_half(header + EI_NIDENT, type, machine);
    put_half(header + EI_NIDENT + 2, machine->number, machine);
}

/* The value of the line that begins with KEY, or NULL. */
static const char *value_of(char *const *lines, const char *key)
{
    for (; *lines; lines++)
        if (text_after(*lines, key))
            return text_after(*lines, key);
    return NULL;
}

/* The N-th byte of hexadecimal TEXT. */
static unsigned char byte_at(const char *text, size_t n)
{
    char digits[3] = {text[2 * n], text[2 * n + 1], '\0'};
    return (unsigned char)strtoul(digits, NULL, 16);
}

static bool takes(const char *magic, const char *mask, size_t offset, const unsigned char header[HEADER])
{
    size_t n = strlen(magic) / 2;
    if (offset > HEADER || n > HEADER - offset || (mask && strlen(mask) != strlen(magic)))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((header[offset + i] ^ byte_at(magic, i)) & (mask ? byte_at(mask, i) : 0xff))
            return false;
    return n > 0;
}

struct search {
    struct arena *arena;
    const struct machine *machine;
    struct binfmt_handler *handler;
    bool found;
};

static int look(int dir, const char *name, unsigned char type, void *data)
{
    struct search *search = data;
    auto_free char *text = NULL;
    (void)type;
    if (search->found || text_equal(name, "register") || text_equal(name, "status"))
        return 0;
    if (file_read(dir, name, LONGEST, &text) < 0) {
        error_clear(); /* one that is just being removed */
        return 0;
    }
    char **lines = text_split(search->arena, text, '\n', NULL);
    const char *interpreter = value_of(lines, "interpreter "), *flags = value_of(lines, "flags: "),
               *offset = value_of(lines, "offset "), *magic = value_of(lines, "magic "), *mask = value_of(lines, "mask ");
    uint64_t from = 0;
    if (!text_equal(lines[0], "enabled") || !interpreter || !magic || (offset && text_to_u64(offset, HEADER, &from) < 0))
        return 0;
    for (unsigned kind = ET_EXEC; kind <= ET_DYN && !search->found; kind++) {
        unsigned char header[HEADER];
        make_header(search->machine, kind, header);
        search->found = takes(magic, mask, from, header);
    }
    if (search->found)
        *search->handler = (struct binfmt_handler){.name = arena_strdup(search->arena, name), .interpreter = interpreter,
                                                   .fixed = flags && strchr(flags, 'F')};
    return 0;
}

static bool is_on(int dir)
{
    auto_free char *text = NULL;
    bool on = file_read(dir, "status", LONGEST, &text) >= 0 && text_after(text, "enabled");
    error_clear();
    return on;
}

int binfmt_find(struct arena *arena, const char *directory, const char *architecture, struct binfmt_handler *handler)
{
    struct search search = {.arena = arena, .machine = find_machine(architecture), .handler = handler};
    auto_fd dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0 && errno != ENOENT)
        return fail(-errno, "open %s", directory);
    if (dir < 0 || !search.machine || !is_on(dir))
        return -ENOENT;
    int r = dir_each(dir, look, &search);
    return r < 0 ? fail(r, "read %s", directory) : search.found ? 0 : -ENOENT;
}
