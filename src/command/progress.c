/* A row is what has a name; it is drawn again in its place, above the cursor, when it has changed, ten times a second at most. */
#include "command/progress.h"

#include "base/cleanup.h"
#include "base/json_write.h"
#include "base/text.h"
#include "spec/digest.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

const char *const progress_words[] = {[PROGRESS_AUTO] = "auto", [PROGRESS_PLAIN] = "plain", [PROGRESS_JSON] = "json", NULL};

enum { REDRAW_MS = 100 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *size_text(struct arena *arena, uint64_t bytes)
{
    static const char units[] = "kMGTPE";
    if (bytes < 1000)
        return arena_printf(arena, "%llu B", (unsigned long long)bytes);
    double value = (double)bytes / 1000;
    size_t unit = 0;
    for (; value >= 999.5 && units[unit + 1]; unit++)
        value /= 1000;
    return arena_printf(arena, value < 9.95 ? "%.1f %cB" : "%.0f %cB", value, units[unit]);
}

void progress_begin(struct progress *progress, struct arena *arena, enum progress_mode mode)
{
    *progress = (struct progress){.arena = arena, .mode = mode, .terminal = mode == PROGRESS_AUTO && isatty(STDERR_FILENO)};
}

static struct progress_row *row_of(struct progress *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (text_equal(p->rows[i].name, name))
            return &p->rows[i];
    struct progress_row *row = LIST_ADD(p->arena, &p->rows, &p->count);
    row->name = arena_strdup(p->arena, name);
    row->begun_ms = now_ms();
    return row;
}

static const char *rate_text(struct arena *arena, const struct progress_row *row)
{
    int64_t ms = now_ms() - row->begun_ms;
    return ms > 200 && row->read ? arena_printf(arena, ", %s/s", size_text(arena, row->read * 1000 / (uint64_t)ms)) : "";
}

static const char *row_text(struct arena *arena, const struct progress_row *row)
{
    const char *size = size_text(arena, row->size);
    if (row->read == row->size)
        return arena_printf(arena, "%s  %-12s %s", row->name, row->state, size);
    return arena_printf(arena, "%s  %-12s %s of %s, %d %%%s", row->name, row->state, size_text(arena, row->read), size,
                        row->size ? (int)(row->read * 100 / row->size) : 0, rate_text(arena, row));
}

static struct progress_row total_of(const struct progress *p)
{
    struct progress_row total = {.name = "total       ", .state = "", .begun_ms = p->rows[0].begun_ms};
    for (size_t i = 0; i < p->count; i++) {
        total.read += p->rows[i].read;
        total.size += p->rows[i].size;
    }
    return total;
}

/* The last rows that fit the window and the total, over those that were drawn before. */
static void draw(struct progress *p)
{
    struct winsize window;
    auto_arena arena = {0};
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 3 && window.ws_col > 20;
    size_t rows = known ? window.ws_row - 2u : 20, columns = known ? window.ws_col - 1u : 79;
    size_t first = p->count > rows ? p->count - rows : 0;
    struct progress_row total = total_of(p);
    if (p->drawn)
        fprintf(stderr, "\033[%zuA", p->drawn);
    for (size_t i = first; i <= p->count; i++)
        fprintf(stderr, "\r%.*s\033[K\n", (int)columns, row_text(&arena, i < p->count ? &p->rows[i] : &total));
    p->drawn = p->count - first + 1;
    p->drawn_ms = now_ms();
}

static void print_json(const struct progress_row *row, bool done)
{
    struct json_writer json = json_writer_compact(stderr);
    json_begin_object(&json, NULL);
    json_put_string(&json, "name", row->name);
    json_put_string(&json, "state", row->state);
    json_put_u64(&json, "read", row->read);
    json_put_u64(&json, "size", row->size);
    json_put_bool(&json, "done", done);
    json_end_object(&json);
    fputc('\n', stderr);
}

void progress_update(struct progress *p, const char *name, const char *state, uint64_t read, uint64_t size, bool done)
{
    size_t known = p->count;
    struct progress_row *row = row_of(p, name);
    bool changed = p->count != known || !text_equal(row->state, state);
    row->state = arena_strdup(p->arena, state);
    row->read = read;
    row->size = size;
    if (p->mode == PROGRESS_JSON)
        print_json(row, done);
    else if (p->mode == PROGRESS_QUIET)
        return;
    else if (!p->terminal && changed)
        fprintf(stderr, "%s  %s%s%s\n", row->name, state, size ? "  " : "", size ? size_text(p->arena, size) : "");
    else if (p->terminal && (changed || done || now_ms() - p->drawn_ms >= REDRAW_MS))
        draw(p);
}

void progress_notice(struct progress *p, const char *sentence)
{
    const char *text = text_disarmed(p->arena, sentence);
    if (p->mode == PROGRESS_JSON) {
        struct json_writer json = json_writer_compact(stderr);
        json_begin_object(&json, NULL);
        json_put_string(&json, "notice", text);
        json_end_object(&json);
        fputc('\n', stderr);
    } else if (p->mode != PROGRESS_QUIET) {
        if (p->drawn)
            fprintf(stderr, "\033[%zuA\r\033[J", p->drawn);
        fprintf(stderr, "%s\n", text);
        if (p->drawn) {
            p->drawn = 0;
            draw(p);
        }
    }
}

void progress_blob(const struct blob_event *event, void *data)
{
    static const char *const ends[] = {"done", "exists", "mounted", "unpacked"};
    struct progress *progress = data;
    char name[13] = "";
    bool done = false;
    if (event->notice) {
        progress_notice(progress, event->notice);
        return;
    }
    snprintf(name, sizeof name, "%s", digest_hex(event->digest));
    for (size_t i = 0; i < COUNT(ends); i++)
        done = done || text_equal(event->state, ends[i]);
    progress_update(progress, name, event->state, done ? event->size : event->read, event->size, done);
}

void progress_end(struct progress *p)
{
    if (p->terminal && p->count)
        draw(p);
}
