/* Image configs: what is read keeps what its header promises. */
#include "target.h"

#include "base/error.h"
#include "base/text.h"
#include "spec/image_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena arena = {0};
    struct image_config config;
    const char *text = arena_strndup(&arena, (const char *)data, size);
    error_clear();
    if (image_config_decode(&arena, text, size, "c", &config) < 0) {
        CHECK(*error_text());
        return 0;
    }
    CHECK(config.platform.os && config.platform.architecture && config.n_diff_ids <= LAYERS_MAX);
    CHECK(text_count(config.diff_ids) == config.n_diff_ids);
    char **chain = image_config_chain(&arena, config.diff_ids);
    CHECK(text_count(chain) == config.n_diff_ids);
    for (size_t i = 0; i < config.n_diff_ids; i++)
        CHECK(digest_valid(config.diff_ids[i]) && digest_valid(chain[i]));
    for (size_t i = 0; i < config.n_labels; i++)
        CHECK(config.labels[i].key && config.labels[i].value);
    return 0;
}
