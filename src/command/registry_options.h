/* The options of verbs that talk to registries: rows for the option table of TYPE, whose member `access` they fill. */
#pragma once

#include "base/option.h"
#include "engine/registries.h"
#include "image/registry.h"

#define REGISTRY_FIELD(type, field) (offsetof(type, access) + offsetof(struct registry_access, field))

#define REGISTRY_AUTHFILE(type, text)                                                                                       \
    {.group = "Registry", .name = "authfile", .kind = OPTION_TEXT, .metavar = "FILE", .value = VALUE_FILE,                  \
     .offset = REGISTRY_FIELD(type, authfile), .help = text}

#define REGISTRY_NETWORK(type)                                                                                              \
    {.name = "cert-dir", .kind = OPTION_TEXT, .metavar = "DIR", .value = VALUE_DIR, .offset = REGISTRY_FIELD(type, cert_dir), \
     .help = "trust certificates in this directory as well, and show those of one's own"},                                  \
    {.name = "tls-verify", .kind = OPTION_FLAG, .inverted = true, .offset = REGISTRY_FIELD(type, no_verify),                \
     .help = "believe only certificates that somebody trusted has signed (on by default)"},                                 \
    {.name = "plain-http", .kind = OPTION_FLAG, .offset = REGISTRY_FIELD(type, plain_http),                                 \
     .help = "talk without TLS: everybody on the way can read and change what is said"}

#define REGISTRY_OPTIONS(type)                                                                                              \
    REGISTRY_AUTHFILE(type, "take credentials from this file; else from those of Podman and Docker"), REGISTRY_NETWORK(type)

/* What the options SAID, and the configuration says of HOST. */
static inline struct registry_access registry_access(const struct registry_access *said, const struct registries *registries,
                                                     const char *host)
{
    struct registry_access access = *said;
    access.plain_http = said->plain_http || registries_insecure(registries, host);
    return access;
}
