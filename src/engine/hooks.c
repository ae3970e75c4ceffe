#include "engine/hooks.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "runtime/hook.h"

static void cleanup_fds(struct hook_fds *fds)
{
    for (int i = 0; i < HOOK_OUTPUTS; i++)
        cleanup_fd(&fds->output[i]);
}

static int open_outputs(const struct config *config, struct hook_fds *fds)
{
    for (int i = 0; i < HOOK_OUTPUTS; i++)
        if (config->hooks_output[i] && (fds->output[i] = hook_open_output(config->hooks_output[i])) < 0)
            return fail(fds->output[i], "what hooks say: open %s", config->hooks_output[i]);
    return 0;
}

int hooks_run(const struct config *config, enum hook_kind kind, const struct oci_state *state)
{
    const struct hook_list *hooks = &config->hooks[kind];
    struct hook_result result;
    int first = 0;
    if (!hooks->count)
        return 0;
    auto_fd file = state_file(state);
    __attribute__((cleanup(cleanup_fds))) struct hook_fds fds = {.state = file, .output = {-1, -1}};
    TRY(open_outputs(config, &fds));
    for (size_t i = 0; i < hooks->count && (first == 0 || kind == HOOK_POSTSTOP); i++) {
        int r = file < 0 ? file : hook_run(&hooks->list[i], NULL, &fds, &result);
        if (r >= 0)
            continue;
        hook_describe(&hooks->list[i], &result, r);
        because(r, "%s", hooks->list[i].origin);
        first = first ? first : r;
    }
    return first;
}

int hooks_run_late(const struct container *container, enum hook_kind kind)
{
    enum container_status status = kind == HOOK_POSTSTOP ? CONTAINER_STOPPED : CONTAINER_RUNNING;
    struct oci_state state = container_state(container, container_status_names[status], container_live_pid(container, status));
    struct config config = {0};
    if (!container->late_hooks)
        return 0;
    TRY(container_config(container, &config));
    return hooks_run(&config, kind, &state);
}
