/* By ISA-L, which takes a quarter of zlib's time. A file of gzip may have several members, one behind the other: what they have in
 * them is one stream. What follows the last one and is none is not part of it, as with gzip(1) and libarchive. */
#include "archive/gunzip.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

struct gunzip {
    struct inflate_state state;
    bool between; /* two members */
};

static void begin_member(struct gunzip *gunzip)
{
    isal_inflate_reset(&gunzip->state);
    gunzip->state.crc_flag = ISAL_GZIP;
    gunzip->between = false;
}

struct gunzip *gunzip_new(void)
{
    struct gunzip *gunzip = malloc(sizeof *gunzip);
    if (!gunzip)
        return NULL;
    isal_inflate_init(&gunzip->state);
    begin_member(gunzip);
    return gunzip;
}

void gunzip_free(struct gunzip *gunzip)
{
    free(gunzip);
}

int gunzip_step(struct gunzip *gunzip, const char **in, size_t *size, char *out, size_t room, size_t *made)
{
    struct inflate_state *state = &gunzip->state;
    *made = 0;
    if (gunzip->between) {
        if (!*size)
            return 0;
        if ((unsigned char)**in != 0x1f)
            return 1;
        begin_member(gunzip);
    }
    state->next_in = (uint8_t *)*in;
    state->avail_in = (uint32_t)*size;
    state->next_out = (uint8_t *)out;
    state->avail_out = (uint32_t)room;
    int r = isal_inflate(state);
    *in = (const char *)state->next_in;
    *size = state->avail_in;
    *made = room - state->avail_out;
    gunzip->between = r == ISAL_DECOMP_OK && state->block_state == ISAL_BLOCK_FINISH;
    return r < 0 || r == ISAL_NEED_DICT ? -EBADMSG : 0;
}

bool gunzip_is_whole(const struct gunzip *gunzip)
{
    return gunzip->between;
}
