/* Reading, a batch at a time. */
#include "broker/letters/letter_reading.h"

#include "base/container_of.h"
#include "base/error.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/record/record_batch.h"
#include "storage/entry.h"

/* One batch, or the few that came with it. Owns what it reads and finds: it may outlive who reads.
 */
struct letter_step {
    struct letter_reading *reading; /* NULL: nobody wants it any more */
    struct partition_read read;
    struct env_job job;
    bool in_pool;
    struct letter *found; /* as those that are wanted, from the first that is not read on */
    size_t count, decided;
    size_t deleted;          /* so many were decided before it read: the log starts behind them */
    size_t bytes, own, most; /* as the reading's; all that were read count */
    bool full;
    int16_t code;
};

static void step_free(struct letter_step *step) {
    for (size_t i = 0; i < step->count; i++)
        letter_drop(&step->found[i]);
    partition_read_release(&step->read);
    mem_free(step->found);
    mem_free(step);
}

/* ---- In the pool ---- */

static bool is_full(const struct letter_step *step) {
    return step->decided == step->count || step->full;
}

/* For the next one, whose record has so many bytes; the first of all has it. */
static bool takes_room(struct letter_step *step, size_t size) {
    step->full = step->bytes > 0 && step->bytes + step->own + size > step->most;
    if (!step->full) step->bytes += step->own + size;
    return !step->full;
}

/* Those below are not in the log. */
static void decide_below(struct letter_step *step, kafka_offset offset) {
    while (!is_full(step) && step->found[step->decided].offset < offset && takes_room(step, 0))
        step->decided++;
}

static int unfold_batch(struct letter_step *step, const struct record_batch *batch) {
    struct record_iterator records;
    struct record record;
    int error = record_iterator_open(&records, batch, ENTRY_BODY_MAX);
    if (error != ERR_NONE) return error;
    while (!is_full(step) && (error = record_iterator_next(&records, &record)) == ERR_NONE) {
        const struct letter whole = {.found = true, .record = record};
        decide_below(step, record.offset);
        if (is_full(step) || step->found[step->decided].offset != record.offset) continue;
        if (takes_room(step, letter_size(&whole)))
            letter_take(&step->found[step->decided++], &record);
    }
    record_iterator_close(&records);
    if (error == ERR_EOF) decide_below(step, record_batch_last_offset(batch) + 1);
    return error == ERR_EOF ? ERR_NONE : error;
}

static void unfold(struct env_job *job) {
    struct letter_step *step = CONTAINER_OF(job, struct letter_step, job);
    for (size_t i = 0; i < step->read.fetch.count; i++) {
        const struct slice *slice = &step->read.fetch.slices[i];
        struct record_batch batch;
        size_t at = 0;
        while (!is_full(step) &&
               record_batch_next(slice->data, slice->len, &at, &batch, NULL) == ERR_NONE)
            if (unfold_batch(step, &batch) != ERR_NONE) step->code = KAFKA_CORRUPT_MESSAGE;
    }
}

/* ---- On the loop ---- */

static void step_begin(struct letter_reading *reading);

static void over(struct letter_reading *reading, int16_t code) {
    reading->done(reading, code);
}

static void goes_on(struct letter_reading *reading) {
    if (reading->at == reading->count || reading->full)
        over(reading, KAFKA_NONE);
    else
        step_begin(reading);
}

static void step_done(struct env_job *job) {
    struct letter_step *step = CONTAINER_OF(job, struct letter_step, job);
    struct letter_reading *reading = step->reading;
    if (reading != NULL) {
        reading->step = NULL;
        if (step->decided == step->deleted && !is_full(step) && takes_room(step, 0))
            step->decided++; /* no batch has it */
        for (size_t i = 0; i < step->decided; i++) {
            reading->letters[reading->at++] = step->found[i];
            step->found[i] = (struct letter){0};
        }
        reading->bytes = step->bytes;
        reading->full = step->full;
    }
    int16_t code = step->code;
    step_free(step);
    if (reading == NULL) return;
    if (code != KAFKA_NONE)
        over(reading, code);
    else
        goes_on(reading);
}

static void step_read(struct letter_step *step) {
    struct letter_reading *reading = step->reading;
    if (step->read.error == KAFKA_NONE) {
        step->in_pool = true;
        env_pool_run(reading->env, &step->job);
        return;
    }
    int16_t code = step->read.error;
    reading->step = NULL;
    step_free(step);
    over(reading, code);
}

static void on_read(struct partition_read *read) {
    step_read(CONTAINER_OF(read, struct letter_step, read));
}

static void step_begin(struct letter_reading *reading) {
    struct partition *partition = partition_set_find_group(reading->partitions, reading->group);
    if (partition == NULL) {
        over(reading, KAFKA_NOT_LEADER_OR_FOLLOWER);
        return;
    }
    struct letter_step *step = reading->step = mem_zalloc(sizeof *step);
    step->reading = reading;
    step->job = (struct env_job){.work = unfold, .done = step_done};
    step->count = reading->count - reading->at;
    step->bytes = reading->bytes;
    step->own = reading->own;
    step->most = reading->most;
    step->found = mem_zalloc(step->count * sizeof *step->found);
    for (size_t i = 0; i < step->count; i++)
        step->found[i] = reading->letters[reading->at + i];
    decide_below(step, partition_start_offset(partition));
    step->deleted = step->decided;
    step->read.done = on_read;
    if (is_full(step))
        step_done(&step->job);
    else if (partition_read(partition, step->found[step->decided].offset, -1, -1, 1, &step->read) ==
             DONE)
        step_read(step);
}

void letter_reading_begin(struct letter_reading *reading) {
    reading->at = reading->bytes = 0;
    reading->full = false;
    step_begin(reading);
}

void letter_reading_cancel(struct letter_reading *reading) {
    struct letter_step *step = reading->step;
    reading->step = NULL;
    if (step == NULL) return;
    step->reading = NULL;
    if (step->in_pool) return; /* which gives it back */
    partition_read_cancel(&step->read);
    step_free(step);
}
