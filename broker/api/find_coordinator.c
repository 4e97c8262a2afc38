/*
 * FindCoordinator (key 10): which broker coordinates a consumer group, or the transactions of a
 * transactional id, answered by any broker.
 *
 * Happy path: the partition of __consumer_offsets, or __transaction_state, that the key lives in,
 * and who leads it. The topic is made when the first key of its kind is asked for. Clients keep
 * what they hear, and after a failure pause before they ask again, so it is waited: for a topic
 * that is being made CREATION_MS, for a leader in doubt as long as Metadata waits
 * (metadata_hold.h). Failures are per key: COORDINATOR_NOT_AVAILABLE (node -1, no host) while there
 * is no leader, or it has no address on this listener; GROUP_AUTHORIZATION_FAILED,
 * TRANSACTIONAL_ID_AUTHORIZATION_FAILED; INVALID_REQUEST for other types.
 *
 *   begin -> (topic is there) -> find_next    in steps: there may be a million keys
 *     `---> waits for it ---^     `--- metadata_hold: it goes on when leaders are known
 */
#include "protocol/messages/find_coordinator.h"

#include <string.h>

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/metadata_hold.h"
#include "broker/config/topic_name.h"
#include "broker/coordinator/coordinators.h"
#include "broker/metadata/asking/auto_creation.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum key_type { KEY_GROUP, KEY_TRANSACTION };
enum { LIST_VERSION = 4, CREATION_MS = 1000 };

/* One request on its way; in its arena. */
struct finding {
    const struct broker_services *services;
    struct request *request;
    const struct coordinators *coordinators; /* of that kind of key */
    const char *topic;                       /* that they are on */
    enum authorize_resource resource;
    int16_t unauthorized;
    struct kp_find_coordinator_response response;
    const struct kp_string *keys;
    struct kp_find_coordinator_response_coordinator *found; /* beside the keys */
    int32_t count, at;
    int16_t code; /* of all keys; NONE: each has its own */
    struct kp_string message;
    struct auto_wait creation;
    struct deadline deadline;
    struct metadata_hold hold;
};

static bool finding_answer(struct finding *finding) {
    struct kp_find_coordinator_response *out = &finding->response;
    if (finding->request->api_version >= LIST_VERSION) {
        out->coordinators.items = finding->found;
        out->coordinators.count = finding->count;
    } else {
        out->error_code = finding->found->error_code;
        out->error_message = finding->found->error_message;
        out->node_id = finding->found->node_id;
        out->host = finding->found->host;
        out->port = finding->found->port;
    }
    request_respond_kept(finding->request, out);
    return false;
}

static void not_available(struct kp_find_coordinator_response_coordinator *into,
                          const char *sentence) {
    into->error_code = KAFKA_COORDINATOR_NOT_AVAILABLE;
    into->error_message = kp_string_of(sentence);
}

static void name_leader(const struct finding *finding, const struct metadata_partition *partition,
                        struct kp_find_coordinator_response_coordinator *into) {
    const struct broker_services *services = finding->services;
    struct request *request = finding->request;
    struct leader leader = leader_table_get(services->leaders, partition->group);
    const struct metadata_broker *broker =
        leader.node == LEADER_NONE ? NULL : metadata_broker_of(services->metadata, leader.node);
    const struct metadata_endpoint *endpoint =
        broker == NULL ? NULL : metadata_endpoint_of(broker, request->ctx.listener);
    if (broker == NULL) partition_set_ask_for(services->partitions, partition->group);
    if (endpoint == NULL) {
        not_available(into, broker == NULL ? "The coordinator's partition has no leader at present."
                                           : "The coordinator has no address on this listener.");
        return;
    }
    into->error_code = KAFKA_NONE;
    into->error_message = KP_NULL_STRING;
    into->node_id = broker->node;
    into->host = kp_arena_string(&request->arena, endpoint->host, strlen(endpoint->host));
    into->port = endpoint->port;
}

static bool find_next(struct request *request) {
    struct finding *finding = request->state;
    if (finding->at == finding->count) return finding_answer(finding);
    struct kp_string key = finding->keys[finding->at];
    struct kp_find_coordinator_response_coordinator *into = &finding->found[finding->at];
    const struct metadata_partition *partition =
        finding->code != KAFKA_NONE
            ? NULL
            : coordinators_partition_of(finding->coordinators, key.data, (size_t)key.len);
    if (partition != NULL && metadata_hold(&finding->hold, partition, 1)) return false;
    finding->at++;
    kp_set_fallbacks(&kp_find_coordinator_response_coordinator_schema, into);
    into->key = key;
    into->node_id = -1;
    into->port = -1;
    if (finding->code != KAFKA_NONE) {
        into->error_code = finding->code;
        into->error_message = finding->message;
    } else if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, finding->resource, key.data,
                          (size_t)key.len)) {
        into->error_code = finding->unauthorized;
    } else if (partition != NULL) {
        name_leader(finding, partition, into);
    } else {
        not_available(into, "The topic of the coordinators is not there yet.");
    }
    if (into->host.len >= 0) return true;
    request_close_too_large(request);
    return false;
}

/* ---- The topic ---- */

static void topic_settled(struct finding *finding) {
    struct request *request = finding->request;
    deadline_clear(finding->services->deadlines, &finding->deadline);
    auto_creation_cancel(&finding->creation);
    request->canceled = NULL;
    if (request->dead) {
        request_respond_nothing(request);
        return;
    }
    metadata_hold_begin(&finding->hold, finding->services, request, find_next);
    request_steps(request, find_next);
}

static void on_created(struct auto_wait *wait, int16_t error) {
    (void)error; /* what is not there is said of each key */
    topic_settled(CONTAINER_OF(wait, struct finding, creation));
}

static void on_late(struct deadline *deadline) {
    topic_settled(CONTAINER_OF(deadline, struct finding, deadline));
}

static void client_gone(struct request *request) {
    topic_settled(request->state);
}

static void find_keys(struct finding *finding) {
    const struct broker_services *services = finding->services;
    finding->creation.done = on_created;
    finding->deadline.passed = on_late;
    bool waits = coordinators_partition_of(finding->coordinators, "", 0) == NULL &&
                 finding->count > 0 &&
                 auto_creation_ask(services->auto_creation, &finding->creation, finding->topic,
                                   strlen(finding->topic));
    if (!waits) {
        topic_settled(finding);
        return;
    }
    finding->request->canceled = client_gone;
    deadline_set(services->deadlines, &finding->deadline, CREATION_MS);
}

static void find_of_type(struct finding *finding, int8_t key_type) {
    const struct broker_services *services = finding->services;
    if (key_type == KEY_GROUP) {
        finding->coordinators = services->group_coordinators;
        finding->topic = TOPIC_CONSUMER_OFFSETS;
        finding->resource = AUTHORIZE_GROUP;
        finding->unauthorized = KAFKA_GROUP_AUTHORIZATION_FAILED;
    } else if (key_type == KEY_TRANSACTION) {
        finding->coordinators = services->transaction_coordinators;
        finding->topic = TOPIC_TRANSACTION_STATE;
        finding->resource = AUTHORIZE_TRANSACTIONAL_ID;
        finding->unauthorized = KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
    } else {
        finding->code = KAFKA_INVALID_REQUEST;
        finding->message = kp_string_of("The key type must be 0 (group) or 1 (transaction).");
        request_steps(finding->request, find_next);
        return;
    }
    find_keys(finding);
}

void api_find_coordinator(void *service, struct request *request) {
    const struct kp_find_coordinator_request *in = request->message;
    struct finding *finding = kp_arena_alloc(&request->arena, sizeof *finding);
    if (finding != NULL) {
        bool list = request->api_version >= LIST_VERSION;
        *finding = (struct finding){.services = service, .request = request};
        finding->keys = list ? in->coordinator_keys.items : &in->key;
        finding->count = list ? in->coordinator_keys.count : 1;
        if (finding->count < 0) finding->count = 0;
        finding->found = kp_arena_alloc(&request->arena,
                                        ((size_t)finding->count + 1) * sizeof *finding->found);
    }
    if (finding == NULL || finding->found == NULL) {
        request_close_too_large(request);
        return;
    }
    kp_set_fallbacks(&kp_find_coordinator_response_schema, &finding->response);
    request->state = finding;
    find_of_type(finding, in->key_type);
}
