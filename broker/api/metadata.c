/*
 * Metadata (key 3): brokers, topics and leaders from the local table, by the listener on which the
 * request came.
 *
 * Happy path: everything asked for is in the table, and the answer leaves at once, or when leaders
 * that are in doubt are known. Missing topics are created first when the request and
 * auto.create.topics.enable allow it. Failures are per topic: UNKNOWN_TOPIC_OR_PARTITION,
 * UNKNOWN_TOPIC_ID, INVALID_TOPIC, TOPIC_AUTHORIZATION_FAILED (also where it is not there), what
 * the creation ended with; per partition LEADER_NOT_AVAILABLE and LISTENER_NOT_FOUND.
 *
 *   find_missing -> create_next -> (all are there) -> list_some    each in steps: there may be much
 *        `-----------------------------------------^   `--- metadata_hold: until leaders are known
 *
 * Invariants: a topic, or what is missing, is listed once, however often it was asked for; between
 * two steps the table may have changed, so nothing of it is kept but ids and copies.
 */
#include "protocol/messages/metadata.h"

#include <string.h>

#include "base/mem.h"
#include "broker/api/authorized_operations.h"
#include "broker/api/handlers.h"
#include "broker/api/key_set.h"
#include "broker/api/listed_partition.h"
#include "broker/api/metadata_hold.h"
#include "broker/api/services.h"
#include "broker/api/topic_ids.h"
#include "broker/cluster/cluster_record.h"
#include "broker/config/topic_name.h"
#include "broker/metadata/asking/auto_creation.h"
#include "broker/metadata/metadata_group.h"
#include "broker/server/mutation_quota.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum { MISSING_MAX = 1000, NULL_NAME_VERSION = 12, PARTITIONS_OF_A_STEP = METADATA_HOLD_AT_ONCE };

/* A topic that is being created for this request. */
struct creation {
    struct auto_wait wait; /* first */
    struct listing *listing;
    int32_t place; /* in the request */
    int16_t error;
};

/* One request on its way; in its arena. */
struct listing {
    const struct broker_services *services;
    struct request *request;
    const struct kp_metadata_request *asked;
    int16_t version;
    struct kp_metadata_response response;

    struct creation *creations; /* of what is missing, in the order of the request */
    size_t creation_count;
    size_t open; /* creations that have not ended, and the asking for them */
    bool asking;
    bool creates;      /* it wants what is missing to be made */
    int32_t looked_at; /* topics of the request for that: who may not make one was told so */

    struct topic_ids all;                    /* all topics, when these are asked for */
    size_t count, at;                        /* topics to look at; the next one */
    struct kp_metadata_response_topic *into; /* under way; NULL: none */
    int32_t partition;                       /* the next one of that */
    struct key_set seen;                     /* topics that are in the answer */
    struct metadata_hold hold;
};

/* What is asked for is more than fits (the arena's limit): nothing that a client could use. Always
 * false: no further step. */
static bool give_up(struct listing *listing) {
    request_close_too_large(listing->request);
    return false;
}

static struct kp_string copy(struct listing *listing, const char *text) {
    return kp_arena_string(&listing->request->arena, text, strlen(text));
}

/* ---- Brokers ---- */

/* One that has stopped is named for a while to clients that forget for good what is not; not to
 * those of Java, which do not, and whose administrators ask every broker that they hear of
 * (ListGroups, ListTransactions), for a minute where nobody answers. */
static bool is_listed(const struct listing *listing, const struct metadata_broker *broker) {
    if (metadata_endpoint_of(broker, listing->request->ctx.listener) == NULL) return false;
    bool named = request_client_is(listing->request, "apache-kafka-java")
                     ? !broker->fenced
                     : services_broker_is_named(listing->services, broker);
    return named || leader_table_led_by(listing->services->leaders, broker->node) > 0;
}

static bool add_brokers(struct listing *listing) {
    const struct metadata *metadata = listing->services->metadata;
    struct kp_metadata_response_broker *items = kp_new_items(
        &listing->request->arena, &kp_metadata_response_broker_schema, &listing->response.brokers,
        (int32_t)metadata_broker_count(metadata));
    int32_t count = 0;
    for (size_t i = 0; items != NULL && i < metadata_broker_count(metadata); i++) {
        const struct metadata_broker *broker = metadata_broker_at(metadata, i);
        if (!is_listed(listing, broker)) continue;
        const struct metadata_endpoint *endpoint = metadata_endpoint_of(
            broker, listing->request->ctx.listener);
        items[count].node_id = broker->node;
        items[count].host = copy(listing, endpoint->host);
        items[count].port = endpoint->port;
        items[count].rack = broker->rack[0] == '\0' ? KP_NULL_STRING : copy(listing, broker->rack);
        count++;
    }
    listing->response.brokers.count = count;
    return items != NULL;
}

/* ---- Partitions ---- */

static bool add_partition(struct listing *listing, struct kp_metadata_response_partition *into,
                          const struct metadata_partition *partition) {
    struct listed_partition listed;
    if (!list_partition(listing->services, listing->request->ctx.listener, partition,
                        &listing->request->arena, &listed))
        return false;
    /* Named topics are those that the client works with. */
    if (listed.leader_id == LEADER_NONE && listing->all.items == NULL)
        partition_set_ask_for(listing->services->partitions, partition->group);
    into->partition_index = partition->index;
    into->error_code = listed.error_code == KAFKA_LISTENER_NOT_FOUND && listing->version < 6
                           ? KAFKA_LEADER_NOT_AVAILABLE
                           : listed.error_code;
    into->leader_id = listed.leader_id;
    into->leader_epoch = listed.leader_epoch;
    into->replica_nodes.items = listed.replicas.items;
    into->replica_nodes.count = listed.replicas.count;
    into->isr_nodes.items = listed.in_sync.items;
    into->isr_nodes.count = listed.in_sync.count;
    into->offline_replicas.items = listed.offline.items;
    into->offline_replicas.count = listed.offline.count;
    return true;
}

/* ---- Topics ---- */

/* By what the items of the answer are told apart: what is missing by name by its name, all others
 * by their ids. */
enum { KEY_ID, KEY_NAME };

static struct key key_of(const void *owner, size_t place) {
    const struct listing *listing = owner;
    const struct kp_metadata_response_topic *item = &listing->response.topics.items[place];
    if (kp_uuid_is_zero(item->topic_id) && item->name.len >= 0)
        return (struct key){.text = item->name, .number = KEY_NAME};
    return (struct key){.text = {(const char *)item->topic_id.bytes, sizeof item->topic_id.bytes},
                        .number = KEY_ID};
}

/* Takes the last item out again if one like it is in the answer. Returns whether it stays. */
static bool keep_if_new(struct listing *listing) {
    size_t place = (size_t)listing->response.topics.count - 1;
    bool is_new = listing->all.items != NULL || key_set_put(&listing->seen, place) == place;
    if (!is_new) listing->response.topics.count--;
    return is_new;
}

static struct kp_metadata_response_topic *next_item(struct listing *listing) {
    struct kp_metadata_response_topic *item =
        &listing->response.topics.items[listing->response.topics.count++];
    kp_set_fallbacks(&kp_metadata_response_topic_schema, item);
    return item;
}

/* Its partitions follow in steps. Nothing if it is in the answer already. False: it does not fit.
 */
static bool begin_topic(struct listing *listing, const struct metadata_topic *topic) {
    struct kp_metadata_response_topic *into = next_item(listing);
    memcpy(into->topic_id.bytes, topic->id, sizeof topic->id);
    if (!keep_if_new(listing)) return true;
    listing->into = into;
    listing->partition = 0;
    into->name = copy(listing, topic->name);
    into->is_internal = topic_name_is_internal(topic->name, strlen(topic->name));
    if (listing->asked->include_topic_authorized_operations)
        into->topic_authorized_operations = authorized_operations(
            &listing->request->ctx, AUTHORIZE_TOPIC, topic->name, strlen(topic->name));
    return into->name.len >= 0 &&
           kp_new_items(&listing->request->arena, &kp_metadata_response_partition_schema,
                        &into->partitions, topic->partition_count) != NULL;
}

static bool add_some_partitions(struct listing *listing) {
    struct kp_metadata_response_topic *into = listing->into;
    const struct metadata_topic *topic = metadata_topic_with_id(listing->services->metadata,
                                                                into->topic_id.bytes);
    int32_t until = listing->partition + PARTITIONS_OF_A_STEP;
    if (topic == NULL) until = into->partitions.count = listing->partition; /* deleted meanwhile */
    if (until > into->partitions.count) until = into->partitions.count;
    if (topic != NULL && metadata_hold(&listing->hold, &topic->partitions[listing->partition],
                                       until - listing->partition))
        return false;
    for (; listing->partition < until; listing->partition++)
        if (!add_partition(listing, &into->partitions.items[listing->partition],
                           &topic->partitions[listing->partition]))
            return give_up(listing);
    if (listing->partition == into->partitions.count) listing->into = NULL;
    return true;
}

static bool may_be_creator(const struct listing *listing, struct kp_string name) {
    const struct request_ctx *ctx = &listing->request->ctx;
    return authorize_has(ctx, AUTHORIZE_CREATE, AUTHORIZE_CLUSTER, NULL, 0) ||
           authorize(ctx, AUTHORIZE_CREATE, AUTHORIZE_TOPIC, name.data, (size_t)name.len);
}

/* The same, asked once more: the refusal is counted and told already. */
static bool was_creator(const struct listing *listing, struct kp_string name) {
    const struct request_ctx *ctx = &listing->request->ctx;
    return authorize_has(ctx, AUTHORIZE_CREATE, AUTHORIZE_CLUSTER, NULL, 0) ||
           authorize_seeing(ctx, AUTHORIZE_CREATE, AUTHORIZE_TOPIC, name.data, (size_t)name.len);
}

static int16_t error_of_missing(const struct listing *listing, int32_t place,
                                struct kp_string name) {
    struct error_text why;
    for (size_t i = 0; i < listing->creation_count; i++) {
        const struct creation *creation = &listing->creations[i];
        if (creation->place != place || creation->error == 0) continue;
        return creation->error == KAFKA_REQUEST_TIMED_OUT ? KAFKA_LEADER_NOT_AVAILABLE
                                                          : creation->error;
    }
    bool legal = topic_name_check(name.data, (size_t)name.len, &why) == ERR_NONE;
    bool was_asked = legal && place < listing->looked_at;
    if (listing->creates &&
        !(was_asked ? was_creator(listing, name) : may_be_creator(listing, name)))
        return KAFKA_TOPIC_AUTHORIZATION_FAILED;
    return legal ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION : KAFKA_INVALID_TOPIC;
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

/* Whether it exists is not told to who may not see it. */
static bool may_describe(const struct listing *listing, const struct metadata_topic *topic,
                         const struct kp_metadata_request_topic *one) {
    const struct request_ctx *ctx = &listing->request->ctx;
    if (topic != NULL)
        return authorize(ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, topic->name,
                         strlen(topic->name));
    return is_by_id(one) || authorize(ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, one->name.data,
                                      (size_t)one->name.len);
}

static void add_denied(struct listing *listing, const struct kp_metadata_request_topic *one) {
    struct kp_metadata_response_topic *into = next_item(listing);
    into->error_code = KAFKA_TOPIC_AUTHORIZATION_FAILED;
    into->name = one->name;
    into->partitions.count = 0;
    if (is_by_id(one)) {
        into->topic_id = one->topic_id;
        into->name = listing->version < NULL_NAME_VERSION ? kp_string_of("") : KP_NULL_STRING;
    }
    keep_if_new(listing);
}

static void add_missing(struct listing *listing, const struct kp_metadata_request_topic *one) {
    struct kp_metadata_response_topic *into = next_item(listing);
    into->name = one->name;
    into->topic_id = one->topic_id;
    if (is_by_id(one)) {
        into->error_code = KAFKA_UNKNOWN_TOPIC_ID;
        into->name = listing->version < NULL_NAME_VERSION ? kp_string_of("") : KP_NULL_STRING;
    } else {
        into->error_code = error_of_missing(listing, (int32_t)(one - listing->asked->topics.items),
                                            one->name);
    }
    keep_if_new(listing);
}

/* ---- The answer ---- */

static bool wants_all(const struct listing *listing) {
    const struct kp_metadata_request *asked = listing->asked;
    return asked->topics.count < 0 || (listing->version == 0 && asked->topics.count == 0);
}

/* Brokers come last: leaders that were waited for are among them. Always false: no further step. */
static bool answer(struct listing *listing) {
    if (!add_brokers(listing)) return give_up(listing);
    listing->response.controller_id = metadata_group_leader(listing->services->metadata_group);
    request_respond_kept(listing->request, &listing->response);
    return false;
}

static bool list_some(struct request *request) {
    struct listing *listing = request->state;
    const struct metadata *metadata = listing->services->metadata;
    if (listing->into != NULL) return add_some_partitions(listing);
    if (listing->at == listing->count) return answer(listing);
    size_t at = listing->at++;
    if (listing->all.items != NULL) {
        const struct metadata_topic *topic = topic_ids_at(&listing->all, metadata, at);
        bool seen = topic != NULL &&
                    authorize_seeing(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC,
                                     topic->name, strlen(topic->name));
        return !seen || begin_topic(listing, topic) || give_up(listing);
    }
    const struct kp_metadata_request_topic *one = &listing->asked->topics.items[at];
    const struct metadata_topic *topic = find_asked(metadata, one);
    if (!may_describe(listing, topic, one))
        add_denied(listing, one);
    else if (topic != NULL)
        return begin_topic(listing, topic) || give_up(listing);
    else
        add_missing(listing, one);
    return true;
}

static bool prepare_all(struct listing *listing) {
    bool fits = topic_ids_take(&listing->all, listing->services->metadata,
                               &listing->request->arena);
    listing->count = listing->all.count;
    return fits;
}

static bool prepare_asked(struct listing *listing) {
    listing->count = (size_t)listing->asked->topics.count;
    return key_set_init(&listing->seen, &listing->request->arena, listing->count,
                        env_random_u64(listing->services->env), key_of, listing);
}

static void list(struct listing *listing) {
    struct request *request = listing->request;
    if (request->dead) {
        request_respond_nothing(request);
        return;
    }
    listing->response.cluster_id = kp_string_of(listing->services->cluster->id);
    if (listing->asked->include_cluster_authorized_operations)
        listing->response.cluster_authorized_operations = authorized_operations(
            &request->ctx, AUTHORIZE_CLUSTER, "", 0);
    metadata_hold_begin(&listing->hold, listing->services, request, list_some);
    bool fits = wants_all(listing) ? prepare_all(listing) : prepare_asked(listing);
    if (fits)
        listing->response.topics.items = kp_arena_alloc(
            &request->arena, (listing->count + 1) * sizeof *listing->response.topics.items);
    listing->response.topics.count = 0;
    if (!fits || listing->response.topics.items == NULL)
        give_up(listing);
    else
        request_steps(request, list_some);
}

/* ---- Creating what is missing ---- */

/* One of those that are waited for has ended. */
static void one_is_over(struct listing *listing) {
    if (--listing->open > 0) return;
    listing->request->canceled = NULL;
    list(listing);
}

static void on_created(struct auto_wait *wait, int16_t error) {
    struct creation *creation = (struct creation *)wait;
    creation->error = error;
    one_is_over(creation->listing);
}

/* Those that were asked for are waited for all the same. */
static void client_gone(struct request *request) {
    struct listing *listing = request->state;
    if (!listing->asking) return;
    listing->asking = false;
    one_is_over(listing);
}

static bool create_next(struct request *request) {
    struct listing *listing = request->state;
    if (listing->at == listing->creation_count) {
        listing->asking = false;
        listing->at = 0;
        one_is_over(listing);
        return false;
    }
    struct creation *creation = &listing->creations[listing->at++];
    struct kp_string name = listing->asked->topics.items[creation->place].name;
    /* a name that is in the request twice may be there meanwhile */
    if (metadata_topic_named(listing->services->metadata, name.data, (size_t)name.len) != NULL)
        return true;
    bool given;
    if (auto_creation_ask(listing->services->auto_creation, &creation->wait, name.data,
                          (size_t)name.len)) {
        listing->open++;
        request_try_mutation(request, listing->services->settings->num_partitions, false, &given);
    } else {
        creation->error = KAFKA_LEADER_NOT_AVAILABLE; /* ask again */
    }
    return true;
}

static bool may_create(const struct listing *listing,
                       const struct kp_metadata_request_topic *asked) {
    struct error_text why;
    return !is_by_id(asked) &&
           topic_name_check(asked->name.data, (size_t)asked->name.len, &why) == ERR_NONE &&
           metadata_topic_named(listing->services->metadata, asked->name.data,
                                (size_t)asked->name.len) == NULL &&
           authorize_seeing(&listing->request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC,
                            asked->name.data, (size_t)asked->name.len) &&
           may_be_creator(listing, asked->name);
}

/* How many topics one request may create. */
static size_t missing_max(const struct broker_services *services) {
    size_t most = services->settings->max_request_partitions /
                  (uint32_t)services->settings->num_partitions;
    return most < MISSING_MAX ? most : MISSING_MAX;
}

static bool find_missing(struct request *request) {
    struct listing *listing = request->state;
    size_t most = missing_max(listing->services);
    if (listing->at < (size_t)listing->asked->topics.count && listing->creation_count <= most) {
        size_t place = listing->at++;
        if (!may_create(listing, &listing->asked->topics.items[place])) return true;
        if (listing->creation_count++ == most)
            return true; /* too many to be meant: none is created */
        listing->creations[listing->creation_count - 1] = (struct creation){
            .wait.done = on_created, .listing = listing, .place = (int32_t)place};
        return true;
    }
    listing->looked_at = (int32_t)listing->at;
    listing->at = 0;
    if (listing->creation_count > most) listing->creation_count = 0;
    if (listing->creation_count == 0) {
        list(listing);
        return false;
    }
    listing->open = 1;
    listing->asking = true;
    request->canceled = client_gone;
    request_steps(request, create_next);
    return false;
}

void api_metadata(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_metadata_request *asked = request->message;
    struct listing *listing = kp_arena_alloc(&request->arena, sizeof *listing);
    *listing = (struct listing){
        .services = services, .request = request, .asked = asked, .version = request->api_version};
    kp_set_fallbacks(&kp_metadata_response_schema, &listing->response);
    request->state = listing;
    bool create = asked->allow_auto_topic_creation && services->settings->auto_create_topics &&
                  !wants_all(listing);
    listing->creates = create;
    if (!create) {
        list(listing);
        return;
    }
    size_t most = missing_max(services);
    if ((size_t)asked->topics.count < most) most = (size_t)asked->topics.count;
    listing->creations = kp_arena_alloc(&request->arena, most * sizeof *listing->creations);
    request_steps(request, find_missing);
}
