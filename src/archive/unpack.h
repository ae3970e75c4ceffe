/* bocal-archive unpack: a layer's blob into a directory. */
#pragma once

/* The verb. */
int verb_unpack(char **words);
