#include "base/arena.h"

#include <linux/mman.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCK_SIZE = 16384 };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

static void out_of_memory(void)
{
    static const char text[] = "bocal: out of memory\n";
    fputs(text, stderr);
    abort();
}

void arena_expect(size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    char *next = malloc(size); /* the heap's end, to which it returns */
    uintptr_t begin = ((uintptr_t)next + page - 1) & ~(page - 1);
    if (next && size > 2 * page)
        madvise((void *)begin, (size - page) & ~(page - 1), MADV_POPULATE_WRITE); /* Linux 5.14; a failure costs the faults */
    free(next);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        out_of_memory();
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < rounded) {
        size_t room = rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE;
        block = malloc(sizeof *block + room);
        if (!block)
            out_of_memory();
        *block = (struct arena_block){.next = arena->blocks, .size = room};
        arena->blocks = block;
    }
    void *p = block->bytes + block->used;
    block->used += rounded;
    return memset(p, 0, rounded);
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

/* Capacity is the next power of two of the count: no field for it is needed. */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t size)
{
    if (count && (count & (count - 1))) {
        memset((char *)items + count * size, 0, size);
        return items;
    }
    void *grown = arena_alloc(arena, (count ? count * 2 : 1) * size);
    if (count)
        memcpy(grown, items, count * size);
    return grown;
}

void arena_free(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}
