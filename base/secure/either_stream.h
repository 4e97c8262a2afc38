/* A stream that is plain or that speaks TLS, for those who do not care: exactly one is there. */
#ifndef BASE_SECURE_EITHER_STREAM_H
#define BASE_SECURE_EITHER_STREAM_H

#include "base/secure/secure_stream.h"

struct either_stream {
    struct env_stream *plain;
    struct secure_stream *secure;
};

static inline struct either_stream either_plain(struct env_stream *stream) {
    return (struct either_stream){.plain = stream};
}

static inline void either_attach(struct either_stream stream,
                                 const struct env_stream_events *events, void *arg) {
    if (stream.secure != NULL)
        secure_stream_attach(stream.secure, events, arg);
    else
        env_stream_attach(stream.plain, events, arg);
}

static inline void either_read(struct either_stream stream, bool on) {
    if (stream.secure != NULL)
        secure_stream_read(stream.secure, on);
    else
        env_stream_read(stream.plain, on);
}

static inline void either_write(struct either_stream stream, struct env_write *write,
                                const struct env_iov *iov, unsigned n) {
    if (stream.secure != NULL)
        secure_stream_write(stream.secure, write, iov, n);
    else
        env_stream_write(stream.plain, write, iov, n);
}

static inline void either_close(struct either_stream stream) {
    if (stream.secure != NULL)
        secure_stream_close(stream.secure);
    else
        env_stream_close(stream.plain);
}

#endif
