/* Records by the type of their key to the part that they belong to; and the beginnings and ends of
 * leading. */
#include "broker/coordinator/serving/group_coordinator.h"

#include "base/check.h"
#include "base/mutant.h"
#include "broker/coordinator/classic/classic_group.h"
#include "broker/coordinator/consumer/consumer_records.h"
#include "broker/coordinator/group/group_history.h"
#include "broker/coordinator/migration/migration.h"
#include "broker/coordinator/serving/group_coordinator_internal.h"
#include "broker/coordinator/serving/group_offsets.h"
#include "broker/coordinator/serving/group_records.h"
#include "protocol/coordinator_records/coordinator_record.h"
#include "protocol/kafka_error.h"

static void topic_removed(void *arg, const struct metadata_topic *topic) {
    struct group_coordinator *coordinator = arg;
    offset_sweep_topic_gone(coordinator->sweep, topic->name, topic->id);
}

struct group_coordinator *group_coordinator_new(const struct group_coordinator_options *options,
                                                struct coordinator_log *log) {
    static const struct metadata_events events = {.topic_removed = topic_removed};
    struct group_coordinator *coordinator = mem_zalloc(sizeof *coordinator);
    group_table_init(&coordinator->groups, options->env, options->settings, log, options->memory);
    coordinator->groups.watch = options->watch;
    coordinator->groups.sharing = options->sharing;
    coordinator->lines = options->lines;
    coordinator->groups.conversions = &migration_conversions;
    coordinator->groups.metadata = coordinator->metadata = options->metadata;
    coordinator->offsets = offset_store_new(&coordinator->groups, env_random_u64(options->env));
    struct offset_sweep_options sweep = {.table = &coordinator->groups,
                                         .store = coordinator->offsets,
                                         .rules = &group_offset_rules,
                                         .metadata = options->metadata,
                                         .ask = options->ask,
                                         .ask_cancel = options->ask_cancel,
                                         .ask_arg = options->ask_arg};
    coordinator->sweep = offset_sweep_new(&sweep);
    coordinator->listener = (struct metadata_listener){.events = &events, .arg = coordinator};
    return coordinator;
}

struct group_table *group_coordinator_groups(struct group_coordinator *coordinator) {
    return &coordinator->groups;
}

/* ---- The state ---- */

/* A group is of one kind. Of a log that was compacted, or written by others, the last word counts.
 */
static void keep_one_kind(struct group_table *groups, const struct kp_record_type *type,
                          const struct coordinator_record *record) {
    union { /* all begin with the group */
        struct kp_string group;
        struct kp_classic_group_key classic;
        struct kp_consumer_group_key consumer;
        struct kp_consumer_member_key member;
        struct kp_consumer_regex_key regex;
    } key;
    if (kp_record_key_decode(type, record->key, record->key_len, &key) != ERR_NONE) return;
    struct group *group = group_find(groups, key.group);
    if (group == NULL || group->record == NULL || group->consumer == NULL) return;
    if (type->number == KP_RECORD_CLASSIC_GROUP)
        consumer_group_drop(group);
    else
        classic_record_free(group);
}

static void coordinator_apply(void *state, const struct coordinator_record *record,
                              const struct coordinator_place *place) {
    struct group_coordinator *coordinator = state;
    const struct kp_record_type *type = kp_record_type_of(record->key, record->key_len);
    if (type == NULL) return;
    if (type->number == KP_RECORD_LEGACY_OFFSET || type->number == KP_RECORD_OFFSET)
        /* what is none is passed over */
        offset_store_apply(coordinator->offsets, type, record, place);
    if (type->number == KP_RECORD_SHARE_GROUP || type->number == KP_RECORD_SHARE_PLACES)
        share_group_apply(&coordinator->groups, type, record);
    bool classic = type->number == KP_RECORD_CLASSIC_GROUP;
    bool consumer = consumer_records_take(type->number);
    if (consumer) consumer_records_apply(&coordinator->groups, type, record);
    if (classic) classic_apply(&coordinator->groups, record);
    if (classic || consumer) keep_one_kind(&coordinator->groups, type, record);
}

static void coordinator_ended(void *state, int64_t producer_id, bool commit) {
    struct group_coordinator *coordinator = state;
    offset_store_end(coordinator->offsets, producer_id, commit);
}

static void coordinator_leading(void *state) {
    struct group_coordinator *coordinator = state;
    struct group_table *groups = &coordinator->groups;
    groups->leading = true;
    groups->leading_since_ms = env_now_ms(groups->env);
    for (struct group *group = groups->groups; group != NULL; group = group->hh.next) {
        if (MUTANT(MUTANT_SESSIONS_NOT_BEGUN)) continue;
        classic_leading(group);
        if (group->consumer != NULL) consumer_sessions_begin(group->consumer);
    }
    metadata_listen(coordinator->metadata, &coordinator->listener);
    offset_sweep_leading(coordinator->sweep);
}

static void coordinator_lost(void *state) {
    struct group_coordinator *coordinator = state;
    struct group_table *groups = &coordinator->groups;
    groups->leading = false;
    struct group *group, *next;
    HASH_ITER(hh, groups->groups, group, next) {
        group_turns_refuse(group, KAFKA_NOT_COORDINATOR);
        classic_drop(group, KAFKA_NOT_COORDINATOR);
        group_history_drop(group);
        if (group->consumer != NULL) consumer_sessions_end(group->consumer);
        if (group->share != NULL) share_group_lost(group->share);
        if (MUTANT(MUTANT_PENDING_OFFSETS_LOST)) pending_offsets_forget(group);
        group_settle(group);
    }
    metadata_unlisten(coordinator->metadata, &coordinator->listener);
    offset_sweep_lost(coordinator->sweep);
}

static void coordinator_settled(void *state) {
    struct group_coordinator *coordinator = state;
    classic_settled(&coordinator->groups);
    consumer_sessions_settled(&coordinator->groups);
    group_table_settled(&coordinator->groups);
}

static bool coordinator_records(void *state, void **walk, size_t most,
                                void (*sink)(void *arg, const struct coordinator_record *record),
                                void *arg) {
    struct group_coordinator *coordinator = state;
    return group_records_step(&coordinator->groups, coordinator->offsets, walk, most, sink, arg);
}

static void coordinator_records_stop(void *state, void *walk) {
    (void)state;
    group_records_stop(walk);
}

static void coordinator_free(void *state) {
    struct group_coordinator *coordinator = state;
    struct group *group, *next;
    group_calls_tell(&coordinator->groups);
    HASH_ITER(hh, coordinator->groups.groups, group, next) {
        classic_record_free(group);
        consumer_group_drop(group);
        share_group_drop(group);
        offset_store_forget(group);
        group_settle(group);
    }
    offset_sweep_free(coordinator->sweep);
    offset_store_free(coordinator->offsets);
    group_table_close(&coordinator->groups);
    mem_free(coordinator);
}

static bool coordinator_unsettled(const void *state) {
    const struct group_coordinator *coordinator = state;
    return coordinator->groups.rebalancing > 0;
}

const struct coordinator_state group_coordinator_state = {.apply = coordinator_apply,
                                                          .ended = coordinator_ended,
                                                          .leading = coordinator_leading,
                                                          .lost = coordinator_lost,
                                                          .records = coordinator_records,
                                                          .records_stop = coordinator_records_stop,
                                                          .free = coordinator_free,
                                                          .settled = coordinator_settled,
                                                          .unsettled = coordinator_unsettled};
