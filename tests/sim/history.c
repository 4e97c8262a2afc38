/* What clients sent, were told and read; history.h has the rules. */
#include "tests/sim/history_internal.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

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

static uint32_t value_check(unsigned producer, uint64_t number) {
    return (uint32_t)((producer + 1) * 0x9e3779b1u ^ (uint32_t)number * 0x85ebca6bu);
}

void history_compact(struct history *history, uint64_t delete_retention_ms) {
    history->compacted = true;
    history->delete_retention_ms = delete_retention_ms;
}

bool history_is_compacted(const struct history *history) {
    return history->compacted;
}

uint64_t history_delete_retention(const struct history *history) {
    return history->delete_retention_ms;
}

void history_key(unsigned producer, uint64_t number, uint8_t key[HISTORY_KEY_LEN]) {
    key[0] = (uint8_t)producer;
    key[1] = (uint8_t)(number % KEYS);
}

bool history_is_tombstone(unsigned producer, uint64_t number) {
    return value_check(producer, number) % 4 == 0;
}

bool history_has_producer(const struct history *history, int32_t partition) {
    for (unsigned i = 0; i < HISTORY_PRODUCERS_MAX; i++)
        if (history->producers[i].known && history->producers[i].partition == partition)
            return true;
    return false;
}

/* ---- Values ---- */

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

struct record_fact *history_fact(struct history *history, unsigned producer, uint64_t number) {
    struct producer_facts *facts = &history->producers[producer];

    if (producer >= HISTORY_PRODUCERS_MAX || !facts->known || number >= facts->count)
        run_fail(history->run, "record %" PRIu64 " of producer %u appears, which was never sent",
                 number, producer);
    return &facts->records[number];
}

void history_sent(struct history *history, unsigned producer, uint64_t number) {
    struct producer_facts *facts = &history->producers[producer];

    CHECK(facts->known && number <= facts->count && number < RECORDS_MAX);
    history->parts[facts->partition].sends++;
    if (number == facts->count) {
        facts->records[facts->count++] = (struct record_fact){
            .sent = true,
            .generation = facts->generation,
            .sent_us = world_now_us(history->run->world),
            .acknowledged = -1,
            .read = -1};
    } else {
        facts->records[number].again = true;
    }
}

bool history_sent_again(const struct history *history, unsigned producer, uint64_t number) {
    const struct producer_facts *facts = &history->producers[producer];

    return number < facts->count && facts->records[number].again;
}

void history_place(struct history *history, int32_t partition, int64_t offset, unsigned producer,
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
    fact->known = true;
    fact->producer = producer;
    fact->number = number;
    if (offset >= part->end) part->end = offset + 1;
}

void history_acknowledged(struct history *history, unsigned producer, uint64_t number,
                          int64_t offset) {
    struct record_fact *fact = history_fact(history, producer, number);
    const struct producer_facts *facts = &history->producers[producer];

    history_place(history, facts->partition, offset, producer, number, "acknowledged");
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

uint64_t history_marker_number(int16_t epoch, int32_t coordinator_epoch) {
    return (uint64_t)epoch + (uint64_t)coordinator_epoch; /* one of them grows with each */
}

void history_markers_of_many(struct history *history) {
    history->markers_of_many = true;
}

void history_marker_sent(struct history *history, int32_t partition) {
    history->parts[partition].sends++;
}

void history_marker_acknowledged(struct history *history, int32_t partition, int16_t epoch,
                                 int32_t coordinator_epoch) {
    history->parts[partition].marker = history_marker_number(epoch, coordinator_epoch);
}

static void read_marker(struct history *history, int32_t partition, int64_t offset,
                        uint64_t number) {
    history_place(history, partition, offset, HISTORY_MARKER, number, "read");
    history->parts[partition].offsets[offset].on_replica = true;
}

void history_read(struct history *history, int32_t partition, int64_t offset, unsigned producer,
                  uint64_t number) {
    if (producer == HISTORY_MARKER) {
        read_marker(history, partition, offset, number);
        return;
    }
    struct record_fact *fact = history_fact(history, producer, number);
    const struct producer_facts *facts = &history->producers[producer];

    if (facts->partition != partition)
        run_fail(history->run, "record %" PRIu64 " of producer %u is in partition %d", number,
                 producer, partition);
    history_place(history, partition, offset, producer, number, "read");
    history->parts[partition].offsets[offset].on_replica = true;
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

/* ---- One replica ---- */

void history_replica_begin(struct history *history, int32_t partition) {
    struct partition_facts *part = &history->parts[partition];

    CHECK(part->replica_count < HISTORY_REPLICAS_MAX);
    part->replicas[part->replica_count].begin_us = world_now_us(history->run->world);
    for (int64_t offset = 0; offset < part->end; offset++)
        part->offsets[offset].on_replica = false;
}

static bool is_key_of(const struct offset_fact *fact, const struct offset_fact *other) {
    return other->known && other->producer == fact->producer &&
           other->number % KEYS == fact->number % KEYS;
}

/* A later record of the same key was read since the replica began. */
static bool is_superseded(const struct partition_facts *part, int64_t offset) {
    const struct offset_fact *fact = &part->offsets[offset];

    if (fact->producer == HISTORY_MARKER) return true; /* none here is of what was aborted */
    for (int64_t later = offset + 1; later < part->end; later++) {
        const struct offset_fact *other = &part->offsets[later];
        if (other->on_replica && is_key_of(fact, other)) return true;
    }
    return false;
}

/* What the clock of one broker says may be read by that of another: the time of a mark. */
static uint64_t apart_us(const struct history *history) {
    return (history->ahead_ms + history->behind_ms) * 1000;
}

/* Its key was deleted by it, or by a record that was sent later (or was sent twice, and may have
 * come twice), so long ago that the tombstone is gone as well. */
static bool is_deleted(const struct history *history, const struct offset_fact *fact) {
    if (fact->producer == HISTORY_MARKER) return false;
    const struct producer_facts *facts = &history->producers[fact->producer];
    uint64_t now_us = world_now_us(history->run->world) + apart_us(history);
    for (uint64_t number = fact->number % KEYS; number < facts->count; number += KEYS) {
        const struct record_fact *record = &facts->records[number];
        if (history_is_tombstone(fact->producer, number) &&
            (number >= fact->number || record->again) &&
            record->sent_us + history->delete_retention_ms * 1000 <= now_us)
            return true;
    }
    return false;
}

void history_replica_end(struct history *history, int32_t partition, const char *who) {
    struct partition_facts *part = &history->parts[partition];

    for (int64_t offset = part->final_start; offset < part->end; offset++) {
        struct offset_fact *fact = &part->offsets[offset];
        if (fact->known && fact->on_replica) fact->on_replicas |= 1u << part->replica_count;
        if (!fact->known || fact->on_replica) continue;
        bool superseded = history->compacted && is_superseded(part, offset);
        if (!superseded && (!history->compacted || !is_deleted(history, fact)))
            run_fail(history->run,
                     "%s lacks record %" PRIu64 " of producer %u, at offset %" PRId64
                     " of partition %d",
                     who, fact->number, fact->producer, offset, partition);
        if (!superseded) run_count(history->run, RARE_TOMBSTONES_GONE, 1);
    }
    part->replicas[part->replica_count++].end_us = world_now_us(history->run->world);
}

/* That replica was read so soon behind the other one that no tombstone can have gone meanwhile of
 * which the other one showed an older value. */
static bool is_soon_after(const struct history *history, const struct replica_fact *one,
                          const struct replica_fact *other) {
    return one->end_us + apart_us(history) < other->begin_us + history->delete_retention_ms * 1000;
}

/* No replica has let go of what says that this record is not the last of its key any more. */
static void check_comes_back(const struct history *history, int32_t partition, int64_t offset) {
    const struct partition_facts *part = &history->parts[partition];
    const struct offset_fact *fact = &part->offsets[offset];
    uint32_t later_on = 0;
    bool later_known = false;

    if (fact->producer == HISTORY_MARKER) return;
    for (int64_t later = offset + 1; later < part->end; later++) {
        const struct offset_fact *other = &part->offsets[later];
        if (!is_key_of(fact, other)) continue;
        later_known = true;
        later_on |= other->on_replicas;
    }
    for (unsigned shows = 0; later_known && shows < part->replica_count; shows++) {
        if (!(fact->on_replicas >> shows & 1)) continue;
        for (unsigned lacks = 0; lacks < part->replica_count; lacks++)
            if (!(later_on >> lacks & 1) &&
                is_soon_after(history, &part->replicas[lacks], &part->replicas[shows]))
                run_fail(history->run,
                         "a key comes back: one replica shows record %" PRIu64
                         " of producer %u, at offset %" PRId64
                         " of partition %d, and another one has nothing that came later",
                         fact->number, fact->producer, offset, partition);
    }
}

/* ---- The start ---- */

void history_trim_asked(struct history *history, int32_t partition, int64_t offset) {
    struct partition_facts *part = &history->parts[partition];

    if (offset > part->most_start) part->most_start = offset;
}

int64_t history_most_start(const struct history *history, int32_t partition) {
    return history->parts[partition].most_start;
}

void history_retain(struct history *history, uint64_t ms, uint64_t bytes) {
    history->retention_ms = ms;
    history->retention_bytes = bytes;
}

bool history_retains(const struct history *history) {
    return history->retention_ms > 0 || history->retention_bytes > 0;
}

void history_clock_off(struct history *history, int64_t ms) {
    if (ms > 0 && (uint64_t)ms > history->ahead_ms) history->ahead_ms = (uint64_t)ms;
    if (ms < 0 && (uint64_t)-ms > history->behind_ms) history->behind_ms = (uint64_t)-ms;
}

/* A later record of its key was sent, or, where nobody recognises it, the same one once more: so a
 * cleaning may have taken it. */
static bool may_be_cleaned(const struct history *history, const struct offset_fact *fact) {
    const struct producer_facts *facts = &history->producers[fact->producer];
    bool twice = facts->records[fact->number].again && !facts->idempotent;
    return history->compacted && (fact->number + KEYS < facts->count || twice ||
                                  history_is_tombstone(fact->producer, fact->number));
}

/* The newest record below `start` that is known, and was not cleaned, was sent long enough ago. */
static bool is_old(const struct history *history, const struct partition_facts *part,
                   int64_t start) {
    uint64_t newest_us = 0;

    for (int64_t offset = part->most_start; offset < start && offset < part->end; offset++) {
        const struct offset_fact *fact = &part->offsets[offset];
        if (!fact->known || fact->producer == HISTORY_MARKER || may_be_cleaned(history, fact))
            continue;
        uint64_t sent_us = history->producers[fact->producer].records[fact->number].sent_us;
        if (sent_us > newest_us) newest_us = sent_us;
    }
    if (newest_us == 0 && history->compacted) return true; /* a cleaning has left nothing */
    return newest_us + history->retention_ms * 1000 <=
           world_now_us(history->run->world) + history->ahead_ms * 1000;
}

/* More may lie behind it than is known, but not more than was sent. */
static bool is_beyond(const struct history *history, const struct partition_facts *part,
                      int64_t start) {
    uint64_t kept = part->sends > (uint64_t)start ? part->sends - (uint64_t)start : 0;
    return kept * STORED_MOST >= history->retention_bytes;
}

void history_started(struct history *history, int32_t partition, int64_t start, const char *who) {
    struct partition_facts *part = &history->parts[partition];

    bool gone = history->retention_ms > 0      ? is_old(history, part, start)
                : history->retention_bytes > 0 ? is_beyond(history, part, start)
                                               : false;
    if (start > part->most_start && gone) {
        run_count(history->run, RARE_RETAINED, 1);
        part->most_start = start;
    }
    if (start < 0 || start > part->most_start)
        run_fail(history->run,
                 "%s says that partition %d starts at %" PRId64 ", but what lies from %" PRId64
                 " on is not to be deleted: nobody asked, and it is neither too old nor too much",
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
        if (number > 0 && fact->generation != facts->records[number - 1].generation) last = -1;
        int64_t start = history->parts[facts->partition].final_start;
        const struct partition_facts *part = &history->parts[facts->partition];
        bool may_be_gone = history->compacted && fact->acknowledged >= 0 &&
                           (is_superseded(part, fact->acknowledged) ||
                            is_deleted(history, &part->offsets[fact->acknowledged]));
        if (fact->acknowledged >= start && fact->acknowledged >= 0 && fact->read < 0 &&
            !may_be_gone)
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

static void finish_markers(struct history *history, int32_t partition) {
    const struct partition_facts *part = &history->parts[partition];
    uint64_t last = 0;

    for (int64_t offset = 0; offset < part->end; offset++) {
        const struct offset_fact *fact = &part->offsets[offset];
        if (!fact->known || fact->producer != HISTORY_MARKER) continue;
        if (fact->number == UINT64_MAX) continue; /* nobody's: commands filled a segment */
        if (fact->number <= last)
            run_fail(history->run,
                     "marker %" PRIu64 " is at offset %" PRId64
                     " of partition %d, behind marker %" PRIu64,
                     fact->number, offset, partition, last);
        last = fact->number;
    }
    if (last < part->marker && part->most_start == 0 && !history->compacted)
        run_fail(history->run,
                 "lost: marker %" PRIu64
                 " of partition %d was acknowledged, and the last that was read is %" PRIu64,
                 part->marker, partition, last);
}

void history_finish(struct history *history) {
    for (int32_t partition = 0; partition < history->partitions; partition++) {
        const struct partition_facts *part = &history->parts[partition];
        for (int64_t offset = part->final_start; offset < part->end && !history->compacted;
             offset++)
            if (!part->offsets[offset].known)
                run_fail(history->run,
                         "partition %d has no record at offset %" PRId64 ", but at later ones",
                         partition, offset);
        if (!history->markers_of_many) finish_markers(history, partition);
        for (int64_t offset = part->final_start; offset < part->end && history->compacted; offset++)
            if (part->offsets[offset].known) check_comes_back(history, partition, offset);
    }
    for (unsigned producer = 0; producer < HISTORY_PRODUCERS_MAX; producer++)
        if (history->producers[producer].known) finish_producer(history, producer);
}
