/* System calls without a C library, for x86-64 and arm64: enough for a PID 1. Results are as the
 * kernel gives them: -errno on failure. */
#pragma once

#include <asm/unistd.h>

#if defined(__x86_64__)
static inline long syscall4(long number, long a, long b, long c, long d)
{
    long result;
    register long r10 __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}
/* The kernel leaves argc, argv and the environment at the stack pointer. */
__asm__(".text\n.globl _start\n_start:\n"
        "xor %ebp,%ebp\nmov %rsp,%rdi\nand $-16,%rsp\ncall start\n");
#elif defined(__aarch64__)
static inline long syscall4(long number, long a, long b, long c, long d)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
__asm__(".text\n.globl _start\n_start:\n"
        "mov x29,#0\nmov x0,sp\nand sp,x0,#-16\nbl start\n");
#else
#error "bocal-init knows x86-64 and arm64"
#endif
