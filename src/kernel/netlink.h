/* Network devices, by raw rtnetlink(7) messages. */
#pragma once

/* Moves the device NAME from the caller's network namespace into NETNS as INSIDE, which may end in "%d" for a number
 * that the kernel chooses, and sets it up there. Its permanent addresses of global scope go with it. Needs CAP_NET_ADMIN
 * in both, and CAP_SYS_ADMIN. -EEXIST when the name is taken there. No sentence. */
int netlink_move(int netns, const char *name, const char *inside);
