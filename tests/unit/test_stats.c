/* What cgroups say, as files of a directory, and what is told of it: of both generations, and no kernel of either. */
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "engine/stats.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct told {
    const char *files[24]; /* name, text, name, text, ... */
    const char *data;
};

static const struct told tolds[] = {
    {{NULL}, "{'cpu': {'usage': {}}, 'cpuset': {}, 'memory': {}, 'blkio': {}, 'hugetlb': {}}"},
    {{"cpu.stat", "usage_usec 7\nuser_usec 5\nsystem_usec 2\nnr_periods 3\nnr_throttled 2\nthrottled_usec 9\n",
      "memory.current", "4096\n", "memory.max", "max\n", "memory.events", "low 0\nhigh 1\nmax 6\noom 0\n",
      "memory.swap.current", "100\n", "memory.swap.max", "200\n", "memory.stat", "anon 1\nfile 2\nkernel 3\n",
      "memory.pressure", "some avg10=0.50 avg60=1.00 avg300=12.34 total=56\n",
      "pids.current", "2\n", "pids.max", "max\n"},
     "{'cpu': {'usage': {'total': 7000, 'kernel': 2000, 'user': 5000}, "
     "'throttling': {'periods': 3, 'throttledPeriods': 2, 'throttledTime': 9000}}, "
     "'cpuset': {}, 'memory': {'cache': 2, 'usage': {'usage': 4096, 'limit': 18446744073709551615, 'failcnt': 6}, "
     "'swap': {'usage': 4196, 'limit': 18446744073709551615}, 'kernel': {'usage': 3}, "
     "'raw': {'anon': 1, 'file': 2, 'kernel': 3}, "
     "'psi': {'some': {'avg10': 0.50, 'avg60': 1.00, 'avg300': 12.34, 'total': 56}}}, "
     "'pids': {'current': 2}, 'blkio': {}, 'hugetlb': {}}"},
    {{"io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n252:16 rbytes=7 rios=8\n8:32 \n",
      "hugetlb.2MB.current", "11\n", "hugetlb.2MB.events", "max 12\n", "hugetlb.2MB.rsvd.current", "13\n"},
     "{'cpu': {'usage': {}}, 'cpuset': {}, 'memory': {}, 'blkio': {'ioServiceBytesRecursive': ["
     "{'major': 8, 'minor': 0, 'op': 'Read', 'value': 1}, {'major': 8, 'minor': 0, 'op': 'Write', 'value': 2}, "
     "{'major': 8, 'minor': 0, 'op': 'Discard', 'value': 5}, {'major': 252, 'minor': 16, 'op': 'Read', 'value': 7}], "
     "'ioServicedRecursive': ["
     "{'major': 8, 'minor': 0, 'op': 'Read', 'value': 3}, {'major': 8, 'minor': 0, 'op': 'Write', 'value': 4}, "
     "{'major': 8, 'minor': 0, 'op': 'Discard', 'value': 6}, {'major': 252, 'minor': 16, 'op': 'Read', 'value': 8}]}, "
     "'hugetlb': {'2MB': {'usage': 11, 'failcnt': 12}}}"},
    {{"cpuacct.usage", "30\n", "cpuacct.usage_percpu", "10 20 \n", "cpuacct.usage_user", "18\n",
      "cpuacct.usage_sys", "12\n",
      "cpu.stat", "nr_periods 1\nnr_throttled 0\nthrottled_time 5\n", "memory.usage_in_bytes", "8192\n",
      "memory.limit_in_bytes", "9223372036854771712\n", "memory.memsw.usage_in_bytes", "9000\n",
      "memory.stat", "cache 1\ntotal_cache 2\n", "pids.max", "9\n"},
     "{'cpu': {'usage': {'total': 30, 'kernel': 12, 'user': 18, 'percpu': [10, 20]}, "
     "'throttling': {'periods': 1, 'throttledPeriods': 0, 'throttledTime': 5}}, "
     "'cpuset': {}, 'memory': {'cache': 2, 'usage': {'usage': 8192, 'limit': 9223372036854771712}, 'swap': {'usage': 9000}, "
     "'raw': {'cache': 1, 'total_cache': 2}}, 'pids': {'limit': 9}, 'blkio': {}, 'hugetlb': {}}"},
    {{"blkio.bfq.io_serviced_recursive", "Total 0\n",
      "blkio.throttle.io_serviced_recursive", "8:0 Read 1\n8:0 Total 1\nTotal 1\n",
      "blkio.bfq.io_service_bytes_recursive", "Total 0\n", "blkio.time_recursive", "8:16 77\n",
      "hugetlb.1GB.usage_in_bytes", "1\n", "hugetlb.1GB.max_usage_in_bytes", "2\n", "hugetlb.1GB.failcnt", "3\n"},
     "{'cpu': {'usage': {}}, 'cpuset': {}, 'memory': {}, 'blkio': {'ioServiceBytesRecursive': [], 'ioServicedRecursive': ["
     "{'major': 8, 'minor': 0, 'op': 'Read', 'value': 1}, {'major': 8, 'minor': 0, 'op': 'Total', 'value': 1}], "
     "'ioTimeRecursive': [{'major': 8, 'minor': 16, 'op': '', 'value': 77}]}, "
     "'hugetlb': {'1GB': {'usage': 1, 'max': 2, 'failcnt': 3}}}"},
    {{"cpuset.cpus", "\n", "cpuset.cpus.effective", "0-2,7\n", "cpuset.mems", "0\n",
      "cpuset.sched_load_balance", "1\n", "cpuset.sched_relax_domain_level", "-1\n"},
     "{'cpu': {'usage': {}}, 'cpuset': {'cpus': [0, 1, 2, 7], 'mems': [0], 'sched_load_balance': 1}, 'memory': {}, "
     "'blkio': {}, 'hugetlb': {}}"},
    {{"cpu.stat", "usage_usec\nuser_usec x\n", "memory.current", "", "memory.stat", "\n\nanon\nfile \n",
      "io.stat", "\n8:\n:0 rbytes=1\n",
      "memory.pressure", "some\n", "cpu.pressure", "some avg10= total\n"},
     "{'cpu': {'usage': {}, 'psi': {'some': {}}}, 'cpuset': {}, 'memory': {'raw': {}}, "
     "'blkio': {'ioServiceBytesRecursive': [], 'ioServicedRecursive': []}, 'hugetlb': {}}"},
};

static void test_stats(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(tolds); i++) {
        auto_arena arena = {0};
        char dir[] = "/tmp/bocal-stats.XXXXXX", *text = NULL;
        size_t size = 0;
        assert_non_null(mkdtemp(dir));
        for (const char *const *f = tolds[i].files; *f; f += 2) {
            const char *path = arena_printf(&arena, "%s/%s", dir, f[0]);
            assert_return_code(file_replace(AT_FDCWD, path, f[1], strlen(f[1]), 0600), 0);
        }
        FILE *stream = open_memstream(&text, &size);
        struct json_writer json = json_writer_compact(stream);
        json_begin_object(&json, NULL);
        stats_encode(&arena, (char *[]){(char *)"/nonexistent", dir, NULL}, &json);
        json_end_object(&json);
        fclose(stream);
        for (char *c = text; *c; c++)
            *c = *c == '"' ? '\'' : *c;
        assert_string_equal(text, tolds[i].data);
        free(text);
        tree_remove(AT_FDCWD, dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_stats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
