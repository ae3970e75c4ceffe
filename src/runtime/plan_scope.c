/* Systemd as the maker of the container's cgroup: a scope, a unit of processes that systemd has not started itself.
 * The field's cgroupsPath is SLICE:PREFIX:NAME there, for the unit PREFIX-NAME.scope in SLICE. Where that lies below
 * its manager's cgroup follows from the names (systemd.slice(5)), so that the plan has the directory like any other.
 *
 * What systemd sets by itself it is told as properties: it writes them anew whenever it likes (daemon-reload). The same
 * values are then written as bocal writes them elsewhere, for a property may be coarser: CPUQuota= has percents. */
#include "runtime/plan_build.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_UNIT = 255 }; /* UNIT_NAME_MAX */

/* systemd.unit(5): what names of units are made of. */
static bool is_unit_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@";
    return *name && strlen(name) <= LONGEST_UNIT && strspn(name, allowed) == strlen(name);
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t length = strlen(text), n = strlen(suffix);
    return length > n && strcmp(text + length - n, suffix) == 0;
}

/* "a-b.slice" is in "a.slice": "/a.slice/a-b.slice". NULL where it is no name of a slice. */
static const char *slice_path(struct builder *b, const char *slice)
{
    const char *path = "";
    if (text_equal(slice, "-.slice"))
        return path;
    if (!is_unit_name(slice) || !has_suffix(slice, ".slice") || *slice == '-' || strstr(slice, "--") || strstr(slice, "-."))
        return NULL;
    for (const char *dash = strchr(slice, '-'); dash; dash = strchr(dash + 1, '-'))
        path = plan_text(b, "%s/%.*s.slice", path, (int)(dash - slice), slice);
    return plan_text(b, "%s/%s", path, slice);
}

static int check_host(const struct facts *facts)
{
    const char *way_out = "use the cgroupfs manager";
    if (!facts->systemd.root)
        return refuse(-EOPNOTSUPP, "cgroup manager systemd: systemd is not in charge of cgroup v2 here (%s)", way_out);
    for (int i = 0; i < CG_COUNT; i++)
        if (facts->cgroup.v1[i].mount)
            return refuse(-EOPNOTSUPP, "cgroup manager systemd: cgroup v1 is mounted here (%s, or "
                                       "boot with systemd.unified_cgroup_hierarchy=1)", way_out);
    const char *own = facts->cgroup.v2.own, *root = facts->systemd.root;
    if (facts->systemd.user && !(own && text_after(own, root)))
        return refuse(-EACCES, "cgroup manager systemd: bocal is in %s, and cgroups(7) lets nobody move from there into %s "
                               "(systemd-run --user --scope COMMAND is below it)", own ? own : "no cgroup", root);
    if (!facts->systemd.run || !facts->systemd.control)
        return refuse(-ENOENT, "cgroup manager systemd: %s is missing (it comes with systemd)",
                      facts->systemd.run ? "systemctl" : "systemd-run");
    return 0;
}

/* ---- properties ---- */

static void add_property(struct builder *b, size_t *n, const char *text)
{
    *LIST_ADD(b->arena, &b->scope_spec->properties, n) = (char *)text;
}

/* "50000 100000", or "max": in hundredths of a percent, rounded up. */
static const char *cpu_quota(struct builder *b, const char *value)
{
    char *rest;
    uint64_t quota = strtoull(value, &rest, 10), period = strtoull(rest, NULL, 10);
    if (*value == 'm' || !period)
        return "CPUQuota=";
    uint64_t share = (quota * 10000 + period - 1) / period;
    return plan_text(b, "CPUQuota=%" PRIu64 ".%02" PRIu64 "%%", share / 100, share % 100);
}

static const char *property_of(struct builder *b, const char *file, const char *value)
{
    static const struct {
        const char *file, *property;
    } names[] = {
        {"memory.max", "MemoryMax"},     {"memory.high", "MemoryHigh"},        {"memory.low", "MemoryLow"},
        {"memory.min", "MemoryMin"},     {"memory.swap.max", "MemorySwapMax"}, {"pids.max", "TasksMax"},
        {"cpu.weight", "CPUWeight"},     {"cpuset.cpus", "AllowedCPUs"},       {"cpuset.mems", "AllowedMemoryNodes"},
        {"io.weight", "IOWeight"},
    };
    if (text_equal(file, "cpu.max"))
        return cpu_quota(b, value);
    for (size_t i = 0; i < COUNT(names); i++)
        if (text_equal(names[i].file, file))
            return plan_text(b, "%s=%s", names[i].property, text_equal(value, "max") ? "infinity" : value);
    return NULL; /* systemd leaves it alone */
}

static void add_limits(struct builder *b, size_t *n)
{
    for (size_t i = 0; i < b->n_cgroup_sets; i++) {
        const struct step *set = &b->cgroup_sets[i];
        const char *property = property_of(b, strrchr(set->path, '/') + 1, set->text);
        if (property)
            add_property(b, n, property);
    }
}

/* One value as GVariant's text format has it: a type's name in front, quotes around strings. NULL where it is more. */
static const char *plain_value(struct builder *b, const char *text)
{
    static const char *const types[] = {"byte ", "int16 ", "uint16 ", "int32 ", "uint32 ", "int64 ", "uint64 "};
    for (size_t i = 0; i < COUNT(types); i++)
        text = text_after(text, types[i]) ? text_after(text, types[i]) : text;
    size_t length = strlen(text);
    bool quoted = length >= 2 && (*text == '\'' || *text == '"') && text[length - 1] == *text;
    const char *value = quoted ? plan_text(b, "%.*s", (int)(length - 2), text + 1) : text;
    return strpbrk(value, "'\"[](){}<>,\n") ? NULL : value;
}

/* An assignment as unit files have it, where lengths of time are ...Sec= and D-Bus has ...USec. */
static void add_assignment(struct builder *b, size_t *n, const char *name, const char *value)
{
    add_property(b, n, has_suffix(name, "USec") ? plan_text(b, "%.*sSec=%sus", (int)strlen(name) - 4, name, value)
                                                : plan_text(b, "%s=%s", name, value));
}

/* What engines want beyond that: annotations org.systemd.property.NAME, a value or an array of values each. */
static int add_annotation(struct builder *b, size_t *n, const char *name, const struct key_value *annotation)
{
    const char *text = annotation->value;
    bool array = *text == '[' && text[strlen(text) - 1] == ']';
    char *list = array ? plan_text(b, "%.*s", (int)strlen(text) - 2, text + 1) : plan_text(b, "%s", text);
    bool right = *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(name);
    char **values = array ? text_split(b->arena, list, ',', NULL) : (char *[]){list, NULL};
    for (; right && *values; values++) {
        const char *value = plain_value(b, *values + strspn(*values, " "));
        right = value != NULL;
        if (right)
            add_assignment(b, n, name, value);
    }
    return right ? 0
                 : refuse(-EINVAL, "annotation %s: %s: expected a value, or an array of values, in GVariant's text format",
                          annotation->key, text);
}

static int add_annotations(struct builder *b, size_t *n)
{
    for (size_t i = 0; i < b->config->n_annotations; i++) {
        const struct key_value *annotation = &b->config->annotations[i];
        const char *name = text_after(annotation->key, "org.systemd.property.");
        if (name)
            TRY(add_annotation(b, n, name, annotation));
    }
    return 0;
}

/* ---- the scope ---- */

int plan_scope(struct builder *b)
{
    const struct systemd_facts *systemd = &b->facts->systemd;
    const char *path = b->config->cgroups_path;
    size_t parts = 0;
    if (b->config->cgroup_manager != MANAGER_SYSTEMD)
        return 0;
    TRY(check_host(b->facts));
    char **part = text_split(b->arena, path, ':', &parts);
    const char *slice = parts == 3 && *part[0] ? part[0] : systemd->user ? "user.slice" : "system.slice";
    const char *above = slice_path(b, slice);
    if (parts != 3 || !above || !*part[2] || has_suffix(part[2], ".slice"))
        return refuse(-EINVAL, "/linux/cgroupsPath: %s: expected SLICE:PREFIX:NAME where systemd makes the cgroup", path);
    const char *unit = *part[1] ? plan_text(b, "%s-%s.scope", part[1], part[2]) : plan_text(b, "%s.scope", part[2]);
    if (!is_unit_name(unit))
        return refuse(-EINVAL, "/linux/cgroupsPath: %s: not the name of a unit (letters, digits and :-_.\\@, at most %d)",
                      unit, LONGEST_UNIT);
    b->scope_spec = arena_alloc(b->arena, sizeof *b->scope_spec);
    *b->scope_spec = (struct scope_spec){.run = systemd->run, .control = systemd->control, .user = systemd->user,
                                         .unit = unit, .slice = slice};
    b->scope = plan_text(b, "%s%s/%s", systemd->root, above, unit);
    return 0;
}

int plan_scope_add(struct builder *b)
{
    size_t n = 0;
    add_property(b, &n, "Delegate=yes");
    add_limits(b, &n);
    TRY(add_annotations(b, &n));
    add_property(b, &n, NULL);
    const char *text = text_join(b->arena, b->scope_spec->properties, " ");
    plan_add(b, (struct step){.op = OP_SCOPE, .by = HOST, .out = SLOT_SCOPE, .path = b->scope, .text = text,
                              .data = b->scope_spec, .why = "systemd makes the cgroup: systemd.scope(5)"});
    return 0;
}

int plan_scope_set(struct builder *b)
{
    size_t n = 0;
    add_limits(b, &n);
    if (!n)
        return 0;
    add_property(b, &n, NULL);
    plan_add(b, (struct step){.op = OP_SCOPE_SET, .by = HOST, .path = b->scope, .data = b->scope_spec,
                              .text = text_join(b->arena, b->scope_spec->properties, " "),
                              .why = "systemd would write its own again"});
    return 0;
}

void plan_scope_leave(struct builder *b)
{
    if (b->scope)
        plan_add(b, (struct step){.op = OP_SCOPE_LEAVE, .by = HOST, .phase = BIRTH, .in = SLOT_SCOPE, .path = b->scope,
                                  .why = "a scope lives as long as something is in it"});
}
