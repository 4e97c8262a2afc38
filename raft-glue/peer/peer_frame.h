/*
 * The bytes that two brokers exchange: frames, hellos, and what raft-glue puts into them. No I/O.
 *
 * A frame: u32 length (big-endian, of what follows), u8 kind, u8 channel, u16 zero, u32 CRC-32C,
 * payload. The checksum covers the whole payload, but of PEER_KIND_ENTRIES only its first
 * `meta_len` bytes: the bodies behind them have checksums of their own, in the entry headers, that
 * are checked once, when the entry is made. Little-endian inside.
 *
 *   HELLO     u32 magic, u16 version, u16 zero, i32 node, u32 shard, 16 bytes directory, u64
 *             session, u32 minor, then cluster id, nodes and record, each u32 length and bytes; the
 *             two texts with a zero byte that their length counts
 *   VERDICT   u8 answer (peer_answer), u64 run, u64 sequence: what was seen of the other's journal;
 *             then the sentence why not (text as above)
 *   PING      on control: u64, u64 bytes received so far on control and bulk, u8 whether bulk was
 *             not read for a while; on bulk: nothing
 *             To who says PEER_MINOR_TIMED_PINGS more follows on control: u64 when it was sent, by
 *             the sender's clock, us; u64 that of the last ping that came (0: none); u64 for how
 *             long ago that came, us
 *   MESSAGES  records of PEER_RECORD_SIZE bytes: everything without entries
 *   JOURNAL   u64 run, u64 sequence: how far the sender's journal is durable; before messages that
 *             stand on newer rounds
 *   STOPPING  nothing: this broker hands its leaderships over and ends, so it is no target for
 *             those of others
 *   ENTRIES   u32 meta_len (itself included), pieces { head of PEER_PIECE_SIZE bytes, count entry
 *             headers }, then all bodies in order
 *
 * Invariant: nothing is read beyond what is there, nothing is allocated by a count that was only
 * claimed.
 */
#ifndef RAFT_GLUE_PEER_PEER_FRAME_H
#define RAFT_GLUE_PEER_PEER_FRAME_H

#include "base/buffer.h"
#include "base/error.h"
#include "raft-glue/peer/peer_hello.h"
#include "storage/log_types.h"

enum {
    PEER_MAGIC = 0x50455244,   /* "DREP" */
    PEER_FRAME_HEAD_SIZE = 12, /* with the length */
    PEER_LENGTH_SIZE = 4,
    PEER_HELLO_MAX = 256 << 10, /* bytes of a hello or verdict frame */
    PEER_RECORD_SIZE = 56,
    PEER_PIECE_SIZE = 56,
    PEER_JOURNAL_SIZE = 16,
    PEER_PING_SIZE = 17,
    PEER_TIMED_PING_SIZE = PEER_PING_SIZE + 24,
};

enum peer_kind {
    PEER_KIND_HELLO = 1,
    PEER_KIND_VERDICT,
    PEER_KIND_PING,
    PEER_KIND_MESSAGES,
    PEER_KIND_ENTRIES,
    PEER_KIND_STOPPING,
    PEER_KIND_JOURNAL,
    PEER_KIND_SNAPSHOT_OFFER, /* this and the next three: snapshot_frame.h */
    PEER_KIND_SNAPSHOT_REFUSE,
    PEER_KIND_SNAPSHOT_WANT,
    PEER_KIND_SNAPSHOT_CHUNK,
    PEER_KIND_SETTLED, /* no payload; a program of before drops it */
};

/* ---- Bytes being put together ---- */

struct peer_bytes {
    uint8_t *data;
    size_t len, room;
};
void peer_bytes_add(struct peer_bytes *bytes, const void *data, size_t len);
/* `len` more bytes, to be filled in by the caller before the next call. */
uint8_t *peer_bytes_extend(struct peer_bytes *bytes, size_t len);
/* Gives the bytes away as one slice and begins anew. */
struct slice peer_bytes_take(struct peer_bytes *bytes);
void peer_bytes_free(struct peer_bytes *bytes);

/* ---- Frames ---- */

/* The head for a payload of `payload_len` bytes whose checksum is `crc`. */
void peer_frame_head(uint8_t head[PEER_FRAME_HEAD_SIZE], uint8_t kind, uint8_t channel,
                     uint32_t crc, size_t payload_len);

/* Checks a frame as it comes from frame_reader (without its length) and takes it apart.
 * ERR_MALFORMED, ERR_CORRUPT. */
int peer_frame_open(struct slice frame, uint8_t *kind, uint8_t *channel, struct slice *payload);

/* ---- Handshake ---- */

void peer_hello_encode(struct peer_bytes *into, const struct peer_hello *hello, uint64_t session);
/* Texts and record point into the payload. ERR_MALFORMED; ERR_VERSION: `hello->version` is another
 * than ours, nothing else is set but node. */
int peer_hello_decode(struct slice payload, struct peer_hello *hello, uint64_t *session);
void peer_journal_encode(uint8_t into[PEER_JOURNAL_SIZE], const struct peer_journal *journal);
/* ERR_MALFORMED: another length. */
int peer_journal_decode(struct slice payload, struct peer_journal *journal);
/* For good: the directory of the refused one is not of this cluster, and never will be. */
enum peer_answer { PEER_REFUSED, PEER_ACCEPTED, PEER_REFUSED_FOR_GOOD };
/* `seen`: of the journal of that one on whom the verdict is. */
void peer_verdict_encode(struct peer_bytes *into, enum peer_answer answer,
                         const struct peer_journal *seen, const char *sentence);
int peer_verdict_decode(struct slice payload, enum peer_answer *answer, struct peer_journal *seen,
                        const char **sentence);

/* ---- Liveness ---- */

struct peer_ping {
    uint64_t received[2]; /* by channel: all bytes since the connection was made */
    bool paused; /* bulk was not read for some time since the last ping, because its receiver has
                    enough */
    /* Timed: when it was sent; the same of the last one that came, 0: none, and how long ago. 0 in
     * one of a broker that does not tell times. */
    uint64_t sent_us, echo_us, held_us;
};
/* `timed`: PEER_TIMED_PING_SIZE bytes instead. */
void peer_ping_encode(uint8_t *into, const struct peer_ping *ping, bool timed);
/* ERR_MALFORMED. */
int peer_ping_decode(struct slice payload, struct peer_ping *ping);

/* ---- Messages of groups ---- */

enum peer_record_type {
    RECORD_APPEND = 1, /* AppendEntries without entries: append */
    RECORD_APPEND_RESULT,
    RECORD_VOTE,
    RECORD_VOTE_RESULT, /* the flags say it */
    RECORD_TIMEOUT_NOW, /* vote, of the sender's log */
    RECORD_CONFIRM,     /* confirm: does `term` still lead? */
    RECORD_CONFIRMED,   /* confirm: it does, says this replica */
    RECORD_RESIGNED,    /* the sender led `term` and stepped down */
};
enum peer_record_flags {
    RECORD_PRE_VOTE = 1,
    RECORD_GRANTED = 2,
    RECORD_DISRUPT = 4,
    /* A result that only tells its term, because the question was of an older one. */
    RECORD_STALE = 8,
    /* A result of a replica that knows of damage in its segments: it must not lead. */
    RECORD_DAMAGED = 16,
    RECORD_NO_ROOM = 32, /* a result of a replica whose disk has no room for what producers send: it
                            must not lead, */
    RECORD_TAKES_NONE = 64, /* nor for what a leader sends: it takes no records */
    RECORD_QUIET = 128,     /* of an append: asks to be quiet (quiet.c), with a round; of a result:
                               agrees to that round */
    RECORD_FLAGS = 255,     /* all of them */
};

struct peer_record {
    uint64_t group, from, to; /* replica ids */
    log_term term;
    uint8_t type, flags;
    union {
        struct {
            log_index prev_index, commit;
            log_term prev_term;
            uint32_t quiet_round;
        } append;
        struct {
            uint64_t rejected, last_index; /* rejected: 0, or the prev_index that did not match */
            uint32_t quiet_round;
        } append_result;
        struct {
            log_index last_index, last_term; /* of the sender's log */
        } vote;
        struct {
            uint64_t round;
        } confirm;
        struct {
            uint64_t deposed_by; /* the later term, or 0 */
        } resigned;
    };
};
/* What the type has no use for is sent as zeros. */
void peer_record_encode(uint8_t into[PEER_RECORD_SIZE], const struct peer_record *record);
/* ERR_MALFORMED: a type that this program does not know, or a round of more than 32 bits. */
int peer_record_decode(const uint8_t bytes[PEER_RECORD_SIZE], struct peer_record *record);

/* ---- Entries ---- */

/* The head of one AppendEntries with entries. */
struct peer_piece {
    uint64_t group, from, to;
    log_term term;
    uint32_t count; /* entries */
    log_index prev_index;
    log_term prev_term;
    uint64_t commit;
};
void peer_piece_encode(uint8_t into[PEER_PIECE_SIZE], const struct peer_piece *piece);
void peer_piece_decode(const uint8_t bytes[PEER_PIECE_SIZE], struct peer_piece *piece);

#endif
