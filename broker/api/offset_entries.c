/* Entries, their way to the coordinator, and back into the answer. */
#include "broker/api/offset_entries.h"

#include "base/container_of.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "broker/coordinator/serving/group_offsets.h"
#include "protocol/kafka_error.h"

/* ---- The answer ---- */

static void tell_all(struct offset_entries *entries, int16_t error) {
    for (size_t i = 0; i < entries->commit.count; i++)
        *entries->errors[i] = error != 0 ? error : entries->commit.entries[i].error;
    request_respond_kept(entries->request, entries->response);
}

static void committed(struct group_call *call) {
    tell_all(CONTAINER_OF(call, struct offset_entries, commit.call), call->error);
}

static void found(struct coordinator_find *find, void *coordinator, int16_t error) {
    struct offset_entries *entries = CONTAINER_OF(find, struct offset_entries, find);
    if (error != 0) {
        tell_all(entries, error);
        return;
    }
    entries->doing = OFFSETS_COMMITTED;
    group_offsets_commit(coordinator, &entries->commit);
}

static void client_gone(struct request *request) {
    struct offset_entries *entries = request->state;
    if (entries->doing == OFFSETS_COMMITTED && !group_call_cancel(&entries->commit.call))
        return; /* it is being written, and ends as always */
    coordinators_find_cancel(&entries->find);
    request_respond_nothing(request);
}

static void released(struct request *request) {
    struct offset_entries *entries = request->state;
    offset_commit_close(&entries->commit);
}

/* ---- The entries ---- */

bool offset_entries_open(struct offset_entries *entries, size_t most) {
    struct request *request = entries->request;
    struct offset_commit_entry *room = kp_arena_alloc(&request->arena, most * sizeof *room);
    entries->errors = kp_arena_alloc(&request->arena, most * sizeof *entries->errors);
    if (room == NULL || entries->errors == NULL) return false;
    offset_commit_open(&entries->commit, room);
    entries->commit.call.done = committed;
    entries->now_ms = env_wall_ms(entries->services->env);
    request->state = entries;
    request->canceled = client_gone;
    request->released = released;
    return true;
}

/* Kafka counts the units of Java's strings. */
static uint32_t utf16_units(struct kp_string text) {
    uint32_t units = 0;
    for (int32_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.data[i];
        units += (byte & 0xc0) != 0x80;
        units += byte >= 0xf0;
    }
    return units;
}

int16_t offset_entry_check(const struct broker_services *services, struct kp_uuid topic_id,
                           int32_t partition, struct kp_string metadata) {
    const struct metadata_topic *topic = metadata_topic_with_id(services->metadata, topic_id.bytes);
    if (topic == NULL || metadata_partition_at(topic, partition) == NULL)
        return KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (utf16_units(metadata) > services->settings->offset_metadata_max)
        return KAFKA_OFFSET_METADATA_TOO_LARGE;
    return 0;
}

void offset_entries_add(struct offset_entries *entries, struct kp_string topic,
                        const struct committed_offset *offset, int16_t *error) {
    entries->errors[entries->commit.count] = error;
    offset_commit_add(&entries->commit, topic, offset);
    /* A long group id and many partitions would take gigabytes, of which no batch can be made. */
    entries->too_large = entries->commit.records.bytes >
                         (size_t)entries->services->settings->message_max_bytes;
}

void offset_entries_commit(struct offset_entries *entries) {
    struct kp_string group = entries->commit.group_id;
    if (entries->commit.count == 0 || entries->too_large) {
        tell_all(entries, KAFKA_INVALID_COMMIT_OFFSET_SIZE);
        return;
    }
    entries->doing = OFFSETS_SOUGHT;
    entries->find.done = found;
    coordinators_find(entries->services->group_coordinators, group.data, (size_t)group.len,
                      &entries->find);
}
