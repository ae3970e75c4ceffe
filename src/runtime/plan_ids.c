/* Whose ids the container has. Four cases, from the same configuration:
 *
 *   - the caller may map any id (root): 65,536 ids of a range of the container's own, so that two
 *     containers never share a host id. The range is 0x80000 to 0x6FFF0000, which systemd documents
 *     as the one for containers (systemd "Users, Groups, UIDs and GIDs"); the start is a hash of the
 *     container's id. Files keep their ids on disk: lower layers and binds are id-mapped mounts
 *     (mount_setattr(2)); what the container writes into its own upper layer has the range's ids.
 *   - root already inside a user namespace: id-mapped mounts are not to be had
 *     (they need CAP_SYS_ADMIN over the file system's namespace), so the ids are passed on as they are.
 *   - an ordinary user with ranges in /etc/subuid: 0 is the user, 1 and up are the ranges.
 *   - an ordinary user without: one id, and the user is told.
 *
 * Only root falls back, and only to what it had before: no user namespace, with a note. */
#include "runtime/plan_build.h"

#include "base/error.h"
#include "base/text.h"
#include "runtime/userns.h"

#include <linux/capability.h>

enum { RANGE_FIRST = 0x80000, RANGE_COUNT = 65536, RANGE_LAST = 0x6FFF0000 };

static bool has_capability(const struct facts *facts, int capability)
{
    return facts->capabilities >> capability & 1;
}

/* May the caller act on the whole host? */
static bool is_privileged(const struct facts *facts)
{
    return has_capability(facts, CAP_SYS_ADMIN) && has_capability(facts, CAP_SETUID) &&
           has_capability(facts, CAP_SETGID);
}

static uint32_t range_of(const char *id)
{
    uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */
    for (; *id; id++)
        hash = (hash ^ (unsigned char)*id) * 0x100000001b3ULL;
    uint32_t ranges = (RANGE_LAST - RANGE_FIRST) / RANGE_COUNT;
    return RANGE_FIRST + (uint32_t)((hash >> 16) % ranges) * RANGE_COUNT;
}

static void map_add(struct builder *b, struct idmaps *maps, uint32_t inside, uint32_t outside,
                    uint32_t count)
{
    *LIST_ADD(b->arena, &maps->list, &maps->count) =
        (struct idmap){.inside = inside, .outside = outside, .count = count};
}

static int ids_host(struct builder *b, const char *why)
{
    if (!is_privileged(b->facts))
        return refuse(-EPERM,
                      "%s: an ordinary user's container needs a user namespace of its own "
                      "(leave the option out, or run bocal as root)",
                      why ? why : "no user namespace is asked for");
    return 0;
}

/* Root without a user namespace, as everybody's root containers were before. */
static int ids_fall_back(struct builder *b, const char *reason)
{
    plan_note(b, "no user namespace: %s; root in the container is root of the host", reason);
    return 0;
}

static const char *no_idmap_reason(struct builder *b)
{
    const struct facts *f = b->facts;
    if (f->max_userns == 0)
        return "user.max_user_namespaces is 0";
    if (f->proc_masked)
        return "the caller's /proc is masked, so the kernel refuses a new procfs in a user namespace";
    if (!f->idmap_root)
        return plan_text(b, "%s cannot be id-mapped by this kernel",
                         f->root_fs ? f->root_fs : "the root's file system");
    if (b->config->root.lowers && f->kernel < KERNEL(5, 19))
        return "overlay on id-mapped layers needs Linux 5.19";
    if (b->config->root.lowers && text_equal(f->root_fs, "overlay"))
        return "overlayfs takes no id-mapped layers that are another overlay's";
    return NULL;
}

static int ids_root(struct builder *b)
{
    struct ids *ids = &b->ids;
    if (b->facts->in_userns) {
        if (b->facts->proc_masked || b->facts->max_userns == 0)
            return ids_fall_back(b, no_idmap_reason(b));
        ids->fresh = true;
        for (size_t i = 0; i < b->facts->own_ids.count; i++)
            map_add(b, &ids->map.uids, b->facts->own_ids.list[i].inside,
                    b->facts->own_ids.list[i].inside, b->facts->own_ids.list[i].count);
        ids->map.gids = ids->map.uids;
        return 0;
    }
    const char *reason = no_idmap_reason(b);
    if (reason)
        return ids_fall_back(b, reason);
    ids->fresh = ids->idmapped_root = true;
    uint32_t start = range_of(b->id);
    map_add(b, &ids->map.uids, 0, start, RANGE_COUNT);
    map_add(b, &ids->map.gids, 0, start, RANGE_COUNT);
    return 0;
}

static int ids_single(struct builder *b)
{
    const struct facts *f = b->facts;
    const struct user_config *user = &b->config->process.user;
    const char *reason = f->newuidmap && f->newgidmap
                             ? plan_text(b, "%s has no range in /etc/subuid and /etc/subgid", f->user)
                             : "newuidmap and newgidmap are not installed";
    const char *way_out = f->newuidmap && f->newgidmap
                              ? plan_text(b, "usermod --add-subuids 100000-165535 "
                                             "--add-subgids 100000-165535 %s", f->user)
                              : "install the package uidmap";
    if (user->name && !user->uid && !text_equal(user->name, "root") && !text_equal(user->name, "0"))
        return refuse(-EPERM, "%s: there is only one id to be: %s (%s; or give a number)",
                      user->origin, reason, way_out);
    if (user->n_groups || user->group_names)
        return refuse(-EPERM, "--group-add: there is only one id to be: %s (%s)", reason, way_out);
    struct ids *ids = &b->ids;
    ids->single = ids->map.deny_setgroups = true;
    ids->inside_uid = user->uid;
    ids->inside_gid = user->gid;
    map_add(b, &ids->map.uids, user->uid, f->uid, 1);
    map_add(b, &ids->map.gids, user->gid, f->gid, 1);
    plan_note(b, "one id only: %s (%s)", reason, way_out);
    return 0;
}

static int ids_user(struct builder *b)
{
    const struct facts *f = b->facts;
    TRY(facts_userns(f));
    if (f->proc_masked)
        return refuse(-EPERM,
                      "mount /proc: the caller's own /proc is masked, so the kernel refuses a new one "
                      "in a user namespace (start the outer container with "
                      "--security-opt unmask=ALL, or systempaths=unconfined in Docker)");
    struct ids *ids = &b->ids;
    ids->fresh = true;
    if (!f->subuid.count || !f->subgid.count || !f->newuidmap || !f->newgidmap)
        return ids_single(b);
    ids->map.newuidmap = f->newuidmap;
    ids->map.newgidmap = f->newgidmap;
    userns_ranges(b->arena, f->uid, &f->subuid, &ids->map.uids);
    userns_ranges(b->arena, f->gid, &f->subgid, &ids->map.gids);
    return 0;
}

/* What the kernel lets anybody map: one id, one's own. */
static bool is_own_id(const struct idmaps *maps, uint32_t own)
{
    return maps->count == 1 && maps->list[0].outside == own && maps->list[0].count == 1;
}

/* linux.uidMappings, or --uidmap: as given. */
static int ids_given(struct builder *b)
{
    struct ids *ids = &b->ids;
    ids->fresh = true;
    ids->map.uids = b->config->uid_mappings;
    ids->map.gids = b->config->gid_mappings;
    if (is_privileged(b->facts)) {
        ids->idmapped_root = b->config->auto_userns && b->facts->idmap_root;
        return 0;
    }
    TRY(facts_userns(b->facts));
    if (is_own_id(&ids->map.uids, b->facts->uid) && is_own_id(&ids->map.gids, b->facts->gid)) {
        ids->single = ids->map.deny_setgroups = true;
        ids->inside_uid = ids->map.uids.list[0].inside;
        ids->inside_gid = ids->map.gids.list[0].inside;
        return 0;
    }
    if (!b->facts->newuidmap || !b->facts->newgidmap)
        return refuse(-EPERM, "--uidmap: newuidmap and newgidmap are not installed "
                              "(install the package uidmap)");
    ids->map.newuidmap = b->facts->newuidmap;
    ids->map.newgidmap = b->facts->newgidmap;
    return 0;
}

static void describe_overlay(struct builder *b)
{
    struct ids *ids = &b->ids;
    ids->host_overlay = ids->idmapped_root && b->facts->kernel >= DETACHED_LAYERS;
    ids->map.process = SLOT_INIT;
}

int plan_choose_ids(struct builder *b)
{
    const struct ns_config *user = &b->config->namespaces[NS_USER];
    if (!user->listed)
        return ids_host(b, user->origin);
    if (user->path) {
        b->ids.joined = true;
        return 0;
    }
    if (b->config->uid_mappings.count)
        TRY(ids_given(b));
    else if (!is_privileged(b->facts))
        TRY(ids_user(b));
    else
        TRY(ids_root(b));
    describe_overlay(b);
    return 0;
}
