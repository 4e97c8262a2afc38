/* What is to be done next for a share-partition, and doing it. */
#include "broker/letters/letter_mover.h"

#include <inttypes.h>
#include <string.h>

#include <utlist.h>

#include "base/container_of.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/letters/letter_reading.h"
#include "broker/letters/letter_target.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"

enum stage {
    LOOKS,  /* nothing is under way */
    PAUSES, /* until it is tried again */
    READS,
    TAKES_ID, /* of a producer */
    MOVES,    /* until the MOVE has committed */
    SENDS,
    ARCHIVES, /* until that has committed */
};

enum { COMMIT_LOOK_MS = 1000 };

/* Of one share-partition, as long as it has dead letters. */
struct errand {
    struct letter_mover *mover;
    uint64_t group; /* Raft's, of the partition */
    log_term term;
    char *id; /* of the share group */
    int32_t number;
    enum stage stage;
    bool active;            /* counted in LETTERS_AT_ONCE */
    struct letter *letters; /* room for SHARE_MOVE_RECORDS, while it is active; else NULL */
    size_t count;
    struct share_move move; /* that is under way, or is to be */
    bool afresh;            /* the target has forgotten the producer */
    bool bare;              /* the batch was too large for it */
    struct letter_reading reading;
    struct producer_id_wait id_wait;
    struct letter_call call;
    struct env_timer *timer;
    uint32_t pause_ms; /* the last one; 0: all is well */
    struct errand *next, *prev;
};

struct letter_mover {
    struct letter_mover_options options;
    struct errand *errands;
    size_t active;
    struct env_task next; /* of those that wait until others are through */
    struct log_limiter limiter;
};

static void go_on(struct errand *errand);

/* ---- Errands ---- */

static void drop_letters(struct errand *errand) {
    for (size_t i = 0; i < errand->count; i++)
        letter_drop(&errand->letters[i]);
    errand->count = 0;
}

/* False: too many others are; it is called again when one is through. */
static bool activate(struct errand *errand) {
    struct letter_mover *mover = errand->mover;
    if (errand->active) return true;
    if (mover->active >= LETTERS_AT_ONCE) return false;
    mover->active++;
    errand->active = true;
    errand->letters = mem_zalloc(SHARE_MOVE_RECORDS * sizeof *errand->letters);
    return true;
}

/* Nothing of it is held any more. */
static void rest(struct errand *errand) {
    drop_letters(errand);
    if (!errand->active) return;
    mem_free(errand->letters);
    errand->letters = NULL;
    errand->active = false;
    errand->mover->active--;
    env_defer(errand->mover->options.env, &errand->mover->next);
}

static void next_ones(struct env_task *task) {
    struct letter_mover *mover = CONTAINER_OF(task, struct letter_mover, next);
    struct errand *errand, *next;
    DL_FOREACH_SAFE(mover->errands, errand, next) {
        if (errand->stage == LOOKS && mover->active < LETTERS_AT_ONCE) go_on(errand);
    }
}

static void errand_free(struct errand *errand) {
    struct letter_mover *mover = errand->mover;
    if (errand->stage == READS) letter_reading_cancel(&errand->reading);
    if (errand->stage == TAKES_ID) producer_ids_take_cancel(mover->options.ids, &errand->id_wait);
    letter_call_cancel(&errand->call);
    rest(errand);
    DL_DELETE(mover->errands, errand);
    offset_ranges_free(&errand->move.records);
    env_timer_free(errand->timer);
    mem_free(errand->id);
    mem_free(errand);
}

/* What waits for a commit is looked at now and then: the lead may be lost meanwhile. It is never
 * submitted again, for the log may have it. */
static void on_timer(void *arg) {
    struct errand *errand = arg;
    if (errand->stage == PAUSES)
        errand->stage = LOOKS;
    else
        env_timer_start(errand->timer, COMMIT_LOOK_MS * UINT64_C(1000));
    go_on(errand);
}

static void wait_for_commit(struct errand *errand, enum stage stage) {
    errand->stage = stage;
    env_timer_start(errand->timer, COMMIT_LOOK_MS * UINT64_C(1000));
}

static struct errand *errand_new(struct letter_mover *mover, uint64_t group, log_term term,
                                 const struct share *share) {
    struct errand *errand = mem_zalloc(sizeof *errand);
    errand->mover = mover;
    errand->group = group;
    errand->term = term;
    errand->number = share->number;
    errand->id = mem_text(share->group.data, (size_t)share->group.len);
    errand->move.records.size = sizeof(struct offset_range);
    errand->timer = env_timer_new(mover->options.env, on_timer, errand);
    DL_APPEND(mover->errands, errand);
    return errand;
}

/* NULL: it is not led here any more, or not in that term, or the group has gone or begun anew. */
static struct share *share_of(const struct errand *errand, struct partition **partition) {
    *partition = partition_set_find_group(errand->mover->options.partitions, errand->group);
    if (*partition == NULL || !partition_is_leading(*partition) ||
        partition_leader_epoch(*partition) != (uint32_t)errand->term)
        return NULL;
    struct share *share = shares_find(partition_shares(*partition), kp_string_of(errand->id));
    return share == NULL || share->number != errand->number ? NULL : share;
}

static void pause(struct errand *errand, const char *why) {
    uint32_t pause_ms = errand->pause_ms == 0 ? LETTER_PAUSE_LEAST_MS : 2 * errand->pause_ms;
    if (pause_ms > LETTER_PAUSE_MOST_MS) {
        pause_ms = LETTER_PAUSE_MOST_MS;
        log_limited(errand->mover->options.log, &errand->mover->limiter, LOGGED_LETTERS_WAIT,
                    "dead letters of share group %.100s wait: %s", errand->id, why);
    }
    rest(errand);
    errand->pause_ms = pause_ms;
    errand->stage = PAUSES;
    env_timer_start(errand->timer, pause_ms * UINT64_C(1000));
}

static struct letter_target target_of(const struct errand *errand, const struct partition *source) {
    const struct letter_mover_options *options = &errand->mover->options;
    return letter_target_of(options->metadata, options->settings, errand->id,
                            partition_index(source));
}

/* ---- Behind the copy ---- */

/* All that the batch had, and is not archived yet. */
static void archive(struct errand *errand, struct share *share) {
    struct offset_ranges outcomes = {.size = sizeof(struct share_range)};
    for (size_t i = 0; i < errand->count; i++) {
        kafka_offset offset = errand->letters[i].offset;
        uint16_t count;
        if (offset < share->state.start ||
            share_state_of(&share->state, offset, &count) != SHARE_ARCHIVING)
            continue;
        *(struct share_range *)offset_ranges_append(&outcomes) = (struct share_range){
            .at = {offset, offset}, .state = SHARE_ARCHIVED};
    }
    share_end(share, &outcomes, NULL);
}

static bool has_forgotten(int16_t code) {
    return code == KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER || code == KAFKA_UNKNOWN_PRODUCER_ID ||
           code == KAFKA_INVALID_PRODUCER_EPOCH;
}

static void on_sent(struct letter_call *call, int16_t code) {
    struct errand *errand = CONTAINER_OF(call, struct errand, call);
    struct partition *partition;
    struct share *share = share_of(errand, &partition);
    if (share == NULL) {
        errand_free(errand);
        return;
    }
    if (code == KAFKA_NONE) {
        errand->pause_ms = 0;
        errand->afresh = errand->bare = false;
        wait_for_commit(errand, ARCHIVES);
        if (!MUTANT(MUTANT_LETTER_ARCHIVED_EARLY)) archive(errand, share);
        rest(errand);
        return;
    }
    if (has_forgotten(code)) errand->afresh = true;
    if (code == KAFKA_MESSAGE_TOO_LARGE) errand->bare = true;
    pause(errand, kafka_error_name(code));
}

static struct letter_origin origin_of(const struct errand *errand, const struct partition *source) {
    return (struct letter_origin){.topic = partition_topic(source),
                                  .group = errand->id,
                                  .partition = partition_index(source)};
}

static void send_batch(struct errand *errand, const struct partition *source,
                       const struct letter_target *target) {
    struct leader leader = leader_table_get(errand->mover->options.leaders,
                                            target->partition->group);
    struct letter_origin origin = origin_of(errand, source);
    size_t size = errand->count * letter_own_size(&origin);
    for (size_t i = 0; i < errand->count; i++)
        size += letter_size(&errand->letters[i]);
    uint8_t *batch;
    size_t len;
    if (leader.node == LEADER_NONE) {
        pause(errand, "nobody leads the partition in which they are to be; look at its brokers");
        return;
    }
    if (!letters_write(errand->letters, errand->count, &origin, errand->move.producer_id,
                       errand->move.sequence, errand->bare || size > target->most, &batch, &len)) {
        pause(errand, "they are too large for a batch");
        return;
    }
    errand->stage = SENDS;
    errand->call.done = on_sent;
    letter_exchange_send(errand->mover->options.exchange, &errand->call, leader.node,
                         target->partition->group, batch, len);
    mem_free(batch);
    if (MUTANT(MUTANT_LETTER_ARCHIVED_EARLY)) {
        struct partition *partition;
        archive(errand, share_of(errand, &partition));
    }
}

/* ---- What is moved ---- */

static void add_letter(struct errand *errand, kafka_offset offset,
                       const struct share_range *range) {
    struct letter *letter = &errand->letters[errand->count++];
    *letter = (struct letter){.offset = offset, .died_ms = env_wall_ms(errand->mover->options.env)};
    if (range == NULL || range->state != SHARE_ARCHIVING) return; /* its log has passed it */
    letter->died_ms = range->time_ms;
    letter->count = range->count;
    letter->reason = range->reason;
}

/* The same ones as before, whatever became of them. */
static void list_again(struct errand *errand, const struct share *share) {
    const struct offset_ranges *records = &share->state.move.records;
    for (size_t i = 0; i < records->count; i++) {
        const struct offset_range *range = offset_ranges_at(records, i);
        for (kafka_offset at = range->first; at <= range->last; at++)
            add_letter(errand, at,
                       at < share->state.start ? NULL
                                               : offset_ranges_over(&share->state.ranges, at));
    }
}

/* The oldest ones. */
static void list_first(struct errand *errand, const struct share *share) {
    const struct offset_ranges *ranges = &share->state.ranges;
    for (size_t i = 0; i < ranges->count && errand->count < SHARE_MOVE_RECORDS; i++) {
        const struct share_range *range = offset_ranges_at(ranges, i);
        if (range->state != SHARE_ARCHIVING) continue;
        for (kafka_offset at = range->at.first;
             at <= range->at.last && errand->count < SHARE_MOVE_RECORDS; at++)
            add_letter(errand, at, range);
    }
}

static void fill_move(struct errand *errand, const struct letter_target *target) {
    struct share_move *move = &errand->move;
    offset_ranges_free(&move->records);
    move->records.size = sizeof(struct offset_range);
    memcpy(move->topic, target->topic->id, sizeof move->topic);
    move->partition = target->partition->index;
    for (size_t i = 0; i < errand->count; i++) {
        kafka_offset offset = errand->letters[i].offset;
        size_t last = move->records.count;
        struct offset_range *range = last == 0 ? NULL : offset_ranges_at(&move->records, last - 1);
        if (range != NULL && range->last + 1 == offset)
            range->last = offset;
        else
            *(struct offset_range *)offset_ranges_append(&move->records) = (struct offset_range){
                offset, offset};
    }
}

/* It goes on when that has committed. */
static void submit(struct errand *errand, struct share *share) {
    wait_for_commit(errand, MOVES);
    if (share_begin_move(share, &errand->move) != ERR_NONE)
        pause(errand, "the log of the partition takes nothing at present");
}

static void on_id(struct producer_id_wait *wait, int16_t error, int64_t id) {
    struct errand *errand = CONTAINER_OF(wait, struct errand, id_wait);
    struct partition *partition;
    struct share *share = share_of(errand, &partition);
    errand->stage = LOOKS;
    errand->move.producer_id = id;
    errand->move.sequence = 0;
    if (share == NULL)
        errand_free(errand);
    else if (error != KAFKA_NONE)
        pause(errand, "there is no producer id for them; nobody leads the metadata");
    else
        submit(errand, share);
}

/* All that are to go now are read. */
static void begin_move(struct errand *errand, struct share *share,
                       const struct letter_target *target) {
    const struct share_move *last = &share->state.move;
    int32_t next = last->records.count == 0 ? -1 : share_move_next(last);
    fill_move(errand, target);
    if (next >= 0 && letter_target_is(target, last) && !errand->afresh) {
        errand->move.producer_id = last->producer_id;
        errand->move.sequence = next;
        submit(errand, share);
        return;
    }
    errand->stage = TAKES_ID;
    errand->id_wait.done = on_id;
    producer_ids_take(errand->mover->options.ids, &errand->id_wait);
}

/* A batch that was begun, and is to be the same again. */
static bool is_begun(const struct errand *errand, const struct share *share,
                     const struct letter_target *target) {
    return share->state.move.open && !MUTANT(MUTANT_LETTER_MOVE_ANEW) &&
           letter_target_is(target, &share->state.move) && !errand->afresh;
}

static void all_read(struct errand *errand, struct share *share, struct partition *partition,
                     const struct letter_target *target) {
    if (!is_begun(errand, share, target)) {
        begin_move(errand, share, target);
        return;
    }
    errand->move.producer_id = share->state.move.producer_id;
    errand->move.sequence = share->state.move.sequence;
    send_batch(errand, partition, target);
}

static void on_read(struct letter_reading *reading, int16_t code) {
    struct errand *errand = CONTAINER_OF(reading, struct errand, reading);
    struct partition *partition;
    struct share *share = share_of(errand, &partition);
    errand->stage = LOOKS;
    if (share == NULL) {
        errand_free(errand);
        return;
    }
    struct letter_target target = target_of(errand, partition);
    if (code != KAFKA_NONE || target.topic == NULL) {
        pause(errand, code != KAFKA_NONE ? kafka_error_name(code) : target.why);
        return;
    }
    if (!is_begun(errand, share, &target))
        while (errand->count > reading->at)
            letter_drop(&errand->letters[--errand->count]);
    all_read(errand, share, partition, &target);
}

static void begin(struct errand *errand, struct share *share, struct partition *partition) {
    struct letter_target target = target_of(errand, partition);
    if (target.topic == NULL) {
        pause(errand, target.why);
        return;
    }
    if (!activate(errand)) return;
    drop_letters(errand);
    bool begun = is_begun(errand, share, &target);
    if (begun && !MUTANT(MUTANT_LETTER_OTHERS_AGAIN))
        list_again(errand, share);
    else
        list_first(errand, share);
    if (!target.copies) {
        all_read(errand, share, partition, &target);
        return;
    }
    struct letter_origin origin = origin_of(errand, partition);
    size_t most = target.most < LETTER_BATCH_BYTES ? target.most : LETTER_BATCH_BYTES;
    errand->stage = READS;
    errand->reading = (struct letter_reading){.done = on_read,
                                              .env = errand->mover->options.env,
                                              .partitions = errand->mover->options.partitions,
                                              .group = errand->group,
                                              .letters = errand->letters,
                                              .count = errand->count,
                                              .most = begun ? SIZE_MAX : most,
                                              .own = letter_own_size(&origin)};
    letter_reading_begin(&errand->reading);
}

/* ---- Steps ---- */

/* What it has submitted is there. */
static bool has_moved(const struct errand *errand, const struct share *share) {
    const struct share_move *move = &share->state.move;
    return move->records.count > 0 && move->producer_id == errand->move.producer_id &&
           move->sequence == errand->move.sequence;
}

static void go_on(struct errand *errand) {
    struct partition *partition;
    struct share *share = share_of(errand, &partition);
    if (share == NULL || (share->state.archiving == 0 && errand->stage != SENDS)) {
        errand_free(errand);
        return;
    }
    /* Its log may have passed all of them meanwhile. */
    if (errand->stage == MOVES && has_moved(errand, share) && !share->state.move.open)
        errand->stage = LOOKS;
    if (errand->stage == MOVES && has_moved(errand, share)) {
        struct letter_target target = target_of(errand, partition);
        if (target.topic == NULL || !letter_target_is(&target, &errand->move))
            pause(errand, target.topic == NULL ? target.why : "its topic has changed");
        else
            send_batch(errand, partition, &target);
    }
    if (errand->stage == ARCHIVES && !share->state.move.open) errand->stage = LOOKS;
    if (errand->stage == LOOKS) begin(errand, share, partition);
}

static struct errand *errand_for(struct letter_mover *mover, uint64_t group, log_term term,
                                 const struct share *share) {
    struct errand *errand;
    DL_FOREACH(mover->errands, errand) {
        if (errand->group == group && errand->number == share->number && errand->term == term)
            return errand;
    }
    return share->state.archiving == 0 ? NULL : errand_new(mover, group, term, share);
}

void letter_mover_look(void *arg, uint64_t group) {
    struct letter_mover *mover = arg;
    struct partition *partition = partition_set_find_group(mover->options.partitions, group);
    if (partition == NULL || !partition_is_leading(partition)) return;
    log_term term = partition_leader_epoch(partition);
    for (struct share *share = shares_from(partition_shares(partition), 0); share != NULL;
         share = share->next) {
        struct errand *errand = errand_for(mover, group, term, share);
        if (errand != NULL) go_on(errand);
    }
}

uint64_t letter_mover_waiting(const struct letter_mover *mover) {
    const struct errand *errand;
    uint64_t waiting = 0;
    DL_FOREACH(mover->errands, errand) {
        struct partition *partition;
        const struct share *share = share_of(errand, &partition);
        if (share != NULL) waiting += share->state.archiving;
    }
    return waiting;
}

/* ---- Life ---- */

struct letter_mover *letter_mover_new(const struct letter_mover_options *options) {
    struct letter_mover *mover = mem_zalloc(sizeof *mover);
    mover->options = *options;
    mover->next.run = next_ones;
    return mover;
}

void letter_mover_free(struct letter_mover *mover) {
    if (mover == NULL) return;
    while (mover->errands != NULL)
        errand_free(mover->errands);
    env_defer_cancel(mover->options.env, &mover->next);
    mem_free(mover);
}
