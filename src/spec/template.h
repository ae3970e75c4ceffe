/* The configuration that a new bundle begins with: data/spec.json. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct template_options {
    bool cgroup_namespace; /* /sys/fs/cgroup shows the container's own part only */
    bool rootless;         /* for an ordinary user, who is UID and GID */
    uid_t uid;
    gid_t gid;
};

void template_write(const struct template_options *options, FILE *out);
