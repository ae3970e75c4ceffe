/* References: what is read has a canonical text that is read again as the same; what is not leaves a sentence. */
#include "target.h"

#include "base/error.h"
#include "base/text.h"
#include "spec/digest.h"
#include "spec/reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena arena = {0};
    struct reference first, again, full;
    const char *word = arena_strndup(&arena, (const char *)data, size);
    error_clear();
    if (reference_parse(&arena, word, &first) < 0) {
        CHECK(*error_text());
        return 0;
    }
    CHECK(!*error_text() && reference_possible(word));
    CHECK(reference_parse(&arena, first.text, &again) == 0);
    CHECK(text_equal(first.text, again.text) && first.kind == again.kind);
    CHECK(!first.digest || digest_valid(first.digest));
    CHECK(first.kind != REFERENCE_NAME || (first.repository && (first.tag || first.digest)));
    if (first.kind == REFERENCE_NAME)
        CHECK(reference_matches(&first, &again, first.digest));
    if (first.kind == REFERENCE_NAME && !first.host && reference_qualify(&arena, &first, "h.example:1/library", &full) == 0)
        CHECK(reference_matches(&first, &full, first.digest) && text_equal(full.host, "h.example:1"));
    error_clear();
    return 0;
}
