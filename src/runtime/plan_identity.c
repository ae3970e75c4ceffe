/* Who the command is and what it may do, up to the exec. The order is that of capabilities(7),
 * credentials(7) and seccomp(2): the bounding set while CAP_SETPCAP is there; ids; then the sets; the
 * filter as late as possible, so that it need not allow what set-up needs. */
#include "runtime/plan_build.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/capability.h"

#include <linux/capability.h>
#include <string.h>

static struct step *add_step(struct builder *b, struct step step)
{
    step.by = INIT;
    step.phase = step.phase ? step.phase : IDENTITY;
    return plan_add(b, step);
}

static int add_limits(struct builder *b)
{
    const struct process_config *process = &b->config->process;
    for (size_t i = 0; i < process->n_rlimits; i++) {
        const struct rlimit_config *limit = &process->rlimits[i];
        rlim_t now = b->facts->limits[limit->resource].rlim_max;
        bool may = !b->facts->in_userns && b->facts->capabilities >> CAP_SYS_RESOURCE & 1;
        if (limit->hard > now && !may)
            return refuse(-EPERM,
                          "%s: above the hard limit of %llu, which only CAP_SYS_RESOURCE raises "
                          "(ask for at most %llu, or raise the limit of the calling shell)",
                          limit->origin, (unsigned long long)now, (unsigned long long)now);
        if (!plan_is_raised(b, limit))
            add_step(b, (struct step){.op = OP_RLIMIT, .text = plan_limit_text(b, limit), .data = limit,
                                      .why = limit->origin});
    }
    return 0;
}

/* Of what the container's own configuration says, its creation has warned. */
static bool told_before(const struct builder *b, const char *origin)
{
    return b->exec && (text_after(origin, "/process/") || text_after(origin, "/linux/"));
}

/* What bocal has not it cannot give. An option asks for what is to be had; --privileged for all that there is; and a
 * configuration may be for another host: runtime-spec config.md, "capabilities", wants a warning. */
static int grant_capabilities(struct builder *b, struct capabilities *caps)
{
    const struct config *config = b->config;
    const char *origin = config->process.caps_origin ? config->process.caps_origin : "/process/capabilities";
    uint64_t *const sets[] = {&caps->bounding, &caps->effective, &caps->permitted, &caps->inheritable, &caps->ambient};
    uint64_t missing = 0;
    if (b->ids.fresh || b->ids.joined)
        return 0; /* a new user namespace gives all of them, over itself */
    for (size_t i = 0; i < COUNT(sets); i++) {
        missing |= *sets[i] & ~b->facts->capabilities;
        *sets[i] &= b->facts->capabilities;
    }
    const char *names = missing ? capability_format(missing, b->arena) : NULL;
    if (missing && config->privileged)
        plan_note(b, "--privileged: without %s, which bocal has not", names);
    else if (missing && told_before(b, origin))
        plan_note(b, "%s: without %s, which bocal has not", origin, names);
    else if (missing && config->bundle)
        warn("%s: %s left out: bocal itself has not that (run it with all capabilities)", origin, names);
    else if (missing)
        return refuse(-EPERM, "%s: bocal itself has not %s (run it with that capability)", origin, names);
    return 0;
}

static void add_caps(struct builder *b, const struct capabilities *caps)
{
    const char *origin = b->config->process.caps_origin;
    char *names = capability_format(caps->bounding, b->arena);
    add_step(b, (struct step){.op = OP_CAPS, .data = caps,
                              .text = caps->bounding ? names : "none at all",
                              .why = origin ? origin : "capabilities(7): default set"});
    if (!b->config->outlives)
        add_step(b, (struct step){.op = OP_DIE_WITH, .why = "new credentials cleared it: prctl(2)"});
}

static void add_user(struct builder *b, struct ids_spec *ids)
{
    const struct user_config *user = &b->config->process.user;
    const char *origin = user->origin ? user->origin : "default: root of the container";
    if (b->config->keep_groups && user->n_groups && !told_before(b, origin))
        warn("%s: additional groups left out: run.oci.keep_original_groups keeps the caller's", origin);
    ids->user = user;
    ids->setgroups = !b->ids.single && !b->config->keep_groups;
    ids->joined = b->ids.joined;
    ids->own_stdio = b->config->own_stdio;
    if (user->name || user->group_names || b->config->find_home)
        add_step(b, (struct step){.op = OP_USER, .data = ids,
                                  .text = user->name ? user->name
                                                     : plan_text(b, "%u and its HOME", user->uid),
                                  .why = origin});
}

/* INIT waits until the explanation is on the screen, so that it stands before the output. */
static void add_pause(struct builder *b)
{
    static const struct parcel nothing;
    add_step(b, (struct step){.op = OP_SEND, .phase = COMMAND, .token = TOKEN_ASSEMBLED,
                              .text = "all is ready", .data = &nothing,
                              .why = b->config->explain_origin});
    plan_add(b, (struct step){.op = OP_WAIT, .by = HOST, .phase = COMMAND, .token = TOKEN_ASSEMBLED,
                              .text = "all is ready", .data = &nothing,
                              .why = b->config->explain_origin});
    plan_add(b, (struct step){.op = OP_SEND, .by = HOST, .phase = COMMAND, .token = TOKEN_EXPLAINED,
                              .text = "the explanation is printed", .data = &nothing,
                              .why = b->config->explain_origin});
    add_step(b, (struct step){.op = OP_WAIT, .phase = COMMAND, .token = TOKEN_EXPLAINED,
                              .text = "the explanation is printed", .data = &nothing,
                              .why = b->config->explain_origin});
}

/* HOST leaves when INIT has come here; who starts the container knocks at the socket. */
static void add_start(struct builder *b)
{
    static const struct parcel nothing;
    add_step(b, (struct step){.op = OP_SEND, .phase = COMMAND, .token = TOKEN_ASSEMBLED,
                              .text = "all is ready", .data = &nothing, .why = "the container is created"});
    plan_add(b, (struct step){.op = OP_WAIT, .by = HOST, .phase = COMMAND, .token = TOKEN_ASSEMBLED,
                              .text = "all is ready", .data = &nothing, .why = "the container is created"});
    add_step(b, (struct step){.op = OP_START, .phase = COMMAND, .in = SLOT_START,
                              .why = "created is not started: runtime-spec runtime.md"});
}

/* The layers' fds, and what overlayfs leaves in its work directory when that is on disk. */
static void add_tidy(struct builder *b)
{
    struct step step = {.op = OP_TIDY, .by = HOST, .phase = COMMAND};
    if (!b->config->root.lowers || b->copied)
        return;
    if (!b->memory_upper && b->facts->uid == 0) {
        step.path = step.text = plan_text(b, "%s/work/work/incompat", b->config->root.container);
        step.why = "overlay's mark for the next mount, which never comes";
    } else if (b->ids.host_overlay) {
        step.text = "the layers' fds";
        step.why = "the overlay holds them";
    } else {
        return; /* INIT had the layers */
    }
    plan_add(b, step);
}

void plan_ready(struct builder *b)
{
    if (!b->ready)
        return;
    add_step(b, (struct step){.op = OP_WAIT, .phase = COMMAND, .token = TOKEN_READY, .text = "HOST is done",
                              .data = b->ready, .out = SLOT_SHIM,
                              .why = b->device_filter ? "the command never runs without its device filter"
                                                      : "@shim travels with it"});
    b->ready = NULL; /* once is enough */
}

static void add_command(struct builder *b, const struct capabilities *caps)
{
    const struct process_config *process = &b->config->process;
    struct exec_spec *exec = arena_alloc(b->arena, sizeof *exec);
    size_t n = text_count(process->env);
    *exec = (struct exec_spec){.stay = b->config->init, .n_env = n,
                               .path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    exec->env = arena_alloc(b->arena, (n + 2) * sizeof *exec->env);
    size_t words = text_count(process->args);
    exec->shim_argv = arena_alloc(b->arena, (SHIM_WORDS + words + 1) * sizeof *exec->shim_argv);
    memcpy(exec->shim_argv + SHIM_WORDS, process->args, words * sizeof *exec->shim_argv);
    for (size_t i = 0; i < n; i++) {
        exec->env[i] = process->env[i];
        if (text_after(process->env[i], "PATH="))
            exec->path = text_after(process->env[i], "PATH=");
        exec->has_home |= text_after(process->env[i], "HOME=") != NULL;
    }
    const char *origin = process->args_origin ? process->args_origin : "default command";
    static const struct parcel nothing;
    plan_ready(b);
    unsigned kept = b->config->preserve_fds;
    add_step(b, (struct step){.op = OP_CLOSE, .phase = COMMAND, .number = kept,
                              .flags = b->config->waits ? CLOSE_NOW : 0,
                              .text = kept ? plan_text(b, " but the %u that are preserved", kept) : "",
                              .why = "close_range(2): CVE-2024-21626 was one inherited fd"});
    add_step(b, (struct step){.op = OP_FIND, .phase = COMMAND, .path = process->args[0],
                              .data = exec, .why = origin});
    /* Who joins, or waits, is not alone; and a change of ids may have set it back to fs.suid_dumpable. */
    if (b->joins || b->exec || b->config->waits || b->config->hooks[HOOK_START_CONTAINER].count)
        add_step(b, (struct step){.op = OP_HIDE, .phase = COMMAND,
                                  .why = "CVE-2016-9962: its fds are the host's, until it executes the command"});
    if (b->config->waits)
        add_start(b);
    else if (b->config->explain_pause)
        add_pause(b);
    plan_hooks_of_start(b, caps);
    if (b->config->announce)
        add_step(b, (struct step){.op = OP_ANNOUNCE, .phase = COMMAND, .text = process->args[0],
                                  .data = process->args, .why = "--verbose"});
    plan_filter(b);
    if (!process->no_new_privileges)
        add_caps(b, caps); /* only now: without no_new_privs seccomp(2) needs CAP_SYS_ADMIN */
    add_step(b, (struct step){.op = OP_EXEC, .phase = COMMAND, .path = process->args[0],
                              .in = SLOT_SHIM, .data = exec,
                              .text = exec->stay ? ", under bocal-init as PID 1" : "",
                              .why = origin});
    if (b->config->waits)
        return;
    plan_add(b, (struct step){.op = OP_WAIT, .by = HOST, .phase = COMMAND, .token = TOKEN_RUNNING,
                              .text = "the command runs", .data = &nothing,
                              .why = "the report's end is closed by exec"});
    add_tidy(b);
}

/* capabilities(7): none is ambient that is not permitted and inheritable. Configurations ask for it all the
 * same, since inheritable sets were emptied for CVE-2022-24769. */
static void drop_unusable_ambient(struct builder *b, struct capabilities *caps)
{
    uint64_t unusable = caps->ambient & ~(caps->permitted & caps->inheritable);
    if (unusable)
        plan_note(b, "ambient %s left out: not permitted and inheritable",
                  capability_format(unusable, b->arena));
    caps->ambient &= ~unusable;
}

/* A label that is to confine the command is not left out; one of files confines nothing where there is no SELinux. */
static int check_labels(struct builder *b)
{
    const char *process = b->config->process.selinux_label, *mounts = b->config->mount_label;
    if (b->facts->selinux)
        return 0;
    if (process)
        return refuse(-EOPNOTSUPP, "/process/selinuxLabel: %s: SELinux is not in use on this host (leave it out)", process);
    if (mounts && !told_before(b, "/linux/mountLabel"))
        warn("/linux/mountLabel: %s left out: SELinux is not in use on this host", mounts);
    return 0;
}

/* A terminal takes their places anyway; who comes later (exec) does so to a container that others look after. */
static void add_null_stdio(struct builder *b)
{
    unsigned fds = b->facts->null_stdio;
    if (!fds || b->target || b->config->process.terminal)
        return;
    static const char names[] = " 0 1 2";
    char text[sizeof names], *end = text;
    for (unsigned fd = 0; fd < 3; fd++)
        if (fds >> fd & 1)
            end = mempcpy(end, names + 2 * fd, 2);
    *end = '\0';
    add_step(b, (struct step){.op = OP_NULL_STDIO, .number = fds, .text = plan_text(b, "replace%s", text),
                              .why = "no file of the host's is open inside, and criu finds it again"});
}

int plan_identity(struct builder *b)
{
    const struct process_config *process = &b->config->process;
    struct capabilities *caps = arena_alloc(b->arena, sizeof *caps);
    *caps = process->caps;
    TRY(grant_capabilities(b, caps));
    TRY(check_labels(b));
    if (b->facts->selinux && !process->selinux_label && !b->config->privileged)
        plan_note(b, "SELinux is enabled here, and labels are not chosen yet: the container has its caller's");
    drop_unusable_ambient(b, caps);
    struct ids_spec *ids = arena_alloc(b->arena, sizeof *ids);
    if (!b->config->same_keyring)
        add_step(b, (struct step){.op = OP_KEYRING, .why = "keyrings(7): the caller's keys stay outside",
                                  .tolerate = {{ENOSYS, EPERM, EDQUOT}}});
    add_null_stdio(b);
    add_step(b, (struct step){.op = OP_SESSION, .in = process->terminal ? SLOT_TTY : SLOT_NONE,
                              .text = process->terminal ? " that owns the terminal" : "",
                              .why = "setsid(2), CVE-2016-2568: no input can be forced on the caller"});
    add_step(b, (struct step){.op = OP_UMASK,
                              .mode = process->user.has_umask ? process->user.umask : 0022,
                              .why = process->user.has_umask ? "--umask" : "default"});
    TRY(plan_own_schedule(b));
    add_user(b, ids);
    TRY(add_limits(b));
    add_step(b, (struct step){.op = OP_BOUNDING, .data = caps,
                              .text = plan_text(b, "of %d", __builtin_popcountll(caps->bounding)),
                              .why = "while CAP_SETPCAP is there: capabilities(7)"});
    add_step(b, (struct step){
                    .op = OP_IDS, .data = ids,
                    .text = process->user.name
                                ? process->user.name
                                : plan_text(b, "%u:%u%s", process->user.uid, process->user.gid,
                                            b->config->keep_groups ? ", with the caller's groups" : ""),
                    .in = process->terminal ? SLOT_TTY : SLOT_NONE,
                    .why = process->user.origin ? process->user.origin
                                                : "default: root of the container"});
    add_step(b, (struct step){.op = OP_CHDIR, .path = process->cwd && *process->cwd ? process->cwd : "/",
                              .why = process->cwd_origin ? process->cwd_origin
                                                         : "as the user it is, not as root"});
    if (process->no_new_privileges) {
        add_caps(b, caps);
        add_step(b, (struct step){.op = OP_NO_NEW_PRIVS, .why = "set-id programs gain nothing"});
    }
    add_command(b, caps);
    return 0;
}
