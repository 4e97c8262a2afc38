/* The list of topics: what is chosen, and in which order. */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/console/topic_rows.h"
#include "tests/unit/unit.h"

enum { MANY = 10000 };

static int32_t nodes[] = {1, 2, 3};

static struct topic_rows *rows_of(const char *const *names, int32_t count) {
    struct kp_metadata_response metadata;
    kp_set_fallbacks(&kp_metadata_response_schema, &metadata);
    struct kp_metadata_response_topic *topics = mem_zalloc((size_t)count * sizeof *topics);
    struct kp_metadata_response_partition *partitions = mem_zalloc((size_t)count *
                                                                   sizeof *partitions);
    for (int32_t i = 0; i < count; i++) {
        topics[i].name = kp_string_of(names[i]);
        topics[i].is_internal = names[i][0] == '_';
        topics[i].partitions.items = &partitions[i];
        topics[i].partitions.count = 1;
        partitions[i].leader_id = names[i][0] == 'x' ? -1 : 1;
        partitions[i].replica_nodes.items = partitions[i].isr_nodes.items = nodes;
        partitions[i].replica_nodes.count = 3;
        partitions[i].isr_nodes.count = names[i][0] == 'x' ? 0 : 3;
    }
    metadata.topics.items = topics;
    metadata.topics.count = count;
    struct topic_rows *rows = topic_rows_new(&metadata);
    mem_free(topics);
    mem_free(partitions);
    return rows;
}

static void assert_selected(const struct topic_rows *rows, struct topic_wish wish,
                            const char *wanted) {
    size_t count;
    const struct topic_row **selected = topic_rows_select(rows, &wish, &count);
    char text[200] = "";
    for (size_t i = 0, len = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s ", selected[i]->name);
    mem_free(selected);
    assert_string_equal(text, wanted);
}

static void test_topic_rows_select(void **state) {
    (void)state;
    static const char *const names[] = {"b", "_internal", "a1", "A2", "x"};
    struct topic_rows *rows = rows_of(names, 5);
    assert_selected(rows, (struct topic_wish){0}, "A2 a1 b x ");
    assert_selected(rows, (struct topic_wish){.internal = true}, "A2 _internal a1 b x ");
    assert_selected(rows, (struct topic_wish){.falling = true}, "x b a1 A2 ");
    assert_selected(rows, (struct topic_wish){.search = "A"}, "A2 a1 ");
    assert_selected(rows, (struct topic_wish){.troubled = true}, "x ");
    /* What is not known stands below every number, and what is alike by name. */
    topic_rows_find(rows, "b", 1)->records = 7;
    topic_rows_find(rows, "x", 1)->records = 0;
    assert_selected(rows, (struct topic_wish){.order = ORDER_RECORDS, .falling = true},
                    "b x A2 a1 ");
    topic_rows_free(rows);
}

/* Each is found by its name, and by no part of it. */
static void test_topic_rows_find(void **state) {
    (void)state;
    char(*texts)[16] = mem_alloc(MANY * sizeof *texts);
    const char **names = mem_alloc(MANY * sizeof *names);
    for (int i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof texts[i], "topic-%d", i * 7919 % MANY);
        names[i] = texts[i];
    }
    struct topic_rows *rows = rows_of(names, MANY);
    assert_int_equal(rows->count, MANY);
    for (int i = 0; i < MANY; i++)
        assert_string_equal(topic_rows_find(rows, names[i], strlen(names[i]))->name, names[i]);
    assert_null(topic_rows_find(rows, "topic-", 6));
    assert_null(topic_rows_find(rows, "topic-00", 8));
    assert_true(isnan(rows->rows[0].records));
    topic_rows_free(rows);
    mem_free(names);
    mem_free(texts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topic_rows_select),
        cmocka_unit_test(test_topic_rows_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
