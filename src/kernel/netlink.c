#include "kernel/netlink.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* A message that grows. The kernel wants everything at multiples of four. */
struct message {
    struct nlmsghdr header;
    char body[508];
};

static void begin(struct message *m, uint16_t type, const void *body, size_t size)
{
    *m = (struct message){.header = {.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
                                     .nlmsg_len = (uint32_t)NLMSG_LENGTH(size)}};
    memcpy(NLMSG_DATA(&m->header), body, size);
}

static int add(struct message *m, uint16_t type, const void *value, size_t size)
{
    size_t at = NLMSG_ALIGN(m->header.nlmsg_len);
    struct rtattr attribute = {.rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(size)};
    if (at + RTA_SPACE(size) > sizeof *m)
        return -EMSGSIZE;
    memcpy((char *)m + at, &attribute, sizeof attribute);
    memcpy((char *)m + at + RTA_LENGTH(0), value, size);
    m->header.nlmsg_len = (uint32_t)(at + RTA_SPACE(size));
    return 0;
}

/* Sends M and waits for the kernel's verdict. */
static int ask(int fd, const struct message *m)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[1024];
    } answer;
    if (send(fd, m, m->header.nlmsg_len, 0) < 0)
        return -errno;
    for (;;) {
        ssize_t n = recv(fd, &answer, sizeof answer, 0);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n >= (ssize_t)NLMSG_LENGTH(sizeof answer.error) && answer.header.nlmsg_type == NLMSG_ERROR)
            return answer.error.error;
    }
}

static int open_socket(void)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    return fd < 0 ? -errno : fd;
}

/* A socket stays in the network namespace that it was made in. */
static int open_socket_in(int netns)
{
    auto_fd own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(netns, CLONE_NEWNET) < 0)
        return -errno;
    int fd = open_socket();
    if (setns(own, CLONE_NEWNET) == 0)
        return fd;
    int error = -errno;
    cleanup_fd(&fd);
    return error;
}

/* ---- links ---- */

static int index_of(int fd, const char *name)
{
    struct ifreq request = {0};
    strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    return ioctl(fd, SIOCGIFINDEX, &request) < 0 ? -errno : request.ifr_ifindex;
}

/* The first number from INDEX on that no device of FD's namespace has: so that it is known under whatever name. */
static int free_index(int fd, int index)
{
    struct ifreq request = {.ifr_ifindex = index};
    while (ioctl(fd, SIOCGIFNAME, &request) == 0)
        request.ifr_ifindex++;
    return errno == ENODEV ? request.ifr_ifindex : -errno;
}

static int set_up(int fd, int index, bool up)
{
    struct message m;
    struct ifinfomsg link = {.ifi_index = index, .ifi_change = IFF_UP, .ifi_flags = up ? IFF_UP : 0};
    begin(&m, RTM_NEWLINK, &link, sizeof link);
    return ask(fd, &m);
}

static int move(int fd, int index, int netns, const char *inside, int new_index)
{
    struct message m;
    struct ifinfomsg link = {.ifi_index = index};
    begin(&m, RTM_NEWLINK, &link, sizeof link);
    TRY(add(&m, IFLA_IFNAME, inside, strlen(inside) + 1));
    TRY(add(&m, IFLA_NET_NS_FD, &netns, sizeof netns));
    TRY(add(&m, IFLA_NEW_IFINDEX, &new_index, sizeof new_index)); /* Linux 5.13 */
    return ask(fd, &m);
}

/* ---- addresses ---- */

struct addresses {
    size_t count;
    struct message list[128];
};

/* As it came, but for the label, which has the device's old name in it. */
static int keep_address(struct addresses *addresses, const struct nlmsghdr *header, int index)
{
    const struct ifaddrmsg *address = NLMSG_DATA(header);
    int left = (int)IFA_PAYLOAD(header);
    if (header->nlmsg_type != RTM_NEWADDR || (int)address->ifa_index != index ||
        !(address->ifa_flags & IFA_F_PERMANENT) || address->ifa_scope != RT_SCOPE_UNIVERSE)
        return 0;
    if (addresses->count == COUNT(addresses->list))
        return -E2BIG;
    struct message *m = &addresses->list[addresses->count++];
    begin(m, RTM_NEWADDR, address, sizeof *address);
    m->header.nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
    for (const struct rtattr *a = IFA_RTA(address); RTA_OK(a, left);) {
        int size = (int)RTA_ALIGN(a->rta_len);
        if (a->rta_type != IFA_LABEL)
            TRY(add(m, a->rta_type, RTA_DATA(a), RTA_PAYLOAD(a)));
        left -= size;
        a = (const struct rtattr *)((const char *)a + size);
    }
    return 0;
}

static int list_addresses(int fd, int index, struct addresses *addresses)
{
    struct message m;
    _Alignas(struct nlmsghdr) char answer[32768];
    begin(&m, RTM_GETADDR, &(struct ifaddrmsg){0}, sizeof(struct ifaddrmsg));
    m.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    if (send(fd, &m, m.header.nlmsg_len, 0) < 0)
        return -errno;
    for (;;) {
        ssize_t n = recv(fd, answer, sizeof answer, 0);
        if (n < 0 && errno != EINTR)
            return -errno;
        for (struct nlmsghdr *h = (struct nlmsghdr *)answer; n > 0 && NLMSG_OK(h, (size_t)n); h = NLMSG_NEXT(h, n)) {
            if (h->nlmsg_type == NLMSG_DONE)
                return 0;
            if (h->nlmsg_type == NLMSG_ERROR)
                return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
            TRY(keep_address(addresses, h, index));
        }
    }
}

/* ---- the whole ---- */

/* The kernel forgets the addresses when the device goes down and when it moves. */
int netlink_move(int netns, const char *name, const char *inside)
{
    static struct addresses addresses;
    addresses.count = 0;
    auto_fd here = open_socket();
    auto_fd there = open_socket_in(netns);
    if (here < 0 || there < 0)
        return here < 0 ? here : there;
    int index = index_of(here, name), new_index;
    TRY(index);
    if (!strchr(inside, '%') && index_of(there, inside) >= 0)
        return -EEXIST;
    TRY(new_index = free_index(there, index));
    TRY(list_addresses(here, index, &addresses));
    TRY(set_up(here, index, false));
    TRY(move(here, index, netns, inside, new_index));
    for (size_t i = 0; i < addresses.count; i++) {
        ((struct ifaddrmsg *)NLMSG_DATA(&addresses.list[i].header))->ifa_index = (uint32_t)new_index;
        TRY(ask(there, &addresses.list[i]));
    }
    return set_up(there, new_index, true);
}
