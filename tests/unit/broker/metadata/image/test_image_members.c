/* Tables whose brokers lose their directories and give their votes away, in the middle of moves
 * that are cancelled, and know other levels of features each time, which change, too: an image of
 * whatever comes of it can be read, and says the same. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/metadata/image/metadata_image.h"
#include "broker/metadata/metadata_features.h"
#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { NODES = 4, TOPICS = 3, COMMANDS = 6000 };

struct fixture {
    uint64_t dice, index;
    struct metadata *table;
    unsigned applied, cancelled, lost, levels;
    size_t users;  /* keys, of all tables that were written */
    size_t rules;  /* likewise */
    size_t quotas; /* entities, likewise */
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

/* ---- Commands ---- */

static int apply_to(struct metadata *table, uint64_t index,
                    const struct metadata_command *command) {
    struct slice bytes;
    struct metadata_result result;
    assert_int_equal(metadata_command_encode(command, &bytes), ERR_NONE);
    assert_int_equal(metadata_apply(table, index, bytes.data, bytes.len, &result), ERR_NONE);
    slice_unref(&bytes);
    return result.error;
}

static void fill_registration(struct fixture *f, struct metadata_command *command,
                              const struct roster_broker *row) {
    static struct command_feature features[2];
    metadata_command_init(command, COMMAND_REGISTER_BROKER);
    command->register_broker.node = row->node;
    command->register_broker.rack = kp_string_of("");
    memcpy(command->register_broker.directory.bytes, row->directory, METADATA_UUID_SIZE);
    features[0] = (struct command_feature){kp_string_of("spin"), 0, 2 + (int16_t)roll(f, 2)};
    features[1] = (struct command_feature){kp_string_of("charm"), 0, 1};
    command->register_broker.features.items = features;
    command->register_broker.features.count = 1 + (int32_t)roll(f, 2);
}

static void add_brokers(struct fixture *f) {
    struct cluster_record record = {.node_count = NODES, .voters = 3};
    f->table = metadata_new(NODES, 1);
    for (int32_t i = 0; i < NODES; i++) {
        record.nodes[i].node = i + 1;
        memset(record.nodes[i].directory, i + 1, METADATA_UUID_SIZE);
    }
    metadata_roster_begin(f->table, &record);
    for (int32_t node = 1; node <= NODES; node++) {
        struct metadata_command command;
        fill_registration(f, &command, metadata_roster_of(f->table, node));
        assert_int_equal(apply_to(f->table, ++f->index, &command), 0);
    }
}

static void add_topics(struct fixture *f) {
    for (int i = 0; i < TOPICS; i++) {
        char name[8] = {'t', (char)('0' + i)};
        int32_t nodes[] = {1, 2, 3};
        struct command_partition partition = {.nodes = {nodes, 1 + i}};
        struct metadata_command command;
        metadata_command_init(&command, COMMAND_CREATE_TOPIC);
        command.create_topic.name = kp_string_of(name);
        command.create_topic.id = draw_uuid(f);
        command.create_topic.partitions.items = &partition;
        command.create_topic.partitions.count = 1;
        assert_int_equal(apply_to(f->table, ++f->index, &command), 0);
    }
}

static const struct metadata_partition *draw_partition(struct fixture *f) {
    const struct metadata_topic *topic = metadata_next_topic(f->table, NULL);
    for (uint64_t skip = roll(f, TOPICS); skip > 0; skip--)
        topic = metadata_next_topic(f->table, topic);
    return &topic->partitions[0];
}

static void draw_nodes(struct fixture *f, int32_t nodes[NODES], int32_t *count) {
    int32_t first = (int32_t)roll(f, NODES);
    *count = 1 + (int32_t)roll(f, 3);
    for (int32_t i = 0; i < *count; i++)
        nodes[i] = 1 + (first + i) % NODES;
}

static void draw_move(struct fixture *f, struct metadata_command *command, int32_t nodes[NODES]) {
    const struct metadata_partition *partition = draw_partition(f);
    if (partition->plan != 0 && roll(f, 4) == 0) {
        metadata_command_init(command, COMMAND_REPLICAS_DONE);
        command->replicas_done.group = (int64_t)partition->group;
        command->replicas_done.plan = (int64_t)partition->plan;
        return;
    }
    metadata_command_init(command, COMMAND_SET_REPLICAS);
    memcpy(command->set_replicas.id.bytes, partition->topic->id, METADATA_UUID_SIZE);
    command->set_replicas.request = draw_uuid(f);
    command->set_replicas.cancel = partition->plan != 0 && roll(f, 2) == 0;
    f->cancelled += command->set_replicas.cancel;
    if (command->set_replicas.cancel) return;
    command->set_replicas.nodes.items = nodes;
    draw_nodes(f, nodes, &command->set_replicas.nodes.count);
}

static void draw_levels(struct fixture *f, struct metadata_command *command) {
    static struct command_feature_level levels[2];
    levels[0] = (struct command_feature_level){kp_string_of(roll(f, 2) ? "spin" : "charm"),
                                               (int16_t)roll(f, 4), 1 + (int8_t)roll(f, 3)};
    levels[1] = (struct command_feature_level){kp_string_of("spin"), 2, FEATURE_UPGRADE};
    metadata_command_init(command, COMMAND_SET_FEATURES);
    command->set_features.levels.items = levels;
    command->set_features.levels.count = 1 + (int32_t)roll(f, 2);
}

/* A user's key is set, or goes; sometimes the cluster's secret comes, and first users. */
static void draw_users(struct fixture *f, struct metadata_command *command) {
    static struct command_user_key keys[2];
    static const uint8_t bytes[SCRAM_HASH_MAX + 4] = "something that nobody can know";
    metadata_command_init(command, COMMAND_SET_USERS);
    command->set_users.first = roll(f, 4) == 0;
    if (!f->table->users.has_secret || roll(f, 2)) /* no keys without one */
        command->set_users.secret = (struct kp_bytes){bytes + roll(f, 4), USER_SECRET_SIZE};
    for (size_t i = 0; i < 2; i++) {
        int8_t mechanism = 1 + (int8_t)roll(f, 2);
        int32_t size = (int32_t)scram_hash_size((enum scram_mechanism)mechanism);
        keys[i] = (struct command_user_key){
            .name = kp_string_of(roll(f, 2) ? "alice" : "bob"),
            .mechanism = mechanism,
            .iterations = roll(f, 3) == 0 ? 0 : 4096 + (int32_t)roll(f, 9),
            .salt = {bytes, 8 + (int32_t)roll(f, 9)},
            .stored_key = {bytes + roll(f, 4), size},
            .server_key = {bytes + roll(f, 4), size}};
    }
    command->set_users.keys.items = keys;
    command->set_users.keys.count = 1 + (int32_t)roll(f, 2);
}

static struct command_acl draw_acl(struct fixture *f) {
    static const char *const names[] = {"a", "ab", "*", "b"};
    return (struct command_acl){.resource = AUTHORIZE_TOPIC,
                                .pattern = ACL_LITERAL + (int8_t)roll(f, 2),
                                .name = kp_string_of(names[roll(f, 4)]),
                                .principal = kp_string_of(roll(f, 2) ? "User:alice" : "User:*"),
                                .host = kp_string_of(roll(f, 2) ? "*" : "10.0.0.1"),
                                .operation = (int8_t)roll(f, 14), /* some are none */
                                .permission = ACL_DENY + (int8_t)roll(f, 2)};
}

/* Rules come, and go. */
static void draw_rules(struct fixture *f, struct metadata_command *command) {
    static struct command_acl added[8], removed[8];
    metadata_command_init(command, COMMAND_SET_ACLS);
    for (size_t i = 0; i < 8; i++) {
        added[i] = draw_acl(f);
        removed[i] = draw_acl(f);
    }
    command->set_acls.added.items = added;
    command->set_acls.added.count = (int32_t)roll(f, 9);
    command->set_acls.removed.items = removed;
    command->set_acls.removed.count = (int32_t)roll(f, 9);
}

/* Quotas come, and go; some are none. */
static void draw_quotas(struct fixture *f, struct metadata_command *command) {
    static struct command_quota quotas[8];
    static const char *const names[] = {"a", "ab", NULL, "b", "10.0.0.1"};
    metadata_command_init(command, COMMAND_SET_QUOTAS);
    for (size_t i = 0; i < 8; i++) {
        int8_t types = (int8_t)roll(f, 6);
        quotas[i] = (struct command_quota){
            .types = types,
            .user = kp_string_of((types & 1) != 0 ? names[roll(f, 4)] : NULL),
            .client = kp_string_of((types & 2) != 0 ? names[roll(f, 4)] : NULL),
            .ip = kp_string_of((types & 4) != 0 ? names[2 + 2 * roll(f, 2)] : NULL),
            .key = (int8_t)roll(f, 7),
            .value = (double)roll(f, 3) * 1000};
    }
    command->set_quotas.quotas.items = quotas;
    command->set_quotas.quotas.count = (int32_t)roll(f, 9);
}

/* Of some partition, which may have a majority: then nothing comes of it; or of the metadata. */
static void draw_recovery(struct fixture *f, struct metadata_command *command,
                          int32_t nodes[NODES]) {
    const struct metadata_partition *partition = draw_partition(f);
    metadata_command_init(command, COMMAND_RECOVER_PARTITION);
    if (roll(f, 2) == 0) {
        command->recover_partition.group = METADATA_GROUP;
        command->recover_partition.lost.items = nodes;
        draw_nodes(f, nodes, &command->recover_partition.lost.count);
        return;
    }
    command->recover_partition = (struct command_recover_partition){
        .group = (int64_t)partition->group,
        .replica = (int64_t)partition->replicas[roll(f, metadata_member_count(partition))].replica,
        .term = 1 + (int64_t)roll(f, 9),
        .index = 1 + (int64_t)roll(f, 99)};
}

static void draw(struct fixture *f, struct metadata_command *command, int32_t nodes[NODES]) {
    const struct roster_broker *row = metadata_roster_at(f->table, roll(f, NODES));
    uint64_t kind = roll(f, 16);
    if (kind == 15) {
        draw_quotas(f, command);
    } else if (kind == 14) {
        draw_rules(f, command);
    } else if (kind == 13) {
        draw_users(f, command);
    } else if (kind == 12) {
        draw_recovery(f, command, nodes);
    } else if (kind == 11) {
        draw_levels(f, command);
    } else if (kind == 10) {
        fill_registration(f, command, row);
    } else if (kind < 6) {
        draw_move(f, command, nodes);
    } else if (kind < 9) {
        metadata_command_init(command, COMMAND_REPLACE_BROKER);
        command->replace_broker.node = row->node;
        command->replace_broker.host = kp_string_of(roll(f, 2) ? "elsewhere" : "");
        command->replace_broker.directory = draw_uuid(f);
        memcpy(command->replace_broker.former.bytes, row->directory, METADATA_UUID_SIZE);
    } else {
        metadata_command_init(command, COMMAND_SET_VOTERS);
        command->set_voters.nodes.items = nodes;
        draw_nodes(f, nodes, &command->set_voters.nodes.count);
    }
}

/* ---- Images ---- */

static struct slice image_of(const struct metadata *table) {
    struct slice parts[3 + NODES + TOPICS + 7];
    size_t count = 0, len = 0, at = 0;
    parts[count++] = image_of_head(table);
    for (size_t i = 0; i < table->broker_count; i++)
        parts[count++] = image_of_broker(table->brokers[i]);
    parts[count++] = image_of_roster(table);
    parts[count++] = image_of_retired(table);
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(table, topic)) != NULL;)
        parts[count++] = image_of_topic((const struct topic_row *)topic);
    parts[count++] = image_of_requests(&table->resources);
    parts[count++] = image_of_plans(table);
    if (table->feature_count > 0) parts[count++] = image_of_features(table);
    if (table->users.has_secret) parts[count++] = image_of_users(table);
    if (table->rules.changed > 0) parts[count++] = image_of_acls(table);
    if (table->quotas.changed > 0) parts[count++] = image_of_quotas(table);
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    uint8_t *bytes = mem_alloc(len);
    for (size_t i = 0; i < count; i++) {
        memcpy(bytes + at, parts[i].data, parts[i].len);
        at += parts[i].len;
        slice_unref(&parts[i]);
    }
    return slice_adopt(NULL, bytes, len);
}

static struct metadata *table_of(const struct slice *image) {
    struct image_reader reader = {
        .into = metadata_new(0, 2), .index = UINT64_MAX, .bytes = image->data, .len = image->len};
    int error;
    while ((error = image_read_part(&reader)) == ERR_NONE) {}
    assert_int_equal(error, ERR_EOF);
    return reader.into;
}

static void test_image_members(void **state) {
    struct fixture f = {.dice = 77};
    (void)state;
    add_brokers(&f);
    add_topics(&f);
    for (int i = 0; i < COMMANDS; i++) {
        struct metadata_command command;
        int32_t nodes[NODES];
        struct slice before = image_of(f.table);
        struct metadata *other = table_of(&before);
        draw(&f, &command, nodes);
        int error = apply_to(f.table, ++f.index, &command);
        f.applied += error == 0;
        f.levels += error == 0 && command.type == COMMAND_SET_FEATURES;
        f.users += f.table->users.has_secret ? f.table->users.count : 0;
        f.rules += f.table->rules.count;
        f.quotas += f.table->quotas.count;
        f.lost += error == 0 && command.type == COMMAND_REPLACE_BROKER;
        assert_int_equal(apply_to(other, f.index, &command), error);
        assert_memory_equal(f.table->quotas.forms, other->quotas.forms, sizeof other->quotas.forms);
        struct slice one = image_of(f.table), two = image_of(other);
        assert_int_equal(one.len, two.len);
        assert_memory_equal(one.data, two.data, one.len);
        slice_unref(&one);
        slice_unref(&two);
        slice_unref(&before);
        metadata_free(other);
    }
    assert_true(f.levels > COMMANDS / 100);
    assert_true(f.users > COMMANDS);
    assert_true(f.rules > COMMANDS);
    assert_true(f.quotas > COMMANDS);
    assert_true(f.applied > COMMANDS / 4 && f.cancelled > COMMANDS / 20 && f.lost > COMMANDS / 20);
    metadata_free(f.table);
}

static int read_status(const uint8_t *bytes, size_t len) {
    struct image_reader reader = {
        .into = metadata_new(0, 2), .index = UINT64_MAX, .bytes = bytes, .len = len};
    int error;
    while ((error = image_read_part(&reader)) == ERR_NONE) {}
    metadata_free(reader.into);
    return error;
}

/* A level that was higher goes through an image, and through any number of them; where none was,
 * the image is as versions wrote it that did not know of that. */
static void test_image_of_highest_levels(void **state) {
    enum { TAG = 5 }; /* the number of tags instead of 0, the tag, its size, the level */
    struct fixture f = {.dice = 79};
    struct kp_string name = kp_string_of("spin");
    (void)state;
    add_brokers(&f);
    f.table->features_set = f.index;
    metadata_features_put(f.table, name, 1);
    struct slice never = image_of(f.table);
    metadata_features_put(f.table, name, 3);
    metadata_features_put(f.table, name, 1);
    struct slice lowered = image_of(f.table);
    assert_int_equal(lowered.len, never.len + TAG - 1);
    struct metadata *other = table_of(&lowered);
    assert_int_equal(other->features[0].set.max, 1);
    assert_int_equal(other->features[0].highest, 3);
    struct slice again = image_of(other);
    assert_int_equal(again.len, lowered.len);
    assert_memory_equal(again.data, lowered.data, again.len);
    metadata_free(other);
    other = table_of(&never);
    assert_int_equal(other->features[0].highest, 1);
    metadata_free(other);
    /* The highest one, in front of the number of tags of the part, is never the lower one. */
    uint8_t *level = (uint8_t *)again.data + again.len - 2;
    assert_int_equal(*level, 3);
    *level = 2;
    assert_int_equal(read_status(again.data, again.len), ERR_EOF);
    *level = 1;
    assert_int_equal(read_status(again.data, again.len), ERR_MALFORMED);
    slice_unref(&again);
    slice_unref(&lowered);
    slice_unref(&never);
    metadata_free(f.table);
}

/* That of another version is known without being read. */
static void test_image_of_a_later_version(void **state) {
    struct fixture f = {.dice = 78};
    (void)state;
    add_brokers(&f);
    add_topics(&f);
    struct slice image = image_of(f.table);
    assert_true(image_is_known(image));
    uint8_t *bytes = mem_zalloc(image.len + IMAGE_PART_HEAD);
    struct slice other = {.data = bytes, .len = image.len};
    memcpy(bytes, image.data, image.len);
    bytes[IMAGE_PART_HEAD]++; /* the format */
    assert_false(image_is_known(other));
    bytes[IMAGE_PART_HEAD]--;
    assert_true(image_is_known(other));
    bytes[image.len] = UINT8_MAX; /* one more part, of a kind that nobody knows */
    other.len += IMAGE_PART_HEAD;
    assert_false(image_is_known(other));
    for (other.len = 0; other.len < image.len; other.len++)
        image_is_known(other); /* where a part ends it seems whole */
    mem_free(bytes);
    slice_unref(&image);
    metadata_free(f.table);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_image_members),
                                       cmocka_unit_test(test_image_of_highest_levels),
                                       cmocka_unit_test(test_image_of_a_later_version)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
