/* systemd-run(1) asks the manager for a scope, waits for it, moves itself there and becomes the command that it was
 * given: here a shell that says so and waits for the end of its input. INIT is then born into the scope's cgroup as into
 * any other, and the shell is ended. Whoever is killed meanwhile leaves an empty scope, which systemd removes. */
#include "runtime/scope.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "kernel/cgroup.h"
#include "runtime/perform.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static void add(struct arena *arena, char ***argv, size_t *n, const char *word)
{
    *LIST_ADD(arena, argv, n) = (char *)word;
}

static char **command_of(struct arena *arena, const struct scope_spec *spec)
{
    static const char *const hold[] = {"--", "/bin/sh", "-c", "echo; read x", NULL};
    char **argv = NULL;
    size_t n = 0;
    add(arena, &argv, &n, spec->run);
    if (spec->user)
        add(arena, &argv, &n, "--user");
    add(arena, &argv, &n, "--scope");
    add(arena, &argv, &n, "--quiet");
    add(arena, &argv, &n, "--collect"); /* one that ended badly would keep its name */
    add(arena, &argv, &n, arena_printf(arena, "--unit=%s", spec->unit));
    add(arena, &argv, &n, arena_printf(arena, "--slice=%s", spec->slice));
    for (char **p = spec->properties; *p; p++)
        add(arena, &argv, &n, arena_printf(arena, "--property=%s", *p));
    for (const char *const *p = hold; *p; p++)
        add(arena, &argv, &n, *p);
    add(arena, &argv, &n, NULL);
    return argv;
}

static int host_scope(struct execution *x, const struct step *step)
{
    struct arena *arena = x->plan->arena;
    struct held_process held = {.input = -1};
    TRY(process_hold(command_of(arena, step->data), &held));
    x->slots[step->out] = held.input;
    x->holder = held.pid;
    const char *where = cgroup_v2_of(arena, held.pid);
    return text_equal(where, step->path) ? 0
                                         : refuse(-EPROTO, "systemd has put it into %s", where ? where : "a cgroup that is not to be seen");
}

static int host_scope_set(struct execution *x, const struct step *step)
{
    struct arena *arena = x->plan->arena;
    const struct scope_spec *spec = step->data;
    char **argv = NULL;
    size_t n = 0;
    add(arena, &argv, &n, spec->control);
    if (spec->user)
        add(arena, &argv, &n, "--user");
    add(arena, &argv, &n, "set-property");
    add(arena, &argv, &n, "--runtime");
    add(arena, &argv, &n, spec->unit);
    for (char **p = spec->properties; *p; p++)
        add(arena, &argv, &n, *p);
    add(arena, &argv, &n, NULL);
    return process_run(argv);
}

void scope_leave(struct execution *x)
{
    if (x->holder <= 0)
        return;
    kill(x->holder, SIGKILL);
    while (waitpid(x->holder, NULL, 0) < 0 && errno == EINTR)
        ;
    x->holder = 0;
}

static int host_scope_leave(struct execution *x, const struct step *step)
{
    cleanup_fd(&x->slots[step->in]);
    x->slots[step->in] = -1;
    scope_leave(x);
    return 0;
}

/* A user's scopes lie below the unit of that user's manager. A unit that systemd has removed already, as its cgroup was
 * empty, is not known to it any more. */
int scope_stop(const char *directory)
{
    static const char *const places[] = {"/usr/bin/systemctl", "/bin/systemctl"};
    const char *slash = strrchr(directory, '/');
    bool user = strstr(directory, "/user@") != NULL;
    cgroup_signal(directory, SIGKILL);
    for (size_t i = 0; slash && i < COUNT(places); i++) {
        char *argv[] = {(char *)places[i], (char *)(user ? "--user" : "--system"), (char *)"stop", (char *)slash + 1, NULL};
        if (access(places[i], X_OK) < 0)
            continue;
        bool told = *error_text();
        if (process_run(argv) < 0 && !told)
            error_clear(); /* what is left of it, if anything, is seen next */
        break;
    }
    return cgroup_remove(directory);
}

performer *const performers_scope[OP_COUNT] = {
    [OP_SCOPE] = host_scope,
    [OP_SCOPE_SET] = host_scope_set,
    [OP_SCOPE_LEAVE] = host_scope_leave,
};
