/* Members of share groups, as one client asks for them, on one broker. */
#ifndef TESTS_UNIT_BROKER_FIXTURE_SHARE_ASKS_H
#define TESTS_UNIT_BROKER_FIXTURE_SHARE_ASKS_H

#include "protocol/messages/share_acknowledge.h"
#include "protocol/messages/share_fetch.h"
#include "tests/unit/broker/fixture_data_asks.h"

enum { SHARE_ACKS_MAX = 8, SHARE_TYPES_MAX = 16 };

/* A member that fetches from partition 0 of one topic; change what differs before it asks. */
struct share_member {
    const char *group, *name;
    struct kp_uuid topic;
    int32_t epoch; /* of its session, the next one */
    int32_t partition, max_wait_ms, max_records;
    int32_t min_bytes; /* 0: 1 */
    bool exact;
    /* What it says with its next request, which forgets it. */
    struct kp_share_fetch_request_batch acks[SHARE_ACKS_MAX];
    int8_t types[SHARE_ACKS_MAX][SHARE_TYPES_MAX];
    int32_t ack_count;
    bool renews;
};

/* The broker serves share groups, and has the topic; groups begin with the log. */
struct share_member share_member_of(struct one_broker *one, const char *group, const char *name,
                                    struct kp_uuid topic);
/* It reads the topic "t", which has begun when it returns. */
void share_join(struct one_broker *one, const char *group, const char *name);
/* A setting of a group. */
void share_set(struct one_broker *one, const char *group, const char *name, const char *value);
/* Runs until share groups are served. */
void share_served(struct one_broker *one);

void share_ack(struct share_member *member, int64_t first, int64_t last, int8_t type);
/* One for each, as letters: g, a, r, x, w (gap, accept, release, reject, renew). */
void share_ack_each(struct share_member *member, int64_t first, const char *types);

/* ShareFetch version 2; the answer is the arena's until the next one. The epoch moves on where the
 * session does. */
int32_t share_fetch_send(struct one_broker *one, struct share_member *member);
struct kp_share_fetch_response share_fetch_receive(struct one_broker *one,
                                                   struct share_member *member, int32_t id);
struct kp_share_fetch_response share_fetch(struct one_broker *one, struct share_member *member);
/* What it says of the partition: it has exactly one. */
const struct kp_share_fetch_response_partition *share_fetched(
    const struct kp_share_fetch_response *response);
/* What was acquired, as "0-4:1 7-7:2"; "" if the partition is not in the answer. */
const char *share_acquired(const struct kp_share_fetch_response *response);

/* ShareAcknowledge version 2: the code of all, or of the partition. */
int16_t share_acknowledge(struct one_broker *one, struct share_member *member);

#endif
