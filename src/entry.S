/* Where a static executable begins, on x86-64. It relocates itself, and so writes to nearly every page from .tdata to .bss,
 * and then to some of its stack: two calls of madvise(2) make them its own, where each would be a fault. What fails here
 * (MADV_POPULATE_WRITE is of Linux 5.14) is made up for by the faults. Then as ever: _start, with the registers and the
 * stack of the kernel. */
#include <cet.h>

#define STACK 28672 /* bytes: the buffers of some paths and lines */

.text
.balign 16
.globl bocal_entry
.type bocal_entry, @function
bocal_entry:
    _CET_ENDBR
    push %rdx /* what _start is to call at the end */
    lea __init_array_start(%rip), %rdi
    and $-4096, %rdi
    lea __bss_start(%rip), %rsi
    sub %rdi, %rsi
    mov $23, %edx /* MADV_POPULATE_WRITE */
    mov $28, %eax /* madvise */
    syscall
    lea -STACK(%rsp), %rdi
    and $-4096, %rdi
    mov $STACK, %esi
    mov $28, %eax
    syscall
    pop %rdx
    jmp _start
.size bocal_entry, . - bocal_entry
.section .note.GNU-stack, "", %progbits
