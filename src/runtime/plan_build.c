/* The order in which a container is assembled. This file is the table of contents; each part has a
 * file of its own. What is decided here is decided from the configuration and the facts alone. */
#include "runtime/plan_build.h"

#include "base/error.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

struct step *plan_add(struct builder *b, struct step step)
{
    struct step *added = LIST_ADD(b->arena, &b->plan->steps, &b->plan->count);
    *added = step;
    return added;
}

char *plan_text(struct builder *b, const char *format, ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return arena_strdup(b->arena, text);
}

void plan_note(struct builder *b, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    *LIST_ADD(b->arena, &b->plan->notes, &b->plan->n_notes) = arena_strdup(b->arena, text);
}

void plan_parcel(struct builder *b, enum slot slot)
{
    b->parcel->slots[b->n_parcel++] = slot;
}

struct builder plan_begin(const struct config *config, const struct facts *facts, const char *id,
                          struct plan *plan)
{
    *plan = (struct plan){.arena = config->arena, .id = id};
    return (struct builder){
        .arena = config->arena,
        .config = config,
        .facts = facts,
        .id = id,
        .plan = plan,
        .state = arena_printf(config->arena, config->recorded ? "%s/%s/journal" : "%s/%s", facts->state_dir, id),
        .parcel = arena_alloc(config->arena, sizeof(struct parcel)),
        .mount_slots = arena_alloc(config->arena, (config->n_mounts + 1) * sizeof(enum slot)),
    };
}

static int choose_ids(struct builder *b)
{
    TRY(plan_choose_ids(b));
    b->plan->uids = b->ids.map.uids;
    b->plan->gids = b->ids.map.gids;
    return 0;
}

int plan_preview(const struct config *config, const struct facts *facts, const char *id, struct plan *plan)
{
    struct builder b = plan_begin(config, facts, id, plan);
    TRY(choose_ids(&b));
    plan->default_pids = plan_cgroup_can(&b, CG_PIDS);
    return 0;
}

int plan_build(const struct config *config, const struct facts *facts, const char *id,
               struct plan *plan)
{
    struct builder b = plan_begin(config, facts, id, plan);
    for (char **note = config->notes; note && *note; note++)
        plan_note(&b, "%s", *note);
    TRY(choose_ids(&b));
    TRY(plan_prepare(&b));
    TRY(plan_cgroup_prepare(&b));
    TRY(plan_rdt(&b));
    TRY(plan_birth(&b));
    TRY(plan_files(&b));
    TRY(plan_identity(&b));
    return 0;
}
