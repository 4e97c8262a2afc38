/*
 * How much the peers may send: received entries are charged until their round of the journal is
 * durable; over the budget, or with too much uncommitted in all logs, bulk connections are not
 * read. Control always is.
 *
 * What is uncommitted shrinks only when other entries come (a new leader's first), so that pause
 * lets a frame through from time to time: slow, never stuck. Invariant: undurable_bytes is
 * turn_bytes and the bytes of the rounds awaited.
 */
#include "base/mem.h"
#include "raft-glue/raft_group_internal.h"

static void decide_pause(struct shard *shard) {
    uint64_t now_ms = shard_now_ms(shard);
    bool undurable = shard->undurable_bytes >= shard->options.peers.entry_budget;
    /* Twice: leaders stop at once the limit, and their followers have what several of them lead. */
    bool uncommitted = log_store_uncommitted_bytes(shard->store) >=
                       2 * shard->options.uncommitted_bytes;
    bool pause = undurable || uncommitted;
    if (!undurable && shard->bulk_paused &&
        now_ms - shard->paused_ms >= shard->options.election_timeout_ms)
        pause = false;
    if (pause == shard->bulk_paused) return;
    shard->bulk_paused = pause;
    shard->stats.receive_pauses += pause;
    shard->paused_ms = now_ms;
    peers_pause_bulk(shard->peers, pause);
    shard_arm(shard);
}

static void on_durable(struct journal_waiter *waiter) {
    struct undurable *round = (struct undurable *)waiter;
    struct shard *shard = round->shard;
    CHECK(shard->undurable == round); /* rounds end in order */
    shard->undurable = round->next;
    if (shard->undurable == NULL) shard->undurable_end = &shard->undurable;
    shard->undurable_bytes -= round->bytes;
    mem_free(round);
    shard_wake(shard);
}

static void await_durable(struct shard *shard) {
    if (shard->turn_bytes == 0) return;
    struct undurable *round = mem_zalloc(sizeof *round);
    round->waiter.durable = on_durable;
    round->shard = shard;
    round->bytes = shard->turn_bytes;
    shard->turn_bytes = 0;
    *shard->undurable_end = round;
    shard->undurable_end = &round->next;
    journal_wait(log_store_journal(shard->store), &round->waiter);
}

void flow_control_charge(struct shard *shard, uint64_t bytes) {
    shard->turn_bytes += bytes;
    shard->undurable_bytes += bytes;
    shard_wake(shard);
}

void flow_control_end_turn(struct shard *shard) {
    await_durable(shard);
    decide_pause(shard);
}

void flow_control_on_time(struct shard *shard) {
    if (shard->bulk_paused) decide_pause(shard);
}

void flow_control_close(struct shard *shard) {
    for (struct undurable *round = shard->undurable, *next; round != NULL; round = next) {
        next = round->next;
        journal_wait_cancel(log_store_journal(shard->store), &round->waiter);
        mem_free(round);
    }
}
