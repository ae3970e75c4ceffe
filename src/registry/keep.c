/* Writing down: where something is said of the registry already, or a helper keeps what is secret, there; else where Podman would write. A
 * file is changed as a tree of JSON, so that all else in it stays, and replaced by another that only its owner can read; two who
 * change one at the same time wait for each other at its directory. The other has a name of its own, .NAME.bocal, until then: who
 * holds the directory removes what a killed one has left under it, password and all. */
#include "registry/login.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "registry/base64.h"
#include "registry/credentials.h"
#include "registry/event.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { FILE_MOST = 4 << 20 };

/* A file while it is changed. */
struct kept {
    struct arena *arena;
    const char *path, *name; /* behind links; below dir */
    const char *beside;      /* below dir, too */
    int dir;                 /* locked; owned */
    struct json_object *root, *auths;
};

static void kept_close(struct kept *kept)
{
    cleanup_fd(&kept->dir);
    json_object_put(kept->root);
}
#define auto_kept __attribute__((cleanup(kept_close))) struct kept

/* ---- reading ---- */

/* Who has made a link of the file keeps the link. */
static const char *behind_links(struct arena *arena, const char *path)
{
    auto_free char *real = realpath(path, NULL);
    return real ? arena_strdup(arena, real) : path;
}

/* Where a killed one may have left what was to replace PATH. */
static const char *beside_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return arena_printf(arena, "%.*s.%s.bocal", (int)(name - path), path, name);
}

static int lock_directory(struct kept *kept)
{
    const char *slash = strrchr(kept->path, '/');
    const char *dir = !slash ? "." : slash == kept->path ? "/" : arena_strndup(kept->arena, kept->path, (size_t)(slash - kept->path));
    kept->name = slash ? slash + 1 : kept->path;
    kept->beside = beside_of(kept->arena, kept->name);
    int r = dir_make(dir, 0700);
    if (r < 0)
        return because(r, "%s", kept->path);
    kept->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (kept->dir < 0 || flock(kept->dir, LOCK_EX) < 0)
        return fail(-errno, "lock %s", dir);
    return 0;
}

/* Its member auths, made where it is missing. */
static int find_auths(struct kept *kept)
{
    if (!json_object_object_get_ex(kept->root, "auths", &kept->auths) || !kept->auths) {
        kept->auths = json_object_new_object();
        json_object_object_add(kept->root, "auths", kept->auths);
    }
    return json_object_is_type(kept->auths, json_type_object) ? 0 : refuse(-EINVAL, "%s: auths: no object", kept->path);
}

static int kept_open(struct arena *arena, const char *path, struct kept *kept)
{
    auto_free char *text = NULL;
    *kept = (struct kept){.arena = arena, .path = behind_links(arena, path), .dir = -1};
    TRY(lock_directory(kept));
    unlinkat(kept->dir, kept->beside, 0);
    if (faccessat(kept->dir, kept->name, F_OK, 0) == 0) {
        ssize_t size = file_read(kept->dir, kept->name, FILE_MOST, &text);
        if (size < 0)
            return because((int)size, "%s", kept->path);
    }
    kept->root = text && *text ? json_tokener_parse(text) : json_object_new_object();
    if (!json_object_is_type(kept->root, json_type_object))
        return refuse(-EINVAL, "%s: not a file of credentials", kept->path);
    return find_auths(kept);
}

/* ---- writing ---- */

/* Its owner's still, when root does it for somebody. */
static int write_beside(const struct kept *kept, const char *text)
{
    struct stat status;
    auto_fd fd = openat(kept->dir, kept->beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    bool foreign = fstatat(kept->dir, kept->name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_uid != geteuid();
    if (foreign && fchown(fd, status.st_uid, status.st_gid) < 0)
        return -errno;
    TRY(fd_write_all(fd, text, strlen(text)));
    return fsync(fd) < 0 || renameat(kept->dir, kept->beside, kept->dir, kept->name) < 0 || fsync(kept->dir) < 0 ? -errno : 0;
}

static int kept_write(const struct kept *kept)
{
    const char *text = json_object_to_json_string_ext(kept->root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_PRETTY_TAB |
                                                                      JSON_C_TO_STRING_NOSLASHESCAPE);
    int r = write_beside(kept, arena_printf(kept->arena, "%s\n", text));
    if (r < 0)
        unlinkat(kept->dir, kept->beside, 0);
    return r < 0 ? fail(r, "write %s", kept->path) : 0;
}

/* ---- what is said of a host ---- */

/* NULL: the file itself has what is secret. */
static const char *helper_for(const struct kept *kept, const char *host)
{
    struct json_object *helpers = NULL;
    json_object_object_get_ex(kept->root, "credHelpers", &helpers);
    const char *own = json_object_is_type(helpers, json_type_object) ? json_text_of(helpers, host) : NULL;
    const char *general = json_text_of(kept->root, "credsStore");
    return own && *own ? own : general && *general ? general : NULL;
}

/* The first key of auths that stands for HOST. */
static const char *key_of(const struct kept *kept, const char *host)
{
    json_object_object_foreach(kept->auths, key, value)
    {
        (void)value;
        if (credentials_key_is(key, host))
            return key;
    }
    return NULL;
}

/* How many there were. */
static size_t take_keys(const struct kept *kept, const char *host)
{
    size_t count = 0;
    for (const char *key; (key = key_of(kept, host)); count++)
        json_object_object_del(kept->auths, arena_strdup(kept->arena, key));
    return count;
}

static void print_place(const char *word, const char *host, const char *place)
{
    struct json_writer json = event_begin();
    json_put_string(&json, word, host);
    json_put_string(&json, "place", place);
    event_end(&json);
}

/* ---- keeping ---- */

/* The file that is read first of those that say something of HOST: another would never be asked. Docker has an entry for
 * what a helper keeps, too, without a secret in it. */
static int keep_in(struct kept *kept, const char *host, const char *user, const char *secret)
{
    struct json_object *entry = json_object_new_object();
    const char *helper = helper_for(kept, host), *pair = arena_printf(kept->arena, "%s:%s", user, secret);
    if (!helper)
        json_object_object_add(entry, "auth", json_object_new_string(base64_encode(kept->arena, pair, strlen(pair))));
    take_keys(kept, host);
    json_object_object_add(kept->auths, host, entry);
    if (helper) {
        int r = credentials_store(kept->arena, helper, host, user, secret);
        if (r < 0)
            return because(r, "%s", kept->path);
    }
    TRY(kept_write(kept));
    print_place("kept", host, helper ? arena_printf(kept->arena, "docker-credential-%s", helper) : kept->path);
    return 0;
}

int login_keep(const struct login_options *options)
{
    auto_arena arena = {0};
    const char *user, *secret, *path = credentials_home(&arena, options->authfiles.words, options->authfiles.count);
    struct credentials_place *places;
    size_t n;
    TRY(login_read(&arena, &user, &secret));
    if (!path)
        return refuse(-ENOENT, "neither XDG_RUNTIME_DIR nor HOME says where credentials are kept (--authfile FILE)");
    credentials_places(&arena, options->authfiles.words, options->authfiles.count, &places, &n);
    for (size_t i = 0; i < n; i++) {
        if (access(places[i].path, F_OK) < 0)
            continue;
        auto_kept kept;
        TRY(kept_open(&arena, places[i].path, &kept));
        if (places[i].wanted || helper_for(&kept, options->host) || key_of(&kept, options->host))
            return keep_in(&kept, options->host, user, secret);
    }
    auto_kept kept;
    TRY(kept_open(&arena, path, &kept));
    return keep_in(&kept, options->host, user, secret);
}

/* ---- forgetting ---- */

/* How many things knew HOST: the file, its helper. */
static int forget_in(struct kept *kept, const char *host)
{
    const char *helper = helper_for(kept, host);
    int erased = helper ? credentials_erase(kept->arena, helper, host) : 0;
    if (erased < 0)
        return because(erased, "%s", kept->path);
    if (erased)
        print_place("forgotten", host, arena_printf(kept->arena, "docker-credential-%s", helper));
    if (!take_keys(kept, host))
        return erased;
    TRY(kept_write(kept));
    if (!helper)
        print_place("forgotten", host, kept->path);
    return erased + 1;
}

static const char *host_in_key(const struct kept *kept, const char *key)
{
    const char *rest = strstr(key, "://");
    return rest ? arena_strndup(kept->arena, rest + 3, strcspn(rest + 3, "/")) : key;
}

/* Every key of MAP, where a helper keeps what is secret: how many it knew. */
static int erase_all(struct kept *kept, struct json_object *map)
{
    int count = 0;
    json_object_object_foreach(map, key, value)
    {
        (void)value;
        const char *host = host_in_key(kept, key), *helper = helper_for(kept, host);
        int erased = helper ? credentials_erase(kept->arena, helper, host) : 0;
        if (erased < 0)
            return because(erased, "%s", kept->path);
        if (erased)
            print_place("forgotten", host, arena_printf(kept->arena, "docker-credential-%s", helper));
        else if (map == kept->auths)
            print_place("forgotten", host, kept->path);
        count += erased || map == kept->auths;
    }
    return count;
}

static int forget_all(struct kept *kept)
{
    struct json_object *helpers = NULL;
    int count = erase_all(kept, kept->auths);
    TRY(count);
    json_object_object_add(kept->root, "auths", json_object_new_object());
    json_object_object_get_ex(kept->root, "credHelpers", &helpers);
    int further = json_object_is_type(helpers, json_type_object) ? erase_all(kept, helpers) : 0;
    TRY(further);
    return count ? kept_write(kept) : 0;
}

static int forget_path(struct arena *arena, const char *path, const char *host)
{
    if (access(path, F_OK) < 0 && access(beside_of(arena, path), F_OK) < 0)
        return 0;
    auto_kept kept;
    TRY(kept_open(arena, path, &kept));
    return host ? forget_in(&kept, host) : forget_all(&kept);
}

int login_forget(const struct login_options *options)
{
    auto_arena arena = {0};
    struct credentials_place *places;
    size_t n;
    int count = 0;
    const char *home = credentials_home(&arena, options->authfiles.words, options->authfiles.count);
    credentials_places(&arena, options->authfiles.words, options->authfiles.count, &places, &n);
    for (size_t i = 0; i < n && !options->all; i++) {
        int r = forget_path(&arena, places[i].path, options->host);
        TRY(r);
        count += r;
    }
    if (options->all)
        return home ? forget_path(&arena, home, NULL) : 0;
    return count ? 0 : refuse(-ENOENT, "not logged in to %s", options->host);
}
