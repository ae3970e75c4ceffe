/* What index.json names is all that is read here; the images are bocal-archive's to check, as those of any archive are: one takes
 * the layout apart, another puts it into the store, and nothing is between them but a pipe. */
#include "image/layout.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "spec/manifest.h"

#include <fcntl.h>
#include <unistd.h>

/* ---- which images ---- */

struct choice {
    struct arena *arena;
    const char *only;
    const char **words; /* NAME=DIGEST */
    size_t count;
    const char *seen;   /* names, for people */
};

static void look(struct choice *choice, const struct descriptor *entry)
{
    const char *tag = descriptor_annotation(entry, ANNOTATION_REF_NAME), *whole = descriptor_annotation(entry, ANNOTATION_CONTAINERD_NAME);
    const char *name = whole ? whole : tag ? tag : "";
    if (!entry->type || descriptor_is_attestation(entry))
        return;
    choice->seen = arena_printf(choice->arena, "%s%s%s", choice->seen, *choice->seen ? ", " : "", *name ? name : entry->digest);
    if (!choice->only || text_equal(choice->only, tag) || text_equal(choice->only, whole))
        *LIST_ADD(choice->arena, &choice->words, &choice->count) = arena_printf(choice->arena, "%s=%s", name, entry->digest);
}

static int read_index(struct arena *arena, int dir, const char *path, struct image_index *index)
{
    auto_free char *text = NULL;
    ssize_t size = file_read(dir, "index.json", INDEX_MAX, &text);
    if (size < 0)
        return because((int)size, "%.200s is no image layout", path);
    return index_decode(arena, text, (size_t)size, arena_printf(arena, "%s/index.json", path), index);
}

static int choose(struct choice *choice, const struct image_index *index, const char *path, bool single)
{
    choice->seen = "";
    for (size_t i = 0; i < index->n_manifests; i++)
        look(choice, &index->manifests[i]);
    if (!*choice->seen)
        return refuse(-ENOENT, "%.200s: its index.json names no image", path);
    if (!choice->count)
        return refuse(-ENOENT, "%.200s has no image %.200s; it has %.300s", path, choice->only, choice->seen);
    if (single && choice->count > 1)
        return refuse(-EINVAL, "%.200s has several images: %.300s (oci:%.200s:NAME means one)", path, choice->seen, path);
    return 0;
}

/* ---- the pipe ---- */

int layout_begin(struct arena *arena, const char *path, const char *only, bool single, struct layout *layout)
{
    static const char *const options[] = {"save", "--format", "oci", "--"};
    struct choice choice = {.arena = arena, .only = only};
    struct image_index index = {.n_manifests = 0};
    int ends[2];
    *layout = (struct layout){.arena = arena, .path = path, .output = -1, .program = {.out = -1, .err = -1}};
    auto_fd dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return fail(-errno, "open %.200s", path);
    TRY(read_index(arena, dir, path, &index));
    TRY(choose(&choice, &index, path, single));
    const char **words = arena_alloc(arena, (COUNT(options) + choice.count + 1) * sizeof *words);
    memcpy(words, options, sizeof options);
    memcpy(words + COUNT(options), choice.words, choice.count * sizeof *words);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return fail(-errno, "read %.200s", path);
    layout->output = ends[0];
    auto_fd input = ends[1];
    return program_start(arena, &(struct program_call){.name = "bocal-archive", .words = words, .input = -1, .output = input, .fds = &dir, .n_fds = 1},
                         &layout->program);
}

/* What nobody has read: then it ends by itself, and says what was wrong. */
static void drain(const struct layout *layout)
{
    char piece[4096];
    ssize_t n;
    do
        n = read(layout->output, piece, sizeof piece);
    while (n > 0 || (n < 0 && errno == EINTR));
}

int layout_finish(struct layout *layout, int r)
{
    const char *sentence = arena_strdup(layout->arena, error_text());
    int ended;
    drain(layout);
    error_clear();
    while ((ended = program_read(&layout->program, NULL, NULL)) == 0)
        if ((ended = program_poll((struct program *const[]){&layout->program}, 1, -1)) < 0)
            break;
    if (ended < 0)
        return because(ended, "%.200s", layout->path);
    return r < 0 ? refuse(r, "%s", sentence) : r;
}

void layout_close(struct layout *layout)
{
    program_end(&layout->program);
    cleanup_fd(&layout->output);
    layout->output = -1;
}
