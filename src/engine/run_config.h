/* From the options of `bocal run` to a configuration: all of the engine's policy. What is wrong is one
 * sentence that names the option and the remedy. The host is asked for nothing but what CONTEXT and the
 * files named by options hold. */
#pragma once

#include "engine/run_options.h"
#include "spec/config.h"
#include "spec/image_config.h"

struct run_context {
    const char *id;            /* 64 hexadecimal digits */
    const char **layers;       /* the image's directories, the topmost first, NULL-terminated; unused with --rootfs */
    const char *model;         /* the one of them whose root directory is the image's, or NULL */
    const struct image_config *image; /* what the image says; NULL: the embedded one, which says nothing */
    const char *container_dir; /* where upper/ and work/ go */
    const char *cwd;           /* what relative paths of the host are relative to */
    const char *resolv_conf;   /* the host's, or NULL */
    const char *hosts;         /* the host's, or NULL */
    char **environment;        /* the caller's */
    uint64_t boottime;         /* nanoseconds since boot, for --uptime */
    bool privileged;           /* the caller is root of the host */
    bool has_mqueue;           /* the host has /dev/mqueue mounted */
};

/* What is not part of a configuration. */
struct run_extra {
    const char *seccomp;  /* NULL: default; "unconfined"; a path */
    uint64_t timeout_ms;  /* 0: none */
    uint64_t stop_ms;     /* from the stop signal to SIGKILL */
    int stop_signal;
};

/* CONFIG->arena is the caller's; everything else is set. -EINVAL with a sentence. */
int run_config_build(const struct run_options *options, const struct run_context *context,
                     struct config *config, struct run_extra *extra);

/* "SIGTERM", "term" or "15". -EINVAL without a sentence. */
int signal_parse(const char *word, int *number);

/* --timeout, --stop-signal, --stop-timeout, and their defaults. */
int run_extra_parse(const struct run_options *options, struct run_extra *extra);
