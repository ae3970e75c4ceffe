/* Two passes over the profile: json-c reads it, libseccomp takes the rules. The rules' order has no
 * meaning: libseccomp merges them by system call. */
#include "kernel/seccomp_compile.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "kernel/seccomp_compact.h"
#include "kernel/seccomp_resolve.h"
#include "kernel/sys.h"

#include <limits.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct compiler {
    struct arena *arena;
    const char *name;
    uint64_t caps;
    scmp_filter_ctx filter;
    uint32_t default_action;
    struct seccomp_program *program;
};

static void cleanup_filter(scmp_filter_ctx *filter)
{
    if (*filter)
        seccomp_release(*filter);
}

static int wrong(struct compiler *c, const char *pointer, const char *what, const char *value)
{
    return refuse(-EINVAL, "%s: %s: %s%s%s", c->name, pointer, what, value ? " " : "",
                  value ? value : "");
}

static bool number_of(struct json_object *object, const char *key, uint64_t *number)
{
    struct json_object *value = NULL;
    if (!json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_int))
        return false;
    *number = json_object_get_uint64(value);
    return true;
}

/* ---- actions ---- */

static const struct {
    const char *name;
    uint32_t action;
} actions[] = {
    {"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
    {"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
    {"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
    {"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
    {"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0)},
    {"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
    {"SCMP_ACT_LOG", SCMP_ACT_LOG},
    {"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
};

static int action_parse(struct compiler *c, const char *pointer, const char *name, bool has_errno,
                        uint64_t number, uint32_t *action)
{
    for (size_t i = 0; name && i < COUNT(actions); i++) {
        if (strcmp(actions[i].name, name) != 0)
            continue;
        *action = actions[i].action;
        bool takes = *action == SCMP_ACT_ERRNO(0) || *action == SCMP_ACT_TRACE(0);
        if (!takes)
            return has_errno ? wrong(c, pointer, "takes no errno:", name) : 0;
        if (has_errno && number > 0xffff)
            return wrong(c, pointer, "errno is out of range", NULL);
        *action |= (uint32_t)(has_errno ? number : EPERM);
        return 0;
    }
    return wrong(c, pointer, name ? "unknown action" : "is missing", name);
}

/* ---- architectures ---- */

static int arch_add(struct compiler *c, const char *pointer, const char *name)
{
    char lower[64];
    size_t n = 0;
    const char *bare = strncmp(name, "SCMP_ARCH_", 10) == 0 ? name + 10 : name;
    for (; bare[n] && n < sizeof lower - 1; n++)
        lower[n] = bare[n] >= 'A' && bare[n] <= 'Z' ? (char)(bare[n] + 32) : bare[n];
    lower[n] = '\0';
    uint32_t arch = seccomp_arch_resolve_name(lower);
    if (!arch)
        return wrong(c, pointer, "unknown architecture", name);
    int r = seccomp_arch_add(c->filter, arch);
    return r < 0 && r != -EEXIST ? wrong(c, pointer, "cannot be filtered here:", name) : 0;
}

/* archMap: of the entries, the one of this machine; `architectures` as they are. */
static int arches_add(struct compiler *c, struct json_object *profile)
{
    struct json_object *list = json_list_of(profile, "architectures");
    for (size_t i = 0; i < json_length(list); i++)
        TRY(arch_add(c, "/architectures", json_item(list, i)));
    struct json_object *entry = seccomp_arch_map(profile);
    struct json_object *others = entry ? json_list_of(entry, "subArchitectures") : NULL;
    for (size_t k = 0; k < json_length(others); k++)
        TRY(arch_add(c, "/archMap", json_item(others, k)));
    return 0;
}

/* ---- rules ---- */

static const struct {
    const char *name;
    enum scmp_compare op;
} comparisons[] = {
    {"SCMP_CMP_NE", SCMP_CMP_NE}, {"SCMP_CMP_LT", SCMP_CMP_LT}, {"SCMP_CMP_LE", SCMP_CMP_LE},
    {"SCMP_CMP_EQ", SCMP_CMP_EQ}, {"SCMP_CMP_GE", SCMP_CMP_GE}, {"SCMP_CMP_GT", SCMP_CMP_GT},
    {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
};

static int arg_parse(struct compiler *c, const char *pointer, struct json_object *arg,
                     struct scmp_arg_cmp *compare)
{
    uint64_t index = 0, two = 0;
    const char *op = json_text_of(arg, "op");
    if (!number_of(arg, "index", &index) || index > 5)
        return wrong(c, pointer, "index must be 0 to 5", NULL);
    if (!number_of(arg, "value", &compare->datum_a))
        return wrong(c, pointer, "value is missing", NULL);
    number_of(arg, "valueTwo", &two);
    compare->arg = (unsigned)index;
    compare->datum_b = two;
    for (size_t i = 0; op && i < COUNT(comparisons); i++)
        if (strcmp(op, comparisons[i].name) == 0) {
            compare->op = comparisons[i].op;
            return 0;
        }
    return wrong(c, pointer, op ? "unknown comparison" : "op is missing", op);
}

static void count(struct compiler *c, uint32_t action, bool checked)
{
    unsigned *counter = checked                       ? &c->program->checks
                        : action == SCMP_ACT_ALLOW ? &c->program->allowed
                                                      : &c->program->refused;
    ++*counter;
}

/* A rule that compares the same argument twice means any of them, as runc has it; libseccomp wants
 * these one by one. */
static int add_names(struct compiler *c, const char *pointer, struct json_object *names,
                     uint32_t action, const struct scmp_arg_cmp *args, unsigned n_args)
{
    bool repeated = false;
    for (unsigned i = 0; i < n_args; i++)
        for (unsigned k = 0; k < i; k++)
            repeated |= args[i].arg == args[k].arg;
    for (size_t i = 0; i < json_length(names); i++) {
        int number = seccomp_syscall_resolve_name(json_item(names, i));
        if (number == __NR_SCMP_ERROR)
            continue;
        count(c, action, n_args > 0);
        int r = 0;
        for (unsigned k = 0; repeated && k < n_args && r == 0; k++)
            r = seccomp_rule_add_array(c->filter, action, number, 1, &args[k]);
        if (!repeated)
            r = seccomp_rule_add_array(c->filter, action, number, n_args, args);
        if (r < 0 && r != -EEXIST)
            return refuse(r, "%s: %s: %s: %s", c->name, pointer, json_item(names, i), strerror(-r));
    }
    return 0;
}

static int rule_add(struct compiler *c, struct json_object *rule, const char *pointer)
{
    bool yes;
    TRY(seccomp_rule_applies(c->name, pointer, rule, c->caps, &yes));
    uint64_t number = 0;
    bool has_errno = number_of(rule, "errnoRet", &number);
    uint32_t action;
    TRY(action_parse(c, pointer, json_text_of(rule, "action"), has_errno, number, &action));
    struct json_object *names = json_list_of(rule, "names"), *args = json_list_of(rule, "args");
    if (!names)
        return wrong(c, pointer, "names is missing", NULL);
    struct scmp_arg_cmp compares[6];
    if (json_length(args) > COUNT(compares))
        return wrong(c, pointer, "more than six args", NULL);
    for (size_t i = 0; i < json_length(args); i++)
        TRY(arg_parse(c, pointer, json_object_array_get_idx(args, i), &compares[i]));
    if (!yes || action == c->default_action)
        return 0;
    return add_names(c, pointer, names, action, compares, (unsigned)json_length(args));
}

/* ---- flags ---- */

static const struct {
    const char *name;
    uint32_t flag;
} flags[] = {
    {"SECCOMP_FILTER_FLAG_TSYNC", 0}, /* the caller has one thread */
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
};

static int flags_add(struct compiler *c, struct json_object *profile)
{
    struct json_object *list = json_list_of(profile, "flags");
    for (size_t i = 0; i < json_length(list); i++) {
        size_t k = 0;
        while (k < COUNT(flags) && strcmp(flags[k].name, json_item(list, i)) != 0)
            k++;
        if (k == COUNT(flags))
            return wrong(c, "/flags", "unknown flag", json_item(list, i));
        c->program->flags |= flags[k].flag;
    }
    return 0;
}

/* ---- what there is ---- */

/* The names of a table whose rows, SIZE bytes each, begin with them. */
static char **names_of(struct arena *arena, const void *table, size_t count, size_t size)
{
    char **names = arena_alloc(arena, (count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++)
        names[i] = arena_strdup(arena, *(const char *const *)((const char *)table + i * size));
    return names;
}

/* Of the specification's names, those that arch_add() takes: libseccomp adds none of the other byte order. */
static char **list_archs(struct arena *arena)
{
    static const char *const names[] = {
        "X86", "X86_64", "X32", "ARM", "AARCH64", "MIPS", "MIPS64", "MIPS64N32", "MIPSEL", "MIPSEL64", "MIPSEL64N32",
        "PPC", "PPC64", "PPC64LE", "S390", "S390X", "PARISC", "PARISC64", "RISCV64", "LOONGARCH64", "M68K", "SH", "SHEB",
    };
    __attribute__((cleanup(cleanup_filter))) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    struct compiler c = {.arena = arena, .name = "", .filter = filter};
    char **list = NULL;
    size_t n = 0;
    for (size_t i = 0; filter && i < COUNT(names); i++) {
        char *name = arena_printf(arena, "SCMP_ARCH_%s", names[i]);
        if (arch_add(&c, "", name) == 0)
            *LIST_ADD(arena, &list, &n) = name;
        else
            error_clear();
    }
    *LIST_ADD(arena, &list, &n) = NULL;
    return list;
}

void seccomp_list_words(struct arena *arena, struct seccomp_words *words)
{
    *words = (struct seccomp_words){
        .actions = names_of(arena, actions, COUNT(actions), sizeof *actions),
        .operators = names_of(arena, comparisons, COUNT(comparisons), sizeof *comparisons),
        .archs = list_archs(arena),
        .flags = names_of(arena, flags, COUNT(flags), sizeof *flags),
    };
}

/* *PROFILE is the caller's. */
static int read_profile(const char *text, const char *name, struct json_object **profile)
{
    enum json_tokener_error error;
    *profile = json_tokener_parse_verbose(text, &error);
    bool read = *profile && json_object_is_type(*profile, json_type_object);
    return read ? 0 : refuse(-EINVAL, "%s: not a JSON object: %s", name, json_tokener_error_desc(error));
}

int seccomp_check_names(const char *text, const char *name)
{
    auto_json *profile = NULL;
    TRY(read_profile(text, name, &profile));
    struct json_object *rules = json_list_of(profile, "syscalls");
    for (size_t i = 0; i < json_length(rules); i++) {
        struct json_object *names = json_list_of(json_object_array_get_idx(rules, i), "names");
        for (size_t k = 0; k < json_length(names); k++)
            if (seccomp_syscall_resolve_name(json_item(names, k)) == __NR_SCMP_ERROR)
                return refuse(-EINVAL, "%s: /syscalls/%zu/names/%zu: unknown system call %.64s", name, i, k, json_item(names, k));
    }
    return 0;
}

/* ---- the whole ---- */

static int export_program(struct compiler *c)
{
    auto_fd fd = memfd_create("seccomp", MFD_CLOEXEC);
    struct stat st;
    if (fd < 0 || seccomp_export_bpf(c->filter, fd) < 0 || fstat(fd, &st) < 0)
        return refuse(-EINVAL, "%s: libseccomp cannot compile it", c->name);
    struct sock_filter *program = arena_alloc(c->arena, (size_t)st.st_size);
    if (pread(fd, program, (size_t)st.st_size, 0) != st.st_size)
        return fail(-EIO, "%s: read the compiled filter", c->name);
    c->program->instructions = program;
    c->program->count = (size_t)st.st_size / sizeof *program;
    if (c->program->count > USHRT_MAX)
        return refuse(-E2BIG, "%s: the filter has %zu instructions, the kernel takes %d", c->name,
                      c->program->count, BPF_MAXINSNS);
    return 0;
}

static int compile(struct compiler *c, struct json_object *profile)
{
    uint64_t number = 0;
    bool has_errno = number_of(profile, "defaultErrnoRet", &number);
    TRY(action_parse(c, "/defaultAction", json_text_of(profile, "defaultAction"), has_errno, number,
                     &c->default_action));
    __attribute__((cleanup(cleanup_filter))) scmp_filter_ctx filter = seccomp_init(c->default_action);
    if (!filter)
        return refuse(-EINVAL, "%s: /defaultAction: libseccomp refuses it", c->name);
    c->filter = filter;
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree; 2.5 and later */
    TRY(arches_add(c, profile));
    TRY(flags_add(c, profile));
    struct json_object *rules = json_list_of(profile, "syscalls");
    for (size_t i = 0; i < json_length(rules); i++) {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/syscalls/%zu", i);
        TRY(rule_add(c, json_object_array_get_idx(rules, i), pointer));
    }
    return export_program(c);
}

int seccomp_compile_plain(struct arena *arena, const char *text, const char *name, uint64_t caps,
                          struct seccomp_program *program)
{
    auto_json *profile = NULL;
    TRY(read_profile(text, name, &profile));
    *program = (struct seccomp_program){.profile = name};
    struct compiler c = {.arena = arena, .name = name, .caps = caps, .program = program};
    return compile(&c, profile);
}

int seccomp_compile(struct arena *arena, const char *text, const char *name, uint64_t caps,
                    struct seccomp_program *program)
{
    TRY(seccomp_compile_plain(arena, text, name, caps, program));
    seccomp_compact(arena, program); /* or it stays as it is */
    return 0;
}
