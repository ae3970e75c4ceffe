/* Reading JSON through tables: one row a property, with its kind and where the value goes. Unknown
 * properties are ignored, as the OCI specifications ask; null is absent; a value of the wrong kind is an
 * error with a JSON pointer (RFC 6901): "facts.json: /cgroup/v2/mount: expected a string". */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;

struct json_source {
    struct arena *arena;
    const char *name;    /* of the file, for messages */
    char pointer[512];   /* of the value being read */
};

struct json_field;
typedef int json_decoder(struct json_source *source, struct json_object *value, void *into);

struct json_field {
    const char *name;
    json_decoder *decode;
    size_t offset;
};

/* Parses TEXT (one object, nothing behind it) and reads it through FIELDS (ends with name NULL) into the
 * struct INTO. -EINVAL with a sentence. */
int json_read(struct arena *arena, const char *text, size_t length, const char *name,
              const struct json_field *fields, void *into);

/* The same for TEXT that is one array: as json_read_list(). */
int json_read_array(struct arena *arena, const char *text, size_t length, const char *name, json_decoder *decode,
                    size_t size, void **list, size_t *count);
/* The same for a text that may be anybody's: what another reader could take for something else is refused (a member that is
 * there twice, zero bytes, bytes that are no UTF-8, what RFC 8259 does not have), and what would take much memory for its
 * length. */
int json_read_strict(struct arena *arena, const char *text, size_t length, const char *name,
                     const struct json_field *fields, void *into);

/* The same for a text that is any one value, which DECODE reads into INTO. */
int json_read_strict_value(struct arena *arena, const char *text, size_t length, const char *name,
                           json_decoder *decode, void *into);

/* Reads an object through a table, for decoders of nested ones. */
int json_read_object(struct json_source *source, struct json_object *value,
                     const struct json_field *fields, void *into);
/* Calls DECODE for each element; *COUNT elements of SIZE bytes at *LIST grow in the arena. */
int json_read_list(struct json_source *source, struct json_object *value, json_decoder *decode,
                   size_t size, void **list, size_t *count);
/* The same for an object whose keys are the reader's own: an element begins with its key, a const char *. */
int json_read_map(struct json_source *source, struct json_object *value, json_decoder *decode,
                  size_t size, void **list, size_t *count);
/* -EINVAL, "NAME: POINTER: expected WHAT". */
int json_expected(struct json_source *source, const char *what);

json_decoder json_flag;    /* bool */
json_decoder json_u32;     /* uint32_t */
json_decoder json_u64;     /* uint64_t */
json_decoder json_i64;     /* int64_t */
json_decoder json_string;  /* const char * */
json_decoder json_strings; /* char **, NULL-terminated */
