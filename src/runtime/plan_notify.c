/* Where the command announces that it is ready, and what else sd_notify(3) has: a datagram socket in a directory that the
 * container has a mount of. The socket is everybody's inside, whatever ids they have; outside it is nobody's, for the
 * directory above has no way in but for who makes the container. */
#include "runtime/plan_build.h"

/* Root of a user namespace that nobody on the host has made has no way in but the caller's ids, or through all. */
static bool is_foreign(const struct builder *b)
{
    bool root = b->facts->uid == 0 && !b->facts->in_userns; /* then HOST opens it: add_bind_source() */
    return !root && (b->ids.joined || (b->ids.fresh && idmaps_outside(&b->ids.map.uids, 0) != (int64_t)b->facts->uid));
}

void plan_notify(struct builder *b)
{
    const char *dir = b->config->notify_dir;
    bool foreign = is_foreign(b);
    if (!dir)
        return;
    plan_add(b, (struct step){.op = OP_NOTIFY_DIR, .by = HOST, .path = dir, .mode = foreign ? 0711 : 0700,
                              .text = foreign ? ", others may pass" : "", .why = "NOTIFY_SOCKET"});
    if (!b->config->waits) /* else start listens */
        plan_add(b, (struct step){.op = OP_NOTIFY, .by = HOST, .out = SLOT_NOTIFY,
                                  .path = plan_text(b, "%s/" NOTIFY_SOCKET_NAME, dir), .why = "NOTIFY_SOCKET"});
}
