/*
 * What `consume` reads: partitions of one or more topics, from where, and up to where.
 *
 * Happy path: the words of the call (names, globs, ^regular expressions) become topics, -p their
 * partitions, -o and -e the offsets at which each begins and ends, asked at the leaders where they
 * are not plain. Failures: a topic or partition that is not there, a pattern that matches nothing,
 * an offset behind the end, offsets that cannot be had: said, with an exit code.
 */
#ifndef CLIENT_RECORDS_READING_H
#define CLIENT_RECORDS_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/kafka/offsets.h"
#include "client/line/command.h"
#include "client/records/partition_choice.h"
#include "client/records/where.h"

struct reading_partition {
    int32_t partition;
    int64_t start; /* an offset, or librdkafka's beginning or end */
    int64_t stop;  /* reading is done before this offset; -1: never */
    int64_t next;  /* what is read next; -1: nothing came yet */
    bool done;
};

struct reading_topic {
    char *name;
    struct reading_partition *partitions; /* those that are read, in order */
    int32_t count;
};

struct reading {
    struct reading_topic *topics;
    size_t topic_count;
    size_t open; /* partitions that are not done */
    struct partition_set partitions;
    struct where where;
    enum offsets_isolation isolation; /* --read-committed: the end is that of what is committed */
    bool until_end;                   /* -e: up to what is there at the beginning */
    bool stops_pending; /* the end of the span lies ahead: reading_resolve_stops when the time has
                           come */
};

/* Takes words, -p, -o and -e of the call; says what is wrong with them (EXIT_USAGE). Free with
 * reading_close in any case. */
int reading_open(struct reading *reading, const struct invocation *in);
/* Asks the cluster: fills topics and their partitions in, not yet where each begins and ends. */
int reading_find_topics(struct reading *reading, const struct invocation *in,
                        struct admin_client *admin);
/* The same, and where each begins and ends. */
int reading_plan(struct reading *reading, const struct invocation *in);
/* Once the clock is past where.until_value: where to stop, and what is done by now. */
int reading_resolve_stops(struct reading *reading, const struct invocation *in);
void reading_close(struct reading *reading);

/* The partition of a topic; NULL: not one of those that are read. */
struct reading_partition *reading_find(struct reading_topic *topic, int32_t partition);
/* Whether a record lies where the partition's reading has ended already: at its stop, or (while the
 * end of the span lies ahead) the first that is not older than that end. */
bool reading_passes(const struct reading *reading, const struct reading_partition *partition,
                    int64_t offset, int64_t timestamp_ms);
/* Everything below `next` was read. True when that was all that is wanted of the partition. */
bool reading_advance(struct reading *reading, struct reading_partition *partition, int64_t next);

#endif
