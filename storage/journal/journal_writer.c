/*
 * A round gets its place and the flusher writes it.
 *
 * Happy path: a round is applied to the state, sealed, and written with one synced write; when that
 * is reported, the files that it made superfluous are free, and whoever had it written goes on
 * (journal_schedule.c).
 * When a file is full the next generation begins in a free one, with a checkpoint of the state,
 * twice, in one write of its own: it is durable before any round behind it is written, so recovery
 * needs one of the two copies whole.
 * Failures: a disk without room makes a write wait and begin again; any other error of a write ends
 * the process.
 * Invariants: one write at a time; `oldest` in a header is computed from exactly the rounds up to
 * it; a file is given back only when a durable round says that it is not needed.
 */
#include <string.h>

#include "base/check.h"
#include "base/mutant.h"
#include "storage/journal/journal_internal.h"
#include "storage/journal/journal_recovery.h"

enum {
    SEQUENCE_JUMP = 1024, /* at each open: no sequence of a round that was cut is used again */
    WRITE_AGAIN_US = 200 * 1000,
};

/* ---- Places ---- */

/* Applies the records of a round, which from now on lies in the present generation. */
static void apply(struct journal *journal, const struct journal_round *round) {
    const uint8_t *payload = round->data + JOURNAL_HEADER_SIZE;
    size_t len = round->len - JOURNAL_HEADER_SIZE, entry = 0;
    struct journal_record record;
    int error;
    for (size_t at = 0;
         (error = journal_record_next(payload, len, &at, &record, NULL)) == ERR_NONE;)
        journal_state_apply(&journal->state, &record,
                            record.entry != NULL ? round->entries[entry++] : NULL);
    CHECK(error == ERR_EOF);
    CHECK(entry == round->entry_count);
}

/* The header of the next round, but for what sealing fills in; the sequence moves on. */
static struct journal_round_header next_header(struct journal *journal, uint16_t flags) {
    uint64_t follows = journal->sequence++;
    return (struct journal_round_header){
        .flags = flags,
        .salt = journal->salt,
        .generation = journal->state.generation,
        .sequence = journal->sequence,
        .base = journal->base,
        .follows = follows,
        .oldest = journal_state_oldest(&journal->state),
        .offset = journal->offset,
        .file = journal->file->number,
    };
}

static void write_work(struct env_job *job) {
    struct journal_write *write = (struct journal_write *)job;
    struct env_iov iov = {write->data, write->len};
    write->error = write->cut_to > 0 ? env_file_truncate(write->file, write->cut_to) : ERR_NONE;
    bool sync = !MUTANT(MUTANT_ACK_BEFORE_FLUSH);
    uint64_t began_us = env_now_us(write->env);
    if (write->error == ERR_NONE)
        write->error = env_file_write(write->file, &iov, 1, write->offset, sync);
    write->took_us = env_now_us(write->env) - began_us;
}

static void write_again(void *arg) {
    struct journal *journal = arg;
    journal->write.waits = false;
    env_lane_run(journal->lane, &journal->write.job);
}

void journal_writer_give_up(struct journal *journal) {
    env_timer_stop(journal->write_again);
    journal->write.busy = journal->write.waits = false;
    journal_round_free(journal->write.round);
    journal_free_if_unused(journal);
}

/* Where the file had to grow, or the file system writes nothing in place. What was written of the
 * round counts for nothing. */
static void wait_for_room(struct journal *journal) {
    struct journal_write *write = &journal->write;
    log_limited(journal->log, &journal->no_room, LOGGED_JOURNAL_WRITE_WAITS,
                "cannot write the journal in %s (%s): %s; writing waits until then",
                journal->files.path, error_phrase(write->error), error_advice(write->error));
    if (!write->no_room && journal->options.room != NULL)
        disk_space_wait(journal->options.room, write->error);
    write->no_room = write->waits = true;
    env_timer_start(journal->write_again, WRITE_AGAIN_US);
}

static void write_done(struct env_job *job) {
    struct journal_write *write = (struct journal_write *)job;
    struct journal *journal = write->journal;
    struct journal_round *round = write->round;
    if (error_is_no_room(write->error)) {
        if (journal->closing)
            journal_writer_give_up(journal);
        else
            wait_for_room(journal);
        return;
    }
    if (write->no_room && !journal->closing && journal->options.room != NULL)
        disk_space_got_through(journal->options.room);
    if (write->error != ERR_NONE && !MUTANT(MUTANT_FAILED_SYNC_SURVIVED))
        env_fatal(
            journal->env,
            "cannot write the journal in %s (%s); %s. This broker ends at once, because nothing that is not synced can "
            "be believed after that",
            journal->files.path, error_phrase(write->error), error_advice(write->error));
    write->busy = false;
    buckets_add(&journal->stats.sync, &bounds_sync, write->took_us);
    if (round->binding) journal->durable_sequence = round->sequence;
    journal->durable_mark = round->mark;
    if (write->counted) journal->durable_number = round->number;
    if (journal_files_release(&journal->files, round->oldest) > 0)
        journal_state_drop(&journal->state, round->oldest);
    journal_recycle_round(journal, round);
    write->written(journal);
}

/* Sends `len` bytes of the round's buffer on their way, to the present offset. The caller says what
 * is particular to it. */
static void start_write(struct journal *journal, struct journal_write write) {
    CHECK(!journal->write.busy);
    write.job.work = write_work;
    write.job.done = write_done;
    write.journal = journal;
    write.env = journal->env;
    write.began_us = env_now_us(journal->env);
    write.file = journal->file->file;
    write.data = write.round->data;
    write.offset = journal->offset;
    write.busy = true;
    journal->write = write;
    journal->offset += write.len;
    journal_files_grown(&journal->files, journal->file, journal->offset);
    journal->stats.rounds++;
    journal->stats.bytes += write.len;
    env_lane_run(journal->lane, &journal->write.job);
}

void journal_writer_begin_tries(struct journal *journal) {
    journal->write_again = env_timer_new(journal->env, write_again, journal);
}

void journal_writer_write(struct journal *journal, struct journal_round *round, bool counted,
                          void (*written)(struct journal *journal)) {
    apply(journal, round);
    struct journal_round_header header = next_header(journal, 0);
    journal->base = header.sequence;
    round->sequence = header.sequence;
    round->oldest = header.oldest;
    round->mark = journal->state.mark;
    size_t len = journal_round_seal(round, &header);
    start_write(journal, (struct journal_write){
                             .round = round, .len = len, .counted = counted, .written = written});
}

/* ---- Generations ---- */

static struct journal_round *checkpoint_of(const struct journal_state *state) {
    struct journal_round *round = journal_round_new();
    struct journal_group_state *group, *next;
    struct journal_record mark = {.kind = JOURNAL_MARK, .index = state->mark};
    journal_round_add(round, &mark, NULL);
    journal_lineage_add_to(&state->lineage, round);
    HASH_ITER(hh, state->groups, group, next) {
        struct journal_record record = {.kind = JOURNAL_GROUP,
                                        .group = group->group,
                                        .term = group->term,
                                        .voted_for = group->voted_for,
                                        .commit = group->commit,
                                        .index = group->progress,
                                        .segment = group->progress_segment,
                                        .position = group->progress_position};
        if (group->known) journal_round_add(round, &record, NULL);
    }
    return round;
}

/* Seals the checkpoint twice, one behind the other; returns the round that holds both (as bytes,
 * not as records). */
static struct journal_round *seal_twice(struct journal *journal, struct journal_round *round,
                                        size_t *len) {
    size_t once = journal_round_bytes(round);
    struct journal_round *both = journal_round_new();
    journal_round_reserve(both, 2 * once);
    struct journal_round_header first = next_header(journal, JOURNAL_CHECKPOINT);
    journal_round_seal(round, &first);
    memcpy(both->data, round->data, once);
    struct journal_round_header copy = next_header(journal, JOURNAL_CHECKPOINT | JOURNAL_REPEATS);
    copy.offset += once;
    journal_round_seal(round, &copy);
    memcpy(both->data + once, round->data, once);
    both->sequence = first.sequence; /* what recovery finds if the copy is damaged */
    both->oldest = copy.oldest;
    both->mark = journal->state.mark;
    both->binding = true;
    journal->base = first.sequence; /* what follows can do without the copy */
    journal_round_free(round);
    *len = 2 * once;
    return both;
}

/* Takes a free file for the next generation and makes its checkpoint. `need`: bytes of the round
 * that comes next. */
static struct journal_round *next_generation(struct journal *journal, size_t need, size_t *len) {
    struct journal_round *checkpoint = checkpoint_of(&journal->state);
    uint64_t generation = journal->state.generation + 1;
    journal->file = journal_files_take(&journal->files, generation);
    CHECK(journal->file != NULL);
    journal->offset = 0;
    journal_state_begin(&journal->state, generation);
    struct journal_round *both = seal_twice(journal, checkpoint, len);
    uint64_t least =
        *len + (need > journal->options.file_bytes / 2 ? need : journal->options.file_bytes / 2);
    journal->end = least > journal->file->size ? least : journal->file->size;
    journal->too_large = need > journal->options.file_bytes / 2 ? journal->end - journal->file->size
                                                                : 0;
    return both;
}

void journal_writer_next_generation(struct journal *journal, size_t need,
                                    void (*written)(struct journal *journal)) {
    size_t len;
    struct journal_round *checkpoint = next_generation(journal, need, &len);
    start_write(journal, (struct journal_write){.round = checkpoint,
                                                .len = len,
                                                .cut_to = journal->file->size,
                                                .written = written});
}

/* ---- At open ---- */

static int write_now(struct journal *journal, const struct journal_round *round, size_t len,
                     struct error_text *why) {
    struct env_iov iov = {round->data, len};
    int error = env_file_write(journal->file->file, &iov, 1, journal->offset, true);
    if (error != ERR_NONE)
        return error_set(why, error, "cannot write the journal in %s (%s)", journal->files.path,
                         error_phrase(error));
    journal->offset += len;
    journal_files_grown(&journal->files, journal->file, journal->offset);
    journal->durable_sequence = round->sequence;
    journal->durable_mark = round->mark;
    return ERR_NONE;
}

/* From now on it is another run that writes, behind `last`. */
static struct journal_record begin_run(struct journal *journal, uint64_t last) {
    do
        journal->run = env_random_u64(journal->env);
    while (journal->run == 0);
    struct journal_record run = {.kind = JOURNAL_RUN, .run = journal->run, .sequence = last};
    journal_state_apply(&journal->state, &run, NULL);
    return run;
}

int journal_writer_begin(struct journal *journal, struct error_text *why) {
    int error = journal->files.free_bytes > 0 ? ERR_NONE : journal_files_make(&journal->files, why);
    if (error != ERR_NONE) return error;
    do
        journal->salt = env_random_u64(journal->env);
    while (journal->salt == 0);
    begin_run(journal, 0);
    size_t len;
    struct journal_round *checkpoint = next_generation(journal, 0, &len);
    error = write_now(journal, checkpoint, len, why);
    journal_round_free(checkpoint);
    return error;
}

/* Seals and writes a round behind what was recovered. */
static int write_next(struct journal *journal, const struct journal_tail *tail,
                      struct journal_round *round, uint16_t flags, struct error_text *why) {
    struct journal_round_header header = next_header(journal, flags);
    header.sequence = journal->sequence = header.follows + SEQUENCE_JUMP;
    header.oldest = tail->last.oldest;
    size_t len = journal_round_seal(round, &header);
    round->sequence = header.sequence;
    round->mark = journal->state.mark;
    return write_now(journal, round, len, why);
}

/* The last round may be in the page cache only, even if a sync succeeds now: the process that wrote
 * it never heard that it was durable. It names the run: wherever this start ends, what it has
 * written counts as nothing that the run before has told of. */
static int repeat_last(struct journal *journal, const struct journal_tail *tail,
                       const struct journal_record *run, struct error_text *why) {
    journal_round_add(tail->repeat, run, NULL);
    int error = write_next(journal, tail, tail->repeat, tail->last.flags | JOURNAL_REPEATS, why);
    journal->base = journal->sequence; /* the start's round stands in for those of other starts, and
                                          for nothing else */
    return error;
}

/* A start after which nothing is written takes no room from the next one: whatever keeps a broker
 * from getting further, it may be started without end. */
static int write_start(struct journal *journal, const struct journal_tail *tail,
                       struct error_text *why) {
    struct journal_round *round = journal_round_new();
    journal_lineage_add_runs_to(&journal->state.lineage, round);
    CHECK(journal_round_bytes(round) == JOURNAL_BLOCK); /* two of them take turns */
    int error = write_next(journal, tail, round, JOURNAL_START, why);
    journal->base = journal->sequence;
    journal_round_free(round);
    return error;
}

int journal_writer_continue(struct journal *journal, const struct journal_tail *tail,
                            struct error_text *why) {
    journal->salt = tail->last.salt;
    journal->file = tail->file;
    journal->offset = tail->place;
    journal->end = tail->file->size;
    journal->base = tail->last.base;
    journal->sequence = tail->last.sequence;
    struct journal_record run = begin_run(journal, tail->last.sequence);
    int error = tail->repeat != NULL ? repeat_last(journal, tail, &run, why) : ERR_NONE;
    return error != ERR_NONE ? error : write_start(journal, tail, why);
}
