/* bocal-runtime: the verbs of an OCI runtime, as runc and crun have them. */
#pragma once

/* WORDS: the global options, the verb, its options, its operands. Returns an exit status, or -errno with a
 * sentence, which with --log has been written there as well. */
int oci_run(char **words);
