/* `bocal run`: from options to an exit status. */
#pragma once

#include "engine/run_options.h"

/* Runs one container in the foreground and leaves nothing behind. Returns the exit status for the
 * shell: the command's own, 128+n for a signal, 126 or 127 (with a sentence recorded) when the command
 * could not be executed; or -errno with a sentence for what is bocal's own failure (125). */
int engine_run(const struct run_options *options);
