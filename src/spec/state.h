/* The OCI state, as `state` prints it and hooks read it. runtime-spec runtime.md, "State". */
#pragma once

#include "base/json_write.h"
#include "spec/config.h"

#include <stdint.h>

struct oci_state {
    const char *oci_version, *id, *bundle;
    const char *status; /* NULL: not said */
    int64_t pid;        /* 0: there is none */
    const struct key_value *annotations;
    size_t n_annotations;
};

/* The members, into an object that is open. */
void state_encode(const struct oci_state *state, struct json_writer *json);

/* The whole of it as a sealed file in memory, which every hook reads anew: an fd, owned by the caller, or -errno
 * without a sentence. */
int state_file(const struct oci_state *state);
