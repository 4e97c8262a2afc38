/* Names that are in a set, and what it says when there are too many to look at. */
#include "broker/coordinator/group/topic_set.h"

#include <stdio.h>

#include "tests/unit/unit.h"

enum { NAMES = 5000, TOO_MANY = 200000 };

static char texts[NAMES][16];

static struct kp_string name(int i) {
    snprintf(texts[i], sizeof texts[i], "t%d", i);
    return kp_string_of(texts[i]);
}

static void test_topic_set_has_what_was_added(void **state) {
    (void)state;
    struct topic_set set;
    topic_set_open(&set, 3);
    assert_false(topic_set_has(&set, kp_string_of("t")));
    for (int i = 0; i < NAMES; i += 2)
        assert_true(topic_set_add(&set, name(i)));
    assert_false(topic_set_add(&set, kp_string_of("t4")));
    assert_true(topic_set_add(&set, KP_NULL_STRING)); /* is none: the empty one */
    for (int i = 0; i < NAMES; i++)
        assert_int_equal(topic_set_has(&set, name(i)), i % 2 == 0);
    assert_false(topic_set_has(&set, KP_NULL_STRING));
    topic_set_close(&set);
    topic_set_close(&set);
}

/* Whoever asks leaves alone what is read. */
static void test_topic_set_has_all(void **state) {
    (void)state;
    struct topic_set set;
    topic_set_open(&set, 3);
    topic_set_add_all(&set);
    assert_true(topic_set_has(&set, kp_string_of("t")));
    topic_set_close(&set);
    topic_set_open(&set, 3);
    for (int i = 0; i < TOO_MANY; i++)
        topic_set_add(&set, kp_string_of("t"));
    assert_true(topic_set_has(&set, kp_string_of("u")));
    topic_set_close(&set);
    topic_set_open(&set, 3);
    topic_set_pass(&set, 1000);
    assert_false(topic_set_has(&set, kp_string_of("u")));
    topic_set_pass(&set, SIZE_MAX / 2);
    assert_true(topic_set_has(&set, kp_string_of("u")));
    topic_set_close(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topic_set_has_what_was_added),
        cmocka_unit_test(test_topic_set_has_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
