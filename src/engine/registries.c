/* A user's file stands in place of the host's, not beside it. */
#include "engine/registries.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json_read.h"
#include "base/text.h"

#include <fcntl.h>

static int decode_mirrors_of(struct json_source *source, struct json_object *value, void *into)
{
    struct mirrors *mirrors = into;
    struct reference reference;
    TRY(json_strings(source, value, &mirrors->places));
    for (char **place = mirrors->places; *place; place++)
        if (reference_parse(source->arena, arena_printf(source->arena, "%s/x", *place), &reference) < 0 ||
            reference.kind != REFERENCE_NAME || !reference.host) {
            error_clear();
            return json_expected(source, "HOST[:PORT][/PREFIX]");
        }
    return 0;
}

static int decode_mirrors(struct json_source *source, struct json_object *value, void *into)
{
    struct registries *registries = into;
    return json_read_map(source, value, decode_mirrors_of, sizeof *registries->mirrors, (void **)&registries->mirrors, &registries->n_mirrors);
}

static const struct json_field fields[] = {
    {"registries", json_strings, offsetof(struct registries, search)},
    {"insecureRegistries", json_strings, offsetof(struct registries, insecure)},
    {"unpackLimit", json_u64, offsetof(struct registries, limits.bytes)},
    {"unpackRatio", json_u64, offsetof(struct registries, limits.ratio)},
    {"unpackEntries", json_u64, offsetof(struct registries, limits.entries)},
    {"mirrors", decode_mirrors, 0},
    {0},
};

/* 1 when it is there. */
static int read_file(struct arena *arena, const char *path, struct registries *registries)
{
    auto_free char *text = NULL;
    if (access(path, F_OK) < 0)
        return 0;
    ssize_t size = file_read(AT_FDCWD, path, 1 << 20, &text);
    if (size < 0)
        return (int)size;
    TRY(json_read(arena, text, (size_t)size, path, fields, registries));
    registries->file = path;
    return 1;
}

int registries_read(struct arena *arena, struct registries *registries)
{
    const char *said = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    *registries = (struct registries){.file = NULL};
    const char *own = said && *said == '/'   ? arena_printf(arena, "%s/bocal/config.json", said)
                      : home && *home == '/' ? arena_printf(arena, "%s/.config/bocal/config.json", home)
                                             : NULL;
    int r = own ? read_file(arena, own, registries) : 0;
    if (r == 0)
        r = read_file(arena, "/etc/bocal/config.json", registries);
    return r < 0 ? r : 0;
}

int registries_complete(struct arena *arena, const struct registries *registries, const struct reference *name, struct reference *full)
{
    *full = *name;
    if (name->host)
        return 0;
    if (!registries->search || !*registries->search)
        return refuse(-ENOENT, "no registry is configured for names without a host (write HOST/%.200s, or put "
                               "{\"registries\": [\"HOST/PREFIX\"]} into /etc/bocal/config.json)",
                      name->text);
    return reference_qualify(arena, name, registries->search[0], full);
}

char **registries_mirrors(const struct registries *registries, const char *host)
{
    for (size_t i = 0; i < registries->n_mirrors; i++)
        if (text_equal(registries->mirrors[i].host, host))
            return registries->mirrors[i].places;
    return NULL;
}

bool registries_insecure(const struct registries *registries, const char *host)
{
    for (char **word = registries->insecure; word && *word; word++)
        if (text_equal(*word, host))
            return true;
    return false;
}

int registries_host(struct arena *arena, const char *word, const char **host)
{
    static const char *const versions[] = {"", "/", "/v1", "/v1/", "/v2", "/v2/"};
    struct reference parsed;
    const char *rest = strstr(word, "://");
    const char *text = rest && (text_after(word, "https://") || text_after(word, "http://")) ? rest + 3 : word;
    size_t length = strcspn(text, "/");
    bool ends = false;
    for (size_t i = 0; i < COUNT(versions); i++)
        ends = ends || text_equal(text + length, versions[i]);
    int r = ends ? reference_parse(arena, arena_printf(arena, "%.*s/x", (int)length, text), &parsed) : -EINVAL;
    error_clear();
    if (r < 0 || parsed.kind != REFERENCE_NAME || !parsed.host)
        return refuse(-EINVAL, "%.200s: not a registry's host (HOST or HOST:PORT, with a dot or a port in it)", word);
    *host = parsed.host;
    return 0;
}
