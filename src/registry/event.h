/* What standard output tells bocal: JSON, one object a line. Where nobody reads any more, the program ends. */
#pragma once

#include "base/json_write.h"

#include <stdint.h>

/* Of a blob: how much of it is there. STATE is "downloading", "uploading", "exists", "mounted" or "done". */
void event_blob(const char *digest, const char *kind, uint64_t size, uint64_t read, const char *state);

/* What people should know although all goes on. Control characters are disarmed. */
void event_notice(void *unused, const char *sentence);

/* One object between: members are put into the writer that event_begin() hands out. */
struct json_writer event_begin(void);
void event_end(struct json_writer *json);

/* Milliseconds that never go back, for who tells only now and then: EVENT_EVERY. */
enum { EVENT_EVERY = 100 };
int64_t event_now_ms(void);
