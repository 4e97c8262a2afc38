/*
 * A consumer of the classic protocol as its clients behave, at the group "g" of a consumer_world:
 * it joins, assigns when it leads, fetches its assignment, beats, and does what errors ask it to
 * do.
 *
 * Happy path: classic_client_init, then classic_client_step again and again: each sends what is
 * next, and commits what is decided (unless the world holds). Invariant: `has` is what it would
 * read from at that moment; an eager client gives all up before it joins, a cooperative one what it
 * was not assigned any more, after its Sync.
 */
#ifndef TESTS_UNIT_BROKER_COORDINATOR_FIXTURE_CLASSIC_CLIENT_H
#define TESTS_UNIT_BROKER_COORDINATOR_FIXTURE_CLASSIC_CLIENT_H

#include "tests/unit/broker/coordinator/fixture_consumer_group.h"

enum { CLIENT_HAS_MAX = 64, CLIENT_MEMBERS_MAX = 8, CLIENT_METADATA_MAX = 2000 };

struct classic_has {
    char topic[16];
    int32_t partition;
};

struct classic_client {
    struct consumer_world *world;
    char id[120]; /* "": it has none */
    const char *instance;
    bool cooperative;
    const char *topics[CONSUMER_TOPICS_MAX];
    int32_t topic_count, generation, session_ms, rebalance_ms;
    enum {
        CLIENT_JOINS, /* it is to send a Join, and so on */
        CLIENT_JOINING,
        CLIENT_SYNCS,
        CLIENT_SYNCING,
        CLIENT_BEATS,
        CLIENT_IS_FENCED,
    } doing;
    struct classic_has has[CLIENT_HAS_MAX];
    int32_t has_count, kept_count; /* behind those kept it has what it is giving back */
    int error;                     /* of the last answer */
    int rebalances, losses;        /* assignments; how often it gave all up in an error */
    bool loses_answer;             /* the next answer does not arrive */
    char protocol[40];             /* as its Join was answered */
    /* What is sent. */
    union {
        struct group_join join;
        struct group_sync sync;
        struct group_heartbeat heartbeat;
        struct group_leave leave;
    };
    struct group_protocol protocols[1];
    struct group_leaver leaver;
    uint8_t metadata[CLIENT_METADATA_MAX];
    struct group_assignment assignments[CLIENT_MEMBERS_MAX];
    char assigned_ids[CLIENT_MEMBERS_MAX][120];
    uint8_t assigned[CLIENT_MEMBERS_MAX][CLIENT_METADATA_MAX];
    size_t assignment_count;
};

/* Subscribes to the topics, up to NULL. */
void classic_client_init(struct classic_client *client, struct consumer_world *world,
                         bool cooperative, const char *first, ...);
void classic_client_step(struct classic_client *client);
/* So many steps, each followed by a second. */
void classic_client_steps(struct classic_client *client, int count);
void classic_client_leave(struct classic_client *client);
bool classic_client_has(const struct classic_client *client, const char *topic, int32_t partition);

#endif
