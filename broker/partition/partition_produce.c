/*
 * From a client's batch to its acknowledgement.
 *
 *                   elected, not serving yet            leading
 *   partition_produce -----------> electing -----------> checking ----> appended, waiting ---> done
 *                   `----- leading -----------------------^     `-> guarded --^  |
 *                                    leadership lost: NOT_LEADER_OR_FOLLOWER, outcome unknown
 *
 * Guarded is the first batch of a transaction, until its coordinator has said that the partition
 * takes part in it, and what comes of the same producer meanwhile (broker/guards/).
 * What is appended in one turn goes to the group at its end.
 *
 * Failures: what the group does not take, because too much is uncommitted, is offered again at the
 * next commit or a little later; before it is too much, whoever adds to it is refused
 * (partition_admission.c). A refusal for good that rests on what this leader remembers is held
 * until it is confirmed (partition_refusal.c). A retry of a batch that is in flight waits beside
 * the first one, by the same end offset.
 *
 * Invariants: `waiting` is in the order of end offsets, so that completions are in the order of the
 * log; nothing in it is acknowledged before the watermark has passed its last record; once a batch
 * of a producer was refused with a retriable error, its later ones are, too; what is checked
 * belongs to the present leadership.
 */
#include <inttypes.h>

#include "base/container_of.h"
#include "base/mutant.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"
#include "storage/log_types.h"

enum {
    /* Wait to be taken by the group: clients that add to it are not read. */
    CONGESTED_BYTES = 1 << 20,
    /* Of one client wait to be checked: it is not read. More than honest ones have in flight. */
    CHECKING_BYTES = 8 << 20,
    RETRY_US = 20 * 1000,
};

static const struct produce_refusal nothing_to_say;

/* ---- Lists ---- */

static struct produce_list *list_of(struct partition_produce *produce) {
    return produce->place == PLACE_ELECTING ? &produce->partition->electing
                                            : &produce->partition->waiting;
}

static void take_out(struct partition_produce *produce) {
    if (produce->place == PLACE_CHECKING)
        partition_check_cancel(produce);
    else if (produce->place == PLACE_GUARDED)
        partition_guard_cancel(produce);
    else if (produce->place == PLACE_HELD)
        partition_refusal_cancel(produce);
    else
        produce_list_remove(list_of(produce), produce);
    produce->place = PLACE_NONE;
}

static void put_behind(struct partition_produce *produce, struct partition_produce *before,
                       enum produce_place place) {
    produce->place = place;
    produce_list_insert(list_of(produce), produce, before);
}

static void wait_for_commit(struct partition_produce *produce, kafka_offset end_offset) {
    produce->end_offset = end_offset;
    struct partition_produce *before = produce->partition->waiting.last;
    while (before != NULL && before->end_offset > end_offset)
        before = before->prev;
    put_behind(produce, before, PLACE_WAITING);
}

static void set_result(struct partition_produce *produce, int16_t error, kafka_offset base_offset,
                       int64_t log_append_time_ms) {
    /* Offsets are the log's, never a client's. */
    CHECK((error == KAFKA_NONE) == (base_offset >= 0));
    produce->error = error;
    produce->base_offset = base_offset;
    produce->log_append_time_ms = log_append_time_ms;
}

static void finish_with_error(struct partition_produce *produce, int16_t error) {
    take_out(produce);
    set_result(produce, error, -1, -1);
    produce->done(produce, &nothing_to_say);
}

/* ---- Checking and appending ---- */

/* The broker's own batch, so it can be read. */
static void begin_marker(struct partition *partition, const struct record_batch *header) {
    struct transaction_marker marker;
    int error = transaction_marker_read(header, &marker);
    CHECK(error ==
          ERR_NONE); /* partition_marker.c made it; clients' are refused (record_check.c) */
    struct producer_marker begun = producer_marker_of(&marker, partition->next_offset,
                                                      header->max_timestamp);
    producer_state_begin_marker(partition->producers, &begun);
}

void partition_produce_append(struct partition *partition, struct partition_produce *produce,
                              struct produced_batch *batch) {
    int64_t now_ms = env_wall_ms(partition->env);
    kafka_offset base_offset = partition->next_offset;
    bool log_append_time = partition->settings.log_append_time;
    if (record_batch_is_control(&batch->header)) {
        begin_marker(partition, &batch->header);
    } else if (batch->header.producer_id >= 0) {
        struct producer_batch identity = producer_batch_of(
            &batch->header, base_offset, log_append_time ? now_ms : batch->max_timestamp);
        producer_state_begin(partition->producers, &identity);
    }
    append_queue_add(partition, batch, now_ms, produce->came_us);
    partition_delay_appended(partition, batch);
    env_defer(partition->env, &partition->flush);
    set_result(produce, KAFKA_NONE, base_offset, log_append_time ? now_ms : -1);
    wait_for_commit(produce, partition->next_offset);
}

void partition_produce_join(struct partition_produce *produce, kafka_offset base_offset,
                            kafka_offset end_offset) {
    set_result(produce, KAFKA_NONE, base_offset, -1);
    wait_for_commit(produce, end_offset);
}

/* It came before. */
static enum completion answer_again(struct partition *partition, struct partition_produce *produce,
                                    const struct record_batch *header,
                                    enum producer_verdict verdict,
                                    const struct producer_batch *known) {
    int64_t time_ms = partition->settings.log_append_time ? known->timestamp : -1;
    set_result(produce, KAFKA_NONE, known->base_offset, time_ms);
    if (verdict == PRODUCER_COMMITTED) return DONE;
    wait_for_commit(produce, known->base_offset + header->record_count);
    return PENDING;
}

static bool is_invited(const struct partition *partition, const struct produced_records *records,
                       const struct record_batch *header) {
    struct kp_string id = records->transactional_id;
    return id.len > 0 && producer_state_is_invited(partition->producers, header->producer_id,
                                                   header->producer_epoch, id.data, (size_t)id.len);
}

/* Nothing of it is open here: whether it may be the coordinator of the transaction knows, who is
 * asked unless he has said so. */
static bool asks_to_open(const struct partition *partition, const struct produced_records *records,
                         const struct record_batch *header) {
    return record_batch_is_transactional(header) && !MUTANT(MUTANT_NOT_VERIFIED) &&
           !producer_state_is_open(partition->producers, header->producer_id) &&
           !is_invited(partition, records, header);
}

enum sequence_place { SEQUENCE_NEXT, SEQUENCE_OVER, SEQUENCE_WAITS };

static enum sequence_place check_sequence(struct partition *partition,
                                          struct partition_produce *produce,
                                          const struct record_batch *header, int16_t room,
                                          struct error_text *why) {
    int64_t now_ms = (int64_t)env_now_ms(partition->env);
    struct producer_batch identity = producer_batch_of(header, -1, -1), known;
    enum producer_verdict verdict = producer_state_check(partition->producers, &identity, now_ms,
                                                         &known);
    if (partition_producer_is_stranger(partition, verdict, header->producer_id)) {
        /* What it sends behind it must not be judged before. */
        if (verdict == PRODUCER_NEW || verdict == PRODUCER_TOO_MANY)
            producer_state_refuse(partition->producers, &identity, now_ms);
        partition_refusal_ask_id(partition, produce, header->producer_id);
        return SEQUENCE_WAITS;
    }
    switch (verdict) {
    case PRODUCER_APPEND:
    case PRODUCER_NEW:
        if (room != KAFKA_NONE) producer_state_refuse(partition->producers, &identity, now_ms);
        return SEQUENCE_NEXT;
    case PRODUCER_COMMITTED:
    case PRODUCER_IN_FLIGHT:
        partition->counts->repeated++;
        return answer_again(partition, produce, header, verdict, &known) == DONE ? SEQUENCE_OVER
                                                                                 : SEQUENCE_WAITS;
    case PRODUCER_TOO_MANY:
        set_result(produce, partition_refuse_crowded(partition, &identity, why), -1, -1);
        return SEQUENCE_OVER;
    case PRODUCER_MARKER_AWAITED:
        producer_state_refuse(partition->producers, &identity, now_ms);
        set_result(produce, KAFKA_NOT_ENOUGH_REPLICAS, -1, -1);
        return SEQUENCE_OVER;
    case PRODUCER_BEHIND_REFUSED:
        set_result(produce, KAFKA_NOT_ENOUGH_REPLICAS, -1, -1);
        return SEQUENCE_OVER;
    default: break;
    }
    int16_t code = partition_refuse_sequence(partition, verdict, &identity, why);
    if (MUTANT(MUTANT_VERDICT_UNCONFIRMED)) {
        set_result(produce, code, -1, -1);
        return SEQUENCE_OVER;
    }
    partition_refusal_hold(partition, produce, code, why);
    return SEQUENCE_WAITS;
}

/* The check is over, with `code`. `guarded`: it is its turn in the guard of its producer. PENDING:
 * it waits for its commit, for its verdict, or for the coordinator of its transaction. */
static enum completion append_checked(struct partition *partition,
                                      struct partition_produce *produce,
                                      struct produced_batch *batch, int16_t code, bool guarded,
                                      struct produce_refusal *refusal) {
    struct error_text no_room;
    if (code == KAFKA_NONE) code = partition_delay_look(partition, batch, refusal);
    if (code != KAFKA_NONE) {
        set_result(produce, code, -1, -1);
        return DONE;
    }
    if (!guarded && guards_busy(partition->guards, batch->header.producer_id)) {
        partition_guard_wait(partition, produce, batch);
        return PENDING;
    }
    int16_t room = partition_room_for(partition, (uint64_t)produce->records.len, &no_room);
    enum sequence_place place = SEQUENCE_NEXT;
    if (batch->header.producer_id >= 0)
        place = check_sequence(partition, produce, &batch->header, room, &refusal->why);
    if (place == SEQUENCE_NEXT && room != KAFKA_NONE) {
        refusal->why = no_room;
        set_result(produce, room, -1, -1);
        place = SEQUENCE_OVER;
    } else if (place == SEQUENCE_NEXT &&
               (code = partition_delay_room(partition, batch, &refusal->why)) != KAFKA_NONE) {
        set_result(produce, code, -1, -1);
        place = SEQUENCE_OVER;
    } else if (place == SEQUENCE_NEXT && !guarded &&
               asks_to_open(partition, &produce->records, &batch->header)) {
        partition_guard_wait(partition, produce, batch);
        return PENDING;
    } else if (place == SEQUENCE_NEXT) {
        partition_produce_append(partition, produce, batch);
    }
    produced_batch_release(batch);
    return place == SEQUENCE_WAITS || place == SEQUENCE_NEXT ? PENDING : DONE;
}

enum completion partition_produce_judge(struct partition *partition,
                                        struct partition_produce *produce,
                                        struct produced_batch *batch) {
    struct produce_refusal refusal;
    bool asks = produce->records.transactional_id.len >= 0 && !MUTANT(MUTANT_OFFSETS_NOT_VERIFIED);
    return append_checked(partition, produce, batch, KAFKA_NONE, !asks, &refusal);
}

static void on_checked(struct partition_produce *produce, struct produced_batch *batch,
                       int16_t code, struct produce_refusal *refusal) {
    produce->place = PLACE_NONE;
    enum completion completion = append_checked(produce->partition, produce, batch, code, false,
                                                refusal);
    if (completion == PENDING && produce->abandoned) {
        take_out(produce);
        completion = DONE;
    }
    if (completion == DONE)
        produce->done(produce, refusal);
    else if (produce->checked != NULL)
        produce->checked(produce);
}

static void on_told(struct partition_produce *produce, struct produced_batch *batch, int16_t code,
                    struct produce_refusal *refusal) {
    if (append_checked(produce->partition, produce, batch, code, true, refusal) == DONE)
        produce->done(produce, refusal);
}

static void on_judged(struct partition_produce *produce, int16_t code,
                      const struct produce_refusal *refusal) {
    produce->place = PLACE_NONE;
    /* what was there already lies below the watermark */
    set_result(produce, code, code == KAFKA_NONE ? produce->partition->high_watermark : -1, -1);
    produce->done(produce, refusal);
}

/* On a leader. PENDING: it is checked, or waits for its commit. */
static enum completion produce_take(struct partition *partition, struct partition_produce *produce,
                                    struct produce_refusal *refusal) {
    struct produced_batch batch;
    int16_t code;
    /* Who sends none asks what would meet any (client/kafka/produce_reason.c). */
    code = produce->records.len > 0 ? KAFKA_NONE : partition_room_for(partition, 0, &refusal->why);
    if (code != KAFKA_NONE) {
        set_result(produce, code, -1, -1);
        return DONE;
    }
    if (partition_check(partition, produce, &batch, &code, refusal))
        return append_checked(partition, produce, &batch, code, false, refusal);
    produce->place = PLACE_CHECKING;
    return PENDING;
}

enum completion partition_produce(struct partition *partition,
                                  const struct produced_records *records,
                                  struct partition_produce *produce,
                                  struct produce_refusal *refusal) {
    refusal->why.text[0] = '\0';
    refusal->reject_count = 0;
    produce->partition = partition;
    produce->records = *records;
    produce->came_us = env_now_us(partition->env);
    produce->place = PLACE_NONE;
    produce->abandoned = false;
    bool electing;
    int16_t code = partition_leadership(partition, -1, &electing);
    if (electing) {
        put_behind(produce, partition->electing.last, PLACE_ELECTING);
        return PENDING;
    }
    if (code != KAFKA_NONE) {
        set_result(produce, code, -1, -1);
        return DONE;
    }
    return produce_take(partition, produce, refusal);
}

/* ---- Ends ---- */

void partition_produces_leading(struct partition *partition) {
    struct partition_produce *produce;
    struct produce_refusal refusal;
    while ((produce = partition->electing.first) != NULL && partition->leading) {
        take_out(produce);
        if (produce_take(partition, produce, &refusal) == DONE) produce->done(produce, &refusal);
    }
}

void partition_produces_advance(struct partition *partition) {
    struct partition_produce *produce;
    while ((produce = partition->waiting.first) != NULL &&
           produce->end_offset <= partition->high_watermark) {
        take_out(produce);
        produce->done(produce, &nothing_to_say);
    }
}

/* What the group has not taken will not be offered again. Returns the offset with which it began.
 */
static int64_t withdraw_queue(struct partition *partition) {
    env_timer_stop(partition->retry);
    env_defer_cancel(partition->env, &partition->flush);
    return append_queue_withdraw(partition);
}

void partition_produces_fail(struct partition *partition, int16_t error) {
    withdraw_queue(partition);
    struct partition_produce *produce;
    while ((produce = partition->waiting.first) != NULL)
        finish_with_error(produce, error);
    while ((produce = partition_check_take(partition)) != NULL) {
        produce->place = PLACE_NONE;
        set_result(produce, error, -1, -1);
        produce->done(produce, &nothing_to_say);
    }
    guards_fail(partition->guards, error);
    while ((produce = partition->held.first) != NULL)
        finish_with_error(produce, error);
    while ((produce = partition->electing.first) != NULL)
        finish_with_error(produce, error);
}

static struct partition_produce *last_refused(const struct partition *partition,
                                              kafka_offset from_offset) {
    struct partition_produce *produce = partition->waiting.last;
    while (produce != NULL && produce->end_offset > from_offset && produce->error == KAFKA_NONE)
        produce = produce->prev;
    return produce != NULL && produce->end_offset > from_offset ? produce : NULL;
}

/* What the group has not taken is refused with `error`; not what those append who are told so. */
static void refuse_queue(struct partition *partition, int16_t error) {
    kafka_offset from_offset = withdraw_queue(partition);
    partition_delay_withdrawn(partition);
    producer_state_withdraw(partition->producers, from_offset, (int64_t)env_now_ms(partition->env));
    struct partition_produce *produce = partition->waiting.last;
    for (; produce != NULL && produce->end_offset > from_offset; produce = produce->prev)
        set_result(produce, error, -1, -1);
    while ((produce = last_refused(partition, from_offset)) != NULL)
        finish_with_error(produce, error);
}

/* Not appended, and to be sent again: what the producer sent behind it must not be appended before.
 */
static void refuse_unappended(struct partition_produce *produce) {
    struct partition *partition = produce->partition;
    struct record_batch header;
    struct producer_batch known;
    const struct produced_records *records = &produce->records;
    int64_t now_ms = (int64_t)env_now_ms(partition->env);
    int error = record_batch_parse(records->data, (size_t)records->len, &header, NULL);
    if (error == ERR_NONE && header.producer_id >= 0) {
        struct producer_batch identity = producer_batch_of(&header, -1, -1);
        enum producer_verdict verdict = producer_state_check(partition->producers, &identity,
                                                             now_ms, &known);
        if (verdict == PRODUCER_APPEND || verdict == PRODUCER_NEW)
            producer_state_refuse(partition->producers, &identity, now_ms);
    }
    finish_with_error(produce, KAFKA_REQUEST_TIMED_OUT);
}

/* With it goes what waits behind it in its line, from the end: who is told may take out others. */
static void time_out_checking(struct partition_produce *produce) {
    while (produce->place == PLACE_CHECKING)
        refuse_unappended(partition_check_last(produce));
}

bool partition_produce_is_taken(const struct partition_produce *produce) {
    const struct forming_entry *first = produce->partition->queue.first;
    return first == NULL || produce->end_offset <= first->base_offset;
}

void partition_produce_time_out(struct partition_produce *produce) {
    struct partition *partition = produce->partition;
    /* The caller asks for what is pending, which is in a list. */
    CHECK(produce->place != PLACE_NONE);
    if (produce->place == PLACE_CHECKING) {
        time_out_checking(produce);
        return;
    }
    if (produce->place == PLACE_GUARDED) {
        partition_guard_note_refusal(produce);
        finish_with_error(produce, KAFKA_NOT_ENOUGH_REPLICAS);
        return;
    }
    if (produce->place == PLACE_ELECTING || produce->place == PLACE_HELD) {
        finish_with_error(produce, KAFKA_NOT_LEADER_OR_FOLLOWER);
        return;
    }
    if (partition_produce_is_taken(produce))
        finish_with_error(produce, KAFKA_REQUEST_TIMED_OUT);
    else
        refuse_queue(partition, KAFKA_NOT_ENOUGH_REPLICAS);
}

void partition_produce_cancel(struct partition_produce *produce) {
    if (produce->place != PLACE_NONE) take_out(produce);
}

bool partition_produce_abandon(struct partition_produce *produce) {
    produce->abandoned = produce->place == PLACE_CHECKING;
    if (!produce->abandoned) partition_produce_cancel(produce);
    return produce->abandoned;
}

bool partition_is_congested(const struct partition *partition) {
    return partition->queue.bytes >= CONGESTED_BYTES;
}

bool partition_produce_is_checking(const struct partition_produce *produce) {
    return produce->place == PLACE_CHECKING;
}

bool partition_produce_is_congested(const struct partition_produce *produce) {
    return produce->place == PLACE_CHECKING && partition_check_bytes(produce) >= CHECKING_BYTES;
}

/* ---- Into the group ---- */

void partition_produces_flush(struct partition *partition) {
    if (!partition->leading) return;
    append_queue_fill(partition);
    int error = append_queue_flush(partition);
    if (error == ERR_LIMIT) {
        env_timer_start(partition->retry, RETRY_US);
    } else if (error == ERR_NO_SPACE) {
        refuse_queue(partition, KAFKA_STORAGE_ERROR);
    } else if (error != ERR_NONE) { /* it is handing over, or `lost` is on its way */
        refuse_queue(partition, KAFKA_NOT_LEADER_OR_FOLLOWER);
    } else if (MUTANT(MUTANT_WATERMARK_AT_APPEND)) {
        partition->high_watermark = partition->next_offset;
        partition_produces_advance(partition);
    }
}

static void end_of_turn(struct env_task *task) {
    partition_produces_flush(CONTAINER_OF(task, struct partition, flush));
}

static void retry(void *arg) {
    partition_produces_flush(arg);
}

void partition_produces_open(struct partition *partition) {
    partition->flush.run = end_of_turn;
    partition->checked = on_checked;
    partition->judged = on_judged;
    partition->told = on_told;
    partition_checks_open(partition);
    partition->retry = env_timer_new(partition->env, retry, partition);
}

void partition_produces_close(struct partition *partition) {
    partition_checks_close(partition);
    withdraw_queue(partition);
    env_timer_free(partition->retry);
}
