/* Shares of caches and of memory bandwidth: /linux/intelRdt, by a directory of the resctrl file system. Without closID
 * it is the container's own, with its id as its name, and goes with it; a group that closID names is others' to keep,
 * and is only made where it is missing. The monitoring group in it is the container's own. */
#include "runtime/plan_build.h"

#include "base/error.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const char *group_of(struct builder *b)
{
    const char *name = b->config->rdt.clos_id, *mount = b->facts->rdt.mount;
    return text_equal(name, "/") ? mount : plan_text(b, "%s/%s", mount, name ? name : b->id);
}

static const char *monitor_of(struct builder *b)
{
    return plan_text(b, "%s/mon_groups/%s", group_of(b), b->id);
}

/* ---- what a group that is there already has ---- */

/* The value of ID in "0=ff;1=3", as the kernel has written it, or with blanks and zeros in front; -1: none. */
static long share_of(const char *list, long id, int base)
{
    while (list && *list && *list != '\n') {
        char *end;
        long number = strtol(list, &end, 10);
        long share = *end == '=' ? strtol(end + 1, &end, base) : -1;
        if (number == id)
            return share;
        list = *end == ';' ? end + 1 : NULL;
    }
    return -1;
}

/* Whether the file SCHEMATA has the shares of the line WANTED: "L3:0=f;1=ff", masks in hexadecimal; "MB:0=20". */
static bool has_shares(const char *schemata, const char *wanted)
{
    const char *colon = strchr(wanted, ':');
    size_t length = colon ? (size_t)(colon - wanted) + 1 : 0;
    int base = *wanted == 'M' ? 10 : 16;
    const char *line = schemata ? schemata : "";
    while (*line && (!length || strncmp(line += strspn(line, " "), wanted, length) != 0)) {
        line = strchrnul(line, '\n');
        line += *line == '\n';
    }
    for (const char *pair = colon ? colon + 1 : ""; *line && *pair; pair += *pair == ';') {
        char *end;
        long id = strtol(pair, &end, 10);
        if (*end != '=' || share_of(line + length, id, base) != strtol(end + 1, &end, base))
            return false;
        pair = end;
    }
    return *line;
}

/* ---- the steps ---- */

static void add_line(struct builder *b, const char *group, const char *line, const char *name)
{
    plan_add(b, (struct step){.op = OP_RDT_SET, .by = HOST, .text = line, .source = b->facts->rdt.mount,
                              .path = plan_text(b, "%s/schemata", group),
                              .why = plan_text(b, "%s/%s", b->config->rdt.origin, name)});
}

static int check(struct builder *b)
{
    const struct rdt_config *rdt = &b->config->rdt;
    const struct rdt_facts *facts = &b->facts->rdt;
    const struct {
        const char *line, *name;
    } lines[] = {{rdt->l3, "l3CacheSchema"}, {rdt->memory, "memBwSchema"}};
    if (!facts->mount)
        return refuse(-EOPNOTSUPP, "%s: no resctrl file system is mounted here (mount -t resctrl resctrl /sys/fs/resctrl)",
                      rdt->origin);
    if (rdt->clos_id && !facts->exists && !rdt->l3 && !rdt->memory && !rdt->schemata)
        return refuse(-ENOENT, "%s/closID: there is no %s (make it, or say what shares it has)", rdt->origin,
                      group_of(b));
    for (size_t i = 0; i < 2; i++)
        if (facts->exists && lines[i].line && !has_shares(facts->schemata, lines[i].line))
            return refuse(-EINVAL, "%s/%s: %s has other shares already", rdt->origin, lines[i].name, group_of(b));
    return 0;
}

int plan_rdt(struct builder *b)
{
    const struct rdt_config *rdt = &b->config->rdt;
    if (!rdt->origin)
        return 0;
    TRY(check(b));
    const char *group = group_of(b);
    if (!rdt->clos_id)
        plan_add(b, (struct step){.op = OP_RDT_GROUP, .by = HOST, .path = group, .why = rdt->origin});
    else if (!b->facts->rdt.exists)
        plan_add(b, (struct step){.op = OP_RDT_CLOS, .by = HOST, .path = group, .tolerate = {{EEXIST}},
                                  .why = plan_text(b, "%s/closID", rdt->origin)});
    if (rdt->l3)
        add_line(b, group, rdt->l3, "l3CacheSchema");
    if (rdt->memory)
        add_line(b, group, rdt->memory, "memBwSchema");
    for (size_t i = 0; rdt->schemata && rdt->schemata[i]; i++)
        add_line(b, group, rdt->schemata[i], plan_text(b, "schemata/%zu", i));
    if (rdt->monitoring)
        plan_add(b, (struct step){.op = OP_RDT_GROUP, .by = HOST, .path = monitor_of(b),
                                  .why = plan_text(b, "%s/enableMonitoring", rdt->origin)});
    return 0;
}

/* Whom INIT bears is in the same group. */
void plan_rdt_join(struct builder *b)
{
    const struct rdt_config *rdt = &b->config->rdt;
    if (!rdt->origin || !b->facts->rdt.mount)
        return;
    const char *groups[] = {group_of(b), rdt->monitoring ? monitor_of(b) : NULL, NULL};
    for (size_t i = 0; groups[i]; i++)
        plan_add(b, (struct step){.op = OP_RDT_JOIN, .by = HOST, .phase = BIRTH, .in = SLOT_INIT,
                                  .path = plan_text(b, "%s/tasks", groups[i]), .why = rdt->origin});
}
