/* Facts from JSON: the host as a file, for golden tests and for "what would it do there?". */
#include "runtime/facts.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_read.h"
#include "base/text.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define AT(type, field) offsetof(struct type, field)

static const struct json_field range_fields[] = {
    {"inside", json_u32, AT(idmap, inside)},
    {"first", json_u32, AT(idmap, outside)},
    {"count", json_u32, AT(idmap, count)},
    {0},
};

static int decode_range(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, range_fields, into);
}

static int decode_ranges(struct json_source *s, struct json_object *value, void *into)
{
    struct idmaps *maps = into;
    void *list = NULL;
    TRY(json_read_list(s, value, decode_range, sizeof *maps->list, &list, &maps->count));
    maps->list = list;
    return 0;
}

/* "6.18" */
static int decode_kernel(struct json_source *s, struct json_object *value, void *into)
{
    const char *text;
    unsigned major, minor;
    TRY(json_string(s, value, &text));
    if (sscanf(text, "%u.%u", &major, &minor) != 2)
        return json_expected(s, "a version such as 6.18");
    *(unsigned *)into = KERNEL(major, minor);
    return 0;
}

/* "ALL", or a list of names. */
static int decode_capabilities(struct json_source *s, struct json_object *value, void *into)
{
    char **names;
    TRY(json_strings(s, value, &names));
    uint64_t *mask = into;
    for (*mask = 0; *names; names++) {
        uint64_t one;
        if (capability_parse(*names, &one) < 0)
            return json_expected(s, "names of capabilities");
        *mask |= one;
    }
    return 0;
}

static const struct json_field source_fields[] = {
    {"path", json_string, AT(source_fact, path)},
    {"fs", json_string, AT(source_fact, fs)},
    {"idmap", json_flag, AT(source_fact, idmap)},
    {"uid", json_u32, AT(source_fact, uid)},
    {"link", json_string, AT(source_fact, link)},
    {0},
};

static int decode_source(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, source_fields, into);
}

static int decode_sources(struct json_source *s, struct json_object *value, void *into)
{
    struct facts *facts = into;
    void *list = NULL;
    TRY(json_read_list(s, value, decode_source, sizeof *facts->sources, &list, &facts->n_sources));
    facts->sources = list;
    return 0;
}

/* ---- cgroups ---- */

static const struct json_field tree_fields[] = {
    {"mount", json_string, AT(cgroup_tree, mount)},
    {"own", json_string, AT(cgroup_tree, own)},
    {"writable", json_flag, AT(cgroup_tree, writable)},
    {"ownWritable", json_flag, AT(cgroup_tree, own_writable)},
    {0},
};

static int decode_tree(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, tree_fields, into);
}

static const struct json_field v1_fields[] = {
    {"cpu", decode_tree, CG_CPU * sizeof(struct cgroup_tree)},
    {"cpuset", decode_tree, CG_CPUSET * sizeof(struct cgroup_tree)},
    {"memory", decode_tree, CG_MEMORY * sizeof(struct cgroup_tree)},
    {"pids", decode_tree, CG_PIDS * sizeof(struct cgroup_tree)},
    {"blkio", decode_tree, CG_IO * sizeof(struct cgroup_tree)},
    {"devices", decode_tree, CG_DEVICES * sizeof(struct cgroup_tree)},
    {"freezer", decode_tree, CG_FREEZER * sizeof(struct cgroup_tree)},
    {"hugetlb", decode_tree, CG_HUGETLB * sizeof(struct cgroup_tree)},
    {"rdma", decode_tree, CG_RDMA * sizeof(struct cgroup_tree)},
    {"net_cls", decode_tree, CG_NET_CLS * sizeof(struct cgroup_tree)},
    {"net_prio", decode_tree, CG_NET_PRIO * sizeof(struct cgroup_tree)},
    {0},
};

static int decode_v1(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, v1_fields, into);
}

static int decode_controllers(struct json_source *s, struct json_object *value, void *into)
{
    char **names;
    TRY(json_strings(s, value, &names));
    uint32_t *bits = into;
    for (; *names; names++) {
        int i = 0;
        while (i < CG_COUNT && !text_equal(cgroup_names_v2[i], *names))
            i++;
        if (i == CG_COUNT)
            return json_expected(s, "names of controllers");
        *bits |= 1U << i;
    }
    return 0;
}

static const struct json_field cgroup_fields[] = {
    {"v2", decode_tree, AT(cgroup_facts, v2)},
    {"v1", decode_v1, AT(cgroup_facts, v1)},
    {"controllers", decode_controllers, AT(cgroup_facts, v2_controllers)},
    {"enabled", decode_controllers, AT(cgroup_facts, v2_enabled)},
    {"ownControllers", decode_controllers, AT(cgroup_facts, v2_own)},
    {"ownEnabled", decode_controllers, AT(cgroup_facts, v2_own_enabled)},
    {"ownProcesses", json_u32, AT(cgroup_facts, v2_own_processes)},
    {"isRoot", json_flag, AT(cgroup_facts, v2_is_root)},
    {"v1Swap", json_flag, AT(cgroup_facts, v1_swap)},
    {"v2Swap", json_flag, AT(cgroup_facts, v2_swap)},
    {"blkioWeight", json_string, AT(cgroup_facts, blkio_weight)},
    {0},
};

static int decode_cgroup(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, cgroup_fields, into);
}

static const struct json_field rdt_fields[] = {
    {"mount", json_string, AT(rdt_facts, mount)},
    {"exists", json_flag, AT(rdt_facts, exists)},
    {"schemata", json_string, AT(rdt_facts, schemata)},
    {0},
};

static int decode_rdt(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, rdt_fields, into);
}

static const struct json_field systemd_fields[] = {
    {"run", json_string, AT(systemd_facts, run)},
    {"control", json_string, AT(systemd_facts, control)},
    {"root", json_string, AT(systemd_facts, root)},
    {"controllers", decode_controllers, AT(systemd_facts, controllers)},
    {"user", json_flag, AT(systemd_facts, user)},
    {0},
};

static int decode_systemd(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, systemd_fields, into);
}

static const struct json_field facts_fields[] = {
    {"uid", json_u32, AT(facts, uid)},
    {"gid", json_u32, AT(facts, gid)},
    {"user", json_string, AT(facts, user)},
    {"capabilities", decode_capabilities, AT(facts, capabilities)},
    {"inUserns", json_flag, AT(facts, in_userns)},
    {"ownIds", decode_ranges, AT(facts, own_ids)},
    {"kernel", decode_kernel, AT(facts, kernel)},
    {"maxUserns", json_u64, AT(facts, max_userns)},
    {"usernsRestricted", json_flag, AT(facts, userns_restricted)},
    {"usernsClone", json_flag, AT(facts, userns_clone)},
    {"idmapRoot", json_flag, AT(facts, idmap_root)},
    {"rootFs", json_string, AT(facts, root_fs)},
    {"overlay", json_flag, AT(facts, overlay)},
    {"tmpfsXattr", json_flag, AT(facts, tmpfs_xattr)},
    {"procMasked", json_flag, AT(facts, proc_masked)},
    {"nullStdio", json_u32, AT(facts, null_stdio)},
    {"sources", decode_sources, 0},
    {"subuid", decode_ranges, AT(facts, subuid)},
    {"subgid", decode_ranges, AT(facts, subgid)},
    {"newuidmap", json_string, AT(facts, newuidmap)},
    {"newgidmap", json_string, AT(facts, newgidmap)},
    {"apparmor", json_flag, AT(facts, apparmor)},
    {"apparmorLoaded", json_flag, AT(facts, apparmor_loaded)},
    {"apparmorHidden", json_flag, AT(facts, apparmor_hidden)},
    {"apparmorParser", json_string, AT(facts, apparmor_parser)},
    {"selinux", json_flag, AT(facts, selinux)},
    {"timeNamespaces", json_flag, AT(facts, time_ns)},
    {"hugePages", json_strings, AT(facts, huge_pages)},
    {"rdt", decode_rdt, AT(facts, rdt)},
    {"systemd", decode_systemd, AT(facts, systemd)},
    {"cgroup", decode_cgroup, AT(facts, cgroup)},
    {"stateDir", json_string, AT(facts, state_dir)},
    {0},
};

int facts_decode(struct arena *arena, const char *text, size_t length, const char *name,
                 struct facts *facts)
{
    *facts = (struct facts){.user = "0", .kernel = KERNEL(6, 18), .max_userns = UINT64_MAX,
                            .userns_clone = true, .idmap_root = true, .root_fs = "ext4",
                            .overlay = true, .tmpfs_xattr = true, .time_ns = true, .state_dir = "/run/bocal",
                            .cgroup = {.v2_is_root = true, .v2_own_processes = 1}};
    for (int i = 0; i < RLIM_NLIMITS; i++)
        facts->limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    facts->limits[RLIMIT_NOFILE] = (struct rlimit){1024, 4096};
    return json_read(arena, text, length, name, facts_fields, facts);
}
