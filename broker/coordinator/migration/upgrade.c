/* Members of a classic group become those of a consumer group, with what they own. */
#include "broker/coordinator/migration/upgrade.h"

#include "base/mutant.h"
#include "broker/coordinator/classic/classic_group.h"
#include "broker/coordinator/consumer/topic_names.h"
#include "broker/coordinator/migration/named_lists.h"
#include "protocol/kafka_error.h"

/* Names and partitions that members may tell of, all together: each is looked up and sorted. */
enum { TOLD_MOST = 50000, SAID_MOST = 4 << 20 };

struct upgrade {
    struct consumer_decision *decision;
    struct kp_arena arena; /* of what members said */
    size_t bytes;          /* that its records have at least */
    size_t told;           /* names and partitions */
    int32_t generation;
    bool builtin; /* the assignor is one of Kafka's own */
    int16_t error;
};

static int16_t refuse(struct upgrade *upgrade, const char *why) {
    upgrade->error = consumer_refuse(upgrade->decision->heartbeat, KAFKA_GROUP_ID_NOT_FOUND,
                                     "Cannot upgrade the classic group to a consumer group: %s.",
                                     why);
    return upgrade->error;
}

static size_t most_bytes(const struct upgrade *upgrade) {
    return (size_t)upgrade->decision->row->table->settings->message_max_bytes;
}

/* What its records have at least: one that is too large is refused before they are made. */
static void weigh(void *arg, const struct classic_heir *from) {
    enum { RECORDS = 3, FIELDS = 56 };
    struct upgrade *upgrade = arg;
    upgrade->bytes += RECORDS * ((size_t)upgrade->decision->row->id.len + (size_t)from->id.len) +
                      FIELDS + (size_t)from->client_id.len + (size_t)from->client_host.len;
    for (size_t p = 0; p < from->protocol_count; p++)
        upgrade->bytes += (size_t)from->protocols[p].name.len +
                          (size_t)from->protocols[p].metadata.len;
}

/* ---- Whether it may be ---- */

/* Those of the clients put into assignments nothing that they need: librdkafka's repeats there what
 * a member said. */
static bool is_builtin(struct kp_string assignor) {
    static const char *const names[] = {"range", "roundrobin", "sticky", "cooperative-sticky"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (kp_string_is(assignor, names[i])) return true;
    return false;
}

static int16_t check_group(struct upgrade *upgrade, const struct classic_view *view) {
    const struct broker_settings *settings = upgrade->decision->row->table->settings;
    if (!settings->group_consumer_may_upgrade)
        return refuse(upgrade, "group.consumer.migration.policy does not let it");
    if (!kp_string_is(view->type, "consumer"))
        return refuse(upgrade, "its members are not of the type consumer");
    if (view->member_count > settings->group_consumer_max_size)
        return refuse(upgrade, "it has more members than group.consumer.max.size");
    return KAFKA_NONE;
}

/* ---- What members may own ---- */

/* Adds what nobody owns yet. */
static void own(struct consumer_member *member, const struct partition_list *list, int32_t epoch) {
    struct consumer_group *group = member->group;
    struct consumer_standing standing = {
        .epoch = epoch, .previous_epoch = epoch, .state = CONSUMER_STABLE};
    partition_list_copy(&standing.assigned, &member->standing.assigned);
    for (size_t i = 0; i < list->count; i++) {
        const struct listed_partition *one = &list->items[i];
        struct kp_uuid topic = group->numbered[one->topic]->id;
        if (consumer_owner_epoch(group, topic, one->partition) == CONSUMER_FREE)
            partition_list_add(&standing.assigned, one->topic, one->partition, epoch);
    }
    partition_list_sort(&standing.assigned);
    consumer_standing_take(member, &standing);
}

static size_t told(const struct kp_consumer_protocol_partitions *topics, int32_t count) {
    size_t all = 0;
    for (int32_t t = 0; t < count; t++)
        all += 1 + (topics[t].partitions.count > 0 ? (size_t)topics[t].partitions.count : 0);
    return all;
}

/* False: more than TOLD_MOST. */
static bool tells(struct upgrade *upgrade, size_t more) {
    upgrade->told += more;
    if (upgrade->told <= TOLD_MOST) return true;
    refuse(upgrade, "its members tell of more than 50,000 topics and partitions");
    return false;
}

static void add_assigned(struct upgrade *upgrade, struct consumer_member *member,
                         struct kp_bytes bytes) {
    const struct metadata *metadata = upgrade->decision->heartbeat->metadata;
    struct kp_consumer_assignment assignment;
    struct partition_list list = {0};
    if (kp_consumer_assignment_read(bytes, &upgrade->arena, &assignment) != ERR_NONE) {
        refuse(upgrade, "the assignment of a member does not parse");
        return;
    }
    if (assignment.user_data.len > 0 && !upgrade->builtin) {
        refuse(upgrade, "its assignor puts data of its own into assignments, which would be lost");
        return;
    }
    if (!tells(upgrade, told(assignment.assigned.items, assignment.assigned.count))) return;
    named_list_read(member->group, metadata, assignment.assigned.items, assignment.assigned.count,
                    &list);
    if (!MUTANT(MUTANT_UPGRADE_FREES_ALL)) own(member, &list, upgrade->generation);
    partition_list_close(&list);
    partition_list_copy(&member->target, &member->standing.assigned);
    consumer_list_use(member->group, &member->target);
    member->has_target = true;
}

/* ---- Members ---- */

/* For mem_free of its items. */
static struct kp_consumer_classic_member said_by(const struct classic_heir *from) {
    struct kp_consumer_classic_member said = {.session_timeout_ms = from->session_timeout_ms};
    said.protocols.items = mem_alloc(from->protocol_count * sizeof *said.protocols.items);
    for (size_t p = 0; p < from->protocol_count; p++)
        said.protocols.items[said.protocols.count++] = (struct kp_consumer_classic_protocol){
            from->protocols[p].name, from->protocols[p].metadata};
    return said;
}

static struct consumer_member *add_member(struct upgrade *upgrade, const struct classic_heir *from,
                                          const struct kp_consumer_subscription *subscription) {
    struct consumer_member *member = consumer_member_make(upgrade->decision->group, from->id);
    struct shared_pool *pool = upgrade->decision->row->table->shared;
    struct kp_consumer_classic_member said = said_by(from);
    member->instance = shared_string_of(NULL, from->instance);
    member->rack = shared_string_of(pool, subscription->rack);
    member->client_id = shared_string_of(pool, from->client_id);
    member->client_host = shared_string_of(pool, from->client_host);
    member->names = topic_names_of(pool, subscription->topics.items,
                                   (size_t)subscription->topics.count);
    member->rebalance_timeout_ms = from->rebalance_timeout_ms;
    consumer_member_speaks(member, &said);
    consumer_member_enter(member);
    mem_free(said.protocols.items);
    return member;
}

static void take_member(void *arg, const struct classic_heir *from) {
    struct upgrade *upgrade = arg;
    struct kp_consumer_subscription subscription;
    if (upgrade->error != KAFKA_NONE) return;
    if (kp_consumer_subscription_read(from->subscription, &upgrade->arena, &subscription) !=
        ERR_NONE) {
        refuse(upgrade, "the subscription of a member does not parse");
        return;
    }
    if (!tells(upgrade, (size_t)subscription.topics.count +
                            told(subscription.owned.items, subscription.owned.count)))
        return;
    add_assigned(upgrade, add_member(upgrade, from, &subscription), from->assignment);
}

/* What it said that it has: one of a cooperative assignor may still be giving it back. */
static void take_claims(void *arg, const struct classic_heir *from) {
    struct upgrade *upgrade = arg;
    struct kp_consumer_subscription subscription;
    struct consumer_group *group = upgrade->decision->group;
    struct partition_list list = {0};
    if (kp_consumer_subscription_read(from->subscription, &upgrade->arena, &subscription) !=
        ERR_NONE)
        return;
    named_list_read(group, upgrade->decision->heartbeat->metadata, subscription.owned.items,
                    subscription.owned.count, &list);
    if (!MUTANT(MUTANT_UPGRADE_FREES_ALL))
        own(consumer_member_find(group, from->id), &list, upgrade->generation);
    partition_list_close(&list);
}

/* ---- The group ---- */

static int16_t too_large(struct upgrade *upgrade) {
    return consumer_refuse(
        upgrade->decision->heartbeat, KAFKA_UNKNOWN_SERVER_ERROR,
        "The records of the group have more bytes than a batch may have; raise message.max.bytes.");
}

/* Of the topics of all members a partition is in nobody's target: a member gives it back, or the
 * leader has not seen it yet. */
static bool leaves_some(const struct consumer_group *group, const struct metadata *metadata) {
    struct consumer_assignment last;
    size_t held = 0;
    consumer_assignment_init(&last, group, metadata, NULL);
    for (uint32_t i = 0; i < last.input.member_count; i++)
        held += last.rows[i].held_count;
    bool leaves = held < last.input.partition_count;
    consumer_assignment_close(&last);
    return leaves;
}

static int16_t convert(struct upgrade *upgrade) {
    struct consumer_decision *decision = upgrade->decision;
    struct group *row = decision->row;
    struct consumer_group *group = decision->group;
    struct classic_view view;
    classic_look(row, &view, NULL, NULL);
    upgrade->generation = view.generation;
    upgrade->builtin = is_builtin(classic_protocol_of(row));
    if (check_group(upgrade, &view) != KAFKA_NONE) return upgrade->error;
    classic_hand_over(row, weigh, upgrade);
    if (upgrade->bytes > most_bytes(upgrade)) return too_large(upgrade);
    classic_hand_over(row, take_member, upgrade);
    if (upgrade->error != KAFKA_NONE) return upgrade->error;
    classic_hand_over(row, take_claims, upgrade);
    consumer_topics_settle(group);
    group->epoch = group->assignment_epoch = upgrade->generation;
    group->metadata_hash = consumer_metadata_hash(group, decision->heartbeat->metadata, NULL);
    decision->target_is_void = classic_state_of(row) != CLASSIC_STABLE ||
                               leaves_some(group, decision->heartbeat->metadata);
    consumer_records_of(group, &decision->batch);
    return decision->batch.bytes > most_bytes(upgrade) ? too_large(upgrade) : KAFKA_NONE;
}

int16_t migration_upgrade(struct consumer_decision *decision) {
    struct group *row = decision->row;
    if (row->record != NULL) classic_record_add(row, NULL, &decision->batch);
    if (classic_state_of(row) == CLASSIC_EMPTY) return KAFKA_NONE;
    struct upgrade upgrade = {.decision = decision};
    kp_arena_init(&upgrade.arena, SAID_MOST);
    int16_t error = convert(&upgrade);
    kp_arena_close(&upgrade.arena);
    return error;
}

bool migration_upgraded(struct group *row) {
    if (row->classic == NULL) return false;
    classic_drop(row, KAFKA_REBALANCE_IN_PROGRESS);
    row->members = (uint32_t)row->consumer->member_count;
    return true;
}
