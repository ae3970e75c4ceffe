/* criu(8), asked to dump processes or to restore them. It is a program of its own, which is started for one request and
 * speaks over a socket: protocol buffers, as images/rpc.proto of its source has them (and criu(8), "swrk"). What is
 * encoded and decoded here is that small part of them that an OCI runtime needs: no library of theirs is linked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum criu_kind { CRIU_DUMP = 1, CRIU_RESTORE = 2, CRIU_PRE_DUMP = 4 };

/* A mount, external to what is dumped: its place and its name, or its source. A namespace: its kind and its file. */
struct criu_pair {
    const char *key, *value;
};

/* Something open outside, and the fd that stands for it. */
struct criu_fd {
    const char *key;
    int fd;
};

/* NULL, false and 0 are what criu takes where nothing is said. All is borrowed. */
struct criu_request {
    enum criu_kind kind;
    int images, work;             /* directories, fds of the caller's; -1: none */
    int64_t pid;                  /* to dump: the first process */
    const char *root;             /* to restore: the root, a mount point in criu's mount namespace */
    const char *log;              /* the log's name, in WORK */
    const char *parent;           /* earlier images, relative to IMAGES */
    const char *freezer;          /* a cgroup's directory */
    const char *lsm_profile, *lsm_mount_context;
    const char *settings;         /* a file with further options */
    bool leave_running, unix_sockets, tcp_established, tcp_in_flight, shell_job, file_locks, auto_dedup;
    bool track_memory, siblings, terminal, notify;
    uint64_t empty_namespaces;    /* CLONE_NEW* */
    const struct criu_pair *mounts, *joins;
    size_t n_mounts, n_joins;
    char *const *externals;       /* NULL-terminated, or NULL */
    const struct criu_fd *inherited; /* numbers in criu, which has those of the caller's that are not closed at exec */
    size_t n_inherited;
};

/* A criu that waits for its request. */
struct criu {
    pid_t pid;
    int socket;
};

/* What the new process does before it becomes criu. It neither allocates nor formats. */
typedef int criu_preparation(void *data);

/* Starts the program PATH in the cgroup CGROUP, a directory fd of v2, or in the caller's (-1); its standard fds are the
 * caller's. PREPARE may be NULL. -errno with a sentence. */
int criu_begin(const char *path, int cgroup, criu_preparation *prepare, void *data, struct criu *criu);

/* Called for each thing that criu tells on its way, by the name that it has there; FD is the hearer's to close, or -1. On
 * -errno criu is told to give up. */
typedef int criu_hearer(void *data, const char *what, int64_t pid, int fd);

/* Asks, and waits until criu has ended. *PID, if not NULL: of the restored process. -EPROTO without a sentence when criu
 * has failed, or what HEAR, which may be NULL, returned first. */
int criu_ask(struct criu *criu, const struct criu_request *request, criu_hearer *hear, void *data, int64_t *pid);

/* The sentence of such a failure, from the log of REQUEST; WORK names its directory for people. Returns ERR. */
int criu_failed(const struct criu_request *request, const char *work, int err);
