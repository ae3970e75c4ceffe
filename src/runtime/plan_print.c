/* A plan for people and for programs. Both forms, and every error of a failed step, come from the
 * one template that each op has in PLAN_OPS. */
#include "runtime/plan.h"

#include "base/cleanup.h"
#include "base/json_write.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

const struct op_info op_infos[OP_COUNT] = {
#define X(id_, word_, text_, journaled_) {#id_, word_, text_, journaled_},
    PLAN_OPS(X)
#undef X
};

static const char *const phase_names[] = {
    [PREPARE] = "prepare", [BIRTH] = "birth",     [FILES] = "files",
    [IDENTITY] = "identity", [COMMAND] = "command",
};

const char *actor_name(enum actor actor)
{
    static const char *const names[] = {[HOST] = "host", [JOINER] = "join", [INIT] = "init"};
    return names[actor];
}

const char *slot_name(enum slot slot, char buffer[16])
{
    static const char *const names[SLOT_TASKS] = {
        [SLOT_NONE] = "-",         [SLOT_CGROUP] = "@cgroup", [SLOT_SHIM] = "@shim",
        [SLOT_JOINER] = "@joiner", [SLOT_INIT] = "@init",     [SLOT_USERNS] = "@userns",
        [SLOT_ROOT] = "@root",     [SLOT_PROC] = "@proc",     [SLOT_NULL] = "@null",
        [SLOT_EMPTY] = "@empty",   [SLOT_FILES] = "@files",   [SLOT_PTS] = "@pts",
        [SLOT_TTY] = "@tty",       [SLOT_CONSOLE] = "@console", [SLOT_HOSTNET] = "@hostnet",
        [SLOT_NETNS] = "@netns",   [SLOT_START] = "@start",   [SLOT_HOSTPID] = "@hostpid",
        [SLOT_TARGET] = "@target", [SLOT_STATE] = "@state",   [SLOT_CREATED] = "@created",
        [SLOT_SCOPE] = "@scope",   [SLOT_LISTENER] = "@listener", [SLOT_NOTIFY] = "@notify",
        [SLOT_HOSTPROC] = "@hostproc",
        [SLOT_HOOK_OUT] = "@hookout", [SLOT_HOOK_ERR] = "@hookerr",
    };
    if (slot < SLOT_TASKS)
        return names[slot];
    bool tasks = slot < SLOT_MOUNT;
    unsigned number = (unsigned)slot - (tasks ? SLOT_TASKS : SLOT_MOUNT);
    snprintf(buffer, 16, "@%s%u", tasks ? "tasks" : "mount", number & 0xff);
    return buffer;
}

static void put_flags(FILE *out, uint64_t flags)
{
    const char *space = "";
    for (int i = 0; i < NS_COUNT; i++)
        if (flags & ns_flags[i]) {
            fprintf(out, "%s%s", space, ns_names[i]);
            space = " ";
        }
    if (!*space)
        fputs("no new namespace", out);
}

static void put_field(FILE *out, const struct step *step, char field)
{
    char buffer[16];
    switch (field) {
    case 'p':
        fputs(step->path ? step->path : "", out);
        break;
    case 's':
        fputs(step->source ? step->source : "none", out);
        break;
    case 't':
        fputs(step->text ? step->text : "", out);
        break;
    case 'f':
        put_flags(out, step->flags);
        break;
    case 'n':
        fprintf(out, "%" PRId64, step->number);
        break;
    case 'm':
        fprintf(out, "%04o", step->mode);
        break;
    case 'i':
        fputs(slot_name(step->in, buffer), out);
        break;
    default:
        fputs(slot_name(step->out, buffer), out);
    }
}

int step_describe(const struct step *step, char *out, size_t size)
{
    memset(out, 0, size); /* fmemopen ends what it has written, not what it has not */
    auto_file stream = fmemopen(out, size, "w");
    if (!stream)
        return -errno;
    for (const char *p = op_infos[step->op].text; *p; p++)
        if (*p == '{') {
            put_field(stream, step, p[1]);
            p += 2;
        } else {
            putc(*p, stream);
        }
    fflush(stream);
    out[size - 1] = '\0';
    text_disarm(out);
    return 0;
}

/* Columns of people's width: counts characters, not bytes, and never cuts. */
static void put_padded(FILE *out, const char *text, int width)
{
    for (; *text; text++) {
        putc(*text, out);
        width -= (*text & 0xc0) != 0x80;
    }
    do
        putc(' ', out);
    while (--width > 0);
}

void plan_print(const struct plan *plan, FILE *out, const struct step_time *times, size_t from,
                size_t to)
{
    for (size_t i = from; i < to; i++) {
        const struct step *step = &plan->steps[i];
        char text[1024];
        char why[1024];
        if (step_describe(step, text, sizeof text) < 0)
            continue;
        snprintf(why, sizeof why, "%s", step->why ? step->why : "");
        text_disarm(why);
        fprintf(out, "%3zu  %s  %-8s ", i + 1, actor_name(step->by), op_infos[step->op].word);
        put_padded(out, text, 52);
        if (!times || !times[i].begin)
            fprintf(out, " %s\n", why);
        else {
            put_padded(out, why, 46);
            fprintf(out, " %6.2f ms\n", (double)times[i].took / 1e6);
        }
    }
    for (size_t i = 0; to == plan->count && i < plan->n_notes; i++)
        text_disarm(plan->notes[i]), fprintf(out, "note: %s\n", plan->notes[i]);
}

static void put_optional(struct json_writer *json, const char *key, const char *value)
{
    if (value && *value)
        json_put_string(json, key, value);
}

void plan_print_json(const struct plan *plan, FILE *out, const struct step_time *times)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct step *step = &plan->steps[i];
        char text[1024], buffer[16];
        step_describe(step, text, sizeof text);
        struct json_writer json = json_writer_compact(out);
        json_begin_object(&json, NULL);
        json_put_u64(&json, "step", i + 1);
        json_put_string(&json, "actor", actor_name(step->by));
        json_put_string(&json, "phase", phase_names[step->phase]);
        json_put_string(&json, "op", op_infos[step->op].word);
        json_put_string(&json, "object", text);
        put_optional(&json, "path", step->path);
        put_optional(&json, "source", step->source);
        if (step->in)
            json_put_string(&json, "in", slot_name(step->in, buffer));
        if (step->out)
            json_put_string(&json, "out", slot_name(step->out, buffer));
        put_optional(&json, "why", step->why);
        if (times && times[i].begin) {
            json_put_double(&json, "at", (double)(times[i].begin - times[0].begin) / 1e6);
            json_put_double(&json, "ms", (double)times[i].took / 1e6);
        }
        json_end_object(&json);
        putc('\n', out);
    }
}
