/* One request for each leader and some of its partitions; rounds until all have answered. */
#include "client/transactions/open_transactions.h"

#include <string.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_producers.h"

enum { PAUSE_MS = 100, OF_A_REQUEST = 500 };

struct finding {
    struct admin_client *admin;
    struct kp_arena *arena;
    struct partition_of_topic *partitions;
    size_t partition_count;
    struct open_transaction *rows;
    size_t count, room;
};

static int32_t leader_of(const struct kp_metadata_response *metadata,
                         const struct partition_of_topic *partition) {
    const struct kp_metadata_response_partition *found = cluster_find_partition(
        cluster_find_topic(metadata, partition->topic), partition->partition);
    return found ? found->leader_id : -1;
}

static void take_producers(struct finding *finding, const struct partition_of_topic *partition,
                           int32_t leader,
                           const struct kp_describe_producers_response_partition *said) {
    for (int32_t i = 0; i < said->active_producers.count; i++) {
        const struct kp_describe_producers_response_producer *one =
            &said->active_producers.items[i];
        if (one->current_txn_start_offset < 0) continue;
        if (finding->count == finding->room) {
            finding->room = finding->room ? 2 * finding->room : 64;
            finding->rows = mem_realloc(finding->rows, finding->room * sizeof(*finding->rows));
        }
        finding->rows[finding->count++] = (struct open_transaction){
            .topic = partition->topic,
            .partition = partition->partition,
            .leader = leader,
            .producer_id = one->producer_id,
            .producer_epoch = one->producer_epoch,
            .coordinator_epoch = one->coordinator_epoch,
            .first_offset = one->current_txn_start_offset,
            .written_ms = one->last_timestamp,
        };
    }
}

/* Answers come in the order of the questions. */
static void take_answer(struct finding *finding, int32_t leader,
                        struct partition_of_topic *const *asked, size_t count,
                        const struct kp_describe_producers_response *answer) {
    size_t at = 0;
    for (int32_t t = 0; t < answer->topics.count; t++) {
        const struct kp_describe_producers_response_topic *topic = &answer->topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count && at < count; p++, at++) {
            const struct kp_describe_producers_response_partition *said =
                &topic->partitions.items[p];
            if (asked[at]->partition != said->partition_index ||
                !kp_string_is(topic->name, asked[at]->topic)) {
                return; /* not what was asked: nothing behind it is believed */
            }
            asked[at]->error = said->error_code;
            asked[at]->answered = said->error_code == KAFKA_NONE;
            if (asked[at]->answered) take_producers(finding, asked[at], leader, said);
        }
    }
}

/* At one leader. */
static void ask(struct finding *finding, const struct kp_metadata_response_broker *leader,
                struct partition_of_topic *const *asked, size_t count) {
    struct kp_describe_producers_request request;
    struct kp_describe_producers_response answer;
    struct error_text why = {""};
    int32_t *indexes = kp_arena_alloc(finding->arena, count * sizeof(*indexes));
    kp_set_fallbacks(&kp_describe_producers_request_schema, &request);
    struct kp_describe_producers_request_topic *topics = kp_new_items(
        finding->arena, &kp_describe_producers_request_topic_schema, &request.topics,
        (int32_t)count);
    if (!indexes || !topics) return;
    request.topics.count = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(asked[i]->topic, asked[i - 1]->topic) != 0) {
            topics[request.topics.count].name = kp_string_of(asked[i]->topic);
            topics[request.topics.count].partition_indexes.items = &indexes[i];
            topics[request.topics.count++].partition_indexes.count = 0;
        }
        indexes[i] = asked[i]->partition;
        topics[request.topics.count - 1].partition_indexes.count++;
    }
    if (admin_request_to(finding->admin, cluster_text(finding->arena, leader->host), leader->port,
                         KP_DESCRIBE_PRODUCERS, 0, &request, finding->arena, &answer, NULL,
                         &why) == ERR_NONE) {
        take_answer(finding, leader->node_id, asked, count, &answer);
    }
}

static void ask_broker(struct finding *finding, const struct kp_metadata_response *metadata,
                       const struct kp_metadata_response_broker *broker,
                       struct partition_of_topic **asked) {
    size_t count = 0;
    for (size_t i = 0; i < finding->partition_count; i++) {
        struct partition_of_topic *one = &finding->partitions[i];
        if (one->answered || leader_of(metadata, one) != broker->node_id) continue;
        asked[count++] = one;
        if (count == OF_A_REQUEST) {
            ask(finding, broker, asked, count);
            count = 0;
        }
    }
    if (count > 0) ask(finding, broker, asked, count);
}

static const struct partition_of_topic *unanswered(const struct finding *finding) {
    for (size_t i = 0; i < finding->partition_count; i++) {
        if (!finding->partitions[i].answered) return &finding->partitions[i];
    }
    return NULL;
}

static int say_unanswered(const struct kp_metadata_response *metadata,
                          const struct partition_of_topic *one) {
    char text[400] = "";
    const struct kp_metadata_response_partition *partition = cluster_find_partition(
        cluster_find_topic(metadata, one->topic), one->partition);
    if (partition) {
        cluster_partition_trouble(metadata, partition, text, sizeof(text));
    }
    say("partition %d of \"%s\" does not tell what is open in it: %s", (int)one->partition,
        one->topic,
        *text        ? text
        : one->error ? kafka_error_message(one->error)
                     : "its leader does not answer");
    return EXIT_REFUSED;
}

static int ask_all(struct finding *finding) {
    struct partition_of_topic **asked = mem_alloc(OF_A_REQUEST * sizeof(*asked));
    struct patience patience;
    int code = EXIT_DONE;
    patience_begin(&patience);
    while (unanswered(finding)) {
        struct kp_metadata_response metadata;
        struct error_text why = {""};
        int error = cluster_ask(finding->admin, finding->arena, NULL, &metadata, &why);
        if (error) {
            code = admin_failed(error, &why);
            break;
        }
        for (int32_t b = 0; b < metadata.brokers.count; b++) {
            ask_broker(finding, &metadata, &metadata.brokers.items[b], asked);
        }
        const struct partition_of_topic *left = unanswered(finding);
        if (left && admin_client_left_ms(finding->admin) <= PAUSE_MS) {
            code = say_unanswered(&metadata, left);
            break;
        }
        if (left) {
            patience_say(&patience, "the leader of partition %d of \"%s\"", (int)left->partition,
                         left->topic);
            pause_ms(PAUSE_MS);
        }
    }
    mem_free(asked);
    return code;
}

int open_transactions_find(struct admin_client *admin, struct kp_arena *arena,
                           struct partition_of_topic *partitions, size_t partition_count,
                           struct open_transaction **rows, size_t *count) {
    struct finding finding = {.admin = admin,
                              .arena = arena,
                              .partitions = partitions,
                              .partition_count = partition_count};
    for (size_t i = 0; i < partition_count; i++) {
        partitions[i].answered = false;
        partitions[i].error = KAFKA_NONE;
    }
    int code = ask_all(&finding);
    *rows = kp_arena_alloc(arena, (finding.count + 1) * sizeof(**rows));
    *count = *rows ? finding.count : 0;
    if (*count > 0) {
        memcpy(*rows, finding.rows, *count * sizeof(**rows));
    }
    mem_free(finding.rows);
    return code;
}
