/*
 * Moves dead letters: copies what share groups gave up in the partitions that this broker leads to
 * the groups' dead-letter topics, and archives it behind that.
 *
 *   records are ARCHIVING
 *     -> read -> MOVE committed here -> batch committed there -> ARCHIVED committed here -> next
 *                 who sends it, under      answered again if it
 *                 which number, where      was there before
 *
 * Happy path: letter_mover_look is called when a partition that is led here has dead letters, or
 * what became of some has committed; of each share-partition one batch is on its way at a time, in
 * order of offsets. Whoever leads next finds the open MOVE, makes the same batch of it and sends it
 * again; the target knows it by its producer and sequence, so each letter is there once.
 * Failures: whatever keeps a letter from its topic (no leader, no room, the topic is gone or closed
 * to letters, the setting was taken away) is tried again after LETTER_PAUSE_LEAST_MS to
 * LETTER_PAUSE_MOST_MS, for as long as it takes; the records stay ARCHIVING, and the log says so.
 * Where the target has forgotten the producer (producer.id.expiration.ms), or the topic was made
 * anew, the letters are moved as by a new one: only then could one be there twice.
 * Invariants: nothing is archived before its copy has committed; nothing is done for a partition
 * that is not led here in the term in which it began; batches are held of LETTERS_AT_ONCE
 * share-partitions at most, the others wait until one of these is through.
 */
#ifndef BROKER_LETTERS_LETTER_MOVER_H
#define BROKER_LETTERS_LETTER_MOVER_H

#include "broker/cluster/leader_table.h"
#include "broker/letters/letter_exchange.h"
#include "broker/metadata/asking/producer_ids.h"
#include "broker/metadata/metadata.h"

enum {
    LETTER_PAUSE_LEAST_MS = 50,
    LETTER_PAUSE_MOST_MS = 5000,
    LETTER_BATCH_BYTES = 256 << 10, /* about; more if one letter alone has more */
    LETTERS_AT_ONCE = 16,           /* share-partitions of which a batch is read or on its way */
};

struct letter_mover_options {
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    const struct metadata *metadata;
    const struct leader_table *leaders;
    struct partition_set *partitions;
    struct producer_ids *ids;
    struct letter_exchange *exchange;
};

struct letter_mover;
struct letter_mover *letter_mover_new(const struct letter_mover_options *options);
void letter_mover_free(struct letter_mover *mover); /* before its options go; NULL does nothing */

/* Of the partition with that Raft group, which this broker leads; `mover` is a letter_mover, as a
 * letter_carrier has it. */
void letter_mover_look(void *mover, uint64_t group);
/* How many letters wait in partitions that are led here. */
uint64_t letter_mover_waiting(const struct letter_mover *mover);

#endif
