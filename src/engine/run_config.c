#include "engine/run_config.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *request_origin(struct request *r, const char *option, const char *value)
{
    return arena_printf(r->arena, "--%s %s", option, value);
}

int request_refuse(const char *option, const char *value, const char *format, ...)
{
    char reason[768];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    return refuse(-EINVAL, "--%s %.200s: %s", option, value, reason);
}

static int add_root(struct request *r)
{
    const struct run_options *o = r->options;
    struct root_config *root = &r->config->root;
    root->readonly = o->read_only;
    if (o->rootfs) {
        size_t length = strlen(o->rootfs);
        bool overlay = length > 2 && strcmp(o->rootfs + length - 2, ":O") == 0;
        const char *dir = arena_strndup(r->arena, o->rootfs, overlay ? length - 2 : length);
        if (!*dir)
            return request_refuse("rootfs", o->rootfs, "an empty path (give a directory)");
        if (*dir != '/')
            dir = arena_printf(r->arena, "%s/%s", r->context->cwd, dir);
        root->origin = request_origin(r, "rootfs", o->rootfs);
        if (!overlay) {
            root->path = dir;
            return 0;
        }
        root->lowers = arena_alloc(r->arena, 2 * sizeof *root->lowers);
        root->lowers[0] = root->model = dir;
    } else {
        root->lowers = r->context->layers;
        root->model = r->context->model;
    }
    root->container = r->context->container_dir;
    root->upper = o->upper == WRITES_DISK || (!o->upper && (o->rootfs || (o->memory && !r->context->image))) ? UPPER_DISK
                  : o->upper == WRITES_MEMORY                                        ? UPPER_MEMORY
                  : o->upper == WRITES_COPY                                          ? UPPER_COPY
                  : r->context->image                                                ? UPPER_FITTING
                                                                : UPPER_AUTO;
    root->upper_origin = o->upper == WRITES_COPY ? "--upper copy" : "--upper memory";
    return 0;
}

static int add_annotations(struct request *r)
{
    for (size_t i = 0; i < r->options->annotations.count; i++) {
        const char *word = r->options->annotations.words[i], *equals = strchr(word, '=');
        if (!equals || equals == word)
            return request_refuse("annotation", word, "not KEY=VALUE");
        *LIST_ADD(r->arena, &r->config->annotations, &r->config->n_annotations) =
            (struct key_value){.key = arena_strndup(r->arena, word, (size_t)(equals - word)),
                               .value = equals + 1,
                               .origin = request_origin(r, "annotation", word)};
    }
    return 0;
}

int run_config_build(const struct run_options *options, const struct run_context *context,
                     struct config *config, struct run_extra *extra)
{
    *config = (struct config){
        .arena = config->arena,
        .oci_version = "1.3.0",
        .init = !options->no_init,
        .announce = options->announce,
        .privileged = options->privileged,
        .find_home = true,
        .explain_pause = options->explain == EXPLAIN_TEXT || options->explain == EXPLAIN_JSON,
        .explain_origin = "--explain",
        .domainname = options->domainname,
    };
    *extra = (struct run_extra){0};
    struct request r = {config->arena, options, context, config, extra};
    TRY(add_root(&r));
    TRY(request_namespaces(&r));
    TRY(request_process(&r));
    TRY(request_files(&r));
    TRY(request_volumes(&r));
    TRY(request_generated(&r));
    TRY(request_devices(&r));
    TRY(request_limits(&r));
    TRY(request_protections(&r));
    return add_annotations(&r);
}
