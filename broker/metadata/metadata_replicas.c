/* Plans: judging, setting, ending. */
#include "broker/metadata/metadata_replicas.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "base/mutant.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/metadata/metadata_rows.h"
#include "protocol/kafka_error.h"
#include "storage/log_types.h"

/* ---- Finding ---- */

const struct metadata_replica *metadata_replica_on(const struct metadata_partition *partition,
                                                   int32_t node) {
    for (size_t i = 0; i < metadata_member_count(partition); i++)
        if (partition->replicas[i].node == node) return &partition->replicas[i];
    return NULL;
}

bool metadata_replica_is_first(const struct metadata_partition *partition, replica_id replica) {
    return replica >= partition->first_replica &&
           replica < partition->first_replica + partition->first_count;
}

/* ---- Judging ---- */

static bool is_named(const struct command_set_replicas *command, int32_t node) {
    for (int32_t i = 0; i < command->nodes.count; i++)
        if (command->nodes.items[i] == node) return true;
    return false;
}

static bool nodes_make_sense(const struct metadata *metadata,
                             const struct command_set_replicas *command,
                             const struct metadata_partition *partition,
                             struct metadata_result *result) {
    int32_t count = command->nodes.count;
    if (count < 1)
        return metadata_refuse(result, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                               "no broker is named; name at least one");
    if (count > METADATA_REPLICAS_MAX)
        return metadata_refuse(result, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                               "%" PRId32 " brokers are named; a partition has %d replicas at most",
                               count, METADATA_REPLICAS_MAX);
    for (int32_t i = 0; i < count; i++) {
        int32_t node = command->nodes.items[i];
        for (int32_t j = 0; j < i; j++)
            if (command->nodes.items[j] == node)
                return metadata_refuse(result, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                                       "broker %" PRId32 " is named twice; name each broker once",
                                       node);
        if (metadata_broker_of(metadata, node) == NULL)
            return metadata_refuse(result, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                                   "broker %" PRId32 " has never registered; drave info lists them",
                                   node);
        if (metadata_roster_is_draining(metadata, node) &&
            metadata_replica_on(partition, node) == NULL)
            return metadata_refuse(result, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                                   "broker %" PRId32
                                   " is being drained and gets no replicas; choose another one",
                                   node);
    }
    size_t all = (size_t)count;
    for (size_t i = 0; i < metadata_member_count(partition); i++)
        all += !is_named(command, partition->replicas[i].node);
    if (all > METADATA_REPLICAS_MAX)
        return metadata_refuse(
            result, KAFKA_INVALID_REPLICA_ASSIGNMENT,
            "with those that are to go the partition would have %zu replicas, and "
            "%d are the most; move it in two steps",
            all, METADATA_REPLICAS_MAX);
    if (command->same_count && (size_t)count != partition->replica_count)
        return metadata_refuse(result, KAFKA_INVALID_REPLICATION_FACTOR,
                               "the partition has %zu replicas, and %" PRId32
                               " are named; name as many, or allow the number to change",
                               partition->replica_count, count);
    return true;
}

static bool is_lost(const struct metadata_replica *replica) {
    return replica->node == METADATA_NODE_LOST;
}

static bool is_former(const struct metadata_replica *replica) {
    return !replica->joining && !is_lost(replica);
}

static bool has_former(const struct metadata_partition *partition) {
    for (size_t i = 0; i < metadata_member_count(partition); i++)
        if (is_former(&partition->replicas[i])) return true;
    return false;
}

static const struct metadata_partition *partition_of(const struct metadata *metadata,
                                                     const struct command_set_replicas *command) {
    const struct metadata_topic *topic = metadata_topic_with_id(metadata, command->id.bytes);
    return topic == NULL ? NULL : metadata_partition_at(topic, command->partition);
}

bool metadata_replicas_check(const struct metadata *metadata,
                             const struct command_set_replicas *command,
                             struct metadata_result *result) {
    const struct metadata_partition *partition = partition_of(metadata, command);
    if (partition == NULL)
        return metadata_refuse(result, KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
                               "this partition does not exist (any more)");
    if (!command->cancel) return nodes_make_sense(metadata, command, partition, result);
    if (partition->plan == 0)
        return metadata_refuse(result, KAFKA_NO_REASSIGNMENT_IN_PROGRESS,
                               "no replica of this partition is being moved");
    return has_former(partition) ||
           metadata_refuse(result, KAFKA_NO_REASSIGNMENT_IN_PROGRESS,
                           "the directories of all replicas that this partition had before are "
                           "lost, and it cannot go back to them; name where it is to be");
}

bool metadata_replicas_is_known(const struct metadata *metadata,
                                const struct command_set_replicas *command) {
    const struct topic_row *topic = metadata_rows_topic(metadata, command->id.bytes);
    return topic != NULL && metadata_requests_have(&topic->requests, command->request);
}

/* ---- Setting ---- */

/* The members of a partition as they are put together. */
struct members {
    struct metadata_replica *items;
    size_t count;
};

static void put(struct members *members, struct metadata_replica replica) {
    members->items[members->count++] = replica;
}

static bool has_node(const struct members *members, int32_t node) {
    for (size_t i = 0; i < members->count; i++)
        if (members->items[i].node == node) return true;
    return false;
}

static void put_named(struct metadata *metadata, const struct metadata_partition *partition,
                      const struct command_set_replicas *command, struct members *members) {
    for (int32_t i = 0; i < command->nodes.count; i++) {
        int32_t node = command->nodes.items[i];
        const struct metadata_replica *here = metadata_replica_on(partition, node);
        put(members, here != NULL ? *here
                                  : (struct metadata_replica){.replica = metadata->next_replica++,
                                                              .node = node,
                                                              .joining = true});
    }
}

/* How many there were before the plan: one that was lost where it was to go has nobody in its
 * place; where one stays, a fresh one is there for each that was lost first. */
static size_t former_count(const struct metadata_partition *partition) {
    size_t here = 0, lost = 0, replaced = 0;
    for (size_t i = 0; i < metadata_member_count(partition); i++) {
        const struct metadata_replica *replica = &partition->replicas[i];
        if (replica->joining) continue;
        here += !is_lost(replica);
        replaced += !is_lost(replica) && replica->fresh;
        lost += is_lost(replica) && !replica->fresh;
    }
    return here + (lost > replaced ? lost - replaced : 0);
}

/* A cancelled plan: those that were there before it. */
static void put_former(const struct metadata_partition *partition, struct members *members) {
    for (size_t i = 0; i < metadata_member_count(partition); i++)
        if (is_former(&partition->replicas[i])) put(members, partition->replicas[i]);
}

static bool is_among(const struct metadata_replica *items, size_t count, replica_id replica) {
    for (size_t i = 0; i < count; i++)
        if (items[i].replica == replica) return true;
    return false;
}

size_t metadata_replicas_put_back(const struct metadata_partition *partition,
                                  int32_t nodes[METADATA_REPLICAS_MAX]) {
    size_t most = metadata_member_count(partition), wanted = former_count(partition);
    struct members former = {.items = mem_alloc((most + 1) * sizeof *former.items)};
    put_former(partition, &former);
    bool anybody = former.count > 0;
    for (size_t i = 0; i < most && former.count < wanted; i++) {
        const struct metadata_replica *replica = &partition->replicas[i];
        if (replica->joining && !is_lost(replica)) put(&former, *replica);
    }
    bool differs = former.count != partition->replica_count;
    for (size_t i = 0; i < former.count; i++) {
        nodes[i] = former.items[i].node;
        differs = differs ||
                  !is_among(partition->replicas, partition->replica_count, former.items[i].replica);
    }
    size_t count = anybody && differs ? former.count : 0;
    mem_free(former.items);
    return count;
}

void metadata_replicas_set(struct metadata *metadata, const struct command_set_replicas *command,
                           log_index index, struct metadata_result *result) {
    if (metadata_replicas_is_known(metadata, command)) return;
    if (!metadata_replicas_check(metadata, command, result)) return;
    struct topic_row *topic = metadata_rows_topic(metadata, command->id.bytes);
    struct metadata_partition *partition = &topic->partitions[command->partition];
    size_t most = metadata_member_count(partition) + (size_t)command->nodes.count;
    struct members members = {.items = mem_alloc(most * sizeof *members.items)};
    metadata_requests_add(&topic->requests, command->request);
    if (command->cancel)
        put_former(partition, &members);
    else
        put_named(metadata, partition, command, &members);
    size_t replica_count = members.count;
    for (size_t i = 0; i < metadata_member_count(partition); i++)
        if (is_lost(&partition->replicas[i]) || !has_node(&members, partition->replicas[i].node))
            put(&members, partition->replicas[i]);
    /* The same brokers in another order: nothing moves, unless something does already. */
    bool moves = partition->plan != 0 || members.count > replica_count ||
                 replica_count > partition->replica_count;
    metadata_rows_set_members(metadata, partition, members.items, replica_count,
                              members.count - replica_count);
    partition->plan = moves ? index : 0;
    metadata_rows_note_plan(metadata, partition);
    metadata_tell_replicas_changed(metadata, partition);
}

/* ---- Ending ---- */

void metadata_replicas_done(struct metadata *metadata,
                            const struct command_replicas_done *command) {
    const struct metadata_partition *found = metadata_partition_of_group(metadata,
                                                                         (uint64_t)command->group);
    if (found == NULL || found->plan == 0 || found->plan != (uint64_t)command->plan) return;
    struct topic_row *topic = metadata_rows_topic(metadata, found->topic->id);
    struct metadata_partition *partition = &topic->partitions[found->index];
    size_t left_count = partition->leaving_count;
    struct metadata_replica *left = mem_alloc((left_count + 1) * sizeof *left);
    struct metadata_replica *stay = mem_alloc(partition->replica_count * sizeof *stay);
    for (size_t i = 0; i < left_count; i++)
        left[i] = partition->replicas[partition->replica_count + i];
    for (size_t i = 0; i < partition->replica_count; i++) {
        stay[i] = partition->replicas[i];
        stay[i].joining = stay[i].fresh = false;
    }
    partition->recovery = (struct metadata_recovery){.replica = 0};
    if (command->change > 0 && (log_index)command->change > partition->configured)
        partition->configured = (log_index)command->change;
    metadata_rows_set_members(metadata, partition, stay, partition->replica_count, 0);
    partition->plan = 0;
    metadata_rows_note_plan(metadata, partition);
    metadata_tell_replicas_changed(metadata, partition);
    for (size_t i = 0; i < left_count; i++)
        metadata_tell_replica_left(metadata, partition, &left[i]);
    mem_free(left);
}

/* ---- A lost directory ---- */

static bool has_majority_without(const struct metadata_partition *partition, int32_t node) {
    size_t voters = 0, left = 0;
    for (size_t i = 0; i < metadata_member_count(partition); i++) {
        const struct metadata_replica *replica = &partition->replicas[i];
        if (replica->joining || replica->fresh) continue;
        voters++;
        left += !is_lost(replica) && replica->node != node;
    }
    return left > voters / 2;
}

/* It will have one when those that took the place of lost ones vote. */
static bool will_have_majority_without(const struct metadata_partition *partition, int32_t node) {
    size_t voters = 0, left = 0;
    for (size_t i = 0; i < metadata_member_count(partition); i++) {
        const struct metadata_replica *replica = &partition->replicas[i];
        if (replica->joining || is_lost(replica)) continue;
        voters++;
        left += replica->node != node;
    }
    return left > voters / 2;
}

size_t metadata_replicas_stuck_without(const struct metadata *metadata, int32_t node,
                                       const struct metadata_partition **first) {
    size_t count = 0;
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(metadata, topic)) != NULL;)
        for (int32_t p = 0; p < topic->partition_count; p++) {
            const struct metadata_partition *partition = &topic->partitions[p];
            if (metadata_replica_on(partition, node) == NULL ||
                has_majority_without(partition, node))
                continue;
            if (count++ == 0) *first = partition;
        }
    return count;
}

size_t metadata_replicas_waiting_without(const struct metadata *metadata, int32_t node) {
    size_t count = 0;
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(metadata, topic)) != NULL;)
        for (int32_t p = 0; p < topic->partition_count; p++) {
            const struct metadata_partition *partition = &topic->partitions[p];
            count += metadata_replica_on(partition, node) != NULL &&
                     has_majority_without(partition, METADATA_NODE_LOST) &&
                     !has_majority_without(partition, node) &&
                     will_have_majority_without(partition, node);
        }
    return count;
}

bool metadata_replicas_may_replace(const struct metadata *metadata, int32_t node,
                                   struct metadata_result *result) {
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(metadata, topic)) != NULL;)
        for (int32_t p = 0; p < topic->partition_count; p++) {
            const struct metadata_partition *partition = &topic->partitions[p];
            if (metadata_replica_on(partition, node) != NULL &&
                metadata_member_count(partition) >= METADATA_REPLICAS_MAX)
                return metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                                       "%.100s-%" PRId32
                                       " has %d replicas with those that are to go, which is the "
                                       "most; wait until some have gone",
                                       topic->name, p, METADATA_REPLICAS_MAX);
        }
    return true;
}

/* The new one stands where the old one stood; one that was to go is lost where it is. */
static void replace_in(struct metadata *metadata, struct metadata_partition *partition,
                       int32_t node, log_index index) {
    size_t count = metadata_member_count(partition), replica_count = partition->replica_count;
    struct members members = {.items = mem_alloc((count + 1) * sizeof *members.items)};
    struct metadata_replica lost = *metadata_replica_on(partition, node);
    bool stays = false;
    lost.node = METADATA_NODE_LOST;
    if (partition->recovery.replica == lost.replica)
        partition->recovery = (struct metadata_recovery){.replica = 0};
    for (size_t i = 0; i < count; i++) {
        struct metadata_replica replica = partition->replicas[i];
        if (MUTANT(MUTANT_REPLICA_IDS_KEPT)) {
            put(&members, replica);
            continue;
        }
        if (replica.node == node && i < replica_count) {
            replica.replica = metadata->next_replica++;
            replica.fresh = stays = true;
        } else if (replica.node == node) {
            replica = lost;
        }
        put(&members, replica);
    }
    if (stays) put(&members, lost);
    metadata_rows_set_members(metadata, partition, members.items, replica_count,
                              members.count - replica_count);
    partition->plan = index;
    metadata_rows_note_plan(metadata, partition);
    metadata_tell_replicas_changed(metadata, partition);
}

size_t metadata_replicas_replace(struct metadata *metadata, int32_t node, replica_id below,
                                 size_t most, log_index index) {
    size_t left = 0;
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(metadata, topic)) != NULL;) {
        struct topic_row *row = metadata_rows_topic(metadata, topic->id);
        for (int32_t p = 0; p < topic->partition_count; p++) {
            const struct metadata_replica *here = metadata_replica_on(&row->partitions[p], node);
            if (here == NULL || (here->fresh && here->replica >= below)) continue;
            if (most == 0) {
                left++;
                continue;
            }
            replace_in(metadata, &row->partitions[p], node, index);
            most--;
        }
    }
    return left;
}

/* ---- A lost majority ---- */

static bool is_unread(const struct metadata_replica *replica,
                      const struct command_recover_partition *command) {
    for (int32_t i = 0; i < command->unread.count; i++)
        if (replica->node == command->unread.items[i]) return true;
    return false;
}

struct recovery_votes {
    size_t all;
    size_t readable; /* not lost, and whoever has it can open it */
    size_t others;   /* not lost, but for the chosen one */
};

static struct recovery_votes count_votes(const struct metadata_partition *partition,
                                         const struct command_recover_partition *command) {
    struct recovery_votes votes = {0};
    for (size_t i = 0; i < metadata_member_count(partition); i++) {
        const struct metadata_replica *replica = &partition->replicas[i];
        bool chosen = replica->replica == (replica_id)command->replica;
        if (replica->joining || replica->fresh) continue;
        votes.all++;
        if (is_lost(replica)) continue;
        votes.readable += chosen || !is_unread(replica, command);
        votes.others += !chosen;
    }
    return votes;
}

static const struct metadata_replica *replica_with(const struct metadata_partition *partition,
                                                   replica_id replica) {
    for (size_t i = 0; i < metadata_member_count(partition); i++)
        if (partition->replicas[i].replica == replica) return &partition->replicas[i];
    return NULL;
}

/* Without the chosen one the others must be no majority either: they may be able to read theirs
 * later. */
static bool is_lost_majority(const struct metadata_partition *partition,
                             const struct command_recover_partition *command,
                             struct metadata_result *result) {
    struct recovery_votes votes = count_votes(partition, command);
    if (votes.readable > votes.all / 2)
        return metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                               "%.80s-%" PRId32
                               " has a majority of its replicas, as far as the metadata knows; "
                               "start their brokers",
                               partition->topic->name, partition->index);
    return votes.others <= votes.all / 2 ||
           metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                           "too many replicas of %.80s-%" PRId32
                           " are there and cannot be opened: give one of their brokers an empty "
                           "directory (drave broker replace), and try again",
                           partition->topic->name, partition->index);
}

bool metadata_replicas_may_recover(const struct metadata *metadata,
                                   const struct command_recover_partition *command,
                                   struct metadata_result *result) {
    const struct metadata_partition *partition = metadata_partition_of_group(
        metadata, (uint64_t)command->group);
    if (partition == NULL)
        return metadata_refuse(result, KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
                               "this partition does not exist (any more)");
    const struct metadata_replica *chosen = replica_with(partition, (replica_id)command->replica);
    if (chosen == NULL || is_lost(chosen) || chosen->fresh || command->index < 1 ||
        command->term < 1 || command->term > UINT32_MAX)
        return metadata_refuse(
            result, KAFKA_INVALID_REQUEST,
            "%.80s-%" PRId32 " cannot go on with that replica; look at drave recover --plan again",
            partition->topic->name, partition->index);
    if (partition->recovery.replica == chosen->replica) return true; /* again */
    if (!is_lost_majority(partition, command, result)) return false;
    return partition->recovery.replica == 0 ||
           metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                           "%.80s-%" PRId32
                           " goes on with another replica already; start its broker",
                           partition->topic->name, partition->index);
}

/* What is lost is in no configuration any more. */
static void forget_lost_votes(struct metadata *metadata, struct metadata_partition *partition) {
    size_t count = metadata_member_count(partition), replica_count = partition->replica_count;
    struct members members = {.items = mem_alloc(count * sizeof *members.items)};
    for (size_t i = 0; i < count; i++) {
        struct metadata_replica replica = partition->replicas[i];
        replica.fresh = replica.fresh || is_lost(&replica);
        put(&members, replica);
    }
    metadata_rows_set_members(metadata, partition, members.items, replica_count,
                              count - replica_count);
}

void metadata_replicas_recover(struct metadata *metadata,
                               const struct command_recover_partition *command, log_index index,
                               struct metadata_result *result) {
    if (!metadata_replicas_may_recover(metadata, command, result)) return;
    const struct metadata_partition *found = metadata_partition_of_group(metadata,
                                                                         (uint64_t)command->group);
    struct topic_row *topic = metadata_rows_topic(metadata, found->topic->id);
    struct metadata_partition *partition = &topic->partitions[found->index];
    forget_lost_votes(metadata, partition);
    partition->recovery = (struct metadata_recovery){.replica = (replica_id)command->replica,
                                                     .term = (log_term)command->term,
                                                     .index = (log_index)command->index};
    /* Configurations behind that entry are lost, and their places are taken once more. */
    if (partition->configured > partition->recovery.index)
        partition->configured = partition->recovery.index;
    partition->plan = index;
    metadata_rows_note_plan(metadata, partition);
    metadata_tell_replicas_changed(metadata, partition);
}
