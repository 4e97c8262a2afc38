/*
 * A coordinator (fixture_groups.h) with a table of topics, and consumers of KIP-848 that behave as
 * clients do.
 *
 * Happy path: consumer_world_open, topics, consumers that beat; each call commits what was decided
 * and compares the state with a replay from zero.
 */
#ifndef TESTS_UNIT_BROKER_COORDINATOR_FIXTURE_CONSUMER_GROUP_H
#define TESTS_UNIT_BROKER_COORDINATOR_FIXTURE_CONSUMER_GROUP_H

#include "tests/unit/broker/coordinator/fixture_groups.h"

enum { CONSUMER_TOPICS_MAX = 8, CONSUMER_HAS_MAX = 400 };

struct consumer_world {
    struct groups groups; /* with its metadata */
    uint64_t metadata_index;
    uint16_t next_topic_id;
    uint8_t metadata_requests;
    bool holds; /* what is decided is not committed by beats */
};

/* A client of the group "g". */
struct consumer {
    struct consumer_world *world;
    char id[32];
    const char *instance, *regex, *assignor, *rack;
    bool (*may_see)(void *arg, struct kp_string topic); /* NULL: all */
    struct kp_string names[CONSUMER_TOPICS_MAX];
    int32_t name_count;
    int32_t epoch, rebalance_timeout_ms;
    const void *asker; /* its connection */
    bool full;         /* the next request says everything, as after an error */
    struct assigned_partition has[CONSUMER_HAS_MAX];
    int32_t has_count;
    /* The last answer. */
    bool answered, assigned;
    int16_t error;
    int32_t interval_ms;
    char message[200];
    struct consumer_heartbeat heartbeat;
    struct kp_consumer_group_heartbeat_request request;
    struct kp_consumer_group_heartbeat_topic_partitions owned[CONSUMER_HAS_MAX];
    int32_t numbers[CONSUMER_HAS_MAX];
};

void consumer_world_open(struct consumer_world *world);
void consumer_world_close(struct consumer_world *world);
/* As what comes before and behind a test whose first state is the world of its program. */
int consumer_world_setup(void **state);
int consumer_world_teardown(void **state);
#define CONSUMER_TEST(name, world)                                                                \
    cmocka_unit_test_prestate_setup_teardown(name, consumer_world_setup, consumer_world_teardown, \
                                             world)
void consumer_world_topic(struct consumer_world *world, const char *name, int32_t partitions);
void consumer_world_grow(struct consumer_world *world, const char *name, int32_t more);
void consumer_world_delete(struct consumer_world *world, const char *name);
/* Of the group "g"; NULL: the broker's again. */
void consumer_world_set(struct consumer_world *world, const char *name, const char *value);
/* Commits all that waits, and compares. */
void consumer_world_commit(struct consumer_world *world);
void consumer_world_pass(struct consumer_world *world, uint64_t ms);
void consumer_world_fail_over(struct consumer_world *world);
struct consumer_group *consumer_world_group(struct consumer_world *world); /* "g", or NULL */
const char *consumer_world_state(struct consumer_world *world);

/* Subscribes to the names, up to NULL. */
void consumer_init(struct consumer *consumer, struct consumer_world *world, const char *id,
                   const char *first, ...);
void consumer_subscribe(struct consumer *consumer, const char *first, ...);
/* Sends a heartbeat with that epoch, as a client would, and takes the answer (unless the world
 * holds). Returns the error. */
int16_t consumer_beat(struct consumer *consumer);
int16_t consumer_beat_as(struct consumer *consumer, int32_t epoch, bool full);
/* The same, and the answer is lost. */
void consumer_beat_in_vain(struct consumer *consumer);
bool consumer_has(const struct consumer *consumer, const char *topic, int32_t partition);

#endif
