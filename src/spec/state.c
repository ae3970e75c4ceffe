#include "spec/state.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

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

int state_file(const struct oci_state *state)
{
    auto_fd fd = memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int writer = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    auto_file stream = writer < 0 ? NULL : fdopen(writer, "w");
    if (!stream)
        return -errno;
    struct json_writer json = json_writer_compact(stream);
    json_begin_object(&json, NULL);
    state_encode(state, &json);
    json_end_object(&json);
    if (fflush(stream) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        return -errno;
    return take_fd(&fd);
}
