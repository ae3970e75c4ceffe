#include "kernel/seccomp.h"

#include "kernel/sys.h"

#include <linux/seccomp.h>

int seccomp_install(const struct seccomp_program *program)
{
    struct sock_fprog filter = {.len = (unsigned short)program->count,
                                .filter = (struct sock_filter *)program->instructions};
    return SYS_RESULT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program->flags, &filter));
}
