/* What is forgotten with a majority that was given up, and what is not; history.h has the rules. */
#include <inttypes.h>

#include "tests/sim/history_internal.h"

static bool is_logged(const struct offset_fact *fact, const struct history_logged *logged) {
    return logged->there && fact->producer == logged->producer && fact->number == logged->number;
}

/* Returns whether it was acknowledged. */
static bool forget(struct history *history, struct offset_fact *fact, int64_t offset) {
    struct record_fact *record = history_fact(history, fact->producer, fact->number);
    bool was = record->acknowledged == offset;

    fact->known = false;
    if (was) record->acknowledged = -1;
    if (record->read == offset) record->read = -1;
    run_count(history->run, RARE_FORGOTTEN, was);
    return was;
}

uint32_t history_lose(struct history *history, int32_t partition, const struct history_logged *log,
                      int64_t end, int64_t gone_from, const char *who) {
    struct partition_facts *part = &history->parts[partition];
    uint32_t producers = 0;

    for (int64_t offset = 0; offset < part->end; offset++) {
        struct offset_fact *fact = &part->offsets[offset];
        if (!fact->known || (offset < end && is_logged(fact, &log[offset]))) continue;
        if (offset < gone_from)
            run_fail(history->run,
                     "the plan says that what partition %d acknowledged below offset %" PRId64
                     " stays; %s, with which it goes on, has not record %" PRIu64
                     " of producer %u at offset %" PRId64,
                     partition, gone_from, who, fact->number, fact->producer, offset);
        if (forget(history, fact, offset)) producers |= UINT32_C(1) << fact->producer;
    }
    part->end = 0; /* the log itself is known */
    for (int64_t offset = 0; offset < end; offset++)
        if (log[offset].there)
            history_place(history, partition, offset, log[offset].producer, log[offset].number,
                          "kept");
    if (part->floor > end) part->floor = end;
    part->losses++;
    return producers;
}

unsigned history_losses(const struct history *history, int32_t partition) {
    return history->parts[partition].losses;
}

void history_producer_anew(struct history *history, unsigned producer) {
    history->producers[producer].generation++;
}
