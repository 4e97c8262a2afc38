/* The roster: rows by node id, admission, addresses. */
#include "broker/metadata/metadata_roster.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/metadata/metadata_rows.h"
#include "protocol/kafka_error.h"

/* ---- Rows ---- */

/* The place of `node`, or where it belongs. */
static size_t place_of(const struct metadata *metadata, int32_t node) {
    size_t place = 0;
    while (place < metadata->roster_count && metadata->roster[place].node < node)
        place++;
    return place;
}

static struct roster_broker *row_of(const struct metadata *metadata, int32_t node) {
    size_t place = place_of(metadata, node);
    return place < metadata->roster_count && metadata->roster[place].node == node
               ? &metadata->roster[place]
               : NULL;
}

static struct roster_broker *add_row(struct metadata *metadata, int32_t node, replica_id replica,
                                     const uint8_t directory[METADATA_UUID_SIZE]) {
    size_t place = place_of(metadata, node);
    metadata->roster = mem_grow(metadata->roster, metadata->roster_count, &metadata->roster_room,
                                sizeof *metadata->roster);
    memmove(metadata->roster + place + 1, metadata->roster + place,
            (metadata->roster_count - place) * sizeof *metadata->roster);
    metadata->roster_count++;
    struct roster_broker *row = &metadata->roster[place];
    *row = (struct roster_broker){.node = node, .replica = replica, .host = mem_strdup("")};
    memcpy(row->directory, directory, METADATA_UUID_SIZE);
    return row;
}

static bool row_is_at(const struct roster_broker *row, struct kp_string host, int32_t port) {
    return row->port == port && kp_string_is(host, row->host);
}

static void set_address(struct roster_broker *row, struct kp_string host, int32_t port) {
    mem_free((void *)row->host);
    row->host = mem_text(host.data, (size_t)host.len);
    row->port = port;
}

void metadata_roster_put(struct metadata *metadata, const struct roster_broker *row) {
    struct roster_broker *into = add_row(metadata, row->node, row->replica, row->directory);
    mem_free((void *)into->host);
    *into = *row;
}

/* ---- Looking ---- */

size_t metadata_roster_count(const struct metadata *metadata) {
    return metadata->roster_count;
}

const struct roster_broker *metadata_roster_at(const struct metadata *metadata, size_t place) {
    CHECK(place < metadata->roster_count); /* the callers count up to it */
    return &metadata->roster[place];
}

const struct roster_broker *metadata_roster_of(const struct metadata *metadata, int32_t node) {
    return row_of(metadata, node);
}

const struct roster_broker *metadata_roster_with_replica(const struct metadata *metadata,
                                                         replica_id replica) {
    for (size_t i = 0; i < metadata->roster_count; i++)
        if (metadata->roster[i].replica == replica) return &metadata->roster[i];
    return NULL;
}

/* ---- Changing ---- */

void metadata_roster_begin(struct metadata *metadata, const struct cluster_record *cluster) {
    CHECK(metadata->version == 0 && metadata->roster_count == 0); /* by the header */
    for (uint32_t i = 0; i < cluster->node_count; i++)
        add_row(metadata, cluster->nodes[i].node, i + 1, cluster->nodes[i].directory)->votes =
            i < cluster->voters;
}

static bool has_directory(const struct roster_broker *row, struct kp_uuid directory) {
    return memcmp(row->directory, directory.bytes, METADATA_UUID_SIZE) == 0;
}

bool metadata_roster_is_retired(const struct metadata *metadata, int32_t node) {
    for (size_t i = 0; i < metadata->retired_count; i++)
        if (metadata->retired[i].node == node) return true;
    return false;
}

size_t metadata_roster_taking(const struct metadata *metadata) {
    size_t count = 0;
    for (size_t i = 0; i < metadata->roster_count; i++)
        count += !metadata->roster[i].draining;
    return count;
}

bool metadata_roster_is_draining(const struct metadata *metadata, int32_t node) {
    const struct roster_broker *row = row_of(metadata, node);
    return row != NULL && row->draining;
}

bool metadata_roster_takes(const struct metadata *metadata, int32_t node) {
    const struct roster_broker *row = metadata_roster_of(metadata, node);
    return row == NULL || !(row->draining || row->given_up);
}

bool metadata_roster_is_retired_directory(const struct metadata *metadata,
                                          const uint8_t directory[METADATA_UUID_SIZE]) {
    for (size_t i = 0; i < metadata->retired_count; i++)
        if (memcmp(metadata->retired[i].directory, directory, METADATA_UUID_SIZE) == 0) return true;
    return false;
}

bool metadata_roster_is_of_another_past(const struct metadata *metadata,
                                        const uint8_t directory[METADATA_UUID_SIZE],
                                        replica_id replica) {
    for (size_t i = 0; i < metadata->roster_count; i++)
        if (memcmp(metadata->roster[i].directory, directory, METADATA_UUID_SIZE) == 0) return false;
    return replica > 0 && replica < metadata->next_replica &&
           !metadata_roster_is_retired_directory(metadata, directory);
}

/* It is no other broker's, nor was it ever one's that is gone. */
static bool is_free_directory(const struct metadata *metadata, int32_t node,
                              struct kp_uuid directory, struct metadata_result *result) {
    for (size_t i = 0; i < metadata->roster_count; i++)
        if (has_directory(&metadata->roster[i], directory))
            return metadata_refuse(result, KAFKA_DUPLICATE_RESOURCE,
                                   "broker %" PRId32
                                   " has a copy of the data directory of broker %" PRId32
                                   "; give it an empty data.dir",
                                   node, metadata->roster[i].node);
    return !metadata_roster_is_retired_directory(metadata, directory.bytes) ||
           metadata_refuse(result, KAFKA_DUPLICATE_RESOURCE,
                           "the data directory of broker %" PRId32
                           " was removed from this cluster, or replaced, and never comes back; "
                           "give it an empty data.dir",
                           node);
}

bool metadata_roster_check(const struct metadata *metadata,
                           const struct command_admit_broker *command,
                           struct metadata_result *result) {
    const struct roster_broker *row = row_of(metadata, command->node);
    if (command->node < 0 || kp_uuid_is_zero(command->directory))
        return metadata_refuse(result, KAFKA_INVALID_REQUEST,
                               "there is no broker with the id %" PRId32, command->node);
    if (row != NULL && has_directory(row, command->directory)) return true;
    if (row != NULL)
        return metadata_refuse(result, KAFKA_DUPLICATE_RESOURCE,
                               "broker %" PRId32
                               " belongs to the cluster already, with another data directory; give "
                               "the new broker a free id, or if that directory is lost: drave "
                               "broker replace %" PRId32,
                               command->node, command->node);
    if (metadata_roster_is_retired(metadata, command->node))
        return metadata_refuse(result, KAFKA_DUPLICATE_RESOURCE,
                               "broker %" PRId32
                               " was removed from this cluster and never comes back; give the new "
                               "one an empty data.dir and another node.id",
                               command->node);
    if (!is_free_directory(metadata, command->node, command->directory, result)) return false;
    return metadata->roster_count < ROSTER_MAX ||
           metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                           "the cluster has %d brokers, and that is the most", ROSTER_MAX);
}

void metadata_roster_admit(struct metadata *metadata, const struct command_admit_broker *command,
                           struct metadata_result *result) {
    if (!metadata_roster_check(metadata, command, result)) return;
    if (row_of(metadata, command->node) != NULL) return; /* a repeated command */
    struct roster_broker *row = add_row(metadata, command->node, metadata->next_replica++,
                                        command->directory.bytes);
    if (command->host.len > 0) set_address(row, command->host, command->port);
    metadata_tell_roster_changed(metadata, row);
}

/* ---- Going ---- */

static bool is_known(const struct metadata *metadata, int32_t node,
                     struct metadata_result *result) {
    return row_of(metadata, node) != NULL ||
           metadata_refuse(result, KAFKA_BROKER_ID_NOT_REGISTERED,
                           "there is no broker %" PRId32 " in the cluster; drave info lists them",
                           node);
}

bool metadata_roster_check_drain(const struct metadata *metadata,
                                 const struct command_drain_broker *command,
                                 struct metadata_result *result) {
    size_t others = 0;
    if (!is_known(metadata, command->node, result)) return false;
    for (size_t i = 0; i < metadata->roster_count; i++)
        others += metadata->roster[i].node != command->node && !metadata->roster[i].draining;
    return !command->draining || others > 0 ||
           metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                           "there is no other broker that could take what broker %" PRId32
                           " holds; add one first",
                           command->node);
}

void metadata_roster_drain(struct metadata *metadata, const struct command_drain_broker *command,
                           struct metadata_result *result) {
    if (!metadata_roster_check_drain(metadata, command, result)) return;
    struct roster_broker *row = row_of(metadata, command->node);
    if (row->draining == command->draining) return;
    row->draining = command->draining;
    metadata_tell_roster_changed(metadata, row);
}

bool metadata_roster_check_retire(const struct metadata *metadata,
                                  const struct command_retire_broker *command,
                                  struct metadata_result *result) {
    if (metadata_roster_is_retired(metadata, command->node)) return true; /* a repeated command */
    if (!is_known(metadata, command->node, result)) return false;
    uint32_t replicas = metadata_load_of(metadata, command->node).replicas;
    return replicas == 0 ||
           metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                           "broker %" PRId32 " holds %" PRIu32
                           " replicas; drave broker drain %" PRId32 " moves them away",
                           command->node, replicas, command->node);
}

static void keep_retired(struct metadata *metadata, int32_t node,
                         const uint8_t directory[METADATA_UUID_SIZE]) {
    metadata->retired = mem_grow(metadata->retired, metadata->retired_count,
                                 &metadata->retired_room, sizeof *metadata->retired);
    struct retired_broker *retired = &metadata->retired[metadata->retired_count++];
    retired->node = node;
    memcpy(retired->directory, directory, METADATA_UUID_SIZE);
}

void metadata_roster_retire(struct metadata *metadata, const struct command_retire_broker *command,
                            struct metadata_result *result) {
    if (!metadata_roster_check_retire(metadata, command, result)) return;
    size_t place = place_of(metadata, command->node);
    struct roster_broker *row = row_of(metadata, command->node);
    if (row == NULL) return;
    keep_retired(metadata, row->node, row->directory);
    metadata_rows_remove_broker(metadata, row->node);
    struct roster_broker gone = *row;
    metadata->roster_count--;
    memmove(metadata->roster + place, metadata->roster + place + 1,
            (metadata->roster_count - place) * sizeof *metadata->roster);
    metadata_tell_roster_changed(metadata, &gone);
    mem_free((void *)gone.host);
}

/* ---- Being replaced ---- */

bool metadata_roster_is_replaced(const struct metadata *metadata,
                                 const struct command_replace_broker *command) {
    const struct roster_broker *row = row_of(metadata, command->node);
    return row != NULL && has_directory(row, command->directory);
}

bool metadata_roster_check_replace(const struct metadata *metadata,
                                   const struct command_replace_broker *command,
                                   struct metadata_result *result) {
    if (!is_known(metadata, command->node, result)) return false;
    if (metadata_roster_is_replaced(metadata, command)) return true; /* a repeated command */
    if (kp_uuid_is_zero(command->directory))
        return metadata_refuse(result, KAFKA_INVALID_REQUEST,
                               "broker %" PRId32 " is replaced by no data directory",
                               command->node);
    if (!has_directory(row_of(metadata, command->node), command->former))
        return metadata_refuse(result, KAFKA_DUPLICATE_RESOURCE,
                               "broker %" PRId32
                               " was replaced by another data directory meanwhile; look at drave "
                               "info before you try again",
                               command->node);
    return is_free_directory(metadata, command->node, command->directory, result);
}

void metadata_roster_replace(struct metadata *metadata,
                             const struct command_replace_broker *command) {
    struct roster_broker *row = row_of(metadata, command->node);
    struct broker_row *registered = metadata_rows_broker(metadata, command->node, false);
    if (row == NULL) return;
    keep_retired(metadata, METADATA_NODE_LOST, row->directory);
    memcpy(row->directory, command->directory.bytes, METADATA_UUID_SIZE);
    row->replica = metadata->next_replica++;
    row->given_up = false;
    if (command->host.len > 0) set_address(row, command->host, command->port);
    if (registered != NULL) registered->broker.fenced = true; /* until the new one registers */
    metadata_tell_roster_changed(metadata, row);
}

void metadata_roster_give_up(struct metadata *metadata,
                             const struct command_recover_partition *command) {
    for (int32_t i = 0; i < command->lost.count; i++) {
        struct roster_broker *row = row_of(metadata, command->lost.items[i]);
        if (row == NULL || row->given_up || row->replica == (replica_id)command->replica ||
            MUTANT(MUTANT_LOST_LET_IN))
            continue;
        struct broker_row *registered = metadata_rows_broker(metadata, row->node, false);
        row->given_up = true;
        if (registered != NULL) registered->broker.fenced = true;
        metadata_tell_roster_changed(metadata, row);
    }
}

/* ---- Voting on the metadata ---- */

static bool has_node(const int32_t *nodes, int32_t count, int32_t node) {
    for (int32_t i = 0; i < count; i++)
        if (nodes[i] == node) return true;
    return false;
}

/* Of different nodes. */
static bool votes_are(const struct metadata *metadata, const int32_t *nodes, int32_t count) {
    int32_t voters = 0;
    for (size_t i = 0; i < metadata->roster_count; i++) {
        if (!metadata->roster[i].votes) continue;
        if (!has_node(nodes, count, metadata->roster[i].node)) return false;
        voters++;
    }
    return voters == count;
}

bool metadata_roster_votes_are(const struct metadata *metadata,
                               const struct command_set_voters *command) {
    return votes_are(metadata, command->nodes.items, command->nodes.count);
}

bool metadata_roster_check_voters(const struct metadata *metadata,
                                  const struct command_set_voters *command,
                                  struct metadata_result *result) {
    const int32_t *nodes = command->nodes.items;
    if (command->nodes.count < 1)
        return metadata_refuse(result, KAFKA_INVALID_REQUEST,
                               "somebody has to vote on the metadata; name at least one broker");
    for (int32_t i = 0; i < command->nodes.count; i++) {
        const struct roster_broker *row = row_of(metadata, nodes[i]);
        if (has_node(nodes, i, nodes[i]))
            return metadata_refuse(result, KAFKA_INVALID_REQUEST,
                                   "broker %" PRId32 " is named twice; name each broker once",
                                   nodes[i]);
        if (!is_known(metadata, nodes[i], result)) return false;
        if (row->draining && !row->votes)
            return metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                                   "broker %" PRId32
                                   " is being drained and gets no vote; choose another one",
                                   nodes[i]);
    }
    return command->former.count <= 0 || metadata_roster_votes_are(metadata, command) ||
           votes_are(metadata, command->former.items, command->former.count) ||
           metadata_refuse(result, KAFKA_INVALID_REQUEST,
                           "others vote on the metadata by now; look who before you try again");
}

void metadata_roster_set_voters(struct metadata *metadata, const struct command_set_voters *command,
                                struct metadata_result *result) {
    if (!metadata_roster_check_voters(metadata, command, result)) return;
    for (size_t i = 0; i < metadata->roster_count; i++) {
        struct roster_broker *row = &metadata->roster[i];
        bool votes = has_node(command->nodes.items, command->nodes.count, row->node);
        if (row->votes == votes) continue;
        row->votes = votes;
        metadata_tell_roster_changed(metadata, row);
    }
}

bool metadata_roster_register(struct metadata *metadata,
                              const struct command_register_broker *command,
                              struct metadata_result *result) {
    struct roster_broker *row = row_of(metadata, command->node);
    if (metadata_roster_is_retired(metadata, command->node))
        return metadata_refuse(result, KAFKA_BROKER_ID_NOT_REGISTERED,
                               "broker %" PRId32 " was removed from the cluster", command->node);
    if (row == NULL) return true; /* who is let in is no matter of the table */
    if (!has_directory(row, command->directory) && !MUTANT(MUTANT_WIPED_REPLICA_VOTES))
        return metadata_refuse(result, KAFKA_BROKER_ID_NOT_REGISTERED,
                               "broker %" PRId32
                               " with this data directory does not belong to the cluster",
                               command->node);
    if (row->given_up)
        return metadata_refuse(result, KAFKA_BROKER_ID_NOT_REGISTERED,
                               "the cluster goes on without broker %" PRId32, command->node);
    if (command->peer_host.len <= 0 || row_is_at(row, command->peer_host, command->peer_port))
        return true;
    set_address(row, command->peer_host, command->peer_port);
    metadata_tell_roster_changed(metadata, row);
    return true;
}
