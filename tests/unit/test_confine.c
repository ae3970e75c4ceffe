/* What bocal-registry gives up, and what it keeps: each in a process of its own, which is confined and then tries. */
#include "base/cleanup.h"
#include "base/error.h"
#include "kernel/sys.h"
#include "registry/confine.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

static char ingest_path[64], store_path[64];
static int ingest, store;

enum { SKIPPED = 77 };

static int opens(int dir, const char *path, int flags)
{
    auto_fd fd = openat(dir, path, flags | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : 0;
}

static int socket_of(int family, int type)
{
    auto_fd fd = socket(family, type | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : 0;
}

static int read_password_file(void)
{
    return opens(AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static int read_home(void)
{
    return opens(AT_FDCWD, "/", O_RDONLY | O_DIRECTORY);
}

static int read_own_memory(void)
{
    return opens(AT_FDCWD, "/proc/self/mem", O_RDONLY);
}

static int write_elsewhere(void)
{
    return opens(AT_FDCWD, "/tmp/test-confine-file", O_RDWR | O_CREAT);
}

static int write_store(void)
{
    return opens(store, "file", O_WRONLY);
}

static int make_in_store(void)
{
    return opens(store, "new", O_WRONLY | O_CREAT);
}

static int make_directory(void)
{
    return mkdirat(ingest, "dir", 0700) < 0 ? -errno : 0;
}

static int make_link(void)
{
    return symlinkat("/etc/passwd", ingest, "link") < 0 ? -errno : 0;
}

static int climb_out(void)
{
    return opens(ingest, "../test-confine-file", O_RDWR | O_CREAT);
}

static int run_program(void)
{
    return execve("/bin/true", (char *[]){"true", NULL}, (char *[]){NULL}) < 0 ? -errno : 0;
}

static int start_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid < 0 ? -errno : 0;
}

static int signal_parent(void)
{
    return kill(getppid(), 0) < 0 ? -errno : 0;
}

static int trace_parent(void)
{
    return ptrace(PTRACE_SEIZE, getppid(), NULL, NULL) < 0 ? -errno : 0;
}

static int raw_socket(void)
{
    return socket_of(AF_PACKET, SOCK_RAW);
}

static int listen_on_port(void)
{
    auto_fd fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0)
        return -errno;
    return listen(fd, 1) < 0 ? -errno : 0;
}

static int change_owner(void)
{
    return fchownat(ingest, "file", 1, 1, 0) < 0 ? -errno : 0;
}

static int change_mode(void)
{
    return fchmodat(ingest, "file", 04755, 0) < 0 ? -errno : 0;
}

static int new_namespace(void)
{
    return unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
}

static int read_store(void)
{
    return opens(store, "file", O_RDONLY);
}

static int write_ingest(void)
{
    TRY(opens(ingest, "new.partial", O_RDWR | O_CREAT));
    TRY(renameat(ingest, "new.partial", ingest, "new") < 0 ? -errno : 0);
    TRY(opens(ingest, "new", O_WRONLY | O_TRUNC));
    return unlinkat(ingest, "new", 0) < 0 ? -errno : 0;
}

static int read_hosts(void)
{
    return opens(AT_FDCWD, "/etc/hosts", O_RDONLY);
}

static int connect_out(void)
{
    TRY(socket_of(AF_INET6, SOCK_STREAM));
    TRY(socket_of(AF_UNIX, SOCK_STREAM));
    return socket_of(AF_INET, SOCK_STREAM);
}

static void *nothing(void *data)
{
    return data;
}

static int start_thread(void)
{
    pthread_t thread;
    int r = pthread_create(&thread, NULL, nothing, NULL);
    return r ? -r : -pthread_join(thread, NULL);
}

static int resolve_name(void)
{
    struct addrinfo *found = NULL;
    int r = getaddrinfo("localhost", "80", &(struct addrinfo){.ai_socktype = SOCK_STREAM}, &found);
    if (r == 0)
        freeaddrinfo(found);
    return r ? -EIO : 0;
}

static const struct {
    const char *name;
    int (*attempt)(void);
    bool files; /* Landlock's */
    bool works;
} attempts[] = {
    {"read /etc/passwd", read_password_file, true, false},
    {"list /", read_home, true, false},
    {"read /proc/self/mem", read_own_memory, true, false},
    {"write elsewhere", write_elsewhere, true, false},
    {"write the store", write_store, true, false},
    {"make a file in the store", make_in_store, true, false},
    {"make a directory", make_directory, false, false},
    {"make a link", make_link, false, false},
    {"climb out of the ingest directory", climb_out, true, false},
    {"run a program", run_program, false, false},
    {"start a process", start_process, false, false},
    {"signal another", signal_parent, false, false},
    {"trace another", trace_parent, false, false},
    {"a raw socket", raw_socket, false, false},
    {"listen", listen_on_port, false, false},
    {"change an owner", change_owner, false, false},
    {"change a mode", change_mode, false, false},
    {"make a namespace", new_namespace, false, false},
    {"read the store", read_store, false, true},
    {"write the ingest directory", write_ingest, false, true},
    {"read /etc/hosts", read_hosts, false, true},
    {"connect", connect_out, false, true},
    {"start a thread", start_thread, false, true},
    {"resolve a name", resolve_name, false, true},
};

/* In a child: 0 when the attempt ends as it should. */
static int try_confined(size_t i)
{
    int confined = confine(ingest, store, NULL, 0, SIGKILL);
    if (confined < 0)
        return 2;
    if (confined == 1 && attempts[i].files)
        return SKIPPED;
    return (attempts[i].attempt() == 0) == attempts[i].works ? 0 : 1;
}

static void each_attempt(void **state)
{
    (void)state;
#ifdef SYS_SANITIZED
    skip(); /* sanitizers look around, and nothing is confined */
#endif
    const char *around = getenv("LD_PRELOAD");
    if (around && strstr(around, "vgpreload"))
        skip(); /* valgrind makes the system calls, and ends with an execve that fails */
    for (size_t i = 0; i < COUNT(attempts); i++) {
        int status = 0;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(try_confined(i));
        waitpid(pid, &status, 0);
        if (status && !(WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED))
            fail_msg("%s: status %x", attempts[i].name, (unsigned)status);
    }
}

static int directory(char *path)
{
    strcpy(path, "/tmp/test-confine-XXXXXX");
    assert_non_null(mkdtemp(path));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(opens(fd, "file", O_WRONLY | O_CREAT), 0);
    return fd;
}

static int set_up(void **state)
{
    (void)state;
    ingest = directory(ingest_path);
    store = directory(store_path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlinkat(ingest, "file", 0);
    unlinkat(store, "file", 0);
    return rmdir(ingest_path) | rmdir(store_path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(each_attempt, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
