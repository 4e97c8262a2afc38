/* The rows of the table into parts of an image. */
#include "broker/metadata/image/metadata_image.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/metadata/image/image_parts.h"
#include "broker/metadata/metadata_roster.h"
#include "storage/little_endian.h"

/* What is new in one of these belongs into its part, and into the reader: else a start forgets it.
 */
_Static_assert(sizeof(struct roster_broker) == 48 && sizeof(struct retired_broker) == 20 &&
                   sizeof(struct metadata_broker) == 80 && sizeof(struct metadata_topic) == 64 &&
                   sizeof(struct metadata_partition) == 112 &&
                   sizeof(struct metadata_replica) == 16 && sizeof(struct feature_row) == 24,
               "all of a row is in the image");

static struct kp_string text_of(const char *text) {
    return kp_string_of(text == NULL ? "" : text);
}

static struct kp_uuid uuid_of(const uint8_t bytes[METADATA_UUID_SIZE]) {
    struct kp_uuid uuid;
    memcpy(uuid.bytes, bytes, METADATA_UUID_SIZE);
    return uuid;
}

/* Its kind and length in front of it. */
static struct slice encode(enum image_kind kind, const void *part) {
    struct kp_writer writer;
    uint8_t *data;
    size_t len;
    kp_writer_init(&writer, IMAGE_PART_MAX);
    kp_write_int8(&writer, (int8_t)kind);
    kp_write_int32(&writer, 0);
    kp_encode(&image_schemas[kind], 0, part, &writer);
    int error = kp_writer_take(&writer, &data, &len);
    CHECK(error == ERR_NONE); /* rows are bounded where they are made, and have no nulls */
    le_put_u32(data + 1, (uint32_t)(len - IMAGE_PART_HEAD));
    return slice_adopt(NULL, data, len);
}

struct slice image_of_head(const struct metadata *metadata) {
    struct image_head head = {.format = IMAGE_FORMAT,
                              .version = (int64_t)metadata->version,
                              .next_group = (int64_t)metadata->next_group,
                              .next_replica = (int64_t)metadata->next_replica,
                              .next_producer_id = metadata->next_producer_id};
    return encode(IMAGE_HEAD, &head);
}

struct slice image_of_broker(const struct broker_row *row) {
    size_t count = row->broker.endpoint_count;
    struct command_endpoint *endpoints = mem_alloc(count * sizeof *endpoints + 1);
    for (size_t i = 0; i < count; i++)
        endpoints[i] = (struct command_endpoint){.listener = text_of(row->endpoints[i].listener),
                                                 .host = text_of(row->endpoints[i].host),
                                                 .port = row->endpoints[i].port};
    struct image_broker part = {.node = row->broker.node,
                                .directory = uuid_of(row->broker.directory),
                                .rack = text_of(row->rack),
                                .fenced = row->broker.fenced,
                                .fenced_ms = row->broker.fenced_ms};
    size_t known = row->broker.feature_count;
    struct command_feature *features = mem_alloc(known * sizeof *features + 1);
    for (size_t i = 0; i < known; i++)
        features[i] = (struct command_feature){.name = text_of(row->features[i].name),
                                               .min = row->features[i].min,
                                               .max = row->features[i].max};
    part.endpoints.items = endpoints;
    part.endpoints.count = (int32_t)count;
    part.features.items = features;
    part.features.count = (int32_t)known;
    struct slice bytes = encode(IMAGE_BROKER, &part);
    mem_free(features);
    mem_free(endpoints);
    return bytes;
}

struct slice image_of_roster(const struct metadata *metadata) {
    struct image_member members[ROSTER_MAX];
    struct image_roster part = {.members = {members, (int32_t)metadata->roster_count}};
    CHECK(metadata->roster_count <= ROSTER_MAX); /* metadata_roster_check */
    for (size_t i = 0; i < metadata->roster_count; i++) {
        const struct roster_broker *row = &metadata->roster[i];
        members[i] = (struct image_member){.node = row->node,
                                           .replica = (int64_t)row->replica,
                                           .directory = uuid_of(row->directory),
                                           .host = text_of(row->host),
                                           .port = row->port,
                                           .draining = row->draining,
                                           .votes = row->votes,
                                           .given_up = row->given_up};
    }
    return encode(IMAGE_ROSTER, &part);
}

struct slice image_of_retired(const struct metadata *metadata) {
    struct image_gone *gone = mem_alloc(metadata->retired_count * sizeof *gone + 1);
    struct image_retired part = {.gone = {gone, (int32_t)metadata->retired_count}};
    for (size_t i = 0; i < metadata->retired_count; i++)
        gone[i] = (struct image_gone){.node = metadata->retired[i].node,
                                      .directory = uuid_of(metadata->retired[i].directory)};
    struct slice bytes = encode(IMAGE_RETIRED, &part);
    mem_free(gone);
    return bytes;
}

/* ---- Topics ---- */

static struct command_config *configs_of(const struct config_set *set) {
    struct command_config *configs = mem_alloc(set->count * sizeof *configs + 1);
    for (size_t i = 0; i < set->count; i++)
        configs[i] = (struct command_config){.name = text_of(set->pairs[i].name),
                                             .value = text_of(set->pairs[i].value)};
    return configs;
}

static int32_t ring_size(const struct metadata_requests *requests) {
    return requests->count < METADATA_REQUESTS_KEPT ? (int32_t)requests->count
                                                    : METADATA_REQUESTS_KEPT;
}

static size_t count_members(const struct topic_row *row) {
    size_t count = 0;
    for (int32_t p = 0; p < row->topic.partition_count; p++)
        count += metadata_member_count(&row->partitions[p]);
    return count;
}

/* `replicas` has room for all of them. */
static void fill_partitions(const struct topic_row *row, struct image_partition *partitions,
                            struct image_replica *replicas) {
    for (int32_t p = 0; p < row->topic.partition_count; p++) {
        const struct metadata_partition *from = &row->partitions[p];
        size_t count = metadata_member_count(from);
        partitions[p] = (struct image_partition){
            .group = (int64_t)from->group,
            .created = (int64_t)from->created,
            .plan = (int64_t)from->plan,
            .configured = (int64_t)from->configured,
            .first_replica = (int64_t)from->first_replica,
            .first_count = (int32_t)from->first_count,
            .leaving_count = (int32_t)from->leaving_count,
            .recovery_replica = (int64_t)from->recovery.replica,
            .recovery_term = from->recovery.term,
            .recovery_index = (int64_t)from->recovery.index,
            .replicas = {replicas, (int32_t)count}};
        for (size_t r = 0; r < count; r++)
            *replicas++ = (struct image_replica){.replica = (int64_t)from->replicas[r].replica,
                                                 .node = from->replicas[r].node,
                                                 .joining = from->replicas[r].joining,
                                                 .fresh = from->replicas[r].fresh};
    }
}

struct slice image_of_topic(const struct topic_row *row) {
    size_t count = (size_t)row->topic.partition_count;
    struct image_partition *partitions = mem_alloc(count * sizeof *partitions + 1);
    struct image_replica *replicas = mem_alloc(count_members(row) * sizeof *replicas + 1);
    struct command_config *configs = configs_of(&row->topic.configs);
    struct image_topic part = {
        .name = text_of(row->name),
        .id = uuid_of(row->topic.id),
        .created = (int64_t)row->topic.created,
        .request_count = row->requests.count,
        .requests = {(struct kp_uuid *)row->requests.ids, ring_size(&row->requests)},
        .configs = {configs, (int32_t)row->topic.configs.count},
        .partitions = {partitions, (int32_t)count}};
    fill_partitions(row, partitions, replicas);
    struct slice bytes = encode(IMAGE_TOPIC, &part);
    mem_free(configs);
    mem_free(replicas);
    mem_free(partitions);
    return bytes;
}

/* ---- What else has settings ---- */

struct slice image_of_resource(const struct metadata_resource *resource) {
    struct command_config *configs = configs_of(&resource->configs);
    struct image_resource part = {.type = (int8_t)resource->type,
                                  .name = text_of(resource->name),
                                  .created = (int64_t)resource->created,
                                  .configs = {configs, (int32_t)resource->configs.count}};
    struct slice bytes = encode(IMAGE_RESOURCE, &part);
    mem_free(configs);
    return bytes;
}

struct slice image_of_requests(const struct metadata_resources *resources) {
    struct image_ring rings[METADATA_RESOURCE_RINGS];
    struct image_requests part = {.rings = {rings, METADATA_RESOURCE_RINGS}};
    for (size_t i = 0; i < METADATA_RESOURCE_RINGS; i++) {
        const struct metadata_requests *ring = &resources->requests[i];
        rings[i] = (struct image_ring){.count = ring->count,
                                       .requests = {(struct kp_uuid *)ring->ids, ring_size(ring)}};
    }
    return encode(IMAGE_REQUESTS, &part);
}

struct slice image_of_plans(const struct metadata *metadata) {
    int64_t *groups = mem_alloc(metadata->plan_count * sizeof *groups + 1);
    struct image_plans part = {.groups = {groups, (int32_t)metadata->plan_count}};
    for (size_t i = 0; i < metadata->plan_count; i++)
        groups[i] = (int64_t)metadata->plans[i];
    struct slice bytes = encode(IMAGE_PLANS, &part);
    mem_free(groups);
    return bytes;
}

struct slice image_of_features(const struct metadata *metadata) {
    size_t count = metadata->feature_count;
    struct image_level *levels = mem_alloc(count * sizeof *levels + 1);
    struct image_features part = {.set = (int64_t)metadata->features_set,
                                  .levels = {levels, (int32_t)count}};
    for (size_t i = 0; i < count; i++) {
        const struct feature_row *row = &metadata->features[i];
        levels[i] = (struct image_level){.name = text_of(row->set.name),
                                         .level = row->set.max,
                                         .highest = row->highest > row->set.max ? row->highest : 0};
        if (MUTANT(MUTANT_HIGHEST_LEVEL_LOST)) levels[i].highest = 0;
    }
    struct slice bytes = encode(IMAGE_FEATURES, &part);
    mem_free(levels);
    return bytes;
}

static struct kp_bytes bytes_of(const uint8_t *data, size_t len) {
    return (struct kp_bytes){.data = data, .len = (int32_t)len};
}

struct slice image_of_users(const struct metadata *metadata) {
    const struct user_table *users = &metadata->users;
    struct image_user_key *keys = mem_alloc(users->count * sizeof *keys + 1);
    struct image_users part = {.secret = bytes_of(users->secret, sizeof users->secret),
                               .changed = (int64_t)users->changed,
                               .keys = {keys, (int32_t)users->count}};
    for (size_t i = 0; i < users->count; i++) {
        const struct user_key *row = &users->rows[i];
        size_t size = scram_hash_size(row->mechanism);
        keys[i] = (struct image_user_key){.name = text_of(row->name),
                                          .mechanism = (int8_t)row->mechanism,
                                          .iterations = row->iterations,
                                          .salt = bytes_of(row->salt, row->salt_len),
                                          .stored_key = bytes_of(row->keys.stored, size),
                                          .server_key = bytes_of(row->keys.server, size),
                                          .changed = (int64_t)row->changed};
    }
    struct slice bytes = encode(IMAGE_USERS, &part);
    mem_free(keys);
    return bytes;
}

struct slice image_of_acls(const struct metadata *metadata) {
    const struct acl_table *table = &metadata->rules;
    struct command_acl *rules = mem_alloc(table->count * sizeof *rules + 1);
    struct image_acls part = {.changed = (int64_t)table->changed,
                              .rules = {rules, (int32_t)table->count}};
    for (size_t i = 0; i < table->count; i++) {
        const struct acl_rule *rule = acl_table_at(table, i);
        rules[i] = (struct command_acl){.resource = rule->resource,
                                        .pattern = rule->pattern,
                                        .name = rule->name,
                                        .principal = rule->principal,
                                        .host = rule->host,
                                        .operation = rule->operation,
                                        .permission = rule->permission};
    }
    struct slice bytes = encode(IMAGE_ACLS, &part);
    mem_free(rules);
    return bytes;
}

struct slice image_of_quotas(const struct metadata *metadata) {
    const struct quota_table *table = &metadata->quotas;
    struct command_quota *quotas = mem_alloc(table->count * QUOTA_KEYS * sizeof *quotas + 1);
    struct image_quotas part = {.changed = (int64_t)table->changed, .quotas = {quotas, 0}};
    for (size_t i = 0; i < table->count; i++) {
        const struct quota_row *row = table->rows[i];
        for (int key = 1; key < QUOTA_KEYS; key++)
            if (row->values[key] > 0)
                quotas[part.quotas.count++] = metadata_quota_command(
                    &row->entity, (enum quota_key)key, row->values[key]);
    }
    struct slice bytes = encode(IMAGE_QUOTAS, &part);
    mem_free(quotas);
    return bytes;
}
