/*
 * What two brokers say to each other when one gives the other the beginning of a log as files
 * (storage/segment/prefix_files.h). No I/O.
 *
 *   sender (it leads the group)                         receiver (a member behind the log's start)
 *        | OFFER: what there is  ------------------------->  |
 *        | <----------- REFUSE: not now, or never; or that   |
 *        |                      it is at work with it; or    |
 *        | <----------- WANT: bytes of one block of a file   |   again and again, at its own pace
 *        | CHUNK: those bytes  --------------------------->  |
 *
 * A transfer is one offer of a sender and what belongs to it: `transfer` names it, never twice
 * on a broker. What belongs to another transfer than the present one of (group, member) is dropped:
 * the sender offers again when nothing moves. OFFER and CHUNK travel on bulk (an offer may have
 * megabytes, which must not keep a heartbeat waiting), REFUSE and WANT on control. Only a peer
 * whose hello says PEER_MINOR_SNAPSHOTS is sent any of them.
 *
 * Each begins with the head of SNAPSHOT_HEAD_SIZE bytes { u64 group, u64 from, u64 to, u64
 * transfer, u32 term, u32 zero }, replica ids of who sends and who receives the message. Then
 *   OFFER   prefix_files_encode
 *   REFUSE  u8 reason, 7 zeros
 *   WANT    u32 file, u32 length, u64 offset
 *   CHUNK   u32 file, u32 zero, u64 offset, then the bytes, as many as were wanted
 */
#ifndef RAFT_GLUE_PEER_SNAPSHOT_FRAME_H
#define RAFT_GLUE_PEER_SNAPSHOT_FRAME_H

#include "raft-glue/peer/peer_frame.h"
#include "storage/segment/prefix_files.h"

enum {
    SNAPSHOT_HEAD_SIZE = 40,
    SNAPSHOT_REFUSAL_SIZE = SNAPSHOT_HEAD_SIZE + 8,
    SNAPSHOT_WANT_SIZE = SNAPSHOT_HEAD_SIZE + 16,
    SNAPSHOT_CHUNK_HEAD_SIZE = SNAPSHOT_HEAD_SIZE + 16,
    /* A part of a block: entries of other groups wait for no more than that. */
    SNAPSHOT_CHUNK_MOST = 256 << 10,
    SNAPSHOT_WANTS_MOST = 4, /* not answered yet, of one transfer: what is beyond is not heard */
};

struct snapshot_head {
    uint64_t group, from, to; /* replica ids */
    uint64_t transfer;        /* never 0 */
    log_term term;            /* of the sender of the message; of an offer: that it leads */
};

enum snapshot_refusal {
    SNAPSHOT_HAS_IT = 1, /* its log has the entry where the offer ends: entries from there on do */
    SNAPSHOT_BUSY,       /* another transfer, or an end of it, is under way, or it does not follow
                            in that term (yet): offer it again later */
    SNAPSHOT_NO_ROOM,    /* its disk has none: later, too */
    SNAPSHOT_NOT_WHOLE,  /* what came was not what the offer says, again and again: look at it anew
                          */
    SNAPSHOT_AT_WORK,    /* no refusal: it does something with what has come, which takes long */
};

struct snapshot_want {
    uint32_t file;   /* its place in the offer */
    uint32_t length; /* 1 to SNAPSHOT_CHUNK_MOST, within one block, not beyond the file */
    uint64_t offset;
};

void snapshot_head_encode(uint8_t into[SNAPSHOT_HEAD_SIZE], const struct snapshot_head *head);
/* ERR_MALFORMED: too short, or a transfer 0. */
int snapshot_head_decode(struct slice payload, struct snapshot_head *head);

void snapshot_refusal_encode(uint8_t into[SNAPSHOT_REFUSAL_SIZE], const struct snapshot_head *head,
                             enum snapshot_refusal reason);
/* One that this program does not know is SNAPSHOT_BUSY. ERR_MALFORMED. */
int snapshot_refusal_decode(struct slice payload, enum snapshot_refusal *reason);

void snapshot_want_encode(uint8_t into[SNAPSHOT_WANT_SIZE], const struct snapshot_head *head,
                          const struct snapshot_want *want);
/* ERR_MALFORMED: another size, or a length or place that no WANT has. */
int snapshot_want_decode(struct slice payload, struct snapshot_want *want);

/* The bytes follow. */
void snapshot_chunk_encode(uint8_t into[SNAPSHOT_CHUNK_HEAD_SIZE], const struct snapshot_head *head,
                           const struct snapshot_want *answered);
/* want->length says how many bytes there are; they point into the payload. ERR_MALFORMED. */
int snapshot_chunk_decode(struct slice payload, struct snapshot_want *answered,
                          const uint8_t **bytes);

/* What is behind the head: see prefix_files_decode. */
int snapshot_offer_decode(struct slice payload, struct prefix_files *into);

#endif
