/* Walks a plan. HOST performs its steps in order; at OP_CLONE the other actors begin, each with a
 * copy of everything, and perform theirs. They meet only over one socket pair and one shared page:
 *
 *   - the socket carries tokens (with fds) and faults. A fault is {step, -errno}: who fails in INIT
 *     reports and ends, HOST writes the sentence, for it holds the same plan. The first fault wins.
 *   - the page holds each step's times, and the first bytes of the command's file, from which
 *     HOST tells why the kernel would not execute it. The command never sees it: exec unmaps it.
 *
 * INIT is a fork of a process with one thread; it allocates and formats nothing. */
#pragma once

#include "runtime/hook.h"
#include "runtime/journal.h"
#include "runtime/plan.h"
#include "runtime/step_data.h"

#include <sys/types.h>

enum { HEAD_SIZE = 1024 };

struct shared {
    int32_t outer_pid;             /* INIT's, in HOST's pid namespace; of OP_OUTER_PID */
    struct hook_result hook;       /* of the last one that ran */
    int32_t head_size;
    unsigned char head[HEAD_SIZE]; /* of the file that FIND found */
    struct step_time times[];      /* by step */
};

/* What the overlay was made of. A detached mount lives as long as its fd, until the overlay has taken
 * it; and closing it takes a grace period, for which INIT need not wait: OP_TIDY does it. */
struct layers {
    size_t count;
    int fds[MAX_LAYERS + 4]; /* and what they lie in, and those that are written to */
};

struct execution {
    const struct plan *plan;
    enum actor me;
    struct journal journal;
    int slots[SLOT_COUNT];  /* fds, owned; -1 is empty */
    int channel[2];         /* [0] HOST's, [1] the others' */
    struct layers layers;   /* HOST's: owned */
    struct shared *shared;
    size_t shared_size;
    pid_t pid;              /* HOST: of INIT (0 before its birth), in HOST's pid namespace */
    pid_t joiner;
    pid_t holder;           /* HOST: what holds systemd's scope, or 0 */
    bool timed;             /* each step's time is kept: somebody will want to know */
    uint64_t ignored;       /* signals that HOST ignores: bit N-1 for signal N */
    size_t at;              /* the step that is being performed */
    size_t failed;          /* HOST: the step that failed, plan->count when none */

    /* INIT's own findings */
    bool empty_attached;    /* @empty is a mount in the tree, and can be cloned */
    uint32_t uid, gid;
    size_t n_groups;
    uint32_t groups[64];
    char home[256];         /* "HOME=..." */
    char found[4096];       /* the command's path */

    /* called by HOST when TOKEN_ASSEMBLED has come */
    void (*assembled)(struct execution *x, void *data);
    void *assembled_data;
    /* called by HOST when nothing is left to it but to wait for the command */
    void (*waiting)(struct execution *x, void *data);
    void *waiting_data;
    int fail_at, kill_at;   /* test builds */
};

/* Performs the plan up to the running command. On success the container runs: x->slots[SLOT_INIT] is
 * its pidfd, x->slots[SLOT_CONSOLE] its terminal or -1. On failure everything is undone, the sentence
 * is recorded, x->failed names the step. Either way the caller ends with execution_end(). */
int execute(struct execution *x, const struct plan *plan);

/* INIT's, in the caller's pid namespace: one that JOINER has borne is known by its pidfd alone. -1, which nobody has, when
 * it has ended. */
pid_t execution_pid(const struct execution *x);

void layers_close(struct layers *layers);

/* Ends X of a plan whose container outlives its maker: nothing is ended or undone, the journal stays. */
void execution_leave(struct execution *x);

/* What INIT says to who starts it: over the connection to the socket of OP_LISTEN. First {-TOKEN_STARTED, 0};
 * then an end of file when the command runs, or {step, -errno}. */
struct channel_message {
    int32_t step, error;
};

/* ADDRESS of the socket PATH, and the fd that it is relative to, owned by the caller. -1 and errno. */
struct sockaddr_un;
int socket_directory(const char *path, struct sockaddr_un *address);

/* A new datagram socket PATH that everybody may send to who comes there: owned by the caller. -errno. */
int notify_bind(const char *path);

/* INIT has ended and been waited for: nobody is to look for it any more. */
void execution_reaped(struct execution *x);

/* Undoes what the container has left (it has ended, or is killed now), and frees X. -errno with a
 * sentence when something could not be undone: the journal then stays for the next sweep. */
int execution_end(struct execution *x);

/* The exit status that the field has for a failed step: 126, 127, or 125. */
int execution_exit_status(const struct execution *x, int error);
