/* The filter, and who is asked about what it lets others decide (SCMP_ACT_NOTIFY, seccomp_unotify(2)): HOST connects to
 * that socket before INIT is born, INIT sends the listener there when it has installed the filter. runtime-spec
 * config-linux.md, "The Container Process State". */
#include "runtime/plan_build.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_write.h"
#include "spec/state.h"

#include <string.h>

int plan_listener(struct builder *b)
{
    const struct config *config = b->config;
    if (!config->seccomp)
        return 0;
    if (!config->seccomp_listener && seccomp_notifies(config->seccomp))
        return refuse(-EINVAL, "/linux/seccomp: SCMP_ACT_NOTIFY is asked for, and nobody who would hear of it (add listenerPath)");
    b->listened = config->seccomp_listener; /* who waits for a listener gets one, asked or not */
    if (!b->listened)
        return 0;
    plan_add(b, (struct step){.op = OP_CONNECT, .by = HOST, .path = config->seccomp_listener, .out = SLOT_LISTENER,
                              .why = "/linux/seccomp/listenerPath"});
    return 0;
}

void plan_outer_pid(struct builder *b)
{
    if (b->listened)
        plan_add(b, (struct step){.op = OP_OUTER_PID, .by = HOST, .phase = BIRTH, .in = SLOT_INIT,
                                  .why = "/linux/seccomp/listenerPath: who listens is told"});
}

/* What is told, with a number that it cannot have where INIT's is to be. */
static char *notice_of(struct builder *b)
{
    const struct config *config = b->config;
    const struct exec_target *target = b->target;
    auto_free char *text = NULL; /* outlives the stream, which writes to it */
    size_t size = 0;
    auto_file stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    char *fds[] = {(char *)"seccompFd", NULL};
    struct json_writer json = json_writer_compact(stream);
    json_begin_object(&json, NULL);
    json_put_string(&json, "ociVersion", config->oci_version);
    json_put_strings(&json, "fds", fds);
    json_put_i64(&json, "pid", -1);
    if (config->seccomp_metadata)
        json_put_string(&json, "metadata", config->seccomp_metadata);
    json_begin_object(&json, "state");
    state_encode(&(struct oci_state){.oci_version = config->oci_version, .id = b->id,
                                     .bundle = target ? target->bundle : config->bundle,
                                     .status = target ? "running" : "creating", .pid = target ? target->pid : -1,
                                     .annotations = config->annotations, .n_annotations = config->n_annotations}, &json);
    json_end_object(&json);
    json_end_object(&json);
    fflush(stream);
    return arena_strdup(b->arena, text);
}

/* Cuts it there. A text has no such thing in it, where quotes have a backslash in front. */
static void cut_notice(struct filter_spec *filter, char *text)
{
    static const char member[] = "\"pid\": -1";
    size_t n = 0;
    filter->notice[n++] = text;
    for (char *p; n < NOTICE_PIECES && (p = strstr(filter->notice[n - 1], member)); n++) {
        p += strlen(member);
        p[-2] = '\0';
        filter->notice[n] = p;
    }
}

void plan_filter(struct builder *b)
{
    const struct seccomp_program *program = b->config->seccomp;
    if (!program)
        return;
    const char *text = program->allowed
                           ? plan_text(b, "%s: %u allowed, %u refused, %u with checked arguments",
                                       program->profile, program->allowed, program->refused,
                                       program->checks)
                           : program->profile;
    struct filter_spec *filter = arena_alloc(b->arena, sizeof *filter);
    filter->program = program;
    char *notice = b->listened ? notice_of(b) : NULL;
    if (notice)
        cut_notice(filter, notice);
    plan_add(b, (struct step){.op = OP_SECCOMP, .by = INIT, .phase = COMMAND, .text = text, .data = filter,
                              .in = b->listened ? SLOT_LISTENER : SLOT_NONE,
                              .flags = b->config->process.no_new_privileges ? 0 : WITH_CAPS,
                              .why = "seccomp(2): what a container needs, and no more"});
}
