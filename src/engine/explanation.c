/* Annotations may come from people whom the engine trusts less than its own configuration: `features` lists these as
 * unsafe, and no file of anybody's is changed by one. */
#include "engine/explanation.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

/* Where to; NULL: nowhere. FLAGS: how it is opened. */
static const char *destination(const struct config *config, const char **origin, int *flags)
{
    const char *path = getenv("BOCAL_EXPLAIN");
    *origin = "BOCAL_EXPLAIN";
    *flags = O_APPEND;
    for (size_t i = 0; i < config->n_annotations; i++)
        if (text_equal(config->annotations[i].key, "io.bocal.explain")) {
            path = config->annotations[i].value;
            *origin = config->annotations[i].origin;
            *flags = O_EXCL;
        }
    return path && *path ? path : NULL;
}

bool explanation_wanted(const struct config *config)
{
    const char *origin;
    int flags;
    return destination(config, &origin, &flags) != NULL;
}

int explanation_write(const struct config *config, const struct execution *x, const struct plan *plan, int result)
{
    const char *origin;
    int flags;
    const char *path = destination(config, &origin, &flags);
    if (!path || !x->shared)
        return 0;
    if (*path != '/')
        return refuse(-EINVAL, "%s: %s: not an absolute path", origin, path);
    auto_fd fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
    auto_file out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!out)
        return fail(-errno, "%s: write %s", origin, path);
    (void)take_fd(&fd);
    plan_print(plan, out, x->shared->times, 0, result < 0 ? x->failed + 1 : plan->count);
    return fflush(out) != 0 ? fail(-errno, "%s: write %s", origin, path) : 0;
}
