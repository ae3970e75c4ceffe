/* What bocal-run(1) says beyond the options, as scdoc(5) source. */
#include "command/run_man.h"

static const struct option_section before[] = {
    {"DESCRIPTION",
     "Runs a command in a new container and waits for it. The container has its own users,\n"
     "processes, mounts, network, host name, IPC and cgroup view, and is removed at its end.\n"
     "It works as root and as an ordinary user, without a daemon.\n"
     "\n"
     "_IMAGE_ is the name of an image that is here (*bocal-images*(1)), or six or more digits of its\n"
     "digest, with or without _sha256:_ before them. It says what is run, in what environment, where, and as whom, unless words and options\n"
     "say otherwise. A name without a host also finds the one image that has it behind a host. What is\n"
     "not here is pulled (*bocal-pull*(1)), unless *--pull* _never_ is given; not before all options are known\n"
     "to be possible, and not by *--dry-run*.\n"
     "\n"
     "Or it is an archive or a layout, from which one image is loaded first (*bocal-load*(1)):\n"
     "*oci-archive:*_FILE_[:_NAME_], *docker-archive:*_FILE_[:_NAME_], *oci:*_DIR_[:_NAME_], or *-*, an archive\n"
     "on standard input. *dir:*_DIR_ is *--rootfs* _DIR_.\n"
     "\n"
     "An image of another architecture than this machine's is run only with *--platform*, and where the\n"
     "kernel runs its programs as they are (32-bit ones) or *binfmt_misc* has a handler for them.\n"
     "\n"
     "Without _IMAGE_, and with a first word that begins with a slash, the root file system is\n"
     "the small image inside the executable. With *--rootfs* it is that directory, and all words are the\n"
     "command. With *--bundle* it is what the bundle says. What the container writes to an image is\n"
     "thrown away.\n"
     "\n"
     "Without _COMMAND_ a shell is run, on a terminal as with *-it*.\n"
     "\n"
     "Options end at the first word that is none; *--* ends them too. Flags can be written\n"
     "*--flag=true* and *--flag=false*. An option given twice counts as given last, unless it\n"
     "says that it may be given several times.\n"},
    {NULL, NULL},
};

static const struct option_section after[] = {
    {"NAMESPACES",
     "*private*\n\tA new one.\n\n"
     "*host*\n\tThe caller's.\n\n"
     "*container:*_PID_\n\tThat of the process _PID_.\n\n"
     "*none*\n\tFor *--network* only: a new one with nothing but the loopback interface.\n"},
    {"WHAT A CONTAINER WRITES",
     "The image and the directory of *--rootfs* _DIR_*:O* are not changed: an overlay keeps what is\n"
     "written until the container's end. *--upper* says where:\n\n"
     "*disk*\n\tIn a directory beside the images.\n\n"
     "*memory*\n\tIn a tmpfs, at most half of the memory. It counts against *--memory*, and starts and ends\n"
     "\tfaster. It needs Linux 6.15.\n\n"
     "*copy*\n\tIn a directory beside the images, to which the whole image is copied first: it takes the time and the room of\n"
     "\tthat, and no overlay.\n\n"
     "*auto*\n\t_memory_ for the embedded image where the kernel can and without *--memory*; else _disk_. For other images\n"
     "\t_disk_; where overlayfs cannot write to the file system that the images are on (another overlay, a network's),\n"
     "\t_memory_, and a line says so. Where the kernel has no overlayfs for the caller, _copy_, and a line says so, too.\n"},
    {"WHAT AN IMAGE SAYS",
     "User, WorkingDir (made where it is missing), Env, Entrypoint, Cmd and StopSignal are heeded unless an option says\n"
     "otherwise. A directory that the image declares as a volume is part of what the container writes, with what the\n"
     "image has there; it can be written with *--read-only*, too, and is gone at the end. The health check is not run: a\n"
     "container here is in the foreground. ExposedPorts, Labels and Shell change nothing; *bocal-inspect*(1) shows them.\n"},
    {"BUNDLES",
     "*--bundle* _DIR_ runs what _DIR_/config.json describes, an OCI runtime configuration. What bocal\n"
     "cannot do yet is refused by name. Annotations say what OCI has no words for, and\n"
     "*--dry-run=oci* writes them:\n\n"
     "*io.bocal.idmap*=_true_\n\tFiles of the root file system and of binds keep their owners, by id-mapped mounts.\n\n"
     "*io.bocal.init*=_true_\n\tPID 1 is bocal's init.\n\n"
     "*io.bocal.upper*=_disk_|_memory_|_copy_|_auto_|_fitting_\n\tThe root file system stays as it is: see above. Other runtimes\n"
     "\tsee it read-only.\n\n"
     "The generated files in /etc are left out of what *--dry-run=oci* writes.\n"},
    {"VOLUMES",
     "The options of *--volume*, separated by commas:\n\n"
     "*ro*, *rw*\n\tWhether it can be written.\n\n"
     "*z*, *Z*\n\tGive it an SELinux label, shared with other containers or private.\n\n"
     "*U*\n\tChange its owner on disk to the container's user.\n\n"
     "*idmap*\n\tMap its owners as the container's users are mapped.\n\n"
     "*shared*, *slave*, *private*, *rshared*, *rslave*, *rprivate*\n"
     "\tHow later mounts below it are passed on, see *mount_namespaces*(7).\n\n"
     "*noexec*, *nosuid*, *nodev*\n\tAs for *mount*(8).\n"},
    {"EXIT STATUS",
     "The command's own, and:\n\n"
     "*125*\n\tbocal failed: one line on standard error says what, why and what can be done.\n\n"
     "*126*\n\tThe command cannot be executed.\n\n"
     "*127*\n\tThe command was not found.\n\n"
     "*128+n*\n\tThe command was ended by signal number n; 137 with a sentence about memory:\n"
     "\tit used more than *--memory*.\n"},
    {"EXAMPLES",
     "A shell in a container:\n\n"
     "\tbocal run\n\n"
     "One command, and how its container came to be:\n\n"
     "\tbocal run --explain /bin/id\n\n"
     "The same as a configuration for an OCI runtime:\n\n"
     "\tbocal run --dry-run=oci /bin/id > config.json\n\n"
     "This directory, to be read only, half a processor and 64 megabytes:\n\n"
     "\tbocal run --cpus 0.5 -m 64m -v \"$PWD:/src:ro\" /bin/ls /src\n\n"
     "Another root file system, which stays as it is:\n\n"
     "\tbocal run -it --rootfs /srv/debian:O bash\n"},
    {"ENVIRONMENT",
     "*XDG\\_RUNTIME\\_DIR*\n\tWhere an ordinary user's running containers are recorded.\n\n"
     "*XDG\\_DATA\\_HOME*\n\tWhere an ordinary user's image is unpacked.\n"},
    {"FILES",
     "_/run/bocal_, _$XDG\\_RUNTIME\\_DIR/bocal_\n"
     "\tRunning containers, of root and of a user.\n\n"
     "_/var/lib/bocal_, _$XDG\\_DATA\\_HOME/bocal_\n"
     "\tThe unpacked image, of root and of a user.\n\n"
     "_/etc/subuid_, _/etc/subgid_\n"
     "\tThe ranges of ids that a user may give to containers. Without one a container has one\n"
     "\tuser, root, who is the caller.\n"},
    {"SEE ALSO",
     "*bocal*(1), *namespaces*(7), *user_namespaces*(7), *cgroups*(7), *capabilities*(7),\n"
     "*seccomp*(2), *subuid*(5)\n"},
    {NULL, NULL},
};

const struct option_prose run_prose = {.before = before, .after = after};
