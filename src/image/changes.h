/* Changes to an image's config, as the instructions of a Dockerfile that only change it: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL,
 * STOPSIGNAL, USER, VOLUME, WORKDIR. */
#pragma once

#include "spec/image_config.h"

/* Applies TEXT ("CMD [\"nginx\"]", "ENV A=b C=\"d e\""; in any case, an equals sign may stand for the first blank) to CONFIG. -EINVAL
 * with a sentence that has TEXT and what is wrong. What CONFIG gets lives in ARENA. */
int config_change(struct arena *arena, const char *text, struct image_config *config);
