/* Checking and placing of changes, one function for each command. */
#include "broker/metadata/metadata_leader.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/config/topic_name.h"
#include "broker/metadata/config_resolution.h"
#include "broker/metadata/metadata_features.h"
#include "broker/metadata/metadata_replicas.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/placement/placement.h"
#include "protocol/kafka_error.h"

static bool is_dead(const struct metadata_view *view, int32_t node) {
    for (size_t i = 0; i < view->dead_count; i++)
        if (view->dead[i] == node) return true;
    return false;
}

/* The brokers that do not drain: those that are alive. While these are not `enough`, those that are
 * known to be dead, too, and then, if `fenced_count` and a majority is there, so many fenced ones
 * that may come back as they are. */
static size_t usable_brokers(const struct metadata_view *view, size_t enough, bool fenced_count,
                             struct placement_broker *into) {
    enum { ALIVE, DEAD, FENCED };
    size_t found = 0;
    for (int kind = ALIVE; kind <= FENCED && found < enough; kind++) {
        if (kind == FENCED && (!fenced_count || 2 * found <= enough)) break;
        for (size_t i = 0; i < metadata_broker_count(view->metadata); i++) {
            const struct metadata_broker *broker = metadata_broker_at(view->metadata, i);
            int is = broker->fenced ? FENCED : is_dead(view, broker->node) ? DEAD : ALIVE;
            if (is == kind && metadata_roster_takes(view->metadata, broker->node) &&
                (kind != FENCED || (found < enough && !broker->turned_away)))
                into[found++] = (struct placement_broker){
                    .node = broker->node, .rack = broker->rack, .away = kind != ALIVE};
        }
    }
    return found;
}

/* What a broker holds, and will hold. */
static struct metadata_load load_of(const struct metadata_view *view, int32_t node) {
    struct metadata_load load = metadata_load_of(view->metadata, node);
    for (size_t i = 0; i < view->pending_count; i++) {
        if (view->pending[i].node != node) continue;
        load.leaders += view->pending[i].leaders;
        load.replicas += view->pending[i].replicas;
    }
    return load;
}

/* ---- Limits ---- */

static bool cluster_has_room(const struct metadata_view *view, int32_t count,
                             struct metadata_result *result) {
    uint64_t there = metadata_partition_count(view->metadata);
    /* Each has one first replica. */
    for (size_t i = 0; i < view->pending_count; i++)
        there += view->pending[i].leaders;
    return there + (uint64_t)count <= view->partitions_max ||
           metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                           "%" PRId32 " more partitions beside %" PRIu64
                           " would pass max.partitions=%" PRIu32
                           "; ask for fewer, delete topics, or raise it on every broker",
                           count, there, view->partitions_max);
}

static uint64_t replicas_on(const struct command_partition *rows, int32_t count, int32_t node) {
    uint64_t replicas = 0;
    for (int32_t p = 0; p < count; p++)
        for (int32_t r = 0; r < rows[p].nodes.count; r++)
            replicas += rows[p].nodes.items[r] == node;
    return replicas;
}

static bool brokers_have_room(const struct metadata_view *view,
                              const struct command_partition *rows, int32_t count,
                              struct metadata_result *result) {
    for (size_t i = 0; i < metadata_broker_count(view->metadata); i++) {
        int32_t node = metadata_broker_at(view->metadata, i)->node;
        uint64_t added = replicas_on(rows, count, node), there = load_of(view, node).replicas;
        if (added > 0 && there + added > view->broker_partitions_max)
            return metadata_refuse(
                result, KAFKA_POLICY_VIOLATION,
                "%" PRIu64 " more replicas beside %" PRIu64 " on broker %" PRId32
                " would pass max.broker.partitions=%" PRIu32
                "; ask for fewer, delete topics, add brokers, or raise it on every broker",
                added, there, node, view->broker_partitions_max);
    }
    return true;
}

/* ---- Placing ---- */

static bool somebody_never_registered(const struct metadata *metadata) {
    for (size_t i = 0; i < metadata_roster_count(metadata); i++)
        if (metadata_broker_of(metadata, metadata_roster_at(metadata, i)->node) == NULL)
            return true;
    return false;
}

static bool place(const struct metadata_view *view, int32_t partitions, int32_t factor,
                  struct kp_arena *arena, struct command_partition **into,
                  struct metadata_result *result, bool *again) {
    if (partitions < 1 || partitions > METADATA_PARTITIONS_MAX)
        return metadata_refuse(result, KAFKA_INVALID_PARTITIONS,
                               "a topic has 1 to %d partitions, not %" PRId32,
                               METADATA_PARTITIONS_MAX, partitions);
    if (factor < 1 || factor > METADATA_REPLICAS_MAX)
        return metadata_refuse(result, KAFKA_INVALID_REPLICATION_FACTOR,
                               "a partition has 1 to %d replicas, not %" PRId32,
                               METADATA_REPLICAS_MAX, factor);
    if (!cluster_has_room(view, partitions, result)) return false;
    const struct metadata *metadata = view->metadata;
    size_t brokers_of_cluster = metadata_roster_count(metadata);
    size_t registered = metadata_broker_count(metadata);
    struct placement_broker *brokers = kp_arena_alloc(arena, (registered + 1) * sizeof *brokers);
    int32_t *nodes = kp_arena_alloc(arena, (size_t)partitions * (size_t)factor * sizeof *nodes);
    struct command_partition *rows = kp_arena_alloc(arena, (size_t)partitions * sizeof *rows);
    if (brokers == NULL || nodes == NULL || rows == NULL)
        return metadata_refuse(result, KAFKA_INVALID_PARTITIONS,
                               "%" PRId32 " partitions with %" PRId32
                               " replicas are too many for one request",
                               partitions, factor);
    bool unsettled = view->young || somebody_never_registered(metadata);
    size_t live = usable_brokers(view, (size_t)factor, !unsettled, brokers);
    if ((size_t)factor > live) {
        *again = unsettled && (size_t)factor <= brokers_of_cluster;
        return metadata_refuse(result, KAFKA_INVALID_REPLICATION_FACTOR,
                               "Replication factor: %" PRId32
                               " larger than available brokers: %zu (of %zu"
                               "). Start more brokers, or ask for fewer replicas.",
                               factor, live, brokers_of_cluster);
    }
    for (size_t i = 0; i < live; i++) {
        struct metadata_load load = load_of(view, brokers[i].node);
        brokers[i].leaders = load.leaders;
        brokers[i].replicas = load.replicas;
    }
    placement_place(brokers, live, (size_t)partitions, (size_t)factor,
                    metadata_partition_count(metadata), nodes);
    for (int32_t p = 0; p < partitions; p++) {
        rows[p].nodes.items = nodes + (size_t)p * (size_t)factor;
        rows[p].nodes.count = factor;
    }
    *into = rows;
    return brokers_have_room(view, rows, partitions, result);
}

/* Assignments that the client wrote itself: brokers that exist and have room, `factor` for each
 * partition. */
static bool check_assignments(const struct metadata_view *view,
                              const struct command_partition *partitions, int32_t count,
                              int32_t factor, struct metadata_result *result) {
    for (int32_t p = 0; p < count; p++) {
        if (partitions[p].nodes.count < 1)
            return metadata_refuse(result, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                                   "a partition is assigned to no broker");
        if (partitions[p].nodes.count != factor)
            return metadata_refuse(result, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                                   "a partition is assigned to %" PRId32
                                   " brokers, the first of this topic to %" PRId32
                                   "; give each as many replicas",
                                   partitions[p].nodes.count, factor);
        for (int32_t r = 0; r < partitions[p].nodes.count; r++)
            if (metadata_roster_is_draining(view->metadata, partitions[p].nodes.items[r]))
                return metadata_refuse(result, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                                       "a partition is assigned to broker %" PRId32
                                       ", which is being drained; choose another one",
                                       partitions[p].nodes.items[r]);
            else if (metadata_broker_of(view->metadata, partitions[p].nodes.items[r]) == NULL)
                return metadata_refuse(result, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                                       "a partition is assigned to broker %" PRId32
                                       ", which does not exist; drave info lists them",
                                       partitions[p].nodes.items[r]);
    }
    return cluster_has_room(view, count, result) &&
           brokers_have_room(view, partitions, count, result);
}

static enum metadata_prepared prepared(bool is, bool again) {
    return is ? PREPARED : again ? PREPARED_AGAIN : PREPARED_REFUSED;
}

/* Our own topics are made when the first of their clients comes, and must not fail then because
 * others took all that the limits allow: as many partitions as the settings give them are beyond
 * these. */
static bool is_beyond_limits(const struct metadata_view *view, const struct metadata_change *change,
                             const struct command_create_topic *topic) {
    int32_t count = topic->partitions.count > 0 ? topic->partitions.count
                                                : change->place_partitions;
    const char *name = topic->name.data;
    size_t len = (size_t)topic->name.len;
    if (!topic_name_is_internal(name, len)) return false;
    bool offsets = len == strlen(TOPIC_CONSUMER_OFFSETS) &&
                   memcmp(name, TOPIC_CONSUMER_OFFSETS, len) == 0;
    return count <= (offsets ? view->settings->offsets_topic_partitions
                             : view->settings->transaction_partitions);
}

static enum metadata_prepared prepare_topic(const struct metadata_view *within,
                                            const struct metadata_change *change,
                                            struct command_create_topic *topic,
                                            struct kp_arena *arena,
                                            struct metadata_result *result) {
    struct command_partition *rows = NULL;
    struct metadata_view copy = *within, *view = &copy;
    bool again = false;
    if (is_beyond_limits(within, change, topic))
        copy.partitions_max = copy.broker_partitions_max = BROKER_PARTITIONS_MOST;
    /* An earlier try of this very command has committed: it is to be recognised, not refused
     * because brokers have gone since. */
    if (metadata_topic_with_id(view->metadata, topic->id.bytes) != NULL) return PREPARED;
    if (topic->partitions.count > 0)
        return prepared(check_assignments(view, topic->partitions.items, topic->partitions.count,
                                          topic->partitions.items[0].nodes.count, result),
                        false);
    if (!place(view, change->place_partitions, change->replication_factor, arena, &rows, result,
               &again))
        return prepared(false, again);
    topic->partitions.items = rows;
    topic->partitions.count = change->place_partitions;
    return PREPARED;
}

static enum metadata_prepared prepare_growth(const struct metadata_view *view,
                                             const struct metadata_change *change,
                                             struct command_create_partitions *grow,
                                             struct kp_arena *arena,
                                             struct metadata_result *result) {
    struct command_partition *rows = NULL;
    bool again = false;
    const struct metadata_topic *topic = metadata_topic_with_id(view->metadata, grow->id.bytes);
    if (topic == NULL) {
        metadata_refuse(result, KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
                        "this topic does not exist (any more)");
        return PREPARED_REFUSED;
    }
    /* Likewise, or somebody else was first: applying it tells. */
    if (grow->present != topic->partition_count) return PREPARED;
    int32_t factor = (int32_t)topic->partitions[0].replica_count;
    if (grow->partitions.count > 0)
        return prepared(
            check_assignments(view, grow->partitions.items, grow->partitions.count, factor, result),
            false);
    if (!place(view, change->place_partitions, factor, arena, &rows, result, &again))
        return prepared(false, again);
    grow->partitions.items = rows;
    grow->partitions.count = change->place_partitions;
    return PREPARED;
}

/* A configuration that has those that come is later than the one with which the plan before was
 * done; where nobody comes it may be the same. Whoever says another one was deposed, and does not
 * know it. */
static bool is_later(const struct metadata_partition *partition, int64_t change) {
    bool joins = false;
    for (size_t i = 0; i < partition->replica_count; i++)
        joins = joins || partition->replicas[i].joining;
    return change > 0 && (log_index)change >= partition->configured + (joins ? 1 : 0);
}

/* A plan that is done, or another one by now: there is nothing to say. `asks`: whether it is that
 * plan, and nothing is done. */
static enum metadata_prepared prepare_done(const struct metadata_view *view,
                                           const struct command_replicas_done *command, bool asks,
                                           struct metadata_result *result) {
    const struct metadata_partition *partition = metadata_partition_of_group(
        view->metadata, (uint64_t)command->group);
    bool under_way = partition != NULL && partition->plan != 0 &&
                     partition->plan == (uint64_t)command->plan;
    if (!under_way) return PREPARED_NOTHING;
    if (asks || is_later(partition, command->change)) return PREPARED;
    metadata_refuse(result, KAFKA_INVALID_REQUEST,
                    "entry %" PRId64 " of the group is not the configuration of this plan: the one "
                    "before was done with entry %" PRIu64,
                    command->change, partition->configured);
    return PREPARED_REFUSED;
}

/* A cancel becomes a plan that names where it leads back to. */
static enum metadata_prepared prepare_cancel(const struct metadata_partition *partition,
                                             struct command_set_replicas *command,
                                             struct kp_arena *arena,
                                             struct metadata_result *result) {
    int32_t *nodes = kp_arena_alloc(arena, METADATA_REPLICAS_MAX * sizeof *nodes);
    size_t count = nodes == NULL ? 0 : metadata_replicas_put_back(partition, nodes);
    if (count == 0) {
        metadata_refuse(result, KAFKA_NO_REASSIGNMENT_IN_PROGRESS,
                        "the move of this partition is cancelled already, and goes back");
        return PREPARED_REFUSED;
    }
    command->cancel = command->same_count = false;
    command->nodes.items = nodes;
    command->nodes.count = (int32_t)count;
    return PREPARED;
}

/* What comes to brokers beside what they hold. */
static enum metadata_prepared prepare_replicas(const struct metadata_view *view,
                                               struct command_set_replicas *command,
                                               struct kp_arena *arena,
                                               struct metadata_result *result) {
    if (metadata_replicas_is_known(view->metadata, command)) return PREPARED;
    if (!metadata_replicas_check(view->metadata, command, result)) return PREPARED_REFUSED;
    const struct metadata_topic *topic = metadata_topic_with_id(view->metadata, command->id.bytes);
    const struct metadata_partition *partition = metadata_partition_at(topic, command->partition);
    if (command->cancel) return prepare_cancel(partition, command, arena, result);
    for (int32_t i = 0; i < command->nodes.count; i++) {
        int32_t node = command->nodes.items[i];
        uint32_t there = load_of(view, node).replicas;
        if (metadata_replica_on(partition, node) != NULL) continue;
        if (there < view->broker_partitions_max) continue;
        metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                        "one more replica beside %" PRIu32 " on broker %" PRId32
                        " would pass max.broker.partitions=%" PRIu32
                        "; choose another broker, or raise it on every broker",
                        there, node, view->broker_partitions_max);
        return PREPARED_REFUSED;
    }
    return PREPARED;
}

static bool votes(const struct metadata_view *view, const struct roster_broker *row) {
    for (size_t i = 0; row != NULL && i < view->servers->count; i++)
        if (view->servers->servers[i].replica == row->replica)
            return view->servers->servers[i].voter;
    return false;
}

/* Who serves, or votes, is not taken out. */
static bool may_retire(const struct metadata_view *view,
                       const struct command_retire_broker *command,
                       struct metadata_result *result) {
    const struct metadata_broker *broker = metadata_broker_of(view->metadata, command->node);
    if (!metadata_roster_check_retire(view->metadata, command, result)) return false;
    if (votes(view, metadata_roster_of(view->metadata, command->node)))
        return metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                               "broker %" PRId32
                               " votes on the metadata; drave meta voters gives its vote to "
                               "another broker, and so does drave broker drain",
                               command->node);
    return broker == NULL || broker->fenced ||
           metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                           "broker %" PRId32 " is alive; stop it first", command->node);
}

/* It was away for as long as a session, by its own or by our link (sessions begin anew with each
 * leader), and no partition needs it, or its owner gives those up. */
static enum metadata_prepared may_lose(const struct metadata_view *view, int32_t node,
                                       bool accept_loss, struct metadata_result *result) {
    const struct metadata *metadata = view->metadata;
    const struct metadata_broker *broker = metadata_broker_of(metadata, node);
    const struct metadata_partition *first = NULL;
    if (!metadata_replicas_may_replace(metadata, node, result)) return PREPARED_REFUSED;
    bool fenced = broker == NULL || broker->fenced;
    if (view->down_ms == 0 ||
        (!fenced && view->down_ms < view->settings->broker_session_timeout_ms)) {
        metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                        "broker %" PRId32
                        " is alive, with the data directory that it has; stop it first",
                        node);
        return view->down_ms == 0 ? PREPARED_REFUSED : PREPARED_AGAIN;
    }
    size_t stuck = metadata_replicas_stuck_without(metadata, node, &first);
    if (stuck == 0 || accept_loss) return PREPARED;
    if (stuck == metadata_replicas_waiting_without(metadata, node)) {
        metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                        "%zu partitions (%.80s-%" PRId32
                        " first) wait for another broker that was replaced, and cannot do without "
                        "broker %" PRId32 " before that has all; try again then",
                        stuck, first->topic->name, first->index, node);
        return PREPARED_AGAIN;
    }
    metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                    "%zu partitions (%.80s-%" PRId32
                    " first) have no majority without what broker %" PRId32
                    " lost, and no leader ever again: --accept-loss",
                    stuck, first->topic->name, first->index, node);
    return PREPARED_REFUSED;
}

static enum metadata_prepared prepare_replace(const struct metadata_view *view,
                                              const struct command_replace_broker *command,
                                              struct metadata_result *result) {
    if (!metadata_roster_check_replace(view->metadata, command, result)) return PREPARED_REFUSED;
    if (metadata_roster_is_replaced(view->metadata, command)) return PREPARED_NOTHING;
    return may_lose(view, command->node, command->accept_loss, result);
}

/* Who is not alive would keep its promotion waiting. */
static enum metadata_prepared prepare_voters(const struct metadata_view *view,
                                             const struct command_set_voters *command,
                                             struct metadata_result *result) {
    const struct metadata *metadata = view->metadata;
    if (!metadata_roster_check_voters(metadata, command, result)) return PREPARED_REFUSED;
    if (metadata_roster_votes_are(metadata, command)) return PREPARED_NOTHING;
    for (int32_t i = 0; i < command->nodes.count; i++) {
        int32_t node = command->nodes.items[i];
        const struct metadata_broker *broker = metadata_broker_of(metadata, node);
        if (metadata_roster_of(metadata, node)->votes || (broker != NULL && !broker->fenced))
            continue;
        metadata_refuse(result, KAFKA_POLICY_VIOLATION,
                        "broker %" PRId32 " is not alive, and could not vote; start it first",
                        node);
        return PREPARED_REFUSED;
    }
    return PREPARED;
}

/* What the roster says already is said once. */
static enum metadata_prepared prepare_roster(const struct metadata_view *view,
                                             const struct metadata_command *command,
                                             struct metadata_result *result) {
    const struct metadata *metadata = view->metadata;
    const struct command_drain_broker *drain = &command->drain_broker;
    bool may, is_so;
    if (command->type == COMMAND_ADMIT_BROKER) {
        may = metadata_roster_check(metadata, &command->admit_broker, result);
        is_so = metadata_roster_of(metadata, command->admit_broker.node) != NULL;
    } else if (command->type == COMMAND_DRAIN_BROKER) {
        may = metadata_roster_check_drain(metadata, drain, result);
        is_so = metadata_roster_is_draining(metadata, drain->node) == drain->draining;
    } else {
        may = may_retire(view, &command->retire_broker, result);
        is_so = metadata_roster_is_retired(metadata, command->retire_broker.node);
    }
    return !may ? PREPARED_REFUSED : is_so ? PREPARED_NOTHING : PREPARED;
}

static enum metadata_prepared prepare_users(const struct metadata_view *view,
                                            const struct command_set_users *command,
                                            struct metadata_result *result) {
    if (metadata_feature_level(view->metadata, FEATURE_SECURITY_VERSION) < 1) {
        metadata_refuse(result, KAFKA_UNSUPPORTED_VERSION,
                        "there are no users while " FEATURE_SECURITY_VERSION
                        " is at level 0: give all brokers this version first");
        return PREPARED_REFUSED;
    }
    return prepared(metadata_users_fit(view->metadata, command, result), false);
}

static enum metadata_prepared prepare_acls(const struct metadata_view *view,
                                           const struct command_set_acls *command,
                                           struct metadata_result *result) {
    if (metadata_feature_level(view->metadata, FEATURE_SECURITY_VERSION) < 2) {
        metadata_refuse(result, KAFKA_UNSUPPORTED_VERSION,
                        "there are no rules while " FEATURE_SECURITY_VERSION
                        " is below level 2: give all brokers this version first");
        return PREPARED_REFUSED;
    }
    return prepared(metadata_rules_fit(view->metadata, command, result), false);
}

enum metadata_prepared metadata_leader_prepare(const struct metadata_view *view,
                                               struct metadata_change *change,
                                               struct kp_arena *arena,
                                               struct metadata_result *result) {
    struct metadata_command *command = &change->command;
    const struct metadata *metadata = view->metadata;
    memset(result, 0, sizeof *result);
    switch (command->type) {
    case COMMAND_CREATE_TOPIC:
        return prepare_topic(view, change, &command->create_topic, arena, result);
    case COMMAND_CREATE_PARTITIONS:
        return prepare_growth(view, change, &command->create_partitions, arena, result);
    case COMMAND_REPLICAS_DONE:
        return prepare_done(view, &command->replicas_done, change->validate_only, result);
    case COMMAND_SET_REPLICAS: return prepare_replicas(view, &command->set_replicas, arena, result);
    case COMMAND_SET_CONFIGS: return config_resolve(view, change, arena, result);
    case COMMAND_ADMIT_BROKER:
    case COMMAND_DRAIN_BROKER:
    case COMMAND_RETIRE_BROKER: return prepare_roster(view, command, result);
    case COMMAND_SET_VOTERS: return prepare_voters(view, &command->set_voters, result);
    case COMMAND_REPLACE_BROKER: return prepare_replace(view, &command->replace_broker, result);
    case COMMAND_SET_FEATURES:
        return prepared(metadata_features_check(metadata, &command->set_features, result), false);
    case COMMAND_SET_USERS: return prepare_users(view, &command->set_users, result);
    case COMMAND_SET_ACLS: return prepare_acls(view, &command->set_acls, result);
    case COMMAND_SET_QUOTAS:
        return prepared(metadata_quotas_check(metadata, &command->set_quotas, result), false);
    case COMMAND_REPLACE_REPLICAS:
        return may_lose(view, command->replace_replicas.node, command->replace_replicas.accept_loss,
                        result);
    case COMMAND_RECOVER_PARTITION:
        return prepared(
            metadata_replicas_may_recover(metadata, &command->recover_partition, result), false);
    case COMMAND_REGISTER_BROKER:
        if (change->validate_only) return PREPARED; /* who has just come up asks so first */
        return prepared(metadata_features_can_read(metadata, &command->register_broker, result),
                        false);
    case COMMAND_FENCE_BROKER:
    case COMMAND_DELETE_TOPIC:
    case COMMAND_ALLOCATE_PRODUCER_IDS: break;
    }
    return PREPARED;
}
