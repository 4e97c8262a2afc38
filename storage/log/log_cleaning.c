/* Which segments a cleaning may touch, and how much of them no one has read yet; a round of it: its
 * stages on the loop, its jobs. */
#include "storage/log/log_cleaning.h"

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/clean/clean_filter.h"
#include "storage/log/log_internal.h"
#include "storage/log/log_reading.h"

enum {
    STEP_BYTES = 1 << 20,
    RAISE_PATIENCE_US = 60 * 1000 * 1000, /* damage may be in the way of `start` for ever */
};

enum clean_stage { CLEAN_MAP, CLEAN_JOURNAL, CLEAN_RAISE, CLEAN_FILTER, CLEAN_SWAP };

struct clean_round {
    struct env_job job; /* first: a job is its round */
    struct log_store *store;
    struct partition_log *log;     /* NULL: it is closed, or knows nothing of the round any more */
    struct log_cleaning *cleaning; /* the caller's; NULL: the round was cancelled */
    struct log_clean_options options;
    enum clean_stage stage;
    struct segment **segments; /* held; NULL: replaced, or let go of */
    char *group_path;
    struct clean_input *inputs;
    size_t count;
    size_t first_dirty;
    struct clean_map map;
    struct clean_filter filter;
    bool filtering;    /* `filter` is open */
    uint64_t begun_us; /* the last step, and the swap behind it */
    uint64_t done;     /* bytes of the last step */
    int error;         /* of it */
    bool busy;         /* a job is under way */
    struct journal_waiter waiter;
    struct env_timer *timer;
    struct log_swap *swap; /* NULL: none is under way */
    uint64_t saved;        /* bytes that it gives back */
    uint64_t room;         /* that an output takes at most */
};

/* ---- What could be cleaned ---- */

static bool may_clean(const struct partition_log *log, const struct segment *segment,
                      const struct log_clean_limits *limits) {
    return !segment->active && !segment->damaged && segment->synced == segment->end.position &&
           segment->end.last_index <= limits->index && segment->end.last_index < log->synced &&
           segment->header.base_offset < log->progress_segment &&
           segment->end.offset <= limits->stable &&
           (segment_is_cleaned(&segment->header) || segment->end.max_timestamp <= limits->young_ms);
}

size_t log_cleanable_count(const struct partition_log *log, const struct log_clean_limits *limits) {
    size_t count = 0;
    while (count < log->segment_count && may_clean(log, log->segments[count], limits))
        count++;
    return count;
}

uint64_t log_cleanable_dirty_bytes(const struct segment *segment) {
    const struct segment_header *header = &segment->header;
    uint64_t offsets = (uint64_t)(segment->end.offset - header->base_offset);
    if (!segment_is_cleaned(header) || header->unread >= offsets) return segment->end.position;
    return (uint64_t)((double)segment->end.position * header->unread / (double)offsets);
}

kafka_offset log_clean_to(const struct partition_log *log) {
    kafka_offset to = log->start_offset;
    for (size_t i = 0; i < log->segment_count; i++) {
        const struct segment_header *header = &log->segments[i]->header;
        if (!segment_is_cleaned(header) || header->keeps_stale || log->segments[i]->damaged) break;
        kafka_offset end = log->segments[i]->end.offset, read_to = end - header->unread;
        if (read_to > to) to = read_to;
        if (read_to < end) break;
    }
    return to;
}

static void add(const struct segment *segment, struct log_cleanable *into) {
    uint64_t dirty = log_cleanable_dirty_bytes(segment);
    if (dirty > 0 && into->dirty_bytes == 0) into->dirty_since_ms = segment->end.max_timestamp;
    into->dirty_bytes += dirty;
    into->clean_bytes += segment->end.position - dirty;
    into->last_index = segment->end.last_index;
    if (segment->end.position > into->output_bytes) into->output_bytes = segment->end.position;
}

static void bound_output(struct log_cleanable *into) {
    uint64_t all = into->clean_bytes + into->dirty_bytes;
    if (all < into->output_bytes) into->output_bytes = all;
}

void log_cleanable_look_below(const struct partition_log *log,
                              const struct log_clean_limits *limits, log_index index,
                              struct log_cleanable *into, struct log_cleanable *below) {
    size_t count = log_cleanable_count(log, limits);
    *into = (struct log_cleanable){.dirty_since_ms = -1, .output_bytes = log->segment_bytes};
    *below = *into;
    for (size_t i = 0; i < count; i++) {
        add(log->segments[i], into);
        if (log->segments[i]->end.last_index <= index) *below = *into;
    }
    bound_output(into);
    bound_output(below);
}

void log_cleanable_look(const struct partition_log *log, const struct log_clean_limits *limits,
                        struct log_cleanable *into) {
    struct log_cleanable below;
    log_cleanable_look_below(log, limits, limits->index, into, &below);
}

/* ---- Its end ---- */

/* Nothing of the round reads them any more: so that their room is free, and their files are closed.
 */
static void let_go_of(struct clean_round *round, size_t first, size_t count) {
    for (size_t i = first; i < first + count; i++) {
        mem_free(round->inputs[i].path);
        round->inputs[i].path = NULL;
        if (round->segments[i]) segment_let_go(round->segments[i]);
        round->segments[i] = NULL;
    }
}

static void remove_unfinished(struct clean_round *round, kafka_offset base) {
    struct log_store *store = round->store;
    if (!store->closed) dropped_segments_add_unfinished(&store->dropped, round->group_path, base);
}

static void round_free(struct clean_round *round) {
    kafka_offset unfinished = -1;
    struct log_store *store = round->store;
    if (round->filtering) clean_filter_close(&round->filter, &unfinished);
    if (unfinished >= 0) remove_unfinished(round, unfinished);
    clean_map_close(&round->map);
    clean_aborted_close(&round->options.aborted);
    let_go_of(round, 0, round->count);
    env_timer_free(round->timer);
    mem_free(round->group_path);
    mem_free(round->inputs);
    mem_free(round->segments);
    store->cleaning = NULL;
    mem_free(round);
}

static void round_leave_caller(struct clean_round *round) {
    if (round->cleaning) round->cleaning->round = NULL;
    round->cleaning = NULL;
}

/* Nothing of it goes on; it is freed now, or when its job ends. */
static void round_detach(struct clean_round *round) {
    struct log_prefix *prefix = &round->log->prefix;
    prefix->raised = NULL;
    round->log->end_cleaning = NULL;
    if (round->swap) log_swap_leave(round->swap);
    round->swap = NULL;
    if (round->stage == CLEAN_JOURNAL) journal_wait_cancel(round->store->journal, &round->waiter);
    env_timer_stop(round->timer);
    round_leave_caller(round);
    round->log = NULL;
    if (!round->busy) round_free(round);
}

static void round_over(struct clean_round *round, int error) {
    struct log_cleaning *cleaning = round->cleaning;
    struct partition_log *log = round->log;
    if (cleaning) cleaning->bytes_after = log->size_bytes;
    round_detach(round);
    partition_log_look_prefix(log);
    if (cleaning) cleaning->done(cleaning, error);
}

void log_cleaning_cancel(struct log_cleaning *cleaning) {
    struct clean_round *round = cleaning->round;
    if (!round) return;
    struct partition_log *log = round->log;
    round_detach(round);
    partition_log_look_prefix(log);
}

static void end_cleaning(struct partition_log *log) {
    round_detach(log->store->cleaning);
}

/* ---- Steps in the lane ---- */

static void round_done(struct env_job *job);

static void round_work(struct env_job *job) {
    struct clean_round *round = (struct clean_round *)job;
    round->error = round->stage == CLEAN_MAP
                       ? clean_map_step(&round->map, STEP_BYTES, &round->done)
                       : clean_filter_step(&round->filter, STEP_BYTES, &round->done);
}

static void run_step(void *arg) {
    struct clean_round *round = arg;
    round->busy = true;
    round->begun_us = env_now_us(round->store->env);
    round->job = (struct env_job){.work = round_work, .done = round_done};
    log_store_run_job(round->store, round->store->clean_lane, &round->job);
}

/* The next step, when the last one's bytes are paid for; it leaves processor and disk to others for
 * as long as it had them, or waited for them. */
static void step_on(struct clean_round *round) {
    uint64_t paid_us = round->done * 1000000 / round->options.bytes_per_second;
    uint64_t took_us = env_now_us(round->store->env) - round->begun_us;
    env_timer_start(round->timer, paid_us > took_us ? paid_us : took_us);
}

/* ---- Outputs, and the swap ---- */

static bool has_room(struct log_store *store, uint64_t bytes) {
    return !store->room || disk_space_above_limit(store->room) >= bytes;
}

static void next_output(struct clean_round *round) {
    round->stage = CLEAN_FILTER;
    if (has_room(round->store, round->room))
        step_on(round);
    else
        round_over(round, ERR_NO_SPACE);
}

static void on_swapped(void *arg, int error) {
    struct clean_round *round = arg;
    round->swap = NULL;
    if (!error) round->store->counts.cleaned_bytes += round->saved;
    if (error && error != ERR_NOT_FOUND)
        round_over(round, error);
    else
        next_output(round);
}

static void prepare_swap(struct clean_round *round) {
    struct partition_log *log = round->log;
    struct clean_output output = clean_filter_take(&round->filter);
    size_t last = output.first + output.count - 1;
    round->stage = CLEAN_SWAP;
    output.index.sealed_ms = round->segments[last]->sealed_ms;
    struct segment **segments = round->segments + output.first;
    uint64_t before = 0, now = output.index.end.position;
    for (size_t i = 0; i < output.count; i++)
        before += segments[i]->end.position;
    round->saved = before > now ? before - now : 0;
    round->swap = log_swap_begin(log, &output, round->inputs, segments, on_swapped, round);
    for (size_t i = 0; i < output.count; i++)
        segments[i] = NULL; /* the swap holds them */
    let_go_of(round, output.first, output.count);
}

/* ---- From stage to stage ---- */

static void begin_filter(struct clean_round *round) {
    struct clean_filter_options options = {
        .group_path = round->group_path,
        .segment_bytes = round->log->segment_bytes,
        .interval_bytes = partition_log_index_interval(round->log),
        .tombstones_below = round->options.tombstones_below};
    log_memory_forget(&round->log->memory, round->segments[round->count - 1]->end.last_index);
    clean_filter_open(&round->filter, round->store->env, round->inputs, round->count, &round->map,
                      &options);
    round->filtering = true;
    round->begun_us = env_now_us(round->store->env);
    next_output(round);
}

static void on_raised(struct partition_log *log, int error) {
    struct clean_round *round = log->store->cleaning;
    env_timer_stop(round->timer);
    if (error)
        round_over(round, error);
    else
        begin_filter(round);
}

static void raise_start(struct clean_round *round) {
    struct partition_log *log = round->log;
    const struct segment *last = round->segments[round->count - 1];
    round->stage = CLEAN_RAISE;
    if (log->prefix.start.index >= last->end.last_index || MUTANT(MUTANT_SWAP_BEFORE_START)) {
        begin_filter(round);
        return;
    }
    env_timer_start(round->timer, RAISE_PATIENCE_US);
    partition_log_raise_start(log, last, on_raised);
}

static void on_durable(struct journal_waiter *waiter) {
    struct clean_round *round = CONTAINER_OF(waiter, struct clean_round, waiter);
    raise_start(round);
}

/* So much of the inputs was read; the others are as they are. */
static void end_map(struct clean_round *round) {
    size_t count = round->first_dirty + round->map.input_count;
    let_go_of(round, count, round->count - count);
    round->count = count;
    round->stage = CLEAN_JOURNAL;
    round->waiter.durable = on_durable;
    journal_wait(round->store->journal, &round->waiter);
}

static void fire(void *arg) {
    struct clean_round *round = arg;
    if (round->stage == CLEAN_RAISE)
        round_over(round, ERR_TIMEOUT);
    else
        run_step(round);
}

/* A cleaning reads what nobody else has read for long: it is not tried again for ever, and whoever
 * leads must know. */
static void note_damage(struct clean_round *round) {
    bool mapping = round->stage == CLEAN_MAP;
    const struct clean_reader *reader = mapping ? &round->map.reader : &round->filter.reader;
    if (reader->error == ERR_NONE) return;
    struct segment *segment = round->segments[reader->at + (mapping ? round->first_dirty : 0)];
    if (segment->files) /* else the log has let go of it meanwhile */
        log_note_damage(round->log, segment, reader->error, reader->cursor.looked_at);
}

static void end_steps(struct clean_round *round) {
    if (round->error != ERR_EOF) note_damage(round);
    round_over(round, round->error == ERR_EOF ? 0 : round->error);
}

static void take_step(struct clean_round *round) {
    round->cleaning->moved_bytes += round->done;
    if (round->error == ERR_AGAIN)
        step_on(round);
    else if (round->error == 0 && round->stage == CLEAN_MAP)
        end_map(round);
    else if (round->error == 0)
        prepare_swap(round);
    else
        end_steps(round);
}

static void round_done(struct env_job *job) {
    struct clean_round *round = (struct clean_round *)job;
    struct log_store *store = round->store;
    round->busy = false;
    if (round->filter.output.sync_failed)
        env_fatal(
            store->env,
            "cannot sync a cleaned segment in %s (%s); %s, and start this broker again: what it acknowledged is in its segments "
            "and its journal",
            round->filter.options.group_path, error_phrase(round->error),
            error_advice(round->error));
    if (round->log)
        take_step(round);
    else
        round_free(round);
    log_store_job_done(store);
}

/* ---- Its beginning ---- */

static void take_inputs(struct clean_round *round, size_t count) {
    round->segments = mem_alloc(count * sizeof *round->segments);
    round->inputs = mem_alloc(count * sizeof *round->inputs);
    round->count = count;
    for (size_t i = 0; i < count; i++) {
        struct segment *segment = round->log->segments[i];
        segment_hold(segment);
        round->segments[i] = segment;
        round->inputs[i] = (struct clean_input){.header = segment->header,
                                                .end = segment->end,
                                                .path = segment_path(segment, SEGMENT_FILE_LOG)};
    }
}

static void open_map(struct clean_round *round) {
    uint8_t secret[SIPHASH_SECRET_SIZE];
    while (round->first_dirty < round->count &&
           log_cleanable_dirty_bytes(round->segments[round->first_dirty]) == 0)
        round->first_dirty++;
    CHECK(round->first_dirty < round->count); /* the caller has looked */
    const struct clean_input *first = &round->inputs[round->first_dirty];
    kafka_offset from = first->end.offset - first->header.unread;
    if (!segment_is_cleaned(&first->header) || from < first->header.base_offset)
        from = first->header.base_offset;
    env_random(round->store->env, secret, sizeof secret);
    clean_map_open(&round->map, round->store->env, first, round->count - round->first_dirty, from,
                   &round->options.aborted, round->options.map_bytes, secret);
    round->map.unfolded_max = round->options.unfolded_max;
}

bool log_cleaning_has_room(const struct partition_log *log, uint64_t output_bytes) {
    return has_room(log->store, output_bytes);
}

int log_cleaning_begin(struct partition_log *log, const struct log_clean_limits *limits,
                       const struct log_clean_options *options, struct log_cleaning *cleaning) {
    struct log_store *store = log->store;
    struct log_cleanable cleanable;
    if (store->cleaning || log->swap || log->refill || log->prefix.pins > 0 ||
        paced_removal_waits_in(&store->removals, log->path))
        return ERR_BUSY;
    log_cleanable_look(log, limits, &cleanable);
    if (!has_room(store, cleanable.output_bytes)) return ERR_NO_SPACE;
    struct clean_round *round = mem_zalloc(sizeof *round);
    round->store = store;
    round->log = log;
    round->group_path = mem_strdup(log->path);
    round->cleaning = cleaning;
    round->options = *options;
    round->timer = env_timer_new(store->env, fire, round);
    round->stage = CLEAN_MAP;
    round->room = cleanable.output_bytes;
    cleaning->round = round;
    cleaning->moved_bytes = 0;
    cleaning->bytes_before = cleaning->bytes_after = log->size_bytes;
    store->cleaning = round;
    log->end_cleaning = end_cleaning;
    take_inputs(round, log_cleanable_count(log, limits));
    open_map(round);
    run_step(round);
    return 0;
}
