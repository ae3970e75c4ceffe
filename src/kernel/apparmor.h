/* AppArmor: the default profile of bocal's containers (data/apparmor), and its way into the kernel. */
#pragma once

#include <stdbool.h>

#define APPARMOR_DEFAULT "bocal-default"

/* Whether the kernel confines by AppArmor: whether this process has a label. Asked of /proc, as securityfs
 * need not be there: Podman hides /sys/kernel from the runtime of a container with ids of its own. */
bool apparmor_is_on(void);

/* Whether profiles can be listed and loaded, which takes securityfs. */
bool apparmor_can_load(void);

/* Whether the kernel has the profile NAME. Only root may ask; false for others. */
bool apparmor_has(const char *name);

/* Loads the default profile with PARSER (an absolute path of apparmor_parser(8)). It stays when the container
 * ends, as other containers may use it. -errno with a sentence. */
int apparmor_load(const char *parser);
