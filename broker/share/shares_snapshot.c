/*
 * The shares of a partition as bytes and back, in steps.
 *
 * Bytes, little-endian: parts, each with u8 what it is. HEAD: u32 next number. SHARE: u32 number,
 * u32 epoch, u32 length and the group's id. RANGES of it: u32 number, i64 start, u32 ranges; for
 * each i64 first, i64 last, u16 count, u8 state. TIMED_RANGES: the same, and behind each i64 time;
 * LETTER_RANGES: u8 reason behind that. Where one has a time, or a reason, so that older versions
 * read what has none. MOVE, if there was one: u8 open, u32 length and the command that made it.
 * COMMAND, applied while others were walked over: u32 length and it. START, behind all commands:
 * u32 number, i64 start. END: u32 shares.
 *
 * Why that gives the state of the last moment: what is over stays over, and of anything else the
 * last outcome counts. So outcomes may be set again that a part had already: those of the walk are
 * all behind the parts, in order, and each part says below which offset all was over by then.
 * Invariant: a share that begins during the walk is in its commands alone.
 */
#include <utlist.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/share/shares_internal.h"
#include "storage/little_endian.h"

enum part {
    HEAD = 1,
    SHARE,
    RANGES,
    COMMAND = SHARES_NOTE,
    START,
    END,
    TIMED_RANGES,
    LETTER_RANGES,
    MOVE,
};
enum {
    HEAD_SIZE = 5,
    SHARE_SIZE = 13,
    RANGES_SIZE = 17,
    COMMAND_SIZE = SHARES_NOTE_HEAD,
    START_SIZE = 13,
    END_SIZE = 5,
    RANGE_SIZE = 19,
    TIMED_RANGE_SIZE = RANGE_SIZE + 8,
    LETTER_RANGE_SIZE = TIMED_RANGE_SIZE + 1,
    MOVE_SIZE = 6,
    RANGES_MAX = 500, /* a step */
};

/* ---- There ---- */

struct shares_walk *shares_walk_new(struct shares *shares) {
    struct shares_walk *walk = mem_zalloc(sizeof *walk);
    walk->shares = shares;
    DL_APPEND(shares->walks, walk);
    return walk;
}

void shares_walk_stop(struct shares_walk *walk) {
    DL_DELETE(walk->shares->walks, walk);
    snapshot_bytes_drop(&walk->commands);
    mem_free(walk);
}

static void put_head(struct shares_walk *walk, struct snapshot_bytes *into) {
    uint8_t head[HEAD_SIZE] = {HEAD};
    walk->begun = true;
    walk->most = walk->shares->next_number;
    le_put_u32(head + 1, (uint32_t)walk->most);
    if (walk->most > 0) snapshot_bytes_put(into, head, sizeof head);
}

static void put_share(const struct share *share, struct snapshot_bytes *into) {
    uint8_t head[SHARE_SIZE] = {SHARE};
    le_put_u32(head + 1, (uint32_t)share->number);
    le_put_u32(head + 5, (uint32_t)share->epoch);
    le_put_u32(head + 9, (uint32_t)share->group.len);
    snapshot_bytes_put(into, head, sizeof head);
    snapshot_bytes_put(into, share->group.data, (size_t)share->group.len);
}

/* The least that says all of them. */
static enum part kind_of(const struct offset_ranges *ranges, size_t from, size_t to) {
    enum part kind = RANGES;
    for (size_t i = from; i < to; i++) {
        const struct share_range *range = offset_ranges_at(ranges, i);
        if (range->reason != 0) return LETTER_RANGES;
        if (range->time_ms != 0) kind = TIMED_RANGES;
    }
    return kind;
}

static size_t size_of(enum part kind) {
    return kind == LETTER_RANGES  ? LETTER_RANGE_SIZE
           : kind == TIMED_RANGES ? TIMED_RANGE_SIZE
                                  : RANGE_SIZE;
}

static void put_move(const struct share *share, struct snapshot_bytes *into) {
    struct share_command command = {
        .what = SHARE_MOVE, .number = share->number, .move = share->state.move};
    uint8_t head[MOVE_SIZE] = {MOVE, share->state.move.open};
    if (share->state.move.records.count == 0) return;
    struct slice bytes = share_command_encode(&command);
    le_put_u32(head + 2, (uint32_t)bytes.len);
    snapshot_bytes_put(into, head, sizeof head);
    snapshot_bytes_put(into, bytes.data, bytes.len);
    slice_unref(&bytes);
}

/* From *at on, which moves behind them. False: they reach to the end. */
static bool put_ranges(const struct share *share, kafka_offset *at, struct snapshot_bytes *into) {
    const struct offset_ranges *ranges = &share->state.ranges;
    size_t place = offset_ranges_find(ranges, *at), count = ranges->count - place;
    uint8_t head[RANGES_SIZE], bytes[LETTER_RANGE_SIZE];
    if (count > RANGES_MAX) count = RANGES_MAX;
    enum part kind = kind_of(ranges, place, place + count);
    head[0] = (uint8_t)kind;
    le_put_u32(head + 1, (uint32_t)share->number);
    le_put_u64(head + 5, (uint64_t)share->state.start);
    le_put_u32(head + 13, (uint32_t)count);
    snapshot_bytes_put(into, head, sizeof head);
    for (size_t i = place; i < place + count; i++) {
        const struct share_range *range = offset_ranges_at(ranges, i);
        le_put_u64(bytes, (uint64_t)range->at.first);
        le_put_u64(bytes + 8, (uint64_t)range->at.last);
        le_put_u16(bytes + 16, range->count);
        bytes[18] = range->state;
        le_put_u64(bytes + RANGE_SIZE, (uint64_t)range->time_ms);
        bytes[TIMED_RANGE_SIZE] = range->reason;
        snapshot_bytes_put(into, bytes, size_of(kind));
        *at = range->at.last + 1;
    }
    return place + count < ranges->count;
}

/* The first with that number or a higher one, of those that were there when the walk began. */
static const struct share *next_share(const struct shares_walk *walk) {
    const struct share *share = walk->shares->first;
    while (share != NULL && share->number < walk->number)
        share = share->next;
    return share == NULL || share->number >= walk->most ? NULL : share;
}

bool shares_walk_step(struct shares_walk *walk, struct snapshot_bytes *into) {
    if (!walk->begun) put_head(walk, into);
    const struct share *share = next_share(walk);
    if (share == NULL) return true;
    if (!walk->inside || share->number != walk->number) {
        put_share(share, into);
        put_move(share, into);
        walk->number = share->number;
        walk->at = share->state.start;
    }
    walk->inside = put_ranges(share, &walk->at, into);
    if (!walk->inside) walk->number++;
    return false;
}

void shares_walk_rest(struct shares_walk *walk, struct snapshot_bytes *into) {
    const struct share *share;
    uint8_t bytes[START_SIZE] = {START}, end[END_SIZE] = {END};
    snapshot_bytes_join(into, &walk->commands);
    DL_FOREACH(walk->shares->first, share) {
        le_put_u32(bytes + 1, (uint32_t)share->number);
        le_put_u64(bytes + 5, (uint64_t)share->state.start);
        snapshot_bytes_put(into, bytes, sizeof bytes);
    }
    le_put_u32(end + 1, (uint32_t)walk->shares->count);
    if (walk->shares->next_number > 0) snapshot_bytes_put(into, end, sizeof end);
    shares_walk_stop(walk);
}

/* ---- And back ---- */

static int take_head(struct shares *shares, const uint8_t *bytes, size_t len, size_t *took) {
    if (len < HEAD_SIZE || shares->next_number != 0) return ERR_MALFORMED;
    uint32_t next_number = le_get_u32(bytes + 1);
    if (next_number == 0 || next_number > INT32_MAX) return ERR_MALFORMED;
    shares->next_number = (int32_t)next_number;
    *took = HEAD_SIZE;
    return ERR_NONE;
}

static int take_share(struct shares *shares, const uint8_t *bytes, size_t len, size_t *took) {
    if (len < SHARE_SIZE) return ERR_MALFORMED;
    uint32_t number = le_get_u32(bytes + 1), id = le_get_u32(bytes + 9);
    struct kp_string group = {.data = (const char *)bytes + SHARE_SIZE, .len = (int32_t)id};
    if (id == 0 || id > INT32_MAX || id > len - SHARE_SIZE ||
        number >= (uint32_t)shares->next_number || shares_find(shares, group) != NULL)
        return ERR_MALFORMED;
    if (shares->first != NULL && (uint32_t)shares->first->prev->number >= number)
        return ERR_MALFORMED;
    shares_add(shares, group, (int32_t)number)->epoch = (int32_t)le_get_u32(bytes + 5);
    *took = SHARE_SIZE + (size_t)id;
    return ERR_NONE;
}

static int pass(struct shares *shares, const uint8_t *bytes, struct share **share) {
    int64_t start = (int64_t)le_get_u64(bytes + 5);
    *share = shares_numbered(shares, (int32_t)le_get_u32(bytes + 1));
    if (*share == NULL || start < 0) return ERR_MALFORMED;
    share_state_pass(&(*share)->state, start);
    return ERR_NONE;
}

static int set_range(struct share *share, const uint8_t *bytes, enum part kind) {
    struct share_range range = {
        .at = {.first = (int64_t)le_get_u64(bytes), .last = (int64_t)le_get_u64(bytes + 8)},
        .time_ms = kind != RANGES ? (int64_t)le_get_u64(bytes + RANGE_SIZE) : 0,
        .count = le_get_u16(bytes + 16),
        .state = bytes[18],
        .reason = kind == LETTER_RANGES ? bytes[TIMED_RANGE_SIZE] : 0};
    bool over = share_state_is_over(range.state);
    if (range.at.first < 0 || range.at.last < range.at.first || range.at.last == INT64_MAX)
        return ERR_MALFORMED;
    if (range.time_ms < 0 || (over && range.time_ms != 0)) return ERR_MALFORMED;
    bool letter = range.state == SHARE_ARCHIVING;
    if (letter ? range.reason < SHARE_REJECTED || range.reason > SHARE_EXHAUSTED
               : range.reason != 0)
        return ERR_MALFORMED;
    if (over ? range.count != 0 : (range.state != SHARE_AVAILABLE && !letter) || range.count == 0)
        return ERR_MALFORMED;
    if (!MUTANT(MUTANT_SHARES_NOT_KEPT)) share_state_set(&share->state, &range);
    return ERR_NONE;
}

static int take_ranges(struct shares *shares, const uint8_t *bytes, size_t len, size_t *took) {
    struct share *share;
    if (len < RANGES_SIZE) return ERR_MALFORMED;
    enum part kind = bytes[0];
    size_t count = le_get_u32(bytes + 13), each = size_of(kind);
    if (count > RANGES_MAX || count > (len - RANGES_SIZE) / each) return ERR_MALFORMED;
    int error = pass(shares, bytes, &share);
    for (size_t i = 0; error == ERR_NONE && i < count; i++)
        error = set_range(share, bytes + RANGES_SIZE + i * each, kind);
    if (error == ERR_NONE) share_count(share);
    *took = RANGES_SIZE + count * each;
    return error;
}

static int take_move(struct shares *shares, const uint8_t *bytes, size_t len, size_t *took) {
    struct share_command command;
    if (len < MOVE_SIZE || bytes[1] > 1 || le_get_u32(bytes + 2) > len - MOVE_SIZE)
        return ERR_MALFORMED;
    *took = MOVE_SIZE + le_get_u32(bytes + 2);
    int error = share_command_decode(bytes + MOVE_SIZE, *took - MOVE_SIZE, &command);
    if (error != ERR_NONE) return error;
    struct share *share = shares_numbered(shares, command.number);
    bool sound = command.what == SHARE_MOVE && share != NULL;
    if (sound && !MUTANT(MUTANT_LETTER_MOVE_NOT_KEPT))
        share_state_move(&share->state, &command.move);
    if (sound) share->state.move.open = bytes[1] == 1;
    share_command_drop(&command);
    return sound ? ERR_NONE : ERR_MALFORMED;
}

static int take_command(struct shares *shares, const uint8_t *bytes, size_t len, size_t *took) {
    if (len < COMMAND_SIZE || le_get_u32(bytes + 1) > len - COMMAND_SIZE) return ERR_MALFORMED;
    *took = COMMAND_SIZE + le_get_u32(bytes + 1);
    return shares_apply(shares, bytes + COMMAND_SIZE, *took - COMMAND_SIZE);
}

static int take_start(struct shares *shares, const uint8_t *bytes, size_t len, size_t *took) {
    struct share *share;
    *took = START_SIZE;
    int error = len < START_SIZE ? ERR_MALFORMED : pass(shares, bytes, &share);
    if (error == ERR_NONE) share_state_settle(&share->state);
    return error;
}

static int take_end(const struct shares *shares, const uint8_t *bytes, size_t len, size_t *took) {
    *took = END_SIZE;
    return len != END_SIZE || le_get_u32(bytes + 1) != shares->count ? ERR_MALFORMED : ERR_NONE;
}

int shares_decode(struct shares *shares, const uint8_t *bytes, size_t len, size_t *took) {
    *took = 0;
    if (len == 0) return ERR_NONE;
    int error = ERR_MALFORMED;
    switch (bytes[0]) {
    case HEAD: error = take_head(shares, bytes, len, took); break;
    case SHARE: error = take_share(shares, bytes, len, took); break;
    case LETTER_RANGES:
    case TIMED_RANGES:
    case RANGES: error = take_ranges(shares, bytes, len, took); break;
    case MOVE: error = take_move(shares, bytes, len, took); break;
    case COMMAND: error = take_command(shares, bytes, len, took); break;
    case START: error = take_start(shares, bytes, len, took); break;
    case END: error = take_end(shares, bytes, len, took); break;
    default: break;
    }
    return error == ERR_NONE && bytes[0] != END && *took == len ? ERR_MALFORMED : error;
}
