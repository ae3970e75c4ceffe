/* Who "name[:group]" is, by the *container's* /etc/passwd and /etc/group: looked up by INIT after the
 * pivot, where those files cannot lead out of the root. They are hostile all the same: read through
 * one buffer on the stack, lines too long are skipped, what lies beyond 16 MB is not read, a link into
 * /proc/self/fd is not followed (INIT still has the caller's fds), ids are strict decimals (CVE-2016-3697: a
 * user called "1000" and a looser number). Formats: passwd(5), group(5). */
#include "runtime/perform.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "kernel/sys.h"

#include <string.h>
#include <sys/stat.h>

enum { FIELDS = 7, LARGEST = 16 << 20 };

struct lines {
    int fd;
    size_t used, at, total;
    bool skip; /* in a line that did not fit */
    char buffer[8192];
};

/* The next line in LINES, NUL-terminated, or NULL at the end. */
static char *next_line(struct lines *lines)
{
    for (;;) {
        char *start = lines->buffer + lines->at;
        char *end = memchr(start, '\n', lines->used - lines->at);
        if (end) {
            *end = '\0';
            lines->at = (size_t)(end - lines->buffer) + 1;
            if (!lines->skip)
                return start;
            lines->skip = false;
            continue;
        }
        size_t rest = lines->used - lines->at;
        if (rest == sizeof lines->buffer - 1) {
            lines->skip = true;
            rest = 0;
        }
        memmove(lines->buffer, start, rest);
        lines->at = 0;
        ssize_t n = lines->total > LARGEST ? 0 : read(lines->fd, lines->buffer + rest, sizeof lines->buffer - 1 - rest);
        if (n <= 0) {
            lines->used = lines->at = 0;
            lines->buffer[rest] = '\0';
            bool last = rest && !lines->skip;
            return last ? lines->buffer : NULL;
        }
        lines->used = rest + (size_t)n;
        lines->total += (size_t)n;
    }
}

static size_t split_fields(char *line, char *fields[FIELDS])
{
    size_t n = 0;
    for (char *field = line; field && n < FIELDS; n++) {
        fields[n] = field;
        field = strchr(field, ':');
        if (field)
            *field++ = '\0';
    }
    return n;
}

static int open_lines(struct lines *lines, const char *path)
{
    lines->fd = sys_openat2(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0, RESOLVE_NO_MAGICLINKS);
    struct stat st;
    if (lines->fd < 0 || fstat(lines->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return -ENOENT;
    lines->used = lines->at = lines->total = 0;
    lines->skip = false;
    return 0;
}

struct passwd_entry {
    bool found;
    uint32_t uid, gid;
    char name[64];
};

static void keep_home(struct execution *x, const char *home)
{
    if (strlen("HOME=") + strlen(home) < sizeof x->home && home[0] == '/')
        stpcpy(stpcpy(x->home, "HOME="), home);
}

/* By NAME, or by UID when NAME is NULL. */
static struct passwd_entry find_passwd(struct execution *x, const char *name, uint32_t uid)
{
    struct passwd_entry entry = {.found = false};
    struct lines lines;
    if (open_lines(&lines, "/etc/passwd") == 0)
        for (char *line; !entry.found && (line = next_line(&lines));) {
            char *f[FIELDS];
            if (split_fields(line, f) < 6 || text_to_id(f[2], &entry.uid) < 0 ||
                text_to_id(f[3], &entry.gid) < 0)
                continue;
            entry.found = name ? strcmp(f[0], name) == 0 : entry.uid == uid;
            if (entry.found && strlen(f[0]) < sizeof entry.name)
                memcpy(entry.name, f[0], strlen(f[0]) + 1);
            if (entry.found)
                keep_home(x, f[5]);
        }
    cleanup_fd(&lines.fd);
    return entry;
}

static void add_group(struct execution *x, uint32_t gid)
{
    for (size_t i = 0; i < x->n_groups; i++)
        if (x->groups[i] == gid)
            return;
    if (x->n_groups < COUNT(x->groups))
        x->groups[x->n_groups++] = gid;
}

static bool is_member(char *members, const char *name)
{
    for (char *member = members; member;) {
        char *comma = strchr(member, ',');
        if (comma)
            *comma++ = '\0';
        if (*name && strcmp(member, name) == 0)
            return true;
        member = comma;
    }
    return false;
}

/* The gid of group NAME; with MEMBER, instead, every group that lists that user is added. */
static int walk_groups(struct execution *x, const char *name, const char *member, uint32_t *gid)
{
    struct lines lines;
    int r = -ENOENT;
    if (open_lines(&lines, "/etc/group") == 0)
        for (char *line; r < 0 && (line = next_line(&lines));) {
            char *f[FIELDS];
            uint32_t id;
            if (split_fields(line, f) < 4 || text_to_id(f[2], &id) < 0)
                continue;
            if (member && is_member(f[3], member))
                add_group(x, id);
            if (name && strcmp(f[0], name) == 0) {
                *gid = id;
                r = 0;
            }
        }
    cleanup_fd(&lines.fd);
    return r;
}

static int find_group(struct execution *x, const char *group, uint32_t *gid)
{
    if (text_to_id(group, gid) == 0)
        return 0;
    return walk_groups(x, group, NULL, gid) < 0 ? -ENOKEY : 0;
}

static int find_user(struct execution *x, const char *spec)
{
    char name[128];
    const char *group = strchr(spec, ':');
    size_t length = group ? (size_t)(group - spec) : strlen(spec);
    if (length >= sizeof name)
        return -ENAMETOOLONG;
    memcpy(name, spec, length);
    name[length] = '\0';
    bool numeric = text_to_id(name, &x->uid) == 0;
    struct passwd_entry entry = find_passwd(x, numeric ? NULL : name, x->uid);
    if (!entry.found && !numeric)
        return -ENOENT;
    if (entry.found) {
        x->uid = entry.uid;
        x->gid = entry.gid;
    }
    if (group)
        return find_group(x, group + 1, &x->gid);
    if (entry.found)
        walk_groups(x, NULL, entry.name, NULL);
    return 0;
}

/* -ENOENT: no such user; -ENOKEY: no such group. */
int user_look_up(struct execution *x, const struct ids_spec *ids)
{
    const struct user_config *user = ids->user;
    x->uid = user->uid;
    x->gid = user->gid;
    x->n_groups = 0;
    if (user->name) {
        int r = find_user(x, user->name);
        if (r < 0)
            return r;
    } else {
        find_passwd(x, NULL, user->uid);
    }
    for (size_t i = 0; i < user->n_groups; i++)
        add_group(x, user->groups[i]);
    for (size_t i = 0; user->group_names && user->group_names[i]; i++) {
        uint32_t gid;
        int r = find_group(x, user->group_names[i], &gid);
        if (r < 0)
            return r;
        add_group(x, gid);
    }
    return 0;
}
