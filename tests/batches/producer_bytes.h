/* A producer state as bytes and back, in all steps at once. */
#ifndef TESTS_BATCHES_PRODUCER_BYTES_H
#define TESTS_BATCHES_PRODUCER_BYTES_H

#include "base/error.h"
#include "broker/producer/producer_state.h"

static inline struct slice producer_bytes(struct producer_state *state) {
    struct snapshot_bytes bytes = {0};
    producer_walk_rest(producer_walk_new(state), &bytes);
    return snapshot_bytes_whole(&bytes);
}

static inline int producer_bytes_take(struct producer_state *state, const uint8_t *bytes,
                                      size_t len) {
    size_t at = 0, took = 0;
    int error;
    do {
        error = producer_state_decode(state, bytes + at, len - at, &took);
        at += took;
    } while (error == ERR_NONE && at < len);
    return error;
}

#endif
