/*
 * Room in the ring: when a file is made, whose entries keep the oldest one, what is copied forward.
 *
 * Happy path: once half of max_bytes is live, the owners of the entries in the oldest generation are asked to sync what
 * is committed; their progress empties it. What is not committed cannot be synced: it is copied into the present
 * generation when the next one begins, from memory, because owners hold uncommitted entries there anyway and reading
 * a file back would stand between rounds and the disk. So references are kept to uncommitted entries only.
 * Failures: above three quarters of max_bytes no further file is taken while the oldest one holds committed entries that
 * their owner has not synced: rounds wait, it is logged, and the owners are asked again until they have. As soon as they
 * have, rounds may take files although the limit is reached: the progress itself waits behind these rounds, and what
 * waits is bounded by the callers' limit for uncommitted entries, a quarter of max_bytes.
 * A disk with little room (disk_room.h): max_bytes is lower for as long, down to what the journal has.
 * A full disk, or no more files that may be open: no file can be made; the owners are asked as if the limit was reached, and files are reused. When none is
 * free, or the last one would not give another one back, rounds wait until the disk has room.
 * Invariant: between two generations that are copied, a round of the owners is placed: copying never keeps them from the
 * disk, however much is uncommitted.
 */
#include <inttypes.h>

#include "base/check.h"
#include "base/mem.h"
#include "storage/journal_parts.h"

enum {
    ASK_AGAIN_US = 50 * 1000,
    TRY_DISK_AGAIN_US = 1000 * 1000,
    FILES_LEAST = 4, /* that it may have however little room there is */
};

/* The first entry of the extent that is still needed and that its owner has not synced (as far as recorded). */
static uint64_t first_needed(const struct journal_group_state *group, const struct journal_extent *extent) {
    return extent->first > group->asked_progress ? extent->first : group->asked_progress + 1;
}

/* All that the oldest generation holds is synced by its owner, can be copied, or is void when what waits has a place. */
static bool oldest_can_be_emptied(const struct journal *journal) {
    uint64_t oldest = journal_state_oldest(&journal->state);
    if (oldest == journal->state.generation) return false;
    struct journal_group_state *group, *next;
    HASH_ITER(hh, journal->state.groups, group, next) {
        for (size_t i = 0; i < group->extent_count; i++) {
            const struct journal_extent *extent = &group->extents[i];
            if (extent->generation != oldest) continue;
            uint64_t needed = first_needed(group, extent);
            if (needed <= extent->last && needed < extent->kept && needed < group->asked_void) return false;
        }
    }
    return true;
}

/* ---- How large it may be ---- */

/* As large as it is, and half of what the disk has above its limit, so that the journal does not take what segments need. What makes
 * room must go on, so some files it may have in any case. */
static uint64_t most_bytes(const struct journal *journal) {
    uint64_t most = journal->options.max_bytes;
    if (journal->options.room == NULL) return most;
    uint64_t above = disk_room_above_limit(journal->options.room), least = FILES_LEAST * journal->options.file_bytes;
    uint64_t may_be = journal->files.free_bytes + journal->files.live_bytes + above / 2;
    if (may_be < least) may_be = least;
    return may_be < most ? may_be : most;
}

static uint64_t rest_of_file(const struct journal *journal) {
    return journal->end > journal->offset ? journal->end - journal->offset : 0;
}

uint64_t journal_owed_bytes(const struct journal *journal, uint64_t unwritten) {
    uint64_t has = rest_of_file(journal) + journal->files.free_bytes, file = journal->options.file_bytes;
    uint64_t owed = unwritten > has ? (unwritten - has + file - 1) / file * file : 0;
    return journal->files.making != NULL && owed < file ? file : owed;
}

/* ---- Taking files ---- */

static void look_again_later(struct journal *journal) {
    env_timer_start(journal->again, journal->disk_full ? TRY_DISK_AGAIN_US : ASK_AGAIN_US);
}

static void begin_stall(struct journal *journal) {
    if (journal->stalled) return;
    journal->stalled = true;
    journal->pressed = 0;
    log_warn(journal->log,
             journal->disk_full ? "the disk of %s is full or no file may be opened, and the journal needs one (%" PRIu64
                                  " bytes are in use); writing waits until there is room"
                                : "the journal in %s is full (%" PRIu64
                                  " bytes); writing waits until committed entries are in their segments",
             journal->files.path, journal->files.live_bytes);
    look_again_later(journal);
    env_defer(journal->env, &journal->turn);
}

static void end_stall(struct journal *journal) {
    if (!journal->stalled) return;
    journal->stalled = false;
    log_info(journal->log, "the journal in %s has room again", journal->files.path);
}

static bool below_soft_limit(const struct journal *journal) {
    uint64_t all = journal->files.free_bytes + journal->files.live_bytes + journal->options.file_bytes;
    return all <= most_bytes(journal) / 4 * 3;
}

/* It is time to empty the oldest generation. */
static bool room_is_short(const struct journal *journal) {
    return journal->stalled || journal->disk_full || journal->files.live_bytes >= most_bytes(journal) / 2;
}

static void disk_is_full(struct journal *journal) {
    journal->disk_full = true;
    look_again_later(journal);
}

static void file_made(void *arg, int error) {
    struct journal *journal = arg;
    if ((error_is_no_room(error) || error == ERR_LIMIT) && !journal->closing) disk_is_full(journal);
    if (error == ERR_NONE) {
        journal->disk_full = false;
        if (journal->options.room != NULL && !journal->closing)
            disk_room_took(journal->options.room, journal->options.file_bytes);
    }
    if (journal->closing)
        journal_free_if_unused(journal);
    else
        env_defer(journal->env, &journal->turn);
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

/* On a full disk the last free file is taken only for a generation that will give another one back. */
static bool may_take(const struct journal *journal) {
    size_t free = journal_files_free(&journal->files);
    return free > 1 || (free == 1 && (!journal->disk_full || oldest_can_be_emptied(journal)));
}

bool journal_room_for_file(struct journal *journal) {
    if (may_take(journal)) {
        end_stall(journal);
        return true;
    }
    bool may = journal->files.making != NULL || below_soft_limit(journal) || oldest_can_be_emptied(journal);
    if (may) make_file(journal);
    if (journal->files.making == NULL) begin_stall(journal);
    return false;
}

void journal_room_prepare(struct journal *journal) {
    if (journal->files.free_bytes == 0 && below_soft_limit(journal)) make_file(journal);
}

void journal_room_began(struct journal *journal) {
    journal_room_prepare(journal);
    if (!room_is_short(journal)) return;
    uint64_t oldest = journal_state_oldest(&journal->state);
    bool old = oldest < journal->state.generation;
    if (old && journal->reclaiming == 0 && journal->owners_turn && oldest_can_be_emptied(journal)) {
        journal->reclaiming = oldest;
        journal->owners_turn = false;
    }
    env_defer(journal->env, &journal->turn);
}

/* ---- Copying forward ---- */

/* Adds entries of the extent until the round is large enough; false: it is. */
static bool copy_extent(struct journal *journal, const struct journal_group_state *group,
                        const struct journal_extent *extent) {
    uint64_t index = first_needed(group, extent);
    if (index < extent->kept) index = extent->kept;
    for (; index <= extent->last; index++) {
        if (journal_round_bytes(journal->copies) >= journal_round_limit(journal)) return false;
        journal_round_add_entry(journal->copies, JOURNAL_COPY, journal_extent_entry(extent, index));
        journal->stats.entries_copied_forward++;
    }
    return true;
}

static void copy_some(struct journal *journal) {
    struct journal_group_state *group, *next;
    HASH_ITER(hh, journal->state.groups, group, next) {
        for (size_t i = 0; i < group->extent_count; i++)
            if (group->extents[i].generation == journal->reclaiming && !copy_extent(journal, group, &group->extents[i]))
                return;
    }
}

bool journal_room_copy(struct journal *journal) {
    if (journal->copies != NULL) return true;
    if (journal->reclaiming == 0) return false;
    journal->copies = journal_round_new();
    copy_some(journal);
    if (!journal_round_is_empty(journal->copies)) return true;
    journal_round_free(journal->copies);
    journal->copies = NULL;
    journal->reclaiming = 0;
    return false;
}

/* ---- Asking the owners ---- */

struct asked {
    uint64_t group, index;
};

/* Owners that can do something: they have committed entries in the oldest generation that they have not synced. */
static size_t owners_of_oldest(const struct journal *journal, struct asked *asked) {
    uint64_t oldest = journal_state_oldest(&journal->state);
    size_t count = 0;
    struct journal_group_state *group, *next;
    HASH_ITER(hh, journal->state.groups, group, next) {
        uint64_t index = 0;
        for (size_t i = 0; i < group->extent_count; i++)
            if (group->extents[i].generation == oldest) index = group->extents[i].last;
        if (index <= group->asked_progress || group->asked_commit <= group->asked_progress) continue;
        asked[count++] = (struct asked){group->group, index};
    }
    return count;
}

void journal_room_press(struct journal *journal) {
    uint64_t oldest = journal_state_oldest(&journal->state);
    if (journal->on_pressure == NULL || !room_is_short(journal) || oldest == journal->state.generation) return;
    if (journal->pressed == journal->state.generation + oldest) return;
    journal->pressed = journal->state.generation + oldest;
    struct asked *asked = mem_alloc(HASH_COUNT(journal->state.groups) * sizeof *asked);
    size_t count = owners_of_oldest(journal, asked);
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
    journal_room_prepare(journal);
    if (journal->stalled || journal->disk_full) look_again_later(journal);
    env_defer(journal->env, &journal->turn);
}
