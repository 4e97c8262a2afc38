/* Parsing addresses: brackets, names by RFC 1123, ports; and what kind of host one is. */
#include "base/io/host_port.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* An address in any way in which the system's resolver takes it ("0", "127.1"). */
static enum host_kind address_of(const char *host, struct in_addr *v4, struct in6_addr *v6) {
    if (inet_aton(host, v4) != 0) return HOST_IPV4;
    if (inet_pton(AF_INET6, host, v6) != 1) return HOST_NAME;
    if (!IN6_IS_ADDR_V4MAPPED(v6)) return HOST_IPV6;
    memcpy(v4, v6->s6_addr + 12, sizeof *v4);
    return HOST_IPV4;
}

static bool good_host(const char *host, bool in_brackets) {
    struct in_addr v4;
    struct in6_addr v6;
    size_t numbers = 0, len = strlen(host);
    if (in_brackets) {
        char bare[HOST_MAX + 1]; /* without its zone ("%eth0") */
        snprintf(bare, sizeof bare, "%.*s", (int)(strchrnul(host, '%') - host), host);
        return inet_pton(AF_INET6, bare, &v6) == 1;
    }
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)host[i]) && strchr("-._", host[i]) == NULL) return false;
        numbers += isdigit((unsigned char)host[i]) || host[i] == '.';
    }
    return len == 0 || numbers < len || address_of(host, &v4, &v6) == HOST_IPV4;
}

bool host_port_parse(const char *text, size_t len, char *host, int32_t *port) {
    const char *colon = memrchr(text, ':', len);
    if (colon == NULL) return false;
    size_t host_len = (size_t)(colon - text), digits = len - host_len - 1;
    if (digits == 0 || digits > 5) return false;
    int32_t number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)colon[1 + i])) return false;
        number = number * 10 + (colon[1 + i] - '0');
    }
    if (number > 65535) return false;
    bool in_brackets = host_len >= 2 && text[0] == '[' && text[host_len - 1] == ']';
    if (in_brackets) {
        text++;
        host_len -= 2;
    }
    if (host_len > HOST_MAX || memchr(text, '\0', host_len) != NULL) return false;
    memcpy(host, text, host_len);
    host[host_len] = '\0';
    *port = number;
    return good_host(host, in_brackets);
}

const char *host_port_text(const char *host, int32_t port, char into[HOST_PORT_TEXT]) {
    bool v6 = strchr(host, ':') != NULL;
    snprintf(into, HOST_PORT_TEXT, "%s%.255s%s:%" PRId32, v6 ? "[" : "", host, v6 ? "]" : "", port);
    return into;
}

bool host_port_next(const char **at, const char **piece, size_t *len) {
    while (**at == ',' || isspace((unsigned char)**at))
        (*at)++;
    if (**at == '\0') return false;
    const char *end = strchrnul(*at, ',');
    *piece = *at;
    *len = (size_t)(end - *at);
    *at = end;
    while (*len > 0 && isspace((unsigned char)(*piece)[*len - 1]))
        (*len)--;
    return true;
}

enum host_kind host_kind(const char *host) {
    struct in_addr v4;
    struct in6_addr v6;
    return address_of(host, &v4, &v6);
}

bool host_is_any(const char *host) {
    struct in_addr v4;
    struct in6_addr v6;
    switch (address_of(host, &v4, &v6)) {
    case HOST_IPV4: return v4.s_addr == htonl(INADDR_ANY);
    case HOST_IPV6: return IN6_IS_ADDR_UNSPECIFIED(&v6);
    case HOST_NAME: break;
    }
    return false;
}

bool host_is_loopback(const char *host) {
    struct in_addr v4;
    struct in6_addr v6;
    switch (address_of(host, &v4, &v6)) {
    case HOST_IPV4: return ntohl(v4.s_addr) >> 24 == IN_LOOPBACKNET;
    case HOST_IPV6: return IN6_IS_ADDR_LOOPBACK(&v6);
    case HOST_NAME: break;
    }
    return strcasecmp(host, "localhost") == 0;
}

bool host_is_one(const char *host) {
    struct in_addr v4;
    struct in6_addr v6;
    switch (address_of(host, &v4, &v6)) {
    case HOST_IPV4: return !IN_MULTICAST(ntohl(v4.s_addr)) && v4.s_addr != htonl(INADDR_BROADCAST);
    case HOST_IPV6: return !IN6_IS_ADDR_MULTICAST(&v6);
    case HOST_NAME: break;
    }
    return true;
}
