#include "spec/state.h"

void state_encode(const struct oci_state *state, struct json_writer *json)
{
    json_put_string(json, "ociVersion", state->oci_version ? state->oci_version : "1.3.0");
    json_put_string(json, "id", state->id);
    if (state->status)
        json_put_string(json, "status", state->status);
    json_put_i64(json, "pid", state->pid);
    json_put_string(json, "bundle", state->bundle ? state->bundle : "");
    json_begin_object(json, "annotations");
    for (size_t i = 0; i < state->n_annotations; i++)
        json_put_string(json, state->annotations[i].key, state->annotations[i].value);
    json_end_object(json);
}
