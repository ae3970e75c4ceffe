#include "spec/platform.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <sys/utsname.h>

/* Words of uname(2) and of Debian, and Go's. */
static const struct machine {
    const char *name, *architecture, *variant;
} machines[] = {
    {"x86_64", "amd64", NULL},   {"x86-64", "amd64", NULL},     {"aarch64", "arm64", "v8"},
    {"armv5tel", "arm", "v5"},   {"armv6l", "arm", "v6"},       {"armel", "arm", "v6"},
    {"armv7l", "arm", "v7"},     {"armhf", "arm", "v7"},        {"armv8l", "arm", "v8"},
    {"i386", "386", NULL},       {"i486", "386", NULL},         {"i586", "386", NULL},
    {"i686", "386", NULL},       {"ppc64el", "ppc64le", NULL},  {"loongarch64", "loong64", NULL},
};

/* The variants of an architecture, the oldest first; USUAL is what is meant where nothing is said. */
static const struct variants {
    const char *architecture;
    int usual;
    const char *names[5];
} variants[] = {
    {"amd64", 1, {NULL, "v1", "v2", "v3", "v4"}},
    {"arm", 3, {NULL, "v5", "v6", "v7", "v8"}},
    {"arm64", 1, {NULL, "v8", "v9"}},
};

static const struct variants *variants_of(const char *architecture)
{
    for (size_t i = 0; i < COUNT(variants); i++)
        if (text_equal(variants[i].architecture, architecture))
            return &variants[i];
    return NULL;
}

/* The age of a platform's variant, 1 the oldest; 0 where it is not known. */
static int age(const struct platform *platform)
{
    const struct variants *known = variants_of(platform->architecture);
    if (!platform->variant || !*platform->variant)
        return known ? known->usual : 0;
    for (int i = 1; known && i < (int)COUNT(known->names) && known->names[i]; i++)
        if (text_equal(known->names[i], platform->variant) || text_equal(known->names[i] + 1, platform->variant))
            return i;
    return 0;
}

struct platform platform_of_machine(const char *machine)
{
    for (size_t i = 0; i < COUNT(machines); i++)
        if (text_equal(machines[i].name, machine))
            return (struct platform){"linux", machines[i].architecture, machines[i].variant, NULL};
    return (struct platform){"linux", machine, NULL, NULL};
}

int platform_host(struct arena *arena, struct platform *platform)
{
    struct utsname name;
    if (uname(&name) < 0)
        return fail(-errno, "uname");
    *platform = platform_of_machine(arena_strdup(arena, name.machine));
    return 0;
}

/* Letters, digits and separators: what Go has as words, and what does no harm in messages. */
static bool is_word(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return *text && strspn(text, allowed) == strlen(text);
}

int platform_parse(struct arena *arena, const char *text, struct platform *platform)
{
    size_t count;
    char **parts = text_split(arena, text, '/', &count);
    bool words = count <= 3;
    for (size_t i = 0; i < count; i++)
        words = words && is_word(parts[i]);
    if (!words)
        return remedy(refuse(-EINVAL, "\"%.100s\" is no platform: expected OS/ARCHITECTURE[/VARIANT]", text),
                      "such as linux/amd64 or linux/arm64/v8");
    *platform = platform_of_machine(parts[count == 1 ? 0 : 1]);
    platform->os = count == 1 ? "linux" : parts[0];
    if (count == 3)
        platform->variant = parts[2];
    return 0;
}

const char *platform_text(struct arena *arena, const struct platform *platform)
{
    bool variant = platform->variant && *platform->variant;
    return arena_printf(arena, "%s/%s%s%s", platform->os ? platform->os : "?",
                        platform->architecture ? platform->architecture : "?", variant ? "/" : "",
                        variant ? platform->variant : "");
}

int platform_serves(const struct platform *offered, const struct platform *wanted)
{
    if (!text_equal(offered->os, wanted->os) || !text_equal(offered->architecture, wanted->architecture))
        return 0;
    int has = age(offered), wants = age(wanted);
    if (has && wants)
        return has <= wants ? has : 0;
    const char *a = offered->variant ? offered->variant : "", *b = wanted->variant ? wanted->variant : "";
    return text_equal(a, b) ? 1 : 0;
}

bool platform_runs(const struct platform *here, const struct platform *its)
{
    static const char *const pairs[][2] = {{"amd64", "386"}, {"arm64", "arm"}, {"mips64", "mips"}, {"mips64le", "mipsle"}};
    for (size_t i = 0; i < COUNT(pairs); i++)
        if (text_equal(here->architecture, pairs[i][0]) && text_equal(its->architecture, pairs[i][1]))
            return true;
    return text_equal(here->architecture, its->architecture);
}

bool platform_unknown(const struct platform *platform)
{
    return text_equal(platform->os, "unknown") || text_equal(platform->architecture, "unknown");
}
