/*
 * What was read becomes the answer: all partitions, or in a session those of which the client does
 * not know everything. In steps, because there may be very many.
 *
 * Batches are sent from the buffers in which they are kept, without a copy. A partition of a
 * session that brought batches goes to the end of what is read the next time, so that none starves.
 *
 * Invariant: nothing of the answer points into a session, which may change or go before the answer
 * is encoded.
 */
#include "broker/api/fetch_internal.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

static struct kp_fetch_response_topic *new_topic(struct fetch_state *state,
                                                 const struct fetch_topic *topic) {
    struct kp_fetch_response_topic *out =
        &state->response.responses.items[state->response.responses.count++];
    kp_set_fallbacks(&kp_fetch_response_topic_schema, out);
    out->topic_id = topic->ref.id;
    if (!topic->ref.by_id)
        out->topic = state->session == NULL
                         ? topic->ref.name
                         : kp_arena_string(&state->request->arena, topic->ref.name.data,
                                           (size_t)topic->ref.name.len);
    state->topic_answered = topic;
    out->partitions.items = state->out;
    return out;
}

/* Partitions of one topic, one after the other, are answered under its name. */
static struct kp_fetch_response_partition *new_partition(struct fetch_state *state,
                                                         const struct fetch_entry *entry) {
    struct kp_fetch_response_topic *topic =
        state->topic_answered == entry->topic
            ? &state->response.responses.items[state->response.responses.count - 1]
            : new_topic(state, entry->topic);
    struct kp_fetch_response_partition *out = state->out++;
    topic->partitions.count++;
    kp_set_fallbacks(&kp_fetch_response_partition_schema, out);
    out->partition_index = entry->partition;
    out->preferred_read_replica = -1;
    out->records = (struct kp_records){.len = 0}; /* none, and not null: as Kafka */
    out->aborted_transactions.count = state->set->committed ? 0 : -1;
    out->high_watermark = entry->high_watermark;
    out->last_stable_offset = entry->stable_offset;
    out->log_start_offset = entry->start_offset;
    return out;
}

static void answer_error(struct fetch_state *state, const struct fetch_part *part) {
    struct fetch_entry *entry = part->entry;
    entry->high_watermark = entry->stable_offset = entry->start_offset =
        -1; /* told again when it is over */
    struct kp_fetch_response_partition *out = new_partition(state, entry);
    out->error_code = part->code;
    if (state->request->api_version >= 16)
        leader_hint_give(state->services, state->request, &entry->topic->ref, entry->partition,
                         part->code, &out->current_leader, &state->hints);
}

/* It has batches for which there is no room, and nothing else that is new to the client. */
static bool is_told(const struct fetch_part *part) {
    const struct partition_read *read = &part->read;
    return !part->owner->full && read->fetch.count == 0 && !read->diverges &&
           part->entry->high_watermark == read->high_watermark &&
           part->entry->start_offset == read->start_offset;
}

/* Copied, because the read's are freed before the answer. */
static void give_aborted(struct fetch_state *state, const struct partition_read *read,
                         struct kp_fetch_response_partition *out) {
    size_t count = read->aborted_count;
    struct kp_fetch_response_aborted_transaction *items = kp_arena_alloc(&state->request->arena,
                                                                         count * sizeof *items);
    state->too_large = state->too_large || items == NULL;
    for (size_t i = 0; items != NULL && i < count; i++)
        items[i] = (struct kp_fetch_response_aborted_transaction){
            .producer_id = read->aborted[i].producer_id,
            .first_offset = read->aborted[i].first_offset};
    out->aborted_transactions.items = items;
    out->aborted_transactions.count = items != NULL ? (int32_t)count : 0;
}

static void answer_part(struct fetch_state *state, const struct fetch_part *part) {
    const struct partition_read *read = &part->read;
    struct fetch_entry *entry = part->entry;
    if (part->code != KAFKA_NONE) {
        answer_error(state, part);
        return;
    }
    if (is_told(part)) return;
    entry->high_watermark = read->high_watermark;
    entry->stable_offset = read->stable_offset;
    entry->start_offset = read->start_offset;
    struct kp_fetch_response_partition *out = new_partition(state, entry);
    if (read->diverges) {
        out->diverging_epoch.epoch = read->end_epoch;
        out->diverging_epoch.end_offset = read->epoch_end_offset;
    }
    out->records = (struct kp_records){.slices = read->fetch.slices,
                                       .slice_count = (uint32_t)read->fetch.count};
    if (read->aborted_count > 0) give_aborted(state, read, out);
    if (read->fetch.count > 0)
        fetch_set_to_end(entry);
    else if (!read->more && !read->diverges && !entry->moved)
        fetch_set_unlist(entry); /* now it is known */
}

/* What the client fetched, for those who ask who reads a partition, and how much is read. NULL:
 * there was nothing. */
static void note_reader(const struct fetch_state *state, const struct fetch_entry *entry,
                        const struct partition_log_fetch *fetched) {
    struct partition *partition = entry->waiter.partition;
    if (partition == NULL) return;
    bool brought = fetched != NULL && fetched->count > 0;
    traffic_fetched(partition_traffic(partition), (int64_t)env_now_ms(state->services->env),
                    &state->reader, entry->offset, brought);
    if (brought)
        partition_note_fetched(partition, (uint64_t)(fetched->next_offset - entry->offset),
                               fetched->bytes);
}

static void answer_and_note(struct fetch_state *state, const struct fetch_part *part) {
    if (part->code == KAFKA_NONE && !part->read.diverges)
        note_reader(state, part->entry, &part->read.fetch);
    answer_part(state, part);
}

/* Of a session, only what has changed is read, and so is in the answer. */
static bool answer_changed(struct fetch_state *state) {
    struct fetch_part *part = state->answered;
    if (part == NULL) return false;
    state->answered = part->next;
    answer_and_note(state, part);
    return true;
}

static bool answer_all(struct fetch_state *state) {
    struct fetch_set *set = state->set;
    if (state->at == set->places) return false;
    struct fetch_entry *entry = set->entries[state->at++];
    if (entry == NULL) return true;
    if (entry->part != NULL) {
        answer_and_note(state, entry->part);
    } else {
        note_reader(state, entry, NULL);
        new_partition(state, entry);
    }
    if (state->session == NULL) partition_wait_cancel(&entry->waiter);
    return true;
}

static void send(struct fetch_state *state) {
    struct request *request = state->request;
    state->response.node_endpoints.items = state->hints.items;
    state->response.node_endpoints.count = state->hints.count;
    if (state->session != NULL) {
        /* one that was ended meanwhile is named all the same, as by Kafka: the next request learns
         * it
         */
        state->response.session_id = state->session->id;
        fetch_session_charge(state->session);
        fetch_session_leave(state->session);
        state->session = NULL;
    }
    request_respond_kept(request, &state->response);
}

static bool answer_next(struct request *request) {
    struct fetch_state *state = request->state;
    bool more = state->full ? answer_all(state) : answer_changed(state);
    if (state->too_large)
        state->no_memory(state);
    else if (!more)
        send(state);
    return more && !state->too_large;
}

void fetch_answer(struct fetch_state *state) {
    const struct request_ctx *ctx = &state->request->ctx;
    state->reader = (struct traffic_reader_id){
        .key = traffic_reader_key(ctx->client_id, ctx->peer),
        .client_id = ctx->client_id,
        .peer = ctx->peer,
        .session_id = state->session != NULL ? state->session->id : 0};
    struct kp_arena *arena = &state->request->arena;
    size_t most = state->full ? state->set->count : state->parts.count;
    state->set->moved = NULL;
    state->at = 0;
    state->answered = state->parts.first;
    state->out = kp_arena_alloc(arena, most * sizeof *state->out);
    state->response.responses.items = kp_arena_alloc(
        arena, most * sizeof *state->response.responses.items);
    if (state->out == NULL || state->response.responses.items == NULL)
        state->no_memory(state);
    else
        request_steps(state->request, answer_next);
}
