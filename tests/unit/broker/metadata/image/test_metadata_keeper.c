/* Brokers whose metadata's log begins later than at 1: what a start finds, and what one gets that
 * was away. */
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "broker/metadata/image/metadata_image.h"
#include "broker/metadata/image/metadata_keeper.h"
#include "broker/metadata/metadata.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/metadata/metadata_rows.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_topics.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log/log_internal.h"
#include "storage/segment/segment_format.h"
#include "storage/state/state_files.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/unit.h"

enum { CHURN_MOST = 400, MANY = 600 };

static const char *const settings[] = {"metadata.log.max.record.bytes.between.snapshots=1024",
                                       "replica.absent.ms=0", NULL};

static struct raft_group *raft_of(const struct broker_node *node) {
    return shard_group(broker_shard(node->broker), METADATA_GROUP);
}

static struct partition_log *log_of(const struct broker_node *node) {
    return raft_group_log(raft_of(node));
}

static const struct metadata *table_of(const struct broker_node *node) {
    return broker_services(node->broker)->metadata;
}

/* ---- Waiting ---- */

static struct broker_node *looked_at;
static log_index beyond;

static bool has_let_go(struct brokers *brokers) {
    (void)brokers;
    return partition_log_first_index(log_of(looked_at)) > beyond;
}

static bool is_led(struct brokers *brokers) {
    return brokers_metadata_leader(brokers) != NULL;
}

/* Directories of groups that the table does not have. */
struct strays {
    const struct metadata *table;
    unsigned count;
};

static void count_stray(void *arg, const char *name) {
    struct strays *strays = arg;
    uint64_t group;
    if (path_group_id(name, &group) && group != METADATA_GROUP &&
        metadata_partition_of_group(strays->table, group) == NULL)
        strays->count++;
}

static bool has_strays(struct broker_node *node) {
    struct strays strays = {.table = table_of(node)};
    char path[256];
    snprintf(path, sizeof path, "%s/shard-0/groups", node->dir);
    env_list_dir(node->brokers->env, path, count_stray, &strays);
    return strays.count > 0;
}

/* The table, and with it the partitions, open and on the disk. */
static bool all_say_the_same(struct brokers *brokers) {
    const struct metadata *first = NULL;
    for (int i = 0; i < brokers->count; i++) {
        struct broker_node *node = &brokers->nodes[i];
        if (node->broker == NULL) continue;
        const struct metadata *table = table_of(node);
        if (first == NULL) first = table;
        if (metadata_version(table) != metadata_version(first) ||
            metadata_topic_count(table) != metadata_topic_count(first) || has_strays(node))
            return false;
    }
    return true;
}

/* Every partition that has a replica on that broker is open there. */
static bool has_opened_all(struct brokers *brokers) {
    const struct metadata *table = table_of(looked_at);
    size_t wanted = 0;
    (void)brokers;
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(table, topic)) != NULL;)
        for (int32_t p = 0; p < topic->partition_count; p++)
            wanted += metadata_replica_on(&topic->partitions[p], looked_at->id) != NULL;
    return partition_set_count(broker_services(looked_at->broker)->partitions) == wanted;
}

/* Topics come and go until that broker's log of metadata begins behind `index`. */
static void churn_until_gone(struct brokers *brokers, struct broker_node *node, log_index index) {
    struct broker_node *asked = brokers_metadata_leader(brokers);
    char name[32];
    for (int i = 0; i < CHURN_MOST; i++) {
        if (partition_log_first_index(log_of(node)) > index) return;
        snprintf(name, sizeof name, "comes-and-goes-%d", i);
        assert_int_equal(brokers_create_topic(asked, name, 1, 1, NULL), 0);
        assert_int_equal(brokers_delete_topic(asked, name), 0);
    }
    looked_at = node;
    beyond = index;
    brokers_until(brokers, has_let_go);
}

/* ---- Tests ---- */

/* The log begins later; a start has the table all the same, applies what came since, and goes on
 * with ids that were never given. */
static void test_keeper_start_behind_the_beginning(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = &brokers->nodes[0];
    brokers_start(brokers, 1, settings);
    brokers_until(brokers, is_led);
    assert_int_equal(brokers_create_topic(node, "stays", 3, 1, NULL), 0);
    for (int round = 0; round < 4; round++) {
        log_index first = partition_log_first_index(log_of(node));
        churn_until_gone(brokers, node, first);
        uint64_t next = metadata_next_group(table_of(node)),
                 version = metadata_version(table_of(node));
        /* A broker that is killed here has jobs that end all the same; the simulator's has not. */
        brokers_until(brokers, all_say_the_same);
        if (round & 1)
            brokers_kill(node);
        else
            brokers_stop(node);
        assert_int_equal(brokers_start_one(node), ERR_NONE);
        brokers_until(brokers, brokers_all_ready);
        assert_true(partition_log_first_index(log_of(node)) > first);
        assert_true(metadata_version(table_of(node)) >= version);
        assert_true(metadata_next_group(table_of(node)) >= next);
        assert_non_null(metadata_topic_named(table_of(node), "stays", 5));
        brokers_until(brokers, all_say_the_same);
        /* What was replayed is a part of what there was. */
        assert_true(partition_log_last_index(log_of(node)) - log_of(node)->kept_index < 100);
    }
}

static bool has_installed(struct brokers *brokers) {
    struct shard_stats stats;
    (void)brokers;
    shard_stats_get(broker_shard(looked_at->broker), &stats);
    return stats.snapshots_installed > 0;
}

/* One was away while topics came and went and the others let go of what says so: it gets the table,
 * drops what is gone, makes what is new, and takes part. */
static void test_keeper_broker_that_was_away(void **state) {
    struct brokers *brokers = *state;
    brokers_start(brokers, 3, settings);
    brokers_until(brokers, is_led);
    struct broker_node *away = &brokers->nodes[brokers_metadata_leader(brokers)->id % 3];
    struct broker_node *asked = brokers_metadata_leader(brokers);
    assert_int_equal(brokers_create_topic(asked, "goes", 2, 3, NULL), 0);
    assert_int_equal(brokers_create_topic(asked, "stays", 2, 3, NULL), 0);
    brokers_until(brokers, all_say_the_same);
    log_index has = partition_log_last_index(log_of(away));
    brokers_kill(away);
    brokers_until(brokers, is_led);
    asked = brokers_metadata_leader(brokers);
    assert_int_equal(brokers_delete_topic(asked, "goes"), 0);
    assert_int_equal(brokers_create_topic(asked, "new", 2, 3, NULL), 0);
    churn_until_gone(brokers, asked, has + 1); /* what comes next for it is gone */
    assert_int_equal(brokers_start_one(away), ERR_NONE);
    brokers_until(brokers, brokers_all_ready);
    looked_at = away;
    brokers_until(brokers, has_installed);
    brokers_until(brokers, all_say_the_same);
    brokers_until(brokers, has_opened_all);
    assert_null(metadata_topic_named(table_of(away), "goes", 4));
    assert_non_null(metadata_topic_named(table_of(away), "new", 3));
    assert_int_equal(metadata_roster_count(table_of(away)), 3);
    /* It starts with that, and counts. */
    brokers_kill(away);
    assert_int_equal(brokers_start_one(away), ERR_NONE);
    brokers_until(brokers, brokers_all_ready);
    brokers_until(brokers, is_led);
    struct broker_node *other = &brokers->nodes[away->id % 3];
    brokers_kill(other);
    brokers_until(brokers, is_led);
    assert_int_equal(brokers_create_topic(brokers_metadata_leader(brokers), "with-two", 1, 2, NULL),
                     0);
}

static void ask_for_many(struct broker_node *node) {
    static struct kp_create_topics_response response;
    struct kp_create_topics_request_topic topic;
    struct kp_create_topics_request request;
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    topic.name = kp_string_of("many");
    topic.num_partitions = MANY;
    topic.replication_factor = 1;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 10000;
    brokers_ask_later(node, KP_CREATE_TOPICS, 7, &request, &response);
}

static bool opens_some(struct brokers *brokers) {
    (void)brokers;
    return partition_set_count(broker_services(looked_at->broker)->partitions) > 0;
}

static bool has_all_answers(struct brokers *brokers) {
    return brokers_missing(brokers) == 0;
}

static char *snapshot_of(const struct partition_log *log) {
    return path_of_snapshot(log->path, log->kept_index);
}

/* What its snapshot is read as; ERR_EOF: a table. ERR_NOT_FOUND: it has none. */
static int read_snapshot(struct broker_node *node) {
    const struct partition_log *log = log_of(node);
    bool was_durable;
    struct slice image;
    if (log->kept_index == 0) return ERR_NOT_FOUND;
    char *path = snapshot_of(log);
    assert_int_equal(state_file_read(node->brokers->env, path, METADATA_GROUP, log->kept_index,
                                     &was_durable, &image),
                     0);
    struct image_reader reader = {.into = metadata_new(0, 1),
                                  .index = log->kept_index,
                                  .bytes = image.data,
                                  .len = image.len};
    int error;
    while ((error = image_read_part(&reader)) == ERR_NONE) {}
    metadata_free(reader.into);
    slice_unref(&image);
    mem_free(path);
    return error;
}

/* Its format is one that nobody knows yet; the checksum is right. */
static void make_newer(const char *path) {
    uint8_t bytes[1 << 16];
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    assert_in_range(len, STATE_HEAD_SIZE + IMAGE_PART_HEAD + 1, sizeof bytes - 1);
    bytes[STATE_HEAD_SIZE + IMAGE_PART_HEAD]++;
    uint32_t crc = state_head_crc(bytes);
    state_head_seal(bytes, crc32c(crc, bytes + STATE_HEAD_SIZE, len - STATE_HEAD_SIZE));
    rewind(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

/* A snapshot that this version cannot read is no reason to let go of the log's beginning, of which
 * a start makes the table instead. */
static void test_keeper_snapshot_of_a_newer_version(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = looked_at = &brokers->nodes[0];
    brokers_start(brokers, 1, settings);
    brokers_until(brokers, is_led);
    assert_int_equal(brokers_create_topic(node, "stays", 30, 1, NULL), 0);
    log_of(node)->prefix.pins++; /* nothing of it goes meanwhile */
    for (int i = 0; log_of(node)->kept_index == 0; i++) {
        char name[32];
        snprintf(name, sizeof name, "more-%d", i);
        assert_true(i < CHURN_MOST);
        assert_int_equal(brokers_create_topic(node, name, 1, 1, NULL), 0);
    }
    assert_int_equal(partition_log_first_index(log_of(node)), 1);
    char *path = snapshot_of(log_of(node));
    log_of(node)->prefix.pins--;
    brokers_kill(node);
    make_newer(path);
    mem_free(path);
    assert_int_equal(brokers_start_one(node), ERR_NONE);
    brokers_until(brokers, brokers_all_ready);
    assert_non_null(metadata_topic_named(table_of(node), "stays", 5));
    assert_true(read_snapshot(node) == ERR_NOT_FOUND || read_snapshot(node) == ERR_EOF);
}

static unsigned turns_to_go;

static bool some_turns_went(struct brokers *brokers) {
    (void)brokers;
    return turns_to_go-- == 0;
}

/* The table is another one before anybody is told: partitions that wait to be opened are in it no
 * more, and wait until somebody is told. */
static void test_keeper_table_ahead_of_its_words(void **state) {
    struct brokers *brokers = *state;
    struct broker_node *node = looked_at = &brokers->nodes[0];
    brokers_start(brokers, 1, settings);
    brokers_until(brokers, is_led);
    ask_for_many(node);
    brokers_until(brokers, opens_some);
    assert_false(has_opened_all(brokers));
    struct metadata *table = (struct metadata *)table_of(node), *other = metadata_new(0, 1);
    metadata_rows_exchange(table, other);
    turns_to_go = 20;
    brokers_until(brokers, some_turns_went);
    metadata_rows_exchange(table, other);
    metadata_free(other);
    brokers_until(brokers, has_opened_all);
    brokers_until(brokers, has_all_answers);
}

/* Until it has kept its table: its bytes, of *index. */
static struct slice kept_image(struct broker_node *node, log_index *index) {
    bool was_durable;
    struct slice image;
    for (int i = 0; log_of(node)->kept_index == 0; i++) {
        char name[32];
        snprintf(name, sizeof name, "more-%d", i);
        assert_true(i < CHURN_MOST);
        assert_int_equal(brokers_create_topic(node, name, 1, 1, NULL), 0);
    }
    *index = log_of(node)->kept_index;
    char *path = snapshot_of(log_of(node));
    assert_int_equal(
        state_file_read(node->brokers->env, path, METADATA_GROUP, *index, &was_durable, &image), 0);
    mem_free(path);
    return image;
}

static void on_topic_removed(void *arg, const struct metadata_topic *topic) {
    unsigned *removed = arg;
    (void)topic;
    (*removed)++;
}

static bool is_restored(struct brokers *brokers) {
    (void)brokers;
    return !raft_of(looked_at)->applying.restoring;
}

/* A leader gives an image that is older than the table: nobody is told that what came since is
 * gone, and the table stays. */
static void test_keeper_image_older_than_the_table(void **state) {
    static const struct metadata_events events = {.topic_removed = on_topic_removed};
    struct brokers *brokers = *state;
    struct broker_node *node = looked_at = &brokers->nodes[0];
    unsigned removed = 0;
    struct metadata_listener listener = {.events = &events, .arg = &removed};
    struct error_text why;
    log_index index;
    brokers_start(brokers, 1, settings);
    brokers_until(brokers, is_led);
    struct slice image = kept_image(node, &index);
    assert_int_equal(brokers_create_topic(node, "late", 1, 1, NULL), 0);
    log_index applied = raft_of(node)->applied;
    assert_true(applied > index);
    metadata_listen((struct metadata *)table_of(node), &listener);
    partition_log_set_snapshot(log_of(node), index, image);
    assert_true(raft_group_restore(raft_of(node), &why));
    brokers_until(brokers, is_restored);
    assert_true(raft_of(node)->applied >= applied);
    assert_non_null(metadata_topic_named(table_of(node), "late", 4));
    assert_int_equal(removed, 0);
    metadata_unlisten((struct metadata *)table_of(node), &listener);
    assert_int_equal(brokers_create_topic(node, "later", 1, 1, NULL), 0);
}

/* A mark says what was put into it; nothing else is taken for one. */
static void test_keeper_marks(void **state) {
    (void)state;
    struct slice mark = metadata_mark_encode(77, 5, 1000);
    log_index everywhere = 0;
    assert_true(metadata_mark_decode(mark.data, mark.len, &everywhere));
    assert_int_equal(everywhere, 77);
    for (size_t len = 0; len < mark.len; len++)
        assert_false(metadata_mark_decode(mark.data, len, &everywhere));
    slice_unref(&mark);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_keeper_start_behind_the_beginning), TEST(test_keeper_broker_that_was_away),
        TEST(test_keeper_table_ahead_of_its_words),   TEST(test_keeper_snapshot_of_a_newer_version),
        TEST(test_keeper_image_older_than_the_table), cmocka_unit_test(test_keeper_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
