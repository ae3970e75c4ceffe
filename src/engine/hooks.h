/* The hooks that run when a container has been started, and when it is no more. A failed poststart ends the container; a
 * failed poststop is a warning, whose sentence is left, and the others run all the same: runtime-spec runtime.md. */
#pragma once

#include "engine/container.h"

/* Those of KIND, of CONFIG, which read STATE. 0, or -errno of the first that failed, with a sentence. */
int hooks_run(const struct config *config, enum hook_kind kind, const struct oci_state *state);

/* The same for a container of which only its directory is at hand: after its start, and when it is gone. */
int hooks_run_late(const struct container *container, enum hook_kind kind);
