/* What clients sent, were told and read; history.h has the rules. */
#include "tests/sim/history.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { RECORDS_MAX = 1 << 16 };

struct record_fact {
    bool sent;
    bool again;           /* it was sent more than once */
    int64_t acknowledged; /* offset; -1: not */
    int64_t read;         /* the first offset at which it was read; -1: not */
};

struct producer_facts {
    bool known, idempotent;
    int32_t partition;
    struct record_fact *records;
    uint64_t count;
};

struct offset_fact {
    bool known;
    unsigned producer;
    uint64_t number;
};

struct partition_facts {
    struct offset_fact *offsets;
    int64_t end, capacity;
    int64_t floor;
    int64_t least_start, most_start; /* told to be deleted, and asked for */
    int64_t final_start;
    uint64_t acknowledged;
};

struct history {
    struct run *run;
    int32_t partitions;
    struct producer_facts producers[HISTORY_PRODUCERS_MAX];
    struct partition_facts parts[HISTORY_PARTITIONS_MAX];
};

struct history *history_new(struct run *run, int32_t partitions) {
    struct history *history = mem_zalloc(sizeof *history);

    CHECK(partitions <= HISTORY_PARTITIONS_MAX);
    history->run = run;
    history->partitions = partitions;
    return history;
}

void history_producer(struct history *history, unsigned producer, int32_t partition,
                      bool idempotent) {
    struct producer_facts *facts = &history->producers[producer];

    CHECK(producer < HISTORY_PRODUCERS_MAX && !facts->known);
    *facts = (struct producer_facts){
        .known = true, .idempotent = idempotent, .partition = partition};
    facts->records = mem_zalloc(RECORDS_MAX * sizeof *facts->records);
}

bool history_has_producer(const struct history *history, int32_t partition) {
    for (unsigned i = 0; i < HISTORY_PRODUCERS_MAX; i++)
        if (history->producers[i].known && history->producers[i].partition == partition)
            return true;
    return false;
}

/* ---- Values ---- */

static uint32_t value_check(unsigned producer, uint64_t number) {
    return (uint32_t)((producer + 1) * 0x9e3779b1u ^ (uint32_t)number * 0x85ebca6bu);
}

void history_value(unsigned producer, uint64_t number, uint8_t *value, size_t len) {
    uint32_t name = producer, check = value_check(producer, number);

    CHECK(len >= HISTORY_VALUE_MIN);
    memcpy(value, &name, 4);
    memcpy(value + 4, &check, 4);
    memcpy(value + 8, &number, 8);
    for (size_t i = HISTORY_VALUE_MIN; i < len; i++)
        value[i] = (uint8_t)(number + i / 16);
}

void history_parse(const struct history *history, const uint8_t *value, size_t len,
                   unsigned *producer, uint64_t *number) {
    uint32_t name = 0, check = 0;

    *number = 0;
    if (len >= HISTORY_VALUE_MIN) {
        memcpy(&name, value, 4);
        memcpy(&check, value + 4, 4);
        memcpy(number, value + 8, 8);
    }
    *producer = name;
    bool sound = len >= HISTORY_VALUE_MIN && name < HISTORY_PRODUCERS_MAX &&
                 check == value_check(name, *number);
    for (size_t i = HISTORY_VALUE_MIN; sound && i < len; i++)
        sound = value[i] == (uint8_t)(*number + i / 16);
    if (!sound) run_fail(history->run, "a value of %zu bytes was read that nobody sent", len);
}

/* ---- Facts ---- */

static struct record_fact *fact_of(struct history *history, unsigned producer, uint64_t number) {
    struct producer_facts *facts = &history->producers[producer];

    if (producer >= HISTORY_PRODUCERS_MAX || !facts->known || number >= facts->count)
        run_fail(history->run, "record %" PRIu64 " of producer %u appears, which was never sent",
                 number, producer);
    return &facts->records[number];
}

void history_sent(struct history *history, unsigned producer, uint64_t number) {
    struct producer_facts *facts = &history->producers[producer];

    CHECK(facts->known && number <= facts->count && number < RECORDS_MAX);
    if (number == facts->count) {
        facts->records[facts->count++] = (struct record_fact){
            .sent = true, .acknowledged = -1, .read = -1};
    } else {
        facts->records[number].again = true;
    }
}

bool history_sent_again(const struct history *history, unsigned producer, uint64_t number) {
    const struct producer_facts *facts = &history->producers[producer];

    return number < facts->count && facts->records[number].again;
}

/* One offset, one value. */
static void place(struct history *history, int32_t partition, int64_t offset, unsigned producer,
                  uint64_t number, const char *how) {
    struct partition_facts *part = &history->parts[partition];

    if (offset < 0 || offset >= RECORDS_MAX)
        run_fail(history->run, "record %" PRIu64 " of producer %u is %s at offset %" PRId64, number,
                 producer, how, offset);
    if (offset >= part->capacity) {
        int64_t capacity = part->capacity == 0 ? 1024 : part->capacity;
        while (capacity <= offset)
            capacity *= 2;
        part->offsets = mem_realloc(part->offsets, (size_t)capacity * sizeof *part->offsets);
        memset(part->offsets + part->capacity, 0,
               (size_t)(capacity - part->capacity) * sizeof *part->offsets);
        part->capacity = capacity;
    }
    struct offset_fact *fact = &part->offsets[offset];
    if (fact->known && (fact->producer != producer || fact->number != number))
        run_fail(history->run,
                 "inconsistent: partition %d, offset %" PRId64 " was record %" PRIu64
                 " of producer %u, and is %s as record %" PRIu64 " of producer %u",
                 partition, offset, fact->number, fact->producer, how, number, producer);
    *fact = (struct offset_fact){true, producer, number};
    if (offset >= part->end) part->end = offset + 1;
}

void history_acknowledged(struct history *history, unsigned producer, uint64_t number,
                          int64_t offset) {
    struct record_fact *fact = fact_of(history, producer, number);
    const struct producer_facts *facts = &history->producers[producer];

    place(history, facts->partition, offset, producer, number, "acknowledged");
    if (facts->idempotent && fact->read >= 0 && fact->read != offset)
        run_fail(history->run,
                 "duplicate: record %" PRIu64
                 " of idempotent producer %u is acknowledged at %" PRId64
                 " and was read at %" PRId64,
                 number, producer, offset, fact->read);
    if (fact->acknowledged < 0) history->parts[facts->partition].acknowledged++;
    fact->acknowledged = offset;
    run_count(history->run, RARE_ACKNOWLEDGED, 1);
}

void history_read(struct history *history, int32_t partition, int64_t offset, unsigned producer,
                  uint64_t number) {
    struct record_fact *fact = fact_of(history, producer, number);
    const struct producer_facts *facts = &history->producers[producer];

    if (facts->partition != partition)
        run_fail(history->run, "record %" PRIu64 " of producer %u is in partition %d", number,
                 producer, partition);
    place(history, partition, offset, producer, number, "read");
    if (fact->read < 0) fact->read = offset;
    if (fact->read != offset && (facts->idempotent || !fact->again))
        run_fail(history->run,
                 "duplicate: record %" PRIu64 " of %s producer %u is at offsets %" PRId64
                 " and %" PRId64,
                 number, facts->idempotent ? "idempotent" : "plain", producer, fact->read, offset);
    if (facts->idempotent && fact->acknowledged >= 0 && fact->acknowledged != offset)
        run_fail(history->run,
                 "duplicate: record %" PRIu64
                 " of idempotent producer %u was acknowledged at %" PRId64
                 " and is read at %" PRId64,
                 number, producer, fact->acknowledged, offset);
}

int64_t history_end(const struct history *history, int32_t partition) {
    return history->parts[partition].end;
}

uint64_t history_acknowledged_count(const struct history *history, int32_t partition) {
    return history->parts[partition].acknowledged;
}

int64_t history_floor(const struct history *history, int32_t partition) {
    return history->parts[partition].floor;
}

void history_watermark(struct history *history, int32_t partition, int64_t floor, int64_t watermark,
                       const char *who) {
    struct partition_facts *part = &history->parts[partition];

    if (watermark < floor)
        run_fail(history->run,
                 "%s says that the high watermark of partition %d is %" PRId64 "; it was %" PRId64
                 " before the question",
                 who, partition, watermark, floor);
    if (watermark > part->floor) part->floor = watermark;
}

/* ---- The start ---- */

void history_trim_asked(struct history *history, int32_t partition, int64_t offset) {
    struct partition_facts *part = &history->parts[partition];

    if (offset > part->most_start) part->most_start = offset;
}

int64_t history_most_start(const struct history *history, int32_t partition) {
    return history->parts[partition].most_start;
}

void history_started(struct history *history, int32_t partition, int64_t start, const char *who) {
    const struct partition_facts *part = &history->parts[partition];

    if (start < 0 || start > part->most_start)
        run_fail(history->run,
                 "%s says that partition %d starts at %" PRId64
                 ", and nobody asked to delete more than what lies below %" PRId64,
                 who, partition, start, part->most_start);
}

void history_trimmed(struct history *history, int32_t partition, int64_t start) {
    struct partition_facts *part = &history->parts[partition];

    if (start > part->least_start) part->least_start = start;
}

int64_t history_least_start(const struct history *history, int32_t partition) {
    return history->parts[partition].least_start;
}

void history_final_start(struct history *history, int32_t partition, int64_t start,
                         const char *who) {
    struct partition_facts *part = &history->parts[partition];

    history_started(history, partition, start, who);
    if (start < part->least_start)
        run_fail(history->run,
                 "%s starts partition %d at %" PRId64 ", and what lies below %" PRId64
                 " was said to be deleted",
                 who, partition, start, part->least_start);
    part->final_start = start;
}

/* ---- The end ---- */

static void finish_producer(struct history *history, unsigned producer) {
    const struct producer_facts *facts = &history->producers[producer];
    int64_t last = -1;

    for (uint64_t number = 0; number < facts->count; number++) {
        const struct record_fact *fact = &facts->records[number];
        int64_t start = history->parts[facts->partition].final_start;
        if (fact->acknowledged >= start && fact->acknowledged >= 0 && fact->read < 0)
            run_fail(history->run,
                     "lost: record %" PRIu64 " of producer %u was acknowledged at offset %" PRId64
                     " and never read",
                     number, producer, fact->acknowledged);
        if (!facts->idempotent || fact->read < 0) continue;
        if (fact->read <= last)
            run_fail(history->run,
                     "reordered: record %" PRIu64 " of idempotent producer %u is at offset %" PRId64
                     ", behind %" PRId64,
                     number, producer, fact->read, last);
        last = fact->read;
    }
}

void history_finish(struct history *history) {
    for (int32_t partition = 0; partition < history->partitions; partition++) {
        const struct partition_facts *part = &history->parts[partition];
        for (int64_t offset = part->final_start; offset < part->end; offset++)
            if (!part->offsets[offset].known)
                run_fail(history->run,
                         "partition %d has no record at offset %" PRId64 ", but at later ones",
                         partition, offset);
    }
    for (unsigned producer = 0; producer < HISTORY_PRODUCERS_MAX; producer++)
        if (history->producers[producer].known) finish_producer(history, producer);
}
