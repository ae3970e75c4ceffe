#include "kernel/seccomp.h"

#include "kernel/sys.h"

#include <linux/seccomp.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

static int install(const struct seccomp_program *program, uint32_t flags)
{
    struct sock_fprog filter = {.len = (unsigned short)program->count,
                                .filter = (struct sock_filter *)program->instructions};
    return SYS_RESULT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program->flags | flags, &filter));
}

int seccomp_install(const struct seccomp_program *program)
{
    return install(program, 0);
}

bool seccomp_notifies(const struct seccomp_program *program)
{
    for (size_t i = 0; i < program->count; i++)
        if (program->instructions[i].code == (BPF_RET | BPF_K) &&
            (program->instructions[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
            return true;
    return false;
}

/* ---- the listener ---- */

/* A filter is a thread's: a second thread of the same fds, which has none, passes the listener on. */
struct sender {
    int socket;
    const struct iovec *text;
    size_t count;
    _Atomic int listener; /* WAITING until it is there, or the filter's errno */
    _Atomic int result;   /* WAITING until it is sent, or the errno of that */
};
enum { WAITING = INT32_MIN };

static int send_fd(const struct sender *sender, int fd)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)];
    memset(control, 0, sizeof control);
    struct msghdr header = {.msg_iov = (struct iovec *)sender->text, .msg_iovlen = sender->count,
                            .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return SYS_RESULT(syscall(SYS_sendmsg, sender->socket, &header, MSG_NOSIGNAL));
}

static int run_sender(void *data)
{
    struct sender *sender = data;
    const struct timespec moment = {.tv_nsec = 20000};
    int fd;
    while ((fd = atomic_load(&sender->listener)) == WAITING)
        syscall(SYS_nanosleep, &moment, NULL);
    atomic_store(&sender->result, fd < 0 ? fd : send_fd(sender, fd));
    return 0;
}

int seccomp_install_listened(const struct seccomp_program *program, int socket, const struct iovec *text, size_t count)
{
    static _Alignas(16) char stack[32768];
    static struct sender sender;
    sender = (struct sender){.socket = socket, .text = text, .count = count, .listener = WAITING, .result = WAITING};
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
    if (clone(run_sender, stack + sizeof stack, flags, &sender) < 0)
        return -errno;
    atomic_store(&sender.listener, install(program, SECCOMP_FILTER_FLAG_NEW_LISTENER));
    int result;
    do /* waiting by a system call could be the first to be asked about */
        result = atomic_load(&sender.result);
    while (result == WAITING);
    return result < 0 ? result : 0;
}
