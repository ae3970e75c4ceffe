/* Between the files that turn options into a configuration: what each of them takes part in. */
#pragma once

#include "engine/run_config.h"

struct request {
    struct arena *arena;
    const struct run_options *options;
    const struct run_context *context;
    struct config *config;
    struct run_extra *extra;
};

/* "--memory 64m": where a value was asked for. */
const char *request_origin(struct request *r, const char *option, const char *value);
/* -EINVAL, "--memory 1: REASON". */
int request_refuse(const char *option, const char *value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* --user: "uid:gid" in numbers is final; everything else is looked up in the container's files by INIT. */
int request_user(struct arena *arena, const char *word, struct user_config *user);

int request_namespaces(struct request *r);  /* namespaces.c */
int request_files(struct request *r);       /* files.c: default mounts, -v, --mount, --tmpfs */
int request_volumes(struct request *r);     /* volumes.c: those of the image */
int request_generated(struct request *r);   /* generated.c: /etc/hosts and its like */
int request_process(struct request *r);     /* process.c: command, user, environment, ulimits */
int request_limits(struct request *r);      /* limits.c */
int request_devices(struct request *r);     /* devices.c */
int request_protections(struct request *r); /* protections.c */
