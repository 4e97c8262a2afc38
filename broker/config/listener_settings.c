/* Parsing the three settings one after the other, then whether they fit together. */
#include "broker/config/listener_settings.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

enum { SHOWN_MAX = 100 };

/* The four protocols, and what they are. */
static const struct protocol {
    const char *name;
    bool tls, logs_in;
} protocols[] = {{"PLAINTEXT", false, false},
                 {"SSL", true, false},
                 {"SASL_PLAINTEXT", false, true},
                 {"SASL_SSL", true, true}};

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

static const struct protocol *protocol_named(const char *name) {
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        if (strcmp(protocols[i].name, name) == 0) return &protocols[i];
    return NULL;
}

static void speak(struct broker_listener *listener, const struct protocol *protocol) {
    listener->tls = protocol->tls;
    listener->logs_in = protocol->logs_in;
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
    return protocol_named(protocol) != NULL;
}

/* An entry that no listener uses asks for nothing. */
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
    if (listener == NULL) return ERR_NONE;
    speak(listener, protocol_named(protocol));
    if (mapped[listener - into->listeners])
        return error_set(why, ERR_INVALID,
                         "listener.security.protocol.map has %s twice; remove one", name);
    mapped[listener - into->listeners] = true;
    return ERR_NONE;
}

/* Nobody who reads the name of a listener shall believe more of it than is so: whatever is not
 * called as what it speaks must be mapped, and where there is a map, that, too. */
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
        const struct protocol *protocol = protocol_named(name);
        if (mapped[i]) continue;
        if (protocol != NULL) speak(&into->listeners[i], protocol);
        if (protocol != NULL && map[0] == '\0') continue;
        return error_set(
            why, ERR_INVALID,
            "listeners has %s, and listener.security.protocol.map does not say what that speaks; add "
            "%s:PLAINTEXT to it if plain text is meant, %s:SSL for TLS, %s:SASL_SSL for TLS and logins",
            name, name, name, name);
    }
    return ERR_NONE;
}

/* ---- ssl.* ---- */

/* "": the file says it itself. */
static const char *store_type(const struct settings *values, const char *name) {
    return settings_is_default(values, name) ? "" : settings_text(values, name);
}

static struct tls_options options_of(const struct settings *values) {
    static const enum tls_client_auth auth[] = {TLS_CLIENT_ANYBODY, TLS_CLIENT_ASKED,
                                                TLS_CLIENT_CERTIFIED};
    return (struct tls_options){
        .own = {.path = settings_text(values, "ssl.keystore.location"),
                .type = store_type(values, "ssl.keystore.type"),
                .password = settings_text(values, "ssl.keystore.password")},
        .key_password = settings_text(values, "ssl.key.password"),
        .trusted = {.path = settings_text(values, "ssl.truststore.location"),
                    .type = store_type(values, "ssl.truststore.type"),
                    .password = settings_text(values, "ssl.truststore.password")},
        .protocols = settings_text(values, "ssl.enabled.protocols"),
        .cipher_suites = settings_text(values, "ssl.cipher.suites"),
        .client_auth = auth[settings_choice(values, "ssl.client.auth")],
        .own_name = "ssl.keystore",
        .trusted_name = "ssl.truststore",
    };
}

bool listener_settings_tls(const struct broker_settings *settings) {
    bool wanted = false;
    for (size_t i = 0; i < settings->listener_count; i++)
        wanted = wanted || settings->listeners[i].tls;
    return wanted;
}

static int read_tls(struct broker_settings *into, struct error_text *why) {
    static const char *const of_files[] = {"ssl.keystore.location", "ssl.truststore.location"};
    into->tls = options_of(into->values);
    into->tls_handshakes_max = (uint32_t)settings_int(into->values, "tls.handshakes.max");
    into->tls_setup_ms = (uint32_t)settings_int(into->values, "connection.setup.timeout.ms");
    into->tls_reload_ms = (uint32_t)settings_int(into->values, "ssl.reload.interval.ms");
    for (size_t i = 0; !listener_settings_tls(into) && i < sizeof of_files / sizeof of_files[0];
         i++)
        if (settings_text(into->values, of_files[i])[0] != '\0')
            return error_set(
                why, ERR_INVALID,
                "%s is set, but no listener speaks TLS; add one, for example "
                "listeners=SSL://0.0.0.0:9094 (or its entry NAME:SSL in listener.security.protocol.map), or "
                "leave it out",
                of_files[i]);
    if (!listener_settings_tls(into)) return ERR_NONE;
    if (into->tls.own.path[0] == '\0')
        return error_set(
            why, ERR_INVALID,
            "a listener speaks TLS (SSL, SASL_SSL), and ssl.keystore.location is empty; name a file with the private "
            "key and the certificate of this broker (PEM or PKCS12)");
    if (into->tls.client_auth != TLS_CLIENT_ANYBODY && into->tls.trusted.path[0] == '\0')
        return error_set(
            why, ERR_INVALID,
            "ssl.client.auth=%s, and ssl.truststore.location is empty, so no certificate of a client would "
            "be good; name a file with the CAs of clients",
            settings_text(into->values, "ssl.client.auth"));
    return ERR_NONE;
}

/* ---- sasl.* ---- */

static const char MECHANISMS[] = "sasl.enabled.mechanisms";
/* As in broker/login/login.h. */
static const char *const names[] = {"", "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN", "OAUTHBEARER"};
enum { NAMES = sizeof names / sizeof names[0], OAUTHBEARER = NAMES - 1, PLAIN = OAUTHBEARER - 1 };

static uint32_t bit_of(const char *piece, size_t len) {
    for (uint32_t i = 1; i < NAMES; i++)
        if (strlen(names[i]) == len && memcmp(names[i], piece, len) == 0) return 1u << i;
    CHECK(!"a name of the list"); /* settings_set has refused others */
    return 0;
}

static bool any_logs_in(const struct broker_settings *settings) {
    bool any = false;
    for (size_t i = 0; i < settings->listener_count; i++)
        any = any || settings->listeners[i].logs_in;
    return any;
}

static int read_logins(struct broker_settings *into, struct error_text *why) {
    const struct settings *values = into->values;
    const char *at = settings_text(values, MECHANISMS), *piece;
    size_t len;
    while (host_port_next(&at, &piece, &len))
        into->login_mechanisms |= bit_of(piece, len);
    into->login_frame_max = (uint32_t)settings_int(values, "sasl.server.max.receive.size");
    into->login_delay_ms = (uint32_t)settings_int(values,
                                                  "connection.failed.authentication.delay.ms");
    into->login_lifetime_ms = (uint32_t)settings_int(values, "connections.max.reauth.ms");
    into->users_file = settings_text(values, "bootstrap.users.file");
    if (any_logs_in(into) && into->login_mechanisms == 0)
        return error_set(
            why, ERR_INVALID,
            "a listener wants logins, and %s is empty; write SCRAM-SHA-256,SCRAM-SHA-512, or "
            "leave it out",
            MECHANISMS);
    if (!any_logs_in(into) && !settings_is_default(values, MECHANISMS))
        return error_set(
            why, ERR_INVALID,
            "%s is set, but no listener wants logins; add one, for example listeners=SASL_SSL://0.0.0.0:9094 "
            "(or its entry NAME:SASL_SSL in listener.security.protocol.map), or leave it out",
            MECHANISMS);
    return token_settings_read(values, (into->login_mechanisms & 1u << OAUTHBEARER) != 0,
                               &into->tokens, why);
}

/* ---- Who may do what ---- */

static const char AUTHORIZER[] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
static const char CLASS[] = "authorizer.class.name", MODE[] = "authorizer.mode",
                  SUPER[] = "super.users";

bool super_users_next(const char **at, const char **user, size_t *len) {
    while (**at == ';' || **at == ' ')
        *at += 1;
    *user = *at;
    *len = strcspn(*at, ";");
    *at += *len;
    while (*len > 0 && (*user)[*len - 1] == ' ')
        *len -= 1;
    return *len > 0;
}

static int check_super_users(const char *list, struct error_text *why) {
    const char *at = list, *user;
    size_t len, count = 0;
    while (super_users_next(&at, &user, &len)) {
        const char *colon = memchr(user, ':', len);
        if (colon == NULL || colon == user || colon + 1 == user + len)
            return error_set(
                why, ERR_INVALID,
                "super.users=%.100s names '%.*s', which is no principal; each is TYPE:NAME, for "
                "example User:admin, with semicolons between them",
                list, len > 60 ? 60 : (int)len, user);
        if (++count > SUPER_USERS_MAX)
            return error_set(why, ERR_INVALID,
                             "super.users names more than %d; give the others rules instead "
                             "(drave acl add)",
                             SUPER_USERS_MAX);
    }
    return ERR_NONE;
}

static int read_access(struct broker_settings *into, struct error_text *why) {
    const struct settings *values = into->values;
    const char *class = settings_text(values, CLASS);
    bool observes = settings_choice(values, MODE) == 1;
    into->super_users = settings_text(values, SUPER);
    into->allow_everyone = settings_bool(values, "allow.everyone.if.no.acl.found");
    into->authorizer = AUTHORIZER_OFF;
    if (class[0] != '\0' && strcmp(class, AUTHORIZER) != 0)
        return error_set(why, ERR_INVALID,
                         "authorizer.class.name=%.100s is not served; write %s, whose rules are "
                         "Kafka's, or leave it out",
                         class, AUTHORIZER);
    if (class[0] == '\0' && observes)
        return error_set(why, ERR_INVALID,
                         "authorizer.mode=observe, and there is no authorizer that could; write "
                         "authorizer.class.name=%s, or leave it out",
                         AUTHORIZER);
    if (class[0] != '\0') into->authorizer = observes ? AUTHORIZER_OBSERVES : AUTHORIZER_ENFORCES;
    return check_super_users(into->super_users, why);
}

int listener_settings_read(struct broker_settings *into, struct error_text *why) {
    int error = parse_listeners(into, why);
    if (error == ERR_NONE) error = check_protocols(into, why);
    if (error == ERR_NONE) error = parse_advertised(into, why);
    if (error == ERR_NONE) error = read_tls(into, why);
    if (error == ERR_NONE) error = read_logins(into, why);
    if (error == ERR_NONE) error = read_access(into, why);
    return error;
}

static void warn_of_access(const struct broker_settings *settings,
                           void (*warn)(void *arg, const char *sentence), void *arg) {
    const char *at = settings->super_users, *user;
    size_t len;
    if (settings->authorizer == AUTHORIZER_OFF) return;
    if (settings->authorizer == AUTHORIZER_OBSERVES)
        warn(
            arg,
            "authorizer.mode=observe: everybody may everything, and what the rules would refuse "
            "is only told on the log; write authorizer.mode=enforce when nothing is told any more");
    else if (!super_users_next(&at, &user, &len))
        warn(arg, "there is an authorizer and no super user: unless rules let somebody alter the "
                  "cluster, nobody can set rules; write super.users=User:NAME");
}

void listener_settings_warnings(const struct broker_settings *settings,
                                void (*warn)(void *arg, const char *sentence), void *arg) {
    struct error_text text;
    bool plain = (settings->login_mechanisms & 1u << PLAIN) != 0,
         tokens = (settings->login_mechanisms & 1u << OAUTHBEARER) != 0;
    warn_of_access(settings, warn, arg);
    if (!plain && !tokens) return;
    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct broker_listener *listener = &settings->listeners[i];
        if (!listener->logs_in || listener->tls || host_is_loopback(listener->host)) continue;
        error_set(
            &text, ERR_INVALID,
            "%s travel in plain text to listener %s at %s, where whoever listens on the way reads "
            "them; let it speak SASL_SSL, or leave %s out of %s",
            plain ? "passwords" : "tokens", listener->name, listener->host,
            plain ? "PLAIN" : "OAUTHBEARER", MECHANISMS);
        warn(arg, text.text);
    }
}
