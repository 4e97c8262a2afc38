/*
 * The facts of a history, for the files that make it up; history.h says what they mean.
 */
#ifndef SIM_HISTORY_INTERNAL_H
#define SIM_HISTORY_INTERNAL_H

#include "tests/sim/history.h"

enum {
    RECORDS_MAX = 1 << 16,
    STORED_MOST = 8192, /* bytes of a record in a segment: its entry, and zeros up to a block */
    KEYS = 7,
    HISTORY_REPLICAS_MAX = 32,
};

struct record_fact {
    bool sent;
    bool again;           /* it was sent more than once */
    unsigned generation;  /* how often its producer had begun anew */
    uint64_t sent_us;     /* for the first time */
    int64_t acknowledged; /* offset; -1: not */
    int64_t read;         /* the first offset at which it was read; -1: not */
};

struct producer_facts {
    bool known, idempotent;
    int32_t partition;
    unsigned generation;
    struct record_fact *records;
    uint64_t count;
};

struct offset_fact {
    bool known, on_replica;
    uint32_t on_replicas; /* a bit for each that was read */
    unsigned producer;
    uint64_t number;
};

/* When a replica was read. */
struct replica_fact {
    uint64_t begin_us, end_us;
};

struct partition_facts {
    struct offset_fact *offsets;
    int64_t end, capacity;
    int64_t floor;
    int64_t least_start, most_start; /* told to be deleted, and asked for */
    int64_t final_start;
    uint64_t acknowledged;
    uint64_t sends;  /* so many records at most are there */
    uint64_t marker; /* the number of the last one that was acknowledged */
    struct replica_fact replicas[HISTORY_REPLICAS_MAX];
    unsigned replica_count;
    unsigned losses; /* that were accepted */
};

struct history {
    struct run *run;
    uint64_t retention_ms, retention_bytes, delete_retention_ms, ahead_ms, behind_ms;
    int32_t partitions;
    bool compacted, markers_of_many;
    struct producer_facts producers[HISTORY_PRODUCERS_MAX];
    struct partition_facts parts[HISTORY_PARTITIONS_MAX];
};

/* Fails the run unless it was sent. */
struct record_fact *history_fact(struct history *history, unsigned producer, uint64_t number);
/* One offset, one value. */
void history_place(struct history *history, int32_t partition, int64_t offset, unsigned producer,
                   uint64_t number, const char *how);

#endif
