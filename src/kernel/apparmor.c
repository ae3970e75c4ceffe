#include "kernel/apparmor.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern const char bocal_apparmor_start[], bocal_apparmor_end[]; /* tools/embed */

static const char profiles[] = "/sys/kernel/security/apparmor/profiles";

bool apparmor_is_on(void)
{
    auto_fd fd = open("/proc/self/attr/apparmor/current", O_RDONLY | O_CLOEXEC); /* Linux 5.8 */
    char byte;
    return fd >= 0 && read(fd, &byte, 1) == 1; /* EINVAL where it is built in but off */
}

bool apparmor_can_load(void)
{
    return access(profiles, F_OK) == 0;
}

bool apparmor_has(const char *name)
{
    size_t length = strlen(name);
    auto_free char *line = NULL;
    size_t size = 0;
    auto_file file = fopen(profiles, "re");
    while (file && getline(&line, &size, file) > 0) /* "NAME (MODE)" */
        if (strncmp(line, name, length) == 0 && strncmp(line + length, " (", 2) == 0)
            return true;
    return false;
}

int apparmor_load(const char *parser)
{
    auto_fd fd = memfd_create("profile", MFD_CLOEXEC);
    if (fd < 0)
        return fail(-errno, "create a memfd");
    int r = fd_write_all(fd, bocal_apparmor_start,
                         (size_t)(bocal_apparmor_end - bocal_apparmor_start));
    if (r < 0)
        return fail(r, "write the AppArmor profile");
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", getpid(), fd);
    char *argv[] = {(char *)parser, (char *)"--replace", (char *)"--skip-cache", path, NULL};
    r = process_run(argv);
    return r < 0 ? because(r, "load the AppArmor profile " APPARMOR_DEFAULT) : 0;
}
