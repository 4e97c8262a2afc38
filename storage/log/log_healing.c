/* A round of healing: which segment is next, its jobs, what is lacking. */
#include "storage/log/log_healing.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "storage/heal/segment_mend.h"
#include "storage/log/log_internal.h"
#include "storage/log/log_reading.h"
#include "storage/log/write_behind.h"

enum { STEP_BYTES = 1 << 20 };

enum heal_stage { HEAL_CHECK, HEAL_OPEN, HEAL_ASK, HEAL_TAKE, HEAL_WRITE, HEAL_REFILL, HEAL_MORE };

struct heal_round {
    struct env_job job; /* first: a job is its round */
    struct log_store *store;
    struct partition_log *log;   /* NULL: it is closed, or knows nothing of the round any more */
    struct log_healing *healing; /* the caller's; NULL: the round was cancelled */
    struct log_healing_options options;
    enum heal_stage stage;
    char *group_path;
    struct env_timer *timer;
    bool busy; /* a job is under way */
    int error; /* of it */
    bool sync_failed;

    struct segment *segment; /* held; NULL: none */
    struct segment_end end;  /* up to where it is looked at */
    bool covered;            /* that is all of it */
    struct segment_check check;
    uint64_t step_began; /* where the last step of the check began */
    struct segment_mend mend;
    struct mend_points points;
    bool has_points;           /* they are known, or cannot be */
    bool mending;              /* it is open */
    struct entry *entry;       /* that was given */
    uint64_t mended_at;        /* the last place that was written again; UINT64_MAX: none */
    struct log_refill *refill; /* of the segment; NULL: none */
    struct log_beside *beside; /* NULL: other files are not looked at now */
};

/* ---- Its end ---- */

static void end_mend(struct heal_round *round) {
    if (round->mending) segment_mend_close(&round->mend);
    round->mending = false;
    entry_unref(round->entry);
    round->entry = NULL;
}

static void leave_segment(struct heal_round *round) {
    end_mend(round);
    mem_free(round->points.points);
    round->points = (struct mend_points){0};
    round->has_points = false;
    if (round->segment == NULL) return;
    segment_check_close(&round->check);
    segment_let_go(round->segment);
    round->segment = NULL;
}

static void round_free(struct heal_round *round) {
    leave_segment(round);
    env_timer_free(round->timer);
    round->store->healing = NULL;
    mem_free(round->group_path);
    mem_free(round);
}

/* Nothing of it goes on; it is freed now, or when its job ends. */
static void round_detach(struct heal_round *round) {
    round->log->end_healing = NULL;
    if (round->refill) log_refill_leave(round->refill);
    round->refill = NULL;
    if (round->beside) log_beside_leave(round->beside);
    round->beside = NULL;
    env_timer_stop(round->timer);
    if (round->healing != NULL) round->healing->round = NULL;
    round->healing = NULL;
    round->log = NULL;
    if (!round->busy) round_free(round);
}

static void round_over(struct heal_round *round, int error) {
    struct log_healing *healing = round->healing;
    round_detach(round);
    if (healing != NULL) healing->done(healing, error);
}

void log_healing_cancel(struct log_healing *healing) {
    if (healing->round != NULL) round_detach(healing->round);
}

static void end_healing(struct partition_log *log) {
    round_over(log->store->healing, ERR_CANCELED);
}

/* ---- Jobs ---- */

static void open_mend(struct heal_round *round) {
    struct env *env = round->store->env;
    struct segment *segment = round->segment; /* only what never changes is looked at */
    if (!round->has_points)
        round->points = mend_points_load(env, round->group_path, &segment->header,
                                         round->end.position);
    round->has_points = true;
    if (round->check.header_damaged)
        segment_mend_open_header(&round->mend, env, round->group_path, segment->file,
                                 &segment->header, &round->end);
    else
        segment_mend_open(&round->mend, env, round->group_path, segment->file, &segment->header,
                          &round->end, &round->check.at, &round->points);
    round->error = round->mend.whole ? ERR_NONE : ERR_AGAIN;
}

static void round_work(struct env_job *job) {
    struct heal_round *round = (struct heal_round *)job;
    switch (round->stage) {
    case HEAL_CHECK: round->error = segment_check_step(&round->check, STEP_BYTES); break;
    case HEAL_OPEN: open_mend(round); break;
    case HEAL_TAKE: round->error = segment_mend_take(&round->mend, round->entry); break;
    case HEAL_WRITE: round->error = segment_mend_write(&round->mend, &round->sync_failed); break;
    case HEAL_ASK:
    case HEAL_REFILL:
    case HEAL_MORE: break;
    }
}

static void round_done(struct env_job *job);

static void run(struct heal_round *round, enum heal_stage stage) {
    struct log_store *store = round->store;
    bool writes = stage == HEAL_WRITE;
    round->stage = stage;
    round->busy = true;
    round->job = (struct env_job){.work = round_work, .done = round_done};
    log_store_run_job(store, writes ? log_store_lane(store, round->log->group) : store->clean_lane,
                      &round->job);
}

/* ---- Segments ---- */

static void next_segment(struct heal_round *round);

/* All of the segment is sound. */
static void note_sound(struct heal_round *round) {
    if (!round->covered || round->segment->files == NULL) return;
    round->segment->damaged = false;
    partition_log_note_whole(round->log);
}

/* The segment is through, sound or not. */
static void end_segment(struct heal_round *round) {
    round->healing->next = round->segment->end.offset;
    if (round->segment->active) round->healing->next = INT64_MAX;
    round->options.from = round->segment->header.base_offset + 1;
    leave_segment(round);
    next_segment(round);
}

static struct segment *find_next(const struct heal_round *round) {
    const struct partition_log *log = round->log;
    for (size_t i = 0; i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];
        bool wanted = round->options.all || segment->damaged;
        if (wanted && segment->header.base_offset >= round->options.from &&
            (segment->synced > SEGMENT_HEADER_SIZE || segment_is_cleaned(&segment->header)) &&
            !segment->moving)
            return segment;
    }
    return NULL;
}

/* What is not synced yet is in the journal, too, and may still be written. */
static void find_end(struct heal_round *round) {
    const struct segment *segment = round->segment;
    round->covered = segment->synced == segment->end.position;
    round->end = segment->end;
    if (round->covered) return;
    round->end.position = segment->synced;
    round->end.last_index = round->log->synced;
    write_behind_sync(round->log, round->log->committed);
}

static void next_segment(struct heal_round *round) {
    struct log_healing *healing = round->healing;
    struct segment *segment = find_next(round);
    if (segment == NULL) healing->next = INT64_MAX;
    if (segment == NULL || healing->read_bytes >= round->options.bytes) {
        round_over(round, ERR_NONE);
        return;
    }
    segment_hold(segment);
    int error = segment_open_file(segment);
    if (error) {
        log_note_damage(round->log, segment, error, 0);
        round->options.from = segment->header.base_offset + 1;
        segment_let_go(segment);
        if (segment->damaged)
            next_segment(round);
        else
            round_over(round, error);
        return;
    }
    round->segment = segment;
    round->mended_at = UINT64_MAX;
    find_end(round);
    segment_check_begin(&round->check, segment->file, &segment->header, &round->end);
    round->step_began = 0;
    run(round, HEAL_CHECK);
}

/* ---- What is damaged ---- */

static void on_refill_lacks(void *arg, bool begins) {
    struct heal_round *round = arg;
    struct log_lack lack = {.index = round->segment->header.first_index,
                            .base_offset = round->segment->header.base_offset,
                            .last = round->segment->end.last_index,
                            .begins = begins};
    round->healing->lacks(round->healing, &lack);
}

static void on_refill_lacks_state(void *arg) {
    struct heal_round *round = arg;
    struct log_lack lack = {.last = round->segment->end.last_index, .state = true};
    round->healing->lacks(round->healing, &lack);
}

static void on_refilled(void *arg, int error, uint64_t entries) {
    struct heal_round *round = arg;
    round->refill = NULL;
    if (error == ERR_NONE) {
        round->healing->mended_places++;
        round->healing->mended_entries += entries;
    }
    end_segment(round);
}

/* The next round may. */
static void prepare_refill(struct heal_round *round) {
    struct log_lack lack = {.last = round->segment->end.last_index, .further = true};
    if (log_refill_prepare(round->log, round->segment)) {
        end_segment(round);
        return;
    }
    round->stage = HEAL_MORE;
    round->healing->lacks(round->healing, &lack);
}

/* Nobody has the same bytes: then what they have instead. */
static void refill_or_leave(struct heal_round *round) {
    static const struct log_refill_events events = {on_refill_lacks_state, on_refill_lacks,
                                                    on_refilled};
    struct segment *segment = round->segment;
    end_mend(round);
    bool wanted = !round->options.all && segment->files != NULL;
    if (!wanted || !log_refill_may(round->log, segment)) {
        if (wanted)
            prepare_refill(round);
        else
            end_segment(round);
        return;
    }
    round->stage = HEAL_REFILL;
    round->refill = log_refill_begin(round->log, segment, &events, round);
}

void log_healing_give_range(struct log_healing *healing, struct entry *const *entries, size_t count,
                            bool through) {
    CHECK(healing->round != NULL && healing->round->refill != NULL); /* the owner's own state */
    log_refill_give(healing->round->refill, entries, count, through);
}

void log_healing_applied(struct log_healing *healing) {
    CHECK(healing->round != NULL && healing->round->refill != NULL);
    log_refill_applied(healing->round->refill);
}

void log_healing_range_again(struct log_healing *healing) {
    CHECK(healing->round != NULL && healing->round->refill != NULL);
    log_refill_again(healing->round->refill);
}

static bool can_be_mended(const struct heal_round *round) {
    const struct segment *segment = round->segment;
    bool raw = !segment_is_cleaned(&segment->header);
    return segment->files != NULL && (round->check.header_damaged ||
                                      (raw && round->check.at.index >= round->log->first_index));
}

static void mend_or_leave(struct heal_round *round) {
    uint64_t at = round->check.header_damaged ? 0 : round->check.at.position;
    log_note_damage(round->log, round->segment, round->error, at);
    if (!round->segment->damaged) { /* a matter of the moment */
        round_over(round, round->error);
        return;
    }
    if (!can_be_mended(round) || round->mended_at == at) {
        refill_or_leave(round);
        return;
    }
    const struct segment_index *index = round->segment->index;
    if (!round->has_points && index != NULL && index->has_points) {
        round->points = mend_points_copy(index);
        round->has_points = true;
    }
    round->mending = true;
    run(round, HEAL_OPEN);
}

static void ask(struct heal_round *round) {
    const struct segment_mend *mend = &round->mend;
    struct log_lack lack = {.index = mend->first + mend->count,
                            .base_offset = round->check.at.offset};
    if (mend->count > 0) {
        const struct entry *before = mend->entries[mend->count - 1];
        lack.base_offset = before->base_offset + before->records;
    }
    if (lack.index < round->log->first_index) { /* it is gone meanwhile */
        end_segment(round);
        return;
    }
    lack.term = partition_log_term_at(round->log, lack.index);
    round->stage = HEAL_ASK;
    round->healing->lacks(round->healing, &lack);
}

static bool is_lacking(const struct heal_round *round, const struct entry *entry) {
    const struct segment_mend *mend = &round->mend;
    const struct entry *before = mend->count > 0 ? mend->entries[mend->count - 1] : NULL;
    kafka_offset offset = before != NULL ? before->base_offset + before->records
                                         : round->check.at.offset;
    return entry->group == round->log->group && entry->index == mend->first + mend->count &&
           entry->term == partition_log_term_at(round->log, entry->index) &&
           entry->base_offset == offset;
}

int log_healing_give(struct log_healing *healing, struct entry *entry) {
    struct heal_round *round = healing->round;
    CHECK(round != NULL && round->stage == HEAL_ASK); /* the owner's own state */
    if (!is_lacking(round, entry)) return ERR_CORRUPT;
    round->entry = entry_ref(entry);
    run(round, HEAL_TAKE);
    return ERR_NONE;
}

void log_healing_give_up(struct log_healing *healing) {
    struct heal_round *round = healing->round;
    CHECK(round != NULL &&
          (round->stage == HEAL_ASK || round->stage == HEAL_MORE || round->refill != NULL));
    if (round->stage == HEAL_MORE)
        end_segment(round);
    else if (round->refill)
        log_refill_give_up(round->refill);
    else
        refill_or_leave(round);
}

/* What was written is read again, and then what follows. */
static void check_again(struct heal_round *round) {
    struct segment *segment = round->segment;
    struct check_place at = round->check.at;
    bool header = round->check.header_damaged;
    round->mended_at = header ? 0 : at.position;
    round->healing->mended_places++;
    round->healing->mended_entries += round->mend.count;
    mem_free(segment->block_crcs);
    segment->block_crcs = NULL;
    memset(round->log->hints, 0, sizeof round->log->hints); /* places that no index tells of */
    end_mend(round);
    segment_check_close(&round->check);
    if (header)
        segment_check_begin(&round->check, segment->file, &segment->header, &round->end);
    else
        segment_check_begin_at(&round->check, segment->file, &segment->header, &round->end, &at);
    round->step_began = round->check.at.position;
    run(round, HEAL_CHECK);
}

/* ---- What jobs say ---- */

static void on_beside(void *arg) {
    struct heal_round *round = arg;
    round->beside = NULL;
    next_segment(round);
}

/* The first round over all of a log has to do with its other files, too. */
static void begin_round(struct heal_round *round) {
    if (round->options.all && round->options.from <= 0 && round->log->install == NULL)
        round->beside = log_beside_begin(round->log, on_beside, round);
    else
        next_segment(round);
}

static void fire(void *arg) {
    struct heal_round *round = arg;
    if (round->segment == NULL)
        begin_round(round);
    else
        run(round, HEAL_CHECK);
}

/* The next step, when the last one's bytes are paid for. */
static void step_on(struct heal_round *round) {
    uint64_t bytes = round->check.at.position - round->step_began;
    round->step_began = round->check.at.position;
    round->healing->read_bytes += bytes;
    uint64_t pause_us = bytes * 1000000 / round->options.bytes_per_second;
    if (pause_us == 0)
        run(round, HEAL_CHECK);
    else
        env_timer_start(round->timer, pause_us);
}

static void checked(struct heal_round *round) {
    if (round->error == ERR_NONE) {
        step_on(round);
    } else if (round->error == ERR_EOF) {
        round->healing->read_bytes += round->check.at.position - round->step_began;
        note_sound(round);
        end_segment(round);
    } else {
        mend_or_leave(round);
    }
}

static void take_result(struct heal_round *round) {
    if (round->segment->files == NULL) { /* the log has let go of it meanwhile */
        end_segment(round);
    } else if (round->stage == HEAL_CHECK) {
        checked(round);
    } else if (round->stage == HEAL_WRITE) {
        if (round->error)
            round_over(round, round->error);
        else
            check_again(round);
    } else {
        entry_unref(round->entry);
        round->entry = NULL;
        if (round->error == ERR_NONE)
            run(round, HEAL_WRITE);
        else if (round->error == ERR_AGAIN)
            ask(round);
        else
            refill_or_leave(round);
    }
}

static void round_done(struct env_job *job) {
    struct heal_round *round = (struct heal_round *)job;
    struct log_store *store = round->store;
    round->busy = false;
    if (round->sync_failed)
        env_fatal(
            store->env,
            "cannot sync what was mended in %s (%s); %s, and start this broker again: what it acknowledged is in its segments "
            "and its journal",
            round->group_path, error_phrase(round->error), error_advice(round->error));
    if (round->log != NULL)
        take_result(round);
    else
        round_free(round);
    log_store_job_done(store);
}

bool log_healing_may_help(const struct partition_log *log) {
    for (size_t i = 0; i < log->segment_count; i++) {
        const struct segment *segment = log->segments[i];
        if (segment->damaged && !segment_is_cleaned(&segment->header) &&
            segment->end.last_index >= log->first_index &&
            segment->header.base_offset >= log->prefix.offset)
            return true;
    }
    return false;
}

int log_healing_begin(struct partition_log *log, const struct log_healing_options *options,
                      struct log_healing *healing) {
    struct log_store *store = log->store;
    if (store->healing != NULL) return ERR_BUSY;
    struct heal_round *round = mem_zalloc(sizeof *round);
    round->store = store;
    round->log = log;
    round->healing = healing;
    round->options = *options;
    round->group_path = mem_strdup(log->path);
    round->timer = env_timer_new(store->env, fire, round);
    healing->round = round;
    healing->read_bytes = healing->mended_entries = healing->mended_places = 0;
    healing->next = options->from;
    store->healing = round;
    log->end_healing = end_healing;
    env_timer_start(round->timer, 0);
    return ERR_NONE;
}
