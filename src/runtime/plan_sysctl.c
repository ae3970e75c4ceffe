/* Kernel settings, and only those of a namespace that the container does not share with the host: namespaces(7). A
 * namespace that is joined by its path counts, unless it is the caller's own after all. */
#include "runtime/plan_build.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <string.h>

static const struct {
    const char *name;
    bool whole; /* else the beginning of a name */
    enum ns_kind kind;
} rows[] = {
    {"net.", false, NS_NETWORK},
    {"fs.mqueue.", false, NS_IPC},
    {"kernel.msgmax", true, NS_IPC},
    {"kernel.msgmnb", true, NS_IPC},
    {"kernel.msgmni", true, NS_IPC},
    {"kernel.msg_next_id", true, NS_IPC},
    {"kernel.auto_msgmni", true, NS_IPC},
    {"kernel.sem", true, NS_IPC},
    {"kernel.sem_next_id", true, NS_IPC},
    {"kernel.shmall", true, NS_IPC},
    {"kernel.shmmax", true, NS_IPC},
    {"kernel.shmmni", true, NS_IPC},
    {"kernel.shm_next_id", true, NS_IPC},
    {"kernel.shm_rmid_forced", true, NS_IPC},
    {"kernel.domainname", true, NS_UTS},
};

/* With dots, as the rows have it: sysctl.d(5) takes slashes as well, where a part of the name has dots in it. */
static const char *dotted(struct builder *b, const char *name)
{
    char *text = arena_strdup(b->arena, name);
    for (char *p = text; strchr(name, '/') && *p; p++)
        if (*p == '/' || *p == '.')
            *p = *p == '/' ? '.' : '/';
    return text;
}

static int check_name(const struct key_value *sysctl, const char *dots)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-:.@/";
    if (!*dots || *dots == '.' || *dots == '/' || strstr(dots, "..") || strstr(dots, "/.") || strstr(dots, "//") ||
        dots[strlen(dots) - 1] == '.' || strspn(dots, allowed) != strlen(dots))
        return refuse(-EINVAL, "%s: %s is no sysctl's name", sysctl->origin, sysctl->key);
    return 0;
}

static int check_namespace(struct builder *b, const struct key_value *sysctl, const char *dots)
{
    const struct config *config = b->config;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (rows[i].whole ? !text_equal(dots, rows[i].name) : !text_after(dots, rows[i].name))
            continue;
        enum ns_kind kind = rows[i].kind;
        if (!config->namespaces[kind].listed || b->facts->own_namespaces >> kind & 1)
            return refuse(-EINVAL, "%s: without a %s namespace of its own the container would change the host (give it one)",
                          sysctl->origin, ns_names[kind]);
        return 0;
    }
    if (text_equal(dots, "kernel.hostname"))
        return refuse(-EINVAL, "%s: the host name is set otherwise (/hostname, --hostname)", sysctl->origin);
    return refuse(-EINVAL, "%s: %s belongs to the whole host, not to a namespace (set it on the host: sysctl -w %s=%s)",
                  sysctl->origin, dots, dots, sysctl->value);
}

int plan_sysctls(struct builder *b)
{
    const struct config *config = b->config;
    for (size_t i = 0; i < config->n_sysctls; i++) {
        const struct key_value *sysctl = &config->sysctls[i];
        const char *dots = dotted(b, sysctl->key);
        TRY(check_name(sysctl, dots));
        TRY(check_namespace(b, sysctl, dots));
        if (text_equal(dots, "kernel.domainname") && config->domainname && !text_equal(config->domainname, sysctl->value))
            return refuse(-EINVAL, "%s: /domainname says %s", sysctl->origin, config->domainname);
        plan_add(b, (struct step){.op = OP_SYSCTL, .by = INIT, .phase = FILES, .in = SLOT_PROC, .path = sysctl->key,
                                  .text = sysctl->value, .why = sysctl->origin});
    }
    return 0;
}
