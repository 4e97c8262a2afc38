/* A lock around a pointer, and two atomics. */
#include "broker/observe/handover.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

struct handover {
    atomic_bool wanted;
    _Atomic uint64_t turned_us;
    atomic_int port;
    pthread_mutex_t lock;
    struct snapshot *snapshot; /* under lock, as all below */
    uint64_t wish, taken_wish; /* of partitions: the last, and the last that was taken */
    char glob[HANDOVER_GLOB];
    struct snapshot *partitions; /* of the last wish; NULL: none */
};

struct handover *handover_new(void) {
    struct handover *handover = mem_zalloc(sizeof *handover);
    pthread_mutex_init(&handover->lock, NULL);
    return handover;
}

void handover_free(struct handover *handover) {
    if (handover == NULL) return;
    snapshot_unref(handover->snapshot);
    snapshot_unref(handover->partitions);
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

/* ---- Of partitions ---- */

uint64_t handover_want_partitions(struct handover *handover, const char *glob) {
    pthread_mutex_lock(&handover->lock);
    uint64_t wish = ++handover->wish;
    snprintf(handover->glob, sizeof handover->glob, "%s", glob);
    struct snapshot *before = handover->partitions;
    handover->partitions = NULL;
    pthread_mutex_unlock(&handover->lock);
    snapshot_unref(before);
    return wish;
}

bool handover_partitions_wanted(struct handover *handover, uint64_t *wish,
                                char glob[HANDOVER_GLOB]) {
    pthread_mutex_lock(&handover->lock);
    bool wanted = handover->wish != handover->taken_wish;
    *wish = handover->taken_wish = handover->wish;
    memcpy(glob, handover->glob, HANDOVER_GLOB);
    pthread_mutex_unlock(&handover->lock);
    return wanted;
}

void handover_put_partitions(struct handover *handover, uint64_t wish, struct snapshot *snapshot) {
    struct snapshot *unwanted = snapshot;
    pthread_mutex_lock(&handover->lock);
    if (wish == handover->wish) {
        unwanted = handover->partitions;
        handover->partitions = snapshot;
    }
    pthread_mutex_unlock(&handover->lock);
    snapshot_unref(unwanted);
}

struct snapshot *handover_take_partitions(struct handover *handover, uint64_t wish) {
    struct snapshot *taken = NULL;
    pthread_mutex_lock(&handover->lock);
    if (wish == handover->wish) {
        taken = handover->partitions;
        handover->partitions = NULL;
    }
    pthread_mutex_unlock(&handover->lock);
    return taken;
}
