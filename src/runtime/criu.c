#include "runtime/criu.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "kernel/sys.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* ---- what is said: encoding ---- */

enum wire { VARINT = 0, BYTES = 2 };

static void put_varint(FILE *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        putc((int)(value & 0x7f) | 0x80, out);
    putc((int)value, out);
}

static void put_number(FILE *out, unsigned field, int64_t value)
{
    put_varint(out, field << 3 | VARINT);
    put_varint(out, (uint64_t)value);
}

static void put_bytes(FILE *out, unsigned field, const void *bytes, size_t size)
{
    put_varint(out, field << 3 | BYTES);
    put_varint(out, size);
    fwrite(bytes, 1, size, out);
}

static void put_text(FILE *out, unsigned field, const char *text)
{
    if (text)
        put_bytes(out, field, text, strlen(text));
}

/* A message of a text and of what comes second: a text, or a number where that is NULL. */
static void put_pair(FILE *out, unsigned field, const char *first, const char *second, int number)
{
    auto_free char *text = NULL; /* outlives the stream */
    size_t size = 0;
    auto_file inner = open_memstream(&text, &size);
    if (!inner)
        return;
    put_text(inner, 1, first);
    if (second)
        put_text(inner, 2, second);
    else
        put_number(inner, 2, number);
    fflush(inner);
    put_bytes(out, field, text, size);
}

#define OF(field) offsetof(struct criu_request, field)
static const struct {
    unsigned number;
    size_t offset;
} flags[] = {
    {3, OF(leave_running)}, {4, OF(unix_sockets)},   {5, OF(tcp_established)}, {7, OF(shell_job)}, {8, OF(file_locks)},
    {12, OF(notify)},       {15, OF(track_memory)},  {16, OF(auto_dedup)},     {26, OF(siblings)}, {46, OF(tcp_in_flight)},
    {50, OF(terminal)},
}, texts[] = {
    {10, OF(log)},     {13, OF(root)},        {14, OF(parent)},            {44, OF(freezer)},
    {51, OF(settings)}, {53, OF(lsm_profile)}, {63, OF(lsm_mount_context)},
};

static void put_options(FILE *out, const struct criu_request *request)
{
    enum { DEBUG = 4, IGNORE = 0 };
    const char *base = (const char *)request;
    put_number(out, 1, request->images);
    put_number(out, 9, DEBUG); /* its log tells why it failed */
    put_number(out, 34, IGNORE); /* cgroups: they are the caller's to make */
    if (request->pid)
        put_number(out, 2, request->pid);
    if (request->work >= 0)
        put_number(out, 17, request->work);
    if (request->empty_namespaces)
        put_number(out, 38, (int64_t)request->empty_namespaces);
    for (size_t i = 0; i < COUNT(flags); i++)
        if (*(const bool *)(base + flags[i].offset))
            put_number(out, flags[i].number, 1);
    for (size_t i = 0; i < COUNT(texts); i++)
        put_text(out, texts[i].number, *(const char *const *)(const void *)(base + texts[i].offset));
    for (size_t i = 0; i < request->n_mounts; i++)
        put_pair(out, 23, request->mounts[i].key, request->mounts[i].value, 0);
    for (size_t i = 0; i < request->n_inherited; i++)
        put_pair(out, 27, request->inherited[i].key, NULL, request->inherited[i].fd);
    for (size_t i = 0; request->externals && request->externals[i]; i++)
        put_text(out, 37, request->externals[i]);
    for (size_t i = 0; i < request->n_joins; i++)
        put_pair(out, 39, request->joins[i].key, request->joins[i].value, 0);
}

static int send_request(int socket, const struct criu_request *request)
{
    auto_free char *options = NULL, *whole = NULL;
    size_t options_size = 0, size = 0;
    auto_file inner = open_memstream(&options, &options_size);
    auto_file out = open_memstream(&whole, &size);
    if (!inner || !out)
        return -ENOMEM;
    put_options(inner, request);
    fflush(inner);
    put_number(out, 1, request->kind);
    put_bytes(out, 2, options, options_size);
    fflush(out);
    return ferror(inner) || ferror(out) ? -ENOMEM : send(socket, whole, size, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int send_verdict(int socket, bool well)
{
    enum { NOTIFY = 6 };
    const unsigned char answer[] = {1 << 3 | VARINT, NOTIFY, 3 << 3 | VARINT, well};
    return send(socket, answer, sizeof answer, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* ---- what is heard: decoding ---- */

struct span {
    const unsigned char *at, *end;
};

struct field {
    uint64_t number, value; /* VALUE of a number */
    struct span bytes;      /* of what is none */
};

static bool take_varint(struct span *span, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; span->at < span->end && shift < 64; shift += 7) {
        unsigned char byte = *span->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

/* False at the end, and at what has another form. */
static bool take_field(struct span *span, struct field *field)
{
    uint64_t tag, size;
    if (!take_varint(span, &tag))
        return false;
    field->number = tag >> 3;
    if ((tag & 7) == VARINT)
        return take_varint(span, &field->value);
    if ((tag & 7) != BYTES || !take_varint(span, &size) || size > (uint64_t)(span->end - span->at))
        return false;
    field->bytes = (struct span){span->at, span->at + size};
    span->at += size;
    return true;
}

struct answer {
    uint64_t kind, success, pid;
    char what[64]; /* of a notification */
};

static void take_inner(struct answer *answer, struct span inner, uint64_t pid_field)
{
    struct field field;
    while (take_field(&inner, &field))
        if (field.number == pid_field)
            answer->pid = field.value;
        else if (field.number == 1)
            snprintf(answer->what, sizeof answer->what, "%.*s", (int)(field.bytes.end - field.bytes.at),
                     (const char *)field.bytes.at);
}

static struct answer decode(struct span span)
{
    enum { KIND = 1, SUCCESS = 2, RESTORED = 4, NOTIFIED = 5 };
    struct answer answer = {0};
    struct field field;
    while (take_field(&span, &field))
        if (field.number == KIND)
            answer.kind = field.value;
        else if (field.number == SUCCESS)
            answer.success = field.value;
        else if (field.number == RESTORED || field.number == NOTIFIED)
            take_inner(&answer, field.bytes, field.number == RESTORED ? 1 : 2);
    return answer;
}

/* *FD is the caller's. -ECONNRESET when criu has ended. */
static int receive(int socket, struct answer *answer, int *fd)
{
    unsigned char bytes[4096];
    struct iovec iov = {.iov_base = bytes, .iov_len = sizeof bytes};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n;
    do
        n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&header) : NULL;
    *fd = -1;
    if (c && c->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(c), sizeof *fd);
    if (n > 0)
        *answer = decode((struct span){bytes, bytes + n});
    return n > 0 ? 0 : n < 0 ? -errno : -ECONNRESET;
}

/* ---- the program ---- */

static _Noreturn void become_criu(const char *path, int socket, const char *number, criu_preparation *prepare, void *data)
{
    char *const argv[] = {(char *)"criu", (char *)"swrk", (char *)number, NULL};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int r = prepare ? prepare(data) : 0;
    if (r == 0 && fcntl(socket, F_SETFD, 0) == 0)
        execve(path, argv, environ);
    _exit(127);
}

int criu_begin(const char *path, int cgroup, criu_preparation *prepare, void *data, struct criu *criu)
{
    int ends[2];
    char number[16];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return fail(-errno, "create a socket pair");
    auto_fd mine = ends[0];
    auto_fd theirs = ends[1];
    snprintf(number, sizeof number, "%d", theirs);
    struct clone_args args = {.exit_signal = SIGCHLD};
    if (cgroup >= 0) {
        args.flags = CLONE_INTO_CGROUP;
        args.cgroup = (unsigned)cgroup;
    }
    criu->pid = sys_clone3(&args);
    if (criu->pid < 0)
        return fail(criu->pid, "start %s", path);
    if (criu->pid == 0)
        become_criu(path, theirs, number, prepare, data);
    criu->socket = take_fd(&mine);
    return 0;
}

/* Until the answer has come. criu is never killed: what it has begun it takes back itself. */
static int converse(int socket, criu_hearer *hear, void *data, int64_t *pid)
{
    enum { NOTIFY = 6 };
    int first = 0;
    for (;;) {
        struct answer answer;
        int fd, r = receive(socket, &answer, &fd);
        if (r < 0)
            return first ? first : -EPROTO;
        if (answer.kind != NOTIFY) {
            cleanup_fd(&fd);
            if (pid)
                *pid = (int64_t)answer.pid;
            return first ? first : answer.success ? 0 : -EPROTO;
        }
        r = hear ? hear(data, answer.what, (int64_t)answer.pid, fd) : 0;
        if (!hear)
            cleanup_fd(&fd);
        first = first ? first : r;
        if (send_verdict(socket, r >= 0) < 0)
            return first ? first : -EPROTO;
    }
}

int criu_ask(struct criu *criu, const struct criu_request *request, criu_hearer *hear, void *data, int64_t *pid)
{
    int status = 0, r = send_request(criu->socket, request);
    if (r == 0)
        r = converse(criu->socket, hear, data, pid);
    cleanup_fd(&criu->socket);
    criu->socket = -1;
    while (waitpid(criu->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return r;
}

/* Of criu's errors the cause is one, what follows from it others, and some are none the worse: all are said, but for
 * the verdict at the end. */
static void collect_errors(char *log, char *out, size_t size)
{
    size_t used = 0;
    for (char *rest = NULL, *line = strtok_r(log, "\n", &rest); line && used < size; line = strtok_r(NULL, "\n", &rest)) {
        const char *error = strstr(line, "Error ("), *said = error ? strstr(error, "): ") : NULL;
        if (said && !strstr(said, " FAILED."))
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? "; " : "", said + 3);
    }
}

int criu_failed(const struct criu_request *request, const char *work, int err)
{
    enum { LARGEST = 64 << 20 };
    auto_free char *log = NULL;
    char errors[512] = "";
    if (*error_text())
        return err;
    if (file_read(request->work, request->log, LARGEST, &log) > 0)
        collect_errors(log, errors, sizeof errors);
    error_clear();
    refuse(err, "criu: %s", *errors ? errors : "failed and did not say why");
    return remedy(err, "%s/%s tells more", work, request->log);
}
