/* What a consumer of the classic protocol says, and what it does with the answers. */
#include "tests/unit/broker/coordinator/fixture_classic_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/messages/consumer_protocol.h"
#include "tests/unit/unit.h"

/* ---- What it says of itself ---- */

static const char *assignor_of(const struct classic_client *client) {
    return client->cooperative ? "cooperative-sticky" : "range";
}

/* Partitions one by one, as topics of their own: clients may write them so. */
static void fill_partitions(const struct classic_has *has, int32_t count,
                            struct kp_consumer_protocol_partitions *into, int32_t *numbers) {
    for (int32_t i = 0; i < count; i++) {
        numbers[i] = has[i].partition;
        into[i] = (struct kp_consumer_protocol_partitions){kp_string_of(has[i].topic),
                                                           {&numbers[i], 1}};
    }
}

static struct kp_bytes subscription_of(struct classic_client *client) {
    struct kp_consumer_protocol_partitions owned[CLIENT_HAS_MAX];
    int32_t numbers[CLIENT_HAS_MAX];
    struct kp_string topics[CONSUMER_TOPICS_MAX];
    struct kp_consumer_subscription subscription;
    struct kp_writer writer;
    int version = client->cooperative ? 3 : 0;
    kp_set_fallbacks(&kp_consumer_subscription_schema, &subscription);
    for (int32_t i = 0; i < client->topic_count; i++)
        topics[i] = kp_string_of(client->topics[i]);
    fill_partitions(client->has, client->has_count, owned, numbers);
    subscription.topics.items = topics;
    subscription.topics.count = client->topic_count;
    subscription.owned.items = owned;
    subscription.owned.count = client->has_count;
    subscription.generation = client->generation;
    kp_writer_init(&writer, CLIENT_METADATA_MAX);
    kp_write_int16(&writer, (int16_t)version);
    assert_int_equal(kp_encode(&kp_consumer_subscription_schema, version, &subscription, &writer),
                     ERR_NONE);
    memcpy(client->metadata, writer.data, writer.len);
    struct kp_bytes bytes = {client->metadata, (int32_t)writer.len};
    kp_writer_close(&writer);
    return bytes;
}

/* ---- It leads: a sticky assignment ---- */

struct assigning {
    struct classic_has has[CLIENT_HAS_MAX];
    int32_t count;
    struct kp_consumer_subscription says;
};

static bool subscribes(const struct assigning *member, const char *topic) {
    for (int32_t i = 0; i < member->says.topics.count; i++)
        if (kp_string_is(member->says.topics.items[i], topic)) return true;
    return false;
}

static bool owns(const struct assigning *member, const char *topic, int32_t partition) {
    for (int32_t i = 0; i < member->says.owned.count; i++)
        if (kp_string_is(member->says.owned.items[i].topic, topic) &&
            member->says.owned.items[i].partitions.items[0] == partition)
            return true;
    return false;
}

static void give(struct assigning *members, size_t count, const char *topic, int32_t partition,
                 int32_t quota) {
    struct assigning *owner = NULL, *to = NULL;
    for (size_t m = 0; m < count; m++) {
        if (!subscribes(&members[m], topic)) continue;
        if (owns(&members[m], topic, partition)) owner = &members[m];
        if (to == NULL || members[m].count < to->count) to = &members[m];
    }
    if (owner != NULL && owner->count < quota) to = owner;
    /* What is somebody's goes to another only in the next round, when that has given it back. */
    if (to == NULL || (owner != NULL && to != owner)) return;
    snprintf(to->has[to->count].topic, sizeof to->has[0].topic, "%s", topic);
    to->has[to->count++].partition = partition;
}

static void keep_assignment(struct classic_client *client, size_t m, const struct assigning *from) {
    struct kp_consumer_protocol_partitions items[CLIENT_HAS_MAX];
    int32_t numbers[CLIENT_HAS_MAX];
    struct kp_consumer_assignment assignment = {.user_data = {NULL, -1}};
    struct kp_writer writer;
    fill_partitions(from->has, from->count, items, numbers);
    assignment.assigned.items = items;
    assignment.assigned.count = from->count;
    kp_writer_init(&writer, CLIENT_METADATA_MAX);
    kp_consumer_assignment_write(&assignment, (struct kp_bytes){NULL, -1}, &writer);
    assert_int_equal(writer.error, ERR_NONE);
    memcpy(client->assigned[m], writer.data, writer.len);
    client->assignments[m] = (struct group_assignment){kp_string_of(client->assigned_ids[m]),
                                                       {client->assigned[m], (int32_t)writer.len}};
    kp_writer_close(&writer);
}

static void assign(struct classic_client *client) {
    static struct assigning members[CLIENT_MEMBERS_MAX];
    size_t count = client->join.member_count;
    int32_t partitions = 0;
    struct kp_arena arena;
    assert_true(count <= CLIENT_MEMBERS_MAX);
    kp_arena_init(&arena, 1 << 20);
    memset(members, 0, sizeof members);
    for (size_t m = 0; m < count; m++) {
        struct kp_bytes metadata = shared_bytes_view(client->join.members[m].metadata);
        struct kp_string id = shared_string(client->join.members[m].id);
        assert_int_equal(kp_consumer_subscription_read(metadata, &arena, &members[m].says),
                         ERR_NONE);
        snprintf(client->assigned_ids[m], sizeof client->assigned_ids[m], "%.*s", (int)id.len,
                 id.data);
    }
    const struct metadata *metadata = client->world->groups.metadata;
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(metadata, topic)) != NULL;)
        partitions += topic->partition_count;
    int32_t quota = (partitions + (int32_t)count - 1) / (int32_t)count;
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(metadata, topic)) != NULL;)
        for (int32_t p = 0; p < topic->partition_count; p++)
            give(members, count, topic->name, p, quota);
    for (size_t m = 0; m < count; m++)
        keep_assignment(client, m, &members[m]);
    client->assignment_count = count;
    kp_arena_close(&arena);
}

/* ---- Errors ---- */

static void lose_all(struct classic_client *client) {
    if (client->has_count > 0) client->losses++;
    client->has_count = client->kept_count = 0;
    client->generation = -1;
}

static void give_in(struct classic_client *client, int16_t error) {
    switch (error) {
    case KAFKA_REBALANCE_IN_PROGRESS:
        if (!client->cooperative) client->has_count = 0;
        break;
    case KAFKA_ILLEGAL_GENERATION: lose_all(client); break;
    case KAFKA_UNKNOWN_MEMBER_ID:
        lose_all(client);
        client->id[0] = '\0';
        break;
    case KAFKA_FENCED_INSTANCE_ID:
        lose_all(client);
        client->doing = CLIENT_IS_FENCED;
        return;
    case KAFKA_NOT_COORDINATOR:
    case KAFKA_COORDINATOR_NOT_AVAILABLE:
        if (client->doing == CLIENT_BEATS) return;
        if (!client->cooperative) client->has_count = 0;
        break;
    default: client->doing = CLIENT_IS_FENCED; return;
    }
    client->doing = CLIENT_JOINS;
}

/* True: the answer did not arrive, and it begins again when it notices. */
static bool is_lost(struct classic_client *client) {
    if (!client->loses_answer) return false;
    client->loses_answer = false;
    if (!client->cooperative) client->has_count = 0;
    client->doing = CLIENT_JOINS;
    return true;
}

/* ---- Answers ---- */

static void joined(struct group_call *call) {
    struct classic_client *client = CONTAINER_OF(call, struct classic_client, join.call);
    struct kp_string id = shared_string(client->join.member);
    struct kp_string protocol = shared_string(client->join.protocol);
    client->error = call->error;
    if (is_lost(client)) return;
    if (call->error == KAFKA_NONE || call->error == KAFKA_MEMBER_ID_REQUIRED)
        snprintf(client->id, sizeof client->id, "%.*s", (int)id.len, id.data);
    if (call->error == KAFKA_MEMBER_ID_REQUIRED) {
        client->doing = CLIENT_JOINS;
        return;
    }
    if (call->error != KAFKA_NONE) {
        give_in(client, call->error);
        return;
    }
    client->generation = client->join.generation;
    snprintf(client->protocol, sizeof client->protocol, "%.*s", (int)protocol.len, protocol.data);
    client->assignment_count = 0;
    if (shared_string_is(client->join.leader, id)) assign(client);
    client->doing = CLIENT_SYNCS;
}

static void add_has(struct classic_client *client, struct kp_string topic, int32_t partition) {
    struct classic_has *has = &client->has[client->has_count++];
    assert_true(client->has_count < CLIENT_HAS_MAX);
    snprintf(has->topic, sizeof has->topic, "%.*s", (int)topic.len, topic.data);
    has->partition = partition;
}

/* What is not in it a cooperative client has until it joins again, which it does then. */
static void take(struct classic_client *client, const struct kp_consumer_assignment *assignment) {
    struct classic_client had = *client;
    client->has_count = 0;
    for (int32_t t = 0; t < assignment->assigned.count; t++) {
        const struct kp_consumer_protocol_partitions *one = &assignment->assigned.items[t];
        for (int32_t p = 0; p < one->partitions.count; p++)
            add_has(client, one->topic, one->partitions.items[p]);
    }
    client->kept_count = client->has_count;
    for (int32_t i = 0; client->cooperative && i < had.has_count; i++)
        if (!classic_client_has(client, had.has[i].topic, had.has[i].partition))
            add_has(client, kp_string_of(had.has[i].topic), had.has[i].partition);
    client->rebalances++;
    client->doing = client->kept_count < client->has_count ? CLIENT_JOINS : CLIENT_BEATS;
}

static void synced(struct group_call *call) {
    struct classic_client *client = CONTAINER_OF(call, struct classic_client, sync.call);
    client->error = call->error;
    if (is_lost(client)) return;
    if (call->error != KAFKA_NONE) {
        give_in(client, call->error);
        return;
    }
    struct kp_arena arena;
    struct kp_consumer_assignment assignment;
    kp_arena_init(&arena, 1 << 20);
    assert_int_equal(kp_consumer_assignment_read(shared_bytes_view(client->sync.assignment), &arena,
                                                 &assignment),
                     ERR_NONE);
    take(client, &assignment);
    kp_arena_close(&arena);
}

static void beaten(struct group_call *call) {
    struct classic_client *client = CONTAINER_OF(call, struct classic_client, heartbeat.call);
    client->error = call->error;
    if (call->error != KAFKA_NONE) give_in(client, call->error);
}

static void left(struct group_call *call) {
    struct classic_client *client = CONTAINER_OF(call, struct classic_client, leave.call);
    client->error = call->error;
}

/* ---- Calls ---- */

static struct kp_string instance_of(const struct classic_client *client) {
    return client->instance == NULL ? KP_NULL_STRING : kp_string_of(client->instance);
}

static void send_join(struct classic_client *client) {
    if (client->kept_count < client->has_count) client->has_count = client->kept_count;
    client->protocols[0] = (struct group_protocol){kp_string_of(assignor_of(client)),
                                                   subscription_of(client)};
    client->join = (struct group_join){.call.done = joined,
                                       .group_id = kp_string_of("g"),
                                       .member_id = kp_string_of(client->id),
                                       .instance_id = instance_of(client),
                                       .protocol_type = kp_string_of("consumer"),
                                       .client_id = kp_string_of("old"),
                                       .client_host = kp_string_of("/127.0.0.1"),
                                       .protocols = client->protocols,
                                       .protocol_count = 1,
                                       .session_timeout_ms = client->session_ms,
                                       .rebalance_timeout_ms = client->rebalance_ms,
                                       .asks_for_id = true,
                                       .skips_assignment = true};
    client->doing = CLIENT_JOINING;
    group_coordinator_join(client->world->groups.coordinator, &client->join);
}

static void send_sync(struct classic_client *client) {
    client->sync = (struct group_sync){.call.done = synced,
                                       .group_id = kp_string_of("g"),
                                       .member_id = kp_string_of(client->id),
                                       .instance_id = instance_of(client),
                                       .protocol_type = kp_string_of("consumer"),
                                       .protocol = kp_string_of(client->protocol),
                                       .generation = client->generation,
                                       .assignments = client->assignments,
                                       .assignment_count = client->assignment_count};
    client->doing = CLIENT_SYNCING;
    group_coordinator_sync(client->world->groups.coordinator, &client->sync);
}

static void send_heartbeat(struct classic_client *client) {
    client->heartbeat = (struct group_heartbeat){.call.done = beaten,
                                                 .group_id = kp_string_of("g"),
                                                 .member_id = kp_string_of(client->id),
                                                 .instance_id = instance_of(client),
                                                 .generation = client->generation};
    group_coordinator_heartbeat(client->world->groups.coordinator, &client->heartbeat);
}

void classic_client_init(struct classic_client *client, struct consumer_world *world,
                         bool cooperative, const char *first, ...) {
    va_list more;
    memset(client, 0, sizeof *client);
    client->world = world;
    client->cooperative = cooperative;
    client->generation = -1;
    client->session_ms = 10000;
    client->rebalance_ms = 60000;
    va_start(more, first);
    for (const char *name = first; name != NULL; name = va_arg(more, const char *))
        client->topics[client->topic_count++] = name;
    va_end(more);
}

void classic_client_step(struct classic_client *client) {
    switch (client->doing) {
    case CLIENT_JOINS: send_join(client); break;
    case CLIENT_SYNCS: send_sync(client); break;
    case CLIENT_BEATS: send_heartbeat(client); break;
    default: break; /* it waits, or has nothing to say any more */
    }
    if (client->world->holds)
        groups_turn(&client->world->groups);
    else
        consumer_world_commit(client->world);
}

void classic_client_steps(struct classic_client *client, int count) {
    for (int i = 0; i < count; i++) {
        classic_client_step(client);
        consumer_world_pass(client->world, 1000);
    }
}

/* What waits is canceled, as by a connection that closes. */
void classic_client_leave(struct classic_client *client) {
    if (client->doing == CLIENT_JOINING) (void)group_call_cancel(&client->join.call);
    if (client->doing == CLIENT_SYNCING) (void)group_call_cancel(&client->sync.call);
    client->has_count = 0;
    client->doing = CLIENT_IS_FENCED;
    if (client->id[0] == '\0') return;
    client->leaver = (struct group_leaver){kp_string_of(client->id), instance_of(client), 0};
    client->leave = (struct group_leave){.call.done = left,
                                         .group_id = kp_string_of("g"),
                                         .leavers = &client->leaver,
                                         .leaver_count = 1};
    group_coordinator_leave(client->world->groups.coordinator, &client->leave);
    consumer_world_commit(client->world);
    client->id[0] = '\0';
}

bool classic_client_has(const struct classic_client *client, const char *topic, int32_t partition) {
    for (int32_t i = 0; i < client->has_count; i++)
        if (strcmp(client->has[i].topic, topic) == 0 && client->has[i].partition == partition)
            return true;
    return false;
}
