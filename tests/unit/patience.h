/* Limits of time that hold on any machine: they are those of one that has its processors for
 * itself, and as many times longer as this one has less of them now. */
#ifndef TESTS_UNIT_PATIENCE_H
#define TESTS_UNIT_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t patience_clock_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

enum { PATIENCE_WORK_US = 20 * 1000 };

/* How long so much processor time takes now; the worst of a few times. */
static inline uint64_t patience_worst_us(void) {
    uint64_t worst_us = PATIENCE_WORK_US;
    for (int i = 0; i < 5; i++) {
        uint64_t began_us = patience_clock_us(CLOCK_MONOTONIC);
        uint64_t until_us = patience_clock_us(CLOCK_THREAD_CPUTIME_ID) + PATIENCE_WORK_US;
        while (patience_clock_us(CLOCK_THREAD_CPUTIME_ID) < until_us) {}
        uint64_t took_us = patience_clock_us(CLOCK_MONOTONIC) - began_us;
        if (took_us > worst_us) worst_us = took_us;
    }
    return worst_us;
}

/* Whether what took so long is within its limit; asked right after it. */
static inline bool is_within_ms(uint64_t took_ms, uint64_t limit_ms) {
    return took_ms <= limit_ms || took_ms * PATIENCE_WORK_US <= limit_ms * patience_worst_us();
}

#endif
