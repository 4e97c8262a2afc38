/*
 * ElectLeaders (key 43), preferred: leads go to the brokers that are first in their partitions' lists. At any broker.
 *
 * Happy path: each partition whose preferred broker does not lead is asked of its leader (leader_ask.h), AT_ONCE at a time, and the answer
 * leaves when the last has ended. All partitions (null): those that needed nothing are left out, as Kafka does. Failures are per
 * partition: UNKNOWN_TOPIC_OR_PARTITION, ELECTION_NOT_NEEDED, PREFERRED_LEADER_NOT_AVAILABLE, REQUEST_TIMED_OUT. An unclean election
 * is never held, because a lost majority is never papered over: ELECTION_NOT_NEEDED with a leader, ELIGIBLE_LEADERS_NOT_AVAILABLE
 * without. Another type: INVALID_REQUEST. Invariant: a request that names more than ELECTIONS_MAX partitions has its connection closed.
 */
#include "protocol/elect_leaders.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "broker/api/handlers.h"
#include "broker/leader_ask.h"
#include "broker/services.h"
#include "protocol/kafka_error.h"

enum { AT_ONCE = 8, ELECTIONS_MAX = 10000, TIMEOUT_LEAST_MS = 100, TIMEOUT_MOST_MS = 120000, ANSWER_MAX = 64 << 20 };

struct election {
    uint64_t group; /* 0: it is over */
    int32_t topic, partition, target;
    int16_t error;
    const char *sentence; /* NULL: none */
};

struct election_slot {
    struct elections *elections;
    struct election *election; /* NULL: free */
    struct leader_ask ask;
};

struct elections {
    struct request *request;
    const struct broker_services *services;
    struct kp_string *topics; /* names, of the request's arena or frame */
    int32_t topic_count;
    struct election *items; /* those of a topic together */
    size_t count, room, next, under_way;
    uint64_t deadline_ms;
    struct election_slot slots[AT_ONCE];
};

/* ---- Answering ---- */

static bool fill(const struct elections *elections, struct kp_arena *arena,
                 struct kp_elect_leaders_response *response) {
    struct kp_elect_leaders_response_topic *topics = kp_new_items(
        arena, &kp_elect_leaders_response_topic_schema, &response->replica_election_results, elections->topic_count);
    if (topics == NULL && elections->topic_count > 0) return false;
    size_t at = 0;
    for (int32_t t = 0; t < elections->topic_count; t++) {
        size_t end = at;
        while (end < elections->count && elections->items[end].topic == t)
            end++;
        struct kp_elect_leaders_response_partition *rows = kp_new_items(
            arena, &kp_elect_leaders_response_partition_schema, &topics[t].partition_result, (int32_t)(end - at));
        if (rows == NULL && end > at) return false;
        topics[t].topic = elections->topics[t];
        for (size_t i = at; i < end; i++)
            rows[i - at] = (struct kp_elect_leaders_response_partition){
                .partition_id = elections->items[i].partition,
                .error_code = elections->items[i].error,
                .error_message = elections->items[i].sentence == NULL ? KP_NULL_STRING
                                                                      : kp_string_of(elections->items[i].sentence)};
        at = end;
    }
    return true;
}

static void answer(struct elections *elections) {
    struct kp_elect_leaders_response response;
    struct kp_arena arena;
    kp_arena_init(&arena, ANSWER_MAX);
    kp_set_fallbacks(&kp_elect_leaders_response_schema, &response);
    if (fill(elections, &arena, &response))
        request_respond(elections->request, &response);
    else
        request_close_connection(elections->request);
    kp_arena_close(&arena);
    mem_free(elections->items);
    mem_free(elections->topics);
    mem_free(elections);
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
    struct election_slot *slot = (struct election_slot *)((char *)ask - offsetof(struct election_slot, ask));
    struct elections *elections = slot->elections;
    switch (outcome) {
    case ASK_DONE: set_error(slot->election, KAFKA_NONE, NULL); break;
    case ASK_NOT_NEEDED: /* it needed one when the request came */ set_error(slot->election, KAFKA_NONE, NULL); break;
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
        uint64_t now_ms = env_now_ms(services->env);
        slot->election = &elections->items[elections->next++];
        elections->under_way++;
        leader_ask_begin(services->leader_asks, &slot->ask, slot->election->group, slot->election->target,
                         elections->deadline_ms > now_ms ? (uint32_t)(elections->deadline_ms - now_ms) : 0);
    }
    if (elections->under_way == 0) answer(elections);
}

/* ---- What is asked for ---- */

static struct election *add(struct elections *elections, int32_t topic, int32_t partition) {
    if (elections->count == elections->room) {
        elections->room = elections->room == 0 ? 64 : 2 * elections->room;
        elections->items = mem_realloc(elections->items, elections->room * sizeof *elections->items);
    }
    elections->items[elections->count] = (struct election){.topic = topic, .partition = partition};
    return &elections->items[elections->count++];
}

/* What can be said at once; else the election has its group. */
static void judge(const struct elections *elections, struct election *election,
                  const struct metadata_partition *partition, int8_t type) {
    const struct broker_services *services = elections->services;
    int32_t leader = leader_table_get(services->leaders, partition->group).node;
    int32_t preferred = partition->replicas[0].node;
    const struct metadata_broker *broker = metadata_broker_of(services->metadata, preferred);
    election->target = preferred;
    if (type == ELECT_UNCLEAN && leader == LEADER_NONE)
        set_error(election, KAFKA_ELIGIBLE_LEADERS_NOT_AVAILABLE,
                  "a majority of the replicas is needed for a leader, and no setting replaces it; start their brokers");
    else if (leader == preferred || type == ELECT_UNCLEAN)
        set_error(election, KAFKA_ELECTION_NOT_NEEDED, "it has the leader that was asked for");
    else if (broker == NULL || services_broker_is_down(services, broker))
        set_error(election, KAFKA_PREFERRED_LEADER_NOT_AVAILABLE, "the preferred broker is down; start it");
    else
        election->group = partition->group;
}

/* NULL: too many. The names stay as long as the request. */
static void add_all(struct elections *elections, int8_t type) {
    const struct metadata *metadata = elections->services->metadata;
    elections->topics = mem_alloc((metadata_topic_count(metadata) + 1) * sizeof *elections->topics);
    for (const struct metadata_topic *topic = NULL; (topic = metadata_next_topic(metadata, topic)) != NULL;) {
        size_t before = elections->count;
        for (int32_t p = 0; p < topic->partition_count; p++) {
            judge(elections, add(elections, elections->topic_count, p), &topic->partitions[p], type);
            if (elections->items[elections->count - 1].error == KAFKA_ELECTION_NOT_NEEDED) elections->count--;
        }
        if (elections->count == before) continue;
        elections->topics[elections->topic_count++] = kp_arena_printf(&elections->request->arena, "%s", topic->name);
    }
}

static void add_named(struct elections *elections, const struct kp_elect_leaders_request *asked) {
    const struct metadata *metadata = elections->services->metadata;
    size_t topics = (size_t)asked->topic_partitions.count;
    elections->topics = mem_alloc((topics + 1) * sizeof *elections->topics);
    for (int32_t t = 0; t < asked->topic_partitions.count; t++) {
        const struct kp_elect_leaders_request_topic *one = &asked->topic_partitions.items[t];
        const struct metadata_topic *topic = metadata_topic_named(metadata, one->topic.data, (size_t)one->topic.len);
        for (int32_t p = 0; p < one->partitions.count; p++) {
            struct election *election = add(elections, t, one->partitions.items[p]);
            const struct metadata_partition *partition = topic == NULL
                                                             ? NULL
                                                             : metadata_partition_at(topic, election->partition);
            if (partition != NULL)
                judge(elections, election, partition, asked->election_type);
            else
                set_error(election, KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
                          topic == NULL ? "this topic does not exist" : "the topic has no such partition");
        }
        elections->topics[elections->topic_count++] = one->topic;
    }
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
        log_warn(services->log, "%s asks for more than %d elections in one request", request->ctx.peer, ELECTIONS_MAX);
        request_close_connection(request);
        return;
    }
    int32_t timeout_ms = asked->timeout_ms < TIMEOUT_LEAST_MS  ? TIMEOUT_LEAST_MS
                         : asked->timeout_ms > TIMEOUT_MOST_MS ? TIMEOUT_MOST_MS
                                                               : asked->timeout_ms;
    struct elections *elections = mem_zalloc(sizeof *elections);
    elections->request = request;
    elections->services = services;
    elections->deadline_ms = env_now_ms(services->env) + (uint32_t)timeout_ms;
    for (size_t i = 0; i < AT_ONCE; i++) {
        elections->slots[i].elections = elections;
        elections->slots[i].ask.done = on_asked;
    }
    if (asked->topic_partitions.count < 0)
        add_all(elections, asked->election_type);
    else
        add_named(elections, asked);
    go_on(elections);
}
