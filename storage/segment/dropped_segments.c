/* The row of segments that wait, and the timer that looks at it. */
#include "storage/segment/dropped_segments.h"

#include <string.h>

#include "base/mem.h"

enum { LOOK_US = 1000 * 1000 };

struct dropped_segment {
    struct dropped_segment *next;
    struct segment *held; /* somebody read it when it was dropped; NULL: nobody */
    char *group_path;
    kafka_offset base_offset;
    uint64_t due_ms;
    uint64_t bytes;
};

/* ---- Removing ---- */

/* Of the kinds from the first to the last. */
static void remove_kinds(struct dropped_segments *dropped, const char *group_path,
                         kafka_offset base_offset, enum segment_file_kind first,
                         enum segment_file_kind last, uint64_t bytes) {
    size_t count = (size_t)(last - first) + 1;
    char **paths = mem_alloc(count * sizeof *paths);
    for (size_t i = 0; i < count; i++)
        paths[i] = path_of_segment(group_path, base_offset, (enum segment_file_kind)(first + i));
    paced_removal_add_files(dropped->removals, mem_strdup(group_path), paths, count, bytes);
}

static void remove_files(struct dropped_segments *dropped, const char *group_path,
                         kafka_offset base_offset, uint64_t bytes) {
    remove_kinds(dropped, group_path, base_offset, SEGMENT_FILE_LOG, SEGMENT_FILE_INDEX, bytes);
}

static void free_dropped(struct dropped_segment *one) {
    if (one->held) segment_let_go(one->held);
    mem_free(one->group_path);
    mem_free(one);
}

/* Nobody but us holds it. */
static bool is_unused(const struct dropped_segment *one) {
    return !one->held || one->held->holders == 1;
}

static void look(void *arg) {
    struct dropped_segments *dropped = arg;
    uint64_t now_ms = env_now_ms(dropped->env);
    struct dropped_segment **at = &dropped->first;
    while (*at) {
        struct dropped_segment *one = *at;
        if (one->due_ms > now_ms || !is_unused(one)) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        dropped->bytes -= one->bytes;
        remove_files(dropped, one->group_path, one->base_offset, one->bytes);
        free_dropped(one);
    }
    dropped->end = at;
    if (dropped->first) env_timer_start(dropped->timer, LOOK_US);
}

/* ---- Life ---- */

void dropped_segments_open(struct dropped_segments *dropped, struct env *env,
                           struct paced_removal *removals) {
    *dropped = (struct dropped_segments){.env = env, .removals = removals, .end = &dropped->first};
    dropped->timer = env_timer_new(env, look, dropped);
}

void dropped_segments_add(struct dropped_segments *dropped, struct segment *segment,
                          uint64_t delay_ms) {
    struct dropped_segment *one = mem_zalloc(sizeof *one);
    one->group_path = mem_strdup(segment->group_path);
    one->base_offset = segment->header.base_offset;
    uint64_t now_ms = env_now_ms(dropped->env);
    one->due_ms = dropped->hurried                 ? 0
                  : delay_ms < UINT64_MAX - now_ms ? now_ms + delay_ms
                                                   : UINT64_MAX;
    one->bytes = segment->end.position;
    dropped->bytes += one->bytes;
    if (segment->holders > 0) {
        segment_hold(segment);
        one->held = segment;
    }
    segment_drop(segment);
    *dropped->end = one;
    dropped->end = &one->next;
    look(dropped);
}

void dropped_segments_bound(struct dropped_segments *dropped, uint64_t most_bytes) {
    uint64_t left = dropped->bytes;
    if (left <= most_bytes) return;
    for (struct dropped_segment *one = dropped->first; one && left > most_bytes; one = one->next) {
        one->due_ms = 0;
        left -= one->bytes;
    }
    look(dropped);
}

void dropped_segments_add_leftover(struct dropped_segments *dropped, const char *group_path,
                                   kafka_offset base_offset) {
    remove_files(dropped, group_path, base_offset, 0);
}

void dropped_segments_add_unfinished(struct dropped_segments *dropped, const char *group_path,
                                     kafka_offset base_offset) {
    remove_kinds(dropped, group_path, base_offset, SEGMENT_FILE_CLEAN, SEGMENT_FILE_CLEAN, 0);
}

bool dropped_segments_leave(struct dropped_segments *dropped, const char *group_path) {
    struct dropped_segment **at = &dropped->first;
    while (*at) {
        struct dropped_segment *one = *at;
        if (strcmp(one->group_path, group_path) != 0) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        dropped->bytes -= one->bytes;
        free_dropped(one);
    }
    dropped->end = at;
    return paced_removal_leave(dropped->removals, group_path);
}

void dropped_segments_hurry(struct dropped_segments *dropped, bool hurried) {
    dropped->hurried = hurried;
    if (!hurried) return;
    for (struct dropped_segment *one = dropped->first; one; one = one->next)
        one->due_ms = 0;
    look(dropped);
}

void dropped_segments_close(struct dropped_segments *dropped) {
    while (dropped->first) {
        struct dropped_segment *one = dropped->first;
        dropped->first = one->next;
        free_dropped(one);
    }
    env_timer_free(dropped->timer);
}
