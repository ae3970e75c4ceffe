/* What the verbs of bocal-archive share. A verb is called with the words behind it and returns the exit status, or
 * -errno with a sentence. */
#pragma once

/* What cannot be done without the layers below, and can with them: --parents. */
enum { STATUS_NEEDS_PARENTS = 3 };

/* Refuses any word that is left. */
int words_none(char **words);
