/*
 * Which entries are durable on one machine right now, as a recovery would find them: read from the
 * durable bytes of its disk, with a decoder of our own (decode.h; the layouts are told in
 * storage/journal/journal_format.h and storage/segment/segment_format.h).
 *
 * Happy path: with each question the rounds of the journal that became durable since the last one
 * are read; an entry that is not in the journal any more must be in a segment, at or below the
 * progress that the journal records. Whatever took bytes back or changed them (a power cut, damage,
 * another directory) makes it begin anew.
 * Invariant: only what is whole, and continues what is before it, counts. No mark and no word of
 * the product does.
 */
#ifndef SIM_DURABLE_INDEX_H
#define SIM_DURABLE_INDEX_H

#include "tests/sim/decode.h"

struct durable_index;
/* `store`: the directory that has journal/ and groups/. */
struct durable_index *durable_index_new(struct node *node, const char *store);

struct durable_question {
    uint64_t group;
    uint64_t index; /* of the entry; 0: the one with `offset` */
    int64_t offset;
    bool (*is_it)(void *arg, const struct raw_entry *entry); /* others may have another one there */
    void *arg;
};

bool durable_index_has(struct durable_index *index, const struct durable_question *question);
/* The term of that group, and its vote in it; 0: none. */
uint32_t durable_index_term(struct durable_index *index, uint64_t group, uint64_t *voted_for);

#endif
