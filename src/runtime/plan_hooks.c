/* The caller's programs on the way. Those of the runtime's namespaces are HOST's, those of the container's INIT's; the
 * former run while INIT, with everything mounted and the old root still there, waits: runtime-spec config.md, and
 * runtime.md, "Lifecycle". poststart and poststop come after the plan: engine/hooks.c. */
#include "runtime/plan_build.h"

static const enum slot outputs[HOOK_OUTPUTS] = {SLOT_HOOK_OUT, SLOT_HOOK_ERR};

static bool has_hooks(const struct config *config)
{
    for (int kind = HOOK_PRESTART; kind <= HOOK_START_CONTAINER; kind++)
        if (config->hooks[kind].count)
            return true;
    return false;
}

/* By HOST, before INIT is born, which has other paths. */
void plan_hooks_output(struct builder *b)
{
    static const char *const origins[HOOK_OUTPUTS] = {"/annotations/run.oci.hooks.stdout", "/annotations/run.oci.hooks.stderr"};
    for (int i = 0; i < HOOK_OUTPUTS && has_hooks(b->config); i++)
        if (b->config->hooks_output[i])
            plan_add(b, (struct step){.op = OP_OPEN, .by = HOST, .path = b->config->hooks_output[i], .out = outputs[i],
                                      .why = origins[i]});
}

static void add_hooks(struct builder *b, enum hook_kind kind, enum actor by, enum phase phase, enum slot state,
                      struct hook_limits limits)
{
    const struct hook_list *hooks = &b->config->hooks[kind];
    for (size_t i = 0; i < hooks->count; i++) {
        struct hook_spec *spec = arena_alloc(b->arena, sizeof *spec);
        *spec = (struct hook_spec){.hook = &hooks->list[i], .limits = limits};
        for (int k = 0; k < HOOK_OUTPUTS; k++)
            spec->output[k] = b->config->hooks_output[k] ? outputs[k] : SLOT_NONE;
        plan_add(b, (struct step){.op = OP_HOOK, .by = by, .phase = phase, .path = hooks->list[i].path, .in = state,
                                  .data = spec, .why = hooks->list[i].origin});
    }
}

static void add_state(struct builder *b, const char *status, enum slot out)
{
    struct state_spec *spec = arena_alloc(b->arena, sizeof *spec);
    *spec = (struct state_spec){.config = b->config, .status = status};
    plan_add(b, (struct step){.op = OP_HOOK_STATE, .by = HOST, .phase = FILES, .text = status, .out = out, .data = spec,
                              .why = "what hooks read: runtime-spec runtime.md"});
}

void plan_hooks(struct builder *b)
{
    static const struct parcel nothing;
    const struct hook_limits none = {0};
    if (!has_hooks(b->config))
        return;
    struct parcel *states = arena_alloc(b->arena, sizeof *states);
    states->slots[0] = SLOT_STATE;
    states->slots[1] = SLOT_CREATED;
    plan_ready(b);
    struct step mounted = {.op = OP_SEND, .by = INIT, .phase = FILES, .token = TOKEN_MOUNTED, .data = &nothing,
                           .text = "everything is mounted", .why = "hooks see the container whole"};
    plan_add(b, mounted);
    mounted.op = OP_WAIT;
    mounted.by = HOST;
    plan_add(b, mounted);
    add_state(b, "creating", SLOT_STATE);
    add_state(b, "created", SLOT_CREATED);
    add_hooks(b, HOOK_PRESTART, HOST, FILES, SLOT_STATE, none);
    add_hooks(b, HOOK_CREATE_RUNTIME, HOST, FILES, SLOT_STATE, none);
    struct step hooked = {.op = OP_SEND, .by = HOST, .phase = FILES, .token = TOKEN_HOOKED, .data = states,
                          .text = "the hooks have run", .why = "@state and @created travel with it"};
    plan_add(b, hooked);
    hooked.op = OP_WAIT;
    hooked.by = INIT;
    plan_add(b, hooked);
    add_hooks(b, HOOK_CREATE_CONTAINER, INIT, FILES, SLOT_STATE, none);
}

/* Their programs are the container's, and so hostile: they have what its command has. */
void plan_hooks_of_start(struct builder *b, const struct capabilities *caps)
{
    add_hooks(b, HOOK_START_CONTAINER, INIT, COMMAND, SLOT_CREATED,
              (struct hook_limits){.caps = caps, .filter = b->config->seccomp});
}
