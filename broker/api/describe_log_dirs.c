/*
 * DescribeLogDirs (key 35): the data directory of this broker, and how many bytes of each partition
 * have committed here, as they are stored. KIP-113. There is one directory, named as the settings
 * name it.
 *
 * Happy path: what is asked for goes into a set, then all topics are walked, both in steps, so that
 * a partition that is named twice is told once, as in Kafka. What is not here is left out.
 * Failures: CLUSTER_AUTHORIZATION_FAILED; an answer that grows too large closes the connection.
 */
#include "protocol/messages/describe_log_dirs.h"

#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/key_set.h"
#include "broker/api/services.h"
#include "broker/api/topic_ids.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"
#include "storage/disk_space.h"

enum { PARTITIONS_OF_A_STEP = 64 };

struct asked_partition {
    struct kp_string topic;
    int32_t index;
};

/* One request on its way; in its arena. */
struct describing_dirs {
    const struct broker_services *services;
    const struct kp_describe_log_dirs_request *asked;
    struct kp_describe_log_dirs_response response;
    struct kp_describe_log_dirs_response_directory directory;
    bool all;
    /* What is asked for. */
    struct asked_partition *wanted;
    size_t wanted_count;
    struct key_set set;
    int32_t asked_topic, asked_index; /* what goes into the set next */
    /* The walk: which topic, which of its partitions, and for how many there is room. */
    struct topic_ids topics;
    size_t at;
    int32_t partition, room;
    struct kp_describe_log_dirs_response_topic *open; /* of the topic; NULL: none of it so far */
};

static bool dirs_too_large(struct request *request) {
    request_close_too_large(request);
    return false;
}

/* ---- The answer ---- */

static int64_t known_bytes(uint64_t bytes) {
    return bytes > INT64_MAX ? -1 : (int64_t)bytes;
}

static bool dirs_respond(struct request *request) {
    struct describing_dirs *describing = request->state;
    struct disk_space_facts facts;
    disk_space_facts_get(describing->services->room, &facts);
    describing->directory.log_dir = kp_string_of(facts.path);
    describing->directory.total_bytes = known_bytes(facts.total_bytes);
    describing->directory.usable_bytes = known_bytes(facts.free_bytes);
    describing->response.results.items = &describing->directory;
    describing->response.results.count = 1;
    request_respond_kept(request, &describing->response);
    return false;
}

/* ---- The walk ---- */

static bool is_wanted(const struct describing_dirs *describing,
                      const struct metadata_partition *partition) {
    struct key key = {.text = kp_string_of(partition->topic->name), .number = partition->index};
    return describing->all || key_set_find(&describing->set, key) != KEY_NONE;
}

/* False, here and below: the arena's limit is passed. */
static bool open_topic(struct describing_dirs *describing, struct kp_arena *arena,
                       const struct metadata_topic *topic, int32_t first) {
    struct kp_describe_log_dirs_response_topic *into =
        &describing->directory.topics.items[describing->directory.topics.count++];
    describing->open = into;
    describing->room = topic->partition_count - first;
    into->name = kp_arena_string(arena, topic->name, strlen(topic->name));
    into->partitions.count = 0;
    into->partitions.items = kp_arena_alloc(arena, (size_t)describing->room *
                                                       sizeof *into->partitions.items);
    return into->name.len >= 0 && into->partitions.items != NULL;
}

static bool describe_partition(struct describing_dirs *describing, struct kp_arena *arena,
                               const struct metadata_partition *known) {
    struct partition *partition = partition_set_find_group(describing->services->partitions,
                                                           known->group);
    if (partition == NULL || !is_wanted(describing, known)) return true;
    if (describing->open == NULL && !open_topic(describing, arena, known->topic, known->index))
        return false;
    if (describing->room-- == 0) return true; /* the topic has grown meanwhile */
    struct kp_describe_log_dirs_response_partition *row =
        &describing->open->partitions.items[describing->open->partitions.count++];
    kp_set_fallbacks(&kp_describe_log_dirs_response_partition_schema, row);
    row->partition_index = known->index;
    /* The log never ends below the watermark: offset_lag is 0. */
    struct partition_size size;
    partition_size_get(partition, &size);
    row->partition_size = (int64_t)size.bytes;
    return true;
}

static bool walk_next(struct request *request) {
    struct describing_dirs *describing = request->state;
    if (describing->at == describing->topics.count) return dirs_respond(request);
    const struct metadata_topic *topic = topic_ids_at(
        &describing->topics, describing->services->metadata, describing->at);
    for (int n = 0; topic != NULL && n < PARTITIONS_OF_A_STEP; n++) {
        if (describing->partition >= topic->partition_count) break;
        if (!describe_partition(describing, &request->arena,
                                &topic->partitions[describing->partition++]))
            return dirs_too_large(request);
    }
    if (topic == NULL || describing->partition >= topic->partition_count) {
        describing->at++;
        describing->partition = 0;
        describing->open = NULL;
    }
    return true;
}

static bool begin_walk(struct request *request) {
    struct describing_dirs *describing = request->state;
    if (!topic_ids_take(&describing->topics, describing->services->metadata, &request->arena))
        return dirs_too_large(request);
    describing->directory.topics.items = kp_arena_alloc(
        &request->arena,
        (describing->topics.count + 1) * sizeof *describing->directory.topics.items);
    if (describing->directory.topics.items == NULL) return dirs_too_large(request);
    request_steps(request, walk_next);
    return false;
}

/* ---- What is asked for ---- */

static struct key key_of_wanted(const void *owner, size_t place) {
    const struct describing_dirs *describing = owner;
    return (struct key){.text = describing->wanted[place].topic,
                        .number = describing->wanted[place].index};
}

static bool want_next(struct request *request) {
    struct describing_dirs *describing = request->state;
    if (describing->asked_topic >= describing->asked->topics.count) return begin_walk(request);
    const struct kp_describe_log_dirs_request_topic *topic =
        &describing->asked->topics.items[describing->asked_topic];
    if (describing->asked_index < topic->partitions.count) {
        size_t place = describing->wanted_count++;
        describing->wanted[place] = (struct asked_partition){
            topic->topic, topic->partitions.items[describing->asked_index++]};
        key_set_put(&describing->set, place);
    } else {
        describing->asked_topic++;
        describing->asked_index = 0;
    }
    return true;
}

static bool dirs_prepare(struct describing_dirs *describing, struct kp_arena *arena) {
    size_t count = 0;
    for (int32_t t = 0; t < describing->asked->topics.count; t++)
        count += describing->asked->topics.items[t].partitions.count > 0
                     ? (size_t)describing->asked->topics.items[t].partitions.count
                     : 0;
    describing->wanted = kp_arena_alloc(arena, (count + 1) * sizeof *describing->wanted);
    return describing->wanted != NULL &&
           key_set_init(&describing->set, arena, count, env_random_u64(describing->services->env),
                        key_of_wanted, describing);
}

void api_describe_log_dirs(void *service, struct request *request) {
    struct describing_dirs *describing = kp_arena_alloc(&request->arena, sizeof *describing);
    *describing = (struct describing_dirs){.services = service, .asked = request->message};
    describing->all = describing->asked->topics.count < 0;
    kp_set_fallbacks(&kp_describe_log_dirs_response_schema, &describing->response);
    kp_set_fallbacks(&kp_describe_log_dirs_response_directory_schema, &describing->directory);
    request->state = describing;
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0)) {
        describing->response.error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        request_respond(request, &describing->response);
    } else if (dirs_prepare(describing, &request->arena)) {
        request_steps(request, want_next);
    } else {
        dirs_too_large(request);
    }
}
