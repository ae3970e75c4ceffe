/* The bytes of bocal-init (src/init/), embedded by init_blob.S. */
#pragma once

extern const char bocal_init_start[], bocal_init_end[];
