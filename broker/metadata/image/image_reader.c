/* Parts of an image into the rows of a new table: each is checked before it changes anything. Of a
 * topic some partitions are read in each step. */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/config/topic_name.h"
#include "broker/metadata/image/image_parts.h"
#include "broker/metadata/image/metadata_image.h"
#include "broker/metadata/metadata_features.h"
#include "broker/metadata/metadata_roster.h"
#include "storage/little_endian.h"

enum { PARTITIONS_A_STEP = 256 };

/* ---- Head, brokers, roster ---- */

static int read_head(struct image_reader *reader, const struct image_head *head) {
    struct metadata *into = reader->into;
    if (head->format != IMAGE_FORMAT) return ERR_VERSION;
    if (head->version < 0 || (log_index)head->version > reader->index ||
        head->next_group <= METADATA_GROUP || head->next_replica < 1 || head->next_producer_id < 0)
        return ERR_MALFORMED;
    into->version = (uint64_t)head->version;
    into->next_group = (uint64_t)head->next_group;
    into->next_replica = (uint64_t)head->next_replica;
    into->next_producer_id = head->next_producer_id;
    return ERR_NONE;
}

static int read_broker(struct image_reader *reader, const struct image_broker *part) {
    if (part->node < 0 || metadata_broker_of(reader->into, part->node) != NULL)
        return ERR_MALFORMED;
    struct command_register_broker command = {
        .node = part->node, .directory = part->directory, .rack = part->rack};
    command.endpoints.items = part->endpoints.items;
    command.endpoints.count = part->endpoints.count;
    command.features.items = part->features.items;
    command.features.count = part->features.count;
    struct broker_row *row = metadata_rows_broker(reader->into, part->node, true);
    broker_row_set(row, &command);
    row->broker.fenced = part->fenced;
    row->broker.fenced_ms = part->fenced ? part->fenced_ms : 0;
    return ERR_NONE;
}

static int read_member(struct metadata *into, const struct image_member *part) {
    if (part->node < 0 || part->replica < 1 || (uint64_t)part->replica >= into->next_replica ||
        into->roster_count == ROSTER_MAX || metadata_roster_of(into, part->node) != NULL ||
        metadata_roster_with_replica(into, (replica_id)part->replica) != NULL)
        return ERR_MALFORMED;
    struct roster_broker row = {.node = part->node,
                                .replica = (replica_id)part->replica,
                                .port = part->port,
                                .draining = part->draining,
                                .votes = part->votes,
                                .given_up = part->given_up};
    memcpy(row.directory, part->directory.bytes, METADATA_UUID_SIZE);
    row.host = mem_text(part->host.len > 0 ? part->host.data : "", (size_t)part->host.len);
    metadata_roster_put(into, &row);
    return ERR_NONE;
}

static int read_roster(struct image_reader *reader, const struct image_roster *part) {
    int error = ERR_NONE;
    for (int32_t i = 0; error == ERR_NONE && i < part->members.count; i++)
        error = read_member(reader->into, &part->members.items[i]);
    return error;
}

static int read_retired(struct image_reader *reader, const struct image_retired *part) {
    struct metadata *into = reader->into;
    for (int32_t i = 0; i < part->gone.count; i++) {
        into->retired = mem_grow(into->retired, into->retired_count, &into->retired_room,
                                 sizeof *into->retired);
        struct retired_broker *gone = &into->retired[into->retired_count++];
        gone->node = part->gone.items[i].node;
        memcpy(gone->directory, part->gone.items[i].directory.bytes, METADATA_UUID_SIZE);
    }
    return ERR_NONE;
}

/* ---- Topics ---- */

static bool replicas_make_sense(const struct metadata *into, const struct image_partition *part) {
    int32_t count = part->replicas.count;
    if (count < 1 || count > METADATA_REPLICAS_MAX || part->leaving_count < 0 ||
        part->leaving_count >= count)
        return false;
    for (int32_t i = 0; i < count; i++) {
        const struct image_replica *replica = &part->replicas.items[i];
        if (replica->replica < 1 || (uint64_t)replica->replica >= into->next_replica) return false;
        for (int32_t j = 0; j < i; j++) {
            /* Below 0 is nobody: of that there may be several. */
            bool same_node = replica->node >= 0 && part->replicas.items[j].node == replica->node;
            if (same_node || part->replicas.items[j].replica == replica->replica) return false;
        }
    }
    return true;
}

static bool partition_makes_sense(const struct metadata *into, const struct image_partition *part) {
    if (part->group <= METADATA_GROUP || (uint64_t)part->group >= into->next_group ||
        metadata_partition_of_group(into, (uint64_t)part->group) != NULL)
        return false;
    if (part->created < 1 || (uint64_t)part->created > into->version || part->plan < 0 ||
        (uint64_t)part->plan > into->version)
        return false;
    if (part->first_replica < 1 || part->first_count < 1 ||
        part->first_count > METADATA_REPLICAS_MAX ||
        (uint64_t)part->first_replica + (uint64_t)part->first_count > into->next_replica)
        return false;
    if (part->recovery_replica < 0 || part->recovery_term < 0 || part->recovery_term > UINT32_MAX ||
        part->recovery_index < 0 || part->configured < 0)
        return false;
    return replicas_make_sense(into, part);
}

static struct metadata_replica *copy_replicas(const struct image_partition *part) {
    struct metadata_replica *replicas = mem_alloc((size_t)part->replicas.count * sizeof *replicas);
    for (int32_t r = 0; r < part->replicas.count; r++)
        replicas[r] = (struct metadata_replica){
            .replica = (replica_id)part->replicas.items[r].replica,
            .node = part->replicas.items[r].node,
            .joining = part->replicas.items[r].joining,
            .fresh = part->replicas.items[r].fresh};
    return replicas;
}

static int add_partition(struct image_reader *reader, const struct image_partition *part) {
    struct metadata *into = reader->into;
    struct topic_row *topic = reader->topic;
    int32_t index = topic->topic.partition_count;
    if (!partition_makes_sense(into, part)) return ERR_MALFORMED;
    topic->partitions[index] = (struct metadata_partition){
        .topic = &topic->topic,
        .index = index,
        .group = (uint64_t)part->group,
        .created = (uint64_t)part->created,
        .plan = (uint64_t)part->plan,
        .configured = (log_index)part->configured,
        .recovery = {.replica = (replica_id)part->recovery_replica,
                     .term = (log_term)part->recovery_term,
                     .index = (log_index)part->recovery_index},
        .first_replica = (replica_id)part->first_replica,
        .first_count = (size_t)part->first_count,
        .replicas = copy_replicas(part),
        .replica_count = (size_t)(part->replicas.count - part->leaving_count),
        .leaving_count = (size_t)part->leaving_count};
    metadata_rows_add_group(into, topic, index);
    reader->planned += part->plan > 0;
    return ERR_NONE;
}

static bool topic_makes_sense(const struct image_reader *reader, const struct image_topic *part,
                              int32_t partitions) {
    const struct metadata *into = reader->into;
    struct error_text why;
    return part->name.len >= 0 &&
           topic_name_check(part->name.data, (size_t)part->name.len, &why) == ERR_NONE &&
           metadata_topic_named(into, part->name.data, (size_t)part->name.len) == NULL &&
           !kp_uuid_is_zero(part->id) && metadata_topic_with_id(into, part->id.bytes) == NULL &&
           part->created > 0 && (uint64_t)part->created > reader->last_topic &&
           (uint64_t)part->created <= into->version && partitions >= 1 &&
           partitions <= METADATA_PARTITIONS_MAX;
}

static int read_ring(struct metadata_requests *into, int64_t count, const struct kp_uuid *ids,
                     int32_t id_count) {
    int64_t most = count < METADATA_REQUESTS_KEPT ? count : METADATA_REQUESTS_KEPT;
    if (count < 0 || count > UINT32_MAX || id_count != most) return ERR_MALFORMED;
    into->count = (uint32_t)count;
    for (int32_t i = 0; i < id_count; i++)
        into->ids[i] = ids[i];
    return ERR_NONE;
}

/* All but its partitions. */
static int add_topic(struct image_reader *reader, const struct image_topic *part,
                     int32_t partitions) {
    if (!topic_makes_sense(reader, part, partitions)) return ERR_MALFORMED;
    struct command_create_topic command = {.name = part->name, .id = part->id};
    command.configs.items = part->configs.items;
    command.configs.count = part->configs.count;
    reader->topic = metadata_rows_add_topic(reader->into, &command, (log_index)part->created);
    reader->last_topic = (uint64_t)part->created;
    reader->partitions = partitions;
    metadata_rows_grow(reader->topic, partitions);
    return read_ring(&reader->topic->requests, part->request_count, part->requests.items,
                     part->requests.count);
}

static int read_partition(struct image_reader *reader) {
    struct image_partition part;
    struct kp_arena arena;
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    int error = kp_decode(&image_partition_schema, 0, &reader->of_topic, &arena, &part);
    if (error == ERR_NONE) error = add_partition(reader, &part);
    kp_arena_close(&arena);
    return error;
}

/* Some of them; behind the last one the part is over. */
static int read_partitions(struct image_reader *reader) {
    int error = ERR_NONE;
    struct kp_reader *from = &reader->of_topic;
    const int32_t *count = &reader->topic->topic.partition_count;
    for (int i = 0; error == ERR_NONE && i < PARTITIONS_A_STEP && *count < reader->partitions; i++)
        error = read_partition(reader);
    if (error != ERR_NONE || *count < reader->partitions) return error;
    kp_skip_tags(from);
    if (from->error != ERR_NONE || kp_reader_left(from) > 0) return ERR_MALFORMED;
    reader->topic = NULL;
    return ERR_NONE;
}

static int read_topic(struct image_reader *reader, const uint8_t *bytes, size_t len) {
    struct image_topic part;
    struct kp_arena arena;
    int32_t partitions;
    kp_reader_init(&reader->of_topic, bytes, len);
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    int error = kp_decode_front(&image_schemas[IMAGE_TOPIC], 0, &reader->of_topic, &arena, &part,
                                &partitions);
    if (error == ERR_NONE) error = add_topic(reader, &part, partitions);
    kp_arena_close(&arena);
    return error;
}

/* ---- What else has settings, and plans ---- */

static int read_resource(struct image_reader *reader, const struct image_resource *part) {
    struct metadata_resources *into = &reader->into->resources;
    enum config_resource_type type = (enum config_resource_type)part->type;
    const struct metadata_resource *last = metadata_resources_last(into);
    if (part->type < 0 || !metadata_resources_take(type) || part->name.len < 0 ||
        part->configs.count < 1 || part->created < 1 ||
        (uint64_t)part->created > reader->into->version ||
        (last != NULL && last->created >= (uint64_t)part->created) ||
        metadata_resource_named(reader->into, type, part->name.data, (size_t)part->name.len) !=
            NULL)
        return ERR_MALFORMED;
    metadata_resources_put(into, type, part->name, (log_index)part->created, part->configs.items,
                           part->configs.count);
    return ERR_NONE;
}

static int read_requests(struct image_reader *reader, const struct image_requests *part) {
    if (part->rings.count != METADATA_RESOURCE_RINGS) return ERR_MALFORMED;
    int error = ERR_NONE;
    for (int32_t i = 0; error == ERR_NONE && i < part->rings.count; i++) {
        const struct image_ring *ring = &part->rings.items[i];
        error = read_ring(&reader->into->resources.requests[i], ring->count, ring->requests.items,
                          ring->requests.count);
    }
    return error;
}

static int read_plans(struct image_reader *reader, const struct image_plans *part) {
    struct metadata *into = reader->into;
    for (int32_t i = 0; i < part->groups.count; i++) {
        const struct metadata_partition *partition = metadata_partition_of_group(
            into, (uint64_t)part->groups.items[i]);
        size_t before = into->plan_count;
        if (partition == NULL || partition->plan == 0) return ERR_MALFORMED;
        metadata_rows_note_plan(into, partition);
        if (into->plan_count == before) return ERR_MALFORMED; /* named twice */
    }
    reader->has_plans = true;
    return into->plan_count == reader->planned ? ERR_NONE : ERR_MALFORMED;
}

static int read_features(struct image_reader *reader, const struct image_features *part) {
    struct metadata *into = reader->into;
    if (part->set < 1 || (uint64_t)part->set > into->version) return ERR_MALFORMED;
    for (int32_t i = 0; i < part->levels.count; i++) {
        const struct image_level *level = &part->levels.items[i];
        if (level->name.len < 0 || level->level < 0 ||
            (level->highest != 0 && level->highest <= level->level))
            return ERR_MALFORMED;
        if (level->highest != 0) metadata_features_put(into, level->name, level->highest);
        metadata_features_put(into, level->name, level->level);
        if (into->feature_count != (size_t)i + 1) return ERR_MALFORMED; /* named twice */
    }
    into->features_set = (uint64_t)part->set;
    return ERR_NONE;
}

/* ---- Users ---- */

static int read_user_key(struct metadata *into, const struct image_user_key *part) {
    const struct command_user_key from = {.name = part->name,
                                          .mechanism = part->mechanism,
                                          .iterations = part->iterations,
                                          .salt = part->salt,
                                          .stored_key = part->stored_key,
                                          .server_key = part->server_key};
    struct user_key key;
    if (part->changed < 1 || (uint64_t)part->changed > into->version ||
        !metadata_user_key_read(&from, &key))
        return ERR_MALFORMED;
    key.changed = (uint64_t)part->changed;
    key.name = mem_text(part->name.data, (size_t)part->name.len);
    user_table_set(&into->users, &key);
    mem_free(key.name);
    scram_wipe(&key, sizeof key);
    return ERR_NONE;
}

static int read_users(struct image_reader *reader, const struct image_users *part) {
    struct user_table *users = &reader->into->users;
    int error = ERR_NONE;
    if (part->secret.len != USER_SECRET_SIZE || part->changed < 0 ||
        (uint64_t)part->changed > reader->into->version || part->keys.count > USER_KEYS_MAX)
        return ERR_MALFORMED;
    for (int32_t i = 0; error == ERR_NONE && i < part->keys.count; i++) {
        error = read_user_key(reader->into, &part->keys.items[i]);
        if (error == ERR_NONE && users->count != (size_t)i + 1) error = ERR_MALFORMED; /* twice */
    }
    memcpy(users->secret, part->secret.data, sizeof users->secret);
    users->has_secret = true;
    users->changed = (uint64_t)part->changed;
    return error;
}

static int read_acls(struct image_reader *reader, const struct image_acls *part) {
    struct acl_table *rules = &reader->into->rules;
    struct acl_rule rule;
    if (part->changed < 1 || (uint64_t)part->changed > reader->into->version ||
        part->rules.count > ACL_RULES_MAX)
        return ERR_MALFORMED;
    for (int32_t i = 0; i < part->rules.count; i++)
        if (!metadata_rule_read(&part->rules.items[i], &rule) || !acl_table_add(rules, &rule))
            return ERR_MALFORMED;
    rules->changed = (uint64_t)part->changed;
    return ERR_NONE;
}

static int read_quotas(struct image_reader *reader, const struct image_quotas *part) {
    struct quota_table *quotas = &reader->into->quotas;
    struct quota_entity entity;
    enum quota_key key;
    if (part->changed < 1 || (uint64_t)part->changed > reader->into->version) return ERR_MALFORMED;
    for (int32_t i = 0; i < part->quotas.count; i++) {
        double value = part->quotas.items[i].value;
        if (!metadata_quota_read(&part->quotas.items[i], &entity, &key) || value <= 0)
            return ERR_MALFORMED;
        quota_table_set(quotas, &entity, key, value);
    }
    quotas->changed = (uint64_t)part->changed;
    return quotas->count > QUOTA_ENTITIES_MAX ? ERR_MALFORMED : ERR_NONE;
}

/* ---- Parts ---- */

union image_part {
    struct image_head head;
    struct image_broker broker;
    struct image_roster roster;
    struct image_retired retired;
    struct image_resource resource;
    struct image_requests requests;
    struct image_plans plans;
    struct image_features features;
    struct image_users users;
    struct image_acls acls;
    struct image_quotas quotas;
};

static int take(struct image_reader *reader, enum image_kind kind, const union image_part *part) {
    switch (kind) {
    case IMAGE_HEAD: return read_head(reader, &part->head);
    case IMAGE_BROKER: return read_broker(reader, &part->broker);
    case IMAGE_ROSTER: return read_roster(reader, &part->roster);
    case IMAGE_RETIRED: return read_retired(reader, &part->retired);
    case IMAGE_RESOURCE: return read_resource(reader, &part->resource);
    case IMAGE_REQUESTS: return read_requests(reader, &part->requests);
    case IMAGE_PLANS: return read_plans(reader, &part->plans);
    case IMAGE_FEATURES: return read_features(reader, &part->features);
    case IMAGE_USERS: return read_users(reader, &part->users);
    case IMAGE_ACLS: return read_acls(reader, &part->acls);
    case IMAGE_QUOTAS: return read_quotas(reader, &part->quotas);
    case IMAGE_TOPIC: /* read_topic */
    case IMAGE_KINDS: break;
    }
    return ERR_VERSION;
}

/* The head comes first, plans, levels, users, rules and quotas last; rows of a kind together, the
 * others once. */
static bool is_in_order(const struct image_reader *reader, uint8_t kind) {
    bool rows = kind == IMAGE_BROKER || kind == IMAGE_TOPIC || kind == IMAGE_RESOURCE;
    if (reader->at == 0) return kind == IMAGE_HEAD;
    return kind > reader->last_kind || (rows && kind == reader->last_kind);
}

static bool head_is_known(struct slice image) {
    struct image_reader reader = {
        .into = metadata_new(0, 0), .index = UINT64_MAX, .bytes = image.data, .len = image.len};
    int error = image_read_part(&reader);
    metadata_free(reader.into);
    return error == ERR_NONE;
}

bool image_is_known(struct slice image) {
    size_t at = 0;
    while (image.len - at >= IMAGE_PART_HEAD) {
        size_t len = le_get_u32(image.data + at + 1), left = image.len - at - IMAGE_PART_HEAD;
        uint8_t kind = image.data[at];
        if (kind == 0 || kind >= IMAGE_KINDS || len > left) return false;
        at += IMAGE_PART_HEAD + len;
    }
    return at == image.len && head_is_known(image);
}

static int read_whole(struct image_reader *reader, enum image_kind kind, const uint8_t *bytes,
                      size_t len) {
    union image_part part;
    struct kp_reader from;
    struct kp_arena arena;
    kp_reader_init(&from, bytes, len);
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    int error = kp_decode(&image_schemas[kind], 0, &from, &arena, &part);
    if (error == ERR_NONE && kp_reader_left(&from) > 0) error = ERR_MALFORMED;
    if (error == ERR_NONE) error = take(reader, kind, &part);
    kp_arena_close(&arena);
    return error;
}

int image_read_part(struct image_reader *reader) {
    if (reader->topic != NULL) return read_partitions(reader);
    size_t left = reader->len - reader->at;
    const uint8_t *bytes = reader->bytes + reader->at;
    if (left == 0) return reader->has_plans ? ERR_EOF : ERR_MALFORMED;
    if (left < IMAGE_PART_HEAD) return ERR_MALFORMED;
    uint8_t kind = bytes[0];
    size_t len = le_get_u32(bytes + 1);
    if (kind == 0 || kind >= IMAGE_KINDS) return ERR_VERSION;
    if (len > left - IMAGE_PART_HEAD || len > IMAGE_PART_MAX || !is_in_order(reader, kind))
        return ERR_MALFORMED;
    int error = kind == IMAGE_TOPIC
                    ? read_topic(reader, bytes + IMAGE_PART_HEAD, len)
                    : read_whole(reader, (enum image_kind)kind, bytes + IMAGE_PART_HEAD, len);
    if (error != ERR_NONE) return error;
    reader->at += IMAGE_PART_HEAD + len;
    reader->last_kind = kind;
    return ERR_NONE;
}
