/*
 * Cuts a stream into frames: a 32-bit big-endian length, then that many bytes. Kafka's framing;
 * peers use it, too.
 *
 * Happy path: bytes are read into a chunk of 64 KiB; a frame that lies whole in it becomes a slice
 * of the chunk if it is large, a copy if it is small beside it; a larger frame gets a buffer of its
 * own that grows as its bytes arrive.
 * Failures: a length below `min` or above `max` ends with ERR_MALFORMED or ERR_TOO_LARGE, before
 * any memory is taken.
 * Invariants: never allocates more than twice what has arrived of a frame plus one chunk, or the
 * size of the largest frame that this stream has sent whole; frames that are here already are still
 * delivered, one at a time, while not paused. The budget: frames that are delivered are charged to
 * it, and a frame above 64 KiB with the memory that it has at present. While it is spent no frame
 * is begun, and of those that are half here one at a time is read to its end (else halves would
 * wait for each other for ever). So what is used stays below the limit plus one frame, and 64 KiB
 * for each connection. Whoever stops in the middle of a frame then keeps others waiting:
 * frame_reader_slow_us() is for the owner to end that. With budget->halves, frames that are half
 * here are charged to that one instead, and those who send smaller frames do not wait for them.
 * With budget->larges the same for frames above 64 KiB that are whole.
 */
#ifndef BASE_IO_FRAME_READER_H
#define BASE_IO_FRAME_READER_H

#include "base/buffer.h"
#include "base/env.h"
#include "base/secure/either_stream.h"

struct frame_reader_events {
    /* One whole frame, without its length; the slice is the receiver's. The reader may be closed
     * inside. */
    void (*frame)(void *arg, struct slice frame);
    /* ERR_EOF, ERR_CONNECTION, ERR_MALFORMED, ERR_TOO_LARGE (`length` is the one claimed). Called
     * once; then close. A stream that breaks has ended at once, whatever is here and waits; one
     * that ends, when what it brought is delivered. After a length that is wrong, the owner may
     * wait with closing, and hears if the other side breaks or hangs up meanwhile. */
    void (*ended)(void *arg, int error, uint32_t length);
    /* May be NULL; as in env_stream_events. The reader may be closed inside. */
    void (*hung_up)(void *arg);
    /* May be NULL. Bytes came, whose frame may take longer. The reader must stay. */
    void (*heard)(void *arg);
};

struct frame_reader;
/* Takes the read side of `stream` (the owner keeps writing and closing it). `budget` may be NULL:
 * unlimited. */
struct frame_reader *frame_reader_new(struct env *env, struct env_stream *stream,
                                      struct budget *budget, uint32_t min_length,
                                      uint32_t max_length, const struct frame_reader_events *events,
                                      void *arg);
/* The same of a stream that may speak TLS. */
struct frame_reader *frame_reader_new_on(struct env *env, struct either_stream stream,
                                         struct budget *budget, uint32_t min_length,
                                         uint32_t max_length,
                                         const struct frame_reader_events *events, void *arg);
/* From the next frame that has not begun on; a stranger gets a smaller limit than a friend. */
void frame_reader_set_max(struct frame_reader *reader, uint32_t max_length);
void frame_reader_pause(struct frame_reader *reader, bool pause);
/* The frames of one that is patient are delivered over several turns of the loop when a turn grows
 * long, one in each at least. Its stream is read in each turn all the same; env_stream_set_patient
 * is for strangers. */
enum frame_patience {
    FRAMES_WAIT_NOT,     /* all that are here at once; what a reader begins with */
    FRAMES_WAIT,         /* of clients: they wait with all that yields */
    FRAMES_WAIT_FIRST,   /* of brokers: before all that (env_yield_first) */
    FRAMES_WAIT_BUT_ONE, /* the same, but one is delivered when its bytes come, however long the
                            turn is: little at a time, and urgent */
};
void frame_reader_set_patience(struct frame_reader *reader, enum frame_patience patience);
/* How long a frame above 64 KiB has been read for without a wait of our own, and is not here yet;
 * 0: there is none. */
uint64_t frame_reader_slow_us(const struct frame_reader *reader);
/* The same with waits of all kinds. */
uint64_t frame_reader_half_us(const struct frame_reader *reader);
/* For how long of that nothing of it has come. */
uint64_t frame_reader_silent_us(const struct frame_reader *reader);
/* Inside `frame`: for how long its beginning had been here before it was whole, waits of our own
 * included; 0: it came at once. */
uint64_t frame_reader_took_us(const struct frame_reader *reader);
/* All bytes of the stream so far, lengths and halves included. */
uint64_t frame_reader_bytes(const struct frame_reader *reader);
/* Before env_stream_close; NULL does nothing. */
void frame_reader_free(struct frame_reader *reader);

#endif
