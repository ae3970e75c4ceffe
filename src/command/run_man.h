/* The prose of bocal-run(1). */
#pragma once

#include "base/option_doc.h"

extern const struct option_prose run_prose;
