/* A lock around a pointer, and two atomics. */
#include "broker/observe/handover.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "base/mem.h"

struct handover {
    atomic_bool wanted;
    _Atomic uint64_t turned_us;
    atomic_int port;
    pthread_mutex_t lock;
    struct snapshot *snapshot; /* under lock */
};

struct handover *handover_new(void) {
    struct handover *handover = mem_zalloc(sizeof *handover);
    pthread_mutex_init(&handover->lock, NULL);
    return handover;
}

void handover_free(struct handover *handover) {
    if (handover == NULL) return;
    snapshot_unref(handover->snapshot);
    pthread_mutex_destroy(&handover->lock);
    mem_free(handover);
}

static struct snapshot *exchange(struct handover *handover, struct snapshot *snapshot) {
    pthread_mutex_lock(&handover->lock);
    struct snapshot *before = handover->snapshot;
    handover->snapshot = snapshot;
    pthread_mutex_unlock(&handover->lock);
    return before;
}

void handover_turned(struct handover *handover, uint64_t now_us) {
    atomic_store(&handover->turned_us, now_us);
}

uint64_t handover_turned_us(const struct handover *handover) {
    return atomic_load(&handover->turned_us);
}

void handover_serves(struct handover *handover, int port) {
    atomic_store(&handover->port, port);
}

int handover_port(const struct handover *handover) {
    return atomic_load(&handover->port);
}

void handover_want(struct handover *handover) {
    atomic_store(&handover->wanted, true);
}

bool handover_is_wanted(struct handover *handover) {
    return atomic_exchange(&handover->wanted, false);
}

void handover_put(struct handover *handover, struct snapshot *snapshot) {
    snapshot_unref(exchange(handover, snapshot));
}

struct snapshot *handover_take(struct handover *handover) {
    return exchange(handover, NULL);
}
