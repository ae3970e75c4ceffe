/* Manifests, indexes, platforms: what is right is read and can be written again, what is wrong is refused by name. */
#include "base/arena.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "spec/manifest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CONFIG "'config': {'mediaType': '" MEDIA_OCI_CONFIG "', 'digest': '" DIGEST "', 'size': 7}"
#define LAYER "{'mediaType': '" MEDIA_OCI_LAYER "+gzip', 'digest': '" DIGEST "', 'size': 1000}"
#define IMAGE "{'mediaType': '" MEDIA_OCI_MANIFEST "', 'digest': '" DIGEST "', 'size': 500"
#define ON(os, architecture) ", 'platform': {'os': '" os "', 'architecture': '" architecture "'}}"

/* TEXT with double quotes for its single ones. */
static char *quoted(struct arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text);
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return copy;
}

static int decode(struct arena *arena, const char *text, const char *type, struct image_document *document)
{
    char *copy = quoted(arena, text);
    error_clear();
    return document_decode(arena, copy, strlen(copy), "m", type, document);
}

static void types_are_one_table(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum media_kind kind;
        enum media_packing packing;
        bool docker, foreign;
    } cases[] = {
        {MEDIA_OCI_LAYER, MEDIA_LAYER, PACKING_NONE, false, false},
        {MEDIA_OCI_LAYER "+zstd", MEDIA_LAYER, PACKING_ZSTD, false, false},
        {"application/vnd.docker.image.rootfs.diff.tar.gzip", MEDIA_LAYER, PACKING_GZIP, true, false},
        {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", MEDIA_LAYER, PACKING_GZIP, true, true},
        {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", MEDIA_LAYER, PACKING_ZSTD, false, true},
        {"Application/VND.oci.image.index.v1+json; charset=utf-8", MEDIA_INDEX, PACKING_NONE, false, false},
        {MEDIA_DOCKER_LIST, MEDIA_INDEX, PACKING_NONE, true, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct media_type *type = media_type_find(cases[i].name);
        if (!type || type->kind != cases[i].kind || type->packing != cases[i].packing || type->docker != cases[i].docker ||
            type->foreign != cases[i].foreign)
            fail_msg("%s", cases[i].name);
    }
    static const char *const none[] = {NULL, "", "application/json", MEDIA_OCI_LAYER "+gzip+encrypted", MEDIA_OCI_INDEX "x"};
    for (size_t i = 0; i < COUNT(none); i++)
        assert_null(media_type_find(none[i]));
    assert_string_equal(media_type_of_layer(PACKING_NONE, false)->name, MEDIA_OCI_LAYER);
    assert_string_equal(media_type_of_layer(PACKING_ZSTD, true)->name, "application/vnd.docker.image.rootfs.diff.tar.zstd");
}

static const struct wrong {
    int result;
    const char *type, *text, *reason;
} wrongs[] = {
    {-EINVAL, NULL, "", "m: not JSON"},
    {-EINVAL, NULL, "[]", "m: /: expected an object"},
    {-EINVAL, NULL, "null", "m: /: expected an object"},
    {-EINVAL, NULL, "{} {}", "m: not JSON"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'mediaType': 'a\\u0000b'}", "m: not JSON: a zero byte in a string"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'a\\u0000': 1}", "m: not JSON: a zero byte in a string"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'a': '\x01'}", "m: not JSON: a control character in a string"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'a': '\xff'}", "m: not JSON: invalid utf-8"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'a': NaN}", "m: not JSON: unexpected character"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'schemaVersion': 2}", "m: an object has a member twice"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'x': [{'y': {'a': 1, 'b:': 2, '\\u0061': 3}}]}", "m: an object has a member twice"},
    {-EINVAL, NULL, "{'schemaVersion': '2'}", "m: /schemaVersion: expected an integer"},
    {-EINVAL, NULL, "{'schemaVersion': 3, " CONFIG ", 'layers': []}", "m: /schemaVersion: expected 2"},
    {-EINVAL, NULL, "{" CONFIG ", 'layers': []}", "m: /schemaVersion: expected 2"},
    {-ENOTSUP, NULL, "{'schemaVersion': 1, 'fsLayers': []}", "m: Docker's manifest schema 1 is not supported (pushed again"},
    {-ENOTSUP, "application/vnd.docker.distribution.manifest.v1+prettyjws", "{}", "Docker's manifest schema 1"},
    {-EINVAL, NULL, "{'schemaVersion': 2}", "m: /config: is missing"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG "}", "m: /layers: is missing"},
    {-EINVAL, MEDIA_OCI_INDEX, "{'schemaVersion': 2, " CONFIG ", 'layers': []}", "m: /manifests: is missing"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': [], 'manifests': []}", "m: could be read as an index and as a"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'layers': [], 'manifests': []}", "m: could be read as an index and as a manifest"},
    {-EINVAL, MEDIA_OCI_INDEX, "{'schemaVersion': 2, 'mediaType': '" MEDIA_OCI_MANIFEST "', " CONFIG ", 'layers': []}",
     "m: is said to be " MEDIA_OCI_INDEX ", but calls itself " MEDIA_OCI_MANIFEST},
    {-ENOTSUP, NULL, "{'schemaVersion': 2, 'mediaType': 'text/plain'}", "m: text/plain is no image"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'mediaType': '" MEDIA_OCI_CONFIG "'}", "m: expected a manifest or an index"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'mediaType': 'a\xc2\x9b'}", "m: /mediaType: expected a word of printable ASCII"},
    {-ENOTSUP, NULL, "{'schemaVersion': 2, 'layers': [], 'config': {'mediaType': 'application/vnd.oci.empty.v1+json', "
     "'digest': '" DIGEST "', 'size': 2}}", "m: is no image, but an artifact with a config of the kind application/vnd.oci.empty"},
    {-EFBIG, NULL, "{'schemaVersion': 2, 'layers': [], 'config': {'mediaType': '" MEDIA_OCI_CONFIG "', 'digest': '" DIGEST "', "
     "'size': 4194305}}", "m: /config/size: an image config has at most 4194304 bytes"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': {}}", "m: /layers: expected an array"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': [null]}", "m: /layers/0: expected an object"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': [" LAYER ", {}]}", "m: /layers/1/mediaType: is missing"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': [{'mediaType': 'x', 'size': 1}]}", "m: /layers/0/digest: is missing"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': [{'mediaType': 'x', 'digest': '" DIGEST "'}]}",
     "m: /layers/0/size: is missing"},
    {-ENOTSUP, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': [{'mediaType': 'x/y', 'digest': '" DIGEST "', 'size': 1}]}",
     "m: /layers/0: layers of the kind x/y are not supported"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': [{'digest': '" DIGEST "0'}]}",
     "m: /layers/0/digest: expected 64 digits"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': [{'digest': 'sha512:00'}]}",
     "m: /layers/0/digest: sha512 is not supported"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': [{'size': -1}]}", "m: /layers/0/size: expected an integer of 0"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': [{'size': 1.5}]}", "m: /layers/0/size: expected an integer of 0"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': [{'size': 99999999999999999999}]}",
     "m: /layers/0/size: expected a size in bytes"},
    {-EINVAL, NULL, "{'schemaVersion': 2, " CONFIG ", 'layers': [" LAYER ", {'mediaType': '" MEDIA_OCI_LAYER "', 'digest': '"
     DIGEST "', 'size': 9223372036854775807}]}", "m: /layers/1/size: the layers' sum is no size"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'manifests': [" IMAGE ", 'annotations': {'" ANNOTATION_REF_NAME "': 'a\\u001b[2J'}}]}",
     "m: /manifests/0/annotations: " ANNOTATION_REF_NAME ": control characters are not allowed in names"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'manifests': [" IMAGE ", 'platform': {'os': 'a\\u001b'}}]}",
     "m: /manifests/0/platform/os: expected a word of printable ASCII"},
    {-EINVAL, NULL, "{'schemaVersion': 2, 'manifests': [" IMAGE ", 'annotations': {'a': 1}}]}",
     "m: /manifests/0/annotations/a: expected a string"},
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(wrongs); i++) {
        auto_arena arena = {0};
        struct image_document document;
        int r = decode(&arena, wrongs[i].text, wrongs[i].type, &document);
        if (r != wrongs[i].result || !strstr(error_text(), wrongs[i].reason))
            fail_msg("%zu: wanted %d \"%s\", got %d \"%s\"", i, wrongs[i].result, wrongs[i].reason, r, error_text());
    }
    error_clear();
}

/* BEFORE, PART so many times with commas between them, AFTER. */
static char *repeated(struct arena *arena, const char *before, const char *part, size_t times, const char *after)
{
    char *text = arena_alloc(arena, strlen(before) + times * (strlen(part) + 1) + strlen(after) + 1), *p = stpcpy(text, before);
    for (size_t i = 0; i < times; i++)
        p = stpcpy(stpcpy(p, i ? "," : ""), part);
    strcpy(p, after);
    return text;
}

static void what_is_too_much_is_refused(void **state)
{
    (void)state;
    auto_arena arena = {0};
    struct image_document document;
    const char *head = "{'schemaVersion': 2, " CONFIG ", 'layers': [";
    assert_int_equal(decode(&arena, repeated(&arena, head, LAYER, 500, "]}"), NULL, &document), 0);
    assert_int_equal(document.manifest.n_layers, 500);
    assert_int_equal(decode(&arena, repeated(&arena, head, LAYER, 501, "]}"), NULL, &document), -ENOTSUP);
    assert_string_equal(error_text(), "m: 501 layers, more than the 500 that an overlay can have");
    char *deep = arena_alloc(&arena, 400);
    memset(stpcpy(deep, "{'a': "), '[', 100);
    memset(deep + strlen(deep), ']', 100);
    strcat(deep, "}");
    assert_int_equal(decode(&arena, deep, NULL, &document), -EINVAL);
    assert_non_null(strstr(error_text(), "m: not JSON: nesting too deep"));
    assert_int_equal(decode(&arena, repeated(&arena, "{'a': [", "{}", 100000, "]}"), NULL, &document), -EFBIG);
    assert_int_equal(decode(&arena, repeated(&arena, "{'a': [", "1", 100000, "]}"), NULL, &document), -EFBIG);
    assert_string_equal(error_text(), "m: more values than a document of its size has");
    assert_int_equal(decode(&arena, repeated(&arena, "{'a': '", "1", 2200000, "'}"), NULL, &document), -EFBIG);
    assert_non_null(strstr(error_text(), "more than the 4194304 that such a document may have"));
    error_clear();
    static const char with_zero[] = "{}\0{}";
    assert_int_equal(document_decode(&arena, with_zero, sizeof with_zero - 1, "m", NULL, &document), -EINVAL);
    assert_string_equal(error_text(), "m: not JSON: unexpected character at byte 3");
    error_clear();
}

static void kinds_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *announced, *own;
        bool index;
        const char *found;
    } cases[] = {
        {NULL, NULL, false, MEDIA_OCI_MANIFEST},
        {NULL, NULL, true, MEDIA_OCI_INDEX},
        {"application/json", MEDIA_DOCKER_MANIFEST, false, MEDIA_DOCKER_MANIFEST},
        {MEDIA_DOCKER_LIST, NULL, true, MEDIA_DOCKER_LIST},
        {MEDIA_DOCKER_LIST "; charset=utf-8", MEDIA_DOCKER_LIST, true, MEDIA_DOCKER_LIST},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        auto_arena arena = {0};
        struct image_document document;
        const char *own = cases[i].own ? arena_printf(&arena, ", 'mediaType': '%s'", cases[i].own) : "";
        const char *body = cases[i].index ? "'manifests': []" : CONFIG ", 'layers': [" LAYER "]";
        if (decode(&arena, arena_printf(&arena, "{'schemaVersion': 2%s, %s}", own, body), cases[i].announced, &document) < 0)
            fail_msg("%zu: %s", i, error_text());
        assert_int_equal(document.kind, cases[i].index ? MEDIA_INDEX : MEDIA_MANIFEST);
        assert_string_equal((cases[i].index ? document.index.type : document.manifest.type)->name, cases[i].found);
    }
}

static void only_the_wanted_kind_is_read(void **state)
{
    (void)state;
    auto_arena arena = {0};
    struct image_index index;
    struct image_manifest manifest;
    char *list = quoted(&arena, "{'schemaVersion': 2, 'manifests': []}");
    char *one = quoted(&arena, "{'schemaVersion': 2, " CONFIG ", 'layers': [" LAYER ", " LAYER "]}");
    assert_int_equal(index_decode(&arena, list, strlen(list), "i", &index), 0);
    assert_int_equal(manifest_decode(&arena, one, strlen(one), "m", &manifest), 0);
    assert_int_equal(manifest_size(&manifest), 2007);
    assert_int_equal(manifest.layers[1].type->packing, PACKING_GZIP);
    assert_int_equal(manifest_decode(&arena, list, strlen(list), "m", &manifest), -EINVAL);
    assert_string_equal(error_text(), "m: expected a manifest, not an index");
    error_clear();
    assert_int_equal(index_decode(&arena, one, strlen(one), "i", &index), -EINVAL);
    assert_string_equal(error_text(), "i: expected an index, not a manifest");
    error_clear();
}

/* ---- platforms ---- */

#define SBOM ", 'platform': {'os': 'unknown', 'architecture': 'unknown'}, 'annotations': {'vnd.docker.reference.type': 'x'}}"
#define ARM(v) ", 'platform': {'os': 'linux', 'architecture': 'arm', 'variant': '" v "'}}"
#define AMD(v) ", 'platform': {'os': 'linux', 'architecture': 'amd64', 'variant': '" v "'}}"
#define FOUR IMAGE ON("linux", "amd64") ", " IMAGE ARM("v6") ", " IMAGE ARM("v7") ", " IMAGE ON("linux", "arm64")

static const struct choice {
    const char *entries, *wanted;
    int which; /* -1: none */
    const char *reason;
} choices[] = {
    {FOUR, "linux/amd64", 0, NULL},
    {FOUR, "x86_64", 0, NULL},
    {FOUR, "linux/amd64/v3", 0, NULL},
    {FOUR, "linux/arm/v7", 2, NULL},
    {FOUR, "linux/arm", 2, NULL},
    {FOUR, "armhf", 2, NULL},
    {FOUR, "linux/arm/v8", 2, NULL},
    {FOUR, "linux/arm/v6", 1, NULL},
    {FOUR, "linux/arm/v5", -1, "i: nothing for linux/arm/v5; there is linux/amd64, linux/arm/v6, linux/arm/v7, linux/arm64"},
    {FOUR, "linux/arm64/v8", 3, NULL},
    {FOUR, "aarch64", 3, NULL},
    {FOUR, "linux/386", -1, "i: nothing for linux/386"},
    {FOUR, "windows/amd64", -1, "i: nothing for windows/amd64"},
    {IMAGE ON("linux", "amd64") ", " IMAGE ON("linux", "amd64"), "linux/amd64", 0, NULL},
    {IMAGE AMD("v4") ", " IMAGE AMD("v2") ", " IMAGE AMD("v3"), "linux/amd64/v3", 2, NULL},
    {IMAGE AMD("v2"), "linux/amd64", -1, "there is linux/amd64/v2"},
    {IMAGE ON("linux", "riscv64"), "riscv64", 0, NULL},
    {IMAGE SBOM ", " IMAGE ON("linux", "s390x"), "linux/s390x", 1, NULL},
    {IMAGE SBOM ", " IMAGE "}", "linux/s390x", 1, NULL},
    {IMAGE SBOM, "unknown/unknown", -1, "i: nothing for unknown/unknown; there is no image in it at all"},
    {IMAGE "}", "linux/amd64", 0, NULL},
    {IMAGE "}, " IMAGE "}", "linux/amd64", -1, "there is ?/?, ?/?"},
    {IMAGE ON("linux", "arm"), "linux/amd64", -1, "there is linux/arm"},
    {LAYER, "linux/amd64", -1, "there is no image in it at all"},
    {IMAGE ", 'artifactType': 'a/b'}", "linux/amd64", -1, "there is no image in it at all"},
    {IMAGE ", 'artifactType': '" MEDIA_OCI_CONFIG "'}", "linux/amd64", 0, NULL},
    {"", "linux/amd64", -1, "there is no image in it at all"},
};

static void the_best_entry_is_chosen(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(choices); i++) {
        auto_arena arena = {0};
        struct image_index index;
        struct platform wanted;
        const struct descriptor *found;
        char *text = quoted(&arena, arena_printf(&arena, "{'schemaVersion': 2, 'manifests': [%s]}", choices[i].entries));
        error_clear();
        if (index_decode(&arena, text, strlen(text), "i", &index) < 0 || platform_parse(&arena, choices[i].wanted, &wanted) < 0)
            fail_msg("%zu: %s", i, error_text());
        int r = index_choose(&index, &wanted, "i", &found);
        if (choices[i].which < 0 ? r != -ENOENT || !strstr(error_text(), choices[i].reason)
                                 : r != 0 || found != &index.manifests[choices[i].which])
            fail_msg("%zu: got %d, entry %td, \"%s\"", i, r, r ? -1 : found - index.manifests, error_text());
    }
    error_clear();
}

static void platforms_are_words(void **state)
{
    (void)state;
    auto_arena arena = {0};
    struct platform platform;
    static const char *const bad[] = {"", "/", "linux/", "/amd64", "a/b/c/d", "linux/amd 64", "l\x1b/a", "linux//v8"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (platform_parse(&arena, bad[i], &platform) != -EINVAL)
            fail_msg("%s is a platform", bad[i]);
        assert_non_null(strstr(error_text(), "is no platform: expected OS/ARCHITECTURE[/VARIANT] (such as linux/amd64"));
        error_clear();
    }
    static const char *const machines[][2] = {
        {"x86_64", "linux/amd64"}, {"aarch64", "linux/arm64/v8"}, {"armv7l", "linux/arm/v7"}, {"i686", "linux/386"},
        {"ppc64le", "linux/ppc64le"}, {"s390x", "linux/s390x"}, {"riscv64", "linux/riscv64"}, {"loongarch64", "linux/loong64"},
    };
    for (size_t i = 0; i < COUNT(machines); i++) {
        platform = platform_of_machine(machines[i][0]);
        assert_string_equal(platform_text(&arena, &platform), machines[i][1]);
    }
    assert_int_equal(platform_host(&arena, &platform), 0);
    assert_int_equal(platform_serves(&platform, &platform) > 0, 1);
}

/* ---- writing ---- */

static char *written(struct arena *arena, const struct image_index *index, const struct image_manifest *manifest)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct json_writer json = json_writer_compact(out);
    if (index)
        index_encode(index, &json);
    else if (manifest)
        manifest_encode(manifest, &json);
    else
        layout_encode(&json);
    fclose(out);
    char *copy = arena_strndup(arena, text, size);
    free(text);
    return copy;
}

static void what_is_read_is_written_again(void **state)
{
    (void)state;
    auto_arena arena = {0};
    struct image_document document, again;
    const char *list = "{'schemaVersion': 2, 'mediaType': '" MEDIA_DOCKER_LIST "', 'manifests': [" IMAGE ", 'urls': ['u:v'], "
                       "'platform': {'architecture': 'arm', 'os': 'linux', 'os.version': '1', 'variant': 'v7'}, 'artifactType': "
                       "'a/b', 'annotations': {'" ANNOTATION_REF_NAME "': 'x:1', 'k': 'line\\n2'}}]}";
    assert_int_equal(decode(&arena, list, NULL, &document), 0);
    assert_string_equal(written(&arena, &document.index, NULL), quoted(&arena, list));
    const char *one = "{'schemaVersion': 2, 'mediaType': '" MEDIA_OCI_MANIFEST "', " CONFIG ", 'layers': [" LAYER ", " LAYER "]}";
    assert_int_equal(decode(&arena, one, NULL, &document), 0);
    assert_string_equal(written(&arena, NULL, &document.manifest), quoted(&arena, one));

    struct descriptor *entry = &document.manifest.layers[0];
    descriptor_annotate(&arena, entry, "a", "1");
    descriptor_annotate(&arena, entry, "b", "2");
    descriptor_annotate(&arena, entry, "a", "3");
    assert_int_equal(entry->n_annotations, 2);
    const char *text = written(&arena, NULL, &document.manifest);
    assert_int_equal(document_decode(&arena, text, strlen(text), "m", NULL, &again), 0);
    assert_string_equal(descriptor_annotation(&again.manifest.layers[0], "a"), "3");
    assert_null(descriptor_annotation(&again.manifest.layers[0], "c"));
}

static void a_layout_has_a_version(void **state)
{
    (void)state;
    auto_arena arena = {0};
    const char *layout = written(&arena, NULL, NULL);
    assert_string_equal(layout, "{\"imageLayoutVersion\": \"1.0.0\"}");
    assert_int_equal(layout_decode(layout, strlen(layout), "oci-layout"), 0);
    assert_int_equal(layout_decode("{\"imageLayoutVersion\": \"2.0.0\"}", 31, "oci-layout"), -ENOTSUP);
    assert_string_equal(error_text(), "oci-layout: /imageLayoutVersion: expected 1.0.0, not 2.0.0");
    error_clear();
    assert_int_equal(layout_decode("{}", 2, "oci-layout"), -ENOTSUP);
    error_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_are_one_table),          cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(what_is_too_much_is_refused),  cmocka_unit_test(kinds_are_found),
        cmocka_unit_test(only_the_wanted_kind_is_read), cmocka_unit_test(the_best_entry_is_chosen),
        cmocka_unit_test(platforms_are_words),          cmocka_unit_test(what_is_read_is_written_again),
        cmocka_unit_test(a_layout_has_a_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
