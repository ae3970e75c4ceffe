/* The bytes of bocal-init (src/init/), embedded by the build. */
#pragma once

extern const char bocal_init_start[], bocal_init_end[];
