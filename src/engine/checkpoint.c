/* A checkpoint tells criu what of the container is not its own: mounts of file systems that the host has mounted as well,
 * standard fds that are the host's files, namespaces that were somebody's. What a restore has to know of that lies beside the
 * images; what the images themselves say, criu alone reads. */
#include "engine/checkpoint.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_tree.h"
#include "base/json_write.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/container.h"
#include "kernel/cgroup.h"
#include "kernel/mountinfo.h"
#include "kernel/sys.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

const char *const checkpoint_cgroup_words[] = {"ignore", "soft", "full", "strict", NULL};

static const char descriptors_file[] = "descriptors.json", mounts_file[] = "external-mounts.json";

/* ---- what both ways begin with ---- */

static int find_criu(struct arena *arena, const char **program)
{
    if (geteuid() != 0)
        return refuse(-EPERM, "criu(8) needs root (call bocal-runtime as root)");
    *program = process_find(arena, "criu");
    return *program ? 0 : refuse(-ENOENT, "criu is missing (apt-get install criu)");
}

/* criu before 3.19 forgets no_new_privs: what has given up privileges for good would get them back. */
static int check_criu(const char *program)
{
    enum { KEEPS_MAJOR = 3, KEEPS_MINOR = 19 };
    char *const argv[] = {(char *)program, (char *)"--version", NULL};
    auto_free char *text = NULL;
    int major = 0, minor = 0;
    TRY(process_read(argv, &text));
    if (sscanf(text, "Version: %d.%d", &major, &minor) != 2)
        return refuse(-EPROTO, "%s does not say its version", program);
    return major > KEEPS_MAJOR || (major == KEEPS_MAJOR && minor >= KEEPS_MINOR) ? 0
        : refuse(-EOPNOTSUPP, "criu %d.%d does not keep no_new_privs, which the container has (criu 3.19 and later do)", major, minor);
}

static int open_directory(const char *path, bool make)
{
    if (make)
        TRY(dir_make(path, 0700));
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? fail(-errno, "open %s", path) : fd;
}

/* What criu's own settings say besides: the annotation's file, or the one that others read as well. */
static const char *settings_of(const struct config *config)
{
    static const char *const files[] = {"/etc/criu/crun.conf", "/etc/criu/runc.conf"};
    for (size_t i = 0; i < config->n_annotations; i++)
        if (text_equal(config->annotations[i].key, "org.criu.config"))
            return config->annotations[i].value;
    for (size_t i = 0; i < COUNT(files); i++)
        if (access(files[i], F_OK) == 0)
            return files[i];
    return NULL;
}

static const char *images_of(const struct checkpoint_options *o)
{
    return o->images ? o->images : "checkpoint";
}

static int begin_request(const struct checkpoint_options *o, const struct config *config, bool make, struct criu_request *request)
{
    if (o->parent && *o->parent == '/')
        return refuse(-EINVAL, "--parent-path %.200s: it has to be relative to the images (../earlier)", o->parent);
    if (o->cgroups)
        return refuse(-EOPNOTSUPP, "--manage-cgroups-mode %s: bocal makes the cgroups, and criu does not (ignore, or leave it out)",
                      checkpoint_cgroup_words[o->cgroups]);
    if (o->empty_namespace && !text_equal(o->empty_namespace, "network"))
        return refuse(-EINVAL, "--empty-ns %.64s: of namespaces, only that of network can be empty", o->empty_namespace);
    *request = (struct criu_request){
        .images = -1, .work = -1, .log = "criu.log",
        .parent = o->parent,
        .lsm_profile = o->lsm_profile,
        .lsm_mount_context = o->lsm_mount_context,
        .settings = settings_of(config),
        .leave_running = o->leave_running,
        .unix_sockets = o->unix_sockets,
        .tcp_established = o->tcp_established,
        .tcp_in_flight = o->tcp_in_flight,
        .shell_job = o->shell_job,
        .file_locks = o->file_locks,
        .auto_dedup = o->auto_dedup,
        .empty_namespaces = o->empty_namespace ? ns_flags[NS_NETWORK] : 0,
    };
    request->images = open_directory(images_of(o), make);
    request->work = request->images < 0 ? -1 : open_directory(o->work ? o->work : images_of(o), true);
    return request->images < 0 ? request->images : request->work < 0 ? request->work : 0;
}

static void end_request(struct criu_request *request)
{
    cleanup_fd(&request->images);
    cleanup_fd(&request->work);
}
#define auto_request __attribute__((cleanup(end_request))) struct criu_request

/* ---- the two lists ---- */

static int write_list(int dir, const char *name, char *const *list)
{
    auto_free char *text = NULL; /* outlives the stream */
    size_t size = 0;
    auto_file out = open_memstream(&text, &size);
    if (!out)
        return fail(-ENOMEM, "write %s", name);
    struct json_writer json = json_writer_compact(out);
    json_begin_array(&json, NULL);
    for (; *list; list++)
        json_put_string(&json, NULL, *list);
    json_end_array(&json);
    fflush(out);
    return file_replace(dir, name, text, size, 0600);
}

static int read_list(struct arena *arena, int dir, const char *name, char ***list)
{
    auto_free char *text = NULL;
    size_t n = 0;
    TRY((int)file_read(dir, name, 1 << 20, &text));
    auto_json *document = json_tokener_parse(text);
    if (!document || !json_object_is_type(document, json_type_array))
        return refuse(-EINVAL, "%s: expected a list", name);
    *list = NULL;
    for (size_t i = 0; i < json_length(document); i++)
        *LIST_ADD(arena, list, &n) = arena_strdup(arena, json_item(document, i));
    *LIST_ADD(arena, list, &n) = NULL;
    return 0;
}

/* ---- checkpoint ---- */

/* A container that is being dumped. */
struct dumped {
    struct arena *arena;
    struct container container;
    struct config config;
    char *mounts;      /* the text of its mountinfo */
    char **externals;  /* criu's words; with N, not yet ended */
    size_t n_externals;
};

static int read_mounts(struct arena *arena, const char *pid, char **text)
{
    auto_free char *whole = NULL;
    TRY((int)file_read(AT_FDCWD, arena_printf(arena, "/proc/%s/mountinfo", pid), 4 << 20, &whole));
    *text = arena_strdup(arena, whole);
    return 0;
}

static bool is_on_host(struct arena *arena, const char *host_mounts, const char *device)
{
    char *text = arena_strdup(arena, host_mounts);
    struct mountinfo mount;
    while (mountinfo_next(&text, &mount))
        if (text_equal(mount.device, device))
            return true;
    return false;
}

/* What criu mounts anew, whosever it was. */
static bool is_virtual(const char *type)
{
    return text_equal(type, "proc") || text_equal(type, "sysfs") || text_equal(type, "mqueue");
}

/* Mounts whose file system the host has mounted as well, but for those of what lies in the root. */
static int list_mounts(struct dumped *d, char ***points)
{
    char *host = NULL, *text = arena_strdup(d->arena, d->mounts);
    struct mountinfo mount, root = {0};
    size_t n = 0;
    TRY(read_mounts(d->arena, "self", &host));
    while (mountinfo_next(&text, &mount))
        if (text_equal(mount.point, "/"))
            root = mount;
    text = arena_strdup(d->arena, d->mounts);
    while (mountinfo_next(&text, &mount)) {
        bool within = text_equal(mount.device, root.device) && text_after(mount.root, root.root);
        if (!text_equal(mount.point, "/") && !within && !is_virtual(mount.type) && is_on_host(d->arena, host, mount.device))
            *LIST_ADD(d->arena, points, &n) = arena_strdup(d->arena, mount.point);
    }
    *LIST_ADD(d->arena, points, &n) = NULL;
    return 0;
}

static void add_external(struct dumped *d, const char *word)
{
    *LIST_ADD(d->arena, &d->externals, &d->n_externals) = (char *)word;
}

/* Namespaces that were somebody's before they were the container's stay theirs. */
static int add_namespaces(struct dumped *d)
{
    for (int i = 0; i < NS_COUNT; i++) {
        const struct ns_config *ns = &d->config.namespaces[i];
        const char *name = plan_restore_namespace((enum ns_kind)i);
        struct stat st;
        if (!name || !ns->listed || !ns->path)
            continue;
        const char *path = arena_printf(d->arena, "/proc/%lld/ns/%s", (long long)d->container.pid, ns_proc_names[i]);
        if (stat(path, &st) < 0)
            return fail(-errno, "open %s", path);
        add_external(d, arena_printf(d->arena, "%s[%llu]:%s", ns_proc_names[i], (unsigned long long)st.st_ino, name));
    }
    return 0;
}

/* Whether the mount ID is one of the container's: mountinfo begins each line with it. */
static bool has_mount(const struct dumped *d, unsigned id)
{
    char begin[24];
    snprintf(begin, sizeof begin, "\n%u ", id);
    return text_after(d->mounts, begin + 1) || strstr(d->mounts, begin);
}

/* The number behind the word KEY, "NoNewPrivs", in FILE of /proc/PID; 0 where there is none. */
static unsigned proc_number(const struct dumped *d, int64_t pid, const char *file, const char *key)
{
    unsigned number = 0;
    char line[256];
    const char *rest;
    auto_file stream = fopen(arena_printf(d->arena, "/proc/%lld/%s", (long long)pid, file), "re");
    while (stream && fgets(line, sizeof line, stream))
        if ((rest = text_after(line, key)) && sscanf(rest, ": %u", &number) == 1)
            break;
    return number;
}

/* A pipe's name, which criu knows by itself; a file of the host's, which it has to be told of: it may be the null device, but
 * not a terminal, which is a job for its caller's shell (--shell-job). */
static const char *describe_fd(struct dumped *d, int n)
{
    enum { PTS_FIRST = 136, PTS_LAST = 143 };
    char target[4096];
    struct stat st;
    const char *path = arena_printf(d->arena, "/proc/%lld/fd/%d", (long long)d->container.pid, n);
    ssize_t length = readlink(path, target, sizeof target - 1);
    if (length < 0)
        return "";
    target[length] = '\0';
    bool terminal = stat(path, &st) < 0 || (S_ISCHR(st.st_mode) && major(st.st_rdev) >= PTS_FIRST && major(st.st_rdev) <= PTS_LAST);
    unsigned mount = proc_number(d, d->container.pid, arena_printf(d->arena, "fdinfo/%d", n), "mnt_id");
    if (*target != '/' || terminal || has_mount(d, mount))
        return arena_strdup(d->arena, target);
    const char *word = arena_printf(d->arena, "file[%x:%llx]", mount, (unsigned long long)st.st_ino);
    add_external(d, word);
    return word;
}

static int write_descriptors(struct dumped *d, int images)
{
    char *list[4] = {NULL};
    for (int i = 0; i < 3; i++)
        list[i] = (char *)describe_fd(d, i);
    return write_list(images, descriptors_file, list);
}

/* What the configuration calls the place POINT: links in that were followed when it was mounted. ROOT is the container's. */
static const char *destination_of(const struct dumped *d, int root, const char *point)
{
    for (size_t i = d->config.n_mounts; i-- > 0;) {
        char link[64], path[PATH_MAX];
        auto_fd fd = sys_open_in_root(root, d->config.mounts[i].destination, O_PATH, 0);
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = fd < 0 ? -1 : readlink(link, path, sizeof path - 1);
        path[n > 0 ? n : 0] = '\0';
        if (text_equal(path, point))
            return d->config.mounts[i].destination;
    }
    return point;
}

static int write_mounts(struct dumped *d, struct criu_request *request)
{
    char **points = NULL, **pairs = NULL;
    size_t n = 0;
    struct criu_pair *list = NULL;
    const char *path = arena_printf(d->arena, "/proc/%lld/root", (long long)d->container.pid);
    auto_fd root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail(-errno, "open %s", path);
    TRY(list_mounts(d, &points));
    for (char **point = points; *point; point++) {
        *LIST_ADD(d->arena, &list, &request->n_mounts) = (struct criu_pair){*point, *point};
        *LIST_ADD(d->arena, &pairs, &n) = *point;
        *LIST_ADD(d->arena, &pairs, &n) = (char *)destination_of(d, root, *point);
    }
    *LIST_ADD(d->arena, &pairs, &n) = NULL;
    request->mounts = list;
    return write_list(request->images, mounts_file, pairs);
}

static const char *freezer_of(const struct dumped *d)
{
    char **dirs = NULL;
    if (container_cgroups(&d->container, &dirs) < 0)
        error_clear();
    for (size_t i = 0; dirs && dirs[i]; i++)
        if (cgroup_has_freezer(dirs[i]))
            return dirs[i];
    return NULL;
}

static bool gains_nothing(const struct dumped *d, int64_t pid)
{
    return proc_number(d, pid, "status", "NoNewPrivs") != 0;
}

/* Whether any of its processes has given up new privileges. */
static bool any_gains_nothing(const struct dumped *d)
{
    int64_t *pids = NULL;
    size_t n = 0;
    bool any = gains_nothing(d, d->container.pid);
    if (container_pids(&d->container, &pids, &n) < 0)
        error_clear();
    for (size_t i = 0; i < n && !any; i++)
        any = gains_nothing(d, pids[i]);
    return any;
}

static int load(struct dumped *d, const char *root, const char *id)
{
    TRY(container_load(d->arena, root, id, &d->container));
    enum container_status status = container_status(&d->container);
    if (status != CONTAINER_RUNNING && status != CONTAINER_PAUSED)
        return refuse(-EINVAL, "container %s is %s, not running", id, container_status_names[status]);
    TRY(container_config(&d->container, &d->config));
    return read_mounts(d->arena, arena_printf(d->arena, "%lld", (long long)d->container.pid), &d->mounts);
}

static int dump(struct dumped *d, const char *program, struct criu_request *request, const struct checkpoint_options *o)
{
    struct criu criu;
    TRY(write_mounts(d, request));
    TRY(write_descriptors(d, request->images));
    TRY(add_namespaces(d));
    add_external(d, NULL);
    request->externals = d->externals;
    request->kind = o->pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP;
    request->track_memory = o->pre_dump;
    request->pid = d->container.pid;
    request->root = d->config.root.path;
    request->freezer = freezer_of(d);
    request->terminal = d->config.process.terminal;
    TRY(criu_begin(program, -1, NULL, NULL, &criu));
    int r = criu_ask(&criu, request, NULL, NULL, NULL);
    return r < 0 ? criu_failed(request, o->work ? o->work : images_of(o), r) : 0;
}

int checkpoint_run(const char *root, const char *id, const struct checkpoint_options *o)
{
    auto_arena arena = {0};
    struct dumped d = {.arena = &arena};
    const char *program;
    TRY(load(&d, root, id));
    TRY(find_criu(&arena, &program));
    if (any_gains_nothing(&d))
        TRY(check_criu(program));
    auto_request request = {.images = -1, .work = -1};
    int r = begin_request(o, &d.config, true, &request);
    if (r == 0)
        r = dump(&d, program, &request, o);
    return r < 0 ? because(r, "checkpoint container %s", id) : 0;
}

/* ---- restore ---- */

static void add_twice(const struct config *config, char ***list, size_t *n, const char *path)
{
    for (int i = 0; i < 2; i++)
        *LIST_ADD(config->arena, list, n) = (char *)path;
}

/* What others have dumped has no list: all that may have come from the host, and no links. */
static char **guess_mounts(const struct config *config)
{
    char **list = NULL;
    size_t n = 0;
    for (size_t i = 0; i < config->n_mounts; i++)
        if (text_equal(config->mounts[i].type, "bind"))
            add_twice(config, &list, &n, config->mounts[i].destination);
    for (char **path = config->masked_paths; path && *path; path++)
        add_twice(config, &list, &n, *path);
    *LIST_ADD(config->arena, &list, &n) = NULL;
    return list;
}

int checkpoint_open(const struct checkpoint_options *o, const struct config *config, struct checkpoint_images *images)
{
    struct restore_source *source = &images->source;
    struct criu_request *request = &images->request;
    char **list;
    *images = (struct checkpoint_images){.request = {.images = -1, .work = -1}};
    *source = (struct restore_source){.images = images_of(o), .work = o->work ? o->work : images_of(o), .request = request};
    TRY(find_criu(config->arena, &source->criu));
    if (config->process.no_new_privileges)
        TRY(check_criu(source->criu));
    TRY(begin_request(o, config, false, request));
    if (faccessat(request->images, "inventory.img", F_OK, 0) < 0)
        return fail(-errno, "%s/inventory.img: what criu's images begin with", source->images);
    TRY(read_list(config->arena, request->images, descriptors_file, &list));
    source->descriptors = list;
    if (faccessat(request->images, mounts_file, F_OK, 0) == 0)
        TRY(read_list(config->arena, request->images, mounts_file, &list));
    else
        list = guess_mounts(config);
    if (text_count(list) % 2)
        return refuse(-EINVAL, "%s/%s: expected pairs", source->images, mounts_file);
    source->external = list;
    return 0;
}

void checkpoint_close(struct checkpoint_images *images)
{
    end_request(&images->request);
}
