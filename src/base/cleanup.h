/* Ownership by declaration: a local that owns something says so where it is declared, and the
 * compiler releases it on every way out of the scope. It leaves the scope only through take_fd()
 * or take_ptr(). There is no `goto out` in this project. */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void cleanup_free(void *p)
{
    free(*(void **)p);
}

static inline void cleanup_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}

static inline void cleanup_file(FILE **f)
{
    if (*f)
        fclose(*f);
}

#define auto_fd __attribute__((cleanup(cleanup_fd))) int
#define auto_free __attribute__((cleanup(cleanup_free)))
#define auto_dir __attribute__((cleanup(cleanup_dir))) DIR *
#define auto_file __attribute__((cleanup(cleanup_file))) FILE *

/* Moves the fd out of its owner, which is left empty (-1). */
static inline int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* Moves the pointer out of its owner, which is left empty (NULL). */
#define take_ptr(p)                  \
    ({                               \
        __typeof__(*(p)) t_ = *(p);  \
        *(p) = NULL;                 \
        t_;                          \
    })

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
