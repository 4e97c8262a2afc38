/* SyncGroup and Heartbeat of members of the classic protocol; consumer_classic_join.c has the Join.
 */
#include "broker/coordinator/migration/consumer_classic.h"

#include "broker/coordinator/consumer/consumer_decision.h"
#include "broker/coordinator/migration/named_lists.h"
#include "protocol/kafka_error.h"

/* ---- Who it is ---- */

static int16_t find(const struct consumer_group *group, struct kp_string id,
                    struct kp_string instance, struct consumer_member **member) {
    *member = NULL;
    if (instance.len >= 0) {
        const struct consumer_member *holder = consumer_member_of_instance(group, instance);
        if (holder == NULL || !holder->written) return KAFKA_UNKNOWN_MEMBER_ID;
        if (!shared_string_is(holder->id, id)) return KAFKA_FENCED_INSTANCE_ID;
    }
    if (id.len > 0) *member = consumer_member_find(group, id);
    if (*member == NULL || !(*member)->written || (*member)->classic == NULL)
        return KAFKA_UNKNOWN_MEMBER_ID;
    return KAFKA_NONE;
}

/* ---- SyncGroup ---- */

static bool differs(struct kp_string said, struct kp_string is) {
    return said.len >= 0 && !kp_string_equal(said, is);
}

static int16_t sync_check(const struct consumer_group *group, const struct group_sync *sync,
                          struct consumer_member **member) {
    int16_t error = find(group, sync->member_id, sync->instance_id, member);
    if (error != KAFKA_NONE) return error;
    const struct consumer_standing *standing = &(*member)->standing;
    if (sync->generation != standing->epoch) return KAFKA_ILLEGAL_GENERATION;
    if (differs(sync->protocol_type, kp_string_of("consumer")) ||
        differs(sync->protocol, shared_string((*member)->classic->protocols[0].name->text)))
        return KAFKA_INCONSISTENT_GROUP_PROTOCOL;
    if (group->assignment_epoch <= standing->epoch || standing->state == CONSUMER_UNREVOKED)
        return KAFKA_NONE;
    consumer_member_owes(*member, CONSUMER_OWES_JOIN);
    return KAFKA_REBALANCE_IN_PROGRESS;
}

static void fill_sync(const struct consumer_member *member, struct group_sync *sync) {
    const struct group_table *table = member->group->row->table;
    const struct consumer_protocol *protocol = &member->classic->protocols[0];
    struct kp_writer writer;
    uint8_t *bytes = NULL;
    size_t len = 0;
    kp_writer_init(&writer, INT32_MAX);
    named_list_write(member->group, table->metadata, &member->standing.assigned, member->names,
                     shared_bytes_view(protocol->metadata), &writer);
    if (kp_writer_take(&writer, &bytes, &len) != ERR_NONE) len = 0; /* no text of it is too long */
    sync->type = shared_string_of(table->shared, kp_string_of("consumer"));
    sync->chosen = shared_bytes_take(protocol->name->text);
    sync->assignment = shared_bytes_of(NULL, bytes, (int32_t)len);
    mem_free(bytes);
}

void consumer_classic_sync(struct consumer_group *group, struct group_sync *sync) {
    struct group_table *table = group->row->table;
    struct consumer_member *member;
    int16_t error = sync_check(group, sync, &member);
    if (error == KAFKA_NONE) {
        consumer_member_owes(member, CONSUMER_OWES_NOTHING);
        consumer_session_renew(member);
        fill_sync(member, sync);
    }
    group_call_answer(table, &sync->call, error);
    group_turn_end(&sync->call.turn);
}

/* ---- Heartbeat ---- */

/* Something of its target is somebody else's still. */
static bool waits(const struct consumer_member *member) {
    const struct consumer_group *group = member->group;
    for (size_t i = 0; i < member->target.count; i++) {
        const struct listed_partition *one = &member->target.items[i];
        const struct partition_list *has = &member->standing.assigned;
        struct kp_uuid topic = group->numbered[one->topic]->id;
        if (partition_list_find(has, one->topic, one->partition) == NULL &&
            consumer_owner_epoch(group, topic, one->partition) != CONSUMER_FREE)
            return true;
    }
    return false;
}

static bool has_a_step_to_make(const struct consumer_member *member) {
    const struct consumer_standing *standing = &member->standing;
    if (standing->epoch < member->group->assignment_epoch) return true;
    if (standing->state == CONSUMER_UNREVOKED) return true;
    return standing->state == CONSUMER_UNRELEASED && !waits(member);
}

static int16_t heartbeat_check(const struct consumer_group *group,
                               const struct group_heartbeat *heartbeat,
                               struct consumer_member **member) {
    int16_t error = find(group, heartbeat->member_id, heartbeat->instance_id, member);
    if (error != KAFKA_NONE) return error;
    return heartbeat->generation == (*member)->standing.epoch ? KAFKA_NONE
                                                              : KAFKA_ILLEGAL_GENERATION;
}

static void heartbeat_end(struct group *row, struct group_heartbeat *heartbeat) {
    struct consumer_member *member = NULL;
    int16_t error = row->consumer == NULL ? KAFKA_UNKNOWN_MEMBER_ID
                                          : heartbeat_check(row->consumer, heartbeat, &member);
    if (error == KAFKA_NONE) {
        consumer_session_renew(member);
        if (has_a_step_to_make(member)) {
            consumer_member_owes(member, CONSUMER_OWES_JOIN);
            error = KAFKA_REBALANCE_IN_PROGRESS;
        }
    }
    group_call_answer(row->table, &heartbeat->call, error);
    group_turn_end(&heartbeat->call.turn);
}

/* The member is alive, whatever became of the target: the next heartbeat works it out again. */
static void target_written(struct group_turn *turn, int16_t error) {
    (void)error;
    heartbeat_end(turn->group, CONTAINER_OF(turn, struct group_heartbeat, call.turn));
}

/* There may be something to work out. Most heartbeats end here. */
static bool is_due(const struct consumer_group *group) {
    return group->epoch > group->assignment_epoch || group->regexes != NULL ||
           group->metadata_version != metadata_version(group->row->table->metadata);
}

/* True: something is written. */
static bool write_target(struct consumer_group *group, struct consumer_member *member,
                         struct group_turn *turn) {
    struct consumer_heartbeat said = {.metadata = group->row->table->metadata};
    struct consumer_decision decision = {.heartbeat = &said, .member = member};
    consumer_decision_open(&decision, group->row);
    decision.member_id = shared_string(member->id);
    consumer_decide_target(&decision);
    bool writes = decision.batch.count > 0;
    turn->written = target_written;
    if (writes) group_turn_write(turn, &decision.batch);
    consumer_decision_close(&decision);
    return writes;
}

void consumer_classic_heartbeat(struct consumer_group *group, struct group_heartbeat *heartbeat) {
    struct consumer_member *member;
    struct group *row = group->row;
    if (heartbeat_check(group, heartbeat, &member) == KAFKA_NONE && is_due(group) &&
        write_target(group, member, &heartbeat->call.turn))
        return;
    heartbeat_end(row, heartbeat);
}
