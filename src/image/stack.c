/* Two things overlayfs does not take from lower layers: what the root directory is like, mode, owner and time, which are the upper
 * directory's; and an opaque root, which hides all layers below. A layer's tar says the first by an entry for its root and the second
 * by a whiteout in it, and layer.json keeps both. So that a start need not look into each, the topmost layer's directory has two
 * links: `bottom`, to the layer that hides the others, where one does; and `model`, to the topmost that has an entry for its root, or to
 * nothing. The last is always there: without it this was not looked at, as in stores of earlier versions, or somebody was killed before. */
#include "image/stack.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json_tree.h"
#include "base/text.h"
#include "image/layers.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

static const char nothing[] = "none";

static const char *top_of(const struct content *content)
{
    return digest_hex(content->chain[content->n_layers - 1]);
}

/* ---- writing ---- */

static int note(const struct store *store, const struct content *content, const char *name, const char *hex)
{
    const char *path = arena_printf(store->arena, "layers/%s/%s", top_of(content), name);
    const char *target = hex ? arena_printf(store->arena, "../%s", hex) : nothing;
    if (symlinkat(target, store->fd, path) == 0 || errno == EEXIST) /* it says the same: the layer's name is a digest of them all */
        return 0;
    return fail(-errno, "create %s/%s", store->dir, path);
}

int stack_note(const struct store *store, const struct content *content)
{
    const char *model = NULL, *bottom = NULL;
    for (size_t i = content->n_layers; i-- > 0 && !bottom;) {
        const char *hex = digest_hex(content->chain[i]);
        auto_json *description = layer_description(store, hex);
        if (!model && json_flag_of(description, "root"))
            model = hex;
        if (json_flag_of(description, "rootOpaque"))
            bottom = hex;
    }
    if (bottom)
        TRY(note(store, content, "bottom", bottom));
    return note(store, content, "model", model);
}

/* ---- reading ---- */

/* The layer's name that the link NAME of the topmost one leads to, into TEXT; 0 where it leads to none, or is not there. */
static int link_of(int layers, const char *top, const char *name, char text[PATH_MAX])
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", top, name);
    ssize_t length = readlinkat(layers, path, text, PATH_MAX - 1);
    if (length < 0)
        return -errno;
    text[length] = '\0';
    const char *hex = text_after(text, "../");
    memmove(text, hex ? hex : "", hex ? strlen(hex) + 1 : 1);
    return hex != NULL;
}

int stack_read(const struct store *store, const struct content *content, struct layer_stack *stack)
{
    char model[PATH_MAX], bottom[PATH_MAX];
    auto_fd layers = openat(store->fd, "layers", O_PATH | O_DIRECTORY | O_CLOEXEC); /* from here each is found the quickest */
    int modelled = link_of(layers, top_of(content), "model", model);
    if (modelled < 0)
        return modelled == -ENOENT ? -ENOENT : fail(modelled, "read layers/%s/model", top_of(content));
    int bottomed = link_of(layers, top_of(content), "bottom", bottom);
    size_t n = 0, length = strlen(store->dir) + strlen("/layers/");
    *stack = (struct layer_stack){.directories = arena_alloc(store->arena, (content->n_layers + 1) * sizeof *stack->directories)};
    for (size_t i = content->n_layers; i-- > 0;) {
        const char *hex = digest_hex(content->chain[i]), *path = arena_printf(store->arena, "%s/layers/%s/fs", store->dir, hex);
        if (faccessat(layers, path + length, F_OK, 0) < 0)
            return -ENOENT;
        stack->directories[n++] = path;
        if (modelled && text_equal(hex, model))
            stack->model = path;
        if (bottomed > 0 && text_equal(hex, bottom))
            break;
    }
    return 0;
}
