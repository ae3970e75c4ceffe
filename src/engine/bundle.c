#include "engine/bundle.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "kernel/seccomp_compile.h"
#include "spec/config_decode.h"
#include "spec/template.h"

#include <fcntl.h>
#include <limits.h>

static int compile_seccomp(const char *name, const char *cache, struct config *config,
                           struct seccomp_program *seccomp)
{
    if (!config->seccomp_text)
        return 0;
    const char *pointer = arena_printf(config->arena, "%s: /linux/seccomp", name);
    if (config->known_calls)
        TRY(seccomp_check_names(config->seccomp_text, pointer));
    TRY(seccomp_compile_cached(config->arena, config->seccomp_text, pointer, config->process.caps.bounding,
                               cache, seccomp));
    seccomp->profile = "/linux/seccomp";
    config->seccomp = seccomp;
    return 0;
}

/* Read-only is what others make of it, who do not know the annotation. */
static void add_overlay(struct config *config, const char *layer)
{
    struct root_config *root = &config->root;
    root->lowers = arena_alloc(config->arena, 2 * sizeof *root->lowers);
    root->lowers[0] = root->model = root->path;
    root->readonly = false;
    root->container = layer;
}

/* A sysfs shows a network namespace, and the kernel lets only who owns that mount one: in a new user namespace with the
 * network of others it is theirs that is bound, as runc's and crun's callers expect. */
static void fit_sysfs(struct config *config)
{
    const struct ns_config *user = &config->namespaces[NS_USER], *network = &config->namespaces[NS_NETWORK];
    bool foreign = user->listed && !user->path && (!network->listed || network->path);
    for (size_t i = 0; foreign && i < config->n_mounts; i++) {
        struct mount_config *mount = &config->mounts[i];
        size_t n = text_count(mount->options);
        if (!text_equal(mount->type, "sysfs"))
            continue;
        char **options = arena_alloc(config->arena, (2 * n + 2) * sizeof *options), **next = options;
        *next++ = (char *)"rbind";
        for (size_t k = 0; k < n; k++) {
            *next++ = mount->options[k];
            if (text_equal(mount->options[k], "ro"))
                *next++ = (char *)"rro"; /* what is mounted below it, too */
        }
        mount->options = options;
        mount->type = "bind";
        mount->source = "/sys";
        mount->origin = arena_printf(config->arena, "%s, a sysfs, which only the network's owner may mount", mount->origin);
    }
}

void bundle_resolve(const struct config *config, const char **path)
{
    if (**path != '/')
        *path = arena_printf(config->arena, "%s/%s", config->bundle, *path);
}

int bundle_load(const char *dir, const char *file, const char *cache, const char *layer, struct config *config,
                struct seccomp_program *seccomp)
{
    enum { LARGEST = 16 << 20 };
    const char *name = file ? file : arena_printf(config->arena, "%s/config.json", dir);
    auto_free char *text = NULL;
    ssize_t size = file_read(AT_FDCWD, name, LARGEST, &text);
    TRY((int)size);
    TRY(config_decode(config, text, (size_t)size, name));
    config->text = arena_strdup(config->arena, text);
    char bundle[PATH_MAX];
    if (!realpath(dir, bundle))
        return fail(-errno, "%s", dir);
    config->bundle = arena_strdup(config->arena, bundle);
    bundle_resolve(config, &config->root.path);
    fit_sysfs(config);
    for (size_t i = 0; i < config->n_mounts; i++)
        if (text_equal(config->mounts[i].type, "bind"))
            bundle_resolve(config, &config->mounts[i].source);
    if (config->root.upper)
        add_overlay(config, layer);
    return compile_seccomp(name, cache, config, seccomp);
}

int bundle_begin(const char *dir, bool rootless)
{
    auto_arena arena = {0};
    const char *path = arena_printf(&arena, "%s/config.json", dir);
    auto_file out = fopen(path, "wxe");
    if (!out)
        return errno == EEXIST ? refuse(-EEXIST, "%s exists already (move it away first)", path)
                               : fail(-errno, "create %s", path);
    template_write(&(struct template_options){
        .rootless = rootless, .uid = geteuid(), .gid = getegid(),
        .cgroup_namespace = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0,
    }, out);
    if (fflush(out) == 0)
        return 0;
    int r = fail(-errno, "write %s", path);
    unlink(path);
    return r;
}
