#include "spec/config_encode.h"

#include "base/cleanup.h"
#include "base/json_write.h"
#include "base/text.h"

static void put_maps(struct json_writer *json, const char *key, const struct idmaps *maps)
{
    if (!maps->count)
        return;
    json_begin_array(json, key);
    for (size_t i = 0; i < maps->count; i++) {
        json_begin_object(json, NULL);
        json_put_u64(json, "containerID", maps->list[i].inside);
        json_put_u64(json, "hostID", maps->list[i].outside);
        json_put_u64(json, "size", maps->list[i].count);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_optional(struct json_writer *json, const char *key, const char *value)
{
    if (value)
        json_put_string(json, key, value);
}

static void put_capabilities(struct json_writer *json, const struct capabilities *caps)
{
    const struct {
        const char *key;
        uint64_t mask;
    } sets[] = {
        {"bounding", caps->bounding},       {"effective", caps->effective},
        {"permitted", caps->permitted},     {"inheritable", caps->inheritable},
        {"ambient", caps->ambient},
    };
    json_begin_object(json, "capabilities");
    for (size_t s = 0; s < COUNT(sets); s++) {
        json_begin_array(json, sets[s].key);
        for (int i = 0; capability_name(i); i++)
            if (sets[s].mask >> i & 1)
                json_put_string(json, NULL, capability_name(i));
        json_end_array(json);
    }
    json_end_object(json);
}

static void put_user(struct json_writer *json, const struct user_config *user)
{
    json_begin_object(json, "user");
    json_put_u64(json, "uid", user->uid);
    json_put_u64(json, "gid", user->gid);
    if (user->has_umask)
        json_put_u64(json, "umask", user->umask);
    if (user->n_groups) {
        json_begin_array(json, "additionalGids");
        for (size_t i = 0; i < user->n_groups; i++)
            json_put_u64(json, NULL, user->groups[i]);
        json_end_array(json);
    }
    put_optional(json, "username", user->name);
    json_end_object(json);
}

static void put_process(struct json_writer *json, const struct process_config *process)
{
    json_begin_object(json, "process");
    json_put_bool(json, "terminal", process->terminal);
    put_user(json, &process->user);
    json_put_strings(json, "args", process->args);
    json_put_strings(json, "env", process->env);
    json_put_string(json, "cwd", process->cwd ? process->cwd : "/");
    put_capabilities(json, &process->caps);
    if (process->n_rlimits) {
        json_begin_array(json, "rlimits");
        for (size_t i = 0; i < process->n_rlimits; i++) {
            json_begin_object(json, NULL);
            json_put_string(json, "type", process->rlimits[i].name);
            json_put_u64(json, "soft", process->rlimits[i].soft);
            json_put_u64(json, "hard", process->rlimits[i].hard);
            json_end_object(json);
        }
        json_end_array(json);
    }
    json_put_bool(json, "noNewPrivileges", process->no_new_privileges);
    if (!process->apparmor_defaulted) /* a runtime elsewhere need not have it */
        put_optional(json, "apparmorProfile", process->apparmor_profile);
    put_optional(json, "selinuxLabel", process->selinux_label);
    if (process->has_oom_score_adj)
        json_put_i64(json, "oomScoreAdj", process->oom_score_adj);
    json_end_object(json);
}

static void put_mounts(struct json_writer *json, const struct config *config)
{
    json_begin_array(json, "mounts");
    for (size_t i = 0; i < config->n_mounts; i++) {
        const struct mount_config *mount = &config->mounts[i];
        json_begin_object(json, NULL);
        json_put_string(json, "destination", mount->destination);
        json_put_string(json, "type", mount->type);
        put_optional(json, "source", mount->source);
        json_put_strings(json, "options", mount->options);
        put_maps(json, "uidMappings", &mount->uids);
        put_maps(json, "gidMappings", &mount->gids);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_limits(struct json_writer *json, const char *group, const char *const *keys,
                       const struct limit *const *limits, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++)
        any |= limits[i]->origin != NULL;
    if (!any)
        return;
    json_begin_object(json, group);
    for (size_t i = 0; i < n; i++)
        if (limits[i]->origin)
            json_put_i64(json, keys[i], limits[i]->value);
    json_end_object(json);
}

static void put_cpu(struct json_writer *json, const struct resources *r)
{
    const struct {
        const char *key;
        const struct limit *limit;
    } numbers[] = {
        {"shares", &r->cpu_shares}, {"quota", &r->cpu_quota}, {"period", &r->cpu_period},
        {"burst", &r->cpu_burst},   {"idle", &r->cpu_idle},
    };
    bool any = r->cpuset_cpus.origin || r->cpuset_mems.origin;
    for (size_t i = 0; i < COUNT(numbers); i++)
        any |= numbers[i].limit->origin != NULL;
    if (!any)
        return;
    json_begin_object(json, "cpu");
    for (size_t i = 0; i < COUNT(numbers); i++)
        if (numbers[i].limit->origin)
            json_put_i64(json, numbers[i].key, numbers[i].limit->value);
    put_optional(json, "cpus", r->cpuset_cpus.origin ? r->cpuset_cpus.value : NULL);
    put_optional(json, "mems", r->cpuset_mems.origin ? r->cpuset_mems.value : NULL);
    json_end_object(json);
}

static void put_throttles(struct json_writer *json, const char *key, const struct throttle *list,
                          size_t n)
{
    if (!n)
        return;
    json_begin_array(json, key);
    for (size_t i = 0; i < n; i++) {
        json_begin_object(json, NULL);
        json_put_u64(json, "major", list[i].major);
        json_put_u64(json, "minor", list[i].minor);
        json_put_u64(json, "rate", list[i].rate);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_block_io(struct json_writer *json, const struct resources *r)
{
    if (!r->blkio_weight.origin && !r->n_read_bps && !r->n_write_bps && !r->n_read_iops &&
        !r->n_write_iops)
        return;
    json_begin_object(json, "blockIO");
    if (r->blkio_weight.origin)
        json_put_i64(json, "weight", r->blkio_weight.value);
    put_throttles(json, "throttleReadBpsDevice", r->read_bps, r->n_read_bps);
    put_throttles(json, "throttleWriteBpsDevice", r->write_bps, r->n_write_bps);
    put_throttles(json, "throttleReadIOPSDevice", r->read_iops, r->n_read_iops);
    put_throttles(json, "throttleWriteIOPSDevice", r->write_iops, r->n_write_iops);
    json_end_object(json);
}

static void put_device_rules(struct json_writer *json, const struct resources *r)
{
    if (!r->n_devices)
        return;
    json_begin_array(json, "devices");
    for (size_t i = 0; i < r->n_devices; i++) {
        const struct device_rule *rule = &r->devices[i];
        char access[4], *p = access;
        if (rule->read)
            *p++ = 'r';
        if (rule->write)
            *p++ = 'w';
        if (rule->mknod)
            *p++ = 'm';
        *p = '\0';
        json_begin_object(json, NULL);
        json_put_bool(json, "allow", rule->allow);
        json_put_string(json, "type", (char[]){rule->type, '\0'});
        if (rule->major >= 0)
            json_put_i64(json, "major", rule->major);
        if (rule->minor >= 0)
            json_put_i64(json, "minor", rule->minor);
        json_put_string(json, "access", access);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_resources(struct json_writer *json, const struct resources *r)
{
    static const char *const memory_keys[] = {"limit", "swap", "reservation", "swappiness"};
    const struct limit *const memory[] = {&r->memory, &r->memory_swap, &r->memory_reservation,
                                          &r->memory_swappiness};
    static const char *const pids_keys[] = {"limit"};
    const struct limit *const pids[] = {&r->pids};
    json_begin_object(json, "resources");
    put_device_rules(json, r);
    put_limits(json, "memory", memory_keys, memory, COUNT(memory));
    put_cpu(json, r);
    put_limits(json, "pids", pids_keys, pids, COUNT(pids));
    put_block_io(json, r);
    json_end_object(json);
}

static void put_devices(struct json_writer *json, const struct config *config)
{
    if (!config->n_devices)
        return;
    json_begin_array(json, "devices");
    for (size_t i = 0; i < config->n_devices; i++) {
        const struct device_config *device = &config->devices[i];
        json_begin_object(json, NULL);
        json_put_string(json, "path", device->path);
        json_put_string(json, "type", (char[]){device->type, '\0'});
        json_put_u64(json, "major", device->major);
        json_put_u64(json, "minor", device->minor);
        if (device->has_mode)
            json_put_u64(json, "fileMode", device->mode);
        if (device->has_uid)
            json_put_u64(json, "uid", device->uid);
        if (device->has_gid)
            json_put_u64(json, "gid", device->gid);
        json_end_object(json);
    }
    json_end_array(json);
}

static void put_time(struct json_writer *json, int64_t offset)
{
    const int64_t second = 1000000000;
    int64_t rest = offset % second, borrow = rest < 0;
    json_begin_object(json, "timeOffsets");
    json_begin_object(json, "boottime");
    json_put_i64(json, "secs", offset / second - borrow);
    json_put_i64(json, "nanosecs", rest + borrow * second);
    json_end_object(json);
    json_end_object(json);
}

static void put_linux(struct json_writer *json, const struct config *config)
{
    json_begin_object(json, "linux");
    put_maps(json, "uidMappings", &config->uid_mappings);
    put_maps(json, "gidMappings", &config->gid_mappings);
    if (config->n_sysctls) {
        json_begin_object(json, "sysctl");
        for (size_t i = 0; i < config->n_sysctls; i++)
            json_put_string(json, config->sysctls[i].key, config->sysctls[i].value);
        json_end_object(json);
    }
    put_optional(json, "cgroupsPath", config->cgroups_path);
    put_resources(json, &config->resources);
    json_begin_array(json, "namespaces");
    for (int i = 0; i < NS_COUNT; i++)
        if (config->namespaces[i].listed) {
            json_begin_object(json, NULL);
            json_put_string(json, "type", ns_names[i]);
            put_optional(json, "path", config->namespaces[i].path);
            json_end_object(json);
        }
    json_end_array(json);
    put_devices(json, config);
    put_optional(json, "rootfsPropagation", config->rootfs_propagation);
    json_put_strings(json, "maskedPaths", config->masked_paths);
    json_put_strings(json, "readonlyPaths", config->readonly_paths);
    put_optional(json, "mountLabel", config->mount_label);
    if (config->time_offset)
        put_time(json, config->boottime_offset);
    if (config->seccomp_text)
        json_put_raw(json, "seccomp", config->seccomp_text);
    json_end_object(json);
}

static void put_annotations(struct json_writer *json, const struct config *config)
{
    json_begin_object(json, "annotations");
    for (size_t i = 0; i < config->n_annotations; i++)
        json_put_string(json, config->annotations[i].key, config->annotations[i].value);
    if (config->root.lowers && !config->root.readonly)
        json_put_string(json, "io.bocal.upper", upper_names[config->root.upper]);
    if (config->auto_userns)
        json_put_string(json, "io.bocal.idmap", "true");
    if (config->init)
        json_put_string(json, "io.bocal.init", "true");
    json_end_object(json);
}

void config_encode(const struct config *config, FILE *out)
{
    struct json_writer json = json_writer_pretty(out);
    json_begin_object(&json, NULL);
    json_put_string(&json, "ociVersion", config->oci_version);
    put_process(&json, &config->process);
    json_begin_object(&json, "root");
    /* What an overlay lies over is read-only for everybody who does not know the annotation. */
    json_put_string(&json, "path", config->root.lowers ? config->root.lowers[0] : config->root.path);
    json_put_bool(&json, "readonly", config->root.readonly || config->root.lowers);
    json_end_object(&json);
    put_optional(&json, "hostname", config->hostname);
    put_optional(&json, "domainname", config->domainname);
    put_mounts(&json, config);
    put_linux(&json, config);
    put_annotations(&json, config);
    json_end_object(&json);
    putc('\n', out);
}
