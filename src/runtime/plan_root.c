/* The root of the container: a directory of the caller's, or layers with an upper directory of its own.
 *
 * Where files are mapped by id-mapped mounts, which take rights over the host's file systems, HOST makes them (plan_root_sources),
 * and since Linux 6.15 the overlay as well; all else INIT does (plan_root). */
#include "runtime/plan_build.h"

#include "base/error.h"
#include "base/overlay.h"
#include "base/text.h"
#include "kernel/sys.h"
#include "runtime/mount_options.h"

#include <string.h>

/* ---- layers ---- */

static bool has_overlay(const struct builder *b)
{
    return b->config->root.lowers && !b->copied;
}

/* The directory that an image's layers lie in, STORE/layers, where there are several: they are id-mapped together, by one mount. */
static const char *layers_base(struct builder *b)
{
    const char *const *lowers = b->config->root.lowers, *inside = lowers[1] ? strstr(lowers[0], "/layers/") : NULL;
    if (!inside || !b->ids.idmapped_root)
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

static const char *describe_overlay(struct builder *b, const struct overlay_spec *overlay)
{
    const char *model = overlay->model < 0 ? "" : overlay->model ? plan_text(b, ", / like %s", b->config->root.model) : ", / alike";
    return plan_text(b, "%s%s", b->ids.idmapped_root ? ", layers id-mapped" : "", model);
}

static enum layer_api layer_api(const struct builder *b)
{
    unsigned kernel = b->facts->kernel;
    return kernel >= DETACHED_LAYERS ? LAYERS_FDS : kernel >= KERNEL(6, 7) ? LAYERS_NAMED : LAYERS_JOINED;
}

static struct overlay_spec *overlay_spec(struct builder *b)
{
    struct overlay_spec *overlay = arena_alloc(b->arena, sizeof *overlay);
    *overlay = (struct overlay_spec){
        .lowers = b->config->root.lowers,
        .model = model_of(&b->config->root),
        .base = layers_base(b),
        .api = layer_api(b),
        .container = b->memory_upper ? NULL : b->config->root.container,
        .owner = b->ids.host_overlay ? b->ids.map.uids.list[0].outside : 0,
        .idmapped = b->ids.idmapped_root,
        .nodev = plan_forbids_devices(b),
        .userxattr = (b->ids.fresh && !b->ids.host_overlay) || b->facts->in_userns,
    };
    return overlay;
}

static void add_overlay(struct builder *b, enum actor by, struct overlay_spec *overlay)
{
    plan_add(b, (struct step){
                    .op = OP_OVERLAY, .by = by, .phase = by == HOST ? BIRTH : FILES,
                    .source = b->config->root.lowers[0],
                    .path = overlay->container ? overlay->container : "a tmpfs of its own",
                    .in = overlay->idmapped ? SLOT_USERNS : SLOT_NONE, .out = SLOT_ROOT,
                    .text = describe_overlay(b, overlay), .data = overlay,
                    .why = b->config->root.origin ? b->config->root.origin
                                                  : "the image is shared, its changes are not"});
}

/* In a user namespace the marks of root's layers, trusted.overlay.*, are not seen; without one INIT is as good. */
static bool host_copies(const struct builder *b)
{
    return b->ids.idmapped_root || (b->ids.fresh && b->facts->uid == 0 && !b->facts->in_userns);
}

static void add_copy(struct builder *b, enum actor by)
{
    const struct root_config *root = &b->config->root;
    struct copy_spec *copy = arena_alloc(b->arena, sizeof *copy);
    size_t n = text_count((char *const *)root->lowers);
    bool user = b->facts->uid || b->facts->in_userns;
    *copy = (struct copy_spec){.lowers = root->lowers, .model = model_of(root), .container = root->container,
                               .opaque = user ? OVERLAY_OPAQUE_USER : OVERLAY_OPAQUE};
    plan_add(b, (struct step){.op = OP_COPY_LAYERS, .by = by, .phase = by == HOST ? BIRTH : FILES, .source = root->lowers[0],
                              .text = n > 1 ? plan_text(b, " and %zu layers below it", n - 1) : "",
                              .path = plan_text(b, "%s/upper", root->container), .data = copy,
                              .why = root->origin ? root->origin : "the image is shared, its copy is not"});
}

static void add_root_bind(struct builder *b, enum actor by)
{
    if (b->copied && !host_copies(b))
        add_copy(b, by);
    struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
    *spec = (struct mount_spec){.type = "bind", .recursive = true, .propagation = MS_PRIVATE,
                                .propagate_all = true, .idmap = b->ids.idmapped_root,
                                .set_all = plan_forbids_devices(b) ? MOUNT_ATTR_NODEV : 0,
                                .idmap_all = b->ids.idmapped_root};
    plan_add(b, (struct step){.op = OP_BIND_OPEN, .by = by, .phase = by == HOST ? BIRTH : FILES,
                              .source = b->copied ? plan_text(b, "%s/upper", b->config->root.container) : b->config->root.path,
                              .out = SLOT_ROOT, .data = spec,
                              .in = spec->idmap ? SLOT_USERNS : SLOT_NONE,
                              .text = mount_options_describe(b->arena, spec),
                              .why = b->copied                ? "the copy"
                                     : b->config->root.origin ? b->config->root.origin
                                                              : "/root/path"});
}

/* Before Linux 6.7 a page has them all. */
static int check_joined(const struct builder *b)
{
    if (has_overlay(b) && layer_api(b) == LAYERS_JOINED && text_count((char *const *)b->config->root.lowers) > MAX_JOINED)
        return refuse(-E2BIG, "overlay: more than %d layers need Linux 6.7", MAX_JOINED);
    return 0;
}

/* Overlay on id-mapped layers, before overlayfs took detached ones: HOST maps them, or the directory that they all lie in; INIT
 * attaches that where only its mount namespace sees it, and makes the overlay over what is there then. */
static int add_mapped_lowers(struct builder *b)
{
    const char *base = layers_base(b);
    struct mount_spec *spec = arena_alloc(b->arena, sizeof *spec);
    *spec = (struct mount_spec){.type = "bind", .idmap = true, .set = MOUNT_ATTR_RDONLY};
    if (b->config->root.lowers[1] && !base)
        return refuse(-EOPNOTSUPP, "overlay: layers that do not lie in one directory need Linux 6.15");
    b->lowers = (enum slot)(SLOT_MOUNT + (int)b->n_mounts++);
    plan_add(b, (struct step){.op = OP_BIND_OPEN, .by = HOST, .phase = BIRTH,
                              .source = base ? base : b->config->root.lowers[0], .in = SLOT_USERNS,
                              .out = b->lowers, .data = spec,
                              .text = mount_options_describe(b->arena, spec),
                              .why = base ? "the image's layers" : "a layer of the image"});
    plan_parcel(b, b->lowers);
    return 0;
}

static void add_attached_lowers(struct builder *b)
{
    const char *at = plan_text(b, "%s/lower", b->config->root.container), *base = layers_base(b);
    struct overlay_spec *overlay = overlay_spec(b);
    const char **attached = NULL;
    size_t n = 0;
    for (const char **lower = overlay->lowers; *lower; lower++)
        *LIST_ADD(b->arena, &attached, &n) = base ? plan_text(b, "%s%s", at, *lower + strlen(base)) : at;
    *LIST_ADD(b->arena, &attached, &n) = NULL;
    plan_add(b, (struct step){.op = OP_ATTACH, .by = INIT, .phase = FILES, .in = b->lowers, .path = at,
                              .why = "overlayfs before Linux 6.15 takes attached layers only"});
    overlay->lowers = attached;
    overlay->base = NULL;
    overlay->idmapped = false;
    add_overlay(b, INIT, overlay);
}

/* ---- who makes it ---- */

int plan_root_sources(struct builder *b)
{
    TRY(check_joined(b));
    if (b->copied && host_copies(b))
        add_copy(b, HOST);
    if (!b->ids.idmapped_root)
        return 0;
    if (has_overlay(b) && !b->ids.host_overlay)
        return add_mapped_lowers(b);
    if (has_overlay(b))
        add_overlay(b, HOST, overlay_spec(b));
    else
        add_root_bind(b, HOST);
    plan_parcel(b, SLOT_ROOT);
    return 0;
}

int plan_root(struct builder *b)
{
    if (b->ids.idmapped_root && has_overlay(b) && !b->ids.host_overlay) {
        add_attached_lowers(b);
    } else if (!b->ids.idmapped_root) {
        if (has_overlay(b))
            add_overlay(b, INIT, overlay_spec(b));
        else
            add_root_bind(b, INIT);
    }
    bool hooks = b->config->hooks[HOOK_CREATE_CONTAINER].count && !b->config->root.lowers;
    plan_add(b, (struct step){.op = OP_ATTACH, .by = INIT, .phase = FILES, .in = SLOT_ROOT,
                              .path = hooks ? b->config->root.path : "/",
                              .why = hooks ? "where createContainer hooks look for it"
                                           : "over the old root: pivot_root(2) wants a mount"});
    return 0;
}
