/* References: what people write where an image is meant, as the field has them (the grammar is the one of distribution's
 * `reference` package, which image-spec and distribution-spec lean on).
 *
 *     NAME[:TAG][@DIGEST]         a short name: no registry is guessed here, whoever pulls asks the configuration
 *     HOST[:PORT]/NAME[:TAG][@DIGEST]
 *     sha256:HEX, or HEX alone    an image by its digest, 64 digits
 *     oci:DIR[:TAG]  oci-archive:FILE[:TAG]  docker-archive:FILE[:REFERENCE]
 *     dir:PATH                    a directory that is a root file system
 *     -                           standard input, an archive of a kind that load finds out
 *
 * What stands before the first slash is a host where it has a dot or a colon, or is "localhost". "docker://" in front of a
 * name, as people paste it, is dropped. Paths of archives end at the first colon. A digest decides; the tag beside it is
 * for show. A word that begins with "/", "./" or "../" is never a reference: it is a command or a directory. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>

enum reference_kind {
    REFERENCE_NAME,           /* host (NULL for a short name), repository, tag or digest or both */
    REFERENCE_DIGEST,         /* digest alone */
    REFERENCE_OCI,            /* path, tag or NULL: the only image of a layout */
    REFERENCE_OCI_ARCHIVE,    /* the same in a file */
    REFERENCE_DOCKER_ARCHIVE, /* path; host, repository, tag where one of its images is named */
    REFERENCE_DIRECTORY,      /* path */
    REFERENCE_INPUT,          /* nothing */
};

struct reference {
    enum reference_kind kind;
    const char *host;       /* "registry.example", "localhost:5000", "[::1]:5000"; lower-case; NULL: a short name */
    const char *repository; /* "library/alpine" */
    const char *tag;        /* "latest" where neither tag nor digest was written; NULL beside a digest without one */
    const char *digest;     /* "sha256:HEX", or NULL */
    const char *path;       /* of archives and directories, as it was written */
    const char *text;       /* all of it in one canonical form: equal texts, equal references */
};

/* Whether WORD can be a reference at all by its first characters; false for commands and directories ("/bin/sh",
 * "./root", "..") and for "". */
bool reference_possible(const char *word);

/* Reads WORD into REFERENCE, whose texts live in ARENA. 0, or -EINVAL with a sentence that has the word, the character
 * that is wrong, and a remedy. Paths are not looked up. */
int reference_parse(struct arena *arena, const char *word, struct reference *reference);

/* A short NAME completed by PREFIX, "HOST[:PORT][/PATH]" from the configuration, into FULL. -EINVAL with a sentence where
 * PREFIX is no such thing, or NAME is not short. */
int reference_qualify(struct arena *arena, const struct reference *name, const char *prefix, struct reference *full);

/* Whether WANTED means the image that is stored under the name STORED (NULL: without a name) with manifest DIGEST. Hosts
 * and repositories are equal; a short name is also what STORED is without its host, or without its host and "library/".
 * Where WANTED has a digest, that has to be DIGEST, and tags say nothing; else tags are equal. Only the kinds NAME and
 * DIGEST mean stored images. */
bool reference_matches(const struct reference *wanted, const struct reference *stored, const char *digest);
