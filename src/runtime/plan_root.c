/* The root of the container: a directory of the caller's, or layers with an upper directory of its own.
 *
 * Where files are mapped by id-mapped mounts, which take rights over the host's file systems, HOST makes them (plan_root_sources),
 * and since Linux 6.15 the overlay as well; all else INIT does (plan_root). */
#include "runtime/plan_build.h"

#include "base/error.h"
#include "base/text.h"
#include "kernel/sys.h"
#include "runtime/mount_options.h"

#include <string.h>

/* ---- layers ---- */

/* The directory that an image's layers lie in, STORE/layers, where there are several to be id-mapped together. */
static const char *layers_base(struct builder *b)
{
    const char *const *lowers = b->config->root.lowers, *inside = lowers[1] ? strstr(lowers[0], "/layers/") : NULL;
    if (!inside || !b->ids.host_overlay)
        return NULL;
    const char *base = arena_strndup(b->arena, lowers[0], (size_t)(inside - lowers[0]) + strlen("/layers"));
    for (size_t i = 0; lowers[i]; i++)
        if (!text_path_covers(base, lowers[i]))
            return NULL;
    return base;
}

/* Which of the layers the root directory is like, or -1. */
static int model_of(const struct root_config *root)
{
    for (int i = 0; root->model && root->lowers[i]; i++)
        if (text_equal(root->lowers[i], root->model))
            return i;
    return -1;
}

static const char *describe_overlay(struct builder *b, const struct overlay_spec *overlay, bool mapped)
{
    const char *model = overlay->model < 0 ? "" : overlay->model ? plan_text(b, ", / like %s", b->config->root.model) : ", / alike";
    return plan_text(b, "%s%s", mapped ? ", layers id-mapped" : "", model);
}

static struct overlay_spec *overlay_spec(struct builder *b)
{
    struct overlay_spec *overlay = arena_alloc(b->arena, sizeof *overlay);
    *overlay = (struct overlay_spec){
        .lowers = b->config->root.lowers,
        .model = model_of(&b->config->root),
        .base = layers_base(b),
        .api = b->facts->kernel >= DETACHED_LAYERS ? LAYERS_FDS
               : b->facts->kernel >= KERNEL(6, 7)  ? LAYERS_NAMED
                                                   : LAYERS_JOINED,
        .container = b->memory_upper ? NULL : b->config->root.container,
        .owner = b->ids.host_overlay ? b->ids.map.uids.list[0].outside : 0,
        .idmapped = b->ids.idmapped_root,
        .nodev = plan_forbids_devices(b),
        .userxattr = (b->ids.fresh && !b->ids.host_overlay) || b->facts->in_userns,
    };
    return overlay;
}

static void add_overlay(struct builder *b, enum actor by)
{
    struct overlay_spec *overlay = overlay_spec(b);
    plan_add(b, (struct step){
                    .op = OP_OVERLAY, .by = by, .phase = by == HOST ? BIRTH : FILES,
                    .source = overlay->lowers[0],
                    .path = overlay->container ? overlay->container : "a tmpfs of its own",
                    .in = overlay->idmapped ? SLOT_USERNS : SLOT_NONE, .out = SLOT_ROOT,
                    .text = describe_overlay(b, overlay, overlay->idmapped), .data = overlay,
                    .why = b->config->root.origin ? b->config->root.origin
                                                  : "the image is shared, its changes are not"});
}

static void add_root_bind(struct builder *b, enum actor by)
{
    struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
    *spec = (struct mount_spec){.type = "bind", .recursive = true, .propagation = MS_PRIVATE,
                                .propagate_all = true, .idmap = b->ids.idmapped_root,
                                .set_all = plan_forbids_devices(b) ? MOUNT_ATTR_NODEV : 0,
                                .idmap_all = b->ids.idmapped_root};
    plan_add(b, (struct step){.op = OP_BIND_OPEN, .by = by, .phase = by == HOST ? BIRTH : FILES,
                              .source = b->config->root.path, .out = SLOT_ROOT, .data = spec,
                              .in = spec->idmap ? SLOT_USERNS : SLOT_NONE,
                              .text = mount_options_describe(b->arena, spec),
                              .why = b->config->root.origin ? b->config->root.origin : "/root/path"});
}

/* Before Linux 6.7 a string has them all. */
static int check_joined(struct builder *b)
{
    if (overlay_spec(b)->api == LAYERS_JOINED && text_count((char *const *)b->config->root.lowers) > MAX_JOINED)
        return refuse(-E2BIG, "overlay: more than %d layers need Linux 6.7", MAX_JOINED);
    return 0;
}

/* Overlay on id-mapped layers, before overlayfs took detached ones: HOST maps, INIT attaches the
 * layers where only its mount namespace sees them, and makes the overlay over those. */
static int add_mapped_lowers(struct builder *b)
{
    TRY(check_joined(b));
    for (size_t i = 0; b->config->root.lowers[i]; i++) {
        if (b->n_mounts == MAX_MOUNTS)
            return refuse(-E2BIG, "overlay: more than %d layers need Linux 6.15", MAX_MOUNTS);
        struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
        *spec = (struct mount_spec){.type = "bind", .idmap = true, .set = MOUNT_ATTR_RDONLY};
        enum slot slot = (enum slot)(SLOT_MOUNT + (int)b->n_mounts++);
        plan_add(b, (struct step){.op = OP_BIND_OPEN, .by = HOST, .phase = BIRTH,
                                  .source = b->config->root.lowers[i], .in = SLOT_USERNS,
                                  .out = slot, .data = spec,
                                  .text = mount_options_describe(b->arena, spec),
                                  .why = "a layer of the image"});
        plan_parcel(b, slot);
    }
    return 0;
}

/* ---- who makes it ---- */

int plan_root_sources(struct builder *b)
{
    if (!b->ids.idmapped_root)
        return 0;
    if (b->config->root.lowers && !b->ids.host_overlay)
        return add_mapped_lowers(b);
    b->config->root.lowers ? add_overlay(b, HOST) : add_root_bind(b, HOST);
    plan_parcel(b, SLOT_ROOT);
    return 0;
}

int plan_root(struct builder *b)
{
    if (b->ids.idmapped_root && b->config->root.lowers && !b->ids.host_overlay) {
        const char **attached = NULL;
        size_t n = 0;
        for (size_t i = 0; b->config->root.lowers[i]; i++) {
            const char *at = plan_text(b, "%s/lower%zu", b->config->root.container, i);
            plan_add(b, (struct step){.op = OP_ATTACH, .by = INIT, .phase = FILES, .in = (enum slot)(SLOT_MOUNT + (int)i),
                                      .path = at, .why = "overlayfs before Linux 6.15 takes attached layers only"});
            *LIST_ADD(b->arena, &attached, &n) = at;
        }
        *LIST_ADD(b->arena, &attached, &n) = NULL;
        add_overlay(b, INIT);
        struct overlay_spec *overlay = overlay_spec(b);
        overlay->lowers = attached;
        overlay->idmapped = false;
        struct step *step = &b->plan->steps[b->plan->count - 1];
        step->data = overlay;
        step->in = SLOT_NONE;
        step->text = describe_overlay(b, overlay, true);
    } else if (!b->ids.idmapped_root) {
        if (b->config->root.lowers && !b->facts->overlay)
            return refuse(-EOPNOTSUPP,
                          "overlay on %s: not possible in a user namespace on this kernel "
                          "(Linux 5.11 can; or give a directory of its own with --rootfs DIR)",
                          b->facts->root_fs);
        if (b->config->root.lowers)
            TRY(check_joined(b));
        b->config->root.lowers ? add_overlay(b, INIT) : add_root_bind(b, INIT);
    }
    bool hooks = b->config->hooks[HOOK_CREATE_CONTAINER].count && !b->config->root.lowers;
    plan_add(b, (struct step){.op = OP_ATTACH, .by = INIT, .phase = FILES, .in = SLOT_ROOT,
                              .path = hooks ? b->config->root.path : "/",
                              .why = hooks ? "where createContainer hooks look for it"
                                           : "over the old root: pivot_root(2) wants a mount"});
    return 0;
}
