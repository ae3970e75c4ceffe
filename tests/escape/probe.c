/* What a container tries that a shell cannot: each word is one attempt, and what came of it is one line on standard output. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void say(const char *what, long result)
{
    printf("%s: %s\n", what, result < 0 ? strerror(errno) : "done");
}

/* keyctl(2): a key of the caller's session keyring, by its description. */
static void key(const char *description)
{
    enum { SEARCH = 10, SESSION = -3 };
    say("key", syscall(SYS_keyctl, SEARCH, SESSION, "user", description, 0));
}

/* Families and flags with bits above the 32 that the kernel looks at: CVE-2019-10063's class. */
static void wide(void)
{
    say("vsock", syscall(SYS_socket, AF_VSOCK | 1UL << 32, SOCK_STREAM, 0));
    say("vsock, plain", syscall(SYS_socket, AF_VSOCK, SOCK_STREAM, 0));
}

static void namespaces(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWUSER | 17, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    say("clone", pid);
    say("unshare", unshare(CLONE_NEWUSER));
}

static void seals(const char *path)
{
    int fd = open(path, O_RDONLY);
    printf("seals: %d\n", fd < 0 ? -1 : fcntl(fd, F_GET_SEALS));
    say("write", open(path, O_WRONLY));
}

/* Looks at every process again and again: what of the runtime is to be seen in one that enters is written to FILE. */
static void watch(const char *file)
{
    FILE *out = fopen(file, "a");
    for (;;) {
        DIR *d = opendir("/proc");
        for (struct dirent *e; d && (e = readdir(d));) {
            char path[320], target[512];
            int pid = atoi(e->d_name);
            if (pid <= 0 || pid == getpid())
                continue;
            snprintf(path, sizeof path, "/proc/%d/exe", pid);
            ssize_t n = readlink(path, target, sizeof target - 1);
            target[n > 0 ? n : 0] = '\0';
            if (n > 0 && strcmp(target, "/bin/busybox") != 0 && strcmp(target, "/bin/probe") != 0 &&
                strncmp(target, "/memfd:", 7) != 0) {
                fprintf(out, "%s\n", target);
                fflush(out);
            }
        }
        if (d)
            closedir(d);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : "";
    if (strcmp(what, "key") == 0)
        key(arg);
    else if (strcmp(what, "wide") == 0)
        wide();
    else if (strcmp(what, "namespaces") == 0)
        namespaces();
    else if (strcmp(what, "seals") == 0)
        seals(arg);
    else if (strcmp(what, "who") == 0)
        printf("%d\n", (int)geteuid());
    else if (strcmp(what, "watch") == 0)
        watch(arg);
    else
        return 2;
    return 0;
}
