/* bocal-registry push: an image of the store into a registry. */
#pragma once

#include "base/option.h"

struct push_options {
    const char *reference;    /* where to, with a host */
    const char *image, *type; /* digest and media type of its manifest or index */
    const char *cert_dir;
    struct word_list authfiles;
    struct word_list mounts;  /* "DIGEST=REPOSITORY": where the registry may have a blob, too */
    bool plain_http;
    bool insecure; /* --tls-verify=false */
    int parallel, retries, stall, part; /* the latter in MiB */
};

/* STORE has the blobs under their digits. 0 or -errno with a sentence. */
int push_run(const struct push_options *options, int store);
