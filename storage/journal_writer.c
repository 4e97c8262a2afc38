/*
 * Rounds get their places, one after the other, and the flusher writes them.
 *
 * Happy path: the first round of the queue is applied to the state, sealed, and written with one synced write; when that
 * is reported, the files that it made superfluous are free, the next round starts, and waiters are told.
 * When a file is full the next generation begins in a free one, with a checkpoint of the state, twice, in one write of
 * its own: it is durable before any round behind it is written, so recovery needs one of the two copies whole.
 * Failures: an error of a write ends the process. No free file: the rounds wait (journal_room.c).
 * Invariants: one write at a time; `oldest` in a header is computed from exactly the rounds up to it; a file is given
 * back only when a durable round says that it is not needed.
 */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/journal_parts.h"
#include "storage/journal_recovery.h"

enum {
    ROUND_LIMIT_MAX = 4 << 20,
    ROUNDS_IN_FILE = 8,       /* at least: a round is closed at this part of a file */
    KEEP_BUFFER = 256 * 1024, /* bytes of a buffer that stay in any case */
    SHRINK_BELOW = 4,         /* a buffer goes when a round used less than this part of it */
    SEQUENCE_JUMP = 1024,     /* at each open: no sequence of a round that was cut is used again */
};

size_t journal_round_limit(const struct journal *journal) {
    uint64_t limit = journal->options.file_bytes / ROUNDS_IN_FILE;
    return limit < ROUND_LIMIT_MAX ? (size_t)limit : ROUND_LIMIT_MAX;
}

/* ---- Places ---- */

/* Applies the records of a round, which from now on lies in the present generation. */
static void apply(struct journal *journal, const struct journal_round *round) {
    const uint8_t *payload = round->data + JOURNAL_HEADER_SIZE;
    size_t len = round->len - JOURNAL_HEADER_SIZE, entry = 0;
    struct journal_record record;
    int error;
    for (size_t at = 0; (error = journal_record_next(payload, len, &at, &record, NULL)) == ERR_NONE;)
        journal_state_apply(&journal->state, &record, record.entry != NULL ? round->entries[entry++] : NULL);
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
    if (write->error == ERR_NONE) write->error = env_file_write(write->file, &iov, 1, write->offset, sync);
}

static void write_done(struct env_job *job);

/* Sends `len` bytes of the round's buffer on their way, to the present offset. */
static void start_write(struct journal *journal, struct journal_round *round, size_t len, uint64_t cut_to) {
    struct journal_write *write = &journal->write;
    CHECK(!write->busy);
    *write = (struct journal_write){.job = {.work = write_work, .done = write_done},
                                    .journal = journal,
                                    .round = round,
                                    .file = journal->file->file,
                                    .data = round->data,
                                    .len = len,
                                    .offset = journal->offset,
                                    .cut_to = cut_to,
                                    .busy = true};
    journal->offset += len;
    journal_files_grown(&journal->files, journal->file, journal->offset);
    journal->stats.rounds++;
    journal->stats.bytes += len;
    env_lane_run(journal->lane, &write->job);
}

static void place(struct journal *journal, struct journal_round *round, bool counted) {
    apply(journal, round);
    struct journal_round_header header = next_header(journal, 0);
    journal->base = header.sequence;
    round->sequence = header.sequence;
    round->oldest = header.oldest;
    round->mark = journal->state.mark;
    size_t len = journal_round_seal(round, &header);
    start_write(journal, round, len, 0);
    journal->write.counted = counted;
}

/* ---- Generations ---- */

static struct journal_round *checkpoint_of(const struct journal_state *state) {
    struct journal_round *round = journal_round_new();
    struct journal_group_state *group, *next;
    struct journal_record mark = {.kind = JOURNAL_MARK, .index = state->mark};
    journal_round_add(round, &mark, NULL);
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

/* Seals the checkpoint twice, one behind the other; returns the round that holds both (as bytes, not as records). */
static struct journal_round *seal_twice(struct journal *journal, struct journal_round *round, size_t *len) {
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
    both->sequence = copy.sequence;
    both->oldest = copy.oldest;
    both->mark = journal->state.mark;
    journal->base = first.sequence; /* what follows can do without the copy */
    journal_round_free(round);
    *len = 2 * once;
    return both;
}

/* Takes a free file for the next generation and makes its checkpoint. `need`: bytes of the round that comes next. */
static struct journal_round *next_generation(struct journal *journal, size_t need, size_t *len) {
    struct journal_round *checkpoint = checkpoint_of(&journal->state);
    uint64_t generation = journal->state.generation + 1;
    journal->file = journal_files_take(&journal->files, generation);
    CHECK(journal->file != NULL);
    journal->offset = 0;
    journal_state_begin(&journal->state, generation);
    struct journal_round *both = seal_twice(journal, checkpoint, len);
    uint64_t least = *len + (need > journal->options.file_bytes / 2 ? need : journal->options.file_bytes / 2);
    journal->end = least > journal->file->size ? least : journal->file->size;
    return both;
}

/* True: the checkpoint is on its way. */
static bool begin_generation(struct journal *journal, size_t need) {
    if (!journal_room_for_file(journal)) return false;
    size_t len;
    struct journal_round *checkpoint = next_generation(journal, need, &len);
    start_write(journal, checkpoint, len, journal->file->size);
    journal_room_began(journal);
    return true;
}

/* ---- The next round ---- */

void journal_writer_close_round(struct journal *journal) {
    struct journal_round *next = journal->spare != NULL ? journal->spare : journal_round_new();
    journal->spare = NULL;
    next->number = journal->gathering->number + 1;
    journal->gathering->next = next;
    journal->gathering = next;
}

static bool is_due(const struct journal *journal) {
    return journal->queue != journal->gathering || journal->gathering->wanted;
}

void journal_writer_next(struct journal *journal) {
    if (journal->write.busy || journal->closing) return;
    bool copying = journal_room_copy(journal);
    if (!copying && !is_due(journal)) return;
    struct journal_round *round = copying ? journal->copies : journal->queue;
    size_t need = journal_round_bytes(round);
    if (journal->offset + need > journal->end) {
        begin_generation(journal, need);
        return;
    }
    if (copying) {
        journal->copies = NULL;
    } else {
        if (round == journal->gathering) journal_writer_close_round(journal);
        journal->queue = round->next;
        journal->owners_turn = true;
    }
    place(journal, round, !copying);
}

/* Its buffer stays for the next one, unless it is much larger than what rounds need at present. */
static void keep_or_free(struct journal *journal, struct journal_round *round) {
    if (journal->spare != NULL) {
        journal_round_free(round);
        return;
    }
    size_t keep = SHRINK_BELOW * round->len;
    journal_round_reset(round, keep > KEEP_BUFFER ? keep : KEEP_BUFFER);
    journal->spare = round;
}

static void write_done(struct env_job *job) {
    struct journal_write *write = (struct journal_write *)job;
    struct journal *journal = write->journal;
    struct journal_round *round = write->round;
    if (write->error != ERR_NONE && !MUTANT(MUTANT_FAILED_SYNC_SURVIVED))
        env_fatal(
            journal->env,
            "cannot write the journal in %s (%s); this broker ends at once, because nothing that is not synced can "
            "be believed after that",
            journal->files.path, error_phrase(write->error));
    write->busy = false;
    journal->durable_sequence = round->sequence;
    journal->durable_mark = round->mark;
    if (write->counted) journal->durable_number = round->number;
    if (journal_files_release(&journal->files, round->oldest) > 0) journal_state_drop(&journal->state, round->oldest);
    keep_or_free(journal, round);
    journal_writer_next(journal);
    journal_became_durable(journal);
}

/* ---- At open ---- */

static int write_now(struct journal *journal, const struct journal_round *round, size_t len, struct error_text *why) {
    struct env_iov iov = {round->data, len};
    int error = env_file_write(journal->file->file, &iov, 1, journal->offset, true);
    if (error != ERR_NONE)
        return error_set(why, error, "cannot write the journal in %s (%s)", journal->files.path, error_phrase(error));
    journal->offset += len;
    journal_files_grown(&journal->files, journal->file, journal->offset);
    journal->durable_sequence = round->sequence;
    journal->durable_mark = round->mark;
    return ERR_NONE;
}

int journal_writer_begin(struct journal *journal, struct error_text *why) {
    int error = journal->files.free_bytes > 0 ? ERR_NONE : journal_files_make(&journal->files, why);
    if (error != ERR_NONE) return error;
    do
        journal->salt = env_random_u64(journal->env);
    while (journal->salt == 0);
    size_t len;
    struct journal_round *checkpoint = next_generation(journal, 0, &len);
    error = write_now(journal, checkpoint, len, why);
    journal_round_free(checkpoint);
    return error;
}

int journal_writer_continue(struct journal *journal, const struct journal_tail *tail, struct error_text *why) {
    journal->salt = tail->last.salt;
    journal->file = tail->file;
    journal->offset = tail->end;
    journal->end = tail->file->size;
    journal->base = tail->last.base;
    journal->sequence = tail->last.sequence;
    struct journal_round_header header = next_header(journal, tail->last.flags | JOURNAL_REPEATS);
    header.sequence = journal->sequence = tail->last.sequence + SEQUENCE_JUMP;
    header.oldest = tail->last.oldest;
    journal->base = header.sequence;
    size_t len = journal_round_seal(tail->repeat, &header);
    tail->repeat->sequence = header.sequence;
    tail->repeat->mark = journal->state.mark;
    return write_now(journal, tail->repeat, len, why);
}
