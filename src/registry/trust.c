/* Whose certificates are believed. What --cert-dir holds is read once, before the program gives up the right to open it. */
#include "registry/http.h"
#include "registry/trust.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <stdio.h>

enum { CERTIFICATES_MOST = 16 << 20 };

void http_trust_places(const char **file, const char **directory)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    const char *wanted = getenv("SSL_CERT_FILE");
    *file = wanted && *wanted ? wanted : info->cainfo;
    *directory = wanted && *wanted ? NULL : info->capath;
}

struct reading {
    struct arena *arena;
    struct http_trust *trust;
    const char *dir;
};

static int append(struct arena *arena, int dir, const char *name, const char **pem)
{
    auto_free char *text = NULL;
    if (file_read(dir, name, CERTIFICATES_MOST, &text) < 0)
        return -EIO;
    *pem = arena_printf(arena, "%s%s\n", *pem ? *pem : "", text);
    return 0;
}

static int read_one(int dir, const char *name, unsigned char type, void *data)
{
    (void)type;
    struct reading *reading = data;
    struct {
        const char *ending, **pem;
    } const kinds[] = {
        {".crt", &reading->trust->authorities},
        {".cert", &reading->trust->certificate},
        {".key", &reading->trust->key},
    };
    for (size_t i = 0; i < COUNT(kinds); i++) {
        size_t length = strlen(name), ending = strlen(kinds[i].ending);
        if (length <= ending || !text_equal(name + length - ending, kinds[i].ending))
            continue;
        if (i > 0 && *kinds[i].pem)
            return refuse(-EINVAL, "%s: more than one certificate of our own: which one is not said", reading->dir);
        return append(reading->arena, dir, name, kinds[i].pem);
    }
    return 0;
}

int http_trust_read(struct arena *arena, const char *path, const struct http_trust **result)
{
    struct http_trust *trust = arena_alloc(arena, sizeof *trust);
    struct reading reading = {.arena = arena, .trust = trust, .dir = path};
    auto_fd dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return fail(-errno, "%s", path);
    int r = dir_each(dir, read_one, &reading);
    if (r < 0)
        return fail(r, "%s", path);
    if (!trust->certificate != !trust->key)
        return refuse(-EINVAL, "%s: a certificate and its key (*.cert, *.key) are both needed", path);
    const char *file, *directory;
    http_trust_places(&file, &directory);
    if (trust->authorities && file)
        TRY(append(arena, AT_FDCWD, file, &trust->authorities));
    *result = trust;
    return 0;
}
