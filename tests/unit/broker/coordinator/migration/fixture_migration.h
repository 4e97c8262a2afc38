/* One group with four topic partitions, and its clients: a and b speak the classic protocol, c and
 * d KIP-848. Each program that includes this has its own. */
#ifndef TESTS_UNIT_BROKER_COORDINATOR_MIGRATION_FIXTURE_MIGRATION_H
#define TESTS_UNIT_BROKER_COORDINATOR_MIGRATION_FIXTURE_MIGRATION_H

#include <string.h>

#include "tests/unit/broker/coordinator/fixture_classic_client.h"
#include "tests/unit/unit.h"

static struct consumer_world w;
static struct classic_client a, b;
static struct consumer c, d;
static struct asked asked;

static inline int setup(void **state) {
    *state = &w;
    consumer_world_open(&w);
    w.groups.settings.group_initial_rebalance_delay_ms = 100;
    consumer_world_topic(&w, "t", 4);
    classic_client_init(&a, &w, false, "t", NULL);
    classic_client_init(&b, &w, false, "t", NULL);
    consumer_init(&c, &w, "c", "t", NULL);
    consumer_init(&d, &w, "d", "t", NULL);
    memset(&asked, 0, sizeof asked);
    return 0;
}

static inline int teardown(void **state) {
    (void)state;
    consumer_world_close(&w);
    return 0;
}

static inline struct group *row(void) {
    return groups_find(&w.groups, "g");
}

static inline bool is_classic(void) {
    return group_kind_of(row()) == GROUP_CLASSIC;
}

/* All go on for a while. */
static inline void live(int seconds) {
    for (int i = 0; i < seconds; i++) {
        if (a.id[0] != '\0' || a.doing == CLIENT_JOINS) classic_client_step(&a);
        if (b.id[0] != '\0') classic_client_step(&b);
        if (c.epoch > 0) consumer_beat(&c);
        if (d.epoch > 0) consumer_beat(&d);
        consumer_world_pass(&w, 1000);
    }
}

/* a and b, or a alone, in a stable classic group. */
static inline void stable(bool both) {
    if (both) classic_client_steps(&b, 2);
    live(8);
    assert_int_equal(a.doing, CLIENT_BEATS);
    assert_int_equal(a.has_count, both ? 2 : 4);
    assert_true(is_classic());
}

#endif
