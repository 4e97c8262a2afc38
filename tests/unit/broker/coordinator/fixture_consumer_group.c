/* Consumers say and do what clients do. */
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/metadata/metadata_commands.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

/* ---- The world ---- */

static void command(struct consumer_world *world, const struct metadata_command *made) {
    struct slice bytes;
    struct metadata_result result;
    assert_int_equal(metadata_command_encode(made, &bytes), ERR_NONE);
    assert_int_equal(metadata_apply(world->groups.metadata, ++world->metadata_index, bytes.data,
                                    bytes.len, &result),
                     ERR_NONE);
    assert_int_equal(result.error, 0);
    slice_unref(&bytes);
}

static void register_broker(struct consumer_world *world) {
    struct command_endpoint endpoint = {kp_string_of("PLAINTEXT"), kp_string_of("host"), 9092};
    struct metadata_command made;
    metadata_command_init(&made, COMMAND_REGISTER_BROKER);
    made.register_broker.node = 1;
    made.register_broker.directory = (struct kp_uuid){{1}};
    made.register_broker.rack = kp_string_of("");
    made.register_broker.endpoints.items = &endpoint;
    made.register_broker.endpoints.count = 1;
    command(world, &made);
}

void consumer_world_open(struct consumer_world *world) {
    memset(world, 0, sizeof *world);
    groups_open(&world->groups);
    register_broker(world);
}

void consumer_world_close(struct consumer_world *world) {
    consumer_world_commit(world);
    groups_close(&world->groups);
}

int consumer_world_setup(void **state) {
    consumer_world_open(*state);
    return 0;
}

int consumer_world_teardown(void **state) {
    consumer_world_close(*state);
    return 0;
}

void consumer_world_topic(struct consumer_world *world, const char *name, int32_t partitions) {
    int32_t node = 1;
    struct command_partition *rows = mem_zalloc((size_t)partitions * sizeof *rows);
    for (int32_t i = 0; i < partitions; i++) {
        rows[i].nodes.items = &node;
        rows[i].nodes.count = 1;
    }
    struct metadata_command made;
    metadata_command_init(&made, COMMAND_CREATE_TOPIC);
    made.create_topic.name = kp_string_of(name);
    world->next_topic_id++;
    made.create_topic.id = (struct kp_uuid){
        {(uint8_t)world->next_topic_id, 7, (uint8_t)(world->next_topic_id >> 8)}};
    made.create_topic.partitions.items = rows;
    made.create_topic.partitions.count = partitions;
    command(world, &made);
    mem_free(rows);
}

void consumer_world_set(struct consumer_world *world, const char *name, const char *value) {
    struct command_config_change change = {kp_string_of(name),
                                           value == NULL ? KP_NULL_STRING : kp_string_of(value)};
    struct metadata_command made;
    metadata_command_init(&made, COMMAND_SET_CONFIGS);
    made.set_configs.type = CONFIG_RESOURCE_GROUP;
    made.set_configs.name = kp_string_of("g");
    made.set_configs.request = (struct kp_uuid){{0, (uint8_t)++world->metadata_requests}};
    made.set_configs.configs.items = &change;
    made.set_configs.configs.count = 1;
    command(world, &made);
}

static struct kp_uuid id_of(struct consumer_world *world, const char *name) {
    const struct metadata_topic *topic = metadata_topic_named(world->groups.metadata, name,
                                                              strlen(name));
    struct kp_uuid id = {{0}};
    if (topic != NULL) memcpy(id.bytes, topic->id, sizeof id.bytes);
    return id;
}

void consumer_world_grow(struct consumer_world *world, const char *name, int32_t more) {
    int32_t node = 1;
    const struct metadata_topic *topic = metadata_topic_named(world->groups.metadata, name,
                                                              strlen(name));
    struct command_partition *rows = mem_zalloc((size_t)more * sizeof *rows);
    struct metadata_command made;
    metadata_command_init(&made, COMMAND_CREATE_PARTITIONS);
    for (int32_t i = 0; i < more; i++) {
        rows[i].nodes.items = &node;
        rows[i].nodes.count = 1;
    }
    made.create_partitions.id = id_of(world, name);
    made.create_partitions.request = (struct kp_uuid){{(uint8_t)++world->next_topic_id, 9}};
    made.create_partitions.present = topic->partition_count;
    made.create_partitions.partitions.items = rows;
    made.create_partitions.partitions.count = more;
    command(world, &made);
    mem_free(rows);
}

void consumer_world_delete(struct consumer_world *world, const char *name) {
    struct metadata_command made;
    metadata_command_init(&made, COMMAND_DELETE_TOPIC);
    made.delete_topic.id = id_of(world, name);
    command(world, &made);
}

void consumer_world_commit(struct consumer_world *world) {
    while (groups_commit(&world->groups) > 0) {}
}

void consumer_world_pass(struct consumer_world *world, uint64_t ms) {
    groups_pass(&world->groups, ms);
    consumer_world_commit(world);
}

void consumer_world_fail_over(struct consumer_world *world) {
    groups_move(&world->groups);
}

struct consumer_group *consumer_world_group(struct consumer_world *world) {
    struct group *row = groups_find(&world->groups, "g");
    return row == NULL ? NULL : row->consumer;
}

const char *consumer_world_state(struct consumer_world *world) {
    const struct consumer_group *group = consumer_world_group(world);
    return group == NULL ? "none" : consumer_group_state(group);
}

/* ---- Consumers ---- */

static void subscribe(struct consumer *consumer, const char *first, va_list more) {
    consumer->name_count = 0;
    for (const char *name = first; name != NULL; name = va_arg(more, const char *))
        consumer->names[consumer->name_count++] = kp_string_of(name);
    consumer->full = true;
}

void consumer_subscribe(struct consumer *consumer, const char *first, ...) {
    va_list more;
    va_start(more, first);
    subscribe(consumer, first, more);
    va_end(more);
}

void consumer_init(struct consumer *consumer, struct consumer_world *world, const char *id,
                   const char *first, ...) {
    memset(consumer, 0, sizeof *consumer);
    consumer->world = world;
    snprintf(consumer->id, sizeof consumer->id, "%s", id);
    consumer->rebalance_timeout_ms = 60000;
    va_list more;
    va_start(more, first);
    subscribe(consumer, first, more);
    va_end(more);
}

static void take_answer(struct consumer *consumer) {
    const struct consumer_heartbeat *heartbeat = &consumer->heartbeat;
    consumer->full = false;
    if (heartbeat->request->member_epoch < 0) {
        consumer->has_count = 0;
        consumer->epoch = 0;
        return;
    }
    consumer->epoch = heartbeat->member_epoch;
    consumer->interval_ms = heartbeat->heartbeat_interval_ms;
    consumer->assigned = heartbeat->has_assignment;
    if (!heartbeat->has_assignment) return;
    assert_true(heartbeat->assigned_count <= CONSUMER_HAS_MAX);
    consumer->has_count = (int32_t)heartbeat->assigned_count;
    if (heartbeat->assigned_count > 0)
        memcpy(consumer->has, heartbeat->assigned,
               heartbeat->assigned_count * sizeof *heartbeat->assigned);
}

static void on_done(struct group_call *call) {
    struct consumer *consumer = CONTAINER_OF(call, struct consumer, heartbeat.call);
    consumer->answered = true;
    consumer->error = call->error;
    memcpy(consumer->message, consumer->heartbeat.message, sizeof consumer->message);
    if (call->error == KAFKA_NONE) {
        take_answer(consumer);
    } else {
        assert_true((call->error != KAFKA_INVALID_REQUEST) || consumer->message[0] != 0);
        consumer->full = true;
        if (call->error == KAFKA_FENCED_MEMBER_EPOCH || call->error == KAFKA_UNKNOWN_MEMBER_ID) {
            consumer->epoch = 0;
            consumer->has_count = 0;
        }
    }
    consumer_heartbeat_release(&consumer->heartbeat);
}

static void fill_request(struct consumer *consumer, int32_t epoch, bool full) {
    struct kp_consumer_group_heartbeat_request *request = &consumer->request;
    kp_set_fallbacks(&kp_consumer_group_heartbeat_request_schema, request);
    request->group_id = kp_string_of("g");
    request->member_id = kp_string_of(consumer->id);
    request->member_epoch = epoch;
    request->instance_id = kp_string_of(consumer->instance);
    request->rack_id = kp_string_of(consumer->rack);
    request->server_assignor = kp_string_of(consumer->assignor);
    request->rebalance_timeout_ms = full ? consumer->rebalance_timeout_ms : -1;
    request->subscribed_topic_names.count = -1;
    request->subscribed_topic_regex = KP_NULL_STRING;
    if (full) {
        request->subscribed_topic_names.items = consumer->names;
        request->subscribed_topic_names.count = consumer->name_count;
        request->subscribed_topic_regex = kp_string_of(consumer->regex);
    }
    for (int32_t i = 0; i < consumer->has_count; i++) {
        consumer->numbers[i] = consumer->has[i].partition;
        consumer->owned[i] = (struct kp_consumer_group_heartbeat_topic_partitions){
            consumer->has[i].topic, {&consumer->numbers[i], 1}};
    }
    request->topic_partitions.items = consumer->owned;
    request->topic_partitions.count = consumer->has_count;
}

int16_t consumer_beat_as(struct consumer *consumer, int32_t epoch, bool full) {
    struct consumer_world *world = consumer->world;
    if (epoch == 0) consumer->has_count = 0;
    fill_request(consumer, epoch, full || epoch == 0);
    consumer->heartbeat = (struct consumer_heartbeat){.call.done = on_done,
                                                      .asker = consumer->asker,
                                                      .metadata = world->groups.metadata,
                                                      .request = &consumer->request,
                                                      .client_id = kp_string_of("client"),
                                                      .client_host = kp_string_of("/127.0.0.1"),
                                                      .may_see = consumer->may_see,
                                                      .names_its_id = true};
    consumer->answered = false;
    consumer_heartbeat_take(world->groups.table, &consumer->heartbeat);
    if (world->holds) return 0;
    consumer_world_commit(world);
    assert_true(consumer->answered);
    return consumer->error;
}

int16_t consumer_beat(struct consumer *consumer) {
    return consumer_beat_as(consumer, consumer->epoch, consumer->full);
}

void consumer_beat_in_vain(struct consumer *consumer) {
    struct consumer before = *consumer;
    consumer_beat(consumer);
    *consumer = before;
    consumer->full = true;
}

bool consumer_has(const struct consumer *consumer, const char *topic, int32_t partition) {
    struct kp_uuid id = id_of(consumer->world, topic);
    for (int32_t i = 0; i < consumer->has_count; i++)
        if (kp_uuid_equal(consumer->has[i].topic, id) && consumer->has[i].partition == partition)
            return true;
    return false;
}
