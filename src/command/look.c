/* A store of one's own has all that the caller's has (an index, locks, blobs), so that nobody who reads has to know. */
#include "command/look.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "command/load.h"

static const struct option_section sections[] = {
    {"IMAGES FROM ELSEWHERE",
     "In place of an image of the store, *oci:*_DIR_[*:*_NAME_], *oci-archive:*_FILE_[*:*_NAME_], *docker-archive:*_FILE_[*:*_NAME_] and *-* (an\n"
     "archive on standard input) mean that of a layout or an archive. It is read and verified as by *bocal-load*(1), which takes room beside\n"
     "the store meanwhile, and nothing of it is kept.\n"},
    {0},
};
const struct option_prose look_prose = {.before = sections};

static bool is_foreign(struct arena *arena, const char *word, struct reference *from)
{
    bool foreign = reference_parse(arena, word, from) == 0 && load_can(from);
    error_clear(); /* what is wrong with it is told when it is looked for */
    return foreign;
}

bool look_is_foreign(struct arena *arena, const char *word)
{
    struct reference from;
    return is_foreign(arena, word, &from);
}

static int unpack_archive(struct arena *arena, const struct reference *from, struct look *look)
{
    struct loaded_image *list;
    size_t count;
    TRY(caller_store_open(arena, &look->home));
    look->adding = store_hold(&look->home, false, false);
    TRY(look->adding);
    TRY(ingest_sweep(&look->home));
    TRY(ingest_begin(&look->home, "look", &look->ingest));
    TRY(store_open(arena, arena_printf(arena, "%s/ingest/%s", look->home.dir, look->ingest.name), &look->store));
    const struct load_request request = {.from = *from, .single = true, .packed = true, .progress = PROGRESS_QUIET};
    TRY(load_into(&look->store, &request, &list, &count));
    look->image = list->image;
    look->other = list->image.name ? NULL : *list->other;
    return 0;
}

int look_at(struct arena *arena, const char *word, struct look *look)
{
    struct reference from;
    if (is_foreign(arena, word, &from))
        return unpack_archive(arena, &from, look);
    TRY(caller_store_look(arena, word, &look->store));
    return store_find(&look->store, word, &look->image);
}

void look_close(struct look *look)
{
    store_close(&look->store);
    ingest_end(&look->ingest);
    cleanup_fd(&look->adding);
    look->adding = -1;
    store_close(&look->home);
}
