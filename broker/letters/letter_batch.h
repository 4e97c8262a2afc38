/*
 * Dead letters as records: what is written to a dead-letter topic of a record that a share group
 * gave up (KIP-1191), with Kafka's headers.
 *
 *   record, as its topic has it          letter
 *   key, value, headers             ->   key, value, the same headers but for those that begin with
 *                                        __dlq.errors., then __dlq.errors.topic, .partition,
 *                                        .offset, .group, .delivery.count, .message, .timestamp
 *
 * Headers of the record that ask for something (deliver-at, deliver-in, deliver-cancel, ttl-ms)
 * have __dlq. in front of their names, so that the letter does not. All texts are UTF-8; .timestamp
 * is that of the record, ms since 1970; the letter has the time at which the record was given up,
 * so that retention counts from then on. Where the group does not copy records, the record is gone,
 * or it is too large for the topic, the letter has neither key nor value nor headers of its own; in
 * the last case it has __dlq.errors.truncated. Pure.
 */
#ifndef BROKER_LETTERS_LETTER_BATCH_H
#define BROKER_LETTERS_LETTER_BATCH_H

#include "base/buffer.h"
#include "broker/share/share_state.h"
#include "protocol/record/record_batch.h"

/* One record that was given up. */
struct letter {
    kafka_offset offset;
    int64_t died_ms;
    uint16_t count;
    uint8_t reason; /* enum share_reason; 0: not known any more */
    bool found;     /* the bytes are here */
    struct record record;
    uint8_t *bytes; /* in which key, value and headers of the record lie; the letter's */
};
/* A copy of the record. */
void letter_take(struct letter *letter, const struct record *record);
void letter_drop(struct letter *letter);

struct letter_origin {
    const char *topic, *group; /* each with its end */
    int32_t partition;
};
/* What a letter takes in a batch at most, in bytes: besides its record, with all that a batch has;
 * and of that. */
size_t letter_own_size(const struct letter_origin *origin);
size_t letter_size(const struct letter *letter);
/* As one batch; *out from mem_alloc. `bare`: without what the records had, as too large. False:
 * it is too large all the same. */
bool letters_write(const struct letter *letters, size_t count, const struct letter_origin *origin,
                   int64_t producer_id, int32_t sequence, bool bare, uint8_t **out, size_t *len);

#endif
