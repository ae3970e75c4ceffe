/* crun's short form of a mount's own maps, which Podman passes on as it is typed: idmap=uids=0-1000-10#10-2000-1;gids=0-1000-1.
 * Each range is the first id on disk, the first one that it looks like, and how many; with @ in front the second one is as
 * the container sees it. */
#include "spec/config_fields.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

static int expected(const struct mount_config *mount, const char *name, const char *text)
{
    return refuse(-EINVAL, "%s: %s: %.200s: expected idmap=uids=ID-ID-COUNT#...;gids=ID-ID-COUNT#...", name, mount->origin, text);
}

static bool read_range(struct arena *arena, const char *text, const struct idmaps *container, struct idmap *map)
{
    size_t count;
    const char *relative = text_after(text, "@");
    char **words = text_split(arena, relative ? relative : text, '-', &count);
    if (count != 3 || text_to_id(words[0], &map->inside) < 0 || text_to_id(words[1], &map->outside) < 0 ||
        text_to_id(words[2], &map->count) < 0)
        return false;
    int64_t outside = relative ? idmaps_outside(container, map->outside) : map->outside;
    map->outside = (uint32_t)outside;
    return outside >= 0 && map->count && (uint64_t)map->inside + map->count <= UINT32_MAX &&
           (uint64_t)outside + map->count <= UINT32_MAX;
}

static bool read_part(struct arena *arena, const char *part, const struct idmaps *container, struct idmaps *maps)
{
    size_t count;
    char **ranges = text_split(arena, part, '#', &count);
    for (size_t i = 0; i < count; i++)
        if (!read_range(arena, ranges[i], container, LIST_ADD(arena, &maps->list, &maps->count)))
            return false;
    return true;
}

static int read_option(struct config *config, struct mount_config *mount, const char *name, const char *option, const char *text)
{
    size_t count;
    char **parts = text_split(config->arena, text, ';', &count);
    if (mount->uids.count)
        return refuse(-EINVAL, "%s: %s: %.200s: its maps are given twice", name, mount->origin, option);
    for (size_t i = 0; i < count; i++) {
        const char *uids = text_after(parts[i], "uids="), *gids = text_after(parts[i], "gids=");
        struct idmaps *maps = uids ? &mount->uids : &mount->gids;
        if ((!uids && !gids) || maps->count ||
            !read_part(config->arena, uids ? uids : gids, uids ? &config->uid_mappings : &config->gid_mappings, maps))
            return expected(mount, name, option);
    }
    return mount->uids.count && mount->gids.count ? 0 : expected(mount, name, option);
}

int config_expand_idmaps(struct config *config, const char *name)
{
    static const char *const words[] = {"idmap", "ridmap"};
    for (size_t i = 0; i < config->n_mounts; i++)
        for (char **option = config->mounts[i].options; *option; option++)
            for (size_t k = 0; k < COUNT(words); k++) {
                const char *text = text_after(*option, words[k]);
                if (!text || *text != '=')
                    continue;
                TRY(read_option(config, &config->mounts[i], name, *option, text + 1));
                *option = arena_strdup(config->arena, words[k]);
                break;
            }
    return 0;
}
