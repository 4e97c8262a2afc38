/* Requests of at most PARTITIONS_AT_ONCE partitions of one leader. */
#include "broker/console/asking/partition_facts.h"

#include <string.h>

enum { PARTITIONS_AT_ONCE = 1000 };

/* ---- Leaders ---- */

int32_t partition_leader(struct leader_search *search, struct kp_string topic, int32_t partition) {
    int32_t topics = search->metadata->topics.count;
    for (int32_t n = 0; n < topics; n++, search->topic = (search->topic + 1) % topics) {
        const struct kp_metadata_response_topic *found =
            &search->metadata->topics.items[search->topic];
        if (!kp_string_equal(found->name, topic)) continue;
        /* All of them in order, as our brokers list them. A member of a classic group says itself
         * which ones it has: any number, of any number of partitions. */
        bool there = partition >= 0 && partition < found->partitions.count &&
                     found->partitions.items[partition].partition_index == partition;
        return there ? found->partitions.items[partition].leader_id : -1;
    }
    return -1;
}

/* ---- Asking ---- */

struct gathering {
    struct inquiry *inquiry;
    int32_t leader;
    struct kp_partition_traffic_request *request; /* NULL: not begun */
    size_t room, partitions;
    struct kp_string share_group;
};

static void send(struct gathering *gathering) {
    if (gathering->request != NULL)
        inquiry_ask(gathering->inquiry, gathering->leader, KP_PARTITION_TRAFFIC, 0, 0,
                    gathering->request, sizeof(struct kp_partition_traffic_response));
    gathering->request = NULL;
}

static bool begin(struct gathering *gathering) {
    struct inquiry *inquiry = gathering->inquiry;
    gathering->request = inquiry_alloc(inquiry, sizeof *gathering->request);
    if (gathering->request == NULL) return false;
    kp_set_fallbacks(&kp_partition_traffic_request_schema, gathering->request);
    gathering->request->short_ms = FACTS_SHORT_MS;
    gathering->request->long_ms = FACTS_LONG_MS;
    gathering->request->share_group = gathering->share_group;
    gathering->request->topics.items = inquiry_alloc(
        inquiry, gathering->room * sizeof(struct kp_partition_traffic_request_topic));
    gathering->partitions = 0;
    return gathering->request->topics.items != NULL;
}

/* How many of the facts that follow are of its topic. */
static size_t of_topic(const struct partition_fact *fact, size_t left) {
    size_t count = 1;
    while (count < left && count < PARTITIONS_AT_ONCE &&
           kp_string_equal(fact[count].topic, fact->topic))
        count++;
    return count;
}

static bool add(struct gathering *gathering, const struct partition_fact *fact, size_t left) {
    if (gathering->partitions == PARTITIONS_AT_ONCE) send(gathering);
    if (gathering->request == NULL && !begin(gathering)) return false;
    struct kp_partition_traffic_request *request = gathering->request;
    struct kp_partition_traffic_request_topic *topic =
        request->topics.count > 0 ? &request->topics.items[request->topics.count - 1] : NULL;
    if (topic == NULL || !kp_string_equal(topic->name, fact->topic)) {
        topic = &request->topics.items[request->topics.count++];
        topic->name = fact->topic;
        topic->partitions.items = inquiry_alloc(
            gathering->inquiry, of_topic(fact, left) * sizeof *topic->partitions.items);
        if (topic->partitions.items == NULL) return false;
    }
    topic->partitions.items[topic->partitions.count++] =
        (struct kp_partition_traffic_request_partition){fact->partition, fact->offset};
    gathering->partitions++;
    return true;
}

static bool is_first_of_leader(const struct partition_fact *facts, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (facts[i].leader == facts[at].leader) return false;
    return facts[at].leader >= 0;
}

void partition_facts_ask_shared(struct inquiry *inquiry, const struct partition_fact *facts,
                                size_t count, const char *share_group) {
    for (size_t first = 0; first < count; first++) {
        if (!is_first_of_leader(facts, first)) continue;
        size_t mine = 0;
        for (size_t i = first; i < count; i++)
            mine += facts[i].leader == facts[first].leader;
        struct gathering gathering = {.inquiry = inquiry,
                                      .leader = facts[first].leader,
                                      .share_group = kp_string_of(share_group),
                                      .room = mine < PARTITIONS_AT_ONCE ? mine
                                                                        : PARTITIONS_AT_ONCE};
        for (size_t i = first; i < count; i++)
            if (facts[i].leader == facts[first].leader && !add(&gathering, &facts[i], count - i))
                return;
        send(&gathering);
    }
}

void partition_facts_ask(struct inquiry *inquiry, const struct partition_fact *facts,
                         size_t count) {
    partition_facts_ask_shared(inquiry, facts, count, NULL);
}

/* ---- Answers ---- */

/* They come in our order, so that each is found behind the one before (*at). */
static void take_topic(const struct kp_partition_traffic_response_topic *topic,
                       struct partition_fact *facts, size_t count, size_t *at) {
    for (int32_t p = 0; p < topic->partitions.count; p++) {
        const struct kp_partition_traffic_response_partition *told = &topic->partitions.items[p];
        for (size_t seen = 0; seen < count; seen++, *at = (*at + 1) % count) {
            if (facts[*at].partition != told->partition_index ||
                !kp_string_equal(facts[*at].topic, topic->name))
                continue;
            if (told->error_code == 0) facts[*at].told = told;
            break;
        }
    }
}

void partition_facts_take(struct inquiry *inquiry, const struct ask *before,
                          struct partition_fact *facts, size_t count) {
    size_t at = 0;
    for (const struct ask *ask = inquiry->asks; ask != before; ask = ask->next) {
        if (ask->error != ERR_NONE || ask->call.key != KP_PARTITION_TRAFFIC) continue;
        const struct kp_partition_traffic_response *response = ask->response;
        for (int32_t t = 0; t < response->topics.count; t++)
            take_topic(&response->topics.items[t], facts, count, &at);
    }
}
