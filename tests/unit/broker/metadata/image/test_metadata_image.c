/* The table as an image: kept while commands go on, read into another table, which says and does
 * the same from then on; who listens is told the difference; and bytes that are no image. */
#include <stdio.h>
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "base/mem.h"
#include "broker/metadata/image/metadata_image.h"
#include "broker/metadata/image/metadata_keeping.h"
#include "broker/metadata/image/metadata_restoring.h"
#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { NODES = 5, NAMES = 60, MANY = 6000, TURNS_MOST = 200 };

struct fixture {
    struct env *env;
    uint64_t dice;
    uint64_t index;
    struct metadata *table;
    struct slice image; /* of the last keep */
    uint64_t image_index;
    bool over;
    int error;
};

static uint64_t roll(struct fixture *f, uint64_t limit) {
    f->dice = f->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (f->dice >> 33) % limit;
}

static struct kp_uuid draw_uuid(struct fixture *f) {
    struct kp_uuid id;
    for (size_t i = 0; i < sizeof id.bytes; i++)
        id.bytes[i] = (uint8_t)(1 + roll(f, 255));
    return id;
}

static struct metadata *new_table(uint64_t seed) {
    struct cluster_record record = {.node_count = 3, .voters = 3};
    for (uint32_t i = 0; i < 3; i++) {
        record.nodes[i].node = (int32_t)i + 1;
        memset(record.nodes[i].directory, (int)i + 1, METADATA_UUID_SIZE);
    }
    struct metadata *table = metadata_new(3, seed);
    metadata_roster_begin(table, &record);
    return table;
}

/* ---- Commands ---- */

static struct metadata_result apply_to(struct metadata *table, uint64_t index,
                                       const struct metadata_command *command) {
    struct slice bytes;
    struct metadata_result result;
    assert_int_equal(metadata_command_encode(command, &bytes), ERR_NONE);
    assert_int_equal(metadata_apply(table, index, bytes.data, bytes.len, &result), ERR_NONE);
    slice_unref(&bytes);
    return result;
}

/* What a drawn command points to. */
struct drawn {
    struct metadata_command command;
    char name[32];
    struct command_endpoint endpoints[2];
    struct command_config configs[2];
    struct command_config_change changes[2];
    struct command_partition partitions[4];
    int32_t nodes[4][3];
};

static const struct metadata_topic *draw_topic(struct fixture *f) {
    size_t count = metadata_topic_count(f->table);
    const struct metadata_topic *topic = metadata_next_topic(f->table, NULL);
    for (uint64_t skip = count == 0 ? 0 : roll(f, count); skip > 0; skip--)
        topic = metadata_next_topic(f->table, topic);
    return topic;
}

static void draw_nodes(struct fixture *f, struct drawn *drawn, int p) {
    int32_t first = (int32_t)roll(f, NODES), count = 1 + (int32_t)roll(f, 3);
    for (int32_t i = 0; i < count; i++)
        drawn->nodes[p][i] = 1 + (first + i) % NODES;
    drawn->partitions[p].nodes.items = drawn->nodes[p];
    drawn->partitions[p].nodes.count = count;
}

static void draw_create(struct fixture *f, struct drawn *drawn) {
    metadata_command_init(&drawn->command, COMMAND_CREATE_TOPIC);
    struct command_create_topic *create = &drawn->command.create_topic;
    snprintf(drawn->name, sizeof drawn->name, "topic-%d", (int)roll(f, NAMES));
    create->name = kp_string_of(drawn->name);
    create->id = draw_uuid(f);
    create->partitions.items = drawn->partitions;
    create->partitions.count = 1 + (int32_t)roll(f, 4);
    for (int p = 0; p < create->partitions.count; p++)
        draw_nodes(f, drawn, p);
    drawn->configs[0] = (struct command_config){kp_string_of("retention.ms"), kp_string_of("77")};
    create->configs.items = drawn->configs;
    create->configs.count = (int32_t)roll(f, 2);
}

static void draw_grow(struct fixture *f, struct drawn *drawn, const struct metadata_topic *topic) {
    metadata_command_init(&drawn->command, COMMAND_CREATE_PARTITIONS);
    struct command_create_partitions *grow = &drawn->command.create_partitions;
    memcpy(grow->id.bytes, topic->id, METADATA_UUID_SIZE);
    grow->request = draw_uuid(f);
    grow->present = topic->partition_count;
    grow->partitions.items = drawn->partitions;
    grow->partitions.count = 1;
    draw_nodes(f, drawn, 0);
}

static void draw_configs(struct fixture *f, struct drawn *drawn,
                         const struct metadata_topic *topic) {
    metadata_command_init(&drawn->command, COMMAND_SET_CONFIGS);
    struct command_set_configs *set = &drawn->command.set_configs;
    set->request = draw_uuid(f);
    drawn->changes[0].name = kp_string_of(roll(f, 2) ? "retention.ms" : "segment.bytes");
    drawn->changes[0].value = roll(f, 3) ? kp_string_of("123456") : KP_NULL_STRING;
    set->configs.items = drawn->changes;
    set->configs.count = 1;
    if (topic != NULL && roll(f, 2)) {
        memcpy(set->id.bytes, topic->id, METADATA_UUID_SIZE);
        return;
    }
    snprintf(drawn->name, sizeof drawn->name, "%d", (int)roll(f, 4));
    set->type = roll(f, 2) ? CONFIG_RESOURCE_BROKER : CONFIG_RESOURCE_GROUP;
    set->name = kp_string_of(drawn->name);
}

static void draw_replicas(struct fixture *f, struct drawn *drawn,
                          const struct metadata_topic *topic) {
    const struct metadata_partition *partition =
        &topic->partitions[roll(f, (uint64_t)topic->partition_count)];
    if (partition->plan != 0 && roll(f, 2)) {
        metadata_command_init(&drawn->command, COMMAND_REPLICAS_DONE);
        drawn->command.replicas_done.group = (int64_t)partition->group;
        drawn->command.replicas_done.plan = (int64_t)partition->plan;
        drawn->command.replicas_done.change = (int64_t)partition->configured + 1;
        return;
    }
    metadata_command_init(&drawn->command, COMMAND_SET_REPLICAS);
    struct command_set_replicas *set = &drawn->command.set_replicas;
    memcpy(set->id.bytes, topic->id, METADATA_UUID_SIZE);
    set->partition = partition->index;
    set->request = draw_uuid(f);
    draw_nodes(f, drawn, 0);
    set->nodes.items = drawn->nodes[0];
    set->nodes.count = drawn->partitions[0].nodes.count;
}

static void draw_member(struct fixture *f, struct drawn *drawn) {
    int32_t node = 4 + (int32_t)roll(f, 20);
    switch (roll(f, 4)) {
    case 0:
        metadata_command_init(&drawn->command, COMMAND_ADMIT_BROKER);
        drawn->command.admit_broker.node = node;
        memset(drawn->command.admit_broker.directory.bytes, node, METADATA_UUID_SIZE);
        drawn->command.admit_broker.host = kp_string_of("somewhere");
        drawn->command.admit_broker.port = 9000 + node;
        return;
    case 1:
        metadata_command_init(&drawn->command, COMMAND_DRAIN_BROKER);
        drawn->command.drain_broker.node = node;
        drawn->command.drain_broker.draining = roll(f, 2) != 0;
        return;
    case 2:
        metadata_command_init(&drawn->command, COMMAND_RETIRE_BROKER);
        drawn->command.retire_broker.node = node;
        return;
    default:
        metadata_command_init(&drawn->command, COMMAND_ALLOCATE_PRODUCER_IDS);
        drawn->command.allocate_producer_ids.count = 1000;
    }
}

static void draw_broker(struct fixture *f, struct drawn *drawn) {
    int32_t node = 1 + (int32_t)roll(f, NODES);
    if (roll(f, 2)) {
        metadata_command_init(&drawn->command, COMMAND_FENCE_BROKER);
        drawn->command.fence_broker.node = node;
        drawn->command.fence_broker.fenced = roll(f, 2) != 0;
        drawn->command.fence_broker.at_ms = (int64_t)roll(f, 2) * 1000;
        return;
    }
    metadata_command_init(&drawn->command, COMMAND_REGISTER_BROKER);
    struct command_register_broker *command = &drawn->command.register_broker;
    command->node = node;
    memset(command->directory.bytes, node, METADATA_UUID_SIZE);
    command->rack = kp_string_of(roll(f, 2) ? "rack" : "");
    drawn->endpoints[0] = (struct command_endpoint){kp_string_of("PLAINTEXT"), kp_string_of("host"),
                                                    9092};
    command->endpoints.items = drawn->endpoints;
    command->endpoints.count = (int32_t)roll(f, 2);
}

static void draw(struct fixture *f, struct drawn *drawn) {
    const struct metadata_topic *topic = draw_topic(f);
    uint64_t kind = roll(f, 20);
    *drawn = (struct drawn){0};
    if (kind < 6 || topic == NULL) {
        draw_create(f, drawn);
    } else if (kind < 9) {
        metadata_command_init(&drawn->command, COMMAND_DELETE_TOPIC);
        memcpy(drawn->command.delete_topic.id.bytes, topic->id, METADATA_UUID_SIZE);
    } else if (kind < 11) {
        draw_grow(f, drawn, topic);
    } else if (kind < 14) {
        draw_configs(f, drawn, topic);
    } else if (kind < 17) {
        draw_replicas(f, drawn, topic);
    } else if (kind < 19) {
        draw_member(f, drawn);
    } else {
        draw_broker(f, drawn);
    }
}

static void apply_some(struct fixture *f, unsigned n) {
    struct drawn drawn;
    for (unsigned i = 0; i < n; i++) {
        draw(f, &drawn);
        apply_to(f->table, ++f->index, &drawn.command);
    }
}

/* ---- Keeping and restoring ---- */

static struct slice join(struct slice *parts, size_t count) {
    size_t len = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    uint8_t *bytes = mem_alloc(len);
    for (size_t i = 0; i < count; i++) {
        memcpy(bytes + at, parts[i].data, parts[i].len);
        at += parts[i].len;
        slice_unref(&parts[i]);
    }
    mem_free(parts);
    return slice_adopt(NULL, bytes, len);
}

static void on_kept(void *arg, struct slice *parts, size_t count) {
    struct fixture *f = arg;
    f->image = join(parts, count);
    f->image_index = metadata_version(f->table);
    f->over = true;
    env_uv_stop(f->env);
}

static struct slice keep(struct fixture *f, struct metadata *table) {
    struct metadata *before = f->table;
    f->table = table;
    f->over = false;
    metadata_keeping_begin(f->env, table, on_kept, f);
    env_uv_run(f->env);
    assert_true(f->over);
    f->table = before;
    return f->image;
}

static void on_restored(void *arg, int error) {
    struct fixture *f = arg;
    f->over = true;
    f->error = error;
    env_uv_stop(f->env);
}

static int restore(struct fixture *f, struct metadata *table, struct slice image) {
    f->over = false;
    metadata_restoring_begin(f->env, table, slice_ref(image), f->index, 7, on_restored, f);
    env_uv_run(f->env);
    assert_true(f->over);
    return f->error;
}

static void assert_same(struct fixture *f, struct metadata *one, struct metadata *other) {
    struct slice a = keep(f, one), b = keep(f, other);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    slice_unref(&a);
    slice_unref(&b);
}

static int setup(void **state) {
    static struct fixture fixture;
    fixture = (struct fixture){.dice = 1234};
    assert_int_equal(env_uv_new(&fixture.env, 2), ERR_NONE);
    fixture.table = new_table(1);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    metadata_free(f->table);
    assert_true(env_uv_free(f->env));
    return 0;
}

/* ---- Tests ---- */

/* A table that was read says what the one says that was written, and each further command does the
 * same to both. */
static void test_image_goes_on_as_the_table(void **state) {
    struct fixture *f = *state;
    struct drawn drawn;
    for (int round = 0; round < 6; round++) {
        apply_some(f, round * 300);
        struct slice image = keep(f, f->table);
        struct metadata *other = new_table(99);
        assert_int_equal(restore(f, other, image), ERR_NONE);
        slice_unref(&image);
        assert_same(f, f->table, other);
        for (int i = 0; i < 200; i++) {
            draw(f, &drawn);
            struct metadata_result is = apply_to(f->table, ++f->index, &drawn.command);
            struct metadata_result too = apply_to(other, f->index, &drawn.command);
            assert_int_equal(is.error, too.error);
            assert_int_equal(is.value, too.value);
            assert_string_equal(is.message, too.message);
        }
        assert_same(f, f->table, other);
        assert_int_equal(metadata_plan_count(other), metadata_plan_count(f->table));
        for (size_t i = 0; i < metadata_plan_count(other); i++)
            assert_int_equal(metadata_plan_at(other, i)->group,
                             metadata_plan_at(f->table, i)->group);
        for (int32_t node = 1; node <= NODES; node++)
            assert_int_equal(metadata_load_of(other, node).replicas,
                             metadata_load_of(f->table, node).replicas);
        metadata_free(other);
    }
}

struct between {
    struct env_task task; /* first: a task is its between */
    struct fixture *f;
    unsigned turns;
};

static void apply_between(struct env_task *task) {
    struct between *between = (struct between *)task;
    if (between->f->over) return;
    if (between->turns++ == 0)
        metadata_keeping_begin(between->f->env, between->f->table, on_kept, between->f);
    apply_some(between->f, 20);
    if (between->turns < TURNS_MOST) env_yield_first(between->f->env, task);
}

static void add_many(struct fixture *f, unsigned time) {
    struct drawn drawn;
    for (int i = 0; i < MANY; i++) {
        drawn = (struct drawn){0};
        draw_create(f, &drawn);
        snprintf(drawn.name, sizeof drawn.name, "many-%u-%d", time, i);
        drawn.command.create_topic.name = kp_string_of(drawn.name);
        assert_int_equal(apply_to(f->table, ++f->index, &drawn.command).error, 0);
    }
}

/* Commands come between the steps of the walk: the image is that of the moment when it is done. The
 * table grows until a walk takes steps, however fast the machine is. */
static void test_image_is_of_one_moment(void **state) {
    struct fixture *f = *state;
    bool grow = true;
    for (unsigned round = 0, in_steps = 0; in_steps < 4; round++) {
        if (grow) add_many(f, round);
        struct between between = {.task = {.run = apply_between}, .f = f};
        f->over = false;
        env_yield_first(f->env, &between.task);
        env_uv_run(f->env);
        assert_true(f->over);
        env_defer_cancel(f->env, &between.task);
        grow = between.turns <= 3;
        if (!grow) in_steps++;
        struct slice while_it_changed = f->image;
        struct metadata *other = new_table(5);
        assert_int_equal(f->image_index, metadata_version(f->table));
        assert_int_equal(restore(f, other, while_it_changed), ERR_NONE);
        assert_same(f, f->table, other);
        slice_unref(&while_it_changed);
        metadata_free(other);
    }
}

/* ---- Who listens ---- */

enum { GROUPS_MOST = 20000 };

struct mirror {
    struct metadata_listener listener;
    struct metadata *table;
    bool groups[GROUPS_MOST];
    size_t topics;
    unsigned left, roster, configs, resources;
};

static void on_added(void *arg, const struct metadata_partition *partition) {
    struct mirror *mirror = arg;
    assert_true(partition->group < GROUPS_MOST && !mirror->groups[partition->group]);
    mirror->groups[partition->group] = true;
}

static void on_removed(void *arg, const struct metadata_partition *partition) {
    struct mirror *mirror = arg;
    assert_true(partition->group < GROUPS_MOST && mirror->groups[partition->group]);
    mirror->groups[partition->group] = false;
}

static void on_topic_added(void *arg, const struct metadata_topic *topic) {
    (void)topic;
    ((struct mirror *)arg)->topics++;
}

static void on_topic_removed(void *arg, const struct metadata_topic *topic) {
    (void)topic;
    ((struct mirror *)arg)->topics--;
}

static void on_left(void *arg, const struct metadata_partition *partition,
                    const struct metadata_replica *replica) {
    for (size_t i = 0; i < metadata_member_count(partition); i++)
        assert_true(partition->replicas[i].replica != replica->replica);
    ((struct mirror *)arg)->left++;
}

static void on_roster(void *arg, const struct roster_broker *broker) {
    (void)broker;
    ((struct mirror *)arg)->roster++;
}

static void on_configs(void *arg, const struct metadata_topic *topic) {
    (void)topic;
    ((struct mirror *)arg)->configs++;
}

static void on_resource(void *arg, const struct metadata_resource *resource) {
    struct mirror *mirror = arg;
    bool there = metadata_resource_named(mirror->table, resource->type, resource->name,
                                         strlen(resource->name)) != NULL;
    assert_true(there == (resource->configs.count > 0));
    mirror->resources++;
}

static const struct metadata_events mirror_events = {.partition_added = on_added,
                                                     .partition_removed = on_removed,
                                                     .topic_added = on_topic_added,
                                                     .topic_removed = on_topic_removed,
                                                     .replica_left = on_left,
                                                     .roster_changed = on_roster,
                                                     .configs_changed = on_configs,
                                                     .resource_changed = on_resource};

static void assert_mirrors(const struct mirror *mirror) {
    const struct metadata *table = mirror->table;
    assert_int_equal(mirror->topics, metadata_topic_count(table));
    for (uint64_t group = 0; group < GROUPS_MOST; group++)
        assert_true((metadata_partition_of_group(table, group) != NULL) == mirror->groups[group]);
}

/* From a table that is new, and from one that was left behind: what is told leads to what is there,
 * and nothing is told where nothing changed. */
static void test_image_tells_the_difference(void **state) {
    struct fixture *f = *state;
    static struct mirror mirror;
    memset(&mirror, 0, sizeof mirror);
    mirror.table = new_table(3);
    mirror.listener = (struct metadata_listener){.events = &mirror_events, .arg = &mirror};
    metadata_listen(mirror.table, &mirror.listener);
    for (int round = 0; round < 12; round++) {
        apply_some(f, 250);
        struct slice image = keep(f, f->table);
        assert_int_equal(restore(f, mirror.table, image), ERR_NONE);
        assert_mirrors(&mirror);
        struct mirror before = mirror;
        assert_int_equal(restore(f, mirror.table, image), ERR_NONE);
        assert_memory_equal(&before.topics, &mirror.topics,
                            sizeof mirror - offsetof(struct mirror, topics));
        slice_unref(&image);
    }
    assert_true(mirror.left > 0 && mirror.roster > 0 && mirror.configs > 0 && mirror.resources > 0);
    metadata_unlisten(mirror.table, &mirror.listener);
    metadata_free(mirror.table);
}

/* It ends while it is kept, and while it is restored. */
static void test_image_ended_early(void **state) {
    struct fixture *f = *state;
    apply_some(f, 300);
    struct slice image = keep(f, f->table);
    metadata_keeping_end(metadata_keeping_begin(f->env, f->table, on_kept, f));
    metadata_restoring_end(
        metadata_restoring_begin(f->env, f->table, slice_ref(image), f->index, 3, on_restored, f));
    assert_same(f, f->table, f->table);
    slice_unref(&image);
}

/* What a start reads grows with what there is, and not with what there was: after 50,000 changes of
 * a few topics it is as large as after the last of them. */
static void test_image_forgets_what_was(void **state) {
    struct fixture *f = *state;
    struct drawn drawn;
    size_t sizes[2];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < (round == 0 ? 500 : 50000); i++) {
            const struct metadata_topic *topic = metadata_next_topic(f->table, NULL);
            drawn = (struct drawn){0};
            if (metadata_topic_count(f->table) < 50) {
                draw_create(f, &drawn);
                drawn.command.create_topic.configs.count = 0;
                drawn.command.create_topic.partitions.count = 1;
                drawn.partitions[0].nodes.count = 1;
            } else {
                metadata_command_init(&drawn.command, COMMAND_DELETE_TOPIC);
                memcpy(drawn.command.delete_topic.id.bytes, topic->id, METADATA_UUID_SIZE);
            }
            apply_to(f->table, ++f->index, &drawn.command);
        }
        while (metadata_topic_count(f->table) > 40) {
            const struct metadata_topic *topic = metadata_next_topic(f->table, NULL);
            metadata_command_init(&drawn.command, COMMAND_DELETE_TOPIC);
            memcpy(drawn.command.delete_topic.id.bytes, topic->id, METADATA_UUID_SIZE);
            apply_to(f->table, ++f->index, &drawn.command);
        }
        struct slice image = keep(f, f->table);
        sizes[round] = image.len;
        struct metadata *other = new_table(2);
        assert_int_equal(restore(f, other, image), ERR_NONE);
        assert_int_equal(metadata_topic_count(other), metadata_topic_count(f->table));
        metadata_free(other);
        slice_unref(&image);
    }
    assert_in_range(sizes[1], sizes[0] - 200, sizes[0] + 200);
}

/* ---- Bytes that are no image ---- */

static int read_all(const uint8_t *bytes, size_t len) {
    struct image_reader reader = {
        .into = metadata_new(0, 1), .index = UINT64_MAX, .bytes = bytes, .len = len};
    int error;
    while ((error = image_read_part(&reader)) == ERR_NONE) {}
    metadata_free(reader.into);
    return error;
}

/* Cut off anywhere, with parts missing, doubled or in another order, or with any bit another one:
 * an error or another table, and never anything else. */
static void test_image_of_strangers(void **state) {
    struct fixture *f = *state;
    apply_some(f, 400);
    struct slice image = keep(f, f->table);
    assert_int_equal(read_all(image.data, image.len), ERR_EOF);
    for (size_t len = 0; len < image.len; len += 1 + len / 50)
        assert_int_not_equal(read_all(image.data, len), ERR_EOF);
    uint8_t *bytes = mem_alloc(2 * image.len);
    for (size_t i = 0; i < 20000; i++) {
        memcpy(bytes, image.data, image.len);
        bytes[roll(f, image.len)] ^= (uint8_t)(1 << roll(f, 8));
        read_all(bytes, image.len);
    }
    memcpy(bytes, image.data, image.len);
    memcpy(bytes + image.len, image.data, image.len);
    assert_int_not_equal(read_all(bytes, 2 * image.len), ERR_EOF);
    bytes[IMAGE_PART_HEAD]++; /* the format */
    assert_int_equal(read_all(bytes, image.len), ERR_VERSION);
    /* Nor is it of commands that are still to be applied. */
    f->index--;
    assert_int_equal(restore(f, f->table, image), ERR_MALFORMED);
    f->index++;
    /* The table stays as it is. */
    struct slice wrong = slice_copy(NULL, bytes, image.len);
    assert_int_equal(restore(f, f->table, wrong), ERR_VERSION);
    struct slice again = keep(f, f->table);
    assert_int_equal(again.len, image.len);
    assert_memory_equal(again.data, image.data, image.len);
    slice_unref(&again);
    slice_unref(&wrong);
    slice_unref(&image);
    mem_free(bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_image_goes_on_as_the_table), TEST(test_image_is_of_one_moment),
        TEST(test_image_tells_the_difference), TEST(test_image_ended_early),
        TEST(test_image_forgets_what_was),     TEST(test_image_of_strangers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
