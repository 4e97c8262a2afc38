/*
 * What the client side of a broker counts, for metrics. Written by connections and their requests,
 * on the loop; read there by whoever takes a snapshot.
 */
#ifndef BROKER_SERVER_SERVER_STATS_H
#define BROKER_SERVER_SERVER_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "base/measure/buckets.h"
#include "broker/clients/client_book.h"
#include "protocol/wire.h"

enum { SERVER_STATS_LISTENERS = 8, SERVER_STATS_VERSIONS = 24, SERVER_STATS_ERRORS = 160 };

/* Why a connection has ended. */
enum connection_end {
    ENDED_BY_CLIENT, /* or the network */
    ENDED_REFUSED,   /* what it sent is no request of ours, or its login failed */
    ENDED_IDLE,      /* connections.max.idle.ms */
    ENDED_MEMORY,    /* it was slow, and others needed the memory that it took */
    ENDED_PLACE,     /* others wanted to be let in, and it did nothing */
    ENDED_BY_BROKER, /* which stops, or is cut off from the others */
    CONNECTION_ENDS
};

struct listener_stats {
    const char *name; /* stays as long as the server */
    uint64_t accepted, closed[CONNECTION_ENDS], received_bytes, sent_bytes;
};

/* Of an API: those whose time is told on its own. */
enum api_class {
    API_PRODUCE,
    API_FETCH,
    API_LIST_OFFSETS,
    API_METADATA,
    API_OFFSET_COMMIT,
    API_OFFSET_FETCH,
    API_JOIN_GROUP,
    API_SYNC_GROUP,
    API_HEARTBEAT,
    API_OTHER,
    API_CLASSES
};
const char *api_class_name(enum api_class class);

/* Why a connection was closed that its client had not closed. */
enum connection_refusal {
    REFUSED_ADDRESS, /* one too many of its address */
    REFUSED_GARBAGE, /* bytes that are no request of ours */
    REFUSED_LIMIT,   /* it stood at the door, and others came */
    REFUSED_QUOTA,   /* its address comes too often (connection_creation_rate) */
    REFUSED_TLS,     /* no TLS, or a handshake that failed or took too long */
    REFUSALS
};

struct server_stats {
    struct listener_stats listeners[SERVER_STATS_LISTENERS];
    size_t listener_count;
    uint64_t (*requests)[SERVER_STATS_VERSIONS]; /* by row of kp_api_table, and version */
    size_t rows;
    uint32_t **errors; /* likewise, by Kafka's code (SERVER_STATS_ERRORS); NULL: none of that API */
    struct buckets seconds[API_CLASSES]; /* microseconds, bounds_latency */
    /* Of Produce, microseconds (bounds_sync): from the first byte of a request that was here until
     * it was whole; from the answer until those before it had left, and it went. */
    struct buckets produce_read_us, produce_answer_us;
    uint64_t in_flight;
    uint64_t refused[REFUSALS];
    struct client_book clients;
};

/* Zeroed before. */
void server_stats_open(struct server_stats *stats);
void server_stats_close(struct server_stats *stats);
/* Of the listener of that name, by its pointer; the first time makes it. */
struct listener_stats *server_stats_listener(struct server_stats *stats, const char *name);
void server_stats_request(struct server_stats *stats, int16_t api_key, int16_t version);
/* What an answer told: errors count as often as they stand in it. Place of a code: code + 1; codes
 * without a name count as the last. */
void server_stats_told(struct server_stats *stats, int16_t api_key,
                       const struct kp_told_errors *told);
void server_stats_answered(struct server_stats *stats, int16_t api_key, uint64_t took_us);

#endif
