/* What each peer's journal was seen to hold, and what the peers saw of ours: kept, told, compared.
 */
#include "raft-glue/peer/rollback_guard.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "raft-glue/peer/peer_frame.h"
#include "storage/little_endian.h"

enum { RECORD_US = 1000 * 1000 };

#define ADVICE                                                                                                          \
    "an older copy of its data directory was put back, or its disk lost what it had synced. Put back the newest copy, " \
    "or leave this broker stopped: the others go on without it"

struct seen {
    int32_t node;
    struct journal_witness best; /* run 0: it told nothing */
    bool unrecorded;
    uint64_t told; /* what it knows of ours, on this link */
    struct seen *next;
};

struct rollback_guard {
    struct env *env;
    struct journal *journal;
    struct peers *peers;
    struct seen *all;
    struct env_timer *timer;
    bool lost;
    int32_t lost_by; /* who saw it */
    struct journal_waiter waiter;
};

static struct seen *seen_of(struct rollback_guard *witness, int32_t node) {
    struct seen **end = &witness->all;
    for (; *end != NULL; end = &(*end)->next)
        if ((*end)->node == node) return *end;
    struct seen *seen = mem_zalloc(sizeof *seen);
    seen->node = node;
    *end = seen;
    return seen;
}

/* ---- Telling ---- */

static void guard_tell(struct rollback_guard *witness, struct seen *seen) {
    struct peer_journal ours = {.run = journal_run(witness->journal),
                                .sequence = journal_sequence(witness->journal)};
    seen->told = ours.sequence;
    uint8_t bytes[PEER_JOURNAL_SIZE];
    peer_journal_encode(bytes, &ours);
    struct slice payload = slice_copy(NULL, bytes, sizeof bytes);
    peers_send(witness->peers, seen->node, PEER_CONTROL, PEER_KIND_JOURNAL, &payload, 1);
}

void rollback_guard_tell(struct rollback_guard *witness, int32_t node) {
    struct seen *seen = seen_of(witness, node);
    if (seen->told != journal_sequence(witness->journal)) guard_tell(witness, seen);
}

void rollback_guard_up(struct rollback_guard *witness, int32_t node) {
    guard_tell(witness, seen_of(witness, node));
}

/* ---- Hearing ---- */

struct peer_journal rollback_guard_seen(struct rollback_guard *witness, int32_t node,
                                        const uint8_t directory[PEER_UUID_SIZE]) {
    struct seen *seen = seen_of(witness, node);
    uint64_t id = le_get_u64(directory);
    if (seen->best.directory != id) {
        const struct journal_witness *recorded = journal_witness_of(witness->journal, id);
        seen->best = recorded != NULL ? *recorded : (struct journal_witness){.directory = id};
        seen->unrecorded = false;
    }
    return (struct peer_journal){.run = seen->best.run, .sequence = seen->best.sequence};
}

static void on_recorded(struct journal_waiter *waiter) {
    struct rollback_guard *witness = CONTAINER_OF(waiter, struct rollback_guard, waiter);
    env_fatal(witness->env,
              "the journal of this broker went back in time, as broker %d can tell: " ADVICE,
              witness->lost_by);
}

static void found_out(struct rollback_guard *witness, int32_t node) {
    if (witness->lost) return;
    witness->lost = true;
    witness->lost_by = node;
    witness->waiter.durable = on_recorded;
    journal_disown(witness->journal);
    journal_wait(witness->journal, &witness->waiter);
}

bool rollback_guard_accepted(struct rollback_guard *witness, int32_t node,
                             const struct peer_journal *of_ours) {
    if (of_ours->run == 0 || journal_covers(witness->journal, of_ours->run, of_ours->sequence))
        return true;
    if (MUTANT(MUTANT_WITNESS_IGNORED)) return true;
    found_out(witness, node);
    return false;
}

void rollback_guard_hear(struct rollback_guard *witness, int32_t node, struct slice payload) {
    struct seen *seen = seen_of(witness, node);
    struct peer_journal told;
    int error = peer_journal_decode(payload, &told);
    slice_unref(&payload);
    if (error != ERR_NONE || told.run == 0) {
        peers_break(witness->peers, node, "what it sent is not about its journal");
        return;
    }
    if (seen->best.run == told.run && seen->best.sequence >= told.sequence) return;
    seen->best.run = told.run;
    seen->best.sequence = told.sequence;
    seen->unrecorded = true;
}

bool rollback_guard_is_lost(const struct rollback_guard *witness) {
    return witness->lost;
}

/* ---- Recording ---- */

static void on_timer(void *arg) {
    struct rollback_guard *witness = arg;
    for (struct seen *seen = witness->all; seen != NULL; seen = seen->next) {
        rollback_guard_tell(witness, seen->node);
        if (seen->unrecorded) journal_witness(witness->journal, &seen->best);
        seen->unrecorded = false;
    }
    env_timer_start(witness->timer, RECORD_US);
}

int rollback_guard_open(struct env *env, struct journal *journal, struct peers *peers,
                        struct rollback_guard **result, struct error_text *why) {
    if (journal_is_disowned(journal))
        return error_set(
            why, ERR_CORRUPT,
            "the journal of this broker went back in time, as another broker could tell before: " ADVICE);
    struct rollback_guard *witness = mem_zalloc(sizeof *witness);
    witness->env = env;
    witness->journal = journal;
    witness->peers = peers;
    witness->timer = env_timer_new(env, on_timer, witness);
    env_timer_start(witness->timer, RECORD_US);
    *result = witness;
    return ERR_NONE;
}

void rollback_guard_close(struct rollback_guard *witness) {
    if (witness->lost) journal_wait_cancel(witness->journal, &witness->waiter);
    env_timer_free(witness->timer);
    while (witness->all != NULL) {
        struct seen *seen = witness->all;
        witness->all = seen->next;
        mem_free(seen);
    }
    mem_free(witness);
}
