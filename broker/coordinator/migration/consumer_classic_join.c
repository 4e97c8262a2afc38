/*
 * JoinGroup of a member of the classic protocol in a consumer group: checked as Kafka does, in its
 * order, then decided like a heartbeat that says everything.
 *
 * One that takes the place of the last member of KIP-848, by its instance, makes the group a
 * classic one (downgrade.h): unnoticed when nothing else changes, else with a rebalance,
 * for which it is parked there like anybody.
 */
#include "broker/coordinator/classic/classic_group.h"
#include "broker/coordinator/consumer/consumer_decision.h"
#include "broker/coordinator/consumer/consumer_subscriptions.h"
#include "broker/coordinator/consumer/topic_names.h"
#include "broker/coordinator/group/member_id.h"
#include "broker/coordinator/migration/consumer_classic.h"
#include "broker/coordinator/migration/downgrade.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/consumer_protocol.h"

/* To read and to look up more of a member than SAID_MOST would take long. */
enum { PROTOCOLS_MAX = 64, SAID_MOST = 1 << 20 };

/* A Join while it is decided. */
struct joining {
    struct group_join *join;
    struct consumer_group *group;
    struct shared_bytes *id;
    struct kp_arena arena;
    struct kp_consumer_classic_member classic;
    struct kp_consumer_subscription subscription;
    struct kp_consumer_group_heartbeat_request request; /* what it would say as a heartbeat */
    struct consumer_heartbeat said;
    struct consumer_decision decision;
};

/* ---- Answers ---- */

static struct group_join *join_of(struct group_turn *turn) {
    return CONTAINER_OF(turn, struct group_join, call.turn);
}

static void join_end(struct group_join *join, int16_t error) {
    struct group_turn *turn = &join->call.turn;
    if (error != KAFKA_NONE) join->generation = -1;
    group_call_answer(turn->group->table, &join->call, error);
    group_turn_end(turn);
}

/* Without a member id, as Kafka does in a consumer group. */
static void join_refuse(struct group_join *join, int16_t error) {
    shared_bytes_release(join->member);
    join->member = NULL;
    join_end(join, error);
}

static int16_t write_error(int16_t error) {
    return error == KAFKA_RECORD_LIST_TOO_LARGE ? KAFKA_UNKNOWN_SERVER_ERROR : error;
}

/* By what has committed. */
static void join_answer(struct group_join *join) {
    const struct group *row = join->call.turn.group;
    struct consumer_member *member = consumer_member_find(row->consumer,
                                                          shared_string(join->member));
    consumer_session_renew(member);
    consumer_member_owes(member, CONSUMER_OWES_SYNC);
    join->generation = member->standing.epoch;
    join->type = shared_string_of(row->table->shared, kp_string_of("consumer"));
    join->protocol = shared_bytes_take(member->classic->protocols[0].name->text);
    join_end(join, KAFKA_NONE);
}

static void join_written(struct group_turn *turn, int16_t error) {
    if (error == KAFKA_NONE)
        join_answer(join_of(turn));
    else
        join_end(join_of(turn), write_error(error));
}

/* ---- Checks ---- */

static int16_t check_group(const struct consumer_group *group, const struct group_join *join) {
    const struct broker_settings *settings = group->row->table->settings;
    if (!settings->group_consumer_may_upgrade && !settings->group_consumer_may_downgrade)
        return KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    if (group->member_count >= settings->group_consumer_max_size &&
        consumer_member_find(group, join->member_id) == NULL &&
        (join->instance_id.len < 0 ||
         consumer_member_of_instance(group, join->instance_id) == NULL))
        return KAFKA_GROUP_MAX_SIZE_REACHED;
    if (!kp_string_is(join->protocol_type, "consumer") || join->protocol_count == 0 ||
        join->protocol_count > PROTOCOLS_MAX)
        return KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    for (size_t p = 0; p < join->protocol_count; p++) {
        const struct consumer_protocol_name *name = consumer_protocol_find(group,
                                                                           join->protocols[p].name);
        if ((name == NULL ? 0 : name->members) == group->classic_count) return KAFKA_NONE;
    }
    return KAFKA_INCONSISTENT_GROUP_PROTOCOL;
}

/* Sets who it is, or whose place it takes. */
static int16_t check_member(struct joining *joining) {
    const struct group_join *join = joining->join;
    struct consumer_group *group = joining->group;
    struct consumer_decision *decision = &joining->decision;
    struct consumer_member *member = consumer_member_find(group, join->member_id), *holder = NULL;
    if (member != NULL && member->written) decision->member = member;
    if (member == NULL && !group_id_fits(group->row->table, join->member_id))
        return KAFKA_UNKNOWN_MEMBER_ID;
    if (join->instance_id.len < 0) return KAFKA_NONE;
    holder = consumer_member_of_instance(group, join->instance_id);
    if (join->member_id.len == 0) {
        decision->replaced = holder;
        return KAFKA_NONE;
    }
    if (holder == NULL) return KAFKA_UNKNOWN_MEMBER_ID;
    return holder == decision->member ? KAFKA_NONE : KAFKA_FENCED_INSTANCE_ID;
}

/* ---- What it says ---- */

static struct kp_uuid id_of(const struct metadata *metadata, struct kp_string name) {
    const struct metadata_topic *topic = metadata_topic_named(metadata, name.data,
                                                              (size_t)name.len);
    struct kp_uuid id = {{0}};
    if (topic != NULL) memcpy(id.bytes, topic->id, sizeof id.bytes);
    return id;
}

/* What it owns, by the ids of the topics. False: no memory for it. */
static bool say_owned(struct joining *joining) {
    const struct kp_consumer_subscription *subscription = &joining->subscription;
    struct kp_consumer_group_heartbeat_topic_partitions *topics = kp_arena_alloc(
        &joining->arena, ((size_t)subscription->owned.count + 1) * sizeof *topics);
    if (topics == NULL) return false;
    for (int32_t t = 0; t < subscription->owned.count; t++) {
        const struct kp_consumer_protocol_partitions *one = &subscription->owned.items[t];
        topics[t].topic_id = id_of(joining->said.metadata, one->topic);
        topics[t].partitions.items = one->partitions.items;
        topics[t].partitions.count = one->partitions.count;
    }
    joining->request.topic_partitions.items = topics;
    joining->request.topic_partitions.count = subscription->owned.count;
    return true;
}

static void say_protocols(struct joining *joining) {
    const struct group_join *join = joining->join;
    struct kp_consumer_classic_member *classic = &joining->classic;
    classic->session_timeout_ms = join->session_timeout_ms;
    classic->protocols.items = mem_alloc(join->protocol_count * sizeof *classic->protocols.items);
    for (size_t p = 0; p < join->protocol_count; p++)
        classic->protocols.items[classic->protocols.count++] =
            (struct kp_consumer_classic_protocol){join->protocols[p].name,
                                                  join->protocols[p].metadata};
}

/* Its record would be more than a batch may have. */
static bool says_too_much(const struct joining *joining) {
    const struct group_join *join = joining->join;
    size_t bytes = 0;
    for (size_t p = 0; p < join->protocol_count; p++)
        if (join->protocols[p].metadata.len > 0) bytes += (size_t)join->protocols[p].metadata.len;
    return bytes > (size_t)joining->group->row->table->settings->message_max_bytes;
}

/* All of its protocols have the same subscription. */
static int16_t say(struct joining *joining) {
    const struct group_join *join = joining->join;
    struct kp_consumer_group_heartbeat_request *request = &joining->request;
    joining->said = (struct consumer_heartbeat){.metadata = joining->group->row->table->metadata,
                                                .request = request,
                                                .client_id = join->client_id,
                                                .client_host = join->client_host};
    kp_set_fallbacks(&kp_consumer_group_heartbeat_request_schema, request);
    if (says_too_much(joining)) return KAFKA_UNKNOWN_SERVER_ERROR;
    if (kp_consumer_subscription_read(join->protocols[0].metadata, &joining->arena,
                                      &joining->subscription) != ERR_NONE ||
        !say_owned(joining))
        return KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    if (joining->subscription.topics.count > CONSUMER_NAMES_MAX) return KAFKA_INVALID_REQUEST;
    say_protocols(joining);
    request->instance_id = join->instance_id;
    request->rack_id = joining->subscription.rack;
    request->rebalance_timeout_ms = join->rebalance_timeout_ms;
    request->subscribed_topic_names.items = joining->subscription.topics.items;
    request->subscribed_topic_names.count = joining->subscription.topics.count;
    request->subscribed_topic_regex = kp_string_of(""); /* a client has looked for topics itself */
    request->server_assignor = KP_NULL_STRING;
    struct consumer_decision *decision = &joining->decision;
    decision->heartbeat = &joining->said;
    decision->classic = &joining->classic;
    decision->member_id = shared_string(joining->id);
    consumer_read_owned(decision);
    return KAFKA_NONE;
}

/* ---- The last member of KIP-848 is replaced ---- */

static bool is_the_last(const struct consumer_decision *decision) {
    return decision->replaced != NULL && decision->replaced->classic == NULL &&
           decision->group->classic_count + 1 == decision->group->member_count;
}

/* Nobody but the two has anything to do with it. */
static bool is_unnoticed(const struct consumer_decision *decision) {
    const struct consumer_group *group = decision->group;
    struct consumer_member *member, *next;
    if (decision->epoch != group->epoch || group->assignment_epoch != group->epoch) return false;
    HASH_ITER(hh, group->members, member, next) {
        const struct consumer_standing *standing = &member->standing;
        if (member == decision->replaced) continue;
        if (standing->epoch != group->epoch || standing->state != CONSUMER_STABLE) return false;
    }
    return decision->replaced->standing.pending.count == 0 &&
           partition_list_equal(&decision->replaced->standing.assigned,
                                &decision->replaced->target);
}

static void unnoticed_written(struct group_turn *turn, int16_t error) {
    struct group_join *join = join_of(turn);
    if (error == KAFKA_NONE) {
        struct classic_view view;
        struct shared_pool *pool = turn->group->table->shared;
        classic_look(turn->group, &view, NULL, NULL);
        join->generation = view.generation;
        join->type = shared_string_of(pool, view.type);
        join->protocol = shared_string_of(pool, view.protocol);
    }
    join_end(join, write_error(error));
}

static void rejoin_written(struct group_turn *turn, int16_t error) {
    struct group_join *join = join_of(turn);
    shared_bytes_release(join->member); /* a classic group gives it another */
    join->member = NULL;
    if (error != KAFKA_NONE)
        join_end(join, write_error(error));
    else
        classic_join(turn->group, join);
}

/* Everything of the group, when nobody is left in it. */
static bool add_end(struct group_batch *batch, const struct consumer_group *group) {
    if (!group->row->table->settings->group_consumer_may_downgrade || group->member_count > 1)
        return false;
    consumer_add_tombstones(batch, group);
    return true;
}

/* True: the group becomes a classic one, which is written. */
static bool write_downgrade(struct joining *joining) {
    const struct group_join *join = joining->join;
    struct consumer_decision *decision = &joining->decision;
    struct group_turn *turn = &joining->join->call.turn;
    struct group_batch batch;
    struct migration_successor successor = {.id = shared_string(joining->id),
                                            .client_id = join->client_id,
                                            .client_host = join->client_host,
                                            .replaces = decision->replaced,
                                            .classic = &joining->classic,
                                            .rebalance_timeout_ms = join->rebalance_timeout_ms};
    if (!is_the_last(decision)) return false;
    bool unnoticed = is_unnoticed(decision);
    group_batch_open(&batch);
    decision->replaced->goes = true;
    bool fine = migration_add_downgrade(&batch, decision->group, joining->said.metadata,
                                        unnoticed ? &successor : NULL) ||
                (!unnoticed && add_end(&batch, decision->group));
    decision->replaced->goes = false;
    turn->written = unnoticed ? unnoticed_written : rejoin_written;
    if (fine) group_turn_write(turn, &batch);
    group_batch_close(&batch);
    return fine;
}

/* ---- The turn ---- */

static int16_t decide(struct joining *joining) {
    struct group_join *join = joining->join;
    struct group_table *table = joining->group->row->table;
    int16_t error = check_member(joining);
    if (error != KAFKA_NONE) return error;
    group_pay(joining->group->row, join->client_host);
    if (group_refuses_more(joining->group->row) && joining->decision.member == NULL &&
        joining->decision.replaced == NULL)
        return KAFKA_COORDINATOR_NOT_AVAILABLE;
    joining->id = join->member_id.len > 0 ? shared_string_of(NULL, join->member_id)
                                          : member_id_new(table, join);
    join->member = shared_bytes_take(joining->id);
    error = say(joining);
    return error != KAFKA_NONE ? error : consumer_decide(&joining->decision);
}

/* Writes what was decided; or answers at once when that is nothing. */
static void finish(struct joining *joining) {
    struct group_turn *turn = &joining->join->call.turn;
    bool writes = write_downgrade(joining);
    if (writes || joining->decision.batch.count == 0) return;
    turn->written = join_written;
    group_turn_write(turn, &joining->decision.batch);
}

static void joining_close(struct joining *joining) {
    consumer_decision_close(&joining->decision);
    kp_arena_close(&joining->arena);
    mem_free(joining->classic.protocols.items);
    shared_bytes_release(joining->id);
}

static void join_decide(struct consumer_group *group, struct group_join *join) {
    struct joining joining = {.join = join, .group = group};
    kp_arena_init(&joining.arena, SAID_MOST);
    consumer_decision_open(&joining.decision, group->row);
    int16_t error = decide(&joining);
    bool nothing = error == KAFKA_NONE && joining.decision.batch.count == 0 &&
                   joining.decision.replaced == NULL;
    if (error == KAFKA_NONE) finish(&joining);
    joining_close(&joining);
    if (error != KAFKA_NONE)
        join_refuse(join, error);
    else if (nothing)
        join_answer(join);
}

void consumer_classic_join(struct consumer_group *group, struct group_join *join) {
    int16_t error = check_group(group, join);
    bool new_id = error == KAFKA_NONE && join->asks_for_id && join->member_id.len == 0 &&
                  join->instance_id.len < 0;
    if (!new_id && error == KAFKA_NONE) {
        join_decide(group, join);
        return;
    }
    if (!new_id) {
        join_refuse(join, error);
        return;
    }
    join->member = member_id_new(group->row->table, join);
    join_end(join, KAFKA_MEMBER_ID_REQUIRED);
}
