/*
 * ElectLeaders (key 43), preferred: leads go to the brokers that are first in their partitions'
 * lists. At any broker.
 *
 * Happy path: what is asked for is looked at in steps over several turns; each partition whose
 * preferred broker does not lead is asked of its leader (leader_ask.h), AT_ONCE at a time, and the
 * answer leaves when the last has ended. All partitions (null): those that needed nothing are left
 * out, as Kafka does. Failures are per partition: UNKNOWN_TOPIC_OR_PARTITION, ELECTION_NOT_NEEDED,
 * PREFERRED_LEADER_NOT_AVAILABLE, REQUEST_TIMED_OUT. An unclean election is never held, because a
 * lost majority is never papered over: ELECTION_NOT_NEEDED with a leader,
 * ELIGIBLE_LEADERS_NOT_AVAILABLE without. Another type: INVALID_REQUEST. Invariant: a request that
 * names more than ELECTIONS_MAX partitions has its connection closed.
 */
#include "protocol/messages/elect_leaders.h"
#include "base/container_of.h"

#include <inttypes.h>
#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/api/topic_ids.h"
#include "broker/balance/leader_ask.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum {
    AT_ONCE = 8,
    ELECTIONS_MAX = 10000,
    TIMEOUT_LEAST_MS = 100,
    TIMEOUT_MOST_MS = 120000,
    PARTITIONS_OF_A_STEP = 64
};

struct election {
    uint64_t group; /* 0: it is over */
    int32_t partition, target;
    int16_t error;
    const char *sentence; /* NULL: none */
};

struct election_slot {
    struct elections *elections;
    struct election *election; /* NULL: free */
    struct leader_ask ask;
};

/* Elections of one topic, which stand together. */
struct elected_topic {
    struct kp_string name; /* of the request's arena or frame */
    size_t first, count;
};

/* One request; all of it lies in its arena. */
struct elections {
    struct request *request;
    const struct broker_services *services;
    const struct kp_elect_leaders_request *asked;
    struct topic_ids all; /* the topics there were when all were asked for */
    size_t asked_count;   /* topics */
    /* What is looked at next: a topic, and which of its partitions. */
    size_t at;
    int32_t partition;
    bool topic_open; /* of all: there is an election of the present one already */
    struct elected_topic *topics;
    size_t topic_count;
    struct election *items;
    size_t count, room, next, under_way;
    uint64_t deadline_ms;
    struct election_slot slots[AT_ONCE];
    struct kp_elect_leaders_response response;
};

/* Always false. */
static bool give_up(struct elections *elections) {
    request_close_too_large(elections->request);
    return false;
}

/* ---- Answering ---- */

static bool fill_next(struct request *request) {
    struct elections *elections = request->state;
    size_t at = elections->at++;
    if (at == elections->topic_count) {
        request_respond_kept(request, &elections->response);
        return false;
    }
    const struct elected_topic *topic = &elections->topics[at];
    struct kp_elect_leaders_response_topic *into =
        &elections->response.replica_election_results.items[at];
    struct kp_elect_leaders_response_partition *rows = kp_new_items(
        &request->arena, &kp_elect_leaders_response_partition_schema, &into->partition_result,
        (int32_t)topic->count);
    if (rows == NULL && topic->count > 0) return give_up(elections);
    into->topic = topic->name;
    for (size_t i = 0; i < topic->count; i++) {
        const struct election *election = &elections->items[topic->first + i];
        rows[i] = (struct kp_elect_leaders_response_partition){
            .partition_id = election->partition,
            .error_code = election->error,
            .error_message = election->sentence == NULL ? KP_NULL_STRING
                                                        : kp_string_of(election->sentence)};
    }
    return true;
}

static void leaders_answer(struct elections *elections) {
    struct request *request = elections->request;
    if (request->dead) {
        request_respond_nothing(request);
        return;
    }
    elections->at = 0;
    kp_set_fallbacks(&kp_elect_leaders_response_schema, &elections->response);
    const void *items = kp_new_items(&request->arena, &kp_elect_leaders_response_topic_schema,
                                     &elections->response.replica_election_results,
                                     (int32_t)elections->topic_count);
    if (items == NULL && elections->topic_count > 0)
        give_up(elections);
    else
        request_steps(request, fill_next);
}

static void refuse_all(struct request *request, int16_t error) {
    struct kp_elect_leaders_response response;
    kp_set_fallbacks(&kp_elect_leaders_response_schema, &response);
    response.error_code = error;
    request_respond(request, &response);
}

/* ---- One after the other ---- */

static void set_error(struct election *election, int16_t error, const char *sentence) {
    election->error = error;
    election->sentence = sentence;
    election->group = 0;
}

static void go_on(struct elections *elections);

static void on_asked(struct leader_ask *ask, enum leader_ask_outcome outcome) {
    struct election_slot *slot = CONTAINER_OF(ask, struct election_slot, ask);
    struct elections *elections = slot->elections;
    switch (outcome) {
    case ASK_DONE: set_error(slot->election, KAFKA_NONE, NULL); break;
    case ASK_NOT_NEEDED: /* it needed one when the request came */
        set_error(slot->election, KAFKA_NONE, NULL);
        break;
    case ASK_NOT_READY:
        set_error(
            slot->election, KAFKA_PREFERRED_LEADER_NOT_AVAILABLE,
            "the preferred broker is not connected to the leader, or lags behind it; try again when it is in sync");
        break;
    case ASK_TIMED_OUT:
        set_error(slot->election, KAFKA_REQUEST_TIMED_OUT,
                  "no leader answered in time; look who leads before you try again");
        break;
    }
    slot->election = NULL;
    elections->under_way--;
    go_on(elections);
}

static void go_on(struct elections *elections) {
    const struct broker_services *services = elections->services;
    for (size_t i = 0; i < AT_ONCE; i++) {
        struct election_slot *slot = &elections->slots[i];
        while (elections->next < elections->count && elections->items[elections->next].group == 0)
            elections->next++;
        if (slot->election != NULL || elections->next == elections->count) continue;
        slot->election = &elections->items[elections->next++];
        elections->under_way++;
        leader_ask_begin(services->leader_asks, &slot->ask, slot->election->group,
                         slot->election->target,
                         env_ms_until(services->env, elections->deadline_ms));
    }
    if (elections->under_way == 0) leaders_answer(elections);
}

/* ---- What is asked for ---- */

/* NULL: the request has taken all the memory that it may have. */
static struct election *leaders_add(struct elections *elections, int32_t partition) {
    if (elections->count == elections->room) {
        size_t room = elections->room == 0 ? PARTITIONS_OF_A_STEP : 2 * elections->room;
        struct election *items = kp_arena_alloc(&elections->request->arena, room * sizeof *items);
        if (items == NULL) return NULL;
        if (elections->count > 0) memcpy(items, elections->items, elections->count * sizeof *items);
        elections->items = items;
        elections->room = room;
    }
    elections->items[elections->count] = (struct election){.partition = partition};
    return &elections->items[elections->count++];
}

static void add_topic(struct elections *elections, struct kp_string name) {
    elections->topics[elections->topic_count++] = (struct elected_topic){.name = name,
                                                                         .first = elections->count};
}

/* What can be said at once; else the election has its group. */
static void leaders_judge(const struct elections *elections, struct election *election,
                          const struct metadata_partition *partition, int8_t type) {
    const struct broker_services *services = elections->services;
    int32_t leader = leader_table_get(services->leaders, partition->group).node;
    int32_t preferred = partition->replicas[0].node;
    const struct metadata_broker *broker = metadata_broker_of(services->metadata, preferred);
    election->target = preferred;
    if (type == ELECT_UNCLEAN && leader == LEADER_NONE)
        set_error(
            election, KAFKA_ELIGIBLE_LEADERS_NOT_AVAILABLE,
            "a majority of the replicas is needed for a leader, and no setting replaces it; start their brokers");
    else if (leader == preferred || type == ELECT_UNCLEAN)
        set_error(election, KAFKA_ELECTION_NOT_NEEDED, "it has the leader that was asked for");
    else if (broker == NULL || services_broker_is_down(services, broker))
        set_error(election, KAFKA_PREFERRED_LEADER_NOT_AVAILABLE,
                  "the preferred broker is down; start it");
    else
        election->group = partition->group;
}

static void next_topic(struct elections *elections) {
    elections->at++;
    elections->partition = 0;
}

/* Those that need nothing are left out, and so is a topic of which nothing is left, or that has
 * been deleted meanwhile. */
static bool look_at_all(struct elections *elections) {
    struct kp_arena *arena = &elections->request->arena;
    const struct metadata_topic *topic = topic_ids_at(&elections->all,
                                                      elections->services->metadata, elections->at);
    for (int n = 0; topic != NULL && n < PARTITIONS_OF_A_STEP; n++) {
        if (elections->partition >= topic->partition_count) break;
        struct election election = {.partition = elections->partition++};
        leaders_judge(elections, &election, &topic->partitions[election.partition],
                      elections->asked->election_type);
        if (election.error == KAFKA_ELECTION_NOT_NEEDED) continue;
        if (!elections->topic_open)
            add_topic(elections, kp_arena_string(arena, topic->name, strlen(topic->name)));
        elections->topic_open = true;
        struct election *added = leaders_add(elections, election.partition);
        if (added == NULL) return give_up(elections);
        *added = election;
        elections->topics[elections->topic_count - 1].count++;
    }
    if (topic == NULL || elections->partition >= topic->partition_count) {
        next_topic(elections);
        elections->topic_open = false;
    }
    return true;
}

static bool look_at_named(struct elections *elections) {
    const struct kp_elect_leaders_request_topic *one =
        &elections->asked->topic_partitions.items[elections->at];
    const struct metadata_topic *topic = metadata_topic_named(
        elections->services->metadata, one->topic.data, (size_t)one->topic.len);
    if (elections->partition == 0) add_topic(elections, one->topic);
    for (int n = 0; n < PARTITIONS_OF_A_STEP && elections->partition < one->partitions.count; n++) {
        struct election *election = leaders_add(elections,
                                                one->partitions.items[elections->partition++]);
        if (election == NULL) return give_up(elections);
        const struct metadata_partition *partition =
            topic == NULL ? NULL : metadata_partition_at(topic, election->partition);
        if (partition != NULL)
            leaders_judge(elections, election, partition, elections->asked->election_type);
        else
            set_error(election, KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
                      topic == NULL ? "this topic does not exist"
                                    : "the topic has no such partition");
        elections->topics[elections->topic_count - 1].count++;
    }
    if (elections->partition >= one->partitions.count) next_topic(elections);
    return true;
}

static bool look_at_next(struct request *request) {
    struct elections *elections = request->state;
    if (elections->at < elections->asked_count)
        return elections->all.items != NULL ? look_at_all(elections) : look_at_named(elections);
    go_on(elections);
    return false;
}

static bool leaders_prepare(struct elections *elections) {
    const struct metadata *metadata = elections->services->metadata;
    struct kp_arena *arena = &elections->request->arena;
    bool all = elections->asked->topic_partitions.count < 0;
    if (all && !topic_ids_take(&elections->all, metadata, arena)) return false;
    elections->asked_count = all ? elections->all.count
                                 : (size_t)elections->asked->topic_partitions.count;
    elections->topics = kp_arena_alloc(arena,
                                       (elections->asked_count + 1) * sizeof *elections->topics);
    return elections->topics != NULL;
}

static bool is_too_much(const struct kp_elect_leaders_request *asked) {
    size_t count = 0;
    for (int32_t t = 0; t < asked->topic_partitions.count && count <= ELECTIONS_MAX; t++)
        count += 1 + (size_t)(asked->topic_partitions.items[t].partitions.count > 0
                                  ? asked->topic_partitions.items[t].partitions.count
                                  : 0);
    return count > ELECTIONS_MAX;
}

void api_elect_leaders(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_elect_leaders_request *asked = request->message;
    if (asked->election_type != ELECT_PREFERRED && asked->election_type != ELECT_UNCLEAN) {
        refuse_all(request, KAFKA_INVALID_REQUEST);
        return;
    }
    if (!authorize(&request->ctx, AUTHORIZE_ALTER, AUTHORIZE_CLUSTER, NULL, 0)) {
        refuse_all(request, KAFKA_CLUSTER_AUTHORIZATION_FAILED);
        return;
    }
    if (is_too_much(asked)) {
        request_close_because(
            request, "it asks for more than %d elections in one request; ask for fewer at a time",
            ELECTIONS_MAX);
        return;
    }
    int32_t timeout_ms = asked->timeout_ms < TIMEOUT_LEAST_MS  ? TIMEOUT_LEAST_MS
                         : asked->timeout_ms > TIMEOUT_MOST_MS ? TIMEOUT_MOST_MS
                                                               : asked->timeout_ms;
    struct elections *elections = kp_arena_alloc(&request->arena, sizeof *elections);
    if (elections == NULL) {
        request_close_too_large(request);
        return;
    }
    *elections = (struct elections){.request = request,
                                    .services = services,
                                    .asked = asked,
                                    .deadline_ms = env_now_ms(services->env) +
                                                   (uint32_t)timeout_ms};
    request->state = elections;
    for (size_t i = 0; i < AT_ONCE; i++) {
        elections->slots[i].elections = elections;
        elections->slots[i].ask.done = on_asked;
    }
    if (leaders_prepare(elections))
        request_steps(request, look_at_next);
    else
        give_up(elections);
}
