/* The bytes of bocal-init, which meson built before. */
.section .rodata
.globl bocal_init_start, bocal_init_end
.balign 16
bocal_init_start: .incbin BOCAL_INIT
bocal_init_end: .byte 0
.section .note.GNU-stack, "", %progbits
