/* AppArmor: the default profile of bocal's containers (data/apparmor), and its way into the kernel. */
#pragma once

#include <stdbool.h>

#define APPARMOR_DEFAULT "bocal-default"

/* Whether the kernel has the profile NAME. Only root may ask; false for others. */
bool apparmor_has(const char *name);

/* Loads the default profile with PARSER (an absolute path of apparmor_parser(8)). It stays when the container
 * ends, as other containers may use it. -errno with a sentence. */
int apparmor_load(const char *parser);
