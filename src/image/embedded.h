/* The embedded image: busybox as a root file system inside the executable, so that the first run needs
 * no network and no set-up. */
#pragma once

/* Makes sure that the image is unpacked below STORE (/var/lib/bocal), and sets *ROOTFS, which the caller
 * frees, to its root directory. Unpacked once: under another name, read back and compared byte for byte
 * with the executable's copy, synced, renamed. Several first runs at once are safe. A hit costs one
 * access(2). -errno with a sentence. */
int embedded_rootfs(const char *store, char **rootfs);

/* Compares what lies in ROOTFS with the executable's copy. 0, or -EIO naming what differs. */
int embedded_verify(const char *rootfs);

/* The image's SHA-256, lowercase hexadecimal. */
const char *embedded_digest(void);
