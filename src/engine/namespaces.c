/* --pid, --network and the others: whose namespaces. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/request.h"

#include <string.h>

static int parse_one(struct request *r, enum ns_kind kind, const char *option, const char *value)
{
    struct ns_config *ns = &r->config->namespaces[kind];
    *ns = (struct ns_config){.listed = true};
    if (!value)
        return 0;
    ns->origin = request_origin(r, option, value);
    const char *pid = text_after(value, "container:");
    uint32_t number;
    if (pid) {
        if (text_to_u32(pid, &number) < 0 || number == 0 || number > INT32_MAX)
            return request_refuse(option, value, "%.40s is no process id (give the pid of a process "
                                                 "of that container)", pid);
        ns->path = arena_printf(r->arena, "/proc/%u/ns/%s", number, ns_proc_names[kind]);
        return 0;
    }
    if (text_equal(value, "host")) {
        ns->listed = false;
        return 0;
    }
    if (text_equal(value, "private") || (kind == NS_NETWORK && text_equal(value, "none")))
        return 0;
    if (kind == NS_NETWORK)
        return request_refuse(option, value, "networks beyond none and host are not built yet (use "
                                             "none, host or container:PID)");
    return request_refuse(option, value, "not host, private or container:PID");
}

static int parse_maps(struct request *r, const char *option, const struct word_list *list,
                      struct idmaps *maps)
{
    for (size_t i = 0; i < list->count; i++) {
        size_t n;
        char **parts = text_split(r->arena, list->words[i], ':', &n);
        struct idmap map;
        if (n != 3 || text_to_id(parts[0], &map.inside) < 0 ||
            text_to_id(parts[1], &map.outside) < 0 || text_to_u32(parts[2], &map.count) < 0 ||
            map.count == 0)
            return request_refuse(option, list->words[i], "not INSIDE:OUTSIDE:COUNT in numbers");
        *LIST_ADD(r->arena, &maps->list, &maps->count) = map;
    }
    return 0;
}

int request_namespaces(struct request *r)
{
    const struct run_options *o = r->options;
    const struct {
        enum ns_kind kind;
        const char *option, *value;
    } kinds[] = {
        {NS_USER, "userns", o->userns},       {NS_PID, "pid", o->pid},
        {NS_NETWORK, "network", o->network},  {NS_UTS, "uts", o->uts},
        {NS_IPC, "ipc", o->ipc},              {NS_CGROUP, "cgroupns", o->cgroupns},
    };
    for (size_t i = 0; i < COUNT(kinds); i++)
        TRY(parse_one(r, kinds[i].kind, kinds[i].option, kinds[i].value));
    r->config->namespaces[NS_MOUNT].listed = true;
    struct ns_config *user = &r->config->namespaces[NS_USER];
    r->config->auto_userns = user->listed && !user->path;
    if (o->privileged && !o->userns && r->context->privileged) {
        *user = (struct ns_config){.listed = false, .origin = "--privileged"};
        r->config->auto_userns = false;
    }
    TRY(parse_maps(r, "uidmap", &o->uid_maps, &r->config->uid_mappings));
    TRY(parse_maps(r, "gidmap", &o->gid_maps, &r->config->gid_mappings));
    if (r->config->uid_mappings.count && !r->config->gid_mappings.count)
        r->config->gid_mappings = r->config->uid_mappings;
    if (r->config->gid_mappings.count && !r->config->uid_mappings.count)
        return refuse(-EINVAL, "--gidmap: there is no --uidmap to go with it");
    if (o->uptime) {
        r->config->namespaces[NS_TIME] = (struct ns_config){.listed = true, .origin = "--uptime"};
        r->config->time_offset = true;
        r->config->boottime_offset = -(int64_t)r->context->boottime;
    }
    if (o->hostname && !r->config->namespaces[NS_UTS].listed)
        return request_refuse("hostname", o->hostname, "--uts host has the host's name (leave one of "
                                                       "them out)");
    return 0;
}
