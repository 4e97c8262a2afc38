/* Levels that were set, and what brokers know, as lists of a few names. */
#include "broker/metadata/metadata_features.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/metadata/metadata_rows.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/api_table.h"

static const struct metadata_feature known[] = {
    {FEATURE_TRANSACTION_VERSION, 0, 2}, {FEATURE_SECURITY_VERSION, 0, 2},
    {FEATURE_SHARE_VERSION, 0, 3},       {FEATURE_QUOTA_VERSION, 0, 1},
    {FEATURE_DELAY_VERSION, 0, 1},
};
_Static_assert(sizeof known / sizeof known[0] <= METADATA_FEATURES_MAX,
               "others have room for them");

const struct metadata_feature *metadata_features_known(size_t *count) {
    *count = sizeof known / sizeof known[0];
    return known;
}

/* ---- Levels ---- */

static struct feature_row *feature_set(const struct metadata *metadata, struct kp_string name) {
    for (size_t i = 0; i < metadata->feature_count; i++)
        if (kp_string_is(name, metadata->features[i].set.name)) return &metadata->features[i];
    return NULL;
}

static int16_t level_of(const struct metadata *metadata, struct kp_string name) {
    const struct feature_row *feature = feature_set(metadata, name);
    return feature == NULL ? 0 : feature->set.max;
}

int16_t metadata_feature_level(const struct metadata *metadata, const char *name) {
    return level_of(metadata, kp_string_of(name));
}

size_t metadata_feature_count(const struct metadata *metadata) {
    return metadata->feature_count;
}

const struct metadata_feature *metadata_feature_at(const struct metadata *metadata, size_t place) {
    return &metadata->features[place].set;
}

int64_t metadata_features_epoch(const struct metadata *metadata) {
    return metadata->features_set == 0 ? -1 : (int64_t)metadata->features_set;
}

void metadata_features_put(struct metadata *metadata, struct kp_string name, int16_t level) {
    struct feature_row *feature = feature_set(metadata, name);
    if (feature == NULL) {
        metadata->features = mem_grow(metadata->features, metadata->feature_count,
                                      &metadata->feature_room, sizeof *metadata->features);
        feature = &metadata->features[metadata->feature_count++];
        *feature = (struct feature_row){.set.name = mem_text(name.data, (size_t)name.len)};
    }
    feature->set.min = feature->set.max = level;
    if (feature->highest < level) feature->highest = level;
}

/* ---- What brokers know ---- */

/* Of one that says nothing of it: 0 to 0. */
static struct metadata_feature knowledge_of(const struct metadata_broker *broker,
                                            struct kp_string name) {
    for (size_t i = 0; broker != NULL && i < broker->feature_count; i++)
        if (kp_string_is(name, broker->features[i].name)) return broker->features[i];
    return (struct metadata_feature){.name = ""};
}

int16_t metadata_feature_to_raise(const struct metadata *metadata, const char *name) {
    struct kp_string text = kp_string_of(name);
    int16_t most = INT16_MAX;
    if (feature_set(metadata, text) != NULL) return 0;
    for (size_t i = 0; i < metadata_roster_count(metadata); i++) {
        int32_t node = metadata_roster_at(metadata, i)->node;
        int16_t knows = knowledge_of(metadata_broker_of(metadata, node), text).max;
        if (knows < most) most = knows;
    }
    return most == INT16_MAX ? 0 : most;
}

bool metadata_features_undecided(const struct metadata *metadata) {
    bool undecided = false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        undecided = undecided || feature_set(metadata, kp_string_of(known[i].name)) == NULL;
    return undecided;
}

static bool all_know(const struct metadata *metadata, const struct command_feature_level *asked,
                     struct metadata_result *result) {
    int len = asked->name.len > 60 ? 60 : (int)asked->name.len;
    for (size_t i = 0; i < metadata_roster_count(metadata); i++) {
        int32_t node = metadata_roster_at(metadata, i)->node;
        struct metadata_feature knows = knowledge_of(metadata_broker_of(metadata, node),
                                                     asked->name);
        if (knows.name[0] == '\0')
            return metadata_refuse(result, KAFKA_INVALID_UPDATE_VERSION,
                                   "Broker %" PRId32 " does not know the feature %.*s.", node, len,
                                   asked->name.data);
        if (asked->level < knows.min || asked->level > knows.max)
            return metadata_refuse(result, KAFKA_INVALID_UPDATE_VERSION,
                                   "Broker %" PRId32 " knows the levels %d to %d of %.*s, not %d.",
                                   node, knows.min, knows.max, len, asked->name.data, asked->level);
    }
    return true;
}

/* ---- Changes ---- */

/* By what is the same in every table, also in those that were written by older versions. */
static bool may_set(const struct metadata *metadata, const struct command_feature_level *asked,
                    struct metadata_result *result) {
    int16_t level = level_of(metadata, asked->name);
    bool upgrades = asked->change == FEATURE_UPGRADE;
    int len = asked->name.len > 60 ? 60 : (int)asked->name.len;
    if (asked->change < FEATURE_UPGRADE || asked->change > FEATURE_UNSAFE_DOWNGRADE)
        return metadata_refuse(result, KAFKA_INVALID_UPDATE_VERSION,
                               "A level is upgraded (1) or downgraded (2, 3); %d is neither.",
                               asked->change);
    if (asked->level < 0)
        return metadata_refuse(result, KAFKA_INVALID_UPDATE_VERSION,
                               "A level is 0 or above, not %d.", asked->level);
    if (upgrades && asked->level < level)
        return metadata_refuse(result, KAFKA_INVALID_UPDATE_VERSION,
                               "%.*s is at level %d; %d would be a downgrade, ask for it as one.",
                               len, asked->name.data, level, asked->level);
    return upgrades || asked->level <= level ||
           metadata_refuse(result, KAFKA_INVALID_UPDATE_VERSION,
                           "%.*s is at level %d; %d would be an upgrade, ask for it as one.", len,
                           asked->name.data, level, asked->level);
}

/* Quotas hold, and are in what is told of the table, as long as there are any: so they go first. */
static bool has_no_quotas(const struct metadata *metadata,
                          const struct command_feature_level *asked,
                          struct metadata_result *result) {
    return asked->level > 0 || metadata->quotas.count == 0 ||
           !kp_string_is(asked->name, FEATURE_QUOTA_VERSION) ||
           metadata_refuse(result, KAFKA_INVALID_UPDATE_VERSION,
                           "%zu users, clients and addresses have quotas; take them away first.",
                           metadata->quotas.count);
}

/* What is held back is in logs and snapshots, also when no topic asks for it any more. */
static bool stays(const struct metadata *metadata, const struct command_feature_level *asked,
                  struct metadata_result *result) {
    return asked->level >= level_of(metadata, asked->name) ||
           !kp_string_is(asked->name, FEATURE_DELAY_VERSION) ||
           metadata_refuse(
               result, KAFKA_INVALID_UPDATE_VERSION,
               FEATURE_DELAY_VERSION
               " cannot be lowered: logs may have records that are delivered later, "
               "which no older version knows; set delay.enable=false on topics instead.");
}

bool metadata_features_check(const struct metadata *metadata,
                             const struct command_set_features *command,
                             struct metadata_result *result) {
    bool may = true;
    for (int32_t i = 0; may && i < command->levels.count; i++)
        may = all_know(metadata, &command->levels.items[i], result) &&
              may_set(metadata, &command->levels.items[i], result) &&
              has_no_quotas(metadata, &command->levels.items[i], result) &&
              stays(metadata, &command->levels.items[i], result);
    return may;
}

void metadata_features_set(struct metadata *metadata, const struct command_set_features *command,
                           log_index index, struct metadata_result *result) {
    for (int32_t i = 0; i < command->levels.count; i++)
        if (!may_set(metadata, &command->levels.items[i], result)) return;
    for (int32_t i = 0; i < command->levels.count; i++)
        metadata_features_put(metadata, command->levels.items[i].name,
                              command->levels.items[i].level);
    metadata->features_set = index;
}

/* ---- Who registers ---- */

static struct metadata_feature told_of(const struct command_register_broker *command,
                                       const char *name) {
    struct metadata_feature knows = {.name = name};
    for (int32_t f = 0; f < command->features.count; f++) {
        if (!kp_string_is(command->features.items[f].name, name)) continue;
        knows.min = command->features.items[f].min;
        knows.max = command->features.items[f].max;
    }
    return knows;
}

bool metadata_features_may_register(const struct metadata *metadata,
                                    const struct command_register_broker *command,
                                    struct metadata_result *result) {
    for (size_t i = 0; i < metadata->feature_count; i++) {
        const struct metadata_feature *feature = &metadata->features[i].set;
        struct metadata_feature knows = told_of(command, feature->name);
        if (feature->max < knows.min || feature->max > knows.max)
            return metadata_refuse(result, KAFKA_UNSUPPORTED_VERSION,
                                   "%.60s is at level %d, and broker %" PRId32
                                   " knows %d to %d: give it the version that the others have",
                                   feature->name, feature->max, command->node, knows.min,
                                   knows.max);
    }
    return true;
}

bool metadata_features_can_read(const struct metadata *metadata,
                                const struct command_register_broker *command,
                                struct metadata_result *result) {
    static const char *const in_logs[] = {FEATURE_SHARE_VERSION, FEATURE_DELAY_VERSION};
    for (size_t i = 0; i < sizeof in_logs / sizeof in_logs[0]; i++) {
        const struct feature_row *feature = feature_set(metadata, kp_string_of(in_logs[i]));
        struct metadata_feature knows = told_of(command, in_logs[i]);
        if (feature != NULL && feature->highest > knows.max)
            return metadata_refuse(result, KAFKA_UNSUPPORTED_VERSION,
                                   "%s is at level %d, but was at %d, and what was written then is "
                                   "in logs; broker %" PRId32
                                   " knows %d to %d: give it the version that the others have",
                                   in_logs[i], feature->set.max, feature->highest, command->node,
                                   knows.min, knows.max);
    }
    return true;
}
