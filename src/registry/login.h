/* bocal-registry check, keep and forget: a name and a password, tried at a registry; written down; and taken out again. Only the first
 * meets the network, and it alone is confined: what is written down is read and changed by who talks to nobody.
 *
 * Name and password come from standard input, on lines of their own, for command lines are everybody's to read. */
#pragma once

#include "base/option.h"

struct login_options {
    const char *host;
    const char *cert_dir;
    struct word_list authfiles;
    bool all;        /* of forget: of every registry of the file */
    bool plain_http;
    bool insecure;   /* --tls-verify=false */
    int retries, stall;
};

/* All: 0 or -errno with a sentence. */
int login_check(const struct login_options *options);
int login_keep(const struct login_options *options);
int login_forget(const struct login_options *options);

/* Reads the two lines; texts live in ARENA. */
int login_read(struct arena *arena, const char **user, const char **secret);
