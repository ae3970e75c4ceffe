#include "base/process.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static int spawn(char *const *argv, int err, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    int r = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, err, 1);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(&actions, err, 2);
    if (r == 0)
        r = posix_spawn(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

int process_run(char *const *argv)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail(-errno, "run %s", argv[0]);
    auto_fd out = ends[0];
    auto_fd in = ends[1];
    pid_t pid;
    int r = spawn(argv, in, &pid);
    if (r < 0)
        return fail(r, "run %s", argv[0]);
    close(take_fd(&in));
    char text[512];
    size_t used = 0;
    for (;;) {
        ssize_t n = read(out, text + used, sizeof text - 1 - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        used += (size_t)n;
    }
    while (used && text[used - 1] == '\n')
        used--;
    text[used] = '\0';
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status == 0)
        return 0;
    const char *name = strrchr(argv[0], '/');
    return refuse(-EPERM, "%s: %s", name ? name + 1 : argv[0],
                  *text ? text : "failed and did not say why");
}
