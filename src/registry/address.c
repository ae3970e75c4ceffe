/* Addresses: libcurl's own parser reads them, so that what is compared here is what is connected to there. */
#include "registry/http.h"

#include "base/error.h"
#include "base/text.h"

#include <curl/curl.h>

static void cleanup_url(CURLU **url)
{
    curl_url_cleanup(*url);
}
#define auto_url __attribute__((cleanup(cleanup_url))) CURLU

static void cleanup_part(char **part)
{
    curl_free(*part);
}
#define auto_part __attribute__((cleanup(cleanup_part))) char

static CURLU *parse(const char *text)
{
    CURLU *url = curl_url();
    if (!url || curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK)
        return url;
    curl_url_cleanup(url);
    return NULL;
}

static char *part_of(CURLU *url, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    return url && curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

const char *http_host(struct arena *arena, const char *text)
{
    auto_url *url = parse(text);
    auto_part *host = part_of(url, CURLUPART_HOST, 0);
    auto_part *port = part_of(url, CURLUPART_PORT, 0);
    return host ? arena_printf(arena, "%s%s%s", host, port ? ":" : "", port ? port : "") : "?";
}

bool http_same_origin(const char *a, const char *b)
{
    static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
    auto_url *left = parse(a);
    auto_url *right = parse(b);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        auto_part *l = part_of(left, parts[i], CURLU_DEFAULT_PORT);
        auto_part *r = part_of(right, parts[i], CURLU_DEFAULT_PORT);
        if (!l || !r || strcasecmp(l, r) != 0)
            return false;
    }
    return true;
}

const char *http_resolve(struct arena *arena, const char *base, const char *reference)
{
    auto_url *url = parse(base);
    if (!url || !header_safe(reference, 8192) || curl_url_set(url, CURLUPART_URL, reference, 0) != CURLUE_OK)
        return refuse(-EPROTO, "%s: sends us to %.200s, which is no address", http_host(arena, base), reference), NULL;
    auto_part *scheme = part_of(url, CURLUPART_SCHEME, 0);
    auto_part *user = part_of(url, CURLUPART_USER, 0);
    auto_part *password = part_of(url, CURLUPART_PASSWORD, 0);
    if (!text_equal(scheme, "https") && !text_equal(scheme, "http"))
        return refuse(-EPROTO, "%s: sends us to %.200s, which is neither http nor https", http_host(arena, base),
                      reference), NULL;
    if (user || password)
        return refuse(-EPROTO, "%s: sends us to an address with a user's name in it", http_host(arena, base)), NULL;
    curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
    auto_part *whole = part_of(url, CURLUPART_URL, 0);
    if (!whole || !header_safe(whole, 16384)) /* a host's %AA is decoded by libcurl */
        return refuse(-EPROTO, "%s: sends us to %.200s, which is no address", http_host(arena, base), reference), NULL;
    return arena_strdup(arena, whole);
}

const char *http_escape(struct arena *arena, const char *text)
{
    auto_part *escaped = curl_easy_escape(NULL, text, 0);
    return arena_strdup(arena, escaped ? escaped : "");
}
