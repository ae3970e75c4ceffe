/* One after the other, each as if it was the only one: what became of one is a warning, that one failed is the error. Who
 * deletes the same ones meanwhile has done what was wanted. */
#include "engine/matching.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "engine/container.h"
#include "engine/lifecycle.h"

#include <dirent.h>
#include <regex.h>

static void cleanup_regex(regex_t *regex)
{
    regfree(regex);
}

static int compile(regex_t *regex, const char *pattern)
{
    char reason[128];
    int error = regcomp(regex, pattern, REG_EXTENDED | REG_NOSUB);
    if (!error)
        return 0;
    regerror(error, regex, reason, sizeof reason);
    return refuse(-EINVAL, "delete --regex %.200s: %s", pattern, reason);
}

int matching_delete(const char *root, const char *pattern, bool force)
{
    __attribute__((cleanup(cleanup_regex))) regex_t regex = {0};
    unsigned found = 0, failed = 0;
    TRY(compile(&regex, pattern));
    auto_dir d = opendir(root);
    if (!d && errno != ENOENT)
        return fail(-errno, "open %s", root);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (*e->d_name == '.' || regexec(&regex, e->d_name, 0, NULL, 0) != 0)
            continue;
        found++;
        int r = lifecycle_delete(root, e->d_name, force);
        failed += r < 0 && r != -ENOENT;
        if (*error_text() && r != -ENOENT) /* somebody else was faster */
            warn("%s", error_text());
        error_clear();
    }
    return failed ? refuse(-EBUSY, "delete --regex %.200s: %u of %u containers", pattern, failed, found) : 0;
}
