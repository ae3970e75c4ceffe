/* Base64 (RFC 4648, section 4), as Docker's and Podman's files have passwords and HTTP's Basic has them on the wire. */
#pragma once

#include "base/arena.h"

#include <stddef.h>

/* SIZE bytes as text, in the arena. */
char *base64_encode(struct arena *arena, const void *bytes, size_t size);

/* TEXT as bytes, in the arena, with a NUL behind them; *SIZE without it. Padding may be missing. NULL: malformed. */
char *base64_decode(struct arena *arena, const char *text, size_t *size);
