/* A filter decides from the architecture and the number first, and those it decides by comparing with
 * constants alone. So between two neighbouring constants all numbers fare alike: the filter is run,
 * on paper, once for each such interval, up to its verdict or to the first look at an argument. What
 * comes out is a list of intervals, neighbours with the same end are one, and from those a binary
 * search is built. Code that looks at arguments is copied as it is.
 *
 * Whatever does not have this form is left as it was: -ENOTSUP.
 *
 * Jumps only go forward (bpf(4)), so the new program is written from its end: an instruction's targets
 * are there before it. Positions below count from the end. */
#include "kernel/seccomp_compact.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <limits.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    NUMBER = offsetof(struct seccomp_data, nr),
    ARCH = offsetof(struct seccomp_data, arch),
    ARGUMENT = -1, /* or what was made of one */
    MIXED = -2,    /* depends on the way here, or nothing yet */
    UNSET = -3,
    MAX_OUT = BPF_MAXINSNS,
    FAR = 255,  /* the longest conditional jump */
};

struct set {
    uint32_t *items;
    size_t count;
};

struct compactor {
    struct arena *arena;
    const struct sock_filter *in;
    size_t n_in;
    struct set numbers, arches;  /* where intervals begin, sorted */
    struct sock_filter *out;     /* backwards */
    size_t n_out;
    size_t *copied;              /* position of what instruction of IN became, or 0 */
};

/* A verdict, VALUE; or else VALUE is the instruction of IN from which on arguments count. */
struct end {
    bool verdict;
    uint32_t value;
};

static bool ends_equal(struct end a, struct end b)
{
    return a.verdict == b.verdict && a.value == b.value;
}

/* ---- the intervals ---- */

static void set_add(struct arena *arena, struct set *set, uint32_t item)
{
    size_t at = 0;
    while (at < set->count && set->items[at] < item)
        at++;
    if (at < set->count && set->items[at] == item)
        return;
    uint32_t *last = LIST_ADD(arena, &set->items, &set->count);
    memmove(set->items + at + 1, set->items + at, (size_t)(last - (set->items + at)) * sizeof item);
    set->items[at] = item;
}

/* Constant K divides the numbers into those below, itself, and those above. Architectures are only
 * asked whether they are the one. */
static int divide(struct compactor *c, int what, uint16_t code, uint32_t k)
{
    bool equal = code == (BPF_JMP | BPF_JEQ | BPF_K);
    if (what == ARGUMENT || BPF_OP(code) == BPF_JA)
        return 0;
    if (what == MIXED || BPF_OP(code) == BPF_JSET || (what == ARCH && !equal))
        return -ENOTSUP;
    set_add(c->arena, what == ARCH ? &c->arches : &c->numbers, k);
    if (what == NUMBER && k != UINT32_MAX)
        set_add(c->arena, &c->numbers, k + 1);
    return 0;
}

/* WHAT reaches the instruction TO, on one way of several. */
static int flow(int *holds, size_t to, size_t count, int what)
{
    if (to >= count)
        return -ENOTSUP;
    holds[to] = holds[to] == UNSET || holds[to] == what ? what : MIXED;
    return 0;
}

/* Follows what the accumulator holds at each instruction, and collects what it is compared with. */
static int collect(struct compactor *c)
{
    int *holds = arena_alloc(c->arena, c->n_in * sizeof *holds);
    for (size_t i = 1; i < c->n_in; i++)
        holds[i] = UNSET;
    holds[0] = MIXED;
    for (size_t i = 0; i < c->n_in; i++) {
        const struct sock_filter *f = &c->in[i];
        int what = holds[i];
        if (what == UNSET)
            continue; /* nothing leads here */
        size_t next = i + 1, other = next;
        switch (BPF_CLASS(f->code)) {
        case BPF_RET:
            continue;
        case BPF_LD:
            what = f->k == NUMBER || f->k == ARCH ? (int)f->k : ARGUMENT;
            break;
        case BPF_ALU:
            if (what != ARGUMENT)
                return -ENOTSUP;
            break;
        case BPF_JMP:
            TRY(divide(c, what, f->code, f->k));
            bool always = BPF_OP(f->code) == BPF_JA;
            next += always ? f->k : f->jt;
            other += always ? f->k : f->jf;
            break;
        }
        TRY(flow(holds, next, c->n_in, what));
        TRY(flow(holds, other, c->n_in, what));
    }
    return 0;
}

/* What libseccomp writes, and nothing else. */
static bool is_known(uint16_t code)
{
    static const uint16_t codes[] = {
        BPF_LD | BPF_W | BPF_ABS,  BPF_ALU | BPF_AND | BPF_K, BPF_RET | BPF_K,
        BPF_JMP | BPF_JA,          BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGT | BPF_K,
        BPF_JMP | BPF_JGE | BPF_K, BPF_JMP | BPF_JSET | BPF_K,
    };
    for (size_t i = 0; i < COUNT(codes); i++)
        if (codes[i] == code)
            return true;
    return false;
}

static bool test(uint16_t code, uint32_t a, uint32_t k)
{
    switch (BPF_OP(code)) {
    case BPF_JEQ: return a == k;
    case BPF_JGT: return a > k;
    case BPF_JGE: return a >= k;
    default: return a & k;
    }
}

/* The filter on paper, as far as architecture and number decide. */
static struct end run(const struct compactor *c, uint32_t arch, uint32_t number)
{
    uint32_t a = 0;
    for (size_t i = 0;; i++) {
        const struct sock_filter *f = &c->in[i];
        if (f->code == (BPF_RET | BPF_K))
            return (struct end){.verdict = true, .value = f->k};
        if (f->code == (BPF_JMP | BPF_JA))
            i += f->k;
        else if (BPF_CLASS(f->code) == BPF_JMP)
            i += test(f->code, a, f->k) ? f->jt : f->jf;
        else if (BPF_CLASS(f->code) == BPF_LD && (f->k == NUMBER || f->k == ARCH))
            a = f->k == NUMBER ? number : arch;
        else
            return (struct end){.value = (uint32_t)i};
    }
}

/* ---- the new program, from its end ---- */

static size_t put(struct compactor *c, struct sock_filter f)
{
    if (c->n_out < MAX_OUT)
        c->out[c->n_out] = f;
    return ++c->n_out; /* the position: 1 is the last instruction */
}

/* The distance of a jump from the instruction that is put next. */
static size_t distance(const struct compactor *c, size_t to)
{
    return c->n_out - to;
}

static size_t put_jump(struct compactor *c, size_t to)
{
    return put(c, (struct sock_filter){BPF_JMP | BPF_JA, 0, 0, (uint32_t)distance(c, to)});
}

static size_t put_test(struct compactor *c, uint16_t code, uint32_t k, size_t yes, size_t no)
{
    if (distance(c, no) > FAR - 1)
        no = put_jump(c, no);
    if (distance(c, yes) > FAR)
        yes = put_jump(c, yes);
    return put(c, (struct sock_filter){code, (uint8_t)distance(c, yes), (uint8_t)distance(c, no), k});
}

/* A near one that is there already, or a new one. */
static size_t put_verdict(struct compactor *c, uint32_t value)
{
    for (size_t at = c->n_out; at > 0 && c->n_out < MAX_OUT && distance(c, at) < FAR - 2; at--)
        if (c->out[at - 1].code == (BPF_RET | BPF_K) && c->out[at - 1].k == value)
            return at;
    return put(c, (struct sock_filter){BPF_RET | BPF_K, 0, 0, value});
}

/* Copies the code from instruction I on. Depth is bounded by its length. */
static size_t put_copy(struct compactor *c, size_t i)
{
    const struct sock_filter *f = &c->in[i];
    if (c->copied[i] && f->code != (BPF_RET | BPF_K))
        return c->copied[i];
    switch (BPF_CLASS(f->code)) {
    case BPF_RET:
        return put_verdict(c, f->k);
    case BPF_JMP:
        if (f->code == (BPF_JMP | BPF_JA))
            return put_copy(c, i + 1 + f->k);
        size_t no = put_copy(c, i + 1 + f->jf), yes = put_copy(c, i + 1 + f->jt);
        return c->copied[i] = put_test(c, f->code, f->k, yes, no);
    }
    size_t next = put_copy(c, i + 1);
    if (distance(c, next) > 0)
        put_jump(c, next);
    return c->copied[i] = put(c, *f);
}

static size_t put_end(struct compactor *c, struct end end)
{
    return end.verdict ? put_verdict(c, end.value) : put_copy(c, end.value);
}

/* The search among intervals FROM..TO, each beginning at STARTS and ending as ENDS says. */
static size_t put_search(struct compactor *c, const uint32_t *starts, const struct end *ends,
                         size_t from, size_t to)
{
    if (from == to)
        return put_end(c, ends[from]);
    size_t middle = from + (to - from + 1) / 2;
    size_t above = put_search(c, starts, ends, middle, to);
    size_t below = put_search(c, starts, ends, from, middle - 1);
    return put_test(c, BPF_JMP | BPF_JGE | BPF_K, starts[middle], above, below);
}

/* The search for the numbers of ARCH; no search when all fare alike. */
static size_t put_numbers(struct compactor *c, uint32_t arch)
{
    uint32_t *starts = arena_alloc(c->arena, c->numbers.count * sizeof *starts);
    struct end *ends = arena_alloc(c->arena, c->numbers.count * sizeof *ends);
    size_t n = 0;
    for (size_t i = 0; i < c->numbers.count; i++) {
        struct end end = run(c, arch, c->numbers.items[i]);
        if (n && ends_equal(ends[n - 1], end))
            continue;
        starts[n] = c->numbers.items[i];
        ends[n++] = end;
    }
    size_t at = put_search(c, starts, ends, 0, n - 1);
    return n == 1 ? at : put(c, (struct sock_filter){BPF_LD | BPF_W | BPF_ABS, 0, 0, NUMBER});
}

static void put_arches(struct compactor *c)
{
    uint32_t other = 0; /* the first that no instruction names */
    for (size_t i = 0; i < c->arches.count; i++)
        other += c->arches.items[i] == other;
    size_t *at = arena_alloc(c->arena, (c->arches.count + 1) * sizeof *at);
    for (size_t i = 0; i < c->arches.count; i++)
        at[i] = put_numbers(c, c->arches.items[i]);
    size_t next = put_numbers(c, other);
    for (size_t i = 0; i < c->arches.count; i++)
        next = put_test(c, BPF_JMP | BPF_JEQ | BPF_K, c->arches.items[i], at[i], next);
    put(c, (struct sock_filter){BPF_LD | BPF_W | BPF_ABS, 0, 0, ARCH});
}

int seccomp_compact(struct arena *arena, struct seccomp_program *program)
{
    struct compactor c = {.arena = arena, .in = program->instructions, .n_in = program->count};
    for (size_t i = 0; i < c.n_in; i++)
        if (!is_known(c.in[i].code))
            return -ENOTSUP;
    set_add(arena, &c.numbers, 0);
    TRY(collect(&c));
    c.out = arena_alloc(arena, MAX_OUT * sizeof *c.out);
    c.copied = arena_alloc(arena, c.n_in * sizeof *c.copied);
    put_arches(&c);
    if (c.n_out >= c.n_in)
        return -ENOTSUP;
    struct sock_filter *instructions = arena_alloc(arena, c.n_out * sizeof *instructions);
    for (size_t i = 0; i < c.n_out; i++)
        instructions[i] = c.out[c.n_out - 1 - i];
    program->instructions = instructions;
    program->count = c.n_out;
    return 0;
}
