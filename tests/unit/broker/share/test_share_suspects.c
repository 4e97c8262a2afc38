/*
 * Readers that die of one record, again and again: it ends as archived, and takes no others with
 * it, whatever the limit of deliveries is. KAFKA-17541.
 */
#include "broker/share/share_queue.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { RECORDS = 40, BAD = 13, HOLDER = 1 };

struct fixture {
    struct share_state state;
    struct share_queue queue;
    struct share_limits limits;
    bool archived[RECORDS];
    int deaths;
};

static void commit(struct fixture *f, struct offset_ranges *outcomes) {
    for (size_t i = 0; i < outcomes->count; i++) {
        const struct share_range *range = offset_ranges_at(outcomes, i);
        for (kafka_offset at = range->at.first; at <= range->at.last; at++)
            if (range->state == SHARE_ARCHIVED) f->archived[at] = true;
        share_state_set(&f->state, range);
        share_queue_committed(&f->queue, range);
    }
    offset_ranges_free(outcomes);
}

/* A reader comes, and accepts what it is given, or dies of it. */
static void read_once(struct fixture *f) {
    struct offset_ranges given = {.size = sizeof(struct share_range)}, outcomes = given;
    assert_true(share_queue_acquire(&f->queue, &f->limits, 0, RECORDS - 1, UINT64_MAX, HOLDER, 0,
                                    &given) > 0);
    if (offset_ranges_over(&given, BAD) != NULL) {
        f->deaths++;
        share_queue_release(&f->queue, &f->limits, HOLDER, &outcomes);
    }
    for (size_t i = 0; i < given.count && offset_ranges_over(&given, BAD) == NULL; i++) {
        static const int8_t accept = SHARE_ACK_ACCEPT;
        const struct share_range *range = offset_ranges_at(&given, i);
        struct share_ack ack = {range->at, &accept, 1};
        assert_int_equal(
            share_queue_acknowledge(&f->queue, &f->limits, &ack, 1, HOLDER, 0, &outcomes),
            KAFKA_NONE);
    }
    offset_ranges_free(&given);
    commit(f, &outcomes);
}

static void test_a_bad_record_is_archived_alone(void **state) {
    (void)state;
    for (uint16_t deliveries = 3; deliveries <= 25; deliveries++) {
        struct fixture f = {.limits = {.lock_ms = 1000,
                                       .locks = 2 * RECORDS,
                                       .deliveries = deliveries,
                                       .window = 1000,
                                       .ranges = 1000}};
        share_state_open(&f.state, 0);
        share_queue_open(&f.queue, &f.state);
        while (f.state.start < RECORDS)
            read_once(&f);
        for (kafka_offset at = 0; at < RECORDS; at++)
            assert_int_equal(f.archived[at], at == BAD);
        assert_int_equal(f.deaths, deliveries);
        share_queue_close(&f.queue);
        share_state_close(&f.state);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_bad_record_is_archived_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
