/* From nothing to a process of the container that waits for its ids: the state directory with the
 * journal first, so that whatever follows can be undone; then cgroup, birth, id maps. */
#include "runtime/plan_build.h"

#include "base/error.h"
#include "base/text.h"
#include "kernel/apparmor.h"
#include "kernel/sys.h"

#include <string.h>

/* The default profile where the host can: loaded by root when the kernel has it not. */
int plan_apparmor(struct builder *b)
{
    const struct process_config *process = &b->config->process;
    const struct facts *facts = b->facts;
    b->apparmor = process->apparmor_profile;
    if (!b->apparmor || (process->apparmor_defaulted && !facts->apparmor)) {
        b->apparmor = NULL;
        return 0;
    }
    if (!facts->apparmor)
        return refuse(-EOPNOTSUPP, "--security-opt apparmor=%s: this host's kernel has no AppArmor (leave it "
                                   "out)",
                      b->apparmor);
    if (!text_equal(b->apparmor, APPARMOR_DEFAULT) || facts->apparmor_loaded)
        return 0;
    if (facts->apparmor_hidden && !process->apparmor_defaulted)
        return 0; /* then the label itself fails where the kernel has it not */
    if (!facts->apparmor_parser) {
        const char *reason = facts->apparmor_hidden ? "securityfs is not mounted on /sys/kernel/security"
                             : facts->uid           ? "only root can load it (--security-opt apparmor=unconfined)"
                                                    : "apparmor_parser is missing (apt-get install apparmor)";
        if (!process->apparmor_defaulted)
            return refuse(-EOPNOTSUPP, "--security-opt apparmor=%s: %s", b->apparmor, reason);
        plan_note(b, "AppArmor profile %s left out: %s", b->apparmor, reason);
        b->apparmor = NULL;
        return 0;
    }
    plan_add(b, (struct step){.op = OP_APPARMOR, .by = HOST, .path = facts->apparmor_parser,
                              .text = b->apparmor, .why = "AppArmor: the kernel has not got it yet"});
    return 0;
}

static const char *no_overlay(const struct facts *facts)
{
    return facts->uid && facts->kernel < KERNEL(5, 11) ? "ordinary users have overlayfs since Linux 5.11" : "this kernel has no overlayfs";
}

/* Why no overlay can be had where nobody has asked for one in so many words; NULL: it can. */
static const char *why_copy(struct builder *b, const char *no_memory)
{
    const struct root_config *root = &b->config->root;
    if (root->upper != UPPER_FITTING && root->upper != UPPER_AUTO)
        return NULL;
    if (!b->facts->overlay)
        return no_overlay(b->facts);
    if (root->upper == UPPER_FITTING && !facts_upper_fits(b->facts) && no_memory)
        return plan_text(b, "overlayfs cannot keep on %s what is written, and to keep it in memory %s", b->facts->root_fs, no_memory);
    return NULL;
}

static const char *why_no_memory(const struct builder *b)
{
    const struct facts *facts = b->facts;
    bool in_userns = b->ids.joined || (b->ids.fresh && !b->ids.host_overlay) || facts->in_userns;
    if (facts->kernel < DETACHED_LAYERS)
        return "needs Linux 6.15";
    return in_userns && !facts->tmpfs_xattr ? "this kernel's tmpfs keeps no attributes" : NULL;
}

/* In memory nothing of the container touches a disk, nor is there anything to remove; but memory is less
 * than disks have, and counts against the container's limit: only where somebody asked, or where it is
 * the default and there is no limit. */
static int choose_upper(struct builder *b)
{
    const struct root_config *root = &b->config->root;
    const struct facts *facts = b->facts;
    const char *reason = why_no_memory(b), *copy = root->lowers ? why_copy(b, reason) : NULL;
    b->copied = root->lowers && (copy || root->upper == UPPER_COPY);
    if (b->copied && b->ids.joined)
        return refuse(-EOPNOTSUPP, "%s: the user namespace is another's, who may not have the files' ids (without %s, or --rootfs DIR)",
                      root->upper == UPPER_COPY ? root->upper_origin : "overlay", root->upper == UPPER_COPY ? "it" : "--userns");
    if (copy)
        plan_note(b, "the image is copied, which takes time and room: %s (--upper copy says so)", copy);
    if (root->lowers && !b->copied && !facts->overlay)
        return refuse(-EOPNOTSUPP, "%s: %s (--upper copy does without)", root->origin ? root->origin : "overlay", no_overlay(facts));
    if (!root->lowers || b->copied || root->upper == UPPER_DISK || (root->upper == UPPER_FITTING && facts_upper_fits(facts)))
        return 0;
    if (reason && root->upper == UPPER_MEMORY)
        return refuse(-EOPNOTSUPP, "%s: %s (leave it out: then it is on disk)", root->upper_origin, reason);
    b->memory_upper = !reason;
    if (root->upper == UPPER_FITTING && !reason)
        plan_note(b, "what the container writes is in memory: overlayfs cannot keep it on %s (--upper memory says so)", facts->root_fs);
    return 0;
}

int plan_prepare(struct builder *b)
{
    const struct root_config *root = &b->config->root;
    TRY(choose_upper(b));
    plan_add(b, (struct step){.op = OP_STATE, .by = HOST, .path = b->state,
                              .why = "the journal: what delete has to undo"});
    if (root->lowers && !b->memory_upper) {
        bool owned = b->ids.idmapped_root && !b->copied;
        uint32_t owner = owned ? b->ids.map.uids.list[0].outside : b->facts->uid;
        plan_add(b, (struct step){.op = OP_LAYER, .by = HOST, .path = root->container,
                                  .text = owned ? plan_text(b, ", owned by %u", owner) : "",
                                  .number = owned ? (int64_t)owner : -1,
                                  .flags = b->ids.joined ? PASSABLE : 0,
                                  .mode = owned && !b->ids.host_overlay,
                                  .why = b->copied ? "what the container has is its own"
                                                   : "overlay: what the container writes is its own"});
    }
    if (b->config->waits)
        plan_add(b, (struct step){.op = OP_LISTEN, .by = HOST, .out = SLOT_START,
                                  .path = plan_text(b, "%s/%s/start", b->facts->state_dir, b->id),
                                  .why = "the command waits for start"});
    plan_notify(b);
    TRY(plan_listener(b));
    plan_hooks_output(b);
    return plan_apparmor(b);
}

/* How the configuration's namespaces come about: by the birth, by joining, or not at all. The cgroup
 * namespace is made later, from inside the cgroup (cgroup_namespaces(7): its root is the cgroup that
 * the caller is in), and so is the network namespace, whose making takes longer than everything else
 * (docs/performance.md): without a user namespace of the container's own HOST makes it, while INIT mounts;
 * with one it has to be made inside that, and INIT does, while HOST maps ids and mounts layers. The time
 * namespace is entered by a birth after its offsets are set. */
static void sort_namespaces(struct builder *b)
{
    for (int i = 0; i < NS_COUNT; i++) {
        const struct ns_config *ns = &b->config->namespaces[i];
        if (i == NS_USER ? b->ids.joined : ns->listed && ns->path)
            b->joins = true;
        else if (ns->listed && i != NS_CGROUP && i != NS_TIME && i != NS_USER && i != NS_NETWORK)
            b->born |= ns_flags[i];
    }
    if (b->config->namespaces[NS_TIME].listed && !b->config->namespaces[NS_TIME].path)
        b->joins = true;
    const struct ns_config *network = &b->config->namespaces[NS_NETWORK];
    b->host_network = network->listed && !network->path && !b->joins && !b->ids.fresh && !b->facts->in_userns;
}

void plan_clone(struct builder *b, enum actor by, uint64_t flags, enum slot out)
{
    bool cgroup = by == HOST && b->clone_into;
    plan_add(b, (struct step){.op = OP_CLONE, .by = by, .phase = BIRTH, .flags = flags, .out = out,
                              .in = cgroup ? SLOT_CGROUP : SLOT_NONE,
                              .text = cgroup ? ", born in its cgroup" : "",
                              .why = "namespaces(7), clone(2)"});
}

void plan_die_with(struct builder *b, enum actor by)
{
    if (b->config->outlives && by == INIT)
        return;
    plan_add(b, (struct step){.op = OP_DIE_WITH, .by = by, .phase = BIRTH,
                              .why = "nothing outlives its supervisor"});
}

static char *describe_map(struct builder *b)
{
    const struct idmaps *maps = &b->ids.map.uids;
    char *text = arena_strdup(b->arena, "");
    for (size_t i = 0; i < maps->count; i++)
        text = plan_text(b, "%s%s%u is %u, %u id%s", text, i ? "; " : "", maps->list[i].inside,
                         maps->list[i].outside, maps->list[i].count,
                         maps->list[i].count == 1 ? "" : "s");
    return text;
}

static void add_maps(struct builder *b)
{
    struct map_spec *map = arena_alloc(b->arena, sizeof *map);
    *map = b->ids.map;
    map->process = b->joins ? SLOT_JOINER : SLOT_INIT;
    plan_add(b, (struct step){.op = OP_MAP_IDS, .by = HOST, .phase = BIRTH,
                              .text = describe_map(b), .in = map->process, .data = map,
                              .why = map->newuidmap ? "newuidmap(1), /etc/subuid"
                                     : b->ids.single ? "user_namespaces(7): one id, your own"
                                                     : "root in the container is nobody outside"});
}

void plan_become(struct builder *b, enum actor by)
{
    plan_add(b, (struct step){.op = OP_BECOME, .by = by, .phase = BIRTH,
                              .number = b->ids.inside_uid, .flags = b->ids.inside_gid,
                              .mode = b->config->keep_groups ? 0
                                      : b->ids.joined        ? MAY_BE_DENIED
                                                             : !b->ids.single,
                              .why = "files made from here on are its root's"});
}

static void add_offset(struct builder *b, const char *clock, const char *name, int64_t offset)
{
    int64_t seconds = offset / 1000000000, rest = offset % 1000000000;
    if (rest < 0) { /* the kernel wants nanoseconds of 0 and more */
        seconds--;
        rest += 1000000000;
    }
    plan_add(b, (struct step){.op = OP_TIME_OFFSET, .by = JOINER, .phase = BIRTH, .number = seconds, .text = name,
                              .data = plan_text(b, "%s %lld %lld\n", clock, (long long)seconds, (long long)rest),
                              .why = b->config->namespaces[NS_TIME].origin});
}

/* Before it changes its ids: then /proc/self is its own no longer. */
static void add_time_namespace(struct builder *b)
{
    const struct ns_config *time = &b->config->namespaces[NS_TIME];
    if (!time->listed || time->path)
        return;
    plan_add(b, (struct step){.op = OP_UNSHARE, .by = JOINER, .phase = BIRTH,
                              .flags = CLONE_NEWTIME, .why = time->origin});
    if (b->config->time_offset)
        add_offset(b, "boottime", "boot time", b->config->boottime_offset);
    if (b->config->has_monotonic_offset)
        add_offset(b, "monotonic", "monotonic time", b->config->monotonic_offset);
}

/* What is written through /proc/self, while that is still the caller's (proc(5)): before ids change and
 * namespaces are joined. All of it passes from JOINER to INIT at birth. */
void plan_own_values(struct builder *b)
{
    const struct process_config *process = &b->config->process;
    enum actor by = b->joins ? JOINER : INIT;
    const char *selinux = process->selinux_label;
    if (process->has_oom_score_adj)
        plan_add(b, (struct step){.op = OP_OOM_SCORE, .by = by, .phase = BIRTH,
                                  .number = process->oom_score_adj,
                                  .why = "while /proc/self is the caller's: proc(5)"});
    if (!b->apparmor && !selinux)
        return;
    plan_add(b, (struct step){.op = OP_LABEL, .by = by, .phase = BIRTH,
                              .text = b->apparmor ? plan_text(b, "AppArmor %s at exec", b->apparmor)
                                                  : plan_text(b, "SELinux %s at exec", selinux),
                              .path = b->apparmor ? b->apparmor : selinux,
                              .flags = b->apparmor != NULL,
                              .why = "while /proc/self is the caller's: proc(5)"});
}

void plan_hide(struct builder *b)
{
    plan_add(b, (struct step){.op = OP_HIDE, .by = b->joins ? JOINER : INIT, .phase = BIRTH,
                              .why = "CVE-2016-9962: others are there who may trace what enters"});
}

static bool joins_others(const struct builder *b)
{
    for (int i = 0; i < NS_COUNT; i++)
        if (b->config->namespaces[i].listed && b->config->namespaces[i].path)
            return true;
    return false;
}

/* INIT, by JOINER but as HOST's child: CLONE_PARENT. */
void plan_bear(struct builder *b)
{
    plan_clone(b, JOINER, b->born, SLOT_INIT);
    struct parcel *parcel = arena_alloc(b->arena, sizeof *parcel);
    parcel->slots[0] = SLOT_INIT;
    plan_add(b, (struct step){.op = OP_SEND, .by = JOINER, .phase = BIRTH, .token = TOKEN_INIT,
                              .text = "@init", .data = parcel, .why = "HOST is its parent"});
    plan_add(b, (struct step){.op = OP_WAIT, .by = HOST, .phase = BIRTH, .token = TOKEN_INIT,
                              .text = "INIT is born", .out = SLOT_INIT, .data = parcel,
                              .why = "HOST is its parent"});
    plan_init_values(b);
    static const struct parcel nothing;
    const char *why = "INIT does nothing before HOST can end it";
    plan_add(b, (struct step){.op = OP_SEND, .by = HOST, .phase = BIRTH, .token = TOKEN_BORN,
                              .text = "INIT is known", .data = &nothing, .why = why});
    plan_add(b, (struct step){.op = OP_WAIT, .by = INIT, .phase = BIRTH, .token = TOKEN_BORN,
                              .text = "INIT is known", .data = &nothing, .why = why});
}

/* setns(2) into a pid or time namespace moves only children: hence a process between, which then
 * bears INIT as HOST's child (CLONE_PARENT). Joining the user namespace comes first: it is what
 * gives the right to join the others. */
static void add_joiner(struct builder *b)
{
    plan_die_with(b, JOINER);
    plan_own_values(b);
    if (b->ids.fresh) {
        plan_add(b, (struct step){.op = OP_WAIT, .by = JOINER, .phase = BIRTH, .token = TOKEN_IDS,
                                  .text = "ids are mapped", .data = b->parcel,
                                  .why = "nothing is made before its owner is known"});
    }
    add_time_namespace(b);
    if (b->ids.fresh)
        plan_become(b, JOINER);
    if (joins_others(b))
        plan_hide(b);
    for (int i = 0; i < NS_COUNT; i++) {
        const struct ns_config *ns = &b->config->namespaces[i];
        if (ns->listed && ns->path)
            plan_add(b, (struct step){.op = OP_JOIN, .by = JOINER, .phase = BIRTH,
                                      .path = ns->path, .flags = ns_flags[i], .why = ns->origin});
    }
    plan_bear(b);
}

void plan_shim(struct builder *b)
{
    plan_add(b, (struct step){.op = OP_SHIM, .by = HOST, .phase = BIRTH, .out = SLOT_SHIM,
                              .why = b->config->init ? "PID 1; and CVE-2019-5736"
                                                     : "CVE-2019-5736: /proc/self/exe"});
}

/* What the command needs and the set-up does not: HOST sees to it while INIT works. For the device filter the
 * kernel takes a quarter of a millisecond. */
static void add_ready(struct builder *b)
{
    if (b->ids.fresh)
        return; /* all of it has come with TOKEN_IDS */
    plan_shim(b);
    if (b->device_filter)
        plan_add(b, *b->device_filter);
    struct parcel *parcel = arena_alloc(b->arena, sizeof *parcel);
    parcel->slots[0] = SLOT_SHIM;
    plan_add(b, (struct step){.op = OP_SEND, .by = HOST, .phase = BIRTH, .token = TOKEN_READY,
                              .text = "@shim, HOST is done", .data = parcel, .why = "INIT waits for it"});
    b->ready = parcel;
}

static int check_joins(struct builder *b)
{
    const struct ns_config *mount = &b->config->namespaces[NS_MOUNT];
    if (!mount->listed)
        return refuse(-EINVAL, "%s: a container needs a mount namespace of its own",
                      mount->origin ? mount->origin : "/linux/namespaces");
    if (b->joins && b->ids.fresh)
        for (int i = 0; i < NS_COUNT; i++)
            if (b->config->namespaces[i].path)
                return refuse(-EINVAL,
                              "%s: a new user namespace has no rights over that container's "
                              "namespaces (add --userns container:PID, or as root --userns host)",
                              b->config->namespaces[i].origin);
    return 0;
}

static void send_ids(struct builder *b)
{
    plan_add(b, (struct step){.op = OP_SEND, .by = HOST, .phase = BIRTH, .token = TOKEN_IDS,
                              .text = "ids are mapped, mounts are ready", .data = b->parcel,
                              .why = "INIT waits for it"});
}

int plan_birth(struct builder *b)
{
    sort_namespaces(b);
    TRY(check_joins(b));
    TRY(plan_net_check(b));
    uint64_t user = b->ids.fresh ? CLONE_NEWUSER : 0;
    bool parcel = b->ids.fresh;
    if (b->joins)
        plan_clone(b, HOST, user, SLOT_JOINER);
    else
        plan_clone(b, HOST, user | b->born, SLOT_INIT), plan_init_values(b);
    if (b->ids.fresh) {
        add_maps(b);
        plan_shim(b);
        if (b->device_filter)
            plan_add(b, *b->device_filter);
        plan_parcel(b, SLOT_SHIM);
    }
    if (b->ids.idmapped_root)
        plan_add(b, (struct step){.op = OP_OPEN_USERNS, .by = HOST, .phase = BIRTH,
                                  .in = b->joins ? SLOT_JOINER : SLOT_INIT, .out = SLOT_USERNS,
                                  .why = "for id-mapped mounts: mount_setattr(2)"});
    size_t before = b->n_parcel;
    TRY(plan_mount_sources(b));
    parcel |= b->n_parcel != before;
    bool late = b->joins && !b->ids.fresh; /* INIT hears first that it is known */
    if (parcel && !late)
        send_ids(b);
    if (b->joins)
        add_joiner(b);
    if (parcel && late)
        send_ids(b);
    plan_net_host(b);
    if (!b->config->n_net_devices)
        add_ready(b);
    plan_die_with(b, INIT);
    if (!b->joins)
        plan_own_values(b);
    plan_cgroup_join(b, INIT);
    TRY(plan_namespace_values(b));
    if (parcel && !(b->joins && b->ids.fresh)) {
        plan_add(b, (struct step){.op = OP_WAIT, .by = INIT, .phase = BIRTH, .token = TOKEN_IDS,
                                  .text = "ids are mapped", .data = b->parcel,
                                  .why = "nothing is made before its owner is known"});
    }
    if (b->ids.fresh || b->ids.joined) {
        if (!(b->joins && b->ids.fresh))
            plan_become(b, INIT);
        plan_die_with(b, INIT);
    }
    if (b->config->n_net_devices) {
        plan_net_devices(b);
        add_ready(b);
    }
    return 0;
}
