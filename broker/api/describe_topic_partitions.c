/*
 * DescribeTopicPartitions (key 75): topics in the order of their names, page by page. KIP-966.
 *
 * Happy path: of all topics, or of those that are named, the first from the cursor on are chosen;
 * their partitions are listed until the page is full, and where it ends is the next cursor.
 * Failures are per topic (UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC, TOPIC_AUTHORIZATION_FAILED)
 * and per partition, as in Metadata; a cursor below partition 0, or at a topic that is not among
 * those that are named, is INVALID_REQUEST for each of these.
 *
 *   gather -> sort -> list     each in steps: there may be thousands of everything
 *
 * Invariants: a page has PAGE_TOPICS topics and PAGE_PARTITIONS partitions at most; a topic is
 * listed once, however often it is named; between two steps the table may have changed, so nothing
 * of it is kept but ids and copies of names.
 */
#include "protocol/messages/describe_topic_partitions.h"

#include <string.h>

#include "broker/api/authorized_operations.h"
#include "broker/api/handlers.h"
#include "broker/api/key_set.h"
#include "broker/api/listed_partition.h"
#include "broker/api/metadata_hold.h"
#include "broker/api/name_page.h"
#include "broker/api/topic_ids.h"
#include "broker/config/topic_name.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum { PAGE_PARTITIONS = 2000, PAGE_TOPICS = 2000, PARTITIONS_OF_A_STEP = METADATA_HOLD_AT_ONCE };

/* One request on its way; in its arena. */
struct listing {
    const struct broker_services *services;
    struct request *request;
    const struct kp_describe_topic_partitions_request *asked;
    struct kp_describe_topic_partitions_response response;

    struct kp_string from; /* the topic of the cursor; "" without */
    bool from_named;       /* it is among those that are asked for */
    struct topic_ids all;  /* all topics, when these are asked for */
    size_t count, at;      /* names to look at; the next one */
    struct key_set seen;   /* of the names that are asked for */
    struct name_page page;

    struct kp_describe_topic_partitions_response_topic *into; /* under way; NULL: none */
    int32_t next, until; /* its partitions: the next one, where the page or the topic ends */
    int32_t room;        /* partitions that the page may still have */
    struct metadata_hold hold;
};

/* What is asked for does not fit in an answer. Always false: no further step. */
static bool give_up(struct listing *listing) {
    request_close_too_large(listing->request);
    return false;
}

static struct kp_arena *arena_of(struct listing *listing) {
    return &listing->request->arena;
}

static bool may_describe(const struct listing *listing, struct kp_string name) {
    return authorize(&listing->request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, name.data,
                     (size_t)name.len);
}

/* ---- The page: which topics ---- */

static struct key key_of(const void *owner, size_t place) {
    const struct listing *listing = owner;
    return (struct key){.text = listing->asked->topics.items[place].name};
}

static void gather_asked(struct listing *listing, size_t place) {
    struct kp_string name = listing->asked->topics.items[place].name;
    int order = name_compare(name, listing->from);
    if (order == 0) listing->from_named = true;
    if (order >= 0 && key_set_put(&listing->seen, place) == place &&
        name_page_wants(&listing->page, name))
        name_page_put(&listing->page, name);
}

/* False: it does not fit. */
static bool gather_one_of_all(struct listing *listing, const uint8_t *id) {
    const struct metadata_topic *topic = metadata_topic_with_id(listing->services->metadata, id);
    if (topic == NULL) return true;
    struct kp_string name = kp_string_of(topic->name);
    if (name_compare(name, listing->from) < 0 || !name_page_wants(&listing->page, name) ||
        !authorize_seeing(&listing->request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, name.data,
                          (size_t)name.len))
        return true;
    return name_page_put_copy(&listing->page, arena_of(listing), name, TOPIC_NAME_MAX);
}

/* ---- The answer ---- */

static bool end_page(struct listing *listing, struct kp_string name, int32_t partition) {
    struct kp_describe_topic_partitions_cursor *cursor = kp_arena_alloc(arena_of(listing),
                                                                        sizeof *cursor);
    if (cursor == NULL) return give_up(listing);
    *cursor = (struct kp_describe_topic_partitions_cursor){name, partition};
    listing->response.next_cursor = cursor;
    request_respond_kept(listing->request, &listing->response);
    return false;
}

/* Its partitions follow in steps. False: it does not fit. */
static bool begin_topic(struct listing *listing, const struct metadata_topic *topic,
                        struct kp_describe_topic_partitions_response_topic *into) {
    memcpy(into->topic_id.bytes, topic->id, sizeof topic->id);
    into->is_internal = topic_name_is_internal(topic->name, strlen(topic->name));
    into->topic_authorized_operations = authorized_operations(
        &listing->request->ctx, AUTHORIZE_TOPIC, topic->name, strlen(topic->name));
    bool here = listing->asked->cursor != NULL && name_compare(into->name, listing->from) == 0;
    listing->next = here ? listing->asked->cursor->partition_index : 0;
    int32_t left = topic->partition_count > listing->next ? topic->partition_count - listing->next
                                                          : 0;
    int32_t count = left < listing->room ? left : listing->room;
    listing->until = listing->next + count;
    listing->into = into;
    return kp_new_items(arena_of(listing), &kp_describe_topic_partitions_response_partition_schema,
                        &into->partitions, count) != NULL;
}

static bool add_partition(struct listing *listing, const struct metadata_partition *partition,
                          struct kp_describe_topic_partitions_response_partition *into) {
    struct listed_partition listed;
    if (!list_partition(listing->services, listing->request->ctx.listener, partition,
                        arena_of(listing), &listed))
        return false;
    into->error_code = listed.error_code;
    into->partition_index = partition->index;
    into->leader_id = listed.leader_id;
    into->leader_epoch = listed.leader_epoch;
    into->replica_nodes.items = listed.replicas.items;
    into->replica_nodes.count = listed.replicas.count;
    into->isr_nodes.items = listed.in_sync.items;
    into->isr_nodes.count = listed.in_sync.count;
    into->offline_replicas.items = listed.offline.items;
    into->offline_replicas.count = listed.offline.count;
    /* Empty, as Kafka has them, and not null: no Java client reads null here. */
    into->eligible_leader_replicas.count = 0;
    into->last_known_elr.count = 0;
    return true;
}

/* The topic is over, or the page is. */
static bool end_topic(struct listing *listing, const struct metadata_topic *topic) {
    struct kp_string name = listing->into->name;
    listing->into = NULL;
    if (topic != NULL && listing->until < topic->partition_count)
        return end_page(listing, name, listing->until);
    return true;
}

static bool add_some_partitions(struct listing *listing) {
    struct kp_describe_topic_partitions_response_topic *into = listing->into;
    const struct metadata_topic *topic = metadata_topic_with_id(listing->services->metadata,
                                                                into->topic_id.bytes);
    int32_t done = into->partitions.count - (listing->until - listing->next);
    if (topic == NULL) { /* deleted meanwhile */
        into->partitions.count = done;
        return end_topic(listing, NULL);
    }
    int32_t some = listing->until - listing->next;
    if (some > PARTITIONS_OF_A_STEP) some = PARTITIONS_OF_A_STEP;
    if (some > 0 && metadata_hold(&listing->hold, &topic->partitions[listing->next], some))
        return false;
    for (int32_t i = 0; i < some; i++, listing->next++, listing->room--)
        if (!add_partition(listing, &topic->partitions[listing->next],
                           &into->partitions.items[done + i]))
            return give_up(listing);
    return listing->next < listing->until || end_topic(listing, topic);
}

static int16_t error_of_missing(struct kp_string name) {
    struct error_text why;
    return topic_name_check(name.data, (size_t)name.len, &why) == ERR_NONE
               ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION
               : KAFKA_INVALID_TOPIC;
}

static bool list_next(struct request *request) {
    struct listing *listing = request->state;
    if (listing->into != NULL) return add_some_partitions(listing);
    if (listing->at == listing->page.count) {
        request_respond_kept(request, &listing->response);
        return false;
    }
    struct kp_string name = listing->page.names[listing->at++];
    if (listing->room == 0 || listing->response.topics.count == PAGE_TOPICS)
        return end_page(listing, name, 0);
    const struct metadata_topic *topic = metadata_topic_named(listing->services->metadata,
                                                              name.data, (size_t)name.len);
    if (topic == NULL && listing->all.items != NULL) return true; /* deleted meanwhile */
    bool may = may_describe(listing, name);
    struct kp_describe_topic_partitions_response_topic *into =
        &listing->response.topics.items[listing->response.topics.count++];
    kp_set_fallbacks(&kp_describe_topic_partitions_response_topic_schema, into);
    into->name = name;
    if (topic != NULL && may) return begin_topic(listing, topic, into) || give_up(listing);
    into->error_code = may ? error_of_missing(name) : KAFKA_TOPIC_AUTHORIZATION_FAILED;
    return true;
}

/* ---- Steps ---- */

static bool sort_next(struct request *request) {
    struct listing *listing = request->state;
    if (name_page_sort(&listing->page)) return true;
    listing->at = 0;
    metadata_hold_begin(&listing->hold, listing->services, request, list_next);
    request_steps(request, list_next);
    return false;
}

/* Always false: no further step. */
static bool refuse_cursor(struct listing *listing) {
    const struct kp_describe_topic_partitions_request *asked = listing->asked;
    struct kp_describe_topic_partitions_response *out = &listing->response;
    if (kp_new_items(arena_of(listing), &kp_describe_topic_partitions_response_topic_schema,
                     &out->topics, asked->topics.count) == NULL) {
        return give_up(listing);
    }
    for (int32_t i = 0; i < out->topics.count; i++) {
        out->topics.items[i].error_code = KAFKA_INVALID_REQUEST;
        out->topics.items[i].name = asked->topics.items[i].name;
    }
    request_respond_kept(listing->request, out);
    return false;
}

static bool gather_next(struct request *request) {
    struct listing *listing = request->state;
    if (listing->at == listing->count) {
        bool named = listing->asked->topics.count > 0;
        if (named && listing->asked->cursor != NULL && !listing->from_named)
            return refuse_cursor(listing);
        request_steps(request, sort_next);
        return false;
    }
    size_t at = listing->at++;
    if (listing->all.items == NULL)
        gather_asked(listing, at);
    else if (!gather_one_of_all(listing, listing->all.items[at].bytes))
        return give_up(listing);
    return true;
}

static bool prepare_all(struct listing *listing) {
    bool fits = topic_ids_take(&listing->all, listing->services->metadata, arena_of(listing));
    listing->count = listing->all.count;
    return fits;
}

static bool prepare_asked(struct listing *listing) {
    listing->count = (size_t)listing->asked->topics.count;
    return key_set_init(&listing->seen, arena_of(listing), listing->count,
                        env_random_u64(listing->services->env), key_of, listing);
}

void api_describe_topic_partitions(void *service, struct request *request) {
    const struct kp_describe_topic_partitions_request *asked = request->message;
    int32_t limit = asked->response_partition_limit;
    struct listing *listing = kp_arena_alloc(&request->arena, sizeof *listing);
    *listing = (struct listing){.services = service,
                                .request = request,
                                .asked = asked,
                                .from = asked->cursor != NULL ? asked->cursor->topic_name
                                                              : kp_string_of(""),
                                .room = limit < 1                 ? 1
                                        : limit < PAGE_PARTITIONS ? limit
                                                                  : PAGE_PARTITIONS};
    kp_set_fallbacks(&kp_describe_topic_partitions_response_schema, &listing->response);
    request->state = listing;
    if (asked->cursor != NULL && asked->cursor->partition_index < 0) {
        refuse_cursor(listing);
        return;
    }
    bool fits = asked->topics.count == 0 ? prepare_all(listing) : prepare_asked(listing);
    size_t most = listing->count < PAGE_TOPICS + 1 ? listing->count : PAGE_TOPICS + 1;
    listing->response.topics.items = kp_arena_alloc(
        &request->arena, (most + 1) * sizeof *listing->response.topics.items);
    if (fits && listing->response.topics.items != NULL &&
        name_page_init(&listing->page, &request->arena, most))
        request_steps(request, gather_next);
    else
        give_up(listing);
}
