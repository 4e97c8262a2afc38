/*
 * One round of a fetch: every listed partition is read, one after the other, within the limits.
 *
 * What lies in the log and does not fit counts, up to the partition's limit: waiting would not make
 * the answer larger. The first batch is returned even if it is larger than the limits, so that
 * every consumer gets on (KIP-74). A partition that this replica is about to lead counts as one
 * without data. Each is waited for from before its reading on, so that nothing that moves meanwhile
 * is missed.
 *
 * Invariants: what has nothing new for the client leaves the list, unless something has moved
 * since; whatever the answer needs to know of a partition is in its part, or in the set.
 */
#include "broker/api/fetch_internal.h"

#include <string.h>

#include "base/check.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

/* ---- Parts ---- */

static void read_done(struct partition_read *read);

/* NULL: the arena's limit is passed. */
static struct fetch_part *new_part(struct fetch_state *state, struct fetch_entry *entry) {
    struct fetch_part *part = state->spare;
    if (part != NULL)
        state->spare = part->next;
    else
        part = kp_arena_alloc(&state->request->arena, sizeof *part);
    if (part == NULL) return NULL;
    *part = (struct fetch_part){.owner = state, .entry = entry, .read.done = read_done};
    return part;
}

static void keep_part(struct fetch_part *part) {
    struct fetch_parts *parts = &part->owner->parts;
    *(parts->last != NULL ? &parts->last->next : &parts->first) = part;
    parts->last = part;
    parts->count++;
    part->entry->part = part;
}

static void drop_part(struct fetch_part *part) {
    part->next = part->owner->spare;
    part->owner->spare = part;
}

/* What the last round left. Its entries know nothing of it any more once they are read again, and
 * those that are not listed never did. */
static void drop_parts(struct fetch_state *state) {
    if (state->parts.first == NULL) return;
    state->parts.last->next = state->spare;
    state->spare = state->parts.first;
    state->parts = (struct fetch_parts){0};
}

void fetch_drop_batches(struct fetch_state *state) {
    for (struct fetch_part *part = state->holders; part != NULL; part = part->holds)
        partition_read_release(&part->read);
    state->holders = NULL;
    uint64_t charged = state->charged;
    state->charged = 0;
    budget_release(state->request->ctx.answers, charged);
}

/* ---- Limits ---- */

static uint64_t own_limit(const struct fetch_entry *entry) {
    return entry->max_bytes > 0 ? (uint64_t)entry->max_bytes : 0;
}

/* What the limit of all leaves, which is nothing while the memory for answers is spent. */
static uint64_t left_for_all(const struct fetch_state *state) {
    if (budget_spent(state->request->ctx.answers)) return 0;
    return state->max_bytes > state->bytes ? state->max_bytes - state->bytes : 0;
}

static uint64_t limit_of(const struct fetch_state *state, const struct fetch_entry *entry) {
    uint64_t left = left_for_all(state), own = own_limit(entry);
    uint64_t limit = own < left ? own : left;
    return state->bytes == 0 && limit == 0
               ? 1
               : limit; /* the first batch always comes, so that everybody gets on */
}

/* Only the first batch of an answer may be larger than the limits (KIP-74). */
static void take_batches(struct fetch_state *state, struct fetch_part *part) {
    struct fetch_entry *entry = part->entry;
    uint64_t left = left_for_all(state), own = own_limit(entry), worth = part->read.fetch.bytes;
    bool more = part->read.more;
    if (state->bytes > 0 && part->read.fetch.bytes > limit_of(state, entry)) {
        partition_read_release(&part->read);
        more = part->read.more = true;
    } else if (part->read.fetch.count > 0) {
        state->bytes += part->read.fetch.bytes;
        state->charged += part->read.fetch.bytes;
        budget_charge(state->request->ctx.answers, part->read.fetch.bytes);
        part->holds = state->holders;
        state->holders = part;
    }
    entry->full = more && own <= left;
    state->limit_reached = state->limit_reached || (more && own > left);
    if (entry->full && worth < own) worth = own;
    state->worth += worth;
    if (more) state->closed++;
}

/* ---- Reading ---- */

static void take_error(struct fetch_part *part, int16_t code, bool electing) {
    struct fetch_state *state = part->owner;
    part->code = code;
    keep_part(part);
    if (electing) return;
    state->closed++;
    state->must_answer = true;
}

/* Whether the client knows all of it: it is in the next answer only if it is in every one. */
static bool is_known(const struct fetch_part *part) {
    const struct fetch_entry *entry = part->entry;
    return part->read.fetch.count == 0 && !part->read.more && !part->read.diverges &&
           entry->high_watermark == part->read.high_watermark &&
           entry->start_offset == part->read.start_offset;
}

static void take_read(struct fetch_part *part) {
    struct fetch_state *state = part->owner;
    struct fetch_entry *entry = part->entry;
    const struct kp_fetch_request *in = state->request->message;
    state->current = NULL;
    if (part->read.error != KAFKA_NONE) {
        take_error(part, part->read.error, part->read.electing);
        return;
    }
    if (in->max_bytes < 0 || entry->max_bytes < 0) {
        partition_read_release(&part->read);
        take_error(part, KAFKA_UNKNOWN_SERVER_ERROR, false); /* as Kafka says to a limit below 0 */
        return;
    }
    take_batches(state, part);
    if (part->read.diverges) state->must_answer = true;
    if (state->full) { /* they are told, all of them */
        entry->high_watermark = part->read.high_watermark;
        entry->stable_offset = part->read.stable_offset;
        entry->start_offset = part->read.start_offset;
    }
    if (!is_known(part)) {
        keep_part(part);
        return;
    }
    drop_part(part);
    if (!entry->moved) fetch_set_unlist(entry);
}

/* A topic that is known by its id is looked for by its name when the id has gone, so that a client
 * learns what became of it: as Kafka says it. */
static int16_t code_of_gone(const struct fetch_state *state, const struct fetch_entry *entry) {
    const struct topic_ref *ref = &entry->topic->ref;
    if (ref->name.len < 0) return KAFKA_UNKNOWN_TOPIC_ID;
    if (!authorize(&state->request->ctx, AUTHORIZE_READ, AUTHORIZE_TOPIC, ref->name.data,
                   (size_t)ref->name.len))
        return KAFKA_TOPIC_AUTHORIZATION_FAILED; /* nothing of the one that has its name now */
    const struct metadata_topic *other = metadata_topic_named(
        state->services->metadata, ref->name.data, (size_t)ref->name.len);
    bool there = other != NULL && metadata_partition_at(other, entry->partition) != NULL;
    return there ? KAFKA_INCONSISTENT_TOPIC_ID : KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
}

static struct partition *find(struct fetch_state *state, struct fetch_entry *entry, int16_t *code) {
    struct topic_ref *ref = &entry->topic->ref;
    struct partition *partition = local_partition_of_ref(
        state->services, state->request, AUTHORIZE_READ, ref, entry->partition, code);
    if (!ref->by_id) return partition;
    if (*code == KAFKA_UNKNOWN_TOPIC_ID) {
        *code = code_of_gone(state, entry);
    } else if (ref->name.len < 0) {
        const struct metadata_topic *topic = topic_of_ref(state->services, ref);
        /* without room for it only that error is another one */
        if (topic != NULL) fetch_set_keep_name(state->set, entry->topic, topic->name);
    }
    return partition;
}

/* Returns true when the partition is done. */
static bool read_entry(struct fetch_state *state, struct fetch_part *part) {
    int16_t code;
    struct fetch_entry *entry = part->entry;
    struct partition *partition = find(state, entry, &code);
    entry->full = false;
    entry->part = NULL;
    if (partition == NULL) {
        take_error(part, code, false);
        return true;
    }
    fetch_set_wait(entry, partition);
    state->current = part;
    part->read.committed = state->set->committed;
    if (partition_read(partition, entry->offset, entry->leader_epoch, entry->last_epoch,
                       limit_of(state, entry), &part->read) == PENDING)
        return false;
    take_read(part);
    return true;
}

/* Going on in a session ends when no more fits: what is left is first the next time. */
static bool is_over(const struct fetch_state *state) {
    return state->next == NULL || (state->limit_reached && !state->full);
}

static bool read_next(struct request *request) {
    struct fetch_state *state = request->state;
    if (is_over(state)) {
        state->reading = false;
        state->round_over(state);
        return false;
    }
    struct fetch_entry *entry = state->next;
    struct fetch_part *part = new_part(state, entry);
    if (part == NULL) {
        state->no_memory(state);
        return false;
    }
    state->next = entry->next;
    return read_entry(state, part);
}

static void read_done(struct partition_read *read) {
    struct fetch_part *part = (struct fetch_part *)read;
    take_read(part);
    request_steps(part->owner->request, read_next);
}

void fetch_round(struct fetch_state *state) {
    fetch_drop_batches(state);
    drop_parts(state);
    state->reading = true;
    state->next = state->set->list;
    state->bytes = state->worth = state->arrived = 0;
    state->closed = 0;
    state->changed = state->limit_reached = false;
    request_steps(state->request, read_next);
}

void fetch_round_stop(struct fetch_state *state) {
    if (state->current != NULL) partition_read_cancel(&state->current->read);
    state->current = NULL;
    state->reading = false;
}
