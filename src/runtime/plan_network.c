/* The container's network namespace, where its making is not INIT's alone, and the host's network devices that are
 * moved into it. HOST moves them, from its own namespace, for that needs rights over the host. */
#include "runtime/plan_build.h"

#include "base/error.h"

#include <linux/capability.h>

int plan_net_check(struct builder *b)
{
    const struct config *config = b->config;
    uint64_t needed = 1ULL << CAP_NET_ADMIN | 1ULL << CAP_SYS_ADMIN;
    if (!config->n_net_devices)
        return 0;
    if (!config->namespaces[NS_NETWORK].listed)
        return refuse(-EINVAL, "/linux/netDevices: the container has no network namespace of its own to move them to");
    if ((b->facts->capabilities & needed) != needed)
        return refuse(-EPERM, "/linux/netDevices: moving them needs CAP_NET_ADMIN and CAP_SYS_ADMIN (run bocal as root)");
    return 0;
}

static struct parcel *netns_parcel(struct builder *b)
{
    struct parcel *parcel = arena_alloc(b->arena, sizeof *parcel);
    parcel->slots[0] = SLOT_NETNS;
    return parcel;
}

static struct step *add_network_step(struct builder *b, enum op op, const char *why)
{
    return plan_add(b, (struct step){.op = op, .by = HOST, .phase = BIRTH, .why = why,
                                     .flags = ns_flags[NS_NETWORK]});
}

static void send_netns(struct builder *b)
{
    struct step *step = add_network_step(b, OP_SEND, "INIT joins it");
    step->token = TOKEN_NETWORK;
    step->text = "@netns";
    step->data = netns_parcel(b);
}

static void add_moves(struct builder *b)
{
    for (size_t i = 0; i < b->config->n_net_devices; i++) {
        const struct net_device *device = &b->config->net_devices[i];
        struct step *step = add_network_step(b, OP_NET_DEVICE, device->origin);
        step->in = SLOT_NETNS;
        step->source = device->name;
        step->path = device->inside;
    }
}

/* HOST steps into a new one, hands it to INIT, sets it up, and returns. */
void plan_net_host(struct builder *b)
{
    const char *why = "network_namespaces(7), while INIT mounts", *own = "/proc/self/ns/net";
    if (!b->host_network)
        return;
    struct step *step = add_network_step(b, OP_OPEN, "to return to");
    step->path = own;
    step->out = SLOT_HOSTNET;
    add_network_step(b, OP_UNSHARE, why);
    step = add_network_step(b, OP_OPEN, why);
    step->path = own;
    step->out = SLOT_NETNS;
    if (!b->config->n_net_devices)
        send_netns(b);
    add_network_step(b, OP_LOOPBACK, "network none: lo alone");
    add_network_step(b, OP_ENTER, "bocal stays where it was")->in = SLOT_HOSTNET;
    if (b->config->n_net_devices) { /* INIT gets it with them inside */
        add_moves(b);
        send_netns(b);
    }
}

void plan_network_enter(struct builder *b)
{
    if (!b->host_network)
        return;
    b->host_network = false; /* once is enough */
    plan_add(b, (struct step){.op = OP_WAIT, .by = INIT, .phase = FILES, .token = TOKEN_NETWORK,
                              .text = "the network namespace is made", .out = SLOT_NETNS,
                              .data = netns_parcel(b), .why = "sysfs shows whose network it is mounted in"});
    plan_add(b, (struct step){.op = OP_ENTER, .by = INIT, .phase = FILES, .in = SLOT_NETNS,
                              .flags = ns_flags[NS_NETWORK], .why = "made by HOST meanwhile"});
}

/* Into a namespace that is joined, or that INIT makes, and tells of: it waits until they are there. */
void plan_net_devices(struct builder *b)
{
    const char *path = b->config->namespaces[NS_NETWORK].path, *own = "/proc/self/ns/net";
    static const struct parcel nothing;
    if (b->host_network)
        return;
    if (path) {
        struct step *step = add_network_step(b, OP_OPEN, "devices are moved there");
        step->path = path;
        step->out = SLOT_NETNS;
        add_moves(b);
        return;
    }
    plan_add(b, (struct step){.op = OP_OPEN, .by = INIT, .phase = BIRTH, .path = own, .out = SLOT_NETNS,
                              .why = "HOST moves devices there"});
    plan_add(b, (struct step){.op = OP_SEND, .by = INIT, .phase = BIRTH, .token = TOKEN_NETWORK, .text = "@netns",
                              .data = netns_parcel(b), .why = "HOST moves devices there"});
    plan_add(b, (struct step){.op = OP_WAIT, .by = HOST, .phase = BIRTH, .token = TOKEN_NETWORK,
                              .text = "the network namespace is made", .out = SLOT_NETNS, .data = netns_parcel(b),
                              .why = "made by INIT meanwhile"});
    add_moves(b);
    plan_add(b, (struct step){.op = OP_SEND, .by = HOST, .phase = BIRTH, .token = TOKEN_DEVICES,
                              .text = "devices are moved", .data = &nothing, .why = "INIT waits for it"});
    plan_add(b, (struct step){.op = OP_WAIT, .by = INIT, .phase = BIRTH, .token = TOKEN_DEVICES,
                              .text = "devices are moved", .data = &nothing, .why = "the command finds them there"});
}
