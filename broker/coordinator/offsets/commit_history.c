/* An array of histories; those that are free are linked by their positions. */
#include "broker/coordinator/offsets/commit_history.h"

#include "base/check.h"
#include "base/mem.h"

enum { FIRST_ROOM = 16 };

struct commit_histories {
    struct budget *memory;
    struct progress *items; /* place 1 is items[0] */
    uint32_t count, room, used;
    uint32_t free;    /* place of the first free one; 0: none */
    uint64_t charged; /* to the memory of groups */
};

struct commit_histories *commit_histories_new(struct budget *memory) {
    struct commit_histories *histories = mem_zalloc(sizeof *histories);
    histories->memory = memory;
    return histories;
}

static void charge(struct commit_histories *histories, size_t before, size_t after) {
    budget_charge(histories->memory, after);
    budget_release(histories->memory, before);
    histories->charged += after - before;
}

static void forget_places(struct commit_histories *histories) {
    charge(histories, histories->room * sizeof *histories->items, 0);
    mem_free(histories->items);
    histories->items = NULL;
    histories->count = histories->room = histories->free = 0;
}

void commit_histories_free(struct commit_histories *histories) {
    CHECK(histories->used == 0 && histories->charged == 0);
    mem_free(histories);
}

static bool is_full(const struct commit_histories *histories) {
    return histories->charged >= histories->memory->limit / COMMIT_HISTORIES_PART ||
           budget_spent(histories->memory);
}

/* 0: there is no memory. */
static uint32_t take_place(struct commit_histories *histories) {
    if (is_full(histories)) return 0;
    uint32_t place = histories->free;
    if (place != 0) {
        histories->free = (uint32_t)histories->items[place - 1].position;
    } else {
        if (histories->count == histories->room) {
            uint32_t room = histories->room == 0 ? FIRST_ROOM
                                                 : histories->room + histories->room / 2;
            charge(histories, histories->room * sizeof *histories->items,
                   room * sizeof *histories->items);
            histories->room = room;
            histories->items = mem_realloc(histories->items, room * sizeof *histories->items);
        }
        place = ++histories->count;
    }
    histories->items[place - 1] = (struct progress){.points = NULL};
    histories->used++;
    return place;
}

uint32_t commit_history_move(struct commit_histories *histories, uint32_t place, int64_t at_ms,
                             int64_t offset) {
    bool is_new = place == 0;
    if (is_new) place = take_place(histories);
    if (place == 0) return 0;
    struct progress *history = &histories->items[place - 1];
    if (is_new) {
        progress_begin(history, COMMIT_POINTS_MAX, at_ms, offset);
        return place;
    }
    size_t before = progress_bytes(history);
    progress_move(history, at_ms, offset);
    size_t after = progress_bytes(history);
    if (after != before) charge(histories, before, after);
    return place;
}

void commit_history_drop(struct commit_histories *histories, uint32_t place) {
    if (place == 0) return;
    struct progress *history = &histories->items[place - 1];
    charge(histories, progress_bytes(history), 0);
    progress_close(history);
    history->position = histories->free;
    histories->free = place;
    if (--histories->used == 0) forget_places(histories);
}

const struct progress *commit_history(const struct commit_histories *histories, uint32_t place) {
    return place == 0 ? NULL : &histories->items[place - 1];
}
