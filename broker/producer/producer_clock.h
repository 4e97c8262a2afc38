/*
 * The clock of a partition's log: a command by which its leader says how much time has passed, so
 * that all replicas forget the same producers at the same place in the log, whatever their own
 * clocks and settings say.
 *
 * The clock is the time during which somebody led and ran since the log began; it never jumps.
 * Bytes, little-endian: u8 format 1, u8 command 1, i64 clock ms, i64 expiration ms
 * (producer.id.expiration.ms of the leader). Pure.
 */
#ifndef BROKER_PRODUCER_PRODUCER_CLOCK_H
#define BROKER_PRODUCER_PRODUCER_CLOCK_H

#include "base/buffer.h"

enum { PRODUCER_CLOCK_COMMAND = 1 };
/* In an expiration: how often it is told, and so how exact it is. */
enum { PRODUCER_CLOCK_STEPS = 8 };

struct producer_clock {
    int64_t clock_ms, expiration_ms; /* not negative */
};

struct slice producer_clock_encode(const struct producer_clock *clock);
/* ERR_VERSION: another format or command; ERR_MALFORMED. */
int producer_clock_decode(const void *bytes, size_t len, struct producer_clock *into);

#endif
