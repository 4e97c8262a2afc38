/* The last events, those of a moment as one. */
#include <stdio.h>
#include <string.h>

#include "broker/observe/timeline.h"
#include "tests/unit/unit.h"

static struct event_note note_of(enum event_kind kind, int32_t node, const char *cause,
                                 const char *subject, int64_t took_ms) {
    return (struct event_note){kind, node, cause, subject, took_ms, 0};
}

static void note(struct timeline *timeline, uint64_t now_ms, struct event_note note) {
    timeline_note(timeline, now_ms, (int64_t)now_ms + 1000000, &note);
}

/* What is alike within a second is one event, with the first subject and the longest time; it is
 * told when it can grow no more. */
static void test_timeline_crowds(void **state) {
    (void)state;
    struct timeline *timeline = timeline_new();
    assert_null(timeline_next(timeline, 0, 0));
    note(timeline, 100, note_of(EVENT_ELECTED, -1, "dead", "t-0", 50));
    note(timeline, 150, note_of(EVENT_OUT_OF_SYNC, 3, "", "u-0", -1));
    note(timeline, 200, note_of(EVENT_ELECTED, -1, "dead", "t-1", 70));
    note(timeline, 300, note_of(EVENT_ELECTED, -1, "timeout", "t-2", 900));
    note(timeline, 1100, note_of(EVENT_ELECTED, -1, "dead", "t-3", 10));
    assert_null(timeline_next(timeline, 1000, 0));
    const struct event *event = timeline_next(timeline, 3000, 0);
    assert_int_equal(event->id, 1);
    assert_int_equal(event->count, 2);
    assert_int_equal(event->took_ms, 70);
    assert_int_equal(event->wall_ms, 1000100);
    assert_string_equal(event->subject, "t-0");
    assert_string_equal(event_kind_name(event->kind), "elected");
    assert_int_equal(timeline_next(timeline, 3000, 1)->kind, EVENT_OUT_OF_SYNC);
    assert_string_equal(timeline_next(timeline, 3000, 2)->cause, "timeout");
    assert_string_equal(timeline_next(timeline, 3000, 3)->subject, "t-3");
    assert_null(timeline_next(timeline, 3000, 4));
    timeline_free(timeline);
}

/* The oldest give way, ids go on; long names are cut. */
static void test_timeline_is_bounded(void **state) {
    (void)state;
    struct timeline *timeline = timeline_new();
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (uint64_t i = 1; i <= 3 * TIMELINE_MOST + 7; i++)
        note(timeline, i * 2 * TIMELINE_CROWD_MS, note_of(EVENT_STALL, -1, "", name, (int64_t)i));
    uint64_t after = 0, seen = 0, now_ms = UINT64_C(1) << 40;
    for (const struct event *event; (event = timeline_next(timeline, now_ms, after)) != NULL;
         after = event->id) {
        assert_int_equal(event->took_ms, (int64_t)event->id);
        assert_int_equal(strlen(event->subject), TIMELINE_SUBJECT - 1);
        seen++;
    }
    assert_int_equal(seen, TIMELINE_MOST);
    assert_int_equal(after, 3 * TIMELINE_MOST + 7);
    timeline_free(timeline);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeline_crowds),
        cmocka_unit_test(test_timeline_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
