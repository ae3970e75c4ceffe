/* One executable, several faces: which one, is told by the name it was called by, as a link to it;
 * the verb by the first word. All faces end here, where errors are printed, once and on one line.
 *
 * Exit status 125 is bocal's own failure, as everywhere in this field; 126, 127 and 128+n speak of
 * the command and come from the engine. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "command/oci.h"
#include "command/verb.h"
#include "kernel/sys.h"

#include <fcntl.h>
#include <signal.h>

enum { STATUS_OURS = 125, STATUS_RUNTIME = 1 }; /* the latter is what engines expect of a runtime */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A closed standard fd would be the number of the next file opened, and what is meant for the
 * terminal would be written into it. Not O_CLOEXEC: they are the command's too. */
static int standard_fds_open(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            return fail(-errno, "open /dev/null");
    return 0;
}

static void print_warning(const char *sentence, void *program)
{
    fprintf(stderr, "%s: warning: %s\n", (const char *)program, sentence);
}

/* Prints the recorded sentence, if any, and what was not told yet; returns the exit status for RESULT, which is
 * FAILED where it is ours. */
static int finish_as(const char *program, const char *verb, int result, int failed)
{
    int written = fflush(stdout) != 0 ? -errno : ferror(stdout) ? -EIO : 0;
    if (written < 0)
        result = fail(written, "write standard output");
    if (result < 0)
        fail(result, "failed");
    warnings_tell();
    if (*error_text())
        fprintf(stderr, "%s%s%s: %s\n", program, verb ? " " : "", verb ? verb : "", error_text());
    return result < 0 ? failed : result;
}

static int finish(const char *program, const char *verb, int result)
{
    return finish_as(program, verb, result, STATUS_OURS);
}

static int call_verb(const char *program, bool seed, char **words)
{
    if (!*words || text_equal(*words, "--help") || text_equal(*words, "-h")) {
        verb_usage(stdout);
        return finish(program, NULL, 0);
    }
    const struct verb *verb = verb_find(text_equal(*words, "--version") ? "version" : *words);
    if (!verb)
        return finish(program, NULL, -EINVAL);
    signal(SIGCHLD, SIG_DFL); /* a caller that ignores it would make waitpid(2) fail, and helpers seem to have done well */
    struct call call = {.seed = seed, .words = words + 1};
    warnings_to(print_warning, (void *)program);
    return finish(program, verb->set->verb, verb->run(&call));
}

static int face_engine(char **words)
{
    return call_verb("bocal", false, words);
}

static int face_seed(char **words)
{
    return call_verb("container", true, words);
}

static int face_runtime(char **words)
{
    return finish_as("bocal-runtime", NULL, oci_run(words), STATUS_RUNTIME);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*call)(char **words);
    } faces[] = {
        {"bocal", face_engine},
        {"bocal-runtime", face_runtime},
        {"container", face_seed},
    };
    char *none = NULL, **words = argc > 0 ? argv + 1 : &none;
    int result = standard_fds_open();
    if (result < 0)
        sys_leave(finish("bocal", NULL, result));
    for (size_t i = 0; argc > 0 && i < COUNT(faces); i++)
        if (text_equal(base_name(argv[0]), faces[i].name))
            sys_leave(faces[i].call(words));
    sys_leave(face_engine(words));
}
