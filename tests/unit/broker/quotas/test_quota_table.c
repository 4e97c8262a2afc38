/* The table of quotas against a list that is looked at as a whole, and what is no quota. */
#include <math.h>
#include <string.h>

#include "broker/quotas/quota_table.h"
#include "tests/unit/unit.h"

enum { STEPS = 20000, MODEL_MAX = 200 };

struct model {
    struct {
        struct quota_entity entity;
        enum quota_key key;
        double value;
    } rows[MODEL_MAX];
    size_t count;
};

static uint64_t dice = 90;

static uint64_t roll(uint64_t limit) {
    dice = dice * UINT64_C(6364136223846793005) + 1;
    return (dice >> 33) % limit;
}

static const char *const users[] = {"alice", "bob", "al"}, *const clients[] = {"a", "b", "ab", "c"};

static struct kp_string draw_name(const char *const *names, size_t count) {
    return roll(3) == 0 ? KP_NULL_STRING : kp_string_of(names[roll(count)]);
}

static struct quota_entity draw_entity(void) {
    struct quota_entity entity = {.types = 1 + (unsigned)roll(3),
                                  .names = {KP_NULL_STRING, KP_NULL_STRING, KP_NULL_STRING}};
    if ((entity.types & 1u << QUOTA_USER) != 0) entity.names[QUOTA_USER] = draw_name(users, 3);
    if ((entity.types & 1u << QUOTA_CLIENT) != 0)
        entity.names[QUOTA_CLIENT] = draw_name(clients, 4);
    return entity;
}

static void model_set(struct model *model, const struct quota_entity *entity, enum quota_key key,
                      double value) {
    size_t at = 0;
    while (at < model->count && (model->rows[at].key != key ||
                                 quota_entity_compare(&model->rows[at].entity, entity) != 0))
        at++;
    if (value <= 0) {
        if (at < model->count) model->rows[at] = model->rows[--model->count];
        return;
    }
    assert_true(at < MODEL_MAX);
    if (at == model->count) model->count++;
    model->rows[at].entity = *entity;
    model->rows[at].key = key;
    model->rows[at].value = value;
}

/* Kafka's order, as its documentation tells it. */
static double model_limit(const struct model *model, enum quota_key key, const char *user,
                          const char *client) {
    static const struct {
        int user, client; /* 2: of that name, 1: the default, 0: has none */
    } order[] = {{2, 2}, {2, 1}, {2, 0}, {1, 2}, {1, 1}, {1, 0}, {0, 2}, {0, 1}};
    for (size_t o = 0; o < 8; o++) {
        for (size_t i = 0; i < model->count; i++) {
            const struct quota_entity *entity = &model->rows[i].entity;
            const char *wanted[2] = {user, client};
            bool fits = model->rows[i].key == key;
            for (int type = QUOTA_USER; type <= QUOTA_CLIENT; type++) {
                int want = type == QUOTA_USER ? order[o].user : order[o].client;
                bool has = (entity->types & 1u << type) != 0, named = entity->names[type].len >= 0;
                fits = fits && has == (want > 0) && (!has || named == (want == 2)) &&
                       (want != 2 || kp_string_is(entity->names[type], wanted[type]));
            }
            if (fits) return model->rows[i].value;
        }
    }
    return 0;
}

/* Quotas come and go; who is held by which is what a look at all of them says. */
static void test_quota_table_model(void **state) {
    struct quota_table table = {0};
    struct model model = {.count = 0};
    size_t limited = 0;
    (void)state;
    for (int step = 0; step < STEPS; step++) {
        struct quota_entity entity = draw_entity();
        enum quota_key key = QUOTA_PRODUCED + (enum quota_key)roll(2);
        double value = roll(2) == 0 ? 0 : 1 + (double)roll(1000);
        quota_table_set(&table, &entity, key, value);
        model_set(&model, &entity, key, value);
        const char *user = users[roll(3)], *client = clients[roll(4)];
        struct quota_limit limit = {0};
        bool found = quota_table_limit(&table, key, kp_string_of(user), kp_string_of(client),
                                       &limit);
        assert_true(limit.value == model_limit(&model, key, user, client));
        limited += found;
        size_t values = 0;
        for (size_t i = 0; i < table.count; i++) {
            values += (table.rows[i]->values[QUOTA_PRODUCED] > 0) +
                      (table.rows[i]->values[QUOTA_FETCHED] > 0);
            assert_true(i == 0 || quota_entity_compare(&table.rows[i - 1]->entity,
                                                       &table.rows[i]->entity) < 0);
        }
        assert_int_equal(values, model.count);
    }
    assert_true(limited > STEPS / 2);
    quota_table_close(&table);
}

static struct quota_entity entity_of(unsigned types, const char *user, const char *client,
                                     const char *ip) {
    return (struct quota_entity){
        .types = types, .names = {kp_string_of(user), kp_string_of(client), kp_string_of(ip)}};
}

/* Entities, keys and values that Kafka refuses are refused. */
static void test_quota_faults(void **state) {
    enum { USER = 1 << QUOTA_USER, CLIENT = 1 << QUOTA_CLIENT, IP = 1 << QUOTA_IP };
    static const struct {
        unsigned types;
        const char *user, *client, *ip;
        bool sound;
    } entities[] = {{USER, "alice", NULL, NULL, true},
                    {USER, NULL, NULL, NULL, true},
                    {USER | CLIENT, NULL, "c", NULL, true},
                    {CLIENT, NULL, "c", NULL, true},
                    {IP, NULL, NULL, "10.0.0.7", true},
                    {IP, NULL, NULL, "::1", true},
                    {IP, NULL, NULL, NULL, true},
                    {IP, NULL, NULL, "example.com", false},
                    {IP | USER, "alice", NULL, NULL, false},
                    {0, NULL, NULL, NULL, false},
                    {USER, "", NULL, NULL, false},
                    {8, NULL, NULL, NULL, false},
                    {USER, "a\nb", NULL, NULL, false},
                    {USER, "a", "b", NULL, false}};
    static const struct {
        unsigned types;
        enum quota_key key;
        double value;
        bool sound;
    } values[] = {{USER, QUOTA_PRODUCED, 1, true},
                  {USER, QUOTA_PRODUCED, 0, false},
                  {USER, QUOTA_PRODUCED, -1, false},
                  {USER, QUOTA_PRODUCED, 1.5, false},
                  {USER, QUOTA_TIME, 0.5, true},
                  {CLIENT, QUOTA_MUTATIONS, 1.5, true},
                  {USER, QUOTA_FETCHED, 1e300, false},
                  {USER, QUOTA_FETCHED, NAN, false},
                  {USER, QUOTA_TIME, INFINITY, false},
                  {IP, QUOTA_PRODUCED, 1, false},
                  {IP, QUOTA_CONNECTIONS, 10, true},
                  {USER, QUOTA_CONNECTIONS, 10, false},
                  {IP, QUOTA_CONNECTIONS, 3e9, false},
                  {USER, 0, 1, false},
                  {USER, QUOTA_PRODUCED, 5e-7, false},
                  {USER, QUOTA_FETCHED, 5e-324, false},
                  {USER, QUOTA_FETCHED, 1e18, true},
                  {USER, QUOTA_PRODUCED, 2.0000001, true},
                  {USER, QUOTA_PRODUCED, 1.99, false},
                  {USER, QUOTA_PRODUCED, 0.9999999, false},
                  {USER, QUOTA_PRODUCED, 1.9999999, false},
                  {IP, QUOTA_CONNECTIONS, 5e-7, false}};
    (void)state;
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++) {
        struct quota_entity entity = entity_of(entities[i].types, entities[i].user,
                                               entities[i].client, entities[i].ip);
        assert_int_equal(quota_entity_fault(&entity) == NULL, entities[i].sound);
    }
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct quota_entity entity = entity_of(values[i].types, NULL, NULL, NULL);
        assert_int_equal(quota_value_fault(&entity, values[i].key, values[i].value) == NULL,
                         values[i].sound);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_quota_table_model),
                                       cmocka_unit_test(test_quota_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
