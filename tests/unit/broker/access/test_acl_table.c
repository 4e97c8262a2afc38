/* Rules and questions against a second implementation that looks at all rules, as Kafka's
 * StandardAuthorizer is described; and how long a question takes. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "broker/access/acl_table.h"
#include "tests/unit/unit.h"

/* ---- The second implementation ---- */

static bool begins_with(struct kp_string text, struct kp_string with) {
    return with.len <= text.len && memcmp(text.data, with.data, (size_t)with.len) == 0;
}

static bool is_for(const struct acl_rule *rule, const struct acl_asker *asker) {
    return (kp_string_is(rule->principal, "User:*") ||
            kp_string_equal(rule->principal, asker->principal)) &&
           (kp_string_is(rule->host, "*") || kp_string_equal(rule->host, asker->host));
}

static bool allows(int has, int wanted) {
    if (has == AUTHORIZE_ALL || has == wanted) return true;
    if (wanted == AUTHORIZE_DESCRIBE)
        return has == AUTHORIZE_READ || has == AUTHORIZE_WRITE || has == AUTHORIZE_DELETE ||
               has == AUTHORIZE_ALTER;
    return wanted == AUTHORIZE_DESCRIBE_CONFIGS && has == AUTHORIZE_ALTER_CONFIGS;
}

static enum acl_answer slow_answer(const struct acl_rule *rules, size_t count,
                                   const struct acl_asker *asker, int operation, int resource,
                                   struct kp_string name) {
    bool found = false, allowed = false, denied = false;
    for (size_t i = 0; i < count; i++) {
        const struct acl_rule *rule = &rules[i];
        if (rule->resource != resource) continue;
        bool holds = rule->pattern == ACL_PREFIXED
                         ? begins_with(name, rule->name)
                         : kp_string_is(rule->name, "*") || kp_string_equal(rule->name, name);
        if (!holds) continue;
        found = true;
        if (!is_for(rule, asker)) continue;
        if (rule->permission == ACL_DENY)
            denied = denied || rule->operation == AUTHORIZE_ALL || rule->operation == operation;
        else
            allowed = allowed || allows(rule->operation, operation);
    }
    return denied ? ACL_FORBIDS : allowed ? ACL_ALLOWS : found ? ACL_SAYS_NO : ACL_SAYS_NOTHING;
}

static bool speaks_of(const struct acl_rule *rule, const struct acl_asker *asker, int operation,
                      int resource, int permission) {
    return rule->resource == resource && rule->permission == permission && is_for(rule, asker) &&
           (rule->operation == operation || rule->operation == AUTHORIZE_ALL);
}

static bool slow_allows_some(const struct acl_rule *rules, size_t count,
                             const struct acl_asker *asker, int operation, int resource) {
    bool every = false, some = false;
    for (size_t i = 0; i < count; i++) {
        if (rules[i].pattern != ACL_LITERAL || !kp_string_is(rules[i].name, "*")) continue;
        if (speaks_of(&rules[i], asker, operation, resource, ACL_DENY)) return false;
        every = every || speaks_of(&rules[i], asker, operation, resource, ACL_ALLOW);
    }
    for (size_t i = 0; i < count; i++) {
        if (!speaks_of(&rules[i], asker, operation, resource, ACL_ALLOW)) continue;
        bool covered = false;
        for (size_t j = 0; j < count; j++) {
            if (!speaks_of(&rules[j], asker, operation, resource, ACL_DENY)) continue;
            covered = covered || (rules[j].pattern == ACL_PREFIXED
                                      ? begins_with(rules[i].name, rules[j].name)
                                      : rules[i].pattern == ACL_LITERAL &&
                                            kp_string_equal(rules[i].name, rules[j].name));
        }
        some = some || !covered;
    }
    return every || some;
}

/* ---- Random rules ---- */

struct dice {
    uint64_t state;
};

static unsigned roll(struct dice *dice, unsigned sides) {
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return (unsigned)(dice->state >> 33) % sides;
}

#define PICK(dice, texts) kp_string_of(texts[roll(dice, sizeof texts / sizeof texts[0])])
static const char *const names[] = {"*", "a", "ab", "abc", "abcd", "b", "ba", "**", "*a", "abd"};
static const char *const principals[] = {"User:*", "User:alice", "User:bob", "User:ali",
                                         "Group:alice"};
static const char *const hosts[] = {"*", "10.0.0.1", "10.0.0.2", "::1"};

static struct acl_rule draw(struct dice *dice) {
    struct acl_rule rule = {.resource = (int8_t)(2 + roll(dice, 4)),
                            .pattern = (int8_t)(3 + roll(dice, 2)),
                            .operation = (int8_t)(2 + roll(dice, 11)),
                            .permission = (int8_t)(roll(dice, 4) == 0 ? ACL_DENY : ACL_ALLOW),
                            .name = PICK(dice, names),
                            .principal = PICK(dice, principals),
                            .host = PICK(dice, hosts)};
    if (rule.resource == AUTHORIZE_CLUSTER) {
        rule.name = kp_string_of(ACL_CLUSTER_NAME);
        rule.pattern = ACL_LITERAL;
    }
    return rule;
}

enum { RULES = 40, ROUNDS = 4000, QUESTIONS = 60, KINDS = 4 };

static size_t place_in(const struct acl_rule *rules, size_t count, const struct acl_rule *rule) {
    size_t i = 0;
    while (i < count && acl_rule_compare(&rules[i], rule) != 0)
        i++;
    return i;
}

static void compare(struct dice *dice, const struct acl_table *table, const struct acl_rule *rules,
                    size_t count, size_t *seen) {
    struct acl_asker asker = {PICK(dice, principals), PICK(dice, hosts)};
    struct acl_rule what = draw(dice);
    struct kp_string name = what.name;
    enum acl_answer wanted = slow_answer(rules, count, &asker, what.operation, what.resource, name);
    enum acl_answer answer = acl_table_ask(table, &asker, (enum authorize_operation)what.operation,
                                           (enum authorize_resource)what.resource, name);
    assert_int_equal(answer, wanted);
    seen[answer]++;
    bool some = acl_table_allows_some(table, &asker, (enum authorize_operation)what.operation,
                                      (enum authorize_resource)what.resource);
    assert_int_equal(some, slow_allows_some(rules, count, &asker, what.operation, what.resource));
    seen[KINDS + some]++;
}

/* Of random rules that come and go every answer is that of a look at all of them, rows are in
 * order, and nothing is left at the end. */
static void test_acl_table_random(void **state) {
    (void)state;
    struct acl_table table = {0};
    struct acl_rule rules[RULES];
    size_t count = 0, seen[KINDS + 2] = {0};
    struct dice dice = {88172645463325252u};
    for (int round = 0; round < ROUNDS; round++) {
        struct acl_rule rule = count > 0 && roll(&dice, 2) == 0
                                   ? rules[roll(&dice, (unsigned)count)]
                                   : draw(&dice);
        size_t place = place_in(rules, count, &rule);
        assert_int_equal(acl_table_has(&table, &rule), place < count);
        if (roll(&dice, RULES) < count) {
            assert_int_equal(acl_table_remove(&table, &rule), place < count);
            if (place < count) rules[place] = rules[--count];
        } else if (count < RULES) {
            assert_int_equal(acl_table_add(&table, &rule), place == count);
            if (place == count) rules[count++] = rule;
        }
        assert_int_equal(table.count, count);
        for (size_t i = 1; i < count; i++)
            assert_true(acl_rule_compare(acl_table_at(&table, i - 1), acl_table_at(&table, i)) < 0);
        for (int i = 0; i < QUESTIONS; i++)
            compare(&dice, &table, rules, count, seen);
    }
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++)
        assert_true(seen[i] > ROUNDS / 10); /* each answer was given */
    while (count > 0)
        assert_true(acl_table_remove(&table, &rules[--count]));
    assert_int_equal(table.node_count, 0);
    acl_table_close(&table);
}

/* ---- What rules and filters may say ---- */

static struct acl_rule good(void) {
    return (struct acl_rule){.resource = AUTHORIZE_TOPIC,
                             .pattern = ACL_LITERAL,
                             .operation = AUTHORIZE_READ,
                             .permission = ACL_ALLOW,
                             .name = kp_string_of("t"),
                             .principal = kp_string_of("User:alice"),
                             .host = kp_string_of("*")};
}

#define ASSERT_FAULT(field, value)              \
    do {                                        \
        struct acl_rule rule = good();          \
        rule.field = (value);                   \
        assert_non_null(acl_rule_fault(&rule)); \
    } while (0)

static void test_acl_rule_faults(void **state) {
    (void)state;
    char long_name[ACL_NAME_MAX + 2];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    struct acl_rule rule = good();
    assert_null(acl_rule_fault(&rule));
    for (int i = 0; i < 128; i++) {
        if (i < AUTHORIZE_TOPIC || i > AUTHORIZE_TRANSACTIONAL_ID)
            ASSERT_FAULT(resource, (int8_t)i);
        if (i != ACL_LITERAL && i != ACL_PREFIXED) ASSERT_FAULT(pattern, (int8_t)i);
        if (i < AUTHORIZE_ALL || i > AUTHORIZE_IDEMPOTENT_WRITE) ASSERT_FAULT(operation, (int8_t)i);
        if (i != ACL_DENY && i != ACL_ALLOW) ASSERT_FAULT(permission, (int8_t)i);
    }
    ASSERT_FAULT(resource, -1);
    ASSERT_FAULT(operation, -1);
    ASSERT_FAULT(resource, AUTHORIZE_CLUSTER); /* of another name */
    ASSERT_FAULT(name, kp_string_of(""));
    ASSERT_FAULT(name, KP_NULL_STRING);
    ASSERT_FAULT(name, kp_string_of("a\nb"));
    ASSERT_FAULT(name, kp_string_of(long_name));
    ASSERT_FAULT(principal, kp_string_of("alice"));
    ASSERT_FAULT(principal, kp_string_of("User:"));
    ASSERT_FAULT(principal, kp_string_of(":alice"));
    ASSERT_FAULT(principal, KP_NULL_STRING);
    ASSERT_FAULT(host, kp_string_of("example.com"));
    ASSERT_FAULT(host, kp_string_of("10.0.0.0/8"));
    ASSERT_FAULT(host, kp_string_of("0:0:0:0:0:0:0:1")); /* acl_host_write first */
    ASSERT_FAULT(host, kp_string_of("::ffff:10.0.0.1"));
    ASSERT_FAULT(host, kp_string_of(""));
    ASSERT_FAULT(host, KP_NULL_STRING);
}

/* However an address is written, a rule has it as connections have. */
static void test_acl_hosts(void **state) {
    static const char *const rows[][2] = {{"*", "*"},
                                          {"10.0.0.1", "10.0.0.1"},
                                          {"0:0:0:0:0:0:0:1", "::1"},
                                          {"::FFFF:10.0.0.1", "10.0.0.1"},
                                          {"FE80::0001", "fe80::1"},
                                          {"example.com", NULL},
                                          {"", NULL},
                                          {"10.0.0", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[ACL_HOST_MAX];
        bool is = acl_host_write(kp_string_of(rows[i][0]), text);
        assert_int_equal(is, rows[i][1] != NULL);
        if (is) assert_string_equal(text, rows[i][1]);
    }
}

/* MATCH means what holds for that name, the other patterns what they say. */
static void test_acl_filters(void **state) {
    (void)state;
    struct acl_rule filter = {.resource = 1,
                              .pattern = ACL_ANY,
                              .operation = 1,
                              .permission = 1,
                              .name = KP_NULL_STRING,
                              .principal = KP_NULL_STRING,
                              .host = KP_NULL_STRING};
    struct acl_rule rule = good();
    static const struct {
        const char *wanted;
        int pattern;
        const char *name;
        int of;
        bool fits;
    } rows[] = {{NULL, ACL_ANY, "t", ACL_LITERAL, true},
                {NULL, ACL_MATCH, "t", ACL_PREFIXED, true},
                {"t", ACL_ANY, "t", ACL_PREFIXED, true},
                {"t", ACL_ANY, "*", ACL_LITERAL, false},
                {"t", ACL_LITERAL, "t", ACL_PREFIXED, false},
                {"t", ACL_PREFIXED, "t", ACL_PREFIXED, true},
                {"tom", ACL_PREFIXED, "t", ACL_PREFIXED, false},
                {"tom", ACL_MATCH, "t", ACL_PREFIXED, true},
                {"tom", ACL_MATCH, "t", ACL_LITERAL, false},
                {"tom", ACL_MATCH, "*", ACL_LITERAL, true},
                {"tom", ACL_MATCH, "*", ACL_PREFIXED, false},
                {"t", ACL_MATCH, "tom", ACL_PREFIXED, false}};
    assert_null(acl_filter_fault(&filter));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        filter.name = kp_string_of(rows[i].wanted);
        filter.pattern = (int8_t)rows[i].pattern;
        rule.name = kp_string_of(rows[i].name);
        rule.pattern = (int8_t)rows[i].of;
        if (acl_filter_fits(&filter, &rule) != rows[i].fits) fail_msg("row %zu", i);
    }
    filter.name = KP_NULL_STRING;
    filter.principal = kp_string_of("User:bob");
    assert_false(acl_filter_fits(&filter, &rule));
    filter.principal = KP_NULL_STRING;
    filter.operation = AUTHORIZE_DESCRIBE; /* nothing is implied here */
    assert_false(acl_filter_fits(&filter, &rule));
    filter.operation = 0;
    assert_non_null(acl_filter_fault(&filter));
}

/* ---- Time ---- */

enum { MANY = ACL_RULES_MAX, ASKS = 1 << 20, NAMES = 1024 };

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now); /* others are at work beside it */
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* With 10,000 rules, half of them prefixes, the cost of a question is that of a few; it is printed,
 * and far from a look at all rules. */
static void test_acl_table_is_fast(void **state) {
    (void)state;
    enum { FAR_NS = 5000 }; /* also under sanitizers, beside others; a look at all takes more */
    struct acl_table table = {0};
    static char texts[NAMES][48];
    char name[48], principal[32];
    struct acl_rule rule = good();
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "%s-%d.events%s", i % 2 ? "team" : "payments", i,
                 i % 2 ? "." : "");
        snprintf(principal, sizeof principal, "User:service-%d", i % 500);
        rule.name = kp_string_of(name);
        rule.principal = kp_string_of(principal);
        rule.pattern = i % 2 ? ACL_PREFIXED : ACL_LITERAL;
        assert_true(acl_table_add(&table, &rule));
    }
    for (int i = 0; i < NAMES; i++) /* of each second the rule is a prefix */
        snprintf(texts[i], sizeof texts[i], "%s-%d.events%s", i % 2 ? "team" : "payments", i * 7,
                 i * 7 % 2 ? ".clicks" : "");
    struct acl_asker asker = {kp_string_of("User:service-7"), kp_string_of("10.0.0.7")};
    size_t allowed = 0;
    uint64_t begin = now_ns();
    for (int i = 0; i < ASKS; i++)
        allowed += acl_table_ask(&table, &asker, AUTHORIZE_READ, AUTHORIZE_TOPIC,
                                 kp_string_of(texts[i % NAMES])) == ACL_ALLOWS;
    uint64_t each = (now_ns() - begin) / ASKS;
    print_message("a question takes %llu ns\n", (unsigned long long)each);
    assert_true(allowed > 0 && each < FAR_NS);
    acl_table_close(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_acl_table_random), cmocka_unit_test(test_acl_rule_faults),
        cmocka_unit_test(test_acl_filters), cmocka_unit_test(test_acl_hosts),
        cmocka_unit_test(test_acl_table_is_fast)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
