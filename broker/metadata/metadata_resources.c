/* Rows of resources: made, changed, found, walked, freed. */
#include "broker/metadata/metadata_resources.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/config/name_hash.h"
#include "broker/metadata/metadata_rows.h"
#include "protocol/kafka_error.h"

#include <uthash.h>

struct resource_row {
    struct metadata_resource resource; /* first: a row is found from its resource */
    char *name;
    UT_hash_handle hh;
};

/* -1: none of that type are here. */
static int kind_of(enum config_resource_type type) {
    switch (type) {
    case CONFIG_RESOURCE_GROUP: return 0;
    case CONFIG_RESOURCE_BROKER: return 1;
    case CONFIG_RESOURCE_BROKER_LOGGER: return 2;
    case CONFIG_RESOURCE_TOPIC:
    case CONFIG_RESOURCE_CLIENT_METRICS: break;
    }
    return -1;
}

bool metadata_resources_take(enum config_resource_type type) {
    return kind_of(type) >= 0;
}

/* The table of a row's own kind. */
static struct resource_row **table_of(struct metadata_resources *resources,
                                      enum config_resource_type type) {
    int kind = kind_of(type);
    CHECK(kind >= 0); /* apply_set_configs (metadata.c) has refused other types */
    return &resources->by_name[kind];
}

static struct resource_row *find(const struct metadata_resources *resources,
                                 enum config_resource_type type, const char *name, size_t len) {
    struct resource_row *row = NULL;
    int kind = kind_of(type);
    if (kind < 0 || resources->by_name[kind] == NULL) return NULL;
    unsigned hash = metadata_name_hash(resources->seed, name, len);
    HASH_FIND_BYHASHVALUE(hh, resources->by_name[kind], name, len, hash, row);
    return row;
}

static struct resource_row *add(struct metadata_resources *resources,
                                const struct command_set_configs *command, log_index index) {
    enum config_resource_type type = (enum config_resource_type)command->type;
    size_t len = (size_t)command->name.len;
    struct resource_row *row = mem_zalloc(sizeof *row);
    row->name = mem_text(command->name.data, len);
    row->resource = (struct metadata_resource){.type = type, .name = row->name, .created = index};
    unsigned hash = metadata_name_hash(resources->seed, row->name, len);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, *table_of(resources, type), row->name, len, hash, row);
    resources->rows = mem_realloc(resources->rows,
                                  (resources->count + 1) * sizeof(struct resource_row *));
    resources->rows[resources->count++] = row;
    return row;
}

/* What the row takes now; 0 for none. */
static size_t bytes_of(const struct resource_row *row) {
    return row == NULL ? 0 : metadata_configs_bytes(&row->resource.configs, row->name);
}

static const struct metadata_requests *ring_of(const struct metadata_resources *resources,
                                               const struct command_set_configs *command) {
    return &resources->requests[command->request.bytes[0] % METADATA_RESOURCE_RINGS];
}

bool metadata_resources_fit(const struct metadata_resources *resources,
                            const struct command_set_configs *command,
                            struct metadata_result *result) {
    if (metadata_requests_have(ring_of(resources, command), command->request)) return true;
    const struct resource_row *row = find(resources, (enum config_resource_type)command->type,
                                          command->name.data, (size_t)command->name.len);
    size_t more = row == NULL ? (size_t)command->name.len : 0;
    for (int32_t i = 0; i < command->configs.count; i++)
        if (command->configs.items[i].value.len >= 0)
            more += (size_t)command->configs.items[i].name.len +
                    (size_t)command->configs.items[i].value.len;
    if (more == 0 || resources->bytes + more <= METADATA_RESOURCES_MAX_BYTES) return true;
    return metadata_refuse(
        result, KAFKA_POLICY_VIOLATION,
        "what is set for groups and brokers would take more than %d bytes; delete the settings of groups that are gone",
        METADATA_RESOURCES_MAX_BYTES);
}

const struct metadata_resource *metadata_resources_change(struct metadata_resources *resources,
                                                          const struct command_set_configs *command,
                                                          log_index index) {
    struct metadata_requests *ring = (void *)ring_of(resources, command);
    if (metadata_requests_have(ring, command->request)) return NULL;
    metadata_requests_add(ring, command->request);
    struct resource_row *row = find(resources, (enum config_resource_type)command->type,
                                    command->name.data, (size_t)command->name.len);
    resources->bytes -= bytes_of(row);
    if (row == NULL) row = add(resources, command, index);
    metadata_configs_change(&row->resource.configs, command);
    resources->bytes += bytes_of(row);
    return &row->resource;
}

static void free_row(struct resource_row *row) {
    metadata_configs_close(&row->resource.configs);
    mem_free(row->name);
    mem_free(row);
}

/* The first row that was made behind `created`. */
static size_t place_behind(const struct metadata_resources *resources, uint64_t created) {
    size_t low = 0, high = resources->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (resources->rows[middle]->resource.created > created)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void metadata_resources_settle(struct metadata_resources *resources,
                               const struct metadata_resource *resource) {
    if (resource->configs.count > 0) return;
    size_t place = place_behind(resources, resource->created - 1);
    struct resource_row *row = resources->rows[place];
    CHECK(&row->resource == resource); /* one command makes one row at most */
    resources->bytes -= bytes_of(row);
    memmove(resources->rows + place, resources->rows + place + 1,
            (--resources->count - place) * sizeof(struct resource_row *));
    HASH_DELETE(hh, *table_of(resources, resource->type), row);
    free_row(row);
}

void metadata_resources_put(struct metadata_resources *resources, enum config_resource_type type,
                            struct kp_string name, log_index created,
                            const struct command_config *configs, int32_t count) {
    struct command_set_configs command = {.type = (int8_t)type, .name = name};
    struct resource_row *row = add(resources, &command, created);
    for (int32_t i = 0; i < count; i++)
        metadata_configs_add(&row->resource.configs, configs[i].name, configs[i].value);
    resources->bytes += bytes_of(row);
}

const struct metadata_resource *metadata_resources_last(
    const struct metadata_resources *resources) {
    return resources->count == 0 ? NULL : &resources->rows[resources->count - 1]->resource;
}

void metadata_resources_close(struct metadata_resources *resources) {
    for (size_t kind = 0; kind < METADATA_RESOURCE_KINDS; kind++)
        HASH_CLEAR(hh, resources->by_name[kind]);
    for (size_t i = 0; i < resources->count; i++)
        free_row(resources->rows[i]);
    mem_free(resources->rows);
}

const struct metadata_resource *metadata_resource_named(const struct metadata *metadata,
                                                        enum config_resource_type type,
                                                        const char *name, size_t len) {
    if (metadata->resources.count == 0) return NULL; /* asked for each heartbeat */
    const struct resource_row *row = find(&metadata->resources, type, name, len);
    return row == NULL ? NULL : &row->resource;
}

const struct metadata_resource *metadata_resource_after(const struct metadata *metadata,
                                                        uint64_t created) {
    size_t place = place_behind(&metadata->resources, created);
    return place == metadata->resources.count ? NULL : &metadata->resources.rows[place]->resource;
}

size_t metadata_resource_count(const struct metadata *metadata) {
    return metadata->resources.count;
}
