/* The manual page of the runtime: verbs and options come from their tables, and only what these have no room for is
 * written here, as scdoc(5) source. */
#include "command/oci_man.h"

#include "base/option_doc.h"
#include "command/oci_verbs.h"

static const char begin[] =
    "bocal-runtime(8)\n\n"
    "# NAME\n\nbocal-runtime - an OCI runtime\n\n"
    "# SYNOPSIS\n\n*bocal-runtime* [_OPTION_...] _VERB_ [_OPTION_...] [_ID_]\n\n"
    "# DESCRIPTION\n\n"
    "Makes containers of OCI bundles, for engines such as Podman, Docker and containerd, in the manner of\n"
    "*runc*(8) and *crun*(1). It is the executable *bocal*(1) under another name.\n\n"
    "What it cannot do it refuses, on one line, with the place in config.json, the reason and a remedy.\n\n"
    "# OPTIONS\n\n";

static const char end[] =
    "# CGROUPS\n\n"
    "/linux/cgroupsPath is a path below the top of each hierarchy; without one it is /bocal-_ID_. With\n"
    "*--systemd-cgroup* it is _SLICE_:_PREFIX_:_NAME_, for the scope _PREFIX_-_NAME_.scope, and needs cgroup v2.\n\n"
    "# ANNOTATIONS\n\n"
    "*io.bocal.explain*=_FILE_\n\tWrite every step by which the container came to be to _FILE_.\n\n"
    "*io.bocal.idmap*, *io.bocal.init*, *io.bocal.upper*\n\tSee *bocal-run*(1).\n\n"
    "*org.systemd.property.*_NAME_=_VALUE_\n\tWith *--systemd-cgroup*: a property of the scope, a value or an array of\n"
    "\tvalues, as GVariant has them.\n\n"
    "# ENVIRONMENT\n\n"
    "*BOCAL\\_EXPLAIN*\n\tA file, as for the annotation io.bocal.explain.\n\n"
    "*LISTEN\\_FDS*, *LISTEN\\_PID*\n\tSockets that the command inherits, see *sd_listen_fds*(3).\n\n"
    "*XDG\\_RUNTIME\\_DIR*\n\tWhere an ordinary user's containers are recorded.\n\n"
    "# EXIT STATUS\n\n"
    "0 on success, 1 on failure; *run* and *exec* return the status of their command.\n\n"
    "# FILES\n\n"
    "_/run/bocal-runtime_, _$XDG\\_RUNTIME\\_DIR/bocal-runtime_\n\tContainers, a directory each.\n\n"
    "# EXAMPLES\n\n"
    "A bundle, and its container:\n\n"
    "\tbocal-runtime spec && bocal-runtime run box\n\n"
    "Underneath Podman and Docker:\n\n"
    "\tpodman --runtime /usr/local/bin/bocal-runtime run --rm alpine id\n\n"
    "\tdockerd --add-runtime bocal=/usr/local/bin/bocal-runtime\n\n"
    "# SEE ALSO\n\n*bocal*(1), *bocal-run*(1), *runc*(8), *cgroups*(7), *systemd.scope*(5)\n";

void oci_man(FILE *out, const struct option_set *global)
{
    fputs(begin, out);
    option_man_list(out, global);
    fputs("*--help*\n\tPrint the verbs; after a verb, its options.\n\n# VERBS\n\n", out);
    for (size_t i = 0; i < oci_verb_count(); i++) {
        const struct oci_verb *verb = oci_verb_at(i);
        const struct option_set set = {.program = "bocal-runtime", .verb = verb->name, .options = verb->options,
                                       .count = verb->count};
        fprintf(out, "## %s %s\n\n%c%s.\n\n", verb->name, verb->synopsis, verb->summary[0] - 'a' + 'A', verb->summary + 1);
        option_man_list(out, &set);
    }
    fputs(end, out);
}
