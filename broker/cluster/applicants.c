/* The few who ask to be admitted. */
#include "broker/cluster/applicants.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The entry of `node` in a list as cluster_forming_list writes it. */
static bool own_address(const char *list, int32_t node, char host[HOST_MAX + 1], int32_t *port) {
    while (*list != '\0' && *list != ' ') {
        size_t len = strcspn(list, ", ");
        char *end;
        long id = strtol(list, &end, 10);
        if (end > list && *end == '@' && id == node)
            return host_port_parse(end + 1, len - (size_t)(end + 1 - list), host, port) &&
                   host[0] != '\0' && *port != 0;
        list += len + (list[len] == ',');
    }
    return false;
}

static bool is_fresh(const struct applicant *applicant, uint64_t now_ms) {
    return now_ms - applicant->heard_ms <= APPLICANT_MS;
}

/* Its own place, a free one, or that of the one that was silent for longest. */
static struct applicant *place_for(struct applicants *applicants, const struct peer_hello *hello) {
    struct applicant *oldest = &applicants->items[0];
    for (size_t i = 0; i < applicants->count; i++) {
        struct applicant *one = &applicants->items[i];
        if (one->node == hello->node &&
            memcmp(one->directory, hello->directory, CLUSTER_UUID_SIZE) == 0)
            return one;
        if (one->heard_ms < oldest->heard_ms) oldest = one;
    }
    return applicants->count < APPLICANTS_MAX ? &applicants->items[applicants->count++] : oldest;
}

void applicants_note(struct applicants *applicants, const struct peer_hello *hello,
                     uint64_t now_ms) {
    struct applicant one = {.node = hello->node, .heard_ms = now_ms};
    memcpy(one.directory, hello->directory, CLUSTER_UUID_SIZE);
    if (own_address(hello->nodes, hello->node, one.host, &one.port))
        *place_for(applicants, hello) = one;
}

void applicants_forget(struct applicants *applicants, const uint8_t directory[CLUSTER_UUID_SIZE]) {
    size_t kept = 0;
    for (size_t i = 0; i < applicants->count; i++)
        if (memcmp(applicants->items[i].directory, directory, CLUSTER_UUID_SIZE) != 0)
            applicants->items[kept++] = applicants->items[i];
    applicants->count = kept;
}

size_t applicants_find(const struct applicants *applicants, int32_t node, uint64_t now_ms,
                       const struct applicant **found) {
    size_t count = 0;
    for (size_t i = 0; i < applicants->count; i++) {
        const struct applicant *one = &applicants->items[i];
        if (one->node != node || !is_fresh(one, now_ms)) continue;
        *found = one;
        count++;
    }
    return count;
}
