/* Points in an array, from which one is taken out when it is full. */
#include "broker/traffic/progress.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { FIRST_ROOM = 4 };

/* Nobody looks back further: a year, ms. */
static const int64_t window_most_ms = INT64_C(1000) * 86400 * 365;

void progress_begin(struct progress *progress, uint16_t most, int64_t now_ms, int64_t position) {
    CHECK(most >= 3); /* one between two others can go */
    progress_close(progress);
    *progress = (struct progress){.since_ms = now_ms,
                                  .since = position,
                                  .position = position,
                                  .moved_ms = now_ms,
                                  .most = most,
                                  .begun = true};
}

void progress_close(struct progress *progress) {
    mem_free(progress->points);
    *progress = (struct progress){.points = NULL};
}

size_t progress_bytes(const struct progress *progress) {
    return progress->room * sizeof *progress->points;
}

/* The one that is missed least: the gap that it would leave is the smallest part of its age. */
static void thin(struct progress *progress, int64_t now_ms) {
    const struct progress_point *points = progress->points;
    uint16_t least = 1;
    double best = 0;
    for (uint16_t i = 1; i + 1 < progress->count; i++) {
        int64_t gap_ms = points[i + 1].at_ms - points[i - 1].at_ms;
        double part = (double)gap_ms / (double)(now_ms - points[i].at_ms + PROGRESS_STEP_MS);
        if (i == 1 || part < best) {
            least = i;
            best = part;
        }
    }
    progress->count--;
    memmove(&progress->points[least], &progress->points[least + 1],
            (size_t)(progress->count - least) * sizeof *progress->points);
}

static void make_room(struct progress *progress, int64_t now_ms) {
    if (progress->count < progress->room) return;
    if (progress->room == progress->most) {
        thin(progress, now_ms);
        return;
    }
    uint32_t room = progress->room == 0 ? FIRST_ROOM : 2 * (uint32_t)progress->room;
    progress->room = room > progress->most ? progress->most : (uint16_t)room;
    progress->points = mem_realloc(progress->points, progress_bytes(progress));
}

void progress_move(struct progress *progress, int64_t now_ms, int64_t position) {
    CHECK(progress->begun);
    if (position == progress->position) return;
    int64_t last_ms = progress->count > 0 ? progress->points[progress->count - 1].at_ms
                                          : INT64_MIN / 2;
    if (now_ms < progress->moved_ms) now_ms = progress->moved_ms;
    if (now_ms - last_ms >= PROGRESS_STEP_MS) {
        make_room(progress, now_ms);
        progress->points[progress->count++] = (struct progress_point){now_ms, progress->position};
    }
    progress->position = position;
    progress->moved_ms = now_ms;
}

/* The first point behind that time; `count`: none. */
static uint16_t first_behind(const struct progress *progress, int64_t at_ms) {
    uint16_t low = 0, high = progress->count;
    while (low < high) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (progress->points[middle].at_ms > at_ms)
            high = middle;
        else
            low = (uint16_t)(middle + 1);
    }
    return low;
}

int64_t progress_at(const struct progress *progress, int64_t at_ms) {
    if (!progress->begun || at_ms < progress->since_ms) return PROGRESS_UNKNOWN;
    uint16_t next = first_behind(progress, at_ms);
    return next < progress->count ? progress->points[next].from : progress->position;
}

enum progress_passing progress_passed(const struct progress *progress, int64_t place,
                                      int64_t *at_ms) {
    if (!progress->begun || place >= progress->position) return PROGRESS_NOT_YET;
    *at_ms = progress->since_ms;
    if (place < progress->since) return PROGRESS_PASSED_BEFORE;
    for (uint16_t i = progress->count; i-- > 0;) {
        if (progress->points[i].from > place) continue;
        *at_ms = progress->points[i].at_ms;
        return PROGRESS_PASSED;
    }
    return PROGRESS_PASSED; /* the first point was taken from `since` */
}

int64_t progress_rate(const struct progress *progress, int64_t now_ms, int64_t window_ms) {
    if (!progress->begun || window_ms <= 0 || window_ms > window_most_ms ||
        now_ms - window_ms < progress->since_ms)
        return PROGRESS_UNKNOWN;
    int64_t came = progress->position - progress_at(progress, now_ms - window_ms);
    return came <= 0 ? 0 : (int64_t)((double)came * 1e6 / (double)window_ms);
}
