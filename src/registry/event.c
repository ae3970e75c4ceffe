/* Each object is flushed at once: they are read while they are news. */
#include "registry/event.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct json_writer event_begin(void)
{
    struct json_writer json = json_writer_compact(stdout);
    json_begin_object(&json, NULL);
    return json;
}

void event_end(struct json_writer *json)
{
    json_end_object(json);
    putc('\n', stdout);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    fputs("write standard output: nobody reads it\n", stderr);
    _exit(1);
}

void event_blob(const char *digest, const char *kind, uint64_t size, uint64_t read, const char *state)
{
    struct json_writer json = event_begin();
    json_put_string(&json, "blob", digest);
    json_put_string(&json, "kind", kind);
    json_put_u64(&json, "size", size);
    json_put_u64(&json, "read", read);
    json_put_string(&json, "state", state);
    event_end(&json);
}

void event_notice(void *unused, const char *sentence)
{
    (void)unused;
    struct json_writer json = event_begin();
    char *shown = strdup(sentence);
    if (shown)
        text_disarm(shown);
    json_put_string(&json, "notice", shown ? shown : "out of memory");
    event_end(&json);
    free(shown);
}

int64_t event_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
