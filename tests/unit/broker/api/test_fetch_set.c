/* The set of a fetch against a plain array: what is put in, forgotten and listed, at random, as
 * clients may. */
#include "broker/api/fetch_set.h"

#include <string.h>

#include "protocol/messages/fetch.h"
#include "tests/unit/unit.h"

enum { TOPICS = 12, PARTITIONS = 40, ROUNDS = 60000, MOST = 300 };

struct model {
    struct kp_arena arena;
    struct fetch_set set;
    bool has[TOPICS][PARTITIONS], listed[TOPICS][PARTITIONS];
    int64_t offset[TOPICS][PARTITIONS];
    size_t count;
    uint64_t state;
};

static uint32_t below(struct model *model, uint32_t limit) {
    model->state = model->state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(model->state >> 33) % limit;
}

/* Names of all lengths, of which some begin like others. */
static struct topic_ref ref_of(const struct model *model, uint32_t topic, char into[64]) {
    struct topic_ref ref = {.by_id = model->set.by_id};
    memset(into, 'a', 64);
    if (!ref.by_id) ref.name = (struct kp_string){into, (int32_t)(1 + 5 * topic)};
    ref.id.bytes[topic] = ref.by_id;
    return ref;
}

static void put(struct model *model, uint32_t t, int32_t partition) {
    char name[64];
    struct topic_ref ref = ref_of(model, t, name);
    struct kp_fetch_request_partition asked;
    kp_set_fallbacks(&kp_fetch_request_partition_schema, &asked);
    asked.partition = partition;
    asked.fetch_offset = below(model, 1000);
    bool fits = model->has[t][partition] || model->count < MOST;
    struct fetch_topic *topic = fetch_set_topic(&model->set, &ref);
    assert_non_null(topic);
    memset(name, 'x', sizeof name); /* the set has its own */
    struct fetch_entry *entry = fetch_set_put(&model->set, topic, &asked);
    assert_int_equal(entry != NULL, fits);
    if (!fits) return;
    assert_int_equal(entry->partition, partition);
    model->count += !model->has[t][partition];
    model->has[t][partition] = model->listed[t][partition] = true;
    model->offset[t][partition] = asked.fetch_offset;
}

static void forget(struct model *model, uint32_t t, int32_t partition) {
    char name[64];
    struct topic_ref ref = ref_of(model, t, name);
    fetch_set_forget(&model->set, &ref, partition);
    model->count -= model->has[t][partition];
    model->has[t][partition] = model->listed[t][partition] = false;
}

static uint32_t number_of(const struct topic_ref *ref) {
    if (!ref->by_id) return (uint32_t)(ref->name.len - 1) / 5;
    uint32_t number = 0;
    while (ref->id.bytes[number] == 0)
        number++;
    return number;
}

static void unlist_first(struct model *model) {
    struct fetch_entry *entry = model->set.list;
    if (entry == NULL) return;
    model->listed[number_of(&entry->topic->ref)][entry->partition] = false;
    fetch_set_unlist(entry);
}

static void compare(struct model *model) {
    const struct fetch_set *set = &model->set;
    size_t found = 0, listed = 0, on_list = 0;
    assert_int_equal(set->count, model->count);
    for (size_t i = 0; i < set->places; i++) {
        const struct fetch_entry *entry = set->entries[i];
        if (entry == NULL) continue;
        uint32_t topic = number_of(&entry->topic->ref);
        found++;
        listed += entry->listed;
        assert_true(model->has[topic][entry->partition]);
        assert_int_equal(entry->listed, model->listed[topic][entry->partition]);
        assert_int_equal(entry->offset, model->offset[topic][entry->partition]);
    }
    for (const struct fetch_entry *entry = set->list; entry != NULL; entry = entry->next)
        on_list++;
    assert_int_equal(found, model->count);
    assert_int_equal(on_list, listed);
    assert_int_equal(set->listed, listed);
}

static void run(bool by_id) {
    struct model *model = test_calloc(1, sizeof *model);
    model->state = 7;
    kp_arena_init(&model->arena, 1 << 20);
    assert_true(fetch_set_init(&model->set, &model->arena, 0, 0, MOST, 99));
    model->set.by_id = by_id;
    model->set.lasts = true;
    size_t early = 0;
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t topic = below(model, TOPICS), what = below(model, 10);
        int32_t partition = (int32_t)below(model, PARTITIONS);
        if (what < 5)
            put(model, topic, partition);
        else if (what < 9)
            forget(model, topic, partition);
        else
            unlist_first(model);
        if (i % 500 == 0) compare(model);
        if (i == ROUNDS / 4) early = model->arena.used;
    }
    compare(model);
    assert_in_range(model->arena.used, early, early + early / 2); /* it serves again and again */
    kp_arena_close(&model->arena);
    test_free(model);
}

static void test_fetch_set_by_name(void **state) {
    (void)state;
    run(false);
}

static void test_fetch_set_by_id(void **state) {
    (void)state;
    run(true);
}

/* Whoever is to be first is, and nobody is lost. */
static void test_fetch_set_begins_anywhere(void **state) {
    enum { COUNT = 7 };
    (void)state;
    struct kp_arena arena;
    kp_arena_init(&arena, 1 << 20);
    for (size_t first = 0; first < COUNT; first++) {
        struct fetch_set set;
        struct topic_ref ref = {.name = kp_string_of("t")};
        struct kp_fetch_request_partition asked;
        kp_set_fallbacks(&kp_fetch_request_partition_schema, &asked);
        assert_true(fetch_set_init(&set, &arena, 1, COUNT, COUNT, 1));
        for (asked.partition = 0; asked.partition < COUNT; asked.partition++)
            assert_non_null(fetch_set_put(&set, fetch_set_topic(&set, &ref), &asked));
        fetch_set_begin_with(&set, first);
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(set.list->partition, (first + i) % COUNT);
            fetch_set_to_end(set.list);
        }
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(set.list->partition, (first + i) % COUNT);
            fetch_set_unlist(set.list);
        }
        assert_null(set.list);
    }
    kp_arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fetch_set_by_name),
        cmocka_unit_test(test_fetch_set_by_id),
        cmocka_unit_test(test_fetch_set_begins_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
