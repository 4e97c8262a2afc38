/*
 * Metadata (key 3): brokers, topics and leaders from the local table, by the listener on which the request came.
 *
 * Happy path: everything asked for is in the table, and the answer leaves at once, or when new leaders are known. Missing topics are created first when the request and
 * auto.create.topics.enable allow it. Failures are per topic: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_TOPIC, what the
 * creation ended with; per partition LEADER_NOT_AVAILABLE and LISTENER_NOT_FOUND.
 * Invariant: a topic is listed once, however often it was asked for.
 */
#include "protocol/metadata.h"

#include <string.h>

#include "base/mem.h"
#include "broker/api/authorized_operations.h"
#include "broker/api/handlers.h"
#include "broker/api/metadata_hold.h"
#include "broker/auto_creation.h"
#include "broker/cluster_record.h"
#include "broker/metadata_group.h"
#include "broker/services.h"
#include "broker/topic_name.h"
#include "protocol/kafka_error.h"

#include <uthash.h>

enum { ANSWER_MAX = 128 << 20, MISSING_MAX = 1000, NULL_NAME_VERSION = 12 };

/* A topic that is being created for this request. */
struct creation {
    struct auto_wait wait;
    struct question *question;
    int32_t place; /* in the request */
    int16_t error;
};

/* A request that waits for creations. */
struct question {
    const struct broker_services *services;
    struct request *request;
    struct creation *creations;
    size_t creation_count, open;
};

/* One answer under construction. */
struct answer {
    const struct broker_services *services;
    const struct question *question;
    const struct request_ctx *ctx;
    const struct kp_metadata_request *asked;
    int16_t version;
    struct kp_arena arena;
    struct kp_metadata_response response;
    struct seen {
        const struct metadata_topic *topic;
        UT_hash_handle hh;
    } *seen;
    bool too_large;
};

/* ---- Brokers ---- */

static bool is_listed(const struct answer *answer, const struct metadata_broker *broker) {
    if (metadata_endpoint_of(broker, answer->ctx->listener) == NULL) return false;
    return !broker->fenced || leader_table_led_by(answer->services->leaders, broker->node) > 0;
}

static void add_brokers(struct answer *answer) {
    const struct metadata *metadata = answer->services->metadata;
    struct kp_metadata_response_broker *items = kp_new_items(&answer->arena, &kp_metadata_response_broker_schema,
                                                             &answer->response.brokers,
                                                             (int32_t)metadata_broker_count(metadata));
    int32_t count = 0;
    for (size_t i = 0; items != NULL && i < metadata_broker_count(metadata); i++) {
        const struct metadata_broker *broker = metadata_broker_at(metadata, i);
        if (!is_listed(answer, broker)) continue;
        const struct metadata_endpoint *endpoint = metadata_endpoint_of(broker, answer->ctx->listener);
        items[count].node_id = broker->node;
        items[count].host = kp_string_of(endpoint->host);
        items[count].port = endpoint->port;
        items[count].rack = broker->rack[0] == '\0' ? KP_NULL_STRING : kp_string_of(broker->rack);
        count++;
    }
    answer->response.brokers.count = count;
}

/* ---- Partitions ---- */

static void add_leader(const struct answer *answer, struct kp_metadata_response_partition *into,
                       const struct leader *leader) {
    const struct metadata_broker *broker = leader->node == LEADER_NONE
                                               ? NULL
                                               : metadata_broker_of(answer->services->metadata, leader->node);
    into->leader_epoch = (int32_t)leader->term;
    if (broker == NULL) {
        into->error_code = KAFKA_LEADER_NOT_AVAILABLE;
        into->leader_id = LEADER_NONE;
    } else if (metadata_endpoint_of(broker, answer->ctx->listener) == NULL) {
        into->error_code = answer->version < 6 ? KAFKA_LEADER_NOT_AVAILABLE : KAFKA_LISTENER_NOT_FOUND;
        into->leader_id = LEADER_NONE;
    } else {
        into->leader_id = leader->node;
    }
}

static bool add_partition(struct answer *answer, struct kp_metadata_response_partition *into,
                          const struct metadata_partition *partition) {
    const struct broker_services *services = answer->services;
    struct leader leader = leader_table_get(services->leaders, partition->group);
    size_t replicas = partition->replica_count;
    int32_t *nodes = kp_arena_alloc(&answer->arena, (2 * replicas + leader.in_sync_count + 1) * sizeof *nodes);
    if (nodes == NULL) return false;
    into->partition_index = partition->index;
    into->replica_nodes.items = nodes;
    into->replica_nodes.count = (int32_t)replicas;
    into->offline_replicas.items = nodes + replicas;
    into->offline_replicas.count = 0;
    for (size_t r = 0; r < replicas; r++) {
        nodes[r] = partition->replicas[r].node;
        const struct metadata_broker *broker = metadata_broker_of(services->metadata, nodes[r]);
        if (broker == NULL || services_broker_is_down(services, broker))
            into->offline_replicas.items[into->offline_replicas.count++] = nodes[r];
    }
    into->isr_nodes.items = nodes + 2 * replicas;
    into->isr_nodes.count = (int32_t)leader.in_sync_count;
    if (leader.in_sync_count > 0) memcpy(into->isr_nodes.items, leader.in_sync, leader.in_sync_count * sizeof *nodes);
    add_leader(answer, into, &leader);
    return true;
}

/* ---- Topics ---- */

/* False if it was listed already. */
static bool see_first(struct answer *answer, const struct metadata_topic *topic) {
    struct seen *seen;
    HASH_FIND_PTR(answer->seen, &topic, seen);
    if (seen != NULL) return false;
    seen = mem_zalloc(sizeof *seen);
    seen->topic = topic;
    HASH_ADD_PTR(answer->seen, topic, seen);
    return true;
}

static void add_topic(struct answer *answer, struct kp_metadata_response_topic *into,
                      const struct metadata_topic *topic) {
    into->name = kp_string_of(topic->name);
    memcpy(into->topic_id.bytes, topic->id, sizeof topic->id);
    if (answer->asked->include_topic_authorized_operations)
        into->topic_authorized_operations = authorized_operations(answer->ctx, AUTHORIZE_TOPIC, topic->name,
                                                                  strlen(topic->name));
    struct kp_metadata_response_partition *items = kp_new_items(&answer->arena, &kp_metadata_response_partition_schema,
                                                                &into->partitions, topic->partition_count);
    answer->too_large = answer->too_large || items == NULL;
    for (int32_t p = 0; !answer->too_large && p < topic->partition_count; p++)
        answer->too_large = !add_partition(answer, &items[p], &topic->partitions[p]);
}

static int16_t error_of_missing(const struct answer *answer, int32_t place, struct kp_string name) {
    struct error_text why;
    for (size_t i = 0; answer->question != NULL && i < answer->question->creation_count; i++) {
        const struct creation *creation = &answer->question->creations[i];
        if (creation->place != place || creation->error == 0) continue;
        return creation->error == KAFKA_REQUEST_TIMED_OUT ? KAFKA_LEADER_NOT_AVAILABLE : creation->error;
    }
    return topic_name_check(name.data, (size_t)name.len, &why) == ERR_NONE ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION
                                                                           : KAFKA_INVALID_TOPIC;
}

/* The id wins over a name: the Java client asks with an id and the empty name. */
static bool is_by_id(const struct kp_metadata_request_topic *asked) {
    return asked->name.len < 0 || !kp_uuid_is_zero(asked->topic_id);
}

static const struct metadata_topic *find_asked(const struct metadata *metadata,
                                               const struct kp_metadata_request_topic *asked) {
    if (is_by_id(asked)) return metadata_topic_with_id(metadata, asked->topic_id.bytes);
    return metadata_topic_named(metadata, asked->name.data, (size_t)asked->name.len);
}

static void add_asked_topics(struct answer *answer) {
    const struct kp_metadata_request *asked = answer->asked;
    struct kp_metadata_response_topic *items = kp_new_items(&answer->arena, &kp_metadata_response_topic_schema,
                                                            &answer->response.topics, asked->topics.count);
    int32_t count = 0;
    answer->too_large = items == NULL;
    for (int32_t i = 0; !answer->too_large && i < asked->topics.count; i++) {
        const struct kp_metadata_request_topic *one = &asked->topics.items[i];
        const struct metadata_topic *topic = find_asked(answer->services->metadata, one);
        if (topic != NULL) {
            if (see_first(answer, topic)) add_topic(answer, &items[count++], topic);
            continue;
        }
        items[count].name = one->name;
        items[count].topic_id = one->topic_id;
        if (is_by_id(one)) {
            items[count].error_code = KAFKA_UNKNOWN_TOPIC_ID;
            items[count].name = answer->version < NULL_NAME_VERSION ? kp_string_of("") : KP_NULL_STRING;
        } else {
            items[count].error_code = error_of_missing(answer, i, one->name);
        }
        count++;
    }
    answer->response.topics.count = count;
}

static void add_all_topics(struct answer *answer) {
    const struct metadata *metadata = answer->services->metadata;
    struct kp_metadata_response_topic *items = kp_new_items(&answer->arena, &kp_metadata_response_topic_schema,
                                                            &answer->response.topics,
                                                            (int32_t)metadata_topic_count(metadata));
    int32_t count = 0;
    answer->too_large = items == NULL;
    for (const struct metadata_topic *topic = NULL;
         !answer->too_large && (topic = metadata_next_topic(metadata, topic)) != NULL;)
        add_topic(answer, &items[count++], topic);
}

/* ---- The answer ---- */

static bool wants_all(const struct request *request, const struct kp_metadata_request *asked) {
    return asked->topics.count < 0 || (request->api_version == 0 && asked->topics.count == 0);
}

static void respond(const struct broker_services *services, const struct question *question, struct request *request) {
    struct answer answer = {.services = services,
                            .question = question,
                            .ctx = &request->ctx,
                            .asked = request->message,
                            .version = request->api_version};
    kp_arena_init(&answer.arena, ANSWER_MAX);
    kp_set_fallbacks(&kp_metadata_response_schema, &answer.response);
    answer.response.cluster_id = kp_string_of(services->cluster->id);
    answer.response.controller_id = metadata_group_leader(services->metadata_group);
    if (answer.asked->include_cluster_authorized_operations)
        answer.response.cluster_authorized_operations = authorized_operations(&request->ctx, AUTHORIZE_CLUSTER, "", 0);
    add_brokers(&answer);
    if (wants_all(request, answer.asked))
        add_all_topics(&answer);
    else
        add_asked_topics(&answer);
    if (answer.too_large)
        request_close_connection(request); /* over ANSWER_MAX: nothing that a client could use */
    else
        request_respond(request, &answer.response);
    while (answer.seen != NULL) {
        struct seen *seen = answer.seen;
        HASH_DEL(answer.seen, seen);
        mem_free(seen);
    }
    kp_arena_close(&answer.arena);
}

static void respond_known(const struct broker_services *services, struct request *request) {
    respond(services, NULL, request);
}

/* ---- Creating what is missing ---- */

static void end_question(struct question *question) {
    if (--question->open > 0) return;
    respond(question->services, question, question->request);
    mem_free(question->creations);
    mem_free(question);
}

static void on_created(struct auto_wait *wait, int16_t error) {
    struct creation *creation = (struct creation *)wait; /* its first field */
    creation->error = error;
    end_question(creation->question);
}

static bool may_create(const struct broker_services *services, const struct request *request,
                       const struct kp_metadata_request_topic *asked) {
    struct error_text why;
    return !is_by_id(asked) && topic_name_check(asked->name.data, (size_t)asked->name.len, &why) == ERR_NONE &&
           metadata_topic_named(services->metadata, asked->name.data, (size_t)asked->name.len) == NULL &&
           authorize(&request->ctx, AUTHORIZE_CREATE, AUTHORIZE_TOPIC, asked->name.data, (size_t)asked->name.len);
}

void api_metadata(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_metadata_request *asked = request->message;
    size_t missing = 0;
    bool create = asked->allow_auto_topic_creation && services->settings->auto_create_topics &&
                  !wants_all(request, asked);
    for (int32_t i = 0; create && i < asked->topics.count; i++)
        missing += may_create(services, request, &asked->topics.items[i]);
    if (missing == 0 || missing > MISSING_MAX) {
        if (!metadata_hold(services, request, wants_all(request, asked), find_asked, respond_known))
            respond_known(services, request);
        return;
    }
    struct question *question = mem_zalloc(sizeof *question);
    *question = (struct question){.services = services,
                                  .request = request,
                                  .creations = mem_zalloc(missing * sizeof *question->creations),
                                  .creation_count = missing,
                                  .open = missing};
    size_t at = 0;
    for (int32_t i = 0; i < asked->topics.count; i++) {
        const struct kp_metadata_request_topic *one = &asked->topics.items[i];
        if (!may_create(services, request, one)) continue;
        question->creations[at] = (struct creation){.wait.done = on_created, .question = question, .place = i};
        auto_creation_ask(services->auto_creation, &question->creations[at].wait, one->name.data,
                          (size_t)one->name.len);
        at++;
    }
}
