/* Asking people, on the terminal: where there is none, who calls has to say it otherwise. */
#pragma once

#include <stddef.h>

/* Prints PROMPT and reads a line, without its end, into TEXT of SIZE bytes. -ENOTTY without a sentence where there is no terminal;
 * -ECANCELED with one when the answer is Ctrl-C or Ctrl-D; -EFBIG. */
int ask_line(const char *prompt, char *text, size_t size);

/* The same for what nobody is to see. The terminal is as it was whatever signal ends us. */
int ask_secret(const char *prompt, char *text, size_t size);
