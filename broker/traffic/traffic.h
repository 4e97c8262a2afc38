/*
 * What a replica remembers of what comes to its partition and goes out: when records arrived, how
 * fast they come, who produced them, and from where clients fetch. For lag in seconds, for the
 * causes of a backlog, and for who looks for a client; nothing of it is kept on disk.
 *
 * Happy path: commits, acknowledged batches and answered fetches are noted; whoever wants to know
 * asks. Every replica notes when a record became visible to it, so that a new leader knows what the
 * old one knew. Failures: what was there before the replica was opened, or came late to a follower
 * that had been away, arrived at an unknown time: earlier than ... is all that is said of it.
 * Invariants: at most TRAFFIC_ARRIVALS_MAX points, TRAFFIC_READERS_MAX readers and as many writers
 * are kept, those that came last; noting costs well below a microsecond. Times are of env_now_ms.
 */
#ifndef BROKER_TRAFFIC_TRAFFIC_H
#define BROKER_TRAFFIC_TRAFFIC_H

#include "broker/traffic/progress.h"
#include "protocol/wire.h"

enum { TRAFFIC_ARRIVALS_MAX = 64, TRAFFIC_READERS_MAX = 8, TRAFFIC_TEXT = 64 };

/* Who fetches: a connection of a client. For reading. */
struct traffic_reader {
    uint64_t key;
    char client_id[TRAFFIC_TEXT], peer[TRAFFIC_TEXT]; /* cut */
    int32_t session_id;
    int64_t offset;   /* that it fetched from last */
    int64_t furthest; /* that it ever fetched from */
    int64_t seen_ms;  /* its last fetch that was answered with this partition */
    int64_t moved_ms; /* when `furthest` became so */
    uint32_t again; /* since then: how often it was given what it had been given before, or less */
    bool brought;   /* its last fetch brought records */
};

/* Who produces: a connection of a client. For reading. */
struct traffic_writer {
    uint64_t key;
    char client_id[TRAFFIC_TEXT], peer[TRAFFIC_TEXT]; /* cut */
    int64_t since_ms, seen_ms; /* its first and its last batch that was acknowledged */
    uint64_t batches, records, bytes;
};

/* Zeroed at first. */
struct traffic {
    struct progress arrivals; /* the high watermark */
    int64_t known_from;       /* what lies below was there when the replica was opened */
    struct traffic_reader *readers;
    struct traffic_writer *writers;
    uint8_t reader_count, writer_count;
};

void traffic_close(struct traffic *traffic);

/* ---- What comes ---- */

/* The log ends there; what is below came some time ago. */
void traffic_opened(struct traffic *traffic, int64_t end_offset);
/* This replica leads, and all below the high watermark is here. */
void traffic_leading(struct traffic *traffic, int64_t now_ms, int64_t high_watermark);
/* Records became visible. `late`: they are older than that, nobody knows by how much. */
void traffic_committed(struct traffic *traffic, int64_t now_ms, int64_t base_offset,
                       int64_t end_offset, bool late);

struct traffic_arrival {
    int64_t age_ms; /* since the record at the offset became visible; -1: there is none yet */
    bool at_least;  /* it is older than that: nothing is known of so long ago */
    int64_t per_second[2]; /* thousandths of records that came per second over two windows;
                              PROGRESS_UNKNOWN: it is not known for so long */
};
struct traffic_arrival traffic_arrival(const struct traffic *traffic, int64_t now_ms,
                                       int64_t offset, int64_t high_watermark,
                                       const int64_t window_ms[2]);

/* ---- Who fetches ---- */

struct traffic_reader_id {
    uint64_t key; /* traffic_reader_key */
    struct kp_string client_id;
    const char *peer;   /* address and port */
    int32_t session_id; /* its fetch session; 0: none */
};
uint64_t traffic_reader_key(struct kp_string client_id, const char *peer);
/* A fetch from `offset` is answered; `brought`: with records. */
void traffic_fetched(struct traffic *traffic, int64_t now_ms, const struct traffic_reader_id *id,
                     int64_t offset, bool brought);

/* ---- Who produces ---- */

/* A batch of that client is acknowledged. */
void traffic_produced(struct traffic *traffic, int64_t now_ms, const struct traffic_reader_id *id,
                      uint64_t records, uint64_t bytes);

#endif
