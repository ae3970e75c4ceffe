/* An arena: memory that lives exactly as long as one configuration and is freed in one call.
 * Allocation failure ends the process (ENOMEM on a few kilobytes has no better remedy), so that
 * callers need no checks. Never used by the forked INIT. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

struct arena {
    struct arena_block *blocks;
};

void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for any type */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *arena);

/* The next SIZE bytes of the heap, less than 128 KB, will be written to, by whomever: one call makes their pages the
 * process's own, where each would be a fault. */
void arena_expect(size_t size);

/* Grows a list by one zeroed element and returns it: LIST_ADD(arena, &config->mounts, &n). */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t size);
#define LIST_ADD(arena, items, count)                                               \
    (*(items) = arena_grow((arena), *(items), *(count), sizeof **(items)), (*(count))++, \
     &(*(items))[*(count) - 1])

#define auto_arena __attribute__((cleanup(arena_free))) struct arena
