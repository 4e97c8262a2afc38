/* Grouping partitions by leader, one request to each, and asking again for those without an answer.
 */
#include "client/kafka/offsets.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/list_offsets.h"

enum { ARENA_MAX = 512 << 20, PAUSE_MS = 50, ROUND_MS = 2000, VERSION_MIN = 4 };

/* Sets leaders[i] of each item; -1: none known. What its topic does not have is told as nobody
 * could tell it: a member of a classic group may say that it has that. */
static void find_leaders(const struct kp_metadata_response *metadata,
                         struct partition_offset *items, size_t count, int32_t *leaders) {
    const struct kp_metadata_response_topic *topic = NULL;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(items[i].topic, items[i - 1].topic) != 0) {
            topic = cluster_find_topic(metadata, items[i].topic);
        }
        const struct kp_metadata_response_partition *found = cluster_find_partition(
            topic, items[i].partition);
        leaders[i] = found ? found->leader_id : -1;
        if (topic && !topic->error_code && !found) {
            items[i].error = KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
        }
    }
}

/* The request for the items of one leader; topics and partitions in the order of the items. False:
 * memory's limit. */
static bool fill_request(struct kp_arena *arena, struct kp_list_offsets_request *request,
                         int64_t time, int32_t leader, const int32_t *leaders,
                         const struct partition_offset *items, size_t count) {
    int32_t wanted = 0;
    for (size_t i = 0; i < count; i++) {
        wanted += leaders[i] == leader && !items[i].answered;
    }
    struct kp_list_offsets_request_topic *topics = kp_new_items(
                                             arena, &kp_list_offsets_request_topic_schema,
                                             &request->topics, wanted),
                                         *topic = NULL;
    KP_ARRAY_OF(struct kp_list_offsets_request_partition) partitions;
    if (!topics ||
        !kp_new_items(arena, &kp_list_offsets_request_partition_schema, &partitions, wanted)) {
        return false;
    }
    request->topics.count = 0;
    struct kp_list_offsets_request_partition *next = partitions.items;
    for (size_t i = 0; i < count; i++) {
        if (leaders[i] != leader || items[i].answered) {
            continue;
        }
        if (!topic || strcmp(topic->name.data, items[i].topic) != 0) {
            topic = &topics[request->topics.count++];
            topic->name = kp_string_of(items[i].topic);
            topic->partitions.items = next;
        }
        topic->partitions.count++;
        next->partition_index = items[i].partition;
        next->timestamp = time;
        next->current_leader_epoch = -1;
        next++;
    }
    return true;
}

/* Answers come in the order of the questions, so the search goes on where it found the last one. */
static void take_answer(const struct kp_list_offsets_response *response,
                        struct partition_offset *items, size_t count) {
    size_t at = 0;
    for (int32_t t = 0; t < response->topics.count; t++) {
        const struct kp_list_offsets_response_topic *topic = &response->topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            const struct kp_list_offsets_response_partition *one = &topic->partitions.items[p];
            size_t seen = 0;
            while (seen < count && (items[at].partition != one->partition_index ||
                                    !kp_string_is(topic->name, items[at].topic))) {
                at = (at + 1) % count;
                seen++;
            }
            if (seen < count) {
                items[at].error = one->error_code;
                items[at].answered = one->error_code == 0;
                items[at].offset = one->error_code ? -1 : one->offset;
            }
        }
    }
}

void offsets_ask_once(struct admin_client *admin, struct kp_arena *arena,
                      const struct kp_metadata_response *metadata, int64_t time,
                      enum offsets_isolation isolation, struct partition_offset *items,
                      size_t count) {
    int32_t *leaders = mem_alloc(count * sizeof(*leaders));
    find_leaders(metadata, items, count, leaders);
    for (int32_t b = 0; b < metadata->brokers.count; b++) {
        const struct kp_metadata_response_broker *broker = &metadata->brokers.items[b];
        struct kp_list_offsets_request request;
        struct kp_list_offsets_response response;
        struct error_text why = {""};
        kp_set_fallbacks(&kp_list_offsets_request_schema, &request);
        request.replica_id = -1;
        request.isolation_level = (int8_t)isolation;
        if (fill_request(arena, &request, time, broker->node_id, leaders, items, count) &&
            request.topics.count > 0 &&
            admin_request_to(admin, cluster_text(arena, broker->host), broker->port,
                             KP_LIST_OFFSETS, VERSION_MIN, &request, arena, &response, NULL,
                             &why) == ERR_NONE) {
            take_answer(&response, items, count);
        }
    }
    mem_free(leaders);
}

static const struct partition_offset *unanswered(const struct partition_offset *items,
                                                 size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!items[i].answered) {
            return &items[i];
        }
    }
    return NULL;
}

/* Why nothing was heard of a partition. */
static void reason_of(const struct kp_metadata_response *metadata,
                      const struct partition_offset *item, char *text, size_t room) {
    const struct kp_metadata_response_partition *partition = cluster_find_partition(
        cluster_find_topic(metadata, item->topic), item->partition);
    text[0] = 0;
    if (partition) {
        cluster_partition_trouble(metadata, partition, text, room);
    }
    if (!*text) {
        snprintf(text, room, "%s",
                 item->error ? kafka_error_message(item->error) : "its leader does not answer");
    }
}

/* One try of all that have not answered yet; a frozen broker must not use up the time in which
 * another is elected. */
static int ask_round(const char *bootstrap, uint64_t left_ms, int64_t time,
                     enum offsets_isolation isolation, struct partition_offset *items, size_t count,
                     char *reason, size_t room) {
    struct admin_client *admin = admin_client_new(bootstrap,
                                                  left_ms < ROUND_MS ? left_ms : ROUND_MS);
    struct kp_arena arena;
    struct kp_metadata_response metadata;
    kp_arena_init(&arena, ARENA_MAX);
    int code = cluster_metadata(admin, &arena, NULL, &metadata);
    if (!code) {
        offsets_ask_once(admin, &arena, &metadata, time, isolation, items, count);
        const struct partition_offset *missing = unanswered(items, count);
        if (missing) {
            reason_of(&metadata, missing, reason, room);
        }
    }
    kp_arena_close(&arena);
    admin_client_free(admin);
    return code;
}

int offsets_ask(const char *bootstrap, uint64_t end_ms, int64_t time,
                enum offsets_isolation isolation, struct partition_offset *items, size_t count) {
    struct patience patience;
    patience_begin(&patience);
    for (size_t i = 0; i < count; i++) {
        items[i].answered = false;
        items[i].error = 0;
        items[i].offset = -1;
    }
    for (;;) {
        char reason[320];
        uint64_t now = now_ms();
        int code = ask_round(bootstrap, now < end_ms ? end_ms - now : 1, time, isolation, items,
                             count, reason, sizeof(reason));
        const struct partition_offset *missing = unanswered(items, count);
        if (code || !missing) {
            return code;
        }
        if (now_ms() + PAUSE_MS >= end_ms) {
            say("the offsets of partition %d of \"%s\" could not be had: %s",
                (int)missing->partition, missing->topic, reason);
            return EXIT_REFUSED;
        }
        patience_say(&patience, "the offsets of partition %s-%d: %s", missing->topic,
                     (int)missing->partition, reason);
        pause_ms(PAUSE_MS);
    }
}

int offsets_ask_topic(const struct invocation *in, const struct kp_metadata_response_topic *found,
                      const char *topic, int64_t time, enum offsets_isolation isolation,
                      struct partition_offset **items) {
    size_t count = (size_t)found->partitions.count;
    *items = mem_zalloc((count + 1) * sizeof(**items));
    for (size_t i = 0; i < count; i++) {
        (*items)[i].topic = topic;
        (*items)[i].partition = found->partitions.items[i].partition_index;
    }
    return offsets_ask(in->bootstrap, now_ms() + in->timeout_ms, time, isolation, *items, count);
}
