/* The metadata table: what each command does, what it refuses, and that ids are never given twice.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/metadata/metadata.h"
#include "broker/metadata/metadata_commands.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

struct fixture {
    struct metadata *metadata;
    struct metadata_listener listener;
    struct metadata_result result;
    uint64_t index;
    int64_t fences;  /* their times are 1, 2, ... */
    char told[2048]; /* what the events said */
};

static void tell(struct fixture *fixture, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tell(struct fixture *fixture, const char *format, ...) {
    size_t used = strlen(fixture->told);
    va_list args;
    va_start(args, format);
    vsnprintf(fixture->told + used, sizeof fixture->told - used, format, args);
    va_end(args);
}

static void on_added(void *arg, const struct metadata_partition *partition) {
    tell(arg, "+%s-%d ", partition->topic->name, partition->index);
}

static void on_removed(void *arg, const struct metadata_partition *partition) {
    tell(arg, "-%s-%d ", partition->topic->name, partition->index);
}

static void tell_set(struct fixture *fixture, const struct config_set *set) {
    for (size_t i = 0; i < set->count; i++)
        tell(fixture, ",%s:%s", set->pairs[i].name, set->pairs[i].value);
    tell(fixture, " ");
}

static void on_configs(void *arg, const struct metadata_topic *topic) {
    tell(arg, "=%s", topic->name);
    tell_set(arg, &topic->configs);
}

static void on_resource(void *arg, const struct metadata_resource *resource) {
    tell(arg, "=%d/%s", resource->type, resource->name);
    tell_set(arg, &resource->configs);
}

static void on_topic_added(void *arg, const struct metadata_topic *topic) {
    tell(arg, "(+%s,%d) ", topic->name, topic->partition_count);
}

static void on_topic_grown(void *arg, const struct metadata_topic *topic) {
    tell(arg, "(^%s,%d) ", topic->name, topic->partition_count);
}

static void on_topic_removed(void *arg, const struct metadata_topic *topic) {
    tell(arg, "(-%s) ", topic->name);
}

static const struct metadata_events topic_events = {.topic_added = on_topic_added,
                                                    .topic_grown = on_topic_grown,
                                                    .topic_removed = on_topic_removed};

static int setup(void **state) {
    static const struct metadata_events events = {.partition_added = on_added,
                                                  .partition_removed = on_removed,
                                                  .configs_changed = on_configs,
                                                  .resource_changed = on_resource};
    static struct fixture fixture;
    memset(&fixture, 0, sizeof fixture);
    fixture.metadata = metadata_new(3, 42);
    fixture.listener = (struct metadata_listener){.events = &events, .arg = &fixture};
    metadata_listen(fixture.metadata, &fixture.listener);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    metadata_free(fixture->metadata);
    return 0;
}

/* Applies a command at the next index; the Kafka error. */
static int apply(struct fixture *fixture, const struct metadata_command *command) {
    struct slice bytes;
    assert_int_equal(metadata_command_encode(command, &bytes), ERR_NONE);
    assert_int_equal(metadata_apply(fixture->metadata, ++fixture->index, bytes.data, bytes.len,
                                    &fixture->result),
                     ERR_NONE);
    slice_unref(&bytes);
    return fixture->result.error;
}

static struct kp_uuid uuid(uint8_t first) {
    struct kp_uuid id = {{first, 1, 2, 3}};
    return id;
}

static int register_broker(struct fixture *fixture, int32_t node, const char *rack) {
    struct command_endpoint endpoints[2] = {
        {kp_string_of("INTERNAL"), kp_string_of("inside"), 9092},
        {kp_string_of("EXTERNAL"), kp_string_of("outside"), 19092}};
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_REGISTER_BROKER);
    command.register_broker.node = node;
    command.register_broker.directory = uuid((uint8_t)node);
    command.register_broker.rack = kp_string_of(rack);
    command.register_broker.endpoints.items = endpoints;
    command.register_broker.endpoints.count = 2;
    return apply(fixture, &command);
}

/* `count` partitions, each on the brokers 1 to `replicas`. */
static int create(struct fixture *fixture, const char *name, uint8_t id, int32_t count,
                  int32_t replicas) {
    int32_t nodes[METADATA_REPLICAS_MAX + 1];
    struct command_partition *partitions = mem_zalloc((size_t)(count < 1 ? 1 : count) *
                                                      sizeof *partitions);
    struct command_config config = {kp_string_of("compression.type"), kp_string_of("zstd")};
    struct metadata_command command;
    for (int32_t r = 0; r < replicas; r++)
        nodes[r] = r + 1;
    for (int32_t p = 0; p < count; p++) {
        partitions[p].nodes.items = nodes;
        partitions[p].nodes.count = replicas;
    }
    metadata_command_init(&command, COMMAND_CREATE_TOPIC);
    command.create_topic.name = kp_string_of(name);
    command.create_topic.id = uuid(id);
    command.create_topic.configs.items = &config;
    command.create_topic.configs.count = 1;
    command.create_topic.partitions.items = partitions;
    command.create_topic.partitions.count = count;
    int error = apply(fixture, &command);
    mem_free(partitions);
    return error;
}

static int delete_topic(struct fixture *fixture, uint8_t id) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_DELETE_TOPIC);
    command.delete_topic.id = uuid(id);
    return apply(fixture, &command);
}

static int grow(struct fixture *fixture, uint8_t id, uint8_t request, int32_t present,
                int32_t added) {
    int32_t nodes[] = {2, 3};
    struct command_partition partitions[8] = {
        {{nodes, 2}}, {{nodes, 2}}, {{nodes, 2}}, {{nodes, 2}}};
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_CREATE_PARTITIONS);
    command.create_partitions.id = uuid(id);
    command.create_partitions.request = uuid(request);
    command.create_partitions.present = present;
    command.create_partitions.partitions.items = partitions;
    command.create_partitions.partitions.count = added;
    return apply(fixture, &command);
}

/* `value` NULL: deleted. */
static int set_config(struct fixture *fixture, uint8_t id, uint8_t request, bool replace,
                      const char *name, const char *value) {
    struct command_config_change change = {kp_string_of(name),
                                           value == NULL ? KP_NULL_STRING : kp_string_of(value)};
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_SET_CONFIGS);
    command.set_configs.id = uuid(id);
    command.set_configs.request = uuid(request);
    command.set_configs.replace = replace;
    command.set_configs.configs.items = &change;
    command.set_configs.configs.count = name == NULL ? 0 : 1;
    return apply(fixture, &command);
}

/* Settings are set, changed, deleted and replaced one by one; a command that is repeated after
 * others came is not done again. */
static void test_metadata_configs(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(create(fixture, "orders", 7, 1, 1), 0);
    fixture->told[0] = '\0';
    assert_int_equal(set_config(fixture, 7, 1, false, "a", "1"), 0);
    assert_string_equal(fixture->told, "=orders,compression.type:zstd,a:1 ");
    fixture->told[0] = '\0';
    assert_int_equal(set_config(fixture, 7, 2, false, "a", "2"), 0);
    assert_int_equal(set_config(fixture, 7, 1, false, "a", "1"), 0); /* the first one again */
    assert_string_equal(fixture->told, "=orders,compression.type:zstd,a:2 ");
    fixture->told[0] = '\0';
    assert_int_equal(set_config(fixture, 7, 3, false, "compression.type", NULL), 0);
    assert_int_equal(set_config(fixture, 7, 4, false, "never.set", NULL), 0);
    assert_int_equal(set_config(fixture, 7, 5, true, "b", "x"), 0);
    assert_int_equal(set_config(fixture, 7, 6, true, NULL, NULL), 0);
    assert_string_equal(fixture->told, "=orders,a:2 =orders,a:2 =orders,b:x =orders ");
    fixture->told[0] = '\0';
    assert_int_equal(set_config(fixture, 8, 7, false, "a", "1"), KAFKA_UNKNOWN_TOPIC_ID);
    assert_string_equal(fixture->told, "");
}

/* `value` NULL: deleted. */
static int set_resource(struct fixture *fixture, int8_t type, const char *resource, uint8_t request,
                        bool replace, const char *name, const char *value) {
    struct command_config_change change = {kp_string_of(name),
                                           value == NULL ? KP_NULL_STRING : kp_string_of(value)};
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_SET_CONFIGS);
    command.set_configs.type = type;
    command.set_configs.name = kp_string_of(resource);
    command.set_configs.request = uuid(request);
    command.set_configs.replace = replace;
    command.set_configs.configs.items = &change;
    command.set_configs.configs.count = 1;
    return apply(fixture, &command);
}

static const char *set_for(const struct fixture *fixture, enum config_resource_type type,
                           const char *resource, const char *name) {
    const struct metadata_resource *row = metadata_resource_named(fixture->metadata, type, resource,
                                                                  strlen(resource));
    return row == NULL ? NULL : config_set_find(&row->configs, name);
}

/* What is no topic is there as long as something is set for it; groups and brokers of one name are
 * two; a request that is repeated after its row went is not done again. */
static void test_metadata_resources(void **state) {
    struct fixture *f = *state;
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_GROUP, "1", 1, false, "a", "1"), 0);
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_BROKER, "1", 2, false, "a", "2"), 0);
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_BROKER, "", 3, false, "a", "3"), 0);
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_GROUP, "1", 4, false, "b", "4"), 0);
    assert_string_equal(f->told, "=32/1,a:1 =4/1,a:2 =4/,a:3 =32/1,a:1,b:4 ");
    assert_string_equal(set_for(f, CONFIG_RESOURCE_GROUP, "1", "a"), "1");
    assert_string_equal(set_for(f, CONFIG_RESOURCE_BROKER, "1", "a"), "2");
    assert_string_equal(set_for(f, CONFIG_RESOURCE_BROKER, "", "a"), "3");
    assert_null(set_for(f, CONFIG_RESOURCE_BROKER_LOGGER, "1", "a"));
    assert_int_equal(metadata_resource_count(f->metadata), 3);
    const struct metadata_resource *first = metadata_resource_after(f->metadata, 0);
    assert_int_equal(first->type, CONFIG_RESOURCE_GROUP);
    const struct metadata_resource *second = metadata_resource_after(f->metadata, first->created);
    assert_string_equal(second->name, "1");
    assert_int_equal(second->type, CONFIG_RESOURCE_BROKER);
    assert_string_equal(metadata_resource_after(f->metadata, second->created)->name, "");
    f->told[0] = '\0';
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_GROUP, "1", 5, true, "a", NULL), 0);
    assert_string_equal(f->told, "=32/1 ");
    assert_null(metadata_resource_named(f->metadata, CONFIG_RESOURCE_GROUP, "1", 1));
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_GROUP, "1", 1, false, "a", "1"), 0);
    assert_null(metadata_resource_named(f->metadata, CONFIG_RESOURCE_GROUP, "1", 1));
    assert_int_equal(metadata_resource_after(f->metadata, 0)->type, CONFIG_RESOURCE_BROKER);
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_CLIENT_METRICS, "x", 6, false, "a", "1"),
                     KAFKA_INVALID_REQUEST);
}

/* What is set for groups has a limit in bytes; what goes makes room, and what is smaller fits. */
static void test_metadata_resources_limit(void **state) {
    enum { VALUE = 3 << 20 };
    struct fixture *f = *state;
    char *value = mem_zalloc(VALUE + 1);
    memset(value, 'v', VALUE);
    f->listener.events = &topic_events; /* the others keep texts */
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_GROUP, "a", 1, false, "s", value), 0);
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_GROUP, "b", 2, false, "s", value), 0);
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_GROUP, "c", 3, false, "s", value),
                     KAFKA_POLICY_VIOLATION);
    assert_non_null(strstr(f->result.message, "8388608"));
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_GROUP, "c", 4, false, "s", "1"), 0);
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_GROUP, "a", 5, false, "s", NULL), 0);
    assert_int_equal(set_resource(f, CONFIG_RESOURCE_GROUP, "c", 3, false, "s", value), 0);
    mem_free(value);
}

/* A growth that is repeated although somebody else's came between: it is its own success. */
static void test_metadata_growth_repeated_late(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(create(fixture, "orders", 7, 1, 2), 0);
    assert_int_equal(grow(fixture, 7, 1, 1, 2), 0);
    assert_int_equal(grow(fixture, 7, 2, 3, 1), 0);
    assert_int_equal(grow(fixture, 7, 1, 1, 2), 0);
    assert_int_equal(metadata_topic_named(fixture->metadata, "orders", 6)->partition_count, 4);
    assert_int_equal(grow(fixture, 7, 3, 1, 2), KAFKA_INVALID_PARTITIONS);
}

static int fence(struct fixture *fixture, int32_t node, bool fenced) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_FENCE_BROKER);
    command.fence_broker.node = node;
    command.fence_broker.fenced = fenced;
    command.fence_broker.at_ms = fenced ? ++fixture->fences : 0;
    return apply(fixture, &command);
}

/* Brokers are kept by node id with all their addresses; a second registration replaces the first
 * and ends a fence. */
static void test_metadata_brokers(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(register_broker(fixture, 5, "b"), 0);
    assert_int_equal(register_broker(fixture, 2, ""), 0);
    assert_int_equal(metadata_broker_count(fixture->metadata), 2);
    assert_int_equal(metadata_broker_at(fixture->metadata, 0)->node, 2);
    const struct metadata_broker *broker = metadata_broker_of(fixture->metadata, 5);
    assert_string_equal(broker->rack, "b");
    assert_int_equal(metadata_endpoint_of(broker, "EXTERNAL")->port, 19092);
    assert_null(metadata_endpoint_of(broker, "NOWHERE"));
    assert_int_equal(fence(fixture, 5, true), 0);
    assert_true(metadata_broker_of(fixture->metadata, 5)->fenced);
    assert_int_equal(fence(fixture, 5, true), 0); /* nothing new */
    assert_int_equal(metadata_broker_of(fixture->metadata, 5)->fenced_ms, 1);
    assert_int_equal(register_broker(fixture, 5, "c"), 0);
    assert_false(metadata_broker_of(fixture->metadata, 5)->fenced);
    assert_string_equal(metadata_broker_of(fixture->metadata, 5)->rack, "c");
    assert_int_equal(metadata_broker_of(fixture->metadata, 5)->fenced_ms, 0);
    assert_int_equal(fence(fixture, 9, true), KAFKA_BROKER_NOT_AVAILABLE);
    assert_null(metadata_broker_of(fixture->metadata, 9));
    assert_int_equal(register_broker(fixture, -1, ""), KAFKA_INVALID_REQUEST);
}

/* A topic is found by name, id and group; group ids begin at 1 and replica ids above those of group
 * 0. */
static void test_metadata_create_topic(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(create(fixture, "orders", 1, 2, 3), 0);
    const struct metadata_topic *topic = metadata_topic_named(fixture->metadata, "orders", 6);
    assert_non_null(topic);
    assert_ptr_equal(metadata_topic_with_id(fixture->metadata, uuid(1).bytes), topic);
    assert_int_equal(topic->partition_count, 2);
    assert_int_equal(topic->created, 1);
    assert_int_equal(topic->configs.count, 1);
    assert_string_equal(topic->configs.pairs[0].value, "zstd");
    assert_int_equal(topic->partitions[0].group, 1);
    assert_int_equal(topic->partitions[1].group, 2);
    assert_int_equal(topic->partitions[0].replicas[0].replica, 4);
    assert_int_equal(topic->partitions[1].replicas[2].replica, 9);
    assert_int_equal(topic->partitions[1].replicas[2].node, 3);
    assert_ptr_equal(metadata_partition_of_group(fixture->metadata, 2), &topic->partitions[1]);
    assert_null(metadata_partition_at(topic, 2));
    assert_null(metadata_partition_at(topic, -1));
    assert_int_equal(metadata_partition_count(fixture->metadata), 2);
    assert_string_equal(fixture->told, "+orders-0 +orders-1 ");
}

/* The same command again (a retry after a change of leader) is a success without effect; another
 * topic of that name is not. */
static void test_metadata_create_again(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(create(fixture, "orders", 1, 1, 1), 0);
    assert_int_equal(create(fixture, "orders", 1, 1, 1), 0);
    assert_int_equal(create(fixture, "orders", 2, 1, 1), KAFKA_TOPIC_ALREADY_EXISTS);
    assert_non_null(strstr(fixture->result.message, "orders"));
    assert_int_equal(create(fixture, "others", 1, 1, 1),
                     KAFKA_INVALID_REQUEST); /* an id that is in use */
    assert_int_equal(metadata_topic_count(fixture->metadata), 1);
    assert_string_equal(fixture->told, "+orders-0 ");
}

/* What cannot be is refused and leaves no trace, ids included. */
static void test_metadata_create_refused(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(create(fixture, "bad name", 1, 1, 1), KAFKA_INVALID_TOPIC);
    assert_int_equal(create(fixture, "t", 1, 0, 1), KAFKA_INVALID_PARTITIONS);
    assert_int_equal(create(fixture, "t", 1, METADATA_PARTITIONS_MAX + 1, 1),
                     KAFKA_INVALID_PARTITIONS);
    assert_int_equal(create(fixture, "t", 1, 1, 0), KAFKA_INVALID_REPLICATION_FACTOR);
    assert_int_equal(create(fixture, "t", 1, 1, METADATA_REPLICAS_MAX + 1),
                     KAFKA_INVALID_REPLICATION_FACTOR);
    struct metadata_command command;
    int32_t twice[] = {1, 2, 1};
    struct command_partition partition = {{twice, 3}};
    metadata_command_init(&command, COMMAND_CREATE_TOPIC);
    command.create_topic.name = kp_string_of("t");
    command.create_topic.id = uuid(1);
    command.create_topic.partitions.items = &partition;
    command.create_topic.partitions.count = 1;
    assert_int_equal(apply(fixture, &command), KAFKA_INVALID_REPLICA_ASSIGNMENT);
    assert_int_equal(metadata_topic_count(fixture->metadata), 0);
    assert_string_equal(fixture->told, "");
    assert_int_equal(create(fixture, "t", 1, 1, 1), 0);
    assert_int_equal(metadata_topic_named(fixture->metadata, "t", 1)->partitions[0].group, 1);
}

/* A topic that was deleted and made again has new groups and replicas; nothing of the old one is
 * found. */
static void test_metadata_delete_topic(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(create(fixture, "orders", 1, 2, 2), 0);
    assert_int_equal(delete_topic(fixture, 1), 0);
    assert_null(metadata_topic_named(fixture->metadata, "orders", 6));
    assert_null(metadata_topic_with_id(fixture->metadata, uuid(1).bytes));
    assert_null(metadata_partition_of_group(fixture->metadata, 1));
    assert_int_equal(metadata_partition_count(fixture->metadata), 0);
    assert_int_equal(delete_topic(fixture, 1), KAFKA_UNKNOWN_TOPIC_ID);
    assert_int_equal(create(fixture, "orders", 2, 1, 2), 0);
    const struct metadata_partition *partition =
        &metadata_topic_named(fixture->metadata, "orders", 6)->partitions[0];
    assert_int_equal(partition->group, 3);
    assert_int_equal(partition->replicas[0].replica, 8);
    assert_string_equal(fixture->told, "+orders-0 +orders-1 -orders-0 -orders-1 +orders-0 ");
}

/* Partitions are added behind the present ones; a repeated command adds nothing, one that was
 * overtaken is refused. */
static void test_metadata_create_partitions(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(create(fixture, "orders", 1, 1, 3), 0);
    assert_int_equal(grow(fixture, 1, 7, 1, 2), 0);
    assert_int_equal(grow(fixture, 1, 7, 1, 2), 0);
    const struct metadata_topic *topic = metadata_topic_named(fixture->metadata, "orders", 6);
    assert_int_equal(topic->partition_count, 3);
    assert_int_equal(topic->partitions[2].created, 2);
    assert_int_equal(topic->partitions[2].group, 3);
    assert_int_equal(topic->partitions[2].replica_count, 2);
    assert_ptr_equal(metadata_partition_of_group(fixture->metadata, 1), &topic->partitions[0]);
    assert_ptr_equal(topic->partitions[0].topic, topic);
    assert_int_equal(grow(fixture, 1, 8, 1, 2), KAFKA_INVALID_PARTITIONS);
    assert_int_equal(grow(fixture, 1, 8, 3, 0), KAFKA_INVALID_PARTITIONS);
    assert_int_equal(grow(fixture, 2, 8, 1, 2), KAFKA_UNKNOWN_TOPIC_ID);
    assert_string_equal(fixture->told, "+orders-0 +orders-1 +orders-2 ");
}

/* Blocks of producer ids follow each other and never overlap. */
static void test_metadata_producer_ids(void **state) {
    struct fixture *fixture = *state;
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_ALLOCATE_PRODUCER_IDS);
    command.allocate_producer_ids.count = 1000;
    assert_int_equal(apply(fixture, &command), 0);
    assert_int_equal(fixture->result.value, 0);
    assert_int_equal(apply(fixture, &command), 0);
    assert_int_equal(fixture->result.value, 1000);
    command.allocate_producer_ids.count = 0;
    assert_int_equal(apply(fixture, &command), KAFKA_INVALID_REQUEST);
}

/* Bytes that are no command end the broker, and change nothing. */
static void test_metadata_bytes_that_are_no_command(void **state) {
    struct fixture *fixture = *state;
    struct metadata_result result;
    assert_int_equal(metadata_apply(fixture->metadata, 1, "", 0, &result), ERR_MALFORMED);
    assert_int_equal(metadata_apply(fixture->metadata, 1, "\x01\x63", 2, &result), ERR_VERSION);
    assert_int_equal(metadata_apply(fixture->metadata, 1, "\x02\x01", 2, &result), ERR_VERSION);
    assert_int_equal(metadata_apply(fixture->metadata, 1, "\x01\x03", 2, &result), ERR_MALFORMED);
    assert_int_equal(metadata_version(fixture->metadata), 0);
}

/* The nearest name, for "did you mean". */
static void test_metadata_nearest_topic(void **state) {
    struct fixture *fixture = *state;
    assert_null(metadata_nearest_topic(fixture->metadata, "order", 5));
    assert_int_equal(create(fixture, "orders", 1, 1, 1), 0);
    assert_int_equal(create(fixture, "payments", 2, 1, 1), 0);
    assert_string_equal(metadata_nearest_topic(fixture->metadata, "order", 5)->name, "orders");
    assert_null(metadata_nearest_topic(fixture->metadata, "something else", 14));
}

/* Thousands of topics come and go; what is left is what should be, in the order of its making. */
static void test_metadata_many_topics(void **state) {
    struct fixture *fixture = *state;
    char name[32];
    for (int i = 0; i < 2000; i++) {
        struct metadata_command command;
        int32_t node = 1 + i % 3;
        struct command_partition partition = {{&node, 1}};
        snprintf(name, sizeof name, "topic-%d", i);
        metadata_command_init(&command, COMMAND_CREATE_TOPIC);
        command.create_topic.name = kp_string_of(name);
        command.create_topic.id.bytes[0] = (uint8_t)i;
        command.create_topic.id.bytes[1] = (uint8_t)(i >> 8);
        command.create_topic.id.bytes[2] = 1;
        command.create_topic.partitions.items = &partition;
        command.create_topic.partitions.count = 1;
        assert_int_equal(apply(fixture, &command), 0);
        if (i % 2 == 0) continue;
        struct kp_uuid id = command.create_topic.id;
        metadata_command_init(&command, COMMAND_DELETE_TOPIC);
        command.delete_topic.id = id;
        assert_int_equal(apply(fixture, &command), 0);
    }
    assert_int_equal(metadata_topic_count(fixture->metadata), 1000);
    int seen = 0;
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(fixture->metadata, topic)) != NULL; seen++) {
        snprintf(name, sizeof name, "topic-%d", 2 * seen);
        assert_string_equal(topic->name, name);
    }
    assert_int_equal(seen, 1000);
}

/* Several listen: each hears what it asked for, topics behind their partitions, or before them when
 * they go; one that listens no more hears nothing. */
static void test_metadata_listeners(void **state) {
    struct fixture *fixture = *state;
    struct metadata_listener second = {.events = &topic_events, .arg = fixture};
    metadata_listen(fixture->metadata, &second);
    create(fixture, "a", 50, 2, 2);
    grow(fixture, 50, 51, 2, 1);
    set_config(fixture, 50, 52, false, "retention.ms", "-1");
    delete_topic(fixture, 50);
    assert_string_equal(fixture->told,
                        "+a-0 +a-1 (+a,2) +a-2 (^a,3) =a,compression.type:zstd,retention.ms:-1 "
                        "(-a) -a-0 -a-1 -a-2 ");
    metadata_unlisten(fixture->metadata, &fixture->listener);
    fixture->told[0] = '\0';
    create(fixture, "b", 53, 1, 2);
    assert_string_equal(fixture->told, "(+b,1) ");
    metadata_unlisten(fixture->metadata, &second);
    fixture->told[0] = '\0';
    delete_topic(fixture, 53);
    assert_string_equal(fixture->told, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_metadata_brokers),
        TEST(test_metadata_create_topic),
        TEST(test_metadata_create_again),
        TEST(test_metadata_create_refused),
        TEST(test_metadata_delete_topic),
        TEST(test_metadata_create_partitions),
        TEST(test_metadata_producer_ids),
        TEST(test_metadata_bytes_that_are_no_command),
        TEST(test_metadata_nearest_topic),
        TEST(test_metadata_many_topics),
        TEST(test_metadata_listeners),
        cmocka_unit_test_setup_teardown(test_metadata_configs, setup, teardown),
        TEST(test_metadata_resources),
        TEST(test_metadata_resources_limit),
        cmocka_unit_test_setup_teardown(test_metadata_growth_repeated_late, setup, teardown),
    };
    return cmocka_run_group_tests_name("metadata", tests, NULL, NULL);
}
