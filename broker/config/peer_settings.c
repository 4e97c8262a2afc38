/* Brokers of the list are told apart by id and by address; the peer port is no client's. */
#include "broker/config/peer_settings.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

/* ---- The cluster's nodes ---- */

static int compare_nodes(const void *a, const void *b) {
    const struct broker_node_address *left = a, *right = b;
    return left->node < right->node ? -1 : left->node > right->node;
}

static int parse_node(const char *piece, size_t len, struct broker_node_address *into,
                      struct error_text *why) {
    const char *at = memchr(piece, '@', len);
    size_t digits = at == NULL ? 0 : (size_t)(at - piece);
    int64_t node = 0;
    bool good = digits > 0 && digits <= 10;
    for (size_t i = 0; good && i < digits; i++) {
        good = isdigit((unsigned char)piece[i]);
        node = node * 10 + (piece[i] - '0');
    }
    good = good && node <= INT32_MAX &&
           host_port_parse(at + 1, len - digits - 1, into->host, &into->port) &&
           into->host[0] != '\0' && !host_is_any(into->host) && into->port != 0;
    if (!good)
        return error_set(why, ERR_INVALID,
                         "cluster.nodes has %.*s, which is not ID@HOST:PORT; write for example "
                         "1@10.0.0.1:9093,2@10.0.0.2:9093,3@10.0.0.3:9093",
                         (int)(len > 100 ? 100 : len), piece);
    into->node = (int32_t)node;
    return ERR_NONE;
}

static void write_nodes_text(struct broker_settings *into) {
    size_t used = 0;
    for (size_t i = 0; i < into->node_count; i++) {
        const struct broker_node_address *node = &into->nodes[i];
        char address[HOST_PORT_TEXT];
        int wrote = snprintf(into->nodes_text + used, sizeof into->nodes_text - used,
                             "%s%" PRId32 "@%s", i == 0 ? "" : ",", node->node,
                             host_port_text(node->host, node->port, address));
        CHECK(wrote > 0); /* the format is ours */
        used += (size_t)wrote;
        CHECK(used < sizeof into->nodes_text); /* BROKER_NODES_MAX hosts of HOST_MAX fit */
    }
}

/* The second of two brokers that are said to be at the same host and port; NULL: there are none. */
static const struct broker_node_address *same_address(const struct broker_settings *settings) {
    for (size_t i = 1; i < settings->node_count; i++) {
        const struct broker_node_address *one = &settings->nodes[i];
        for (size_t k = 0; k < i; k++)
            if (one->port == settings->nodes[k].port &&
                strcasecmp(one->host, settings->nodes[k].host) == 0)
                return one;
    }
    return NULL;
}

static int parse_nodes(struct broker_settings *into, struct error_text *why) {
    const char *text = settings_text(into->values, "cluster.nodes"), *at = text, *piece;
    size_t len;
    while (host_port_next(&at, &piece, &len)) {
        if (into->node_count == BROKER_NODES_MAX)
            return error_set(why, ERR_INVALID,
                             "cluster.nodes has more than %d brokers; remove some",
                             BROKER_NODES_MAX);
        int error = parse_node(piece, len, &into->nodes[into->node_count], why);
        if (error != ERR_NONE) return error;
        into->node_count++;
    }
    bool alone = into->node_count == 0;
    if (alone) {
        into->nodes[0] = (struct broker_node_address){.node = into->node_id};
        into->node_count = 1;
    }
    qsort(into->nodes, into->node_count, sizeof into->nodes[0], compare_nodes);
    bool own = false;
    for (size_t i = 0; i < into->node_count; i++) {
        own = own || into->nodes[i].node == into->node_id;
        if (i > 0 && into->nodes[i].node == into->nodes[i - 1].node)
            return error_set(why, ERR_INVALID,
                             "cluster.nodes has broker %" PRId32
                             " twice; give each broker its own id",
                             into->nodes[i].node);
    }
    const struct broker_node_address *second = same_address(into);
    if (second != NULL)
        return error_set(why, ERR_INVALID,
                         "cluster.nodes has two brokers at %.100s:%" PRId32 "; give broker %" PRId32
                         " the host and port of its own peer.listen",
                         second->host, second->port, second->node);
    if (!own)
        return error_set(
            why, ERR_INVALID,
            "this is broker %" PRId32
            " (node.id), but cluster.nodes (%.200s) does not have it; add it, with the "
            "same list on every broker",
            into->node_id, text);
    if (!alone) write_nodes_text(into);
    return ERR_NONE;
}

/* ---- The peer port ---- */

/* Whether who listens on the one would find the other there. */
static bool hosts_meet(const char *a, const char *b) {
    return host_is_any(a) || host_is_any(b) || strcasecmp(a, b) == 0;
}

static int check_peer_port(const struct broker_settings *settings, struct error_text *why) {
    for (size_t i = 0; i < settings->listener_count && settings->peer_port != 0; i++) {
        const struct broker_listener *listener = &settings->listeners[i];
        if (listener->port == settings->peer_port &&
            hosts_meet(listener->host, settings->peer_host))
            return error_set(
                why, ERR_INVALID,
                "port %" PRId32
                " is for the other brokers (peer.listen) and for clients (%s of listeners); clients and "
                "brokers speak differently: give each a port of its own",
                settings->peer_port, listener->name);
    }
    return ERR_NONE;
}

static int parse_peer_listen(struct broker_settings *into, struct error_text *why) {
    const char *text = settings_text(into->values, "peer.listen");
    if (text[0] != '\0') {
        if (!host_port_parse(text, strlen(text), into->peer_host, &into->peer_port))
            return error_set(
                why, ERR_INVALID,
                "peer.listen=%.100s is not HOST:PORT; write for example 127.0.0.1:9093", text);
        if (into->peer_host[0] == '\0')
            snprintf(into->peer_host, sizeof into->peer_host, "0.0.0.0");
        if (into->peer_port == 0 && into->node_count > 1)
            return error_set(
                why, ERR_INVALID,
                "peer.listen=%.100s lets the system pick the port, where the other brokers would not find "
                "this one; give it the port of its own entry in cluster.nodes",
                text);
        return check_peer_port(into, why);
    }
    if (into->node_count == 1) return ERR_NONE;
    for (size_t i = 0; i < into->node_count; i++) {
        const struct broker_node_address *own = &into->nodes[i];
        if (own->node != into->node_id) continue;
        if (!host_is_loopback(own->host))
            return error_set(
                why, ERR_INVALID,
                "the other brokers reach this one at %.100s:%" PRId32
                " (cluster.nodes), but peer.listen is not set, "
                "so it would listen on 127.0.0.1 only; set peer.listen=0.0.0.0:%" PRId32
                " and let only brokers reach that port",
                own->host, own->port, own->port);
        snprintf(into->peer_host, sizeof into->peer_host, "127.0.0.1");
        into->peer_port = own->port;
    }
    return check_peer_port(into, why);
}

static int read_peer_tls(struct broker_settings *into, struct error_text *why) {
    const struct settings *values = into->values;
    into->peer_secret_file = settings_text(values, "peer.secret.file");
    bool secret = into->peer_secret_file[0] != '\0';
    into->peer_tls = secret ? (enum peer_tls_mode)settings_choice(values, "peer.tls.mode")
                            : PEER_TLS_OFF;
    if (secret || settings_is_default(values, "peer.tls.mode") ||
        strcmp(settings_text(values, "peer.tls.mode"), "off") == 0)
        return ERR_NONE;
    return error_set(
        why, ERR_INVALID,
        "peer.tls.mode=%s is set, and peer.secret.file is not; make a secret (drave cluster secret > peers.secret), "
        "give the file to every broker, and name it there",
        settings_text(values, "peer.tls.mode"));
}

int peer_settings_read(struct broker_settings *into, struct error_text *why) {
    into->peer_verify_address = settings_bool(into->values, "peer.verify.address");
    int error = parse_nodes(into, why);
    if (error == ERR_NONE) error = parse_peer_listen(into, why);
    if (error == ERR_NONE) error = read_peer_tls(into, why);
    return error;
}

void peer_settings_warnings(const struct broker_settings *settings,
                            void (*warn)(void *arg, const char *sentence), void *arg) {
    struct error_text text;
    if (settings->peer_host[0] != '\0' && !host_is_loopback(settings->peer_host) &&
        settings->peer_tls != PEER_TLS_REQUIRE) {
        error_set(
            &text, ERR_INVALID,
            "whoever reaches %.100s:%" PRId32
            " may be a broker of this cluster, and what brokers say there can be read and changed on its way; give all "
            "brokers a secret (drave cluster secret, peer.secret.file) and bring them to peer.tls.mode=require "
            "(docs/security.md), or let nobody else reach that port",
            settings->peer_host, settings->peer_port);
        warn(arg, text.text);
    }
}
