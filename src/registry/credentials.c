/* A key of auths is a host, or a host and the beginning of a repository; Docker's older keys are addresses
 * ("https://HOST/v1/"), of which the host counts. */
#include "registry/credentials.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_read.h"
#include "base/text.h"
#include "registry/base64.h"

#include <fcntl.h>
#include <string.h>

enum { FILE_MOST = 4 << 20 };

struct entry {
    const char *key; /* first: json_read_map() */
    const char *auth, *identity, *user, *secret;
};

struct helper {
    const char *key;
    const char *name;
};

struct auth_file {
    struct entry *entries;
    size_t n_entries;
    struct helper *helpers;
    size_t n_helpers;
    const char *store;
};

/* ---- reading ---- */

static int read_entry(struct json_source *source, struct json_object *value, void *into)
{
    static const struct json_field fields[] = {
        {"auth", json_string, offsetof(struct entry, auth)},
        {"identitytoken", json_string, offsetof(struct entry, identity)},
        {"username", json_string, offsetof(struct entry, user)},
        {"password", json_string, offsetof(struct entry, secret)},
        {NULL, NULL, 0},
    };
    return json_read_object(source, value, fields, into);
}

static int read_entries(struct json_source *source, struct json_object *value, void *into)
{
    struct auth_file *file = into;
    return json_read_map(source, value, read_entry, sizeof *file->entries, (void **)&file->entries, &file->n_entries);
}

static int read_helper(struct json_source *source, struct json_object *value, void *into)
{
    return json_string(source, value, &((struct helper *)into)->name);
}

static int read_helpers(struct json_source *source, struct json_object *value, void *into)
{
    struct auth_file *file = into;
    return json_read_map(source, value, read_helper, sizeof *file->helpers, (void **)&file->helpers, &file->n_helpers);
}

/* PATH, which may be missing unless it is WANTED. Its secrets never reach a message: json_read() quotes places only. */
static int read_file(struct arena *arena, const char *path, bool wanted, struct auth_file *file)
{
    static const struct json_field fields[] = {
        {"auths", read_entries, 0},
        {"credHelpers", read_helpers, 0},
        {"credsStore", json_string, offsetof(struct auth_file, store)},
        {NULL, NULL, 0},
    };
    auto_free char *text = NULL;
    if (!wanted && access(path, F_OK) != 0)
        return 0;
    ssize_t length = file_read(AT_FDCWD, path, FILE_MOST, &text);
    if (length < 0)
        return (int)length;
    return length ? json_read(arena, text, (size_t)length, path, fields, file) : 0;
}

/* ---- finding ---- */

/* How much of HOST/REPOSITORY the key covers, or 0: all of it or up to a slash. */
static size_t key_covers(const char *key, const char *host, const char *whole)
{
    static const char *const schemes[] = {"https://", "http://"};
    size_t length = strlen(key);
    for (size_t i = 0; i < COUNT(schemes); i++) {
        const char *rest = text_after(key, schemes[i]);
        size_t end = rest ? strcspn(rest, "/") : 0;
        if (rest)
            return end == strlen(host) && strncmp(rest, host, end) == 0 ? end : 0;
    }
    while (length && key[length - 1] == '/')
        length--;
    if (!length || strncmp(key, whole, length) != 0 || (whole[length] && whole[length] != '/'))
        return 0;
    return length;
}

static const struct entry *best_entry(const struct auth_file *file, const char *host, const char *whole)
{
    const struct entry *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < file->n_entries; i++) {
        const struct entry *entry = &file->entries[i];
        size_t covers = key_covers(entry->key, host, whole);
        if (covers > most && (entry->auth || entry->identity || entry->user)) {
            most = covers;
            best = entry;
        }
    }
    return best;
}

/* "USER:SECRET" in base64; a name of <token>, or all zeroes beside an identity, is Docker's for "the token alone". */
static int use_entry(struct arena *arena, const struct entry *entry, const char *path, struct credentials *found)
{
    *found = (struct credentials){.user = entry->user, .secret = entry->secret, .from = path,
                                  .identity = entry->identity && *entry->identity ? entry->identity : NULL};
    if (!entry->auth || !*entry->auth)
        return 0;
    size_t size = 0;
    char *text = base64_decode(arena, entry->auth, &size);
    char *colon = text && strlen(text) == size ? strchr(text, ':') : NULL;
    if (!colon)
        return refuse(-EINVAL, "%s: auths: %.200s: not a name and a password in base64", path, entry->key);
    *colon = '\0';
    found->user = text;
    found->secret = colon + 1;
    return 0;
}

static const char *helper_for(const struct auth_file *file, const char *host)
{
    for (size_t i = 0; i < file->n_helpers; i++)
        if (text_equal(file->helpers[i].key, host) && *file->helpers[i].name)
            return file->helpers[i].name;
    return NULL;
}

static int find_in(struct arena *arena, const char *path, bool wanted, const char *host, const char *whole,
                   struct credentials *found)
{
    struct auth_file file = {0};
    TRY(read_file(arena, path, wanted, &file));
    const char *helper = helper_for(&file, host);
    if (helper) {
        int r = credentials_ask(arena, helper, host, found);
        return r < 0 ? because(r, "%s", path) : 0;
    }
    const struct entry *entry = best_entry(&file, host, whole);
    if (entry)
        return use_entry(arena, entry, path, found);
    if (file.store && *file.store) {
        int r = credentials_ask(arena, file.store, host, found);
        return r < 0 ? because(r, "%s", path) : 0;
    }
    return 0;
}

bool credentials_key_is(const char *key, const char *host)
{
    return key_covers(key, host, host);
}

/* ---- places ---- */

struct place {
    const char *variable; /* where it is not set: no such place */
    const char *rest;
    bool alone; /* where it is set, there is no other */
};

static const struct place places_of_all[] = {
    {"REGISTRY_AUTH_FILE", "", true},
    {"XDG_RUNTIME_DIR", "/containers/auth.json", false},
    {NULL, NULL, false}, /* /run/containers/UID/auth.json, where XDG_RUNTIME_DIR is not set */
    {"XDG_CONFIG_HOME", "/containers/auth.json", false},
    {"HOME", "/.config/containers/auth.json", false},
    {"DOCKER_CONFIG", "/config.json", false},
    {"HOME", "/.docker/config.json", false},
};

static const char *value_of(const char *variable)
{
    const char *value = getenv(variable);
    return value && *value ? value : NULL;
}

/* NULL: there is none. */
static const char *path_of(struct arena *arena, const struct place *place)
{
    if (!place->variable)
        return value_of("XDG_RUNTIME_DIR") ? NULL : arena_printf(arena, "/run/containers/%u/auth.json", geteuid());
    const char *base = value_of(place->variable);
    return base ? arena_printf(arena, "%s%s", base, place->rest) : NULL;
}

void credentials_places(struct arena *arena, const char *const *files, size_t count, struct credentials_place **places, size_t *n)
{
    *places = NULL;
    *n = 0;
    for (size_t i = 0; i < count; i++)
        *LIST_ADD(arena, places, n) = (struct credentials_place){files[i], true};
    for (size_t i = 0; i < COUNT(places_of_all) && !count; i++) {
        const struct place *place = &places_of_all[i];
        const char *path = path_of(arena, place);
        if (path)
            *LIST_ADD(arena, places, n) = (struct credentials_place){path, place->alone};
        if (path && place->alone)
            break;
    }
}

/* Who has no directory of his login, and is not root, has none that is emptied when he leaves. */
const char *credentials_home(struct arena *arena, const char *const *files, size_t count)
{
    struct credentials_place *places;
    size_t n;
    const char *runtime = value_of("XDG_RUNTIME_DIR");
    credentials_places(arena, files, count, &places, &n);
    if (n && places[0].wanted)
        return places[0].path;
    for (size_t i = 0; i < COUNT(places_of_all); i++) {
        const struct place *place = &places_of_all[i];
        bool usable = place->variable ? !text_equal(place->variable, "XDG_RUNTIME_DIR") || (runtime && access(runtime, W_OK) == 0)
                                      : geteuid() == 0;
        const char *path = usable ? path_of(arena, place) : NULL;
        if (path)
            return path;
    }
    return NULL;
}

int credentials_find(struct arena *arena, const char *const *files, size_t count, const char *host,
                     const char *repository, struct credentials *found)
{
    const char *whole = arena_printf(arena, "%s/%s", host, repository);
    struct credentials_place *places;
    size_t n;
    *found = (struct credentials){0};
    credentials_places(arena, files, count, &places, &n);
    for (size_t i = 0; i < n && !found->from; i++)
        TRY(find_in(arena, places[i].path, places[i].wanted, host, whole, found));
    return 0;
}
