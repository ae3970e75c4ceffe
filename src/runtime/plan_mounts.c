/* What is to be said about one mount before it becomes steps: words that nobody knows, options that do not go together, and
 * links, of which the text is copied where the configuration wants that (copy-symlink, which is crun's: a link to nothing
 * can be given to a container so). */
#include "runtime/plan_build.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "runtime/mount_options.h"

#include <string.h>

const struct source_fact *plan_source(const struct facts *facts, const char *path)
{
    for (size_t i = 0; i < facts->n_sources; i++)
        if (text_equal(facts->sources[i].path, path))
            return &facts->sources[i];
    return NULL;
}

/* What the kernel fills by itself keeps its own label, and so does what lies on the host's disks, which engines label. */
static bool has_label(const struct mount_config *mount)
{
    static const char *const types[] = {"tmpfs", "devpts", "mqueue", "ramfs"};
    for (size_t i = 0; i < COUNT(types); i++)
        if (text_equal(mount->type, types[i]))
            return true;
    return false;
}

/* SELinux: what the container mounts has the label from the beginning, mount(8) "context=". */
int plan_mount_parse(struct builder *b, const struct mount_config *mount, struct mount_spec *spec)
{
    const char *label = b->facts->selinux && has_label(mount) ? b->config->mount_label : NULL;
    size_t n = text_count(mount->options);
    if (!label)
        return mount_options_parse(b->arena, mount, spec);
    struct mount_config *labelled = arena_alloc(b->arena, sizeof *labelled);
    *labelled = *mount;
    labelled->options = arena_alloc(b->arena, (n + 2) * sizeof *labelled->options);
    if (n)
        memcpy(labelled->options, mount->options, n * sizeof *labelled->options);
    labelled->options[n] = plan_text(b, "context=%s", label);
    return mount_options_parse(b->arena, labelled, spec);
}

/* A configuration is written for many runtimes, which ignore what they do not know; who types an option means it. */
static int check_words(const struct mount_config *mount, const struct mount_spec *spec)
{
    for (size_t i = 0; spec->unknown && spec->unknown[i]; i++)
        if (*mount->origin == '/')
            warn("%s: %.200s left out: it is no option of a bind mount", mount->origin, spec->unknown[i]);
        else
            return refuse(-EINVAL, "%s: %.200s is no option of a bind mount", mount->origin, spec->unknown[i]);
    return 0;
}

static int check_relabel(struct builder *b, const struct mount_config *mount)
{
    for (size_t i = 0; b->facts->selinux && mount->options && mount->options[i]; i++)
        if (text_equal(mount->options[i], "z") || text_equal(mount->options[i], "Z"))
            return refuse(-EOPNOTSUPP, "%s: relabelling is not built yet (chcon -R -t "
                                       "container_file_t %s, and leave out %s)",
                          mount->origin, mount->source, mount->options[i]);
    return 0;
}

int plan_mount_check(struct builder *b, const struct mount_config *mount, const struct mount_spec *spec)
{
    bool bind = text_equal(mount->type, "bind");
    if (spec->copy_up && !text_equal(mount->type, "tmpfs"))
        return refuse(-EINVAL, "%s: tmpcopyup is an option of tmpfs", mount->origin);
    if (spec->copy_up && plan_covers_root(mount))
        return refuse(-EINVAL, "%s: tmpcopyup at / would copy the whole root into memory (the annotation io.bocal.upper: memory "
                               "keeps there only what is written)", mount->origin);
    if ((spec->idmap || spec->uids) && !bind)
        return refuse(-EOPNOTSUPP, "%s: only binds are id-mapped (leave out idmap, uidMappings and gidMappings)",
                      mount->origin);
    if ((spec->src_nofollow || spec->dest_nofollow || spec->copy_link) && !bind)
        return refuse(-EINVAL, "%s: src-nofollow, dest-nofollow and copy-symlink are options of bind mounts", mount->origin);
    if (spec->copy_link && (spec->src_nofollow || spec->dest_nofollow))
        return refuse(-EINVAL, "%s: copy-symlink mounts nothing, src-nofollow and dest-nofollow do", mount->origin);
    TRY(check_words(mount, spec));
    return check_relabel(b, mount);
}

bool plan_link(struct builder *b, const struct mount_config *mount, const struct mount_spec *spec)
{
    const struct source_fact *fact = spec->copy_link ? plan_source(b->facts, mount->source) : NULL;
    return fact && fact->link;
}

void plan_copy_link(struct builder *b, const struct mount_config *mount)
{
    plan_add(b, (struct step){.op = OP_SYMLINK, .by = INIT, .phase = FILES, .path = mount->destination,
                              .source = plan_source(b->facts, mount->source)->link, .flags = SAME_LINK,
                              .why = mount->origin});
}

enum slot plan_covers_root(const struct mount_config *mount)
{
    bool top = mount->destination[strspn(mount->destination, "/")] == '\0';
    return top && !text_equal(mount->type, "remount") && !text_equal(mount->type, "cgroup") ? SLOT_ROOT : SLOT_NONE;
}

void plan_volumes(struct builder *b)
{
    const struct config *config = b->config;
    for (char **path = config->volumes; path && *path; path++)
        plan_add(b, (struct step){.op = config->root.readonly ? OP_VOLUME : OP_MKDIR, .by = INIT, .phase = FILES, .path = *path,
                                  .why = "a volume of the image", .tolerate = {{EROFS, EACCES, EPERM, ENOTDIR}}});
}

