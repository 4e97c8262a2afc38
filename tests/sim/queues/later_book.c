/* The book of delayed records; later_book.h has the rules. */
#include "tests/sim/queues/later_book.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "broker/delay/delayed.h"
#include "broker/partition/partition_delay.h"

enum {
    NUMBERS_MAX = 1 << 16,
    OFFSETS_MAX = 1 << 17,
    HELD = 0x4000,
    RELEASE_SEQUENCE = -2,
    RECENT = 20,
    AT_ONCE_MS = 30
};

struct later_fact {
    enum later_kind kind;
    int64_t what;         /* ms, or an offset */
    int64_t acknowledged; /* at this offset; -1: not */
    int64_t delivered;    /* likewise, by whoever read it, or by a log */
    int64_t logged;       /* likewise, by the log that is replayed, where it came */
};

/* Of an offset of the log that is replayed. */
struct later_place {
    int64_t number; /* of the record that is there, or there to be seen; -1: none */
    int64_t due_ms; /* as its headers say; of one that is held back */
    int64_t key_ms; /* not before what was delivered in front of it */
    bool pending, visible;
};

struct later_book {
    struct cluster *cluster;
    struct later_fact *facts; /* by number */
    uint64_t count;
    bool *read;       /* by offset */
    int64_t ahead_ms; /* of the world's, the wall clock of any broker, at most */
    /* Of the log that is replayed. */
    struct later_place *places;
    int64_t end;
    int64_t last_key_ms; /* of the last one that was delivered */
};

struct later_book *later_book_new(struct cluster *cluster) {
    struct later_book *book = mem_zalloc(sizeof *book);
    book->cluster = cluster;
    book->facts = mem_zalloc(NUMBERS_MAX * sizeof *book->facts);
    book->read = mem_zalloc(OFFSETS_MAX * sizeof *book->read);
    book->places = mem_zalloc(OFFSETS_MAX * sizeof *book->places);
    return book;
}

/* ---- Who sends ---- */

uint64_t later_sent(struct later_book *book, enum later_kind kind, int64_t what) {
    if (book->count == NUMBERS_MAX) run_fail(book->cluster->run, "too many records are delayed");
    book->facts[book->count] = (struct later_fact){kind, what, -1, -1, -1};
    return book->count++;
}

static uint64_t seal_of(uint64_t number) {
    return (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

void later_value(uint64_t number, uint8_t value[DELAY_VALUE_LEN]) {
    uint64_t seal = seal_of(number);
    memcpy(value, &number, sizeof number);
    memcpy(value + sizeof number, &seal, sizeof seal);
}

static uint64_t number_of(struct later_book *book, const struct raw_record *record) {
    uint64_t number = UINT64_MAX, seal = 0;
    if (record->value_len == DELAY_VALUE_LEN) {
        memcpy(&number, record->value, sizeof number);
        memcpy(&seal, record->value + sizeof number, sizeof seal);
    }
    if (number >= book->count || seal != seal_of(number))
        run_fail(book->cluster->run,
                 "offset %" PRId64 " of the topic with delays has what nobody sent",
                 record->offset);
    if (record->offset < 0 || record->offset >= OFFSETS_MAX)
        run_fail(book->cluster->run, "a delayed record is at offset %" PRId64, record->offset);
    return number;
}

void later_acknowledged(struct later_book *book, uint64_t number, int64_t offset) {
    struct later_fact *fact = &book->facts[number];
    fact->acknowledged = offset;
    run_count(book->cluster->run, RARE_DELAY_SENT,
              fact->kind == DELAY_AT || fact->kind == DELAY_AFTER);
}

static bool can_be_called_off(const struct later_fact *fact) {
    return fact->acknowledged >= 0 && (fact->kind == DELAY_AT || fact->kind == DELAY_AFTER);
}

/* One of the last ones that is due about now. */
static const struct later_fact *one_at_once(const struct later_book *book, int64_t now_ms) {
    for (uint64_t back = 1; back <= RECENT && back <= book->count; back++) {
        const struct later_fact *fact = &book->facts[book->count - back];
        bool now = fact->kind == DELAY_AT && fact->what > now_ms - AT_ONCE_MS &&
                   fact->what < now_ms + AT_ONCE_MS;
        if (now && can_be_called_off(fact)) return fact;
    }
    return NULL;
}

int64_t later_any_offset(const struct later_book *book, int64_t now_ms) {
    struct world *world = book->cluster->run->world;
    const struct later_fact *fact = one_at_once(book, now_ms);
    if (fact != NULL && world_below(world, 2) == 0) return fact->acknowledged;
    for (unsigned tries = 0; tries < 8 && book->count > 0; tries++) {
        fact = &book->facts[world_below(world, book->count)];
        if (can_be_called_off(fact)) return fact->acknowledged;
    }
    return -1;
}

/* ---- Records that are there to be seen ---- */

/* It says that it was held back at `was`, which is not known but by what was acknowledged. */
static void check_delivered(struct later_book *book, const struct raw_record *record,
                            uint64_t number, int64_t was) {
    struct later_fact *fact = &book->facts[number];
    struct run *run = book->cluster->run;
    char text[32];
    if (fact->kind != DELAY_AT && fact->kind != DELAY_AFTER)
        run_fail(run, "record %" PRIu64 ", which was not to be delayed, is delivered at %" PRId64,
                 number, record->offset);
    if (fact->acknowledged >= 0 && fact->acknowledged != was)
        run_fail(run,
                 "record %" PRIu64 " was acknowledged at offset %" PRId64 ", and is delivered as "
                 "if it had been at %" PRId64,
                 number, fact->acknowledged, was);
    if (fact->delivered >= 0 && fact->delivered != record->offset)
        run_fail(run, "record %" PRIu64 " is delivered twice, at %" PRId64 " and at %" PRId64,
                 number, fact->delivered, record->offset);
    fact->delivered = record->offset;
    if (raw_header(run, record, "deliver-at", text, sizeof text) ||
        raw_header(run, record, "deliver-in", text, sizeof text))
        run_fail(run, "record %" PRIu64 " is delivered, and asks to be so once more", number);
    if (fact->kind == DELAY_AT && record->timestamp_ms < fact->what)
        run_fail(run, "record %" PRIu64 " is delivered %" PRId64 " ms early", number,
                 fact->what - record->timestamp_ms);
}

/* At its own offset. */
static void check_plain(struct later_book *book, const struct raw_record *record, uint64_t number) {
    const struct later_fact *fact = &book->facts[number];
    struct run *run = book->cluster->run;
    if (fact->kind == DELAY_AFTER || fact->kind == DELAY_CALLS_OFF)
        run_fail(run, "record %" PRIu64 " comes at its own offset %" PRId64 ", but was to be %s",
                 number, record->offset, fact->kind == DELAY_AFTER ? "delayed" : "hidden");
    if (fact->acknowledged >= 0 && fact->acknowledged != record->offset)
        run_fail(run, "record %" PRIu64 " is at %" PRId64 ", and was acknowledged at %" PRId64,
                 number, record->offset, fact->acknowledged);
}

void later_look_at_clocks(struct later_book *book) {
    for (unsigned i = 0; i < book->cluster->count; i++) {
        int64_t ahead_ms = node_wall_offset_ms(book->cluster->brokers[i].node);
        if (ahead_ms > book->ahead_ms) book->ahead_ms = ahead_ms;
    }
}

/* That any broker ever had. */
static int64_t latest_clock_ms(const struct later_book *book) {
    return env_wall_ms(kafka_client_env(book->cluster->client)) + book->ahead_ms;
}

int64_t later_clock_ahead_ms(const struct later_book *book) {
    return book->ahead_ms;
}

void later_read(struct later_book *book, const struct raw_record *record) {
    uint64_t number = number_of(book, record);
    const struct later_fact *fact = &book->facts[number];
    int64_t was, late_ms;
    later_look_at_clocks(book);
    late_ms = latest_clock_ms(book);
    if (fact->kind == DELAY_AT && fact->what > late_ms)
        run_fail(book->cluster->run,
                 "record %" PRIu64 " is read %" PRId64 " ms before it is due by any clock", number,
                 fact->what - late_ms);
    if (raw_header_number(book->cluster->run, record, "x-delayed-offset", &was)) {
        check_delivered(book, record, number, was);
        run_count(book->cluster->run, RARE_DELAY_READ, !book->read[record->offset]);
    } else {
        check_plain(book, record, number);
    }
    book->read[record->offset] = true;
}

/* ---- Logs ---- */

void later_replay_begin(struct later_book *book) {
    for (int64_t i = 0; i < OFFSETS_MAX; i++)
        book->places[i] = (struct later_place){.number = -1};
    book->end = 0;
    book->last_key_ms = INT64_MIN;
    for (uint64_t i = 0; i < book->count; i++)
        book->facts[i].logged = -1;
}

static bool is_before(const struct later_book *book, int64_t one, int64_t other) {
    int64_t one_ms = book->places[one].key_ms, other_ms = book->places[other].key_ms;
    return one_ms < other_ms || (one_ms == other_ms && one < other);
}

static void replay_delivery(struct later_book *book, const struct raw_record *record,
                            uint64_t number) {
    struct run *run = book->cluster->run;
    int64_t was = -1;
    raw_header_number(run, record, "x-delayed-offset", &was);
    if (was < 0 || was >= book->end || !book->places[was].pending ||
        book->places[was].number != (int64_t)number)
        run_fail(run,
                 "offset %" PRId64 " delivers record %" PRIu64 " as if it were pending at %" PRId64,
                 record->offset, number, was);
    struct later_place *place = &book->places[was];
    if (record->timestamp_ms < place->due_ms)
        run_fail(run,
                 "record %" PRIu64 " is delivered at offset %" PRId64 " by a clock at %" PRId64
                 ", and is due at %" PRId64,
                 number, record->offset, record->timestamp_ms, place->due_ms);
    for (int64_t i = 0; i < book->end; i++)
        if (book->places[i].pending && is_before(book, i, was))
            run_fail(run,
                     "offset %" PRId64 " delivers what was held back at %" PRId64
                     " before that of %" PRId64,
                     record->offset, was, i);
    check_delivered(book, record, number, was);
    place->pending = false;
    book->last_key_ms = place->key_ms;
    run_count(run, RARE_DELAY_CLAMPED, place->key_ms > place->due_ms);
}

static void replay_held(struct later_book *book, const struct raw_record *record, uint64_t number) {
    const struct later_fact *fact = &book->facts[number];
    struct later_place *place = &book->places[record->offset];
    int64_t came_ms = record->max_timestamp_ms;
    int64_t due_ms = fact->kind == DELAY_AFTER ? came_ms + fact->what : fact->what;
    if (fact->kind == DELAY_CALLS_OFF) {
        bool pending = fact->what < book->end && book->places[fact->what].pending;
        run_count(book->cluster->run, pending ? RARE_DELAY_CALLED_OFF : RARE_DELAY_CALLED_OFF_LATE,
                  1);
        if (pending) book->places[fact->what].pending = false;
        place->visible = false;
    } else if (fact->kind != DELAY_NONE && due_ms > came_ms) {
        place->pending = true;
        place->visible = false;
        place->due_ms = due_ms;
        place->key_ms = due_ms > book->last_key_ms ? due_ms : book->last_key_ms;
    }
}

static void replay_record(void *arg, const struct raw_record *record) {
    struct later_book *book = arg;
    uint64_t number = number_of(book, record);
    struct later_place *place = &book->places[record->offset];
    bool release = record->producer_id < 0 && record->sequence == RELEASE_SEQUENCE;
    *place = (struct later_place){.number = (int64_t)number, .visible = true};
    if (!release && book->facts[number].logged >= 0)
        run_fail(book->cluster->run,
                 "record %" PRIu64 " is in the log at %" PRId64 " and at %" PRId64, number,
                 book->facts[number].logged, record->offset);
    if (!release) book->facts[number].logged = record->offset;
    if (release)
        replay_delivery(book, record, number);
    else if ((record->attributes & HELD) != 0)
        replay_held(book, record, number);
    if (!release && place->visible) check_plain(book, record, number);
    if (record->offset >= book->end) book->end = record->offset + 1;
}

void later_replay_entry(struct later_book *book, struct entry *entry) {
    struct slice raw;
    if (entry->type != ENTRY_BATCHES) return;
    if (entry_raw(entry, NULL, false, &raw) != ERR_NONE)
        run_fail(book->cluster->run, "entry %" PRIu64 " cannot be read", entry->index);
    raw_records(book->cluster->run, raw.data, raw.len, entry->base_offset, false, replay_record,
                book);
    slice_unref(&raw);
}

struct later_pending later_pending_of(struct partition *replica) {
    struct delayed *delayed = partition_delayed(replica);
    struct later_pending pending = {0};
    struct delayed_look look;
    struct delayed_seen seen;
    pending.offsets = mem_zalloc((delayed_count(delayed) + 1) * sizeof *pending.offsets);
    pending.due_ms = mem_zalloc((delayed_count(delayed) + 1) * sizeof *pending.due_ms);
    delayed_look_begin(&look, delayed, -1);
    while (delayed_look_next(&look, &seen)) {
        pending.offsets[pending.count] = seen.offset;
        pending.due_ms[pending.count++] = seen.due_ms;
    }
    delayed_look_end(&look);
    return pending;
}

static void compare_pending(struct later_book *book, const struct later_pending *pending,
                            unsigned place, int64_t read_to) {
    size_t at = 0;
    for (int64_t i = 0; i < book->end; i++) {
        bool knows = at < pending->count && pending->offsets[at] == i;
        if (knows != book->places[i].pending ||
            (knows && pending->due_ms[at] != book->places[i].key_ms))
            run_fail(book->cluster->run,
                     "n%u knows of offset %" PRId64 " that it is %s, and its log says %s, at "
                     "%" PRId64,
                     place + 1, i, knows ? "pending" : "not pending",
                     book->places[i].pending ? "pending" : "not", book->places[i].key_ms);
        at += knows;
        if (read_to >= 0 && knows && book->places[i].key_ms <= latest_clock_ms(book))
            run_fail(book->cluster->run,
                     "what is held back at offset %" PRId64 " is due, and was not delivered", i);
    }
    if (at != pending->count)
        run_fail(book->cluster->run, "n%u has %zu records pending beyond its log", place + 1,
                 pending->count - at);
}

void later_replay_end(struct later_book *book, struct later_pending *pending, unsigned place,
                      int64_t read_to) {
    struct run *run = book->cluster->run;
    compare_pending(book, pending, place, read_to);
    for (uint64_t i = 0; i < book->count; i++) {
        int64_t at = book->facts[i].acknowledged;
        if (at >= 0 && (at >= book->end || book->places[at].number != (int64_t)i))
            run_fail(run,
                     "record %" PRIu64 " was acknowledged at offset %" PRId64
                     " of the topic with delays, and is not in the log of n%u",
                     i, at, place + 1);
    }
    for (int64_t i = 0; i < book->end; i++) {
        if (book->read[i] && !book->places[i].visible)
            run_fail(run, "offset %" PRId64 " was read, and is not to be seen by the log of n%u", i,
                     place + 1);
        if (i < read_to && book->places[i].visible && !book->read[i])
            run_fail(run, "offset %" PRId64 " was not read by who has read up to %" PRId64, i,
                     read_to);
    }
    run_count(run, RARE_DELAY_REPLAYED, 1);
    run_count(run, RARE_DELAY_PENDING_LAST, pending->count > 0);
    mem_free(pending->offsets);
    mem_free(pending->due_ms);
}
