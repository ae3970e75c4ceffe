/* The manual page of the runtime: verbs and options come from their tables, and only what these have no room for is
 * written here, as scdoc(5) source. */
#include "command/oci_man.h"

#include "base/option_doc.h"
#include "command/oci_verbs.h"

#include <ctype.h>

static const char begin[] =
    "bocal-runtime(8)\n\n"
    "# NAME\n\nbocal-runtime - an OCI runtime\n\n"
    "# SYNOPSIS\n\n*bocal-runtime* [_OPTION_...] _VERB_ [_OPTION_...] [_ID_]\n\n"
    "# DESCRIPTION\n\n"
    "Makes containers of OCI bundles, for engines such as Podman, Docker and containerd, in the manner of\n"
    "*runc*(8) and *crun*(1). It is the executable *bocal*(1) under another name.\n\n"
    "A bundle is a directory with config.json, the OCI runtime configuration, and mostly the root file system. What\n"
    "is asked for and cannot be done is refused, on one line, with the place in config.json, the reason and a\n"
    "remedy.\n\n"
    "_ID_ names a container: letters, digits and \\_+-. of at most 1024, and no . at the beginning.\n\n"
    "Options end at the first word that is none; *--* ends them too. Flags can be written *--flag=true* and\n"
    "*--flag=false*. An option given twice counts as given last, unless it says that it may be given several times.\n\n"
    "# OPTIONS\n\nBefore the verb:\n\n";

static const char end[] =
    "# LIFE OF A CONTAINER\n\n"
    "*create* makes it, and its command waits; *start* lets that run; *delete* removes what is left. The status is\n"
    "_creating_, _created_, _running_, _paused_ or _stopped_. A created container can be deleted as a stopped one\n"
    "can; one that runs, only with *--force*. *run* does all of it in the foreground, and passes signals on.\n\n"
    "*kill* sends SIGTERM where no signal is given; _SIGKILL_, _KILL_, _kill_ and _9_ are the same.\n\n"
    "*exec* runs _COMMAND_ as the container's own process would run, but for what the options say; or what\n"
    "*--process* describes.\n\n"
    "*mounts add* mounts in a container that runs, or is created or paused, what _FILE_ says, an array as config.json's /mounts:\n"
    "binds, and file systems of the types tmpfs, ramfs, mqueue, sysfs and cgroup2, all of them or none. What is missing at a\n"
    "destination is made, and stays. *mounts remove* unmounts what is mounted at the destinations in _FILE_, the last first, and does\n"
    "nothing unless something is mounted at each. Of a destination no part may be a link. The sources of binds are the host's, and\n"
    "relative ones are so to the bundle. Neither changes what *state* or a later *checkpoint* know of the container.\n\n"
    "A runtime that is killed leaves nothing that *delete* does not remove.\n\n"
    "# CHECKPOINTS\n\n"
    "*checkpoint* dumps a container by *criu*(8), and ends and deletes it unless it is to go on; *restore* makes one of what was\n"
    "dumped, under any _ID_, from the same bundle. Both need root. What the container had mounted from the host has to be there\n"
    "again, at the source that config.json has; its standard fds, where they are pipes or files, become the caller's of *restore*.\n"
    "Criu's log, with the reason of a failure, is criu.log in the directory of *--work-path*.\n\n"
    "Cgroups are bocal-runtime's to make, with the limits of config.json; those that the container had made below its own are not\n"
    "made again; the modes of *--manage-cgroups-mode* in which criu makes them are refused.\n\n"
    "A criu before 3.19 forgets no_new_privs, and is refused where the container, or a process of it, has that.\n\n"
    "Criu's own settings are read from the file that the annotation org.criu.config names, else from /etc/criu/crun.conf or\n"
    "/etc/criu/runc.conf. With *--empty-ns* the network is not dumped; a hook that runs at *restore* can make it.\n\n"
    "# CGROUPS\n\n"
    "*cgroupfs*, the default\n\tThe runtime makes the cgroup. /linux/cgroupsPath is a path below the top of each\n"
    "\thierarchy; without one it is /bocal-_ID_.\n\n"
    "*systemd*\n\tSystemd makes it. /linux/cgroupsPath is _SLICE_:_PREFIX_:_NAME_, for the scope _PREFIX_-_NAME_.scope;\n"
    "\twithout one it is :bocal:_ID_. It needs cgroup v2 alone, and *systemd-run*(1) and *systemctl*(1).\n\n"
    "*disabled*\n\tThe container stays in the cgroup of its caller, without limits of its own.\n\n"
    "# ANNOTATIONS\n\n"
    "What OCI has no words for, in config.json's /annotations:\n\n"
    "*io.bocal.explain*=_FILE_\n\tWrite every step by which the container came to be, and the time it took, to _FILE_:\n"
    "\tan absolute path at which there is nothing yet.\n\n"
    "*io.bocal.idmap*=_true_, *io.bocal.init*=_true_, *io.bocal.upper*=_disk_|_memory_|_copy_|_auto_\n"
    "\tSee *bocal-run*(1), BUNDLES.\n\n"
    "*run.oci.hooks.stdout*=_FILE_, *run.oci.hooks.stderr*=_FILE_\n\tAppend what hooks write to _FILE_, an absolute\n"
    "\tpath; it is made where it is missing, and a link is not followed.\n\n"
    "*run.oci.keep_original_groups*=_1_\n\tKeep the caller's supplementary groups, and add none.\n\n"
    "*run.oci.seccomp_fail_unknown_syscall*=_1_\n\tRefuse a filter that names a system call which libseccomp does not know.\n\n"
    "*org.systemd.property.*_NAME_=_VALUE_\n\tWhere systemd makes the cgroup: a property of the scope, a value or an\n"
    "\tarray of values in GVariant's text format, as of _TimeoutStopUSec_=_uint64 5000000_.\n\n"
    "An engine that lets others write annotations should not let them write those of io.bocal and run.oci:\n"
    "*features* says so too.\n\n"
    "# ENVIRONMENT\n\n"
    "*BOCAL\\_EXPLAIN*\n\tA file, an absolute path, to which the steps of every container that is made are appended.\n"
    "\tThe annotation io.bocal.explain goes before it.\n\n"
    "*LISTEN\\_FDS*, *LISTEN\\_PID*\n\tSockets that the command inherits, see *sd_listen_fds*(3). *LISTEN\\_PID*, where\n"
    "\tit is set, has to be the runtime's.\n\n"
    "*NOTIFY\\_SOCKET*\n\tThe service manager's socket, see *sd_notify*(3), of *create*, *run*, *restore* and *start*: a path, or an\n"
    "\tabstract name (@_NAME_). A container that is made with it has a directory at the same path (one in the abstract, or\n"
    "\ttoo long, has _/run/notify_), with the socket _notify_, and *NOTIFY\\_SOCKET* names that to its process; unless\n"
    "\tconfig.json sets the variable, which then stays as it is. Of what the container sends there READY=1, RELOADING=1,\n"
    "\tSTOPPING=1, WATCHDOG=1, MONOTONIC\\_USEC, ERRNO and STATUS are passed on, and nothing else. *run* does so until the\n"
    "\tcontainer ends. *start* and *run --detach* return when it has said READY=1, or has ended, and tell the service\n"
    "\tmanager MAINPID, its process; without *NOTIFY\\_SOCKET* of their own they do not wait. Later nobody listens.\n\n"
    "*XDG\\_RUNTIME\\_DIR*\n\tWhere an ordinary user's containers are recorded, and those of root of a user\n"
    "\tnamespace.\n\n"
    "# EXIT STATUS\n\n"
    "0 on success and 1 on failure. *run* and *exec*, unless detached, return the status of their command, or 128 and\n"
    "the number of the signal that ended it.\n\n"
    "# FILES\n\n"
    "_/run/bocal-runtime_, _$XDG\\_RUNTIME\\_DIR/bocal-runtime_\n"
    "\tThe directory of all containers, where *--root* names no other. Each has a directory _ID_ in it:\n\n"
    "_ID/journal_\n\tWhat *delete* undoes. Locked while the container is made and while it is deleted.\n\n"
    "_ID/state.json_\n\tWhat *state* prints, but for the status, which is never stored; and _external\\_descriptors_, what the\n"
    "\tstandard fds of who created it were.\n\n"
    "_ID/status_\n\tA link to it: the name under which crun keeps _pid_, _bundle_, _created_, _owner_ and that.\n\n"
    "_ID/config.json_\n\tThe configuration as it was at *create*, for *exec* and for hooks.\n\n"
    "_ID/start_\n\tThe socket at which the command waits for *start*.\n\n"
    "_ID/notify_\n\tThe socket at which the container announces that it is ready.\n\n"
    "_ID/layer_\n\tWhat the container writes, with the annotation io.bocal.upper=disk.\n\n"
    "_/var/cache/bocal_\n\tCompiled seccomp filters, of root alone.\n\n"
    "# EXAMPLES\n\n"
    "A bundle, and its container:\n\n"
    "\tcd box && bocal-runtime spec && bocal-runtime run box\n\n"
    "Underneath Podman:\n\n"
    "\tpodman --runtime /usr/local/bin/bocal-runtime run --rm alpine id\n\n"
    "Underneath Docker:\n\n"
    "\tdockerd --add-runtime bocal=/usr/local/bin/bocal-runtime\n\n"
    "\tdocker run --runtime bocal --rm alpine id\n\n"
    "How a container of Podman's came to be:\n\n"
    "\tpodman --runtime /usr/local/bin/bocal-runtime run --annotation io.bocal.explain=/tmp/steps alpine id\n\n"
    "# SEE ALSO\n\n*bocal*(1), *bocal-run*(1), *runc*(8), *crun*(1), *criu*(8), *cgroups*(7), *systemd.scope*(5)\n";

static void put_verb(FILE *out, const struct oci_verb *verb)
{
    const struct option_set set = oci_verb_set(verb);
    fprintf(out, "## %s\n\n", verb->name);
    option_man_synopsis(out, &set);
    fprintf(out, "%c%s.\n\n", toupper((unsigned char)*verb->summary), verb->summary + 1);
    option_man_list(out, &set);
}

void oci_man(FILE *out, const struct option_set *global)
{
    fputs(begin, out);
    option_man_list(out, global);
    fputs("*--help*\n\tPrint the verbs and these options; after a verb, its options.\n\n# VERBS\n\n", out);
    for (size_t i = 0; i < oci_verb_count(); i++)
        put_verb(out, oci_verb_at(i));
    fputs(end, out);
}
