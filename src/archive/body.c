/* Whole blocks are hashed where they lie; what is left of a piece waits for the rest of its block.
 * Where a run of blocks begins that are no zeros is told.
 *
 * Notes are appended as files are made, and sorted when the first is looked for. Of several of one
 * inode the last counts: what it was before was removed again. */
#include "archive/body.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { BODIES_MOST = 1 << 21 }; /* 128 MB of memory */

struct known_body {
    uint64_t inode, size;
    size_t number;
    bool known;
    unsigned char value[BODY_VALUE];
};

/* ---- one file ---- */

int body_begin(struct body *body)
{
    body->at = body->used = 0;
    body->run = false;
    return body->digest.state ? digest_again(&body->digest) : digest_begin(&body->digest);
}

static bool is_zero(const char *bytes, size_t size)
{
    return !*bytes && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* The next SIZE bytes, whole blocks but for the last of the file. */
static void add_blocks(struct body *body, const char *bytes, size_t size)
{
    size_t begin = 0;
    for (size_t i = 0; i < size; i += BODY_BLOCK) {
        bool zero = is_zero(bytes + i, size - i < BODY_BLOCK ? size - i : BODY_BLOCK);
        uint64_t at = body->at + i;
        if (zero && body->run)
            digest_add(&body->digest, bytes + begin, i - begin);
        else if (!zero && !body->run)
            digest_add(&body->digest, &at, sizeof at);
        if (!zero && !body->run)
            begin = i;
        body->run = !zero;
    }
    if (body->run)
        digest_add(&body->digest, bytes + begin, size - begin);
    body->at += size;
}

/* As many of SIZE bytes as the block begun has room for, zeros where BYTES is NULL: how many that
 * were. */
static size_t fill_block(struct body *body, const char *bytes, uint64_t size)
{
    size_t room = BODY_BLOCK - body->used, n = size < room ? (size_t)size : room;
    if (bytes)
        memcpy(body->block + body->used, bytes, n);
    else
        memset(body->block + body->used, 0, n);
    body->used += n;
    if (body->used == BODY_BLOCK) {
        add_blocks(body, body->block, BODY_BLOCK);
        body->used = 0;
    }
    return n;
}

static void add_hole(struct body *body, uint64_t size)
{
    if (body->used)
        size -= fill_block(body, NULL, size);
    uint64_t whole = size - size % BODY_BLOCK;
    body->at += whole;
    body->run = body->run && !whole;
    if (size > whole)
        fill_block(body, NULL, size - whole);
}

void body_add(struct body *body, const void *bytes, size_t size, uint64_t at)
{
    const char *from = bytes;
    add_hole(body, at - body->at - body->used);
    if (body->used) {
        size_t n = fill_block(body, from, size);
        from += n;
        size -= n;
    }
    size_t whole = size - size % BODY_BLOCK;
    if (whole)
        add_blocks(body, from, whole);
    if (size > whole)
        fill_block(body, from + whole, size - whole);
}

int body_end(struct body *body, uint64_t size, unsigned char value[BODY_VALUE])
{
    add_hole(body, size - body->at - body->used);
    if (body->used)
        add_blocks(body, body->block, body->used);
    return digest_value(&body->digest, value) < 0 ? refuse(-EIO, "libcrypto: SHA-256 failed") : 0;
}

void body_free(struct body *body)
{
    digest_free(&body->digest);
}

/* ---- many ---- */

void bodies_free(struct bodies *bodies)
{
    free(bodies->list);
    *bodies = (struct bodies){.gone = bodies->gone};
}

static bool bodies_grow(struct bodies *bodies)
{
    size_t room = bodies->room ? 2 * bodies->room : 1024;
    struct known_body *grown =
        room <= BODIES_MOST ? realloc(bodies->list, room * sizeof *grown) : NULL;
    if (grown) {
        bodies->list = grown;
        bodies->room = room;
    }
    return grown;
}

void bodies_add(struct bodies *bodies, const struct stat *st, const unsigned char value[BODY_VALUE])
{
    if (!bodies->gone && bodies->count == bodies->room)
        bodies->gone = !bodies_grow(bodies);
    if (bodies->gone) {
        bodies_free(bodies);
        return;
    }
    struct known_body *body = &bodies->list[bodies->count];
    *body = (struct known_body){.inode = st->st_ino,
                                .size = (uint64_t)st->st_size,
                                .number = bodies->count,
                                .known = value};
    if (value)
        memcpy(body->value, value, BODY_VALUE);
    bodies->count++;
    bodies->sorted = false;
}

static int by_inode(const void *a, const void *b)
{
    const struct known_body *x = a, *y = b;
    return x->inode < y->inode ? -1 : x->inode > y->inode;
}

/* Of one inode the last first. */
static int by_age(const void *a, const void *b)
{
    const struct known_body *x = a, *y = b;
    int order = by_inode(a, b);
    return order ? order : x->number > y->number ? -1 : x->number < y->number;
}

static void bodies_sort(struct bodies *bodies)
{
    size_t kept = 0;
    qsort(bodies->list, bodies->count, sizeof *bodies->list, by_age);
    for (size_t i = 0; i < bodies->count; i++)
        if (!i || bodies->list[i].inode != bodies->list[kept - 1].inode)
            bodies->list[kept++] = bodies->list[i];
    bodies->count = kept;
    bodies->sorted = true;
}

const unsigned char *bodies_find(struct bodies *bodies, const struct stat *st)
{
    if (!bodies->count)
        return NULL;
    if (!bodies->sorted)
        bodies_sort(bodies);
    const struct known_body key = {.inode = st->st_ino};
    const struct known_body *found =
        bsearch(&key, bodies->list, bodies->count, sizeof key, by_inode);
    return found && found->known && found->size == (uint64_t)st->st_size ? found->value : NULL;
}
