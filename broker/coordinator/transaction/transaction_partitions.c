/* A list of topics with lists of numbers: appended to, then sorted and thinned out. */
#include "broker/coordinator/transaction/transaction_partitions.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static int compare_names(struct kp_string a, struct kp_string b) {
    size_t shorter = (size_t)(a.len < b.len ? a.len : b.len);
    int order = memcmp(a.data, b.data, shorter);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int order_of_topics(const void *a, const void *b) {
    return compare_names(((const struct transaction_topic *)a)->name,
                         ((const struct transaction_topic *)b)->name);
}

static int order_of_numbers(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* ---- Making one ---- */

static void topic_append(struct transaction_topic *topic, const int32_t *partitions, size_t count) {
    for (size_t i = 0; i < count; i++) {
        topic->partitions = mem_grow(topic->partitions, topic->count, &topic->capacity,
                                     sizeof *topic->partitions);
        topic->partitions[topic->count++] = partitions[i];
    }
}

static void topic_close(struct transaction_topic *topic) {
    mem_free((void *)topic->name.data);
    mem_free(topic->partitions);
}

void transaction_partitions_add(struct transaction_partitions *set, struct kp_string topic,
                                const int32_t *partitions, size_t count) {
    set->topics = mem_grow(set->topics, set->count, &set->capacity, sizeof *set->topics);
    struct transaction_topic *added = &set->topics[set->count++];
    size_t len = (size_t)topic.len;
    *added = (struct transaction_topic){
        .name = {.data = mem_text(topic.data, len), .len = topic.len}};
    topic_append(added, partitions, count);
}

void transaction_partitions_add_all(struct transaction_partitions *set,
                                    const struct transaction_partitions *others) {
    for (size_t i = 0; i < others->count; i++) {
        const struct transaction_topic *topic = &others->topics[i];
        transaction_partitions_add(set, topic->name, topic->partitions, topic->count);
    }
}

static void topic_settle(struct transaction_topic *topic) {
    size_t kept = 0;
    if (topic->count == 0) return;
    qsort(topic->partitions, topic->count, sizeof *topic->partitions, order_of_numbers);
    for (size_t i = 1; i < topic->count; i++)
        if (topic->partitions[i] != topic->partitions[kept])
            topic->partitions[++kept] = topic->partitions[i];
    topic->count = kept + 1;
}

void transaction_partitions_settle(struct transaction_partitions *set) {
    size_t kept = 0;
    if (set->count > 0) qsort(set->topics, set->count, sizeof *set->topics, order_of_topics);
    for (size_t i = 0; i < set->count; i++) {
        struct transaction_topic *topic = &set->topics[i];
        struct transaction_topic *before = kept == 0 ? NULL : &set->topics[kept - 1];
        if (before != NULL && compare_names(before->name, topic->name) == 0) {
            topic_append(before, topic->partitions, topic->count);
            topic_close(topic);
        } else {
            set->topics[kept++] = *topic;
        }
    }
    set->count = kept;
    for (size_t i = 0; i < set->count; i++)
        topic_settle(&set->topics[i]);
}

void transaction_partitions_close(struct transaction_partitions *set) {
    for (size_t i = 0; i < set->count; i++)
        topic_close(&set->topics[i]);
    mem_free(set->topics);
    *set = (struct transaction_partitions){0};
}

struct transaction_partitions transaction_partitions_copy(
    const struct transaction_partitions *set) {
    struct transaction_partitions copy = {0};
    transaction_partitions_add_all(&copy, set);
    return copy;
}

/* ---- Asking ---- */

static bool topic_has(const struct transaction_topic *topic, int32_t partition) {
    return topic->count > 0 && bsearch(&partition, topic->partitions, topic->count,
                                       sizeof partition, order_of_numbers) != NULL;
}

static const struct transaction_topic *find_topic(const struct transaction_partitions *set,
                                                  struct kp_string name) {
    struct transaction_topic wanted = {.name = name};
    if (set->count == 0) return NULL;
    return bsearch(&wanted, set->topics, set->count, sizeof wanted, order_of_topics);
}

bool transaction_partitions_have(const struct transaction_partitions *set, struct kp_string topic,
                                 int32_t partition) {
    const struct transaction_topic *found = find_topic(set, topic);
    return found != NULL && topic_has(found, partition);
}

bool transaction_partitions_have_all(const struct transaction_partitions *set,
                                     const struct transaction_partitions *some) {
    for (size_t i = 0; i < some->count; i++) {
        const struct transaction_topic *topic = &some->topics[i];
        const struct transaction_topic *found = find_topic(set, topic->name);
        if (found == NULL) return false;
        for (size_t p = 0; p < topic->count; p++)
            if (!topic_has(found, topic->partitions[p])) return false;
    }
    return true;
}

size_t transaction_partitions_count(const struct transaction_partitions *set) {
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++)
        count += set->topics[i].count;
    return count;
}

size_t transaction_partitions_bytes(const struct transaction_partitions *set) {
    size_t bytes = set->capacity * sizeof *set->topics;
    for (size_t i = 0; i < set->count; i++)
        bytes += (size_t)set->topics[i].name.len + 1 +
                 set->topics[i].capacity * sizeof *set->topics[i].partitions;
    return bytes;
}
