/* /etc/hosts, /etc/hostname, /etc/resolv.conf: what they say. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "engine/request.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_address(const char *text)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static int add_hosts(struct request *r)
{
    bool own = r->config->namespaces[NS_NETWORK].listed;
    const char *text = own || !r->context->hosts ? "127.0.0.1\tlocalhost\n"
                                                   "::1\tlocalhost ip6-localhost ip6-loopback\n"
                                                 : r->context->hosts;
    if (own)
        text = arena_printf(r->arena, "%s127.0.1.1\t%s\n", text, r->config->hostname);
    for (size_t i = 0; i < r->options->add_hosts.count; i++) {
        const char *word = r->options->add_hosts.words[i], *colon = strchr(word, ':');
        if (!colon || colon == word || !is_address(colon + 1) || strcspn(word, " \t\n") < strlen(word))
            return request_refuse("add-host", word, "not NAME:ADDRESS");
        text = arena_printf(r->arena, "%s%s\t%.*s\n", text, colon + 1, (int)(colon - word), word);
    }
    r->config->files.hosts = text;
    return 0;
}

static char *join_line(struct request *r, const char *text, const char *keyword,
                       const struct word_list *list)
{
    char *line = arena_printf(r->arena, "%s%s", text, list->count ? keyword : "");
    for (size_t i = 0; i < list->count; i++)
        line = arena_printf(r->arena, "%s %s", line, list->words[i]);
    return arena_printf(r->arena, "%s%s", line, list->count ? "\n" : "");
}

/* Without a network there is nobody to ask: the host's name servers would only make programs wait. */
static int add_resolv_conf(struct request *r)
{
    const struct run_options *o = r->options;
    bool host = !r->config->namespaces[NS_NETWORK].listed;
    const char *text = host && r->context->resolv_conf && !o->dns.count ? r->context->resolv_conf : "";
    for (size_t i = 0; i < o->dns.count; i++) {
        if (!is_address(o->dns.words[i]))
            return request_refuse("dns", o->dns.words[i], "not an IP address");
        text = arena_printf(r->arena, "%snameserver %s\n", text, o->dns.words[i]);
    }
    const struct word_list *words[] = {&o->dns_search, &o->dns_options};
    for (size_t k = 0; k < COUNT(words); k++)
        for (size_t i = 0; i < words[k]->count; i++)
            if (!*words[k]->words[i] || strpbrk(words[k]->words[i], " \t\n"))
                return request_refuse(k ? "dns-option" : "dns-search", words[k]->words[i],
                                      "one word without blanks");
    text = join_line(r, text, "search", &o->dns_search);
    r->config->files.resolv_conf = join_line(r, text, "options", &o->dns_options);
    return 0;
}

int request_generated(struct request *r)
{
    r->config->files.hostname = arena_printf(r->arena, "%s\n", r->config->hostname);
    TRY(add_hosts(r));
    return add_resolv_conf(r);
}
