/* From an entry of the index to what it stands for. Every document was verified when it came into the store. */
#include "image/content.h"

#include "base/cleanup.h"
#include "base/error.h"

enum { DEEPEST_INDEX = 4 };

int content_document(const struct store *store, const char *digest, const char *media_type, struct image_document *document)
{
    auto_free char *text = NULL;
    int size = store_document(store, digest, &text);
    TRY(size);
    TRY(document_decode(store->arena, text, (size_t)size, digest, media_type, document));
    return size;
}

static int read_config(const struct store *store, struct content *content)
{
    auto_free char *text = NULL;
    const char *digest = content->manifest.config.digest;
    int size = store_document(store, digest, &text);
    TRY(size);
    TRY(image_config_decode(store->arena, text, (size_t)size, digest, &content->config));
    TRY(image_config_fits(&content->config, &content->manifest, content->image.name ? content->image.name : digest));
    content->chain = image_config_chain(store->arena, content->config.diff_ids);
    content->n_layers = content->manifest.n_layers;
    return 0;
}

int content_read(const struct store *store, const struct image *image, const struct platform *platform, struct content *content)
{
    struct platform here;
    const struct descriptor *chosen = NULL;
    *content = (struct content){.image = *image, .digest = image->digest};
    if (!platform)
        TRY(platform_host(store->arena, &here));
    for (int depth = 0; depth < DEEPEST_INDEX; depth++) {
        struct image_document document;
        TRY(content_document(store, content->digest, chosen ? chosen->media_type : image->media_type, &document));
        if (document.kind == MEDIA_MANIFEST) {
            content->manifest = document.manifest;
            return read_config(store, content);
        }
        TRY(index_choose(&document.index, platform ? platform : &here, image->name ? image->name : image->digest, &chosen));
        content->digest = chosen->digest;
    }
    return refuse(-ELOOP, "image %s: indexes of indexes, more than %d deep", image->name ? image->name : image->digest, DEEPEST_INDEX);
}
