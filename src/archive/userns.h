/* Whose an ordinary user's files are: his containers have ids of a range, and only in a user namespace with those can files be
 * given to them, or be removed again. bocal makes the namespace, and passes it on. */
#pragma once

/* Becomes root of the user namespace FD, which is closed; before confinement. -errno with a sentence. */
int userns_enter(int fd);

/* The verb: removes all that is in descriptor 3. */
int verb_remove(char **words);

/* The verb: what descriptor 3 and all that is in it take on disk, as a line of JSON. */
int verb_usage(char **words);
