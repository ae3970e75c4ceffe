/* bocal-registry pull: an image from a registry into the ingest directory. */
#pragma once

#include "base/option.h"

struct pull_options {
    const char *reference, *platform, *cert_dir;
    struct word_list authfiles, mirrors;
    struct word_list plain_hosts; /* asked without TLS, as all are with plain_http */
    bool plain_http;
    bool insecure; /* --tls-verify=false */
    int parallel, retries, stall;
};

/* INGEST and STORE are directories: what is written into, and what is there already. 0 or -errno with a sentence. */
int pull_run(const struct pull_options *options, int ingest, int store);
