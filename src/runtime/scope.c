/* systemd-run(1) asks the manager for a scope, waits for it, moves itself there and becomes the command that it was
 * given: here a shell that says so and waits for the end of its input. INIT is then born into the scope's cgroup as into
 * any other, and the shell is ended. Whoever is killed meanwhile leaves an empty scope, which systemd removes. */
#include "runtime/scope.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "kernel/cgroup.h"
#include "runtime/perform.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

/* A command line that grows. */
struct words {
    struct arena *arena;
    char **list;
    size_t count;
};

static void add(struct words *words, const char *word)
{
    *LIST_ADD(words->arena, &words->list, &words->count) = (char *)word;
}

/* PROGRAM, told which manager is meant, and the words of REST. */
static struct words words_of(struct arena *arena, const char *program, bool user, const char *const *rest)
{
    struct words words = {.arena = arena};
    add(&words, program);
    add(&words, user ? "--user" : "--system");
    for (; *rest; rest++)
        add(&words, *rest);
    return words;
}

static char **command_of(struct arena *arena, const struct scope_spec *spec)
{
    /* --collect: one that ended badly would keep its name */
    static const char *const scope[] = {"--scope", "--quiet", "--collect", NULL};
    static const char *const hold[] = {"--", "/bin/sh", "-c", "echo; read x", NULL};
    struct words words = words_of(arena, spec->run, spec->user, scope);
    add(&words, arena_printf(arena, "--unit=%s", spec->unit));
    add(&words, arena_printf(arena, "--slice=%s", spec->slice));
    for (char **p = spec->properties; *p; p++)
        add(&words, arena_printf(arena, "--property=%s", *p));
    for (const char *const *p = hold; *p; p++)
        add(&words, *p);
    add(&words, NULL);
    return words.list;
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
    const struct scope_spec *spec = step->data;
    const char *const set[] = {"set-property", "--runtime", spec->unit, NULL};
    struct words words = words_of(x->plan->arena, spec->control, spec->user, set);
    for (char **p = spec->properties; *p; p++)
        add(&words, *p);
    add(&words, NULL);
    return process_run(words.list);
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
    auto_arena arena = {0};
    const char *slash = strrchr(directory, '/'), *control = process_find(&arena, "systemctl");
    const char *const stop[] = {"stop", slash ? slash + 1 : directory, NULL};
    cgroup_signal(directory, SIGKILL);
    if (control) {
        struct words words = words_of(&arena, control, strstr(directory, "/user@") != NULL, stop);
        add(&words, NULL);
        bool told = *error_text();
        if (process_run(words.list) < 0 && !told)
            error_clear(); /* what is left of it, if anything, is seen next */
    }
    return cgroup_remove(directory);
}

performer *const performers_scope[OP_COUNT] = {
    [OP_SCOPE] = host_scope,
    [OP_SCOPE_SET] = host_scope_set,
    [OP_SCOPE_LEAVE] = host_scope_leave,
};
