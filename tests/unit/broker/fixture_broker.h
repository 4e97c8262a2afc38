/*
 * One whole broker, a cluster of its own, in the process of the test, and a client on a plain
 * socket that asks one thing after the other.
 */
#ifndef TESTS_UNIT_BROKER_FIXTURE_BROKER_H
#define TESTS_UNIT_BROKER_FIXTURE_BROKER_H

#include "base/env_uv/env_uv.h"
#include "broker/broker.h"
#include "protocol/messages/api_table.h"
#include "protocol/wire.h"

struct one_broker {
    struct env *env;
    struct settings
        *values; /* of broker_settings_table; set what differs before one_broker_start */
    struct broker_settings settings;
    struct broker *broker;
    char dir[96];
    int port, client;
    int32_t next_id;
    struct kp_arena arena; /* of the last answer */
    struct env_timer *poll, *limit;
    bool ready, timed_out;
    uint64_t run_for_us; /* of the last run */
};

int one_broker_setup(void **state);
int one_broker_teardown(void **state);
void one_broker_start(struct one_broker *one);
struct kp_uuid one_broker_create(struct one_broker *one, const char *topic, int32_t partitions);

/* Sends a request; the answer is taken by one_broker_receive, in order. Returns its correlation id.
 */
int32_t one_broker_send(struct one_broker *one, int key, int version, const void *request);
/* Runs the loop until the answer is here, and decodes it. False: the broker closed the connection;
 * there is a new one. */
bool one_broker_receive(struct one_broker *one, int key, int version, int32_t id, void *response);
/* Both. */
bool one_broker_ask(struct one_broker *one, int key, int version, const void *request,
                    void *response);
/* Whether an answer, or the end, is here; runs the loop for so long before it looks. */
bool one_broker_has_answer(struct one_broker *one, unsigned wait_ms);

/* A new connection instead of the present one. */
void one_broker_dial_again(struct one_broker *one);

#endif
