/* What is written into the container's cgroups: a row a limit, in either generation's words, and the lists of
 * those that are set for a device, a page size or an interface. Where a limit cannot be applied it is refused here,
 * before anything happens; a default one is left out, with a note. */
#include "runtime/plan_build.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <inttypes.h>

struct knob {
    size_t offset; /* of a struct limit in struct resources */
    enum controller controller;
    const char *v1, *v2;
    const char *(*v1_text)(struct builder *b, int64_t value); /* NULL: the number */
    const char *(*v2_text)(struct builder *b, int64_t value);
};

static const char *number(struct builder *b, int64_t value)
{
    return plan_text(b, "%" PRId64, value);
}

static const char *number_or_max(struct builder *b, int64_t value)
{
    return value < 0 ? "max" : number(b, value);
}

/* Shares 2..262144 become weight 1..10000 on the curve that runc and crun took up in 2025, which keeps
 * the default where it belongs (1024 is 100; their old straight line made it 39):
 * 10^((l*l + 125*l)/612 - 7/34) with l = log2(shares). Here by powers of two, straight in between. */
static const char *shares_to_weight(struct builder *b, int64_t shares)
{
    static const uint16_t weights[] = {1, 2, 3, 4, 7, 12, 20, 34, 58, 100, 173, 302, 531, 942, 1681, 3023, 5477, 10000};
    if (shares < 2)
        shares = 2;
    if (shares > 262144)
        shares = 262144;
    int power = 63 - __builtin_clzll((unsigned long long)shares);
    if (power >= 18)
        return "10000";
    int64_t low = weights[power - 1], high = weights[power];
    int64_t start = (int64_t)1 << power;
    return number(b, low + (high - low) * (shares - start) / start);
}

static const char *swap_of_v2(struct builder *b, int64_t both)
{
    const struct limit *memory = &b->config->resources.memory;
    if (both < 0)
        return "max";
    return number(b, memory->origin && both > memory->value ? both - memory->value : 0);
}

static const char *quota_v2(struct builder *b, int64_t quota)
{
    const struct limit *period = &b->config->resources.cpu_period;
    int64_t length = period->origin ? period->value : 100000;
    return quota < 0 ? plan_text(b, "max %" PRId64, length)
                     : plan_text(b, "%" PRId64 " %" PRId64, quota, length);
}

/* In the order in which the kernel takes them: memory before memory and swap together; a period
 * before its quota; cpus and mems before any task joins. */
static const struct knob knobs[] = {
    {offsetof(struct resources, memory), CG_MEMORY, "memory.limit_in_bytes", "memory.max", NULL,
     number_or_max},
    {offsetof(struct resources, memory_swap), CG_MEMORY, "memory.memsw.limit_in_bytes",
     "memory.swap.max", NULL, swap_of_v2},
    {offsetof(struct resources, memory_reservation), CG_MEMORY, "memory.soft_limit_in_bytes",
     "memory.low", NULL, number_or_max},
    {offsetof(struct resources, memory_swappiness), CG_MEMORY, "memory.swappiness", NULL, NULL, NULL},
    {offsetof(struct resources, memory_kernel_tcp), CG_MEMORY, "memory.kmem.tcp.limit_in_bytes", NULL, NULL, NULL},
    {offsetof(struct resources, oom_kill_disable), CG_MEMORY, "memory.oom_control", NULL, NULL, NULL},
    {offsetof(struct resources, cpu_shares), CG_CPU, "cpu.shares", "cpu.weight", NULL,
     shares_to_weight},
    {offsetof(struct resources, cpu_period), CG_CPU, "cpu.cfs_period_us", NULL, NULL, NULL},
    {offsetof(struct resources, cpu_quota), CG_CPU, "cpu.cfs_quota_us", "cpu.max", NULL, quota_v2},
    {offsetof(struct resources, cpu_burst), CG_CPU, "cpu.cfs_burst_us", "cpu.max.burst", NULL, NULL},
    {offsetof(struct resources, cpu_idle), CG_CPU, "cpu.idle", "cpu.idle", NULL, NULL},
    {offsetof(struct resources, rt_period), CG_CPU, "cpu.rt_period_us", NULL, NULL, NULL},
    {offsetof(struct resources, rt_runtime), CG_CPU, "cpu.rt_runtime_us", NULL, NULL, NULL},
    {offsetof(struct resources, pids), CG_PIDS, "pids.max", "pids.max", number_or_max, number_or_max},
    {offsetof(struct resources, blkio_weight), CG_IO, "", "io.bfq.weight", NULL, NULL},
    {offsetof(struct resources, class_id), CG_NET_CLS, "net_cls.classid", NULL, NULL, NULL},
};

/* A file that this kind of hierarchy lacks: by name, not in silence. */
static int no_such_knob(struct builder *b, const struct knob *knob, const struct limit *limit)
{
    if (limit->defaulted)
        return 0;
    const struct cgroup_facts *facts = &b->facts->cgroup;
    if (knob->offset == offsetof(struct resources, cpu_period) && plan_cgroup_on_v2(b, CG_CPU) &&
        b->config->resources.cpu_quota.origin)
        return 0; /* it is written with the quota */
    if (knob->offset == offsetof(struct resources, memory_swap) && !facts->v1_swap)
        return refuse(-EOPNOTSUPP, "%s: this kernel does not account swap (boot with swapaccount=1)",
                      limit->origin);
    return refuse(-EOPNOTSUPP, "%s: cgroup %s has no such setting (leave it out)", limit->origin,
                  plan_cgroup_on_v2(b, knob->controller) ? "v2" : "v1");
}

/* What was set last is a weight of BFQ's on v2, 10 to 1000. Where that scheduler is not there, io.weight of 1 to 10000 takes its
 * place, on the straight line that runc and crun have; DEVICE is "8:0 ", or "". */
static void or_io_weight(struct builder *b, const char *device, int64_t weight)
{
    struct step *set = &b->cgroup_sets[b->n_cgroup_sets - 1];
    const char *slash = strrchr(set->path, '/');
    const char *value = plan_text(b, "%s%" PRId64, device, 1 + (weight - 10) * 9999 / 990);
    set->source = plan_text(b, "%.*s/io.weight", (int)(slash - set->path), set->path);
    set->data = value;
    set->why = plan_text(b, "%s; without BFQ io.weight = %s", set->why, value);
}

static int add_knob(struct builder *b, const struct knob *knob)
{
    const struct limit *limit = (const struct limit *)((const char *)&b->config->resources +
                                                       knob->offset);
    if (!limit->origin)
        return 0;
    const char *reason = limit->defaulted ? plan_cgroup_why_not(b, knob->controller) : NULL;
    if (reason) {
        plan_note(b, "%s left out: %s", limit->origin, reason);
        return 0;
    }
    const char *directory;
    TRY(plan_cgroup_need(b, knob->controller, limit->origin, &directory));
    bool v2 = plan_cgroup_on_v2(b, knob->controller);
    const char *file = v2 ? knob->v2 : knob->v1;
    if (!v2 && knob->controller == CG_IO)
        file = b->facts->cgroup.blkio_weight;
    if (!v2 && knob->offset == offsetof(struct resources, memory_swap) && !b->facts->cgroup.v1_swap)
        file = NULL;
    if (!file)
        return no_such_knob(b, knob, limit);
    const char *(*convert)(struct builder *, int64_t) = v2 ? knob->v2_text : knob->v1_text;
    plan_cgroup_set(b, directory, file, convert ? convert(b, limit->value) : number(b, limit->value),
                    limit->origin);
    if (v2 && knob->controller == CG_IO)
        or_io_weight(b, "", limit->value);
    return 0;
}

static int add_cpuset(struct builder *b)
{
    const struct {
        const char *file;
        const struct text_limit *limit;
    } files[] = {
        {"cpuset.mems", &b->config->resources.cpuset_mems},
        {"cpuset.cpus", &b->config->resources.cpuset_cpus},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        const char *directory;
        if (!files[i].limit->origin)
            continue;
        TRY(plan_cgroup_need(b, CG_CPUSET, files[i].limit->origin, &directory));
        plan_cgroup_set(b, directory, files[i].file, files[i].limit->value, files[i].limit->origin);
    }
    return 0;
}

/* ---- lists ---- */

/* One entry, asked for at ORIGIN: VALUE into the file that is called V1 or V2, NULL where there is none. */
static int add_entry(struct builder *b, enum controller controller, const char *origin, const char *v1, const char *v2,
                     const char *value)
{
    const char *directory;
    TRY(plan_cgroup_need(b, controller, origin, &directory));
    const char *file = plan_cgroup_on_v2(b, controller) ? v2 : v1;
    if (!file)
        return refuse(-EOPNOTSUPP, "%s: cgroup %s has no such setting here (leave it out)", origin,
                      plan_cgroup_on_v2(b, controller) ? "v2" : "v1");
    plan_cgroup_set(b, directory, file, value, origin);
    return 0;
}

static int add_throttles(struct builder *b)
{
    const struct resources *r = &b->config->resources;
    const char *weight = b->facts->cgroup.blkio_weight;
    const struct {
        const struct throttle *list;
        size_t count;
        const char *v1, *v2, *v2_key;
    } kinds[] = {
        {r->weights, r->n_weights, weight ? plan_text(b, "%s_device", weight) : NULL, "io.bfq.weight", ""},
        {r->read_bps, r->n_read_bps, "blkio.throttle.read_bps_device", "io.max", "rbps="},
        {r->write_bps, r->n_write_bps, "blkio.throttle.write_bps_device", "io.max", "wbps="},
        {r->read_iops, r->n_read_iops, "blkio.throttle.read_iops_device", "io.max", "riops="},
        {r->write_iops, r->n_write_iops, "blkio.throttle.write_iops_device", "io.max", "wiops="},
    };
    for (size_t k = 0; k < COUNT(kinds); k++)
        for (size_t i = 0; i < kinds[k].count; i++) {
            const struct throttle *t = &kinds[k].list[i];
            bool v2 = plan_cgroup_on_v2(b, CG_IO);
            TRY(add_entry(b, CG_IO, t->origin, kinds[k].v1, kinds[k].v2,
                          plan_text(b, "%u:%u %s%" PRIu64, t->major, t->minor, v2 ? kinds[k].v2_key : "", t->rate)));
            if (v2 && kinds[k].list == r->weights)
                or_io_weight(b, plan_text(b, "%u:%u ", t->major, t->minor), (int64_t)t->rate);
        }
    return 0;
}

/* Reservations, which are refused in time, and what is used: a page fault beyond it is a SIGBUS. */
static int add_huge_pages(struct builder *b)
{
    const struct resources *r = &b->config->resources;
    for (size_t i = 0; i < r->n_huge_pages; i++) {
        const struct huge_page_limit *limit = &r->huge_pages[i];
        char *const *sizes = b->facts->huge_pages;
        const char *value = plan_text(b, "%" PRIu64, limit->limit), *size = limit->page_size;
        size_t k = 0;
        while (sizes && sizes[k] && !text_equal(sizes[k], size))
            k++;
        if (!sizes || !sizes[k])
            return refuse(-EOPNOTSUPP, "%s/pageSize: this kernel has no huge pages of %s (it has %s)", limit->origin,
                          size, sizes && *sizes ? text_join(b->arena, sizes, ", ") : "none at all");
        TRY(add_entry(b, CG_HUGETLB, limit->origin, plan_text(b, "hugetlb.%s.rsvd.limit_in_bytes", size),
                      plan_text(b, "hugetlb.%s.rsvd.max", size), value));
        TRY(add_entry(b, CG_HUGETLB, limit->origin, plan_text(b, "hugetlb.%s.limit_in_bytes", size),
                      plan_text(b, "hugetlb.%s.max", size), value));
    }
    return 0;
}

static int add_rdma(struct builder *b)
{
    const struct resources *r = &b->config->resources;
    for (size_t i = 0; i < r->n_rdma; i++) {
        const struct rdma_limit *limit = &r->rdma[i];
        char *text = plan_text(b, "%s", limit->device);
        if (limit->handles >= 0)
            text = plan_text(b, "%s hca_handle=%" PRId64, text, limit->handles);
        if (limit->objects >= 0)
            text = plan_text(b, "%s hca_object=%" PRId64, text, limit->objects);
        TRY(add_entry(b, CG_RDMA, limit->origin, "rdma.max", "rdma.max", text));
    }
    return 0;
}

static int add_network_priorities(struct builder *b)
{
    const struct resources *r = &b->config->resources;
    for (size_t i = 0; i < r->n_network_priorities; i++)
        TRY(add_entry(b, CG_NET_PRIO, r->network_priorities[i].origin, "net_prio.ifpriomap", NULL,
                      plan_text(b, "%s %u", r->network_priorities[i].name, r->network_priorities[i].priority)));
    return 0;
}

int plan_limits(struct builder *b)
{
    for (size_t i = 0; i < COUNT(knobs); i++)
        TRY(add_knob(b, &knobs[i]));
    TRY(add_cpuset(b));
    TRY(add_throttles(b));
    TRY(add_huge_pages(b));
    TRY(add_rdma(b));
    return add_network_priorities(b);
}
