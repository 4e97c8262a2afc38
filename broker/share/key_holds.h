/*
 * Which keys the records have that members hold of a share-partition in the order of keys
 * (share.order=key), so that records of one key are held by one member at a time.
 *
 * Happy path: what is given is added with the hash of its key; what is nobody's any more is
 * removed, and the last one of a key frees it. A key of which a record comes back is blocked until
 * all that is held of it has ended, so that what comes back goes first. Failures: none; as many as
 * may be held. Pure. Invariant: a key is there exactly as long as something of it is held or
 * ending. Keys with one hash count as one: they wait for each other, no more.
 */
#ifndef BROKER_SHARE_KEY_HOLDS_H
#define BROKER_SHARE_KEY_HOLDS_H

#include "broker/share/offset_ranges.h"

struct key_hold;

struct key_holds {
    struct offset_ranges runs; /* of struct key_run */
    struct key_hold *keys;     /* hash by key */
    bool back;                 /* something came back since the last settling */
};

/* Records of one key that are held. */
struct key_run {
    struct offset_range at;
    uint64_t key;
};

enum { KEY_FREE = 0, KEY_BLOCKED = -1 };

void key_holds_open(struct key_holds *holds);
void key_holds_close(struct key_holds *holds); /* leaves it empty */
/* Who holds it: a number of a holder, (uint64_t)KEY_BLOCKED, KEY_FREE. */
uint64_t key_holds_holder(const struct key_holds *holds, uint64_t key);
/* None of these was held. The key is free, or that holder's. */
void key_holds_add(struct key_holds *holds, struct offset_range at, uint64_t key, uint64_t holder);
/* They are held no more; those that were not are passed over. */
void key_holds_remove(struct key_holds *holds, struct offset_range at);

/* These come back: their keys are blocked. */
void key_holds_block(struct key_holds *holds, struct offset_range at);
/* The first run at or above `offset` that lies behind one of its key that came back since
 * key_holds_settle; NULL: there is none. */
const struct key_run *key_holds_follower(const struct key_holds *holds, kafka_offset offset);
void key_holds_settle(struct key_holds *holds);

#endif
