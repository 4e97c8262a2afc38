/* The row of segments that wait, and the timer that looks at it. */
#include "storage/segment/dropped_segments.h"

#include "base/mem.h"

enum { LOOK_US = 1000 * 1000 };

struct dropped_segment {
    struct dropped_segment *next;
    struct segment *held; /* somebody read it when it was dropped; NULL: nobody */
    char *group_path;
    kafka_offset base_offset;
    uint64_t due_ms;
};

/* ---- Removing ---- */

static void remove_files(struct dropped_segments *dropped, const char *group_path,
                         kafka_offset base_offset) {
    enum { FILES = SEGMENT_FILE_INDEX + 1 };
    char **paths = mem_alloc(FILES * sizeof *paths);
    for (int kind = SEGMENT_FILE_LOG; kind <= SEGMENT_FILE_INDEX; kind++)
        paths[kind] = path_of_segment(group_path, base_offset, (enum segment_file_kind)kind);
    paced_removal_add_files(dropped->removals, mem_strdup(group_path), paths, FILES);
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
        remove_files(dropped, one->group_path, one->base_offset);
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
    one->due_ms = env_now_ms(dropped->env) + delay_ms;
    if (segment->holders > 0) {
        segment_hold(segment);
        one->held = segment;
    }
    segment_drop(segment);
    *dropped->end = one;
    dropped->end = &one->next;
    look(dropped);
}

void dropped_segments_add_leftover(struct dropped_segments *dropped, const char *group_path,
                                   kafka_offset base_offset) {
    remove_files(dropped, group_path, base_offset);
}

void dropped_segments_hurry(struct dropped_segments *dropped) {
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
