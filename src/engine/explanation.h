/* The explanation of a container that somebody else has started: for those who do not see bocal's own command line. */
#pragma once

#include "runtime/execute.h"
#include "spec/config.h"

/* Whether explanation_write() will write anything: then the steps are to be timed. */
bool explanation_wanted(const struct config *config);

/* Writes the plan of X, with the time of each step, to the file that the annotation io.bocal.explain names, which must
 * not exist, or appends it to the one that BOCAL_EXPLAIN names. RESULT: of execute(); of a failed one, what was done.
 * Neither given: nothing. -errno with a sentence where the file cannot be written. */
int explanation_write(const struct config *config, const struct execution *x, const struct plan *plan, int result);
