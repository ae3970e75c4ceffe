/* Create builds a plan like any other and leaves when INIT waits at the socket: whatever happens after that
 * works with what lies in the container's directory (engine/container.h). Two who act on one container at the
 * same time meet at the lock of its journal, or at the socket, which INIT answers once. */
#include "engine/lifecycle.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/bundle.h"
#include "engine/console.h"
#include "engine/container.h"
#include "engine/control.h"
#include "engine/explanation.h"
#include "engine/handover.h"
#include "engine/hooks.h"
#include "engine/notify.h"
#include "kernel/sys.h"
#include "runtime/execute.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

struct creation {
    struct arena arena;
    const struct create_options *options;
    struct config config;
    struct seccomp_program seccomp;
    struct facts facts;
    struct plan plan;
    struct checkpoint_images images;
    struct execution execution;
    struct container container;
    int recorded; /* what became of that: 0, or -errno with a sentence */
};

static void cleanup_creation(struct creation *c)
{
    if (c->options->checkpoint)
        checkpoint_close(&c->images);
    arena_free(&c->arena);
}

/* ---- create ---- */

static int read_bundle(struct creation *c, bool foreground)
{
    const struct create_options *o = c->options;
    struct config *config = &c->config;
    char bundle[PATH_MAX];
    TRY(container_check_id(o->id));
    c->container = (struct container){.arena = &c->arena, .id = o->id, .owner = getuid(),
                                      .dir = arena_printf(&c->arena, "%s/%s", o->root, o->id)};
    if (access(c->container.dir, F_OK) == 0)
        return refuse(-EEXIST, "container %s exists already", o->id);
    if (!realpath(o->bundle, bundle))
        return fail(-errno, "bundle %s", o->bundle);
    c->container.bundle = arena_strdup(&c->arena, bundle);
    config->arena = &c->arena;
    TRY(bundle_load(bundle, o->config, geteuid() ? NULL : "/var/cache/bocal",
                    arena_printf(&c->arena, "%s/layer", c->container.dir), config, &c->seccomp));
    TRY(handover_check(config, o->console_socket, foreground));
    TRY(handover_fds(config, (unsigned)o->preserve_fds));
    notify_decorate(config, c->container.dir);
    config->same_keyring = o->no_new_keyring;
    config->no_pivot = o->no_pivot;
    config->outlives = config->recorded = config->own_stdio = true;
    config->waits = !foreground && !o->checkpoint;
    config->cgroup_manager = o->cgroup_manager;
    c->container.systemd = o->cgroup_manager == MANAGER_SYSTEMD;
    config->cgroups_path = container_cgroups_path(&c->arena, o->id, config->cgroups_path, o->cgroup_manager);
    c->container.late_hooks = config->hooks[HOOK_POSTSTART].count || config->hooks[HOOK_POSTSTOP].count;
    c->container.oci_version = config->oci_version;
    c->container.annotations = config->annotations;
    c->container.n_annotations = config->n_annotations;
    return 0;
}

static int record(struct creation *c)
{
    struct container *container = &c->container;
    struct execution *x = &c->execution;
    char created[TEXT_NOW_SIZE], state;
    text_now(created);
    container->created = arena_strdup(&c->arena, created);
    container->pid = execution_pid(x);
    if (process_stat(container->pid, &container->start_time, &state) < 0)
        return refuse(-ECHILD, "the container's first process has ended");
    return container_save(container, c->config.text);
}

/* While INIT works. */
static void record_beside(struct execution *x, void *data)
{
    struct creation *c = data;
    (void)x;
    c->recorded = record(c);
}

static int plan(struct creation *c)
{
    const struct create_options *o = c->options;
    TRY(facts_probe(&c->config, &c->facts));
    c->facts.state_dir = o->root;
    if (!o->checkpoint)
        return plan_build(&c->config, &c->facts, o->id, &c->plan);
    TRY(checkpoint_open(o->checkpoint, &c->config, &c->images));
    return plan_restore(&c->config, &c->facts, &c->images.source, o->id, &c->plan);
}

/* In the FOREGROUND the command runs at once: nobody else is to start it, and the caller may have its terminal. On
 * failure nothing is left. A directory that somebody else made in the same moment is not ours. */
static int create(struct creation *c, bool foreground)
{
    struct execution *x = &c->execution;
    arena_expect(96 << 10); /* what the usual configuration takes */
    TRY(read_bundle(c, foreground));
    TRY(plan(c));
    TRY(plan_check(&c->plan));
    bool beside = foreground && !c->options->checkpoint;
    if (beside) {
        x->waiting = record_beside;
        x->waiting_data = c;
    }
    x->timed = explanation_wanted(&c->config);
    int r = execute(x, &c->plan);
    int explained = explanation_write(&c->config, x, &c->plan, r);
    if (r == 0)
        r = explained;
    if (r == 0)
        r = beside ? c->recorded : record(c);
    if (r == 0)
        r = handover(x, c->options->console_socket, c->options->pid_file);
    if (r == 0)
        return 0;
    bool ours = x->journal.fd >= 0;
    execution_end(x);
    if (ours)
        tree_remove(AT_FDCWD, c->container.dir);
    return r;
}

int lifecycle_create(const struct create_options *options)
{
    __attribute__((cleanup(cleanup_creation))) struct creation c = {.options = options};
    signal(SIGCHLD, SIG_DFL);
    TRY(create(&c, false));
    execution_leave(&c.execution);
    return 0;
}

/* ---- start ---- */

/* Waits for who makes or deletes it now. -ENOENT when it was deleted meanwhile. */
static int lock_journal(const char *path, struct journal *journal)
{
    struct stat st;
    auto_fd fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &st) < 0)
        return -errno;
    if (!st.st_nlink)
        return -ENOENT;
    journal->fd = take_fd(&fd);
    return 0;
}

/* Who makes it holds the lock until all is recorded. */
static int await_creation(struct arena *arena, const char *root, struct container *container)
{
    auto_journal journal = JOURNAL_NONE;
    int r = lock_journal(arena_printf(arena, "%s/journal", container->dir), &journal);
    if (r < 0 && r != -ENOENT)
        return fail(r, "start container %s", container->id);
    return container_load(arena, root, container->id, container);
}

enum { PATIENCE_MS = 10000, USUAL_MS = 200 };

static bool ends_within(int pidfd, int ms)
{
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    return poll(&end, 1, ms) == 1;
}

static bool ends_soon(int pidfd)
{
    return ends_within(pidfd, PATIENCE_MS);
}

static int end_process(const struct container *container)
{
    auto_fd fd = container_pidfd(container);
    if (fd < 0)
        return 0;
    sys_pidfd_send_signal(fd, SIGKILL);
    control_thaw(container);
    if (ends_within(fd, USUAL_MS))
        return 0;
    control_reclaim(container);
    return ends_soon(fd) ? 0 : refuse(-ETIME, "container %s does not end", container->id);
}

/* What INIT could still fail at: the steps behind OP_START. */
static int start_failed(const struct container *container, const struct channel_message *message)
{
#ifdef BOCAL_FAULT
    if (message->error == -EOWNERDEAD) /* inject() of execute.c */
        kill(getpid(), SIGKILL);
#endif
    auto_fd fd = container_pidfd(container);
    if (fd >= 0)
        ends_soon(fd); /* who is told deletes it at once */
    if (message->error == -EPROTO || message->error == -ETIMEDOUT)
        return refuse(message->error, "start container %s: a hook of startContainer %s", container->id,
                      message->error == -EPROTO ? "failed" : "was not done in time");
    /* Docker's client tells exit statuses 126 and 127 by these words, in small letters. */
    if (message->error == -EACCES || message->error == -ENOENT)
        return refuse(message->error, "start container %s: execute its command: %s", container->id,
                      message->error == -EACCES ? "permission denied" : "no such file or directory (or its interpreter)");
    return fail(message->error, "start container %s: execute its command", container->id);
}

/* A hook that fails here ends the container, and what comes then is its end as always: runtime-spec runtime.md,
 * "Lifecycle", step 10. */
static int after_start(const char *root, const struct container *container)
{
    int r = hooks_run_late(container, HOOK_POSTSTART);
    return r < 0 ? (lifecycle_delete(root, container->id, true), r) : 0;
}

/* Where the service manager of who starts it wants to hear from it. Before it can say anything. */
static int hear(const struct container *container, struct notifier *notifier)
{
    int socket = notify_listen(container->arena, container->dir);
    return socket == NOTIFY_UNWANTED ? 0 : socket < 0 ? socket : notify_begin(notifier, socket, container->pid);
}

/* It is the service from now on, once it says that it is ready. */
static void await_ready(const struct container *container, struct notifier *notifier)
{
    if (notifier->socket < 0)
        return;
    auto_fd fd = container_pidfd(container);
    notify_await(notifier, fd);
}

int lifecycle_start(const char *root, const char *id)
{
    struct notifier notifier = NOTIFIER_NONE;
    auto_arena arena = {0};
    struct container container;
    struct channel_message message = {0};
    TRY(container_load(&arena, root, id, &container));
    if (!container.pid)
        TRY(await_creation(&arena, root, &container));
    enum container_status status = container_status(&container);
    if (status != CONTAINER_CREATED)
        return refuse(-EINVAL, "container %s is %s, not created", id, container_status_names[status]);
    TRY(hear(&container, &notifier));
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = arena_printf(&arena, "%s/start", container.dir);
    auto_fd dir = socket_directory(path, &address);
    auto_fd fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (dir < 0 || fd < 0)
        return fail(-errno, "start container %s", id);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 || recv(fd, &message, sizeof message, 0) != sizeof message || message.step != -TOKEN_STARTED)
        return refuse(-EINVAL, "container %s is started already, or has ended", id);
    ssize_t n = recv(fd, &message, sizeof message, 0);
    unlink(path);
    if (n == sizeof message)
        return start_failed(&container, &message);
    TRY(after_start(root, &container));
    await_ready(&container, &notifier);
    return 0;
}

/* ---- delete ---- */

/* What it leaves is gone before its last hooks run, its configuration not yet. JOURNAL is locked, or there is none. */
static int remove_container(const struct container *container, const struct journal *journal)
{
    static const char *const files[] = {"status", "state.json", "config.json", "start"};
    if (journal->fd >= 0)
        TRY(journal_undo(journal, arena_printf(container->arena, "%s/journal", container->dir)));
    (void)hooks_run_late(container, HOOK_POSTSTOP);
    for (size_t i = 0; i < COUNT(files); i++)
        unlink(arena_printf(container->arena, "%s/%s", container->dir, files[i]));
    int r = rmdir(container->dir) == 0 ? 0 : tree_remove(AT_FDCWD, container->dir);
    return r < 0 ? fail(r, "remove %s", container->dir) : 0;
}

int lifecycle_delete(const char *root, const char *id, bool force)
{
    auto_arena arena = {0};
    struct container container;
    auto_journal journal = JOURNAL_NONE;
    int r = container_load(&arena, root, id, &container);
    const char *path = arena_printf(&arena, "%s/journal", container.dir);
    if (r == 0)
        r = lock_journal(path, &journal);
    if (r == 0 || (r == -ENOENT && container.dir))
        r = container_load(&arena, root, id, &container); /* as it is now */
    if (r == -ENOENT && force) {
        error_clear();
        return 0;
    }
    if (r < 0)
        return fail(r, "delete container %s", id);
    enum container_status status = container_status(&container);
    if ((status == CONTAINER_RUNNING || status == CONTAINER_PAUSED) && !force)
        return refuse(-EBUSY, "container %s is %s (kill it first, or delete --force)", id,
                      container_status_names[status]);
    TRY(end_process(&container));
    return remove_container(&container, &journal);
}

/* ---- run ---- */

/* Somebody else may have deleted it meanwhile. */
static int delete_ended(const struct container *container)
{
    auto_journal journal = JOURNAL_NONE;
    int r = lock_journal(arena_printf(container->arena, "%s/journal", container->dir), &journal);
    if (r == 0)
        r = remove_container(container, &journal);
    return r == -ENOENT ? 0 : r;
}

/* Its command runs, as this process' child. */
static int attend(struct creation *c, bool keep)
{
    const struct create_options *o = c->options;
    journal_close(&c->execution.journal); /* others may act on it from now on */
    c->execution.journal = JOURNAL_NONE;
    struct notifier notifier = NOTIFIER_NONE;
    int *socket = &c->execution.slots[SLOT_NOTIFY];
    int r = *socket < 0 ? 0 : notify_begin(&notifier, take_fd(socket), 0);
    if (r < 0)
        lifecycle_delete(o->root, o->id, true);
    else
        r = after_start(o->root, &c->container);
    int status = r < 0 ? r : handover_wait(&c->execution, c->config.process.terminal && !o->console_socket, &notifier);
    notify_end(&notifier);
    execution_leave(&c->execution);
    if (keep || r < 0)
        return status;
    r = delete_ended(&c->container);
    return r < 0 && status >= 0 ? r : status;
}

int lifecycle_run(const struct create_options *options, bool keep)
{
    __attribute__((cleanup(cleanup_creation))) struct creation c = {.options = options};
    signal(SIGCHLD, SIG_DFL);
    console_block_signals();
    TRY(create(&c, true));
    return attend(&c, keep);
}

int lifecycle_restore(const struct create_options *options, bool detach)
{
    __attribute__((cleanup(cleanup_creation))) struct creation c = {.options = options, .images = {.request = {.images = -1, .work = -1}}};
    signal(SIGCHLD, SIG_DFL);
    if (!detach)
        console_block_signals();
    int r = create(&c, !detach);
    if (r < 0)
        return because(r, "restore container %s", options->id);
    if (!detach)
        return attend(&c, false);
    execution_leave(&c.execution);
    return after_start(options->root, &c.container);
}

/* ---- state, list ---- */

int lifecycle_state(const char *root, const char *id, FILE *out)
{
    enum { TRIES = 40, PAUSE_NS = 5000000 };
    auto_arena arena = {0};
    struct container container;
    TRY(container_load(&arena, root, id, &container));
    /* Who asks this early mostly waits for the next state; but a hook may ask, for which create waits. */
    for (int i = 0; i < TRIES && !container.pid; i++) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        TRY(container_load(&arena, root, id, &container));
    }
    container_print(&container, out);
    return 0;
}

static void put_row(const struct container *c, FILE *out)
{
    enum container_status status = container_status(c);
    fprintf(out, "%-20s %-8lld %-9s ", c->id, (long long)container_live_pid(c, status), container_status_names[status]);
    char bundle[PATH_MAX];
    snprintf(bundle, sizeof bundle, "%s", c->bundle ? c->bundle : "");
    text_disarm(bundle);
    fputs(bundle, out);
    fprintf(out, " %s %llu\n", c->created ? c->created : "-", (unsigned long long)c->owner);
}

int lifecycle_list(const char *root, bool json, bool quiet, FILE *out)
{
    auto_arena arena = {0};
    auto_dir d = opendir(root);
    bool first = true;
    if (!d && errno != ENOENT)
        return fail(-errno, "open %s", root);
    if (json && !quiet)
        putc('[', out);
    else if (!quiet)
        fprintf(out, "%-20s %-8s %-9s %s\n", "ID", "PID", "STATUS", "BUNDLE CREATED OWNER");
    for (struct dirent *e; d && (e = readdir(d));) {
        struct container container;
        if (e->d_name[0] == '.' || container_load(&arena, root, e->d_name, &container) < 0) {
            error_clear(); /* not a container, or gone meanwhile */
            continue;
        }
        if (quiet)
            fprintf(out, "%s\n", container.id);
        else if (json)
            fputs(first ? "" : ",", out), container_print(&container, out);
        else
            put_row(&container, out);
        first = false;
    }
    if (json && !quiet)
        fputs("]\n", out);
    return 0;
}
