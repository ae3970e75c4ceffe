/* The one pass over an archive of images, which may be a pipe: every file in it becomes a blob,
 * whatever its name, so that what the archive's manifests name can be looked up afterwards in any
 * order. */
#pragma once

#include "archive/blobs.h"
#include "archive/members.h"

/* Reads the archive from the fd INPUT, plain or packed, into BLOBS and MEMBERS. Files named by a
 * digest (blobs/sha256/HEX) have to have it. What is no file, directory or link is refused, and so
 * is what is no archive. */
int spool(int input, struct blobs *blobs, struct members *members);
