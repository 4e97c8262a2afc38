/* Commits and reads, and what may come of them; committer.h has the rules. */
#include "tests/sim/committer.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_fetch.h"

enum { CALL_US = 3000000, BACKOFF_US = 50000, LIST_VERSION = 4, GROUPS_VERSION = 8, NAMES_TO = 9 };

struct committer {
    struct run *run;
    struct kafka_client *client;
    struct committer_options options;
    char group[32];
    int32_t coordinator;  /* -1: not known */
    int64_t sent;         /* the last offset that was committed, whatever came of it; -1: none */
    int64_t acknowledged; /* the last one that succeeded; -1: none */
    bool *unknown;        /* of each offset up to `sent`: its outcome is not known */
    size_t room;
    struct kafka_call call;
    struct env_timer *timer;
    bool finishing, finished;
};

static uint64_t draw(struct committer *committer, uint64_t limit) {
    return world_below(committer->run->world, limit);
}

static void later(struct committer *committer, uint64_t typical_us) {
    env_timer_start(committer->timer, typical_us / 2 + draw(committer, typical_us + 1));
}

/* The coordinator is asked for again, often enough. */
static void try_again(struct committer *committer) {
    if (draw(committer, 4) > 0) committer->coordinator = -1;
    later(committer, BACKOFF_US);
}

static int version_of(struct committer *committer, int least, int most) {
    return (int)world_between(committer->run->world, (uint64_t)least, (uint64_t)most);
}

/* What a coordinator may say that leads no more, or not yet; or that has not heard of the topic. */
static bool passes(int16_t code) {
    return code == KAFKA_NOT_COORDINATOR || code == KAFKA_COORDINATOR_NOT_AVAILABLE ||
           code == KAFKA_COORDINATOR_LOAD_IN_PROGRESS || code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
}

static void judge_code(struct committer *committer, int16_t code, const char *what) {
    if (!passes(code))
        run_fail(committer->run, "%s of group %s gets %s", what, committer->group,
                 kafka_error_name(code));
}

/* ---- FindCoordinator ---- */

static void found(struct kafka_call *call, int error, const void *answer) {
    struct committer *committer = CONTAINER_OF(call, struct committer, call);
    const struct kp_find_coordinator_response *response = answer;

    if (error == ERR_NONE && call->version < LIST_VERSION) {
        if (response->error_code == KAFKA_NONE)
            committer->coordinator = response->node_id;
        else
            judge_code(committer, response->error_code, "FindCoordinator");
    } else if (error == ERR_NONE) {
        const struct kp_find_coordinator_response_coordinator *one =
            &response->coordinators.items[0];
        if (one->error_code == KAFKA_NONE)
            committer->coordinator = one->node_id;
        else
            judge_code(committer, one->error_code, "FindCoordinator");
    }
    later(committer, committer->coordinator < 0 ? BACKOFF_US : 1000);
}

static void find(struct committer *committer) {
    struct kp_find_coordinator_request request;
    struct kp_string key = kp_string_of(committer->group);

    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = key;
    request.coordinator_keys.items = &key;
    request.coordinator_keys.count = 1;
    committer->call.done = found;
    kafka_link_call(kafka_client_link(committer->client, -1), &committer->call, KP_FIND_COORDINATOR,
                    version_of(committer, 0, 6), &request, CALL_US);
}

/* ---- OffsetCommit ---- */

static void note_unknown(struct committer *committer) {
    committer->unknown[committer->sent] = true;
    run_count(committer->run, RARE_UNKNOWN_RESULTS, 1);
}

static void committed(struct kafka_call *call, int error, const void *answer) {
    struct committer *committer = CONTAINER_OF(call, struct committer, call);
    const struct kp_offset_commit_response *response = answer;

    if (error != ERR_NONE) {
        note_unknown(committer);
        try_again(committer);
        return;
    }
    int16_t code = response->topics.items[0].partitions.items[0].error_code;
    if (code != KAFKA_NONE) {
        judge_code(committer, code, "OffsetCommit");
        note_unknown(committer);
        try_again(committer);
        return;
    }
    committer->acknowledged = committer->sent;
    run_count(committer->run, RARE_COMMITTED, 1);
    later(committer, committer->options.interval_us);
}

static void commit(struct committer *committer, int32_t node) {
    struct kp_offset_commit_request request;
    struct kp_offset_commit_request_topic topic;
    struct kp_offset_commit_request_partition partition;

    kp_set_fallbacks(&kp_offset_commit_request_schema, &request);
    kp_set_fallbacks(&kp_offset_commit_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_offset_commit_request_partition_schema, &partition);
    committer->sent++;
    committer->unknown = mem_grow(committer->unknown, (size_t)committer->sent, &committer->room,
                                  sizeof *committer->unknown);
    committer->unknown[committer->sent] = false;
    partition.partition_index = committer->options.partition;
    partition.committed_offset = committer->sent;
    partition.committed_metadata = kp_string_of("m");
    topic.name = kp_string_of(kafka_client_topic(committer->client));
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.group_id = kp_string_of(committer->group);
    request.generation_id_or_member_epoch = -1;
    request.member_id = kp_string_of("");
    request.topics.items = &topic;
    request.topics.count = 1;
    committer->call.done = committed;
    kafka_link_call(kafka_client_link(committer->client, node), &committer->call, KP_OFFSET_COMMIT,
                    version_of(committer, 2, NAMES_TO), &request, CALL_US);
}

/* ---- OffsetFetch ---- */

static void judge_offset(struct committer *committer, int64_t offset) {
    bool expected = offset == committer->acknowledged ||
                    (offset >= 0 && offset <= committer->sent && committer->unknown[offset]);
    if (!expected)
        run_fail(committer->run,
                 "group %s has committed offset %" PRId64 ", acknowledged, and reads %" PRId64,
                 committer->group, committer->acknowledged, offset);
    run_count(committer->run, RARE_COMMITS_READ, offset >= 0);
    committer->finished = committer->finishing;
}

static void fetched(struct kafka_call *call, int error, const void *answer) {
    struct committer *committer = CONTAINER_OF(call, struct committer, call);
    const struct kp_offset_fetch_response *response = answer;

    if (error != ERR_NONE) {
        try_again(committer);
        return;
    }
    const struct kp_offset_fetch_response_topic *topics = response->topics.items;
    int16_t code = response->error_code;
    int32_t count = response->topics.count;
    if (call->version >= GROUPS_VERSION) {
        topics = response->groups.items[0].topics.items;
        code = response->groups.items[0].error_code;
        count = response->groups.items[0].topics.count;
    }
    if (code == KAFKA_NONE && count == 1) code = topics[0].partitions.items[0].error_code;
    if (code != KAFKA_NONE) {
        judge_code(committer, code, "OffsetFetch");
        try_again(committer);
        return;
    }
    judge_offset(committer, topics[0].partitions.items[0].committed_offset);
    later(committer, committer->options.interval_us);
}

static void fetch(struct committer *committer, int32_t node) {
    struct kp_offset_fetch_request request;
    struct kp_offset_fetch_request_topic topic;
    struct kp_offset_fetch_request_group group;
    int32_t partition = committer->options.partition;

    kp_set_fallbacks(&kp_offset_fetch_request_schema, &request);
    kp_set_fallbacks(&kp_offset_fetch_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_offset_fetch_request_group_schema, &group);
    topic.name = kp_string_of(kafka_client_topic(committer->client));
    topic.partition_indexes.items = &partition;
    topic.partition_indexes.count = 1;
    group.group_id = request.group_id = kp_string_of(committer->group);
    group.member_id = KP_NULL_STRING;
    group.member_epoch = -1;
    group.topics.items = request.topics.items = &topic;
    group.topics.count = request.topics.count = 1;
    request.groups.items = &group;
    request.groups.count = 1;
    committer->call.done = fetched;
    kafka_link_call(kafka_client_link(committer->client, node), &committer->call, KP_OFFSET_FETCH,
                    version_of(committer, 1, NAMES_TO), &request, CALL_US);
}

/* ---- Life ---- */

/* Several believe that they are the coordinator: the newest is given something that the others
 * lack, or one of those is asked. */
static void try_believers(struct committer *committer, uint32_t believers, int32_t newest) {
    believers &= ~(UINT32_C(1) << (newest - 1));
    run_count(committer->run, RARE_TWO_COORDINATORS, 1);
    if (draw(committer, 2) == 0)
        commit(committer, newest);
    else
        fetch(committer, 1 + __builtin_ctz(believers));
}

static void step(void *arg) {
    struct committer *committer = arg;
    int32_t newest;

    if (committer->finished) return;
    uint32_t believers = committer->options.believers(committer->options.arg, committer->group,
                                                      &newest);
    if (!kafka_client_ready(committer->client))
        later(committer, BACKOFF_US);
    else if (believers != 0 && (believers & (believers - 1)) != 0 && !committer->finishing)
        try_believers(committer, believers, newest);
    else if (committer->coordinator < 0)
        find(committer);
    else if (committer->finishing || draw(committer, 3) == 0)
        fetch(committer, committer->coordinator);
    else
        commit(committer, committer->coordinator);
}

struct committer *committer_new(struct kafka_client *client,
                                const struct committer_options *options) {
    struct committer *committer = mem_zalloc(sizeof *committer);

    committer->run = kafka_client_run(client);
    committer->client = client;
    committer->options = *options;
    committer->coordinator = -1;
    committer->sent = committer->acknowledged = -1;
    snprintf(committer->group, sizeof committer->group, "group-%u", options->number);
    committer->timer = env_timer_new(kafka_client_env(client), step, committer);
    later(committer, BACKOFF_US);
    return committer;
}

void committer_finish(struct committer *committer) {
    committer->finishing = true;
}

bool committer_is_finished(const struct committer *committer) {
    return committer->finished;
}
