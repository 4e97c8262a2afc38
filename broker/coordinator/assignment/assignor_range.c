/* The assignor "range" (KIP-848; the rule is that of Kafka's RangeAssignor). */
#include "base/mem.h"
#include "broker/coordinator/assignment/assignment.h"

void assign_range(const struct assignment_input *input, uint32_t *owner) {
    uint32_t *order = assignment_order(input, true);
    struct assignment_subscribers subscribers;
    assignment_subscribers_init(&subscribers, input, order);
    for (uint32_t t = 0; t < input->topic_count; t++) {
        const uint32_t *places = subscribers.places + subscribers.first[t];
        uint32_t count = subscribers.first[t + 1] - subscribers.first[t];
        uint32_t next = input->topics[t].first, end = next + input->topics[t].partitions;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t rest = input->topics[t].partitions % count;
            uint32_t share = input->topics[t].partitions / count + (i < rest ? 1 : 0);
            for (uint32_t p = 0; p < share; p++)
                owner[next++] = places[i];
        }
        while (next < end)
            owner[next++] = ASSIGNMENT_NOBODY;
    }
    assignment_subscribers_close(&subscribers);
    mem_free(order);
}
