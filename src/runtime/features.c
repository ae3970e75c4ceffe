/* Callers read here what they may put into a config.json. So nothing in this file knows it: the words are those of the
 * tables that read a configuration. It is about bocal, not about the host, as the specification asks. */
#include "runtime/features.h"

#include "base/json_write.h"
#include "kernel/seccomp_compile.h"
#include "runtime/mount_options.h"
#include "spec/config_decode.h"
#include "spec/config_fields.h"

#include <seccomp.h>

static void put_hooks(struct json_writer *json)
{
    json_begin_array(json, "hooks");
    for (int i = 0; i < HOOK_KINDS; i++)
        json_put_string(json, NULL, config_hook_name((enum hook_kind)i));
    json_end_array(json);
}

static void put_enabled(struct json_writer *json, const char *key, bool enabled)
{
    json_begin_object(json, key);
    json_put_bool(json, "enabled", enabled);
    json_end_object(json);
}

static void put_cgroup(struct json_writer *json)
{
    json_begin_object(json, "cgroup");
    json_put_bool(json, "v1", true);
    json_put_bool(json, "v2", true);
    json_put_bool(json, "systemd", true);
    json_put_bool(json, "systemdUser", true);
    json_put_bool(json, "rdma", true);
    json_end_object(json);
}

static void put_seccomp(struct json_writer *json, struct arena *arena)
{
    struct seccomp_words words;
    seccomp_list_words(arena, &words);
    json_begin_object(json, "seccomp");
    json_put_bool(json, "enabled", true);
    json_put_strings(json, "actions", words.actions);
    json_put_strings(json, "operators", words.operators);
    json_put_strings(json, "archs", words.archs);
    json_put_strings(json, "knownFlags", words.flags);
    json_put_strings(json, "supportedFlags", words.flags);
    json_end_object(json);
}

static void put_words(struct json_writer *json, const char *key, const struct config_word *words)
{
    json_begin_array(json, key);
    for (; words->name; words++)
        json_put_string(json, NULL, words->name);
    json_end_array(json);
}

static void put_linux(struct json_writer *json, struct arena *arena)
{
    json_begin_object(json, "linux");
    json_begin_array(json, "namespaces");
    for (int i = 0; i < NS_COUNT; i++)
        json_put_string(json, NULL, ns_names[i]);
    json_end_array(json);
    json_begin_array(json, "capabilities");
    for (int i = 0; capability_name(i); i++)
        json_put_string(json, NULL, capability_name(i));
    json_end_array(json);
    put_cgroup(json);
    put_seccomp(json, arena);
    put_enabled(json, "apparmor", true);
    put_enabled(json, "selinux", true);
    json_begin_object(json, "memoryPolicy");
    put_words(json, "modes", config_memory_modes);
    put_words(json, "flags", config_memory_flags);
    json_end_object(json);
    json_begin_object(json, "intelRdt");
    json_put_bool(json, "enabled", true);
    json_put_bool(json, "schemata", true);
    json_put_bool(json, "monitoring", true);
    json_end_object(json);
    json_begin_object(json, "mountExtensions");
    put_enabled(json, "idmap", true);
    json_end_object(json);
    put_enabled(json, "netDevices", true);
    json_end_object(json);
}

static void put_annotations(struct json_writer *json, struct arena *arena)
{
    const struct scmp_version *seccomp = seccomp_version();
    json_begin_object(json, "annotations");
    json_put_string(json, "io.bocal.version", BOCAL_VERSION);
    json_put_string(json, "io.github.seccomp.libseccomp.version",
                    arena_printf(arena, "%u.%u.%u", seccomp->major, seccomp->minor, seccomp->micro));
    json_end_object(json);
    json_begin_array(json, "potentiallyUnsafeConfigAnnotations");
    json_put_string(json, NULL, "io.bocal.");
    json_put_string(json, NULL, "run.oci.");
    json_end_array(json);
}

void features_print(FILE *out)
{
    auto_arena arena = {0};
    struct json_writer json = json_writer_pretty(out);
    json_begin_object(&json, NULL);
    json_put_string(&json, "ociVersionMin", "1.0.0");
    json_put_string(&json, "ociVersionMax", "1.3.0");
    put_hooks(&json);
    json_put_strings(&json, "mountOptions", mount_options_words(&arena));
    put_linux(&json, &arena);
    put_annotations(&json, &arena);
    json_end_object(&json);
    putc('\n', out);
}
