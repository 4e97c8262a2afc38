/*
 * Room in the ring: who may have a file, when one is made, whose entries keep the oldest one, what
 * is copied forward.
 *
 * Happy path: once so much is live that a start should not have to read more, the owners of the
 * entries in the oldest generations are asked to sync what is committed, as many generations as are
 * above that; their progress empties them. That much is half of max_bytes, and less where groups
 * are few: as long as each sync is worth its while. What is not committed cannot be synced: it is
 * copied into the present generation, from memory, because owners hold uncommitted entries there
 * anyway and reading a file back would stand between rounds and the disk. So references are kept to
 * uncommitted entries only.
 *
 * The limit is hard, and what gives room back never waits for room:
 *   rounds of the owners   leave LEFT_BY_OWNERS files; they wait, it is logged, and the owners are
 *                          asked again until they have synced
 *   copies                 leave one: copying a whole generation takes two at most, and gives one
 *                          back
 *   progress               that waits behind rounds without room overtakes them, in a round of its
 *                          own that empties the oldest generation; it may have the last file. It
 *                          may overtake because what it covers is durable.
 * A round larger than a file makes its file larger; the files have at most max_bytes and, while it
 * is the present one, what that round is too large. When it is not any more, nothing may be left:
 * while the owners wait, copies and progress go beyond the limit, by the two files that a
 * generation takes before it gives one back. The owners keep what is uncommitted below half of
 * journal_usable_bytes, so that copying gains.
 *
 * A disk with little room (disk_space.h): the limit is lower for as long, down to what the journal
 * has, and less is left.
 * Failures: a full disk, or no more files that may be open: no file can be made; the owners are
 * asked as if the limit was reached, and files are reused. When none is free, or the last one would
 * not give another one back, rounds wait until the disk has room.
 * Invariants: files have no more than max_bytes (or eight of them), but for what is said above;
 * between two generations that are copied, a round of the owners is placed or some time passes:
 * copying never keeps them from the disk, however much is uncommitted. What is copied is what is
 * needed when the copies get their place: if a round of the owners gets one before, they are
 * gathered again.
 */
#include <inttypes.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/disk_space.h"
#include "storage/journal/journal_internal.h"
#include "storage/log_types.h"

enum {
    ASK_AGAIN_US = 50 * 1000,
    TRY_DISK_AGAIN_US = 1000 * 1000,
    LEFT_BY_OWNERS = 3,
    LEFT_BY_COPIES = 1,
    FILES_LEAST = 4, /* that it may have however little room there is */
    /* One for the rounds, and one that progress may have although the disk becomes full. */
    FREE_AHEAD = 2,
    WORTH_A_SYNC_BYTES =
        256 << 10,        /* what a group has written since its last one, on the average */
    LIVE_LEAST_SHARE = 8, /* of the limit; fewer generations are emptied one by one */
};

/* ---- How many files there may be ---- */

/* What the next generation begins with, at most: all that is known of every group, twice. */
static uint64_t checkpoint_bytes(const struct journal *journal) {
    const struct journal_lineage *lineage = &journal->state.lineage;
    size_t records = HASH_COUNT(journal->state.groups) + 1 + lineage->run_count +
                     lineage->witness_count;
    return 2 * journal_round_size(records * JOURNAL_RECORD_MAX, 0);
}

static uint64_t next_file_bytes(const struct journal *journal) {
    uint64_t least = checkpoint_bytes(journal) + journal->options.file_bytes / 2;
    return least > journal->options.file_bytes ? least : journal->options.file_bytes;
}

static uint64_t all_bytes(const struct journal *journal) {
    return journal->files.live_bytes + journal->files.free_bytes;
}

static uint64_t limit_of_its_own(const struct journal *journal) {
    uint64_t least = JOURNAL_FILES_AT_LEAST * next_file_bytes(journal), limit = journal->limit;
    if (MUTANT(MUTANT_JOURNAL_WITHOUT_LIMIT)) limit *= 2;
    return limit > least ? limit : least;
}

/* On a disk with little room it stays as large as it is, and takes half of what there is above the
 * disk's limit, so that it does not take what segments need. What makes room must go on, so some
 * files it may have in any case. */
static uint64_t limit_bytes(const struct journal *journal) {
    uint64_t limit = limit_of_its_own(journal);
    if (journal->options.room == NULL) return limit;
    uint64_t least = FILES_LEAST * journal->options.file_bytes;
    uint64_t may_be = all_bytes(journal) + disk_space_above_limit(journal->options.room) / 2;
    if (may_be < least) may_be = least;
    return may_be < limit ? may_be : limit;
}

static bool disk_is_tight(const struct journal *journal) {
    return journal->disk_full || limit_bytes(journal) < limit_of_its_own(journal);
}

static uint64_t rest_of_file(const struct journal *journal) {
    return journal->end > journal->offset ? journal->end - journal->offset : 0;
}

uint64_t journal_owed_bytes(const struct journal *journal, uint64_t unwritten) {
    uint64_t has = rest_of_file(journal) + journal->files.free_bytes,
             file = journal->options.file_bytes;
    uint64_t owed = unwritten > has ? (unwritten - has + file - 1) / file * file : 0;
    return journal->files.making != NULL && owed < file ? file : owed;
}

/* Without what a round makes the present file too large, which may not have been written yet. */
static uint64_t but_for_large(const struct journal *journal, uint64_t bytes) {
    return bytes > journal->too_large ? bytes - journal->too_large : 0;
}

/* Files that are not live, there or not. What a round makes the present file too large counts when
 * the next generation begins: else a round that is larger than the limit would never be written. */
static size_t spare_files(const struct journal *journal) {
    uint64_t limit = limit_bytes(journal), live = but_for_large(journal, journal->files.live_bytes);
    size_t spare = live < limit ? (size_t)((limit - live) / next_file_bytes(journal)) : 0;
    size_t free = journal_files_free(&journal->files);
    return journal->disk_full && spare > free ? free : spare;
}

static bool has_room_for_files(const struct journal *journal, size_t files) {
    uint64_t all = but_for_large(journal, all_bytes(journal));
    return all + files * next_file_bytes(journal) <= limit_bytes(journal);
}

/* More than there may be: the limit was lowered, or a large file counts now. */
static bool has_too_many(const struct journal *journal) {
    return journal_files_free(&journal->files) > FREE_AHEAD && !has_room_for_files(journal, 0);
}

/* So many spare files what is written leaves. On a disk with little room there are perhaps no more
 * than three in all. */
static size_t left_by(const struct journal *journal, enum journal_purpose purpose) {
    switch (purpose) {
    case JOURNAL_FOR_OWNERS: return disk_is_tight(journal) ? 1 : LEFT_BY_OWNERS;
    case JOURNAL_FOR_COPIES: return disk_is_tight(journal) ? 0 : LEFT_BY_COPIES;
    case JOURNAL_FOR_PROGRESS: return 0;
    }
    return 0;
}

uint64_t journal_usable_bytes(const struct journal *journal) {
    return journal->options.max_bytes - (LEFT_BY_OWNERS + FREE_AHEAD) * journal->options.file_bytes;
}

/* Never so low that nothing of what was recovered could be freed; it comes down to the option as
 * files become free. */
static void lower_limit(struct journal *journal) {
    if (journal->limit <= journal->options.max_bytes) return;
    uint64_t file = next_file_bytes(journal);
    for (size_t i = 0; i < journal->files.count; i++)
        if (journal->files.all[i]->size > file) file = journal->files.all[i]->size;
    uint64_t least = journal->files.live_bytes + LEFT_BY_OWNERS * file;
    uint64_t limit = least > journal->options.max_bytes ? least : journal->options.max_bytes;
    if (limit < journal->limit) journal->limit = limit;
}

void journal_room_recovered(struct journal *journal, uint64_t uncommitted_bytes) {
    uint64_t usable = journal_usable_bytes(journal);
    if (2 * uncommitted_bytes > usable)
        journal->options.max_bytes += 2 * uncommitted_bytes - usable;
    journal->limit = UINT64_MAX;
    lower_limit(journal);
}

/* ---- What keeps the oldest generation ---- */

/* The first entry of the extent that is still needed and that its owner has not synced (as far as
 * recorded). */
static uint64_t first_needed(const struct journal_group_state *group,
                             const struct journal_extent *extent) {
    return extent->first > group->asked_progress ? extent->first : group->asked_progress + 1;
}

/* The group needs something of the generation: entries that are not synced (as far as recorded)
 * and, if copies count, that cannot be copied. */
static bool keeps(const struct journal_group_state *group, uint64_t generation, bool copies) {
    for (size_t i = 0; i < group->extent_count; i++) {
        const struct journal_extent *extent = &group->extents[i];
        if (extent->generation != generation) continue;
        uint64_t needed = first_needed(group, extent);
        if (needed > extent->last || group->asked_void == 0) continue;
        if (copies && needed >= extent->kept) continue;
        return true;
    }
    return false;
}

/* The first group from `group` on that keeps the generation, or NULL. */
static struct journal_group_state *next_keeper(struct journal_group_state *group,
                                               uint64_t generation, bool copies) {
    while (group != NULL && !keeps(group, generation, copies))
        group = group->hh.next;
    return group;
}

/* The oldest generation is kept by no group; there are thousands of them, so the last keeper that
 * was found is asked first. */
static bool can_be_emptied(struct journal *journal, bool copies) {
    uint64_t oldest = journal_state_oldest(&journal->state);
    struct journal_keeper *last = &journal->keepers[copies];
    struct journal_group_state *keeper = NULL;
    if (oldest == journal->state.generation) return false;
    if (last->generation == oldest) keeper = journal_state_find(&journal->state, last->group);
    keeper = next_keeper(keeper, oldest, copies);
    if (keeper == NULL) keeper = next_keeper(journal->state.groups, oldest, copies);
    *last = (struct journal_keeper){.generation = oldest,
                                    .group = keeper == NULL ? 0 : keeper->group};
    return keeper == NULL;
}

/* ---- Files ---- */

static void look_again_later(struct journal *journal) {
    env_timer_start(journal->again, journal->disk_full ? TRY_DISK_AGAIN_US : ASK_AGAIN_US);
}

static void end_stall(struct journal *journal) {
    if (!journal->stalled) return;
    journal->stalled = false;
    log_limited(journal->log, &journal->full[1], LOGGED_JOURNAL_HAS_ROOM,
                "the journal in %s has room again", journal->files.path);
}

static void begin_stall(struct journal *journal) {
    if (journal->stalled) return;
    journal->stalled = true;
    journal->pressed = 0;
    log_limited(
        journal->log, &journal->full[0], LOGGED_JOURNAL_FULL,
        journal->disk_full
            ? "the disk of %s is full or no file may be opened, and the journal needs one (%" PRIu64
              " bytes are in use); writing waits until there is room"
            : "the journal in %s is full (%" PRIu64
              " bytes); writing waits until committed entries are in their segments",
        journal->files.path, journal->files.live_bytes);
    look_again_later(journal);
    env_defer(journal->env, &journal->turn);
}

/* It is time to empty the oldest generation, also by copying. */
static bool room_is_short(const struct journal *journal) {
    return journal->stalled || journal->disk_full ||
           journal->files.live_bytes >= limit_bytes(journal) / 2;
}

/* What may be live before owners are asked. Each of them is asked once while so much is written. */
static uint64_t live_target(const struct journal *journal) {
    uint64_t limit = limit_bytes(journal), least = limit / LIVE_LEAST_SHARE, most = limit / 2;
    uint64_t worth = HASH_COUNT(journal->state.groups) * (uint64_t)WORTH_A_SYNC_BYTES;
    return worth < least ? least : worth < most ? worth : most;
}

static bool is_time_to_ask(const struct journal *journal) {
    return room_is_short(journal) || journal->files.live_bytes >= live_target(journal);
}

static void disk_is_full(struct journal *journal) {
    journal->disk_full = true;
    look_again_later(journal);
}

/* Its files are others now. */
static void files_changed(struct journal *journal) {
    if (journal->closing)
        journal_free_if_unused(journal);
    else
        env_defer(journal->env, &journal->turn);
}

static void file_made(void *arg, int error) {
    struct journal *journal = arg;
    if ((error_is_no_room(error) || error == ERR_LIMIT) && !journal->closing) disk_is_full(journal);
    if (error == ERR_NONE) {
        journal->disk_full = false;
        if (journal->options.room != NULL && !journal->closing)
            disk_space_took(journal->options.room, journal->options.file_bytes);
    }
    files_changed(journal);
}

static void file_removed(void *arg, int error) {
    CHECK(error == ERR_NONE); /* journal_files ends the process */
    files_changed(arg);
}

/* Starts to make a file, unless the disk has no room for one: then it is tried again later. */
static void make_file(struct journal *journal) {
    struct env_disk_room room;
    if (journal->files.making != NULL || journal->disk_full) return;
    if (env_disk_free(journal->env, journal->files.path, &room) == ERR_NONE &&
        room.free_bytes < journal->options.file_bytes)
        disk_is_full(journal);
    else
        journal_files_make_later(&journal->files, journal->lane, file_made, journal);
}

void journal_room_prepare(struct journal *journal) {
    lower_limit(journal);
    if (journal_files_free(&journal->files) < FREE_AHEAD && has_room_for_files(journal, 1))
        make_file(journal);
    else if (has_too_many(journal) && journal->files.making == NULL)
        journal_files_remove_later(&journal->files, journal->lane, file_removed, journal);
}

/* A file is there for the next generation. If not, it is being made, unless the disk is full. */
static bool has_file(struct journal *journal, enum journal_purpose purpose) {
    bool more = !journal->disk_full && has_room_for_files(journal, 1);
    size_t stays = purpose == JOURNAL_FOR_OWNERS && more ? FREE_AHEAD - 1 : 0;
    if (journal_files_free(&journal->files) > stays) return true;
    journal_room_prepare(journal);
    if (purpose != JOURNAL_FOR_OWNERS && !more) make_file(journal);
    return false;
}

enum journal_room journal_room_for(struct journal *journal, size_t bytes,
                                   enum journal_purpose purpose) {
    bool here = journal->offset + bytes <= journal->end, owners = purpose == JOURNAL_FOR_OWNERS;
    size_t left = left_by(journal, purpose), spare = spare_files(journal);
    /* Beyond the limit, as said above. */
    if (!owners && journal->stalled && spare <= left) spare = left + 1;
    bool may = here ? spare >= left || !owners : spare > left && !(owners && has_too_many(journal));
    if (may && !here && !has_file(journal, purpose)) {
        if (owners && journal->files.making == NULL) begin_stall(journal);
        return JOURNAL_ROOM_LATER;
    }
    if (!may) {
        if (owners) begin_stall(journal);
        return JOURNAL_ROOM_LATER;
    }
    if (owners) end_stall(journal);
    return here ? JOURNAL_ROOM_HERE : JOURNAL_ROOM_NEXT;
}

/* ---- Copying forward ---- */

static void begin_copying(struct journal *journal) {
    if (journal->reclaiming != 0 || !journal->owners_turn || !can_be_emptied(journal, true)) return;
    journal->reclaiming = journal_state_oldest(&journal->state);
    journal->owners_turn = false;
}

void journal_room_began(struct journal *journal) {
    journal_room_prepare(journal);
    if (room_is_short(journal)) begin_copying(journal);
    if (is_time_to_ask(journal)) env_defer(journal->env, &journal->turn);
}

/* So large a round of copies may be: it fills the file to its end, so that copying a generation
 * takes no more room than it had. */
static size_t copies_limit(const struct journal *journal) {
    size_t limit = journal_round_limit(journal);
    uint64_t here = rest_of_file(journal);
    return here < limit ? (size_t)here : limit;
}

static size_t bytes_with(const struct journal_round *round, const struct entry *entry) {
    size_t payload = round->len - JOURNAL_HEADER_SIZE;
    return journal_round_size(payload + JOURNAL_RECORD_MAX + entry->body.len + sizeof(uint64_t),
                              round->entry_count + 1);
}

/* Adds entries of the extent until the round is large enough; false: it is. */
static bool copy_extent(struct journal *journal, const struct journal_group_state *group,
                        const struct journal_extent *extent, size_t limit) {
    log_index index = first_needed(group, extent);
    if (index < extent->kept) index = extent->kept;
    for (; index <= extent->last; index++) {
        struct entry *entry = journal_extent_entry(extent, index);
        if (!journal_round_is_empty(journal->copies) && bytes_with(journal->copies, entry) > limit)
            return false;
        journal_round_add_entry(journal->copies, JOURNAL_COPY, entry);
        journal->stats.entries_copied_forward++;
    }
    return true;
}

static void copy_some(struct journal *journal) {
    struct journal_group_state *group, *next;
    size_t limit = copies_limit(journal);
    HASH_ITER(hh, journal->state.groups, group, next) {
        for (size_t i = 0; i < group->extent_count && group->asked_void > 0; i++)
            if (group->extents[i].generation == journal->reclaiming &&
                !copy_extent(journal, group, &group->extents[i], limit))
                return;
    }
}

bool journal_room_copy(struct journal *journal) {
    if (journal->copies != NULL) return true;
    if (journal->stalled) begin_copying(journal);
    if (journal->reclaiming == 0) return false;
    journal->copies = journal_round_new();
    copy_some(journal);
    if (!journal_round_is_empty(journal->copies)) return true;
    journal_round_free(journal->copies);
    journal->copies = NULL;
    journal->reclaiming = 0;
    return false;
}

void journal_room_forget_copies(struct journal *journal) {
    journal_round_free(journal->copies);
    journal->copies = NULL;
}

/* ---- Progress that overtakes ---- */

/* How far the group needs nothing: what it said it has synced, or everything if it is forgotten;
 * only of what has a place. */
static uint64_t not_needed(const struct journal_group_state *group) {
    uint64_t last = journal_state_last(group);
    return group->asked_void == 0 || group->asked_progress > last ? last : group->asked_progress;
}

struct journal_round *journal_room_progress(struct journal *journal) {
    if (!journal->stalled || !can_be_emptied(journal, false)) return NULL;
    struct journal_round *round = journal_round_new();
    struct journal_group_state *group, *next;
    HASH_ITER(hh, journal->state.groups, group, next) {
        struct journal_record record = {.kind = JOURNAL_PROGRESS,
                                        .group = group->group,
                                        .index = not_needed(group),
                                        .segment = group->asked_segment,
                                        .position = group->asked_position};
        if (record.index > group->progress) journal_round_add(round, &record, NULL);
    }
    CHECK(!journal_round_is_empty(round)); /* else the oldest generation would have no extent */
    return round;
}

/* ---- Asking the owners ---- */

struct asked {
    uint64_t group, index;
};

/* As many generations as lie above what may be live; the oldest in any case, the present one never.
 */
static uint64_t pressed_up_to(const struct journal *journal) {
    uint64_t target = live_target(journal), live = journal->files.live_bytes;
    uint64_t up_to = journal_state_oldest(&journal->state);
    if (live > target) up_to += (live - target) / journal->options.file_bytes;
    return up_to < journal->state.generation ? up_to : journal->state.generation - 1;
}

/* Owners that can do something: they have committed entries in these generations that they have not
 * synced. */
static size_t owners_of(const struct journal *journal, uint64_t up_to, struct asked *asked) {
    size_t count = 0;
    struct journal_group_state *group, *next;
    HASH_ITER(hh, journal->state.groups, group, next) {
        log_index index = 0;
        for (size_t i = 0; i < group->extent_count; i++)
            if (group->extents[i].generation <= up_to) index = group->extents[i].last;
        if (index <= group->asked_progress || group->asked_commit <= group->asked_progress)
            continue;
        asked[count++] = (struct asked){group->group, index};
    }
    return count;
}

void journal_room_press(struct journal *journal) {
    uint64_t oldest = journal_state_oldest(&journal->state);
    if (journal->on_pressure == NULL || !is_time_to_ask(journal) ||
        oldest == journal->state.generation)
        return;
    if (journal->pressed == journal->state.generation + oldest) return;
    journal->pressed = journal->state.generation + oldest;
    struct asked *asked = mem_alloc(HASH_COUNT(journal->state.groups) * sizeof *asked);
    size_t count = owners_of(journal, pressed_up_to(journal), asked);
    for (size_t i = 0; i < count && !journal->closing; i++)
        journal->on_pressure(journal->on_pressure_arg, asked[i].group, asked[i].index);
    mem_free(asked);
}

/* While rounds wait, or the disk is full: looks again. */
void journal_room_again(void *arg) {
    struct journal *journal = arg;
    if (!journal->stalled && !journal->disk_full) return;
    journal->pressed = 0;
    journal->disk_full = false;
    journal->owners_turn = true;
    journal_room_prepare(journal);
    if (journal->stalled || journal->disk_full) look_again_later(journal);
    env_defer(journal->env, &journal->turn);
}
