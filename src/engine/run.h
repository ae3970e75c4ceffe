/* `bocal run`: from options to an exit status. */
#pragma once

#include "engine/image.h"
#include "engine/run_options.h"

/* Whether OPTIONS can be met, as far as that is known without their image: so that none is pulled in vain. -errno with a sentence. */
int engine_check(const struct run_options *options);

/* Runs one container in the foreground and leaves nothing behind. IMAGE is the one that OPTIONS name, open, the caller's; NULL where
 * they name none. Returns the exit status for the
 * shell: the command's own, 128+n for a signal, 126 or 127 (with a sentence recorded) when the command
 * could not be executed; or -errno with a sentence for what is bocal's own failure (125). */
int engine_run(const struct run_options *options, const struct run_image *image);
