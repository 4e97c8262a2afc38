/* The looks at the file system, and the count between them. */
#include "storage/disk_space.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"

enum {
    LOOK_US = 1000 * 1000,
    LOOK_AGAIN_US = 20 * 1000, /* between two looks for those who ask */
    FOLLOWER_SHARE = 2,        /* of the limit */
    MIB = 1024 * 1024,
};

struct disk_space {
    struct env *env;
    struct log *log;
    char *path;
    uint64_t min_free;
    struct disk_space_events events;
    void *arg;
    struct env_timer *timer;
    struct env_disk_room seen; /* at the last look */
    uint64_t seen_us;
    uint64_t taken;   /* since then */
    unsigned waiting; /* writers that were told that there is no room */
    int error;        /* what the last one of them was told */
    bool is_short[DISK_ROOM_ASKERS];
    char sentence[700];
};

/* ---- How much there is ---- */

static void space_look(struct disk_space *room) {
    const struct env_disk_room unknown = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
    if (env_disk_free(room->env, room->path, &room->seen) != ERR_NONE) room->seen = unknown;
    room->seen_us = env_now_us(room->env);
    room->taken = 0;
}

static uint64_t promised(const struct disk_space *room) {
    return room->events.promised(room->arg);
}

uint64_t disk_space_left(const struct disk_space *room) {
    if (room->seen.free_bytes == UINT64_MAX) return UINT64_MAX;
    uint64_t gone = room->taken + promised(room);
    if (MUTANT(MUTANT_ROOM_NOT_COUNTED)) gone = 0;
    return room->seen.free_bytes > gone ? room->seen.free_bytes - gone : 0;
}

static uint64_t limit_of(const struct disk_space *room, enum disk_space_asker asker) {
    return asker == DISK_ROOM_FOLLOWER ? room->min_free / FOLLOWER_SHARE : room->min_free;
}

uint64_t disk_space_above_limit(const struct disk_space *room) {
    uint64_t left = disk_space_left(room);
    return left > room->min_free ? left - room->min_free : 0;
}

/* `bytes` more, and the limit stays free. Whoever was refused waits for a little more than that. */
static bool is_enough(const struct disk_space *room, enum disk_space_asker asker, uint64_t bytes) {
    uint64_t left = disk_space_left(room), limit = limit_of(room, asker);
    if (room->waiting > 0 || room->seen.free_files < DISK_ROOM_FILES_LEAST) return false;
    if (room->is_short[asker]) limit += limit / 10;
    return left >= limit && left - limit >= bytes;
}

/* ---- What is said ---- */

static void put_files(const struct disk_space *room, char *text, size_t size) {
    text[0] = '\0';
    if (room->seen.free_files != UINT64_MAX)
        snprintf(text, size, " and %" PRIu64 " inode%s", room->seen.free_files,
                 room->seen.free_files == 1 ? "" : "s");
}

static void describe(struct disk_space *room) {
    uint64_t free_mib = room->seen.free_bytes / MIB;
    char files[40];
    put_files(room, files, sizeof files);
    if (room->waiting > 0)
        snprintf(
            room->sentence, sizeof room->sentence,
            "the disk of %.200s takes no more (%s): %" PRIu64
            " MiB%s are free; %s; records are refused until then, deleting topics goes on (drave topic delete)",
            room->path, error_phrase(room->error), free_mib, files, error_advice(room->error));
    else if (room->seen.free_files < DISK_ROOM_FILES_LEAST)
        snprintf(room->sentence, sizeof room->sentence,
                 "the disk of %.200s has %" PRIu64
                 " inodes left, and %d are kept for what makes room (%" PRIu64
                 " MiB are free): %s; records are refused until then (drave topic delete)",
                 room->path, room->seen.free_files, DISK_ROOM_FILES_LEAST, free_mib,
                 error_advice(ERR_NO_INODES));
    else
        snprintf(
            room->sentence, sizeof room->sentence,
            "the disk of %.200s is nearly full: %" PRIu64 " MiB are free, %" PRIu64
            " MiB of them for what was accepted, and disk.min.free.bytes is %" PRIu64
            " MiB; records are refused until there is room: delete topics (drave topic delete), or make the disk larger",
            room->path,
            (room->seen.free_bytes - (room->taken < room->seen.free_bytes ? room->taken : 0)) / MIB,
            promised(room) / MIB, room->min_free / MIB);
}

static void set_short(struct disk_space *room, enum disk_space_asker asker, bool is_short) {
    if (room->is_short[asker] == is_short) return;
    room->is_short[asker] = is_short;
    if (asker == DISK_ROOM_LEADER && is_short) {
        describe(room);
        log_event(room->log, LOGGED_DISK_FULL, "%s", room->sentence);
    } else if (asker == DISK_ROOM_LEADER) {
        room->sentence[0] = '\0';
        log_event(room->log, LOGGED_DISK_HAS_ROOM,
                  "the disk of %s has room again: %" PRIu64 " MiB are free", room->path,
                  room->seen.free_bytes / MIB);
    }
    if (is_short) env_timer_start(room->timer, LOOK_US);
    if (room->events.changed != NULL) room->events.changed(room->arg);
}

/* ---- Asking ---- */

bool disk_space_for(struct disk_space *room, enum disk_space_asker asker, uint64_t bytes) {
    if (room->is_short[asker]) return false; /* the timer finds out when it is over */
    bool old = env_now_us(room->env) - room->seen_us >= LOOK_US;
    if (!old && is_enough(room, asker, bytes)) return true;
    if (env_now_us(room->env) - room->seen_us >= LOOK_AGAIN_US) {
        space_look(room);
        if (is_enough(room, asker, bytes)) return true;
    }
    set_short(room, asker, true);
    return false;
}

bool disk_space_fits(struct disk_space *room, uint64_t bytes) {
    uint64_t age_us = env_now_us(room->env) - room->seen_us;
    if (age_us < LOOK_US && disk_space_above_limit(room) >= bytes) return true;
    if (age_us >= LOOK_AGAIN_US) space_look(room);
    return disk_space_above_limit(room) >= bytes;
}

bool disk_space_is_short(const struct disk_space *room, enum disk_space_asker asker) {
    return room->is_short[asker];
}

const char *disk_space_sentence(const struct disk_space *room) {
    return room->sentence;
}

/* Without a limit nothing is to be told before somebody asks. */
static bool has_to_look(const struct disk_space *room) {
    return room->min_free > 0 || room->is_short[DISK_ROOM_LEADER] ||
           room->is_short[DISK_ROOM_FOLLOWER];
}

static void on_timer(void *arg) {
    struct disk_space *room = arg;
    space_look(room);
    for (enum disk_space_asker asker = 0; asker < DISK_ROOM_ASKERS; asker++)
        set_short(room, asker, !is_enough(room, asker, 0));
    if (has_to_look(room)) env_timer_start(room->timer, LOOK_US);
}

/* ---- Writing ---- */

void disk_space_took(struct disk_space *room, uint64_t bytes) {
    room->taken += bytes;
}

void disk_space_wait(struct disk_space *room, int error) {
    CHECK(error_is_no_room(error));
    room->waiting++;
    room->error = error;
    space_look(room);
    for (enum disk_space_asker asker = 0; asker < DISK_ROOM_ASKERS; asker++)
        set_short(room, asker, true);
}

void disk_space_got_through(struct disk_space *room) {
    CHECK(room->waiting > 0); /* each writer says so once */
    room->waiting--;
}

/* ---- Life ---- */

void disk_space_facts_get(const struct disk_space *room, struct disk_space_facts *facts) {
    uint64_t left = room->seen.free_bytes > room->taken ? room->seen.free_bytes - room->taken : 0;
    *facts = (struct disk_space_facts){
        .path = room->path,
        .free_bytes = room->seen.free_bytes == UINT64_MAX ? UINT64_MAX : left,
        .free_files = room->seen.free_files,
        .total_bytes = room->seen.total_bytes,
        .promised_bytes = promised(room),
        .min_free_bytes = room->min_free};
}

struct disk_space *disk_space_new(struct env *env, struct log *log, const char *path,
                                  uint64_t min_free_bytes, const struct disk_space_events *events,
                                  void *arg) {
    struct disk_space *room = mem_zalloc(sizeof *room);
    room->env = env;
    room->log = log;
    room->path = mem_strdup(path);
    room->min_free = min_free_bytes;
    room->events = *events;
    room->arg = arg;
    room->timer = env_timer_new(env, on_timer, room);
    space_look(room);
    if (has_to_look(room)) env_timer_start(room->timer, 0);
    return room;
}

void disk_space_set_min_free(struct disk_space *room, uint64_t min_free_bytes) {
    room->min_free = min_free_bytes;
    if (has_to_look(room)) env_timer_start(room->timer, LOOK_US);
}

void disk_space_free(struct disk_space *room) {
    if (room == NULL) return;
    env_timer_free(room->timer);
    mem_free(room->path);
    mem_free(room);
}
