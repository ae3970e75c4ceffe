/* `bocal-runtime update`: new limits for a container that runs. */
#pragma once

struct update_options {
    const char *root, *id;
    const char *resources; /* a file of limits, as in config.json, or "-"; NULL: what follows */
    /* each as typed, or NULL */
    const char *blkio_weight, *cpu_period, *cpu_quota, *cpu_burst, *cpu_share, *cpu_idle, *cpu_rt_period,
        *cpu_rt_runtime, *cpuset_cpus, *cpuset_mems, *memory, *memory_reservation, *memory_swap, *pids_limit;
};

/* 0, or -errno with a sentence. */
int update_run(const struct update_options *options);
