/* What the decoders of a configuration's parts share. Each part is a table of properties in a file of its own:
 * config_decode.c has the outermost object, the process and the mounts; config_linux.c what is Linux's;
 * config_schedule.c how processes are scheduled; config_resources.c the limits. */
#pragma once

#include "base/json_read.h"
#include "spec/config.h"

#define AT(type, member) offsetof(struct type, member)

/* decode_NAME, which reads an object through NAME_fields. */
#define GROUP(name)                                                                          \
    static int decode_##name(struct json_source *s, struct json_object *value, void *into)   \
    {                                                                                        \
        return json_read_object(s, value, name##_fields, into);                              \
    }

/* The JSON pointer of what is being read, as an origin. */
const char *config_origin(struct json_source *s);

/* An object of strings whose keys are the reader's own: annotations, sysctl, unified. */
int config_read_pairs(struct json_source *s, struct json_object *value, struct key_value **list,
                      size_t *count);

/* A word of a table that ends with name NULL, and what it stands for. */
struct config_word {
    const char *name;
    uint64_t value;
};
int config_read_word(struct json_source *s, struct json_object *value, const struct config_word *words,
                     const struct config_word **word);
/* A list of them, as flags. */
int config_read_flags(struct json_source *s, struct json_object *value, const struct config_word *words,
                      uint64_t *flags);
/* The words of /linux/memoryPolicy. */
extern const struct config_word config_memory_modes[], config_memory_flags[];
int config_read_range(struct json_source *s, struct json_object *value, int64_t least, int64_t most, int64_t *number);
/* The maps in mount options into the mounts' own: of CONFIG, decoded from NAME. -EINVAL with a sentence. */
int config_expand_idmaps(struct config *config, const char *name);

/* -EINVAL, "POINTER/NAME: is missing". */
int config_missing(struct json_source *s, const char *name);

json_decoder config_read_id;          /* uint32_t, 0 to 4294967294 */
json_decoder config_read_maps;        /* struct idmaps */
json_decoder config_read_device_type; /* char */
json_decoder config_read_label;       /* const char *; NULL for none */
json_decoder config_read_scheduler;   /* struct scheduler_config */
json_decoder config_read_io_priority; /* struct io_priority_config */
json_decoder config_read_affinity;    /* struct process_config */
json_decoder config_read_memory_policy; /* struct memory_policy_config */
json_decoder config_read_personality; /* struct personality_config */
json_decoder config_read_resources;   /* struct resources */
json_decoder config_read_linux;       /* struct config */
