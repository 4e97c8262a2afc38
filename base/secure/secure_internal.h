/* What the files of base/secure/ share, from the lowest floor: secure_bio.c (between OpenSSL and
 * our buffers), secure_host.c (what streams share), secure_handshake.c (turns, the lane, deadlines)
 * and secure_stream.c (bytes in and out). */
#ifndef BASE_SECURE_SECURE_INTERNAL_H
#define BASE_SECURE_SECURE_INTERNAL_H

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "base/secure/secure_stream.h"

enum {
    SECURE_READ_BYTES = 32 * 1024,
    SECURE_FIRST_BYTES = 4 * 1024, /* of who has not had a turn yet */
    SECURE_RECORD = 16 * 1024,
    SECURE_FLIGHT = 128 * 1024,
    SECURE_OUT_MOST = SECURE_FLIGHT + 128 * 1024, /* beyond a flight: what TLS says by itself */
    /* Changes of keys by the other side: so many, and one more for each MiB that it sends. A client
     * has none, or one in gigabytes; each costs as much as a request, and 32 KiB can hold 1,200. */
    SECURE_REKEYS = 32,
    SECURE_REKEY_BYTES = 1024 * 1024,
};

enum secure_state {
    SECURE_SILENT,  /* nothing has come */
    SECURE_WAITING, /* for a turn of its handshake */
    SECURE_SHAKING,
    SECURE_OPEN,
    SECURE_OVER, /* `ended` was told, or is about to be */
};

struct secure_host {
    struct env *env;
    struct env_lane *lane;
    struct secure_limits limits;
    BIO_METHOD *bio;
    struct secure_stream *shaking; /* who has made no step for longest first */
    struct secure_stream *waiting; /* who came last, first */
    uint32_t shaking_count, waiting_count;
    uint64_t shaken, failed;
    struct env_timer *stall_timer;   /* runs while somebody waits */
    unsigned refs;                   /* the owner's, and one of each stream */
    uint8_t read[SECURE_READ_BYTES]; /* where the bytes of any of them arrive */
    uint8_t record[SECURE_RECORD];   /* where short writes are gathered */
};

/* A step of a handshake, in the job of a stream. */
enum secure_step { STEP_MORE, STEP_DONE, STEP_FAILED };

struct secure_stream {
    struct secure_host *host;
    struct tls_context *context;
    struct env_stream *stream;              /* NULL: closed by the owner */
    const struct env_stream_events *events; /* the owner's */
    void *arg;
    SSL *ssl; /* the job's while `working` */
    enum secure_state state;
    bool dials;         /* it is the one that connected */
    bool lenient;       /* who speaks no TLS is taken as he is, */
    bool plain;         /* which he was: there is no SSL */
    bool agreed;        /* it was open once */
    uint64_t key_bytes; /* sent with the present key */
    bool wanted;        /* the owner reads */
    bool working;       /* a job of the lane has the SSL */
    unsigned inside;    /* calls that go on with it after an event of the owner */
    struct error_text why;

    /* Bytes that have come and were not taken: in the host's memory, or in `kept`. */
    const uint8_t *in;
    size_t in_len;
    uint8_t *kept;
    uint64_t opened_bytes; /* decrypted so far */
    uint32_t rekeys;       /* by the other side */
    /* Bytes that are to leave, and those that are on their way. */
    uint8_t *out, *flown;
    size_t out_len, out_room, flown_len;
    bool flying;
    struct env_write flight;
    size_t charged;
    struct secure_pending *first, *last; /* the owner's writes that were not reported */
    int broken;                          /* what they end with; ERR_NONE: they go on */

    struct env_task task; /* goes on outside of the call that made it possible */
    struct env_timer *deadline;
    uint64_t stepped_us; /* when its handshake made its last step */
    const struct secure_above *above;
    struct env_job job;
    enum secure_step
        step;         /* what came of the last one; the job's while `working`, as what follows */
    bool moved;       /* it brought the handshake on: a byte alone does not */
    char reason[256]; /* why it failed */
    struct secure_stream *next, *prev; /* shaking or waiting */
};

/* An owner's write, in its env_private. */
struct secure_pending {
    struct env_write *write;
    struct env_iov *iov;
    unsigned n, part; /* the part that is encrypted next */
    size_t offset;    /* of it */
    bool sealed;      /* all of it is encrypted */
    struct secure_pending *next;
};

/* What a handshake brings about above it: secure_stream.c. */
struct secure_above {
    /* It is over: delivers, reads and writes. */
    void (*opened)(struct secure_stream *stream);
    /* Writes what is to leave. */
    void (*send_on)(struct secure_stream *stream);
    /* Tells the owner that it ended with ERR_CONNECTION, and why. The stream may be gone when it
     * returns. */
    void (*fail)(struct secure_stream *stream, const char *why);
    void (*free_if_gone)(struct secure_stream *stream);
};

/* ---- secure_bio.c ---- */

BIO_METHOD *secure_bio_method(void); /* BIO_meth_free */
/* An SSL that reads from `in` and writes to `out`. */
SSL *secure_bio_ssl(struct secure_stream *stream);
/* Moves what was not taken out of the host's memory. */
void secure_bio_keep(struct secure_stream *stream);
/* Takes up to `room` of the bytes that have come, as they are. */
size_t secure_bio_take(struct secure_stream *stream, void *into, size_t room);
/* Adds bytes to those that are to leave. False: there are too many. */
bool secure_bio_put(struct secure_stream *stream, const void *bytes, size_t len);
/* It changes keys more often than it may: nothing more of it is read. */
bool secure_bio_rekeys_too_much(const struct secure_stream *stream);
/* OpenSSL's words for the last error of this thread, and for what was wrong with a certificate;
 * into 256 bytes. */
void secure_bio_reason(SSL *ssl, char into[256]);

/* ---- secure_host.c ---- */

void secure_host_unref(struct secure_host *host);

/* ---- secure_handshake.c ---- */

/* It is the owner's; its first bytes are to come. */
void secure_handshake_expect(struct secure_stream *stream, const struct secure_above *above);
/* Bytes of it have come, in `in`. */
void secure_handshake_bytes(struct secure_stream *stream);
/* It ended, or is given up: its turn is another's. Not for inside its job. */
void secure_handshake_leave(struct secure_stream *stream);

#endif
