/* A row says in which file, at which line, a number is, and by what it is multiplied to be bytes or nanoseconds. The
 * rows of one key are the places of both generations, and the first that exists counts: so nobody asks which generation
 * a host has, and on a hybrid one each number comes from where it is. Each file is read once, so that the numbers of
 * one file agree. cgroup-v2.rst, cgroup-v1/ of the kernel's documentation. */
#include "engine/stats.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>

struct source {
    const char *path, *text; /* NULL: there is none */
};

struct stats {
    struct arena *arena;
    char *const *dirs;
    struct json_writer *json;
    struct source *sources;
    size_t n_sources;
};

/* ---- reading ---- */

static const char *text_of(struct stats *s, const char *dir, const char *file)
{
    enum { LARGEST = 1 << 20 };
    const char *path = arena_printf(s->arena, "%s/%s", dir, file);
    for (size_t i = 0; i < s->n_sources; i++)
        if (strcmp(s->sources[i].path, path) == 0)
            return s->sources[i].text;
    auto_free char *text = NULL;
    struct source *source = LIST_ADD(s->arena, &s->sources, &s->n_sources);
    source->path = path;
    if (file_read(AT_FDCWD, path, LARGEST, &text) < 0)
        error_clear();
    source->text = text ? arena_strdup(s->arena, text) : NULL;
    return source->text;
}

static const char *next_line(const char *text)
{
    const char *end = strchr(text, '\n');
    return end && end[1] ? end + 1 : NULL;
}

/* The text of FILE, or what follows the word LINE in it; NULL: no cgroup of the container has that. */
static const char *find(struct stats *s, const char *file, const char *line)
{
    for (size_t i = 0; s->dirs[i]; i++) {
        const char *text = text_of(s, s->dirs[i], file);
        if (text && !line)
            return text;
        for (; text; text = next_line(text)) {
            const char *rest = text_after(text, line);
            if (rest && *rest == ' ')
                return rest + 1;
        }
    }
    return NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "max" is all that fits, as runc has it. */
static bool number_at(const char *text, uint64_t *value)
{
    if (!text || (!is_digit(*text) && !text_after(text, "max")))
        return false;
    *value = is_digit(*text) ? strtoull(text, NULL, 10) : UINT64_MAX;
    return true;
}

/* ---- rows ---- */

struct row {
    const char *key, *file, *line; /* NULL: the file is the number */
    uint64_t factor;               /* 0: 1 */
    const char *plus;              /* a file whose number is added */
    bool only_limits;              /* "max" is left out */
};

static const struct row cpu_usage[] = {
    {.key = "total", .file = "cpu.stat", .line = "usage_usec", .factor = 1000},
    {.key = "total", .file = "cpuacct.usage"},
    {.key = "kernel", .file = "cpu.stat", .line = "system_usec", .factor = 1000},
    {.key = "kernel", .file = "cpuacct.usage_sys"},
    {.key = "user", .file = "cpu.stat", .line = "user_usec", .factor = 1000},
    {.key = "user", .file = "cpuacct.usage_user"},
};

static const struct row throttling[] = {
    {.key = "periods", .file = "cpu.stat", .line = "nr_periods"},
    {.key = "throttledPeriods", .file = "cpu.stat", .line = "nr_throttled"},
    {.key = "throttledTime", .file = "cpu.stat", .line = "throttled_usec", .factor = 1000},
    {.key = "throttledTime", .file = "cpu.stat", .line = "throttled_time"},
};

static const struct row cpuset[] = {
    {.key = "cpu_exclusive", .file = "cpuset.cpu_exclusive"},
    {.key = "mem_hardwall", .file = "cpuset.mem_hardwall"},
    {.key = "mem_exclusive", .file = "cpuset.mem_exclusive"},
    {.key = "memory_migrate", .file = "cpuset.memory_migrate"},
    {.key = "memory_spread_page", .file = "cpuset.memory_spread_page"},
    {.key = "memory_spread_slab", .file = "cpuset.memory_spread_slab"},
    {.key = "memory_pressure", .file = "cpuset.memory_pressure"},
    {.key = "sched_load_balance", .file = "cpuset.sched_load_balance"},
    {.key = "sched_relax_domain_level", .file = "cpuset.sched_relax_domain_level"},
};

static const struct row cache[] = {
    {.key = "cache", .file = "memory.stat", .line = "file"},
    {.key = "cache", .file = "memory.stat", .line = "total_cache"},
    {.key = "cache", .file = "memory.stat", .line = "cache"},
};

static const struct row memory[] = {
    {.key = "usage", .file = "memory.current"},
    {.key = "usage", .file = "memory.usage_in_bytes"},
    {.key = "max", .file = "memory.peak"},
    {.key = "max", .file = "memory.max_usage_in_bytes"},
    {.key = "limit", .file = "memory.max"},
    {.key = "limit", .file = "memory.limit_in_bytes"},
    {.key = "failcnt", .file = "memory.events", .line = "max"},
    {.key = "failcnt", .file = "memory.failcnt"},
};

/* Memory and swap together, as v1 counts it. */
static const struct row swap[] = {
    {.key = "usage", .file = "memory.swap.current", .plus = "memory.current"},
    {.key = "usage", .file = "memory.memsw.usage_in_bytes"},
    {.key = "max", .file = "memory.memsw.max_usage_in_bytes"},
    {.key = "limit", .file = "memory.swap.max", .plus = "memory.max"},
    {.key = "limit", .file = "memory.memsw.limit_in_bytes"},
    {.key = "failcnt", .file = "memory.swap.events", .line = "max"},
    {.key = "failcnt", .file = "memory.memsw.failcnt"},
};

static const struct row kernel[] = {
    {.key = "usage", .file = "memory.stat", .line = "kernel"},
    {.key = "usage", .file = "memory.kmem.usage_in_bytes"},
    {.key = "max", .file = "memory.kmem.max_usage_in_bytes"},
    {.key = "limit", .file = "memory.kmem.limit_in_bytes"},
    {.key = "failcnt", .file = "memory.kmem.failcnt"},
};

static const struct row kernel_tcp[] = {
    {.key = "usage", .file = "memory.kmem.tcp.usage_in_bytes"},
    {.key = "max", .file = "memory.kmem.tcp.max_usage_in_bytes"},
    {.key = "limit", .file = "memory.kmem.tcp.limit_in_bytes"},
    {.key = "failcnt", .file = "memory.kmem.tcp.failcnt"},
};

static const struct row pids[] = {
    {.key = "current", .file = "pids.current"},
    {.key = "limit", .file = "pids.max", .only_limits = true},
};

/* The files of a size of pages: hugetlb.2MB.current */
static const struct row huge_pages[] = {
    {.key = "usage", .file = "current"},
    {.key = "usage", .file = "usage_in_bytes"},
    {.key = "max", .file = "max_usage_in_bytes"},
    {.key = "failcnt", .file = "events", .line = "max"},
    {.key = "failcnt", .file = "failcnt"},
};

static bool row_value(struct stats *s, const struct row *row, uint64_t *value)
{
    uint64_t more = 0;
    if (!number_at(find(s, row->file, row->line), value) || (row->only_limits && *value == UINT64_MAX))
        return false;
    if (row->plus && !number_at(find(s, row->plus, NULL), &more))
        return false;
    if (row->factor)
        *value *= row->factor;
    if (__builtin_add_overflow(*value, more, value))
        *value = UINT64_MAX;
    return true;
}

static void put_values(struct stats *s, const struct row *rows, size_t count)
{
    const char *done = NULL;
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        if (text_equal(done, rows[i].key) || !row_value(s, &rows[i], &value))
            continue;
        json_put_u64(s->json, rows[i].key, value);
        done = rows[i].key;
    }
}

static void put_group(struct stats *s, const char *key, const struct row *rows, size_t count)
{
    uint64_t value;
    size_t i = 0;
    while (i < count && !row_value(s, &rows[i], &value))
        i++;
    if (i == count)
        return;
    json_begin_object(s->json, key);
    put_values(s, rows, count);
    json_end_object(s->json);
}

/* ---- what is not rows ---- */

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and a line "full" like it. */
static void put_pressure(struct stats *s, const char *file)
{
    static const char *const kinds[] = {"some", "full"};
    if (!find(s, file, kinds[0]))
        return;
    json_begin_object(s->json, "psi");
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const char *p = find(s, file, kinds[i]);
        if (!p)
            continue;
        json_begin_object(s->json, kinds[i]);
        for (const char *line = arena_strndup(s->arena, p, strcspn(p, "\n")), *equals; (equals = strchr(line, '='));) {
            size_t length = strspn(equals + 1, "0123456789.");
            if (is_digit(equals[1]))
                json_put_raw(s->json, arena_strndup(s->arena, line, (size_t)(equals - line)),
                             arena_strndup(s->arena, equals + 1, length));
            line = equals + 1 + length;
            line += strspn(line, " ");
        }
        json_end_object(s->json);
    }
    json_end_object(s->json);
}

/* A number a processor, on v1. */
static void put_processors(struct stats *s)
{
    static const struct {
        const char *key, *file;
    } lists[] = {
        {"percpu", "cpuacct.usage_percpu"},
        {"percpu_kernel", "cpuacct.usage_percpu_sys"},
        {"percpu_user", "cpuacct.usage_percpu_user"},
    };
    for (size_t i = 0; i < COUNT(lists); i++) {
        const char *p = find(s, lists[i].file, NULL);
        if (!p)
            continue;
        json_begin_array(s->json, lists[i].key);
        for (uint64_t value; number_at(p, &value); p += strspn(p, " \n")) {
            json_put_u64(s->json, NULL, value);
            p += strcspn(p, " \n");
        }
        json_end_array(s->json);
    }
}

/* "0-2,7" as 0, 1, 2, 7. On v2 it is empty where nobody has chosen, and .effective says what there is. */
static bool put_numbers(struct stats *s, const char *key, const char *file)
{
    const char *p = find(s, file, NULL);
    if (!p || !is_digit(*p))
        return false;
    json_begin_array(s->json, key);
    while (is_digit(*p)) {
        char *end;
        unsigned long first = strtoul(p, &end, 10), last = *end == '-' ? strtoul(end + 1, &end, 10) : first;
        for (unsigned long n = first; n <= last; n++)
            json_put_u64(s->json, NULL, n);
        p = end + (*end == ',');
    }
    json_end_array(s->json);
    return true;
}

static void put_raw(struct stats *s)
{
    const char *p = find(s, "memory.stat", NULL);
    if (!p)
        return;
    json_begin_object(s->json, "raw");
    for (; p; p = next_line(p)) {
        size_t length = strcspn(p, " \n");
        uint64_t value;
        if (p[length] == ' ' && number_at(p + length + 1, &value))
            json_put_u64(s->json, arena_strndup(s->arena, p, length), value);
    }
    json_end_object(s->json);
}

/* ---- block devices ---- */

static void put_device(struct stats *s, const char *device, const char *op, uint64_t value)
{
    char *end;
    json_begin_object(s->json, NULL);
    json_put_u64(s->json, "major", strtoull(device, &end, 10));
    json_put_u64(s->json, "minor", strtoull(end + 1, NULL, 10));
    json_put_string(s->json, "op", op);
    json_put_u64(s->json, "value", value);
    json_end_object(s->json);
}

/* A line of a device begins with its number: "8:0 Read 4096", "8:0 4096"; others are sums. */
static const char *behind_device(const char *line)
{
    const char *p = line + strspn(line, "0123456789");
    const char *minor = p + (*p == ':');
    const char *end = minor + strspn(minor, "0123456789");
    return p > line && minor > p && end > minor && *end == ' ' ? end + 1 : NULL;
}

/* Who schedules a device counts for it, and the throttle for all. */
static const char *find_v1(struct stats *s, const char *file)
{
    static const char *const who[] = {"blkio.bfq.", "blkio.", "blkio.throttle."};
    const char *empty = NULL;
    for (size_t i = 0; i < COUNT(who); i++) {
        const char *text = find(s, arena_printf(s->arena, "%s%s", who[i], file), NULL);
        if (text && behind_device(text))
            return text;
        empty = empty ? empty : text;
    }
    return empty;
}

static void put_devices_v1(struct stats *s)
{
    static const struct {
        const char *key, *file;
    } lists[] = {
        {"ioServiceBytesRecursive", "io_service_bytes_recursive"},
        {"ioServicedRecursive", "io_serviced_recursive"},
        {"ioQueueRecursive", "io_queued_recursive"},
        {"ioServiceTimeRecursive", "io_service_time_recursive"},
        {"ioWaitTimeRecursive", "io_wait_time_recursive"},
        {"ioMergedRecursive", "io_merged_recursive"},
        {"ioTimeRecursive", "time_recursive"},
        {"sectorsRecursive", "sectors_recursive"},
    };
    for (size_t i = 0; i < COUNT(lists); i++) {
        const char *line = find_v1(s, lists[i].file);
        if (!line)
            continue;
        json_begin_array(s->json, lists[i].key);
        for (; line; line = next_line(line)) {
            const char *rest = behind_device(line);
            size_t length = rest && !is_digit(*rest) ? strcspn(rest, " \n") : 0;
            uint64_t value;
            if (rest && number_at(rest + length + (length > 0), &value))
                put_device(s, line, arena_strndup(s->arena, rest, length), value);
        }
        json_end_array(s->json);
    }
}

/* "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0" */
static void put_devices_v2(struct stats *s, const char *stat)
{
    static const struct {
        const char *key, *fields[3];
    } lists[] = {
        {"ioServiceBytesRecursive", {" rbytes=", " wbytes=", " dbytes="}},
        {"ioServicedRecursive", {" rios=", " wios=", " dios="}},
    };
    static const char *const ops[] = {"Read", "Write", "Discard"};
    for (size_t i = 0; i < COUNT(lists); i++) {
        json_begin_array(s->json, lists[i].key);
        for (const char *line = stat; line; line = next_line(line)) {
            const char *text = arena_strndup(s->arena, line, strcspn(line, "\n"));
            for (size_t k = 0; k < COUNT(ops) && behind_device(text); k++) {
                const char *field = strstr(text, lists[i].fields[k]);
                uint64_t value;
                if (field && number_at(strchr(field, '=') + 1, &value))
                    put_device(s, text, ops[k], value);
            }
        }
        json_end_array(s->json);
    }
}

/* ---- huge pages ---- */

static void put_huge_pages(struct stats *s, const char *size)
{
    struct row rows[COUNT(huge_pages)];
    for (size_t i = 0; i < COUNT(rows); i++) {
        rows[i] = huge_pages[i];
        rows[i].file = arena_printf(s->arena, "hugetlb.%s.%s", size, huge_pages[i].file);
    }
    put_group(s, size, rows, COUNT(rows));
}

/* Each size that a cgroup counts: "2MB" of hugetlb.2MB.current, or of hugetlb.2MB.usage_in_bytes. */
static void put_huge_sizes(struct stats *s)
{
    for (size_t i = 0; s->dirs[i]; i++) {
        auto_dir d = opendir(s->dirs[i]);
        for (struct dirent *e; d && (e = readdir(d));) {
            const char *size = text_after(e->d_name, "hugetlb.");
            size_t length = size ? strcspn(size, ".") : 0;
            if (length && (text_equal(size + length, ".current") || text_equal(size + length, ".usage_in_bytes")))
                put_huge_pages(s, arena_strndup(s->arena, size, length));
        }
    }
}

/* ---- the whole ---- */

static void put_cpu(struct stats *s)
{
    json_begin_object(s->json, "cpu");
    json_begin_object(s->json, "usage");
    put_values(s, cpu_usage, COUNT(cpu_usage));
    put_processors(s);
    json_end_object(s->json);
    put_group(s, "throttling", throttling, COUNT(throttling));
    put_pressure(s, "cpu.pressure");
    json_end_object(s->json);
}

static void put_cpuset(struct stats *s)
{
    json_begin_object(s->json, "cpuset");
    if (!put_numbers(s, "cpus", "cpuset.cpus"))
        put_numbers(s, "cpus", "cpuset.cpus.effective");
    if (!put_numbers(s, "mems", "cpuset.mems"))
        put_numbers(s, "mems", "cpuset.mems.effective");
    put_values(s, cpuset, COUNT(cpuset));
    json_end_object(s->json);
}

static void put_memory(struct stats *s)
{
    json_begin_object(s->json, "memory");
    put_values(s, cache, COUNT(cache));
    put_group(s, "usage", memory, COUNT(memory));
    put_group(s, "swap", swap, COUNT(swap));
    put_group(s, "kernel", kernel, COUNT(kernel));
    put_group(s, "kernelTCP", kernel_tcp, COUNT(kernel_tcp));
    put_raw(s);
    put_pressure(s, "memory.pressure");
    json_end_object(s->json);
}

static void put_block_devices(struct stats *s)
{
    const char *stat = find(s, "io.stat", NULL);
    json_begin_object(s->json, "blkio");
    if (stat)
        put_devices_v2(s, stat);
    else
        put_devices_v1(s);
    put_pressure(s, "io.pressure");
    json_end_object(s->json);
}

void stats_encode(struct arena *arena, char *const *dirs, struct json_writer *json)
{
    struct stats s = {.arena = arena, .dirs = dirs, .json = json};
    put_cpu(&s);
    put_cpuset(&s);
    put_memory(&s);
    put_group(&s, "pids", pids, COUNT(pids));
    put_block_devices(&s);
    json_begin_object(json, "hugetlb");
    put_huge_sizes(&s);
    json_end_object(json);
}
