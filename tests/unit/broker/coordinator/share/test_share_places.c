/* Where a share group has begun, of many topics. */
#include "broker/coordinator/share/share_places.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/unit/unit.h"

enum { FEW = 500, MANY = 4000 };

static struct kp_uuid id_of(uint32_t number) {
    struct kp_uuid id = {{7}};
    uint32_t mixed = number * UINT32_C(2654435761);
    memcpy(id.bytes + 1, &number, sizeof number);
    memcpy(id.bytes + 9, &mixed, sizeof mixed);
    return id;
}

static void fill(struct share_places *places, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%u", i);
        share_places_set(places, id_of(i), kp_string_of(name), 1,
                         i % 2 == 0 ? SHARE_BEGUN : SHARE_BEGINNING);
    }
}

static void check(const struct share_places *places, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%u", i);
        assert_string_equal(share_places_topic(places, id_of(i))->name, name);
        assert_int_equal(share_places_stage(places, id_of(i), 1),
                         i % 2 == 0 ? SHARE_BEGUN : SHARE_BEGINNING);
        assert_int_equal(share_places_stage(places, id_of(i), 0), SHARE_NOT_BEGUN);
    }
    assert_null(share_places_topic(places, id_of(count)));
    assert_int_equal(share_places_stage(places, id_of(count), 0), SHARE_NOT_BEGUN);
}

/* Each topic is found under its id, in a copy too, and a topic that is there is not added again. */
static void test_share_places_are_found(void **state) {
    (void)state;
    struct share_places places = {0}, copy = {0};
    assert_null(share_places_topic(&places, id_of(0)));
    fill(&places, MANY);
    fill(&places, MANY);
    assert_int_equal(places.count, MANY);
    check(&places, MANY);
    share_places_copy(&copy, &places);
    share_places_close(&places);
    check(&copy, MANY);
    assert_true(share_places_bytes(&copy) > MANY * sizeof(struct share_topic));
    share_places_close(&copy);
    assert_int_equal(share_places_bytes(&copy), 0);
}

static uint64_t cpu_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* To fill one and look for all of it, the cheapest of three. */
static uint64_t cost_us(uint32_t count) {
    uint64_t least_us = UINT64_MAX;
    for (int i = 0; i < 3; i++) {
        struct share_places places = {0};
        uint64_t began_us = cpu_us();
        fill(&places, count);
        check(&places, count);
        uint64_t took_us = cpu_us() - began_us;
        if (took_us < least_us) least_us = took_us;
        share_places_close(&places);
    }
    return least_us;
}

/* Eight times as many cost some eight times as much: groups of many topics do not hold up others.
 */
static void test_share_places_cost(void **state) {
    (void)state;
    uint64_t few_us = cost_us(FEW), many_us = cost_us(MANY);
    if (many_us > 24 * few_us + 500) fail_msg("%d us became %d us", (int)few_us, (int)many_us);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_share_places_are_found),
        cmocka_unit_test(test_share_places_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
