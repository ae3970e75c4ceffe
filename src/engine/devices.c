/* /dev: the default nodes, and --device. */
#include "base/error.h"
#include "base/text.h"
#include "engine/request.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static void add_rule(struct request *r, struct device_rule rule)
{
    *LIST_ADD(r->arena, &r->config->resources.devices, &r->config->resources.n_devices) = rule;
}

static int add_device(struct request *r, const char *word)
{
    size_t n;
    char **parts = text_split(r->arena, word, ':', &n);
    const char *source = parts[0], *path = n > 1 ? parts[1] : source, *access = n > 2 ? parts[2] : "rwm";
    if (n == 2 && *parts[1] != '/') {
        path = source;
        access = parts[1];
    }
    if (n > 3 || *source != '/' || *path != '/' || strstr(path, "/../") || !*access ||
        strspn(access, "rwm") != strlen(access))
        return request_refuse("device", word, "not HOST[:PATH[:rwm]] with absolute paths");
    struct stat st;
    if (stat(source, &st) < 0)
        return request_refuse("device", word, "%s: %s", source, strerror(errno));
    if (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode))
        return request_refuse("device", word, "%s is not a device (-v shows files and directories)", source);
    struct device_config device = {
        .path = path, .host_path = source, .type = S_ISBLK(st.st_mode) ? 'b' : 'c',
        .major = major(st.st_rdev), .minor = minor(st.st_rdev), .has_mode = true,
        .mode = st.st_mode & 0777, .origin = request_origin(r, "device", word)};
    *LIST_ADD(r->arena, &r->config->devices, &r->config->n_devices) = device;
    add_rule(r, (struct device_rule){true, device.type, device.major, device.minor,
                                     strchr(access, 'r') != NULL, strchr(access, 'w') != NULL,
                                     strchr(access, 'm') != NULL});
    return 0;
}

int request_devices(struct request *r)
{
    if (!r->options->privileged)
        add_rule(r, (struct device_rule){false, 'a', -1, -1, true, true, true});
    config_add_default_devices(r->config);
    if (r->options->privileged)
        add_rule(r, (struct device_rule){true, 'a', -1, -1, true, true, true});
    for (size_t i = 0; i < r->options->devices.count; i++)
        TRY(add_device(r, r->options->devices.words[i]));
    return 0;
}
