/* Capabilities, masked paths, --security-opt, --privileged. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/request.h"
#include "kernel/apparmor.h"

#include <string.h>

static char *const masked[] = {
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
    "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
    "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware", NULL,
};
static char *const readonly[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL,
};

/* ---- capabilities ---- */

static int caps_of(struct request *r, const char *option, const struct word_list *list, uint64_t *mask)
{
    *mask = 0;
    for (size_t i = 0; i < list->count; i++) {
        char **names = text_split(r->arena, list->words[i], ',', NULL);
        for (; *names; names++) {
            uint64_t one;
            if (capability_parse(*names, &one) < 0)
                return request_refuse(option, list->words[i], "unknown capability \"%s\" (NET_ADMIN, "
                                                              "CAP_CHOWN, ALL, ...)", *names);
            *mask |= one;
        }
    }
    return 0;
}

/* Docker's and Podman's meaning: ALL first, then names; for users other than root, only what was added
 * is effective, and ambient, so that it survives exec. */
static int add_capabilities(struct request *r)
{
    const struct run_options *o = r->options;
    uint64_t add, drop;
    TRY(caps_of(r, "cap-add", &o->cap_add, &add));
    TRY(caps_of(r, "cap-drop", &o->cap_drop, &drop));
    if (add != CAPABILITY_ALL && drop != CAPABILITY_ALL && (add & drop))
        return refuse(-EINVAL, "--cap-add and --cap-drop: both name %s (which is it to be?)",
                      capability_format(add & drop, r->arena));
    uint64_t base = o->privileged ? CAPABILITY_ALL : capability_default;
    uint64_t all = drop == CAPABILITY_ALL ? add
                   : add == CAPABILITY_ALL ? CAPABILITY_ALL & ~drop
                                           : (base & ~drop) | add;
    const struct user_config *user = &r->config->process.user;
    bool root = user->uid == 0 && (!user->name || text_equal(user->name, "0") ||
                                   text_equal(user->name, "root") || text_after(user->name, "root:") ||
                                   text_after(user->name, "0:"));
    uint64_t given = root ? 0 : all & add;
    r->config->process.caps = (struct capabilities){
        .bounding = all, .effective = root ? all : given, .permitted = root ? all : given,
        .inheritable = given, .ambient = given};
    r->config->process.caps_origin = o->privileged             ? "--privileged"
                                     : o->cap_add.count > 0    ? "--cap-add"
                                     : o->cap_drop.count > 0   ? "--cap-drop"
                                                               : NULL;
    return 0;
}

/* ---- paths ---- */

static char **list_without(struct request *r, char *const *list, const char *path, bool all)
{
    char **out = NULL;
    size_t n = 0;
    for (; *list; list++)
        if (!all && !text_equal(*list, path))
            *LIST_ADD(r->arena, &out, &n) = *list;
    *LIST_ADD(r->arena, &out, &n) = NULL;
    return out;
}

static int opt_unmask(struct request *r, const char *word, const char *value)
{
    (void)word;
    bool all = strcasecmp(value, "ALL") == 0;
    char **paths = text_split(r->arena, value, ':', NULL);
    for (; *paths; paths++) {
        r->config->masked_paths = list_without(r, r->config->masked_paths, *paths, all);
        r->config->readonly_paths = list_without(r, r->config->readonly_paths, *paths, all);
    }
    return 0;
}

static int opt_mask(struct request *r, const char *word, const char *value)
{
    char **paths = text_split(r->arena, value, ':', NULL), **out = NULL;
    size_t n = 0;
    for (char **old = r->config->masked_paths; *old; old++)
        *LIST_ADD(r->arena, &out, &n) = *old;
    for (; *paths; paths++) {
        if (**paths != '/')
            return request_refuse("security-opt", word, "%s is not an absolute path", *paths);
        *LIST_ADD(r->arena, &out, &n) = *paths;
    }
    *LIST_ADD(r->arena, &out, &n) = NULL;
    r->config->masked_paths = out;
    return 0;
}

static int opt_systempaths(struct request *r, const char *word, const char *value)
{
    return text_equal(value, "unconfined")
               ? opt_unmask(r, word, "ALL")
               : request_refuse("security-opt", word, "only systempaths=unconfined is known");
}

/* ---- the others ---- */

static int opt_seccomp(struct request *r, const char *word, const char *value)
{
    (void)word;
    r->extra->seccomp = text_equal(value, "unconfined") || *value == '/'
                            ? value
                            : arena_printf(r->arena, "%s/%s", r->context->cwd, value);
    return 0;
}

static int opt_apparmor(struct request *r, const char *word, const char *value)
{
    (void)word;
    r->config->process.apparmor_profile = text_equal(value, "unconfined") ? NULL : value;
    r->config->process.apparmor_defaulted = false;
    return 0;
}

static int opt_label(struct request *r, const char *word, const char *value)
{
    if (text_equal(value, "disable")) {
        r->config->process.selinux_label = NULL;
        return 0;
    }
    return request_refuse("security-opt", word, "labels of one's own are not built yet (label=disable)");
}

static int opt_no_new_privileges(struct request *r, const char *word, const char *value)
{
    if (!text_equal(value, "true") && !text_equal(value, "false") && *value)
        return request_refuse("security-opt", word, "true or false");
    r->config->process.no_new_privileges = !text_equal(value, "false");
    return 0;
}

static const struct {
    const char *key;
    bool needs_value;
    int (*apply)(struct request *r, const char *word, const char *value);
} security_options[] = {
    {"seccomp", true, opt_seccomp},
    {"apparmor", true, opt_apparmor},
    {"label", true, opt_label},
    {"no-new-privileges", false, opt_no_new_privileges},
    {"mask", true, opt_mask},
    {"unmask", true, opt_unmask},
    {"systempaths", true, opt_systempaths},
};

static int add_security_option(struct request *r, const char *word)
{
    size_t length = strcspn(word, "=:");
    const char *value = word[length] ? word + length + 1 : "";
    for (size_t i = 0; i < COUNT(security_options); i++) {
        const char *key = security_options[i].key;
        if (strlen(key) != length || strncmp(word, key, length) != 0)
            continue;
        if (security_options[i].needs_value && !*value)
            return request_refuse("security-opt", word, "it has no value (%s=...)", key);
        return security_options[i].apply(r, word, value);
    }
    return request_refuse("security-opt", word, "unknown (seccomp=, apparmor=, label=, no-new-privileges, "
                                                "mask=, unmask=, systempaths=)");
}

int request_protections(struct request *r)
{
    const struct run_options *o = r->options;
    r->config->process.no_new_privileges = !o->privileged;
    r->config->masked_paths = o->privileged ? NULL : (char **)masked;
    r->config->readonly_paths = o->privileged ? NULL : (char **)readonly;
    if (o->privileged) {
        static char *const none[] = {NULL};
        r->config->masked_paths = r->config->readonly_paths = (char **)none;
        r->extra->seccomp = "unconfined";
    } else {
        r->config->process.apparmor_profile = APPARMOR_DEFAULT;
        r->config->process.apparmor_defaulted = true;
    }
    TRY(add_capabilities(r));
    for (size_t i = 0; i < o->security_opt.count; i++)
        TRY(add_security_option(r, o->security_opt.words[i]));
    return 0;
}
