/* The verbs of bocal-runtime, and what the options before and after them have said. */
#pragma once

#include "base/option.h"
#include "engine/checkpoint.h"
#include "engine/exec.h"
#include "engine/lifecycle.h"
#include "engine/update.h"

struct oci_options {
    /* before the verb */
    const char *root, *log, *rootless;
    unsigned log_format, cgroup_manager;
    bool systemd_cgroup, debug, version, man;
    /* after it: what an operation wants to know, but for ROOT and the operands */
    struct create_options create;
    struct exec_options exec;
    struct update_options update;
    struct checkpoint_options checkpoint;
    const char *bundle, *interval;
    unsigned format;
    bool all, force, regex, quiet, keep, detach, rootless_spec, stats, no_subreaper;
};

struct oci_verb {
    const char *name, *synopsis, *summary;
    /* Returns the exit status, or -errno with a sentence. WORDS are the operands. */
    int (*run)(const struct oci_options *options, char **words);
    size_t least, most; /* operands */
    const struct option *options;
    size_t count;
};

size_t oci_verb_count(void);
const struct oci_verb *oci_verb_at(size_t i);

/* VERB as parser and documents want it. */
struct option_set oci_verb_set(const struct oci_verb *verb);

/* How an option of bocal-runtime says where its value goes. */
#define OCI_FIELD(field)                                                                                      \
    .kind = _Generic(((struct oci_options *)0)->field, bool: OPTION_FLAG, const char *: OPTION_TEXT,          \
                     unsigned: OPTION_CHOICE, int: OPTION_NUMBER),                                             \
    .offset = offsetof(struct oci_options, field)
#define OCI_WORDS(field)                                                                                      \
    .kind = OPTION_LIST, .offset = offsetof(struct oci_options, field.words),                                 \
    .count_offset = offsetof(struct oci_options, field.count)
