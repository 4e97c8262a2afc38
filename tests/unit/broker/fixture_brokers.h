/*
 * Whole brokers in one process, as broker_start makes them, and a client that speaks Kafka's
 * protocol to them.
 *
 * Each broker has a directory, real ports on 127.0.0.1 and its own settings; timings are short.
 * brokers_until ends when the condition holds, and fails the test after 15 s. Teardown frees what
 * still runs and asserts that the loop closed clean.
 */
#ifndef TESTS_UNIT_BROKER_FIXTURE_BROKERS_H
#define TESTS_UNIT_BROKER_FIXTURE_BROKERS_H

#include "base/env_uv/env_uv.h"
#include "broker/api/services.h"
#include "broker/broker.h"
#include "protocol/messages/api_table.h"

enum { BROKERS_MAX = 3 };

struct brokers;

struct broker_node {
    struct brokers *brokers;
    int32_t id; /* 1.. */
    char dir[160];
    int peer_port, reservation; /* 0: none yet; the socket that keeps it ours */
    struct settings *values;
    struct broker_settings settings;
    struct broker *broker; /* NULL: not running */
    bool ready, failed, stopped;
    char sentence[512]; /* of `ready` or `failed`, or why it did not start */
};

struct brokers {
    struct env *env;
    struct log log;
    char dir[96];
    int count; /* in cluster.nodes */
    struct broker_node nodes[BROKERS_MAX];
    struct env_timer *poll, *limit;
    bool timed_out;
    bool (*until)(struct brokers *brokers);
    struct kp_arena arena; /* of answers: until the test ends */
    struct asking *asking;
    const char *software; /* what its clients say that they are; NULL: nothing */
};

int brokers_setup(void **state);
int brokers_teardown(void **state);

/* `count` brokers with these further settings ("key=value", NULL ends; may be NULL), none started.
 */
void brokers_configure(struct brokers *brokers, int count, const char *const *pairs);
/* Starts one; the error of broker_start, with the sentence in node->sentence. */
int brokers_start_one(struct broker_node *node);
/* Configures, starts all, and runs until all are ready. */
void brokers_start(struct brokers *brokers, int count, const char *const *pairs);
/* As after kill -9: closes at once, hands nothing over. */
void brokers_kill(struct broker_node *node);
/* As SIGTERM; runs until it has stopped. */
void brokers_stop(struct broker_node *node);
/* An empty directory instead of the one it had. */
void brokers_wipe(struct broker_node *node);

void brokers_until(struct brokers *brokers, bool (*until)(struct brokers *brokers));
bool brokers_all_ready(struct brokers *brokers); /* those that run */
/* The first has written all that a new cluster writes by itself. */
bool brokers_are_settled(struct brokers *brokers);
/* The running node that leads the metadata, or NULL. */
struct broker_node *brokers_metadata_leader(struct brokers *brokers);

/* Asks a broker and runs until its answer is decoded into `response` (in brokers->arena). */
void brokers_ask(struct broker_node *node, enum kp_api_key key, int version, const void *request,
                 void *response);
/* The same without waiting: how many answers are still missing says brokers_missing. */
void brokers_ask_later(struct broker_node *node, enum kp_api_key key, int version,
                       const void *request, void *response);
size_t brokers_missing(const struct brokers *brokers);

/* CreateTopics of one topic with the newest version; the error code, and the message (may be NULL)
 * into 256 bytes. */
int brokers_create_topic(struct broker_node *node, const char *name, int32_t partitions,
                         int16_t factor, char *message);
int brokers_delete_topic(struct broker_node *node, const char *name);

#endif
