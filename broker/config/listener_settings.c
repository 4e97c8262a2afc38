/* Parsing the three settings one after the other, then whether they fit together. */
#include "broker/config/listener_settings.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { SHOWN_MAX = 100 };

static const char PLAINTEXT[] = "PLAINTEXT";

/* NAME://HOST:PORT */
static int parse_listener(const char *setting, const char *piece, size_t len,
                          struct broker_listener *into, struct error_text *why) {
    const char *colons = memmem(piece, len, "://", 3);
    size_t name_len = colons == NULL ? 0 : (size_t)(colons - piece);
    bool good = name_len > 0 && name_len <= BROKER_LISTENER_NAME_MAX &&
                host_port_parse(colons + 3, len - name_len - 3, into->host, &into->port);
    for (size_t i = 0; good && i < name_len; i++) {
        into->name[i] = (char)toupper((unsigned char)piece[i]);
        good = isalnum((unsigned char)piece[i]) || strchr("_-.", piece[i]) != NULL;
    }
    if (!good)
        return error_set(
            why, ERR_INVALID,
            "%s has %.*s, which is not NAME://HOST:PORT; write for example PLAINTEXT://127.0.0.1:9092",
            setting, (int)(len > SHOWN_MAX ? SHOWN_MAX : len), piece);
    into->name[name_len] = '\0';
    return ERR_NONE;
}

static struct broker_listener *listener_named(struct broker_settings *settings, const char *name) {
    for (size_t i = 0; i < settings->listener_count; i++)
        if (strcmp(settings->listeners[i].name, name) == 0) return &settings->listeners[i];
    return NULL;
}

/* ---- listeners ---- */

/* Two may share a port as one IPv4 and one IPv6 address, as in Kafka; `::` takes IPv4, too. */
static bool may_share_port(const struct broker_listener *a, const struct broker_listener *b) {
    enum host_kind kind = host_kind(a->host), other = host_kind(b->host);
    bool both = (kind == HOST_IPV4 && other == HOST_IPV6) ||
                (kind == HOST_IPV6 && other == HOST_IPV4);
    return both && !host_is_any((kind == HOST_IPV6 ? a : b)->host);
}

static int check_ports(struct broker_settings *into, struct error_text *why) {
    for (size_t i = 0; i < into->listener_count; i++) {
        for (size_t k = 0; k < into->listener_count; k++) {
            struct broker_listener *one = &into->listeners[i];
            const struct broker_listener *other = &into->listeners[k];
            if (i == k || one->port == 0 || one->port != other->port) continue;
            if (!may_share_port(one, other))
                return error_set(why, ERR_INVALID,
                                 "listeners has port %" PRId32
                                 " for %s and for %s; give each listener a port of its own",
                                 one->port, one->name, other->name);
            one->bind_ipv6_loopback_too = false; /* ::1 is for the other to say */
        }
    }
    return ERR_NONE;
}

static int parse_listeners(struct broker_settings *into, struct error_text *why) {
    const char *at = settings_text(into->values, "listeners"), *piece;
    size_t len;
    while (host_port_next(&at, &piece, &len)) {
        if (into->listener_count == BROKER_LISTENERS_MAX)
            return error_set(why, ERR_INVALID, "listeners has more than %d entries; remove some",
                             BROKER_LISTENERS_MAX);
        struct broker_listener listener = {0};
        int error = parse_listener("listeners", piece, len, &listener, why);
        if (error != ERR_NONE) return error;
        if (listener_named(into, listener.name) != NULL)
            return error_set(why, ERR_INVALID,
                             "listeners names %s twice; give each listener a name of its own",
                             listener.name);
        if (!host_is_one(listener.host))
            return error_set(
                why, ERR_INVALID,
                "listeners has %s for %s, which is an address of many machines; name one of this machine",
                listener.host, listener.name);
        if (listener.host[0] == '\0') snprintf(listener.host, sizeof listener.host, "0.0.0.0");
        listener.bind_ipv6_loopback_too = strcasecmp(listener.host, "localhost") == 0 ||
                                          strcmp(listener.host, "127.0.0.1") == 0;
        if (strcasecmp(listener.host, "localhost") == 0)
            snprintf(listener.host, sizeof listener.host, "127.0.0.1");
        memcpy(listener.advertised_host, listener.host, sizeof listener.host);
        listener.advertised_port = listener.port;
        into->listeners[into->listener_count++] = listener;
    }
    if (into->listener_count == 0)
        return error_set(why, ERR_INVALID,
                         "listeners is empty; write for example PLAINTEXT://127.0.0.1:9092");
    return check_ports(into, why);
}

/* ---- advertised.listeners ---- */

/* What clients would be told is an address to which one connects. */
static int check_told(const struct broker_listener *listener, struct error_text *why) {
    const char *host = listener->advertised_host;
    if (host_is_any(host) || host[0] == '\0' || !host_is_one(host))
        return error_set(
            why, ERR_INVALID,
            "clients cannot connect to %s, which is what advertised.listeners would tell them for %s; "
            "set advertised.listeners=%s://HOST:%" PRId32 " with a host that clients reach",
            host[0] == '\0' ? "an empty host" : host, listener->name, listener->name,
            listener->advertised_port);
    if (listener->advertised_port == 0 && listener->port != 0)
        return error_set(
            why, ERR_INVALID,
            "clients cannot connect to port 0, which is what advertised.listeners would tell them for %s; "
            "set advertised.listeners=%s://%s:%" PRId32
            ", or the port under which clients reach it",
            listener->name, listener->name, host, listener->port);
    return ERR_NONE;
}

static int parse_advertised(struct broker_settings *into, struct error_text *why) {
    const char *at = settings_text(into->values, "advertised.listeners"), *piece;
    bool told[BROKER_LISTENERS_MAX] = {false};
    size_t len;
    while (host_port_next(&at, &piece, &len)) {
        struct broker_listener parsed = {0};
        int error = parse_listener("advertised.listeners", piece, len, &parsed, why);
        if (error != ERR_NONE) return error;
        struct broker_listener *listener = listener_named(into, parsed.name);
        if (listener == NULL)
            return error_set(
                why, ERR_INVALID,
                "advertised.listeners names %s, which is not in listeners (%.100s); use the same names",
                parsed.name, settings_text(into->values, "listeners"));
        if (told[listener - into->listeners])
            return error_set(
                why, ERR_INVALID,
                "advertised.listeners names %s twice, and clients are told one address; remove one",
                parsed.name);
        told[listener - into->listeners] = true;
        memcpy(listener->advertised_host, parsed.host, sizeof parsed.host);
        listener->advertised_port = parsed.port;
    }
    int error = ERR_NONE;
    for (size_t i = 0; i < into->listener_count && error == ERR_NONE; i++)
        error = check_told(&into->listeners[i], why);
    return error;
}

/* ---- listener.security.protocol.map ---- */

static bool is_protocol(const char *name) {
    return strcmp(name, PLAINTEXT) == 0 || strcmp(name, "SSL") == 0 ||
           strcmp(name, "SASL_PLAINTEXT") == 0 || strcmp(name, "SASL_SSL") == 0;
}

/* "NAME:PROTOCOL" in upper case. False: it is not that. */
static bool parse_mapped(const char *piece, size_t len, char *name, char *protocol) {
    const char *colon = memchr(piece, ':', len);
    size_t name_len = colon == NULL ? 0 : (size_t)(colon - piece);
    if (name_len == 0 || name_len > BROKER_LISTENER_NAME_MAX ||
        len - name_len - 1 > BROKER_LISTENER_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        *(i < name_len ? &name[i]
                       : &protocol[i - name_len]) = (char)toupper((unsigned char)piece[i]);
    name[name_len] = '\0';
    memmove(protocol, protocol + 1, len - name_len - 1); /* the colon */
    protocol[len - name_len - 1] = '\0';
    return is_protocol(protocol);
}

/* An entry that no listener uses asks for nothing if it is one of Kafka's default (SSL:SSL). */
static int check_mapped(struct broker_settings *into, bool mapped[BROKER_LISTENERS_MAX],
                        const char *piece, size_t len, struct error_text *why) {
    char name[BROKER_LISTENER_NAME_MAX + 1], protocol[BROKER_LISTENER_NAME_MAX + 2];
    if (!parse_mapped(piece, len, name, protocol))
        return error_set(
            why, ERR_INVALID,
            "listener.security.protocol.map has %.*s, which is not NAME:PROTOCOL; write for example "
            "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT",
            (int)(len > SHOWN_MAX ? SHOWN_MAX : len), piece);
    struct broker_listener *listener = listener_named(into, name);
    if (strcmp(protocol, PLAINTEXT) != 0 && (listener != NULL || strcmp(name, protocol) != 0))
        return error_set(
            why, ERR_INVALID,
            "listener.security.protocol.map asks for %s on %s, but TLS and SASL are not built yet; only "
            "%s:PLAINTEXT is possible",
            protocol, name, name);
    if (listener == NULL) return ERR_NONE;
    if (mapped[listener - into->listeners])
        return error_set(why, ERR_INVALID,
                         "listener.security.protocol.map has %s twice; remove one", name);
    mapped[listener - into->listeners] = true;
    return ERR_NONE;
}

/* Nobody who reads the name of a listener shall believe more of it than is so: whatever is not
 * called PLAINTEXT must be mapped, and where there is a map, PLAINTEXT, too. */
static int check_protocols(struct broker_settings *into, struct error_text *why) {
    const char *map = settings_text(into->values, "listener.security.protocol.map"), *at = map,
               *piece;
    bool mapped[BROKER_LISTENERS_MAX] = {false};
    size_t len;
    while (host_port_next(&at, &piece, &len)) {
        int error = check_mapped(into, mapped, piece, len, why);
        if (error != ERR_NONE) return error;
    }
    for (size_t i = 0; i < into->listener_count; i++) {
        const char *name = into->listeners[i].name;
        bool plain = strcmp(name, PLAINTEXT) == 0;
        if (mapped[i] || (plain && map[0] == '\0')) continue;
        if (is_protocol(name) && !plain)
            return error_set(
                why, ERR_INVALID,
                "listeners has %s, but TLS and SASL are not built yet and it would serve plain text to "
                "everybody; call it PLAINTEXT and let only those reach it who may read and write",
                name);
        return error_set(
            why, ERR_INVALID,
            "listeners has %s, and listener.security.protocol.map does not say what that speaks; add "
            "%s:PLAINTEXT to it if plain text is meant (TLS and SASL are not built yet)",
            name, name);
    }
    return ERR_NONE;
}

int listener_settings_read(struct broker_settings *into, struct error_text *why) {
    int error = parse_listeners(into, why);
    if (error == ERR_NONE) error = check_protocols(into, why);
    if (error == ERR_NONE) error = parse_advertised(into, why);
    return error;
}
