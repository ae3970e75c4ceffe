/* One container in the foreground, from options to exit status. Everything of policy is in
 * run_config.c, everything of order in runtime/plan_build.c; here is only the sequence: image,
 * configuration, facts, plan, and then either print it or walk it, supervise, and clean up.
 *
 * What an earlier bocal left behind because it was killed is swept first, whoever that was. */
#include "engine/run.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "engine/bundle.h"
#include "engine/console.h"
#include "engine/container.h"
#include "engine/hooks.h"
#include "engine/image_explanation.h"
#include "engine/places.h"
#include "engine/run_config.h"
#include "image/embedded.h"
#include "kernel/cgroup.h"
#include "kernel/seccomp_compile.h"
#include "kernel/seccomp_default.h"
#include "kernel/seccomp_resolve.h"
#include "runtime/execute.h"
#include "runtime/facts.h"
#include "spec/config_encode.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <time.h>

struct run {
    struct arena arena;
    const struct run_options *options;
    struct places places;
    char id[65];
    char *embedded;
    const struct run_image *image; /* NULL: the embedded one, or none; borrowed */
    struct config config;
    struct run_extra extra;
    struct facts facts;
    struct plan plan;
    struct seccomp_program seccomp;
    struct execution execution;
};

static void cleanup_run(struct run *run)
{
    free(run->embedded);
    arena_free(&run->arena);
}

/* ---- configuration ---- */

extern char **environ;

static char *small_file(struct run *run, const char *path)
{
    auto_free char *text = NULL;
    if (file_read(AT_FDCWD, path, 65536, &text) < 0) {
        error_clear();
        return NULL;
    }
    return arena_strdup(&run->arena, text);
}

/* For --dry-run=oci: the profile as it is for these capabilities. */
static int show_seccomp(struct run *run, const char *text, const char *name)
{
    char *resolved;
    TRY(seccomp_resolve(&run->arena, text, name, run->config.process.caps.bounding, &resolved));
    run->config.seccomp_text = resolved;
    return 0;
}

static int choose_seccomp(struct run *run)
{
    const char *choice = run->extra.seccomp;
    uint64_t caps = run->config.process.caps.bounding;
    bool show = run->options->dry_run == DRY_RUN_OCI;
    if (choice && text_equal(choice, "unconfined"))
        return 0;
    if (choice) {
        auto_free char *text = NULL;
        ssize_t size = file_read(AT_FDCWD, choice, 4 << 20, &text);
        if (size < 0)
            return because((int)size, "--security-opt seccomp");
        TRY(seccomp_compile_cached(&run->arena, text, choice, caps, run->places.cache, &run->seccomp)); /* checks it, too */
        if (show)
            return show_seccomp(run, text, choice);
    } else if (show) {
        return show_seccomp(run, seccomp_default_profile, "default profile");
    } else {
        TRY(seccomp_default(&run->arena, caps, run->places.cache, &run->seccomp));
    }
    run->config.seccomp = &run->seccomp;
    return 0;
}

static const char *layer_directory(struct run *run)
{
    return arena_printf(&run->arena, "%s/containers/%s", run->places.data, run->id);
}

static const char **embedded_layers(struct run *run)
{
    const char **layers = arena_alloc(&run->arena, 2 * sizeof *layers);
    layers[0] = run->embedded;
    return layers;
}

static int build_config(struct run *run, bool privileged)
{
    const struct run_options *o = run->options;
    char cwd[PATH_MAX];
    struct timespec boot;
    clock_gettime(CLOCK_BOOTTIME, &boot);
    bool host_net = text_equal(o->network, "host") && !o->facts;
    struct run_context context = {
        .id = run->id,
        .layers = run->image ? run->image->stack.directories : embedded_layers(run),
        .model = run->image ? run->image->stack.model : NULL,
        .image = run->image ? &run->image->content.config : NULL,
        .container_dir = layer_directory(run),
        .cwd = getcwd(cwd, sizeof cwd) ? cwd : "/",
        .hosts = host_net ? small_file(run, "/etc/hosts") : NULL,
        .resolv_conf = host_net ? small_file(run, "/etc/resolv.conf") : NULL,
        .environment = environ,
        .boottime = o->facts ? 0 : (uint64_t)boot.tv_sec * 1000000000ULL + (uint64_t)boot.tv_nsec,
        .privileged = privileged,
        .has_mqueue = o->facts || access("/dev/mqueue", F_OK) == 0,
    };
    run->config.arena = &run->arena;
    TRY(run_config_build(o, &context, &run->config, &run->extra));
    return choose_seccomp(run);
}

/* ---- a bundle ---- */

/* What may be given beside --bundle has no part in the configuration. */
static int check_bundle_alone(const struct run_options *options)
{
    struct run_options rest = *options;
    const struct run_options nothing = {0};
    if (*rest.command)
        return refuse(-EINVAL, "--bundle %s: the command is its config.json's (leave out %s)", rest.bundle,
                      *rest.command);
    rest.bundle = rest.timeout = rest.facts = rest.stop_signal = rest.stop_timeout = NULL;
    rest.command = NULL;
    rest.explain = EXPLAIN_OFF;
    rest.dry_run = DRY_RUN_OFF;
    rest.cgroup_manager = MANAGER_CGROUPFS;
    rest.interactive = rest.tty = rest.rm = rest.announce = rest.no_sig_proxy = false;
    rest.fail_at = rest.kill_at = 0;
    return memcmp(&rest, &nothing, sizeof rest) == 0
               ? 0
               : refuse(-EINVAL, "--bundle %s: its config.json says everything (leave out the other options)",
                        options->bundle);
}

static int read_bundle(struct run *run)
{
    const struct run_options *o = run->options;
    struct config *config = &run->config;
    TRY(check_bundle_alone(o));
    config->arena = &run->arena;
    TRY(bundle_load(o->bundle, NULL, run->places.cache, layer_directory(run), config, &run->seccomp));
    config->announce = o->announce;
    config->cgroup_manager = o->cgroup_manager;
    if (o->cgroup_manager == MANAGER_SYSTEMD || (config->cgroups_path && *config->cgroups_path))
        config->cgroups_path = container_cgroups_path(&run->arena, run->id, config->cgroups_path, config->cgroup_manager);
    config->explain_pause = o->explain == EXPLAIN_TEXT || o->explain == EXPLAIN_JSON;
    config->explain_origin = "--explain";
    return run_extra_parse(o, &run->extra);
}

/* The root's directory is the one thing of --rootfs that is looked at before the plan: its file system
 * decides the plan. */
static int check_root(struct run *run)
{
    const struct root_config *root = &run->config.root;
    const char *path = root->lowers ? root->lowers[0] : root->path;
    auto_fd fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOTDIR)
        return refuse(-ENOTDIR, "%s: %s is not a directory (give the root of an unpacked file system)",
                      root->origin, path);
    if (fd < 0)
        return fail(-errno, "%s: open %s", root->origin ? root->origin : "image", path);
    if (root->origin && faccessat(fd, ".", X_OK, AT_EACCESS) < 0) /* an image's may be its container's alone to enter */
        return fail(-errno, "%s: enter %s", root->origin, path);
    return 0;
}

static int build_plan(struct run *run)
{
    if (run->options->dry_run == DRY_RUN_OCI)
        return plan_preview(&run->config, &run->facts, run->id, &run->plan);
    TRY(plan_build(&run->config, &run->facts, run->id, &run->plan));
    return plan_check(&run->plan);
}

/* --facts FILE: the plan that another host would walk; nothing of this one is looked at, and the
 * container's id is always the same, so that plans can be compared. */
static int plan_elsewhere(struct run *run)
{
    auto_free char *text = NULL;
    if (run->options->image)
        return refuse(-EINVAL, "--facts: another host's images are not known here (use --rootfs)");
    if (run->options->dry_run == DRY_RUN_OFF)
        return refuse(-EINVAL, "--facts: a plan for another host cannot be performed here (add --dry-run)");
    ssize_t size = file_read(AT_FDCWD, run->options->facts, 1 << 20, &text);
    if (size < 0)
        return (int)size;
    TRY(facts_decode(&run->arena, text, (size_t)size, run->options->facts, &run->facts));
    memset(run->id, 'b', sizeof run->id - 1);
    run->places.data = "/var/lib/bocal";
    run->embedded = strdup("/var/lib/bocal/embedded/rootfs");
    TRY(run->options->bundle ? read_bundle(run) : build_config(run, run->facts.uid == 0));
    return build_plan(run);
}

static int make_plan(struct run *run)
{
    if (run->options->facts)
        return plan_elsewhere(run);
    TRY(text_random_hex(run->id, 32));
    TRY(places_find(&run->arena, &run->places));
    if (!run->image && !run->options->rootfs && !run->options->bundle)
        TRY(embedded_rootfs(run->places.data, &run->embedded));
    TRY(run->options->bundle ? read_bundle(run) : build_config(run, geteuid() == 0));
    TRY(check_root(run));
    TRY(facts_probe(&run->config, &run->facts));
    run->facts.state_dir = run->places.state;
    return build_plan(run);
}

/* ---- printing ---- */

/* What other runtimes make of a read-only root has nothing in it that can be written: there the volumes are filled tmpfs's. */
static void show_volumes(struct config *config)
{
    static char *options[] = {(char *)"nosuid", (char *)"nodev", (char *)"tmpcopyup", NULL};
    for (char **path = config->root.readonly ? config->volumes : NULL; path && *path; path++)
        *LIST_ADD(config->arena, &config->mounts, &config->n_mounts) =
            (struct mount_config){.type = "tmpfs", .source = "tmpfs", .destination = *path, .options = options, .origin = "the image"};
}

/* The configuration that does what the plan does: with the ids that it has chosen, and without the
 * default limit that it had to leave out, which a configuration would ask for. */
static void print_config(struct run *run)
{
    struct config *config = &run->config;
    struct limit *pids = &config->resources.pids;
    show_volumes(config);
    if (pids->defaulted && !run->plan.default_pids)
        pids->origin = NULL;
    if (!config->uid_mappings.count) {
        config->uid_mappings = run->plan.uids;
        config->gid_mappings = run->plan.gids;
    }
    config_encode(config, stdout);
}

static int print_plan(struct run *run)
{
    if (run->image && run->options->dry_run == DRY_RUN_PLAN)
        image_explain(run->image, stdout);
    else if (run->image && run->options->dry_run == DRY_RUN_JSON)
        image_explain_json(run->image, stdout);
    if (run->options->dry_run == DRY_RUN_OCI)
        print_config(run);
    else if (run->options->dry_run == DRY_RUN_JSON)
        plan_print_json(&run->plan, stdout, NULL);
    else
        plan_print(&run->plan, stdout, NULL, 0, run->plan.count);
    return 0;
}

static void explain(struct execution *x, void *data)
{
    struct run *run = data;
    if (run->image && run->options->explain == EXPLAIN_TEXT)
        image_explain(run->image, stderr);
    else if (run->image && run->options->explain == EXPLAIN_JSON)
        image_explain_json(run->image, stderr);
    if (run->options->explain == EXPLAIN_TEXT)
        plan_print(&run->plan, stderr, x->shared->times, 0, run->plan.count);
    else if (run->options->explain == EXPLAIN_JSON)
        plan_print_json(&run->plan, stderr, x->shared->times);
    fflush(stderr);
}

static void explain_failure(struct run *run)
{
    if (run->options->explain == EXPLAIN_TEXT && run->execution.shared)
        plan_print(&run->plan, stderr, run->execution.shared->times, 0, run->execution.failed);
}

/* What the user should know without asking: one line each, for what is about his own set-up. */
static void print_notes(struct run *run)
{
    if (run->options->explain != EXPLAIN_OFF)
        return;
    static const char *const told[] = {"one id only", "what the container writes is in memory", "the image is copied", "no user namespace: overlayfs"};
    for (size_t i = 0; i < run->plan.n_notes; i++)
        for (size_t k = 0; k < COUNT(told); k++)
            if (text_after(run->plan.notes[i], told[k]))
                fprintf(stderr, "bocal: %s\n", run->plan.notes[i]);
}

static void announce(struct run *run)
{
    if (!run->config.announce)
        return;
    fprintf(stderr, "running [%s] as PID %d\n",
            text_join(&run->arena, run->config.process.args, " "), getpid());
}

/* ---- running ---- */

static int supervise(struct run *run)
{
    struct console console = {
        .pidfd = run->execution.slots[SLOT_INIT],
        .master = run->execution.slots[SLOT_CONSOLE],
        .interactive = run->options->interactive || run->config.process.terminal,
        .proxy = !run->options->no_sig_proxy,
        .stop_signal = run->extra.stop_signal,
        .timeout_ms = run->extra.timeout_ms,
        .stop_ms = run->extra.stop_ms,
    };
    int status = console_run(&console);
    if (status < 0)
        return status;
    if (run->plan.memory_cgroup && cgroup_oom_kills(run->plan.memory_cgroup))
        refuse(-ENOMEM, "out of memory: the kernel ended a process of the container at its limit, %s "
                        "(give it more)",
               run->config.resources.memory.origin ? run->config.resources.memory.origin : "--memory");
    if (console.timed_out)
        refuse(-ETIME, "out of time: the container was stopped at --timeout %s", run->options->timeout);
    return status;
}

static int run_hooks(struct run *run, enum hook_kind kind, const char *status, pid_t pid)
{
    const struct config *config = &run->config;
    return hooks_run(config, kind, &(struct oci_state){.oci_version = config->oci_version, .id = run->id,
                                                       .bundle = config->bundle, .status = status, .pid = pid,
                                                       .annotations = config->annotations,
                                                       .n_annotations = config->n_annotations});
}

static int run_container(struct run *run)
{
    struct execution *x = &run->execution;
    print_notes(run);
    announce(run);
    x->assembled = explain;
    x->assembled_data = run;
    x->timed = run->options->explain != EXPLAIN_OFF;
    x->fail_at = run->options->fail_at;
    x->kill_at = run->options->kill_at;
    console_block_signals();
    int r = execute(x, &run->plan);
    journal_sweep(run->places.state); /* while the command runs */
    if (r < 0) {
        int status = execution_exit_status(x, r);
        explain_failure(run);
        execution_end(x);
        return status == 125 ? r : status;
    }
    int status = run_hooks(run, HOOK_POSTSTART, "running", execution_pid(x));
    if (status >= 0)
        status = supervise(run);
    r = execution_end(x);
    (void)run_hooks(run, HOOK_POSTSTOP, "stopped", 0);
    return r < 0 && status >= 0 ? r : status;
}

/* What the containers of an image are made in, as far as it is there. */
static const char *place_of_layers(struct run *run)
{
    char *path = arena_strdup(&run->arena, run->places.data);
    while (access(path, F_OK) < 0 && strrchr(path, '/') > path)
        *strrchr(path, '/') = '\0';
    return access(path, F_OK) == 0 ? path : "/";
}

int engine_check(const struct run_options *options)
{
    char *command[] = {(char *)"/", NULL};
    const char *layers[2] = {NULL};
    const struct run_image image = {.stack.directories = layers, .content.config.cmd = command};
    __attribute__((cleanup(cleanup_run))) struct run run = {.options = options, .image = &image};
    TRY(places_find(&run.arena, &run.places));
    layers[0] = place_of_layers(&run);
    return make_plan(&run);
}

int engine_run(const struct run_options *options, const struct run_image *image)
{
    __attribute__((cleanup(cleanup_run))) struct run run = {.options = options, .image = image};
    arena_expect(48 << 10); /* what a usual run takes */
    TRY(make_plan(&run));
    return options->dry_run != DRY_RUN_OFF ? print_plan(&run) : run_container(&run);
}
