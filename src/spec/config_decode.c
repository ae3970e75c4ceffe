/* Tables, from the innermost objects outwards: a row is a property, its decoder, and where the value goes. */
#include "spec/config_decode.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "kernel/capability.h"
#include "spec/config_fields.h"

#include <json-c/json.h>
#include <string.h>
#include <sys/resource.h>

/* ---- process ---- */

static int decode_groups(struct json_source *s, struct json_object *value, void *into)
{
    struct user_config *user = into;
    void *list;
    TRY(json_read_list(s, value, config_read_id, sizeof *user->groups, &list, &user->n_groups));
    user->groups = list;
    return 0;
}

static int decode_umask(struct json_source *s, struct json_object *value, void *into)
{
    struct user_config *user = into;
    TRY(json_u32(s, value, &user->umask));
    user->has_umask = true;
    return user->umask > 0777 ? json_expected(s, "a mask of at most 511 (0777)") : 0;
}

static const struct json_field user_fields[] = {
    {"uid", config_read_id, AT(user_config, uid)},
    {"gid", config_read_id, AT(user_config, gid)},
    {"umask", decode_umask, 0},
    {"additionalGids", decode_groups, 0},
    {0},
};

static int decode_user(struct json_source *s, struct json_object *value, void *into)
{
    ((struct user_config *)into)->origin = config_origin(s);
    return json_read_object(s, value, user_fields, into);
}

/* runtime-spec config.md, "capabilities": what the kernel has no such thing for is a warning. */
static int decode_capability_set(struct json_source *s, struct json_object *value, void *into)
{
    char **names;
    uint64_t *set = into;
    TRY(json_strings(s, value, &names));
    for (size_t i = 0; names[i]; i++) {
        uint64_t mask;
        if (strncmp(names[i], "CAP_", 4) != 0 || text_equal(names[i], "CAP_ALL") ||
            capability_parse(names[i], &mask) < 0)
            warn("%s: %s/%zu: unknown capability %.64s is left out", s->name, s->pointer, i, names[i]);
        else
            *set |= mask;
    }
    return 0;
}

static const struct json_field capability_fields[] = {
    {"bounding", decode_capability_set, AT(capabilities, bounding)},
    {"effective", decode_capability_set, AT(capabilities, effective)},
    {"permitted", decode_capability_set, AT(capabilities, permitted)},
    {"inheritable", decode_capability_set, AT(capabilities, inheritable)},
    {"ambient", decode_capability_set, AT(capabilities, ambient)},
    {0},
};

static int decode_capabilities(struct json_source *s, struct json_object *value, void *into)
{
    struct process_config *process = into;
    process->caps_origin = config_origin(s);
    return json_read_object(s, value, capability_fields, &process->caps);
}

static const struct {
    const char *name;
    int resource;
} rlimits[] = {
    {"RLIMIT_AS", RLIMIT_AS},           {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},         {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},     {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},       {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},     {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},   {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING}, {"RLIMIT_STACK", RLIMIT_STACK},
};

static int decode_rlimit_type(struct json_source *s, struct json_object *value, void *into)
{
    struct rlimit_config *limit = into;
    TRY(json_string(s, value, &limit->name));
    for (size_t i = 0; i < COUNT(rlimits); i++)
        if (text_equal(rlimits[i].name, limit->name)) {
            limit->resource = rlimits[i].resource;
            return 0;
        }
    return json_expected(s, "a limit such as RLIMIT_NOFILE");
}

static const struct json_field rlimit_fields[] = {
    {"type", decode_rlimit_type, 0},
    {"soft", json_u64, AT(rlimit_config, soft)},
    {"hard", json_u64, AT(rlimit_config, hard)},
    {0},
};

static int decode_rlimit(struct json_source *s, struct json_object *value, void *into)
{
    struct rlimit_config *limit = into;
    limit->origin = config_origin(s);
    TRY(json_read_object(s, value, rlimit_fields, limit));
    if (!limit->name)
        return config_missing(s, "type");
    return limit->soft > limit->hard ? json_expected(s, "a soft limit below the hard one") : 0;
}

static int decode_rlimits(struct json_source *s, struct json_object *value, void *into)
{
    struct process_config *process = into;
    void *list;
    TRY(json_read_list(s, value, decode_rlimit, sizeof *process->rlimits, &list, &process->n_rlimits));
    process->rlimits = list;
    for (size_t i = 0; i < process->n_rlimits; i++)
        for (size_t k = 0; k < i; k++)
            if (process->rlimits[i].resource == process->rlimits[k].resource)
                return refuse(-EINVAL, "%s: %s: %s is there twice", s->name, s->pointer,
                              process->rlimits[i].name);
    return 0;
}

static int decode_args(struct json_source *s, struct json_object *value, void *into)
{
    struct process_config *process = into;
    process->args_origin = config_origin(s);
    TRY(json_strings(s, value, &process->args));
    return process->args[0] ? 0 : json_expected(s, "a command");
}

static int decode_cwd(struct json_source *s, struct json_object *value, void *into)
{
    struct process_config *process = into;
    process->cwd_origin = config_origin(s);
    TRY(json_string(s, value, &process->cwd));
    return *process->cwd == '/' ? 0 : json_expected(s, "an absolute path");
}

static int decode_oom_score(struct json_source *s, struct json_object *value, void *into)
{
    struct process_config *process = into;
    int64_t score;
    TRY(json_i64(s, value, &score));
    if (score < -1000 || score > 1000)
        return json_expected(s, "-1000 to 1000");
    process->has_oom_score_adj = true;
    process->oom_score_adj = (int32_t)score;
    return 0;
}

static int decode_rows(struct json_source *s, struct json_object *value, void *into)
{
    uint32_t number;
    TRY(json_u32(s, value, &number));
    *(uint16_t *)into = (uint16_t)(number < UINT16_MAX ? number : UINT16_MAX);
    return 0;
}

static const struct json_field console_fields[] = {
    {"height", decode_rows, AT(process_config, rows)},
    {"width", decode_rows, AT(process_config, columns)},
    {0},
};

static int decode_console(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, console_fields, into);
}

static const struct json_field process_fields[] = {
    {"terminal", json_flag, AT(process_config, terminal)},
    {"consoleSize", decode_console, 0},
    {"user", decode_user, AT(process_config, user)},
    {"args", decode_args, 0},
    {"env", json_strings, AT(process_config, env)},
    {"cwd", decode_cwd, 0},
    {"capabilities", decode_capabilities, 0},
    {"rlimits", decode_rlimits, 0},
    {"noNewPrivileges", json_flag, AT(process_config, no_new_privileges)},
    {"apparmorProfile", config_read_label, AT(process_config, apparmor_profile)},
    {"selinuxLabel", config_read_label, AT(process_config, selinux_label)},
    {"oomScoreAdj", decode_oom_score, 0},
    {"scheduler", config_read_scheduler, AT(process_config, scheduler)},
    {"ioPriority", config_read_io_priority, AT(process_config, io_priority)},
    {"execCPUAffinity", config_read_affinity, 0},
    {0},
};

static int decode_process(struct json_source *s, struct json_object *value, void *into)
{
    return json_read_object(s, value, process_fields, into);
}

/* ---- mounts ---- */

static const struct json_field mount_fields[] = {
    {"destination", json_string, AT(mount_config, destination)},
    {"type", json_string, AT(mount_config, type)},
    {"source", json_string, AT(mount_config, source)},
    {"options", json_strings, AT(mount_config, options)},
    {"uidMappings", config_read_maps, AT(mount_config, uids)},
    {"gidMappings", config_read_maps, AT(mount_config, gids)},
    {0},
};

static int decode_mount(struct json_source *s, struct json_object *value, void *into)
{
    struct mount_config *mount = into;
    static char *const none[] = {NULL};
    mount->origin = config_origin(s);
    mount->options = (char **)none;
    TRY(json_read_object(s, value, mount_fields, mount));
    if (!mount->destination)
        return config_missing(s, "destination");
    if (*mount->destination != '/')
        mount->destination = arena_printf(s->arena, "/%s", mount->destination);
    if (!mount->uids.count != !mount->gids.count)
        return json_expected(s, "uidMappings and gidMappings, or neither");
    bool remount = false;
    for (char **option = mount->options; *option; option++) {
        if (text_equal(*option, "bind") || text_equal(*option, "rbind"))
            mount->type = "bind";
        remount |= text_equal(*option, "remount");
    }
    if (remount)
        mount->type = "remount";
    if (!mount->type || text_equal(mount->type, "none"))
        return refuse(-EINVAL, "%s: %s/type: expected a file system's name, or the option bind", s->name,
                      s->pointer);
    if (text_equal(mount->type, "bind") && (!mount->source || !*mount->source))
        return config_missing(s, "source");
    return 0;
}

static int decode_mounts(struct json_source *s, struct json_object *value, void *into)
{
    struct config *config = into;
    void *list;
    TRY(json_read_list(s, value, decode_mount, sizeof *config->mounts, &list, &config->n_mounts));
    config->mounts = list;
    return 0;
}

/* ---- the whole ---- */

static const struct json_field root_fields[] = {
    {"path", json_string, AT(root_config, path)},
    {"readonly", json_flag, AT(root_config, readonly)},
    {0},
};

static int decode_root(struct json_source *s, struct json_object *value, void *into)
{
    ((struct root_config *)into)->origin = config_origin(s);
    return json_read_object(s, value, root_fields, into);
}

static int decode_hostname(struct json_source *s, struct json_object *value, void *into)
{
    struct config *config = into;
    TRY(json_string(s, value, &config->hostname));
    config->hostname_origin = config_origin(s);
    if (!*config->hostname)
        config->hostname = NULL;
    return 0;
}

static int take_output(struct json_source *s, const struct key_value *note, const char **path)
{
    *path = note->value;
    return *note->value == '/' ? 0 : refuse(-EINVAL, "%s: %s: expected an absolute path", s->name, note->origin);
}

/* Those of crun's that callers use: Podman's keep-groups is one. */
static int take_extension(struct json_source *s, struct config *config, const struct key_value *note)
{
    const char *name = text_after(note->key, "run.oci.");
    config->keep_groups |= text_equal(name, "keep_original_groups");
    config->known_calls |= text_equal(name, "seccomp_fail_unknown_syscall");
    if (text_equal(name, "hooks.stdout"))
        return take_output(s, note, &config->hooks_output[HOOK_STDOUT]);
    return text_equal(name, "hooks.stderr") ? take_output(s, note, &config->hooks_output[HOOK_STDERR]) : 0;
}

/* What OCI has no words for, as config_encode() writes it. */
static int take_annotation(struct json_source *s, struct config *config, const struct key_value *note)
{
    if (text_equal(note->key, "io.bocal.idmap"))
        config->auto_userns = text_equal(note->value, "true");
    if (text_equal(note->key, "io.bocal.init"))
        config->init = text_equal(note->value, "true");
    if (!text_equal(note->key, "io.bocal.upper"))
        return 0;
    for (int i = UPPER_DISK; i < UPPER_COUNT; i++)
        if (text_equal(upper_names[i], note->value)) {
            config->root.upper = (enum upper_choice)i;
            config->root.upper_origin = note->origin;
            return 0;
        }
    return refuse(-EINVAL, "%s: %s: expected disk, memory, copy or auto", s->name, note->origin);
}

static int decode_annotations(struct json_source *s, struct json_object *value, void *into)
{
    struct config *config = into;
    TRY(config_read_pairs(s, value, &config->annotations, &config->n_annotations));
    for (size_t i = 0; i < config->n_annotations; i++) {
        TRY(take_annotation(s, config, &config->annotations[i]));
        TRY(take_extension(s, config, &config->annotations[i]));
    }
    return 0;
}

/* ---- hooks ---- */

static int decode_timeout(struct json_source *s, struct json_object *value, void *into)
{
    int64_t *seconds = into;
    TRY(json_i64(s, value, seconds));
    return *seconds < 1 || *seconds > INT32_MAX ? json_expected(s, "seconds of 1 or more") : 0;
}

static const struct json_field hook_fields[] = {
    {"path", json_string, AT(hook_config, path)},
    {"args", json_strings, AT(hook_config, args)},
    {"env", json_strings, AT(hook_config, env)},
    {"timeout", decode_timeout, AT(hook_config, timeout)},
    {0},
};

static int decode_hook(struct json_source *s, struct json_object *value, void *into)
{
    struct hook_config *hook = into;
    hook->origin = config_origin(s);
    TRY(json_read_object(s, value, hook_fields, hook));
    if (!hook->path || *hook->path != '/')
        return refuse(-EINVAL, "%s: %s/path: expected an absolute path", s->name, s->pointer);
    return 0;
}

static int decode_hook_list(struct json_source *s, struct json_object *value, void *into)
{
    struct hook_list *hooks = into;
    void *list;
    TRY(json_read_list(s, value, decode_hook, sizeof *hooks->list, &list, &hooks->count));
    hooks->list = list;
    return 0;
}

static const struct json_field hooks_fields[] = { /* by enum hook_kind */
    {"prestart", decode_hook_list, AT(config, hooks[HOOK_PRESTART])},
    {"createRuntime", decode_hook_list, AT(config, hooks[HOOK_CREATE_RUNTIME])},
    {"createContainer", decode_hook_list, AT(config, hooks[HOOK_CREATE_CONTAINER])},
    {"startContainer", decode_hook_list, AT(config, hooks[HOOK_START_CONTAINER])},
    {"poststart", decode_hook_list, AT(config, hooks[HOOK_POSTSTART])},
    {"poststop", decode_hook_list, AT(config, hooks[HOOK_POSTSTOP])},
    {0},
};
GROUP(hooks)

const char *config_hook_name(enum hook_kind kind)
{
    return hooks_fields[kind].name;
}

/* ---- the whole ---- */

static const struct json_field config_fields[] = {
    {"ociVersion", json_string, AT(config, oci_version)},
    {"root", decode_root, AT(config, root)},
    {"process", decode_process, AT(config, process)},
    {"hostname", decode_hostname, 0},
    {"domainname", json_string, AT(config, domainname)},
    {"mounts", decode_mounts, 0},
    {"hooks", decode_hooks, 0},
    {"linux", config_read_linux, 0},
    {"annotations", decode_annotations, 0},
    {0},
};

static int check(const struct config *config, const char *name)
{
    const char *missing = !config->oci_version         ? "/ociVersion"
                          : !config->root.path         ? "/root/path"
                          : !config->process.args      ? "/process/args"
                          : !config->process.cwd       ? "/process/cwd"
                                                       : NULL;
    if (missing)
        return refuse(-EINVAL, "%s: %s: is missing", name, missing);
    if (config->uid_mappings.count != 0 && config->gid_mappings.count == 0)
        return refuse(-EINVAL, "%s: /linux/gidMappings: is missing", name);
    const struct ns_config *time = &config->namespaces[NS_TIME];
    if ((config->time_offset || config->has_monotonic_offset) && (!time->listed || time->path))
        return refuse(-EINVAL, "%s: /linux/timeOffsets: need a new time namespace", name);
    if (!text_after(config->oci_version, "1."))
        return refuse(-EINVAL, "%s: /ociVersion: %s is not a version 1 of the specification", name,
                      config->oci_version);
    return 0;
}

int config_decode_process(struct config *config, const char *text, size_t length, const char *name)
{
    static char *const none[] = {NULL};
    struct process_config process = {.env = (char **)none};
    TRY(json_read(config->arena, text, length, name, process_fields, &process));
    if (!process.args || !process.cwd)
        return refuse(-EINVAL, "%s: %s: is missing", name, process.args ? "/cwd" : "/args");
    config->process = process;
    return 0;
}

int config_decode_mounts(struct config *config, const char *text, size_t length, const char *name)
{
    void *list;
    TRY(json_read_array(config->arena, text, length, name, decode_mount, sizeof *config->mounts, &list, &config->n_mounts));
    config->mounts = list;
    return config_expand_idmaps(config, name);
}

int config_decode(struct config *config, const char *text, size_t length, const char *name)
{
    static char *const none[] = {NULL};
    *config = (struct config){.arena = config->arena, .find_home = true,
                              .process = {.env = (char **)none}};
    TRY(json_read(config->arena, text, length, name, config_fields, config));
    TRY(check(config, name));
    TRY(config_expand_idmaps(config, name));
    const struct ns_config *user = &config->namespaces[NS_USER];
    if (user->listed && !user->path && !config->uid_mappings.count)
        config->auto_userns = true; /* nobody has chosen ids: the planner does, and mounts are mapped */
    config_add_default_devices(config);
    return 0;
}
