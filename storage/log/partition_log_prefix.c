/*
 * Letting go of whole segments at the front: partition_log_drop_prefix of partition_log.h; and of
 * entries whose segments stay, because those are about to be cleaned: partition_log_raise_start.
 *
 * One step at a time, the newest segment that may go and all before it:
 *   1 an applier's snapshot that reaches at least as far is on the disk, twice; else one is kept
 *     first
 *   2 the configuration in force there is read: its entry may be among those that go
 *   3 `start` is written (start_file.h), in the lane of the group
 *   4 the segments leave the tables; the owner is told
 *   5 their files go, when nobody reads them any more (dropped_segments.h)
 *
 * What a crash leaves, and what the next opening makes of it (recovered_segments.c):
 *   before `start` is renamed    the old one, all segments: as before, and the step is taken again
 *   after it                     segments below `start`: they are removed, whatever is left of them
 *   (no crash) `start` missing, or not whole, or no snapshot that reaches as far: damage
 *
 * What is too old or too much (partition_log_expiry): oldest first, a whole segment each. It goes
 * by its age (the largest timestamp of its records; the time of its seal if none has one), or
 * because what stays without it is not below the limit of bytes. What was let go of before and is
 * still here does not count; its sum is kept, so that no call walks over it. What is not sealed
 * goes only with all that follows it in memory, when all has committed.
 *
 * Failures: a full disk, or no more files, makes it wait and begin again; damage where the
 * configuration is keeps everything; any other error of writing ends the process. Invariants: index
 * <= that of a snapshot on the disk; index <= synced; a segment that is not sealed never goes.
 */
#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/log/applier_snapshot.h"
#include "storage/log/log_internal.h"
#include "storage/log/log_reading.h"
#include "storage/segment/prefix_source.h"

enum {
    TRY_AGAIN_US = 1000 * 1000,
    SEGMENTS_OF_A_CALL = 4096, /* of partition_log_expiry */
};

/* The step that writes `start`. */
struct prefix_job {
    struct env_job job; /* first: a job is its prefix_job */
    struct env *env;
    struct log_store *store;
    struct partition_log *log;
    struct start_file start;
    unsigned life; /* of the log */
    int error;
    struct env_timer *again; /* NULL: nothing was in the way so far */
};

/* ---- What may go ---- */

/* How many segments at the front lie below what was asked for; `index` stands in for that of the
 * log. */
static size_t count_below(const struct partition_log *log, log_index index) {
    size_t count = 0;
    while (count < log->segment_count) {
        const struct segment *segment = log->segments[count];
        if (segment->active || segment->end.offset > log->prefix.offset ||
            segment->end.last_index > index || segment->synced < segment->end.position)
            break;
        count++;
    }
    return count;
}

/* Of those, so many as leave an entry. */
static size_t count_droppable(const struct partition_log *log, log_index index) {
    size_t count = count_below(log, index);
    if (count > 0 && log->segments[count - 1]->end.last_index >= log->last_index) count--;
    return count;
}

log_index partition_log_waiting_prefix(const struct partition_log *log) {
    size_t count = count_droppable(log, log->prefix.index);
    bool waits = count < count_below(log, UINT64_MAX);
    return waits ? log->segments[count]->end.last_index : 0;
}

bool partition_log_keeps_prefix(const struct partition_log *log) {
    return log->roll_to > 0 || partition_log_waiting_prefix(log) > 0;
}

static log_index last_change_up_to(const struct partition_log *log, log_index index) {
    size_t n = log->change_count;
    while (n > 0 && log->changes[n - 1] > index)
        n--;
    return n == 0 ? 0 : log->changes[n - 1];
}

/* ---- The configuration ---- */

/* The look of a raise that damage is in the way of. */
static void tell_damaged(struct partition_log *log) {
    void (*raised)(struct partition_log *, int) = log->prefix.raised;
    log->prefix.look = NULL;
    log->prefix.raised = NULL;
    if (raised) raised(log, ERR_CORRUPT);
}

/* Whether it knows what cannot be read. */
static bool ask_owner(struct partition_log *log) {
    log_index index = log->prefix.change_asked;
    if (log->events.lacks_change) log->events.lacks_change(log->arg, index);
    return log->prefix.change_index == index;
}

static void on_change_read(struct partition_log_read *read, int error) {
    struct partition_log *log = CONTAINER_OF(read, struct partition_log, prefix.read);
    bool later = log->prefix.reading;
    log->prefix.reading = false;
    if (error == ERR_NONE && read->entries[0]->codec == ENTRY_PLAIN) {
        slice_unref(&log->prefix.change);
        log->prefix.change = slice_ref(read->entries[0]->body);
        log->prefix.change_index = read->entries[0]->index;
    }
    partition_log_read_release(read);
    if (error != ERR_NONE && log->damaged && ask_owner(log)) error = ERR_NONE;
    /* Damage does not pass: it is met again with the next start that is asked for. */
    if (error != ERR_NONE && log->damaged) {
        log->prefix.look = tell_damaged;
        partition_log_pause_prefix(log, 0); /* within the call of who asks nothing is told */
    } else if (error != ERR_NONE)
        partition_log_pause_prefix(log, PREFIX_PAUSE_US);
    else if (later)
        partition_log_look_prefix(log);
}

/* Its bytes are in prefix.change. False: not yet, or it cannot be read at present: the next look
 * tries again. */
static bool have_change(struct partition_log *log, log_index change_index) {
    struct log_prefix *prefix = &log->prefix;
    if (prefix->change_index == change_index) return true;
    if (prefix->start.change_index == change_index) {
        slice_unref(&prefix->change);
        prefix->change = slice_ref(prefix->start.change);
        prefix->change_index = change_index;
        return true;
    }
    prefix->read.done = on_change_read;
    prefix->change_asked = change_index;
    if (!partition_log_read(log, change_index, change_index, 1, &prefix->read))
        prefix->reading = true;
    return prefix->change_index == change_index;
}

/* ---- After `start` ---- */

static void cut_tables(struct partition_log *log, const struct start_file *start) {
    if (start->file_index > 0)
        term_table_drop_below(&log->terms, start->file_index, start->file_offset);
    size_t gone = 0;
    while (gone < log->change_count && log->changes[gone] < start->change_index)
        gone++;
    for (size_t i = gone; i < log->change_count; i++)
        log->changes[i - gone] = log->changes[i];
    log->change_count -= gone;
}

/* All that end at or before `index`. */
static void drop_segments(struct partition_log *log, log_index index) {
    size_t count = 0;
    partition_log_note_below(log);
    /* One that was just begun has no entry yet: it is not known by its end. */
    while (count < log->segment_count && log->segments[count]->header.first_index <= index) {
        log->size_bytes -= log->segments[count]->end.position;
        log->below_bytes -= log->segments[count]->end.position;
        log->store->counts.dropped_bytes += log->segments[count]->end.position;
        dropped_segments_add(&log->store->dropped, log->segments[count++], log->prefix.delay_ms);
    }
    for (size_t i = count; i < log->segment_count; i++)
        log->segments[i - count] = log->segments[i];
    if (log->store->room)
        dropped_segments_bound(&log->store->dropped, disk_space_above_limit(log->store->room));
    log->segment_count -= count;
    CHECK(count <= log->below_count); /* count_droppable */
    log->below_count -= count;
}

static void take_start(struct partition_log *log, struct prefix_job *job) {
    slice_unref(&log->prefix.start.change);
    log->prefix.start = job->start;
    job->start.change = (struct slice){0};
    log->first_index = log->prefix.start.index + 1;
    log->start_offset = log->prefix.start.file_offset;
    log->losses++;
    cut_tables(log, &log->prefix.start);
    drop_segments(log, log->prefix.start.file_index);
    partition_log_note_whole(log);
    if (log->events.start_moved) log->events.start_moved(log->arg);
}

/* ---- The job ---- */

static void prefix_work(struct env_job *base) {
    struct prefix_job *job = (struct prefix_job *)base;
    job->error = start_file_write(job->env, job->log->path, job->log->group, &job->start);
}

/* The log that it writes for is gone, or another one has taken its place. */
static bool is_in_vain(const struct prefix_job *job) {
    return job->log->closed || job->life != job->log->lives;
}

static void go_on(struct partition_log *log) {
    struct log_prefix *prefix = &log->prefix;
    void (*raised)(struct partition_log *, int) = prefix->raised;
    void (*idle)(struct partition_log *) = prefix->idle;
    if (prefix->pins > 0) idle = NULL;
    if (idle) prefix->idle = NULL;
    if (raised && prefix->start.index >= prefix->raise_index) {
        prefix->raised = NULL;
        raised(log, ERR_NONE);
    }
    if (idle) idle(log);
    partition_log_look_prefix(log);
}

static void end_job(struct prefix_job *job) {
    struct partition_log *log = job->log;
    struct log_store *store = job->store;
    log->prefix.job = NULL;
    if (!is_in_vain(job)) take_start(log, job);
    slice_unref(&job->start.change);
    env_timer_free(job->again);
    mem_free(job);
    if (log->closed)
        partition_log_free_if_unused(log);
    else
        go_on(log);
    log_store_job_done(store);
}

static void try_again(void *arg) {
    struct prefix_job *job = arg;
    if (is_in_vain(job))
        end_job(job);
    else
        env_lane_run(log_store_lane(job->store, job->log->group), &job->job);
}

static void prefix_done(struct env_job *base) {
    struct prefix_job *job = (struct prefix_job *)base;
    struct partition_log *log = job->log;
    bool passing = error_is_no_room(job->error) || job->error == ERR_LIMIT;
    if (passing && !is_in_vain(job)) {
        if (!job->again) job->again = env_timer_new(job->env, try_again, job);
        env_timer_start(job->again, TRY_AGAIN_US);
        return;
    }
    if (job->error && !passing && !log->closed)
        env_fatal(
            job->env,
            "cannot write %s/start (%s); %s, and start this broker again: what it acknowledged is in its journal",
            log->path, error_phrase(job->error), error_advice(job->error));
    end_job(job);
}

/* What `start` is to say: entries up to `index` are gone, and the files up to `last` (NULL: none
 * of those that are there). */
static struct start_file next_start(const struct partition_log *log, const struct segment *last,
                                    log_index index, log_index change_index) {
    const struct log_prefix *prefix = &log->prefix;
    struct start_file start = prefix->start;
    if (index > start.index) {
        start.index = index;
        start.term = partition_log_term_at(log, index);
        start.next_offset = last && last->end.last_index == index ? last->end.offset
                                                                  : prefix->raise_offset;
    }
    if (last) {
        start.file_index = last->end.last_index;
        start.file_offset = last->end.offset;
    }
    start.change_index = change_index;
    start.change = change_index > 0 ? slice_ref(prefix->change) : (struct slice){0};
    return start;
}

static void begin(struct partition_log *log, const struct start_file *start) {
    struct prefix_job *job = mem_zalloc(sizeof *job);
    job->job = (struct env_job){.work = prefix_work, .done = prefix_done};
    job->env = log->store->env;
    job->store = log->store;
    job->log = log;
    job->life = log->lives;
    job->start = *start;
    CHECK(job->start.index <= log->synced &&
          job->start.index < log->last_index); /* count_droppable, partition_log_raise_start */
    log->prefix.job = job;
    log_store_run_job(log->store, log_store_lane(log->store, log->group), &job->job);
}

static void prefix_look(struct partition_log *log) {
    struct log_prefix *prefix = &log->prefix;
    if (prefix->job || prefix->reading || prefix->swapping) return;
    if (prefix->pins > 0 && !MUTANT(MUTANT_START_NOT_PINNED)) return;
    size_t count = count_droppable(log, prefix->index);
    const struct segment *last = count > 0 ? log->segments[count - 1] : NULL;
    log_index index = last ? last->end.last_index : 0;
    if (index < prefix->raise_index) index = prefix->raise_index;
    if (index < prefix->start.index) index = prefix->start.index;
    if (!last && index == prefix->start.index) return;
    if ((log->kept_index < index || log->copied_index < index) &&
        !MUTANT(MUTANT_PREFIX_WITHOUT_STATE) && !MUTANT(MUTANT_STATE_BELOW_START)) {
        if (log->saving == 0) applier_snapshot_keep(log);
        return;
    }
    log_index change_index = last_change_up_to(log, index);
    if (change_index > 0 && !have_change(log, change_index)) return;
    struct start_file start = next_start(log, last, index, change_index);
    begin(log, &start);
}

void partition_log_raise_start(struct partition_log *log, const struct segment *last,
                               void (*raised)(struct partition_log *log, int error)) {
    /* it is sealed, and a later one has synced entries (log_cleaning.c) */
    CHECK(last->end.last_index < log->last_index);
    log->prefix.raise_index = last->end.last_index;
    log->prefix.raise_offset = last->end.offset;
    log->prefix.raised = raised;
    log->prefix.look = prefix_look;
    partition_log_look_prefix(log);
}

void partition_log_drop_prefix(struct partition_log *log, kafka_offset offset, log_index index,
                               uint64_t delay_ms) {
    CHECK(!log->closed); /* the group closes its log last */
    if (offset > log->prefix.offset) log->prefix.offset = offset;
    if (index > log->prefix.index) log->prefix.index = index;
    log->prefix.delay_ms = delay_ms;
    log->prefix.look = prefix_look;
    partition_log_look_prefix(log);
}

/* ---- What is too old, or too much ---- */

uint64_t partition_log_below_bytes(struct partition_log *log) {
    partition_log_note_below(log);
    return log->below_bytes;
}

/* Of when its records are, as far as it is known; -1: not known. */
static int64_t newest_of(struct segment *segment, int64_t wall_ms) {
    if (MUTANT(MUTANT_RETENTION_TAKES_YOUNG)) return 0;
    /* A cleaning has left nothing of it: it keeps no others. */
    if (segment_is_cleaned(&segment->header) && segment->end.position == SEGMENT_HEADER_SIZE)
        return 0;
    if (segment->end.max_timestamp >= 0 || segment->active) return segment->end.max_timestamp;
    /* Of an earlier life, whose index did not say: it is as if it had been sealed now. */
    if (segment->sealed_ms == 0) segment->sealed_ms = wall_ms;
    return segment->sealed_ms;
}

static bool is_old(const struct log_limits *limits, int64_t newest_ms, int64_t wall_ms) {
    return limits->age_ms >= 0 && newest_ms >= 0 && newest_ms < wall_ms &&
           wall_ms - newest_ms > limits->age_ms;
}

static bool is_beyond(const struct log_limits *limits, uint64_t kept_bytes, uint64_t bytes) {
    return limits->bytes >= 0 && kept_bytes >= bytes &&
           kept_bytes - bytes >= (uint64_t)limits->bytes;
}

/* The active segment, and what is in memory only: `kept_bytes` is left. */
static bool tail_goes(const struct partition_log *log, const struct log_limits *limits,
                      uint64_t kept_bytes, int64_t wall_ms, struct log_expiry *expiry) {
    const struct segment *active = partition_log_active(log);
    int64_t newest_ms = active ? active->end.max_timestamp : -1;
    if (log->unwritten_timestamp > newest_ms) newest_ms = log->unwritten_timestamp;
    if (log->committed < log->last_index) return false;
    if (limits->age_ms >= 0 && newest_ms > wall_ms) expiry->future_ms = newest_ms;
    return is_old(limits, newest_ms, wall_ms) ||
           (log->written == log->last_index && is_beyond(limits, kept_bytes, kept_bytes));
}

struct log_expiry partition_log_expiry(struct partition_log *log, const struct log_limits *limits,
                                       int64_t wall_ms) {
    struct log_expiry expiry = {.offset = -1, .future_ms = -1};
    partition_log_note_below(log);
    kafka_offset begin = log->start_offset;
    if (log->below_count > 0) begin = log->segments[log->below_count - 1]->end.offset;
    if (log->prefix.offset > begin) begin = log->prefix.offset;
    uint64_t kept_bytes = log->size_bytes - log->below_bytes;
    size_t at = log->below_count, most = at + SEGMENTS_OF_A_CALL;
    for (; at < log->segment_count && !log->segments[at]->active; at++) {
        struct segment *segment = log->segments[at];
        int64_t newest_ms = newest_of(segment, wall_ms);
        bool goes = is_old(limits, newest_ms, wall_ms) ||
                    is_beyond(limits, kept_bytes, segment->end.position);
        if (!goes && limits->age_ms >= 0 && newest_ms > wall_ms) expiry.future_ms = newest_ms;
        if (!goes || at == most) return expiry;
        kept_bytes -= segment->end.position;
        expiry.offset = segment->end.offset;
    }
    if (log->end_offset > begin && log->end_offset > expiry.offset &&
        tail_goes(log, limits, kept_bytes, wall_ms, &expiry))
        expiry.offset = log->end_offset;
    return expiry;
}

/* ---- Giving it away ---- */

/* The configuration in force where the segment ends is that where the log begins, and the state
 * reaches as far. */
static bool may_be_given(const struct partition_log *log, const struct segment *segment,
                         log_index next_change) {
    bool sealed = !segment->active && segment->synced == segment->end.position &&
                  segment->end.offset > segment->header.base_offset;
    return sealed && !segment->damaged && segment->end.last_index < log->last_index &&
           segment->end.last_index < next_change && segment->end.last_index <= log->kept_index;
}

static log_index first_change_behind(const struct partition_log *log, log_index index) {
    for (size_t i = 0; i < log->change_count; i++)
        if (log->changes[i] > index) return log->changes[i];
    return UINT64_MAX;
}

enum prefix_refusal partition_log_prefix_refused(const struct partition_log *log) {
    return log->prefix.refused;
}

/* Whether the state is there, and nothing is about to change what could be given. */
static bool may_begin_giving(struct partition_log *log) {
    const struct start_file *start = &log->prefix.start;
    log->prefix.refused = PREFIX_NOT_NOW;
    if (log->prefix.job || log->prefix.swapping || start->index == 0) return false;
    if (log->kept_index >= start->index) return true;
    log->prefix.refused = PREFIX_NO_STATE;
    if (log->saving == 0) applier_snapshot_keep(log);
    return false;
}

/* That segment would be the next one, and is needed. */
static enum prefix_refusal why_not(const struct partition_log *log, size_t next) {
    if (next + 1 >= PREFIX_FILES_MOST) return PREFIX_TOO_LARGE;
    if (next >= log->segment_count) return PREFIX_NOT_NOW;
    return log->segments[next]->damaged ? PREFIX_DAMAGED : PREFIX_TOO_LARGE;
}

/* The start lies in the midst of that segment, as of a log that was made to begin later
 * (later_start.h), and not all of that can be given: it moves to the end of it. */
static void move_start_on(struct partition_log *log, size_t next) {
    const struct segment *segment = next < log->segment_count ? log->segments[next] : NULL;
    if (!segment || segment->header.first_index > log->prefix.start.index) return;
    if (segment->active)
        partition_log_roll(log);
    else if (!log->prefix.raised && segment->end.last_index < log->last_index &&
             segment->synced == segment->end.position)
        partition_log_raise_start(log, segment, NULL);
}

struct prefix_source *partition_log_give_prefix(struct partition_log *log) {
    const struct start_file *start = &log->prefix.start;
    if (!may_begin_giving(log)) return NULL;
    struct prefix_source *source = prefix_source_new(log->store->env, log->path, log->group,
                                                     log->kept_index, start);
    log_index next_change = first_change_behind(log, start->change_index);
    uint64_t blocks = 0;
    log_index source_ends = start->file_index;
    size_t given = 0;
    for (size_t i = 0; i < log->segment_count && i + 1 < PREFIX_FILES_MOST; i++) {
        struct segment *segment = log->segments[i];
        blocks += prefix_file_blocks(segment->end.position);
        if (blocks > PREFIX_BLOCKS_MOST / 2 || !may_be_given(log, segment, next_change)) break;
        prefix_source_add(source, segment, partition_log_term_at(log, segment->end.last_index));
        source_ends = segment->end.last_index;
        given++;
    }
    log->prefix.pins++;
    if (source_ends < start->index) { /* not all that no entry can replace */
        log->prefix.refused = why_not(log, given);
        move_start_on(log, given);
        partition_log_take_back(log, source);
        return NULL;
    }
    return source;
}

static void note_damage(struct partition_log *log, const struct prefix_source *source) {
    uint64_t position;
    struct segment *segment = prefix_source_damaged(source, &position);
    if (segment) log_note_damage(log, segment, ERR_CORRUPT, position);
    if (prefix_source_state_is_damaged(source) && log->kept_index > 0)
        applier_snapshot_renew(log, false);
}

void partition_log_take_back(struct partition_log *log, struct prefix_source *source) {
    CHECK(log->prefix.pins > 0);
    note_damage(log, source);
    prefix_source_close(source);
    if (--log->prefix.pins == 0 && !log->prefix.job) go_on(log);
}
