/* What Apache Kafka 4.3's StandardAuthorizer decides of random rules is what is decided here
 * (tests/golden/acl_decisions.txt, written by tests/golden/generate). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "broker/access/access.h"
#include "tests/unit/unit.h"

enum { WORD_MAX = 64, LEAST_DECISIONS = 2000 };

/* From wherever this is run: this program is build/PRESET/bin/NAME. */
static FILE *open_decisions(void) {
    char path[4096], golden[4200];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(len > 0);
    path[len] = '\0';
    for (int up = 0; up < 4; up++)
        *strrchr(path, '/') = '\0';
    snprintf(golden, sizeof golden, "%s/tests/golden/acl_decisions.txt", path);
    return fopen(golden, "re");
}

struct words {
    char principal[WORD_MAX], host[WORD_MAX], name[WORD_MAX];
    int operation, resource, pattern, permission, allowed;
};

static bool read_rule(const char *line, struct words *words) {
    return sscanf(line, "rule %d %d %63s %63s %63s %d %d", &words->resource, &words->pattern,
                  words->name, words->principal, words->host, &words->operation,
                  &words->permission) == 7;
}

static bool read_question(const char *line, struct words *words) {
    return sscanf(line, "ask %63s %63s %d %d %63s %d", words->principal, words->host,
                  &words->operation, &words->resource, words->name, &words->allowed) == 6;
}

static void add(struct acl_table *rules, const struct words *words) {
    struct acl_rule rule = {.resource = (int8_t)words->resource,
                            .pattern = (int8_t)words->pattern,
                            .operation = (int8_t)words->operation,
                            .permission = (int8_t)words->permission,
                            .name = kp_string_of(words->name),
                            .principal = kp_string_of(words->principal),
                            .host = kp_string_of(words->host)};
    assert_true(acl_table_add(rules, &rule));
}

/* To Kafka a rule for all names is not about those that begin with a star, whatever it says of
 * itself; here it is. */
static bool is_starry(const struct words *words) {
    return words->name[0] == '*' && words->name[1] != '\0';
}

static bool is_allowed(struct access *access, const struct acl_table *rules,
                       const struct words *words) {
    char peer[WORD_MAX + 8];
    bool some = strcmp(words->name, "-") == 0;
    struct acl_asker asker = {kp_string_of(words->principal), kp_string_of(words->host)};
    struct access_question question = {.principal = words->principal,
                                       .peer = peer,
                                       .listener = "X",
                                       .operation = (enum authorize_operation)words->operation,
                                       .resource = (enum authorize_resource)words->resource,
                                       .name = kp_string_of(some ? "hardcode" : words->name)};
    snprintf(peer, sizeof peer, "%s:41234", words->host);
    return access_could(access, &question) ||
           (some && acl_table_allows_some(rules, &asker, question.operation, question.resource));
}

static struct access *access_of(const struct acl_table *rules, bool everyone) {
    static struct log log;
    struct access *access = access_new(
        &log, &(struct access_options){.mode = AUTHORIZER_ENFORCES,
                                       .allow_everyone = everyone,
                                       .super_users = "User:other;User:root"});
    access_follow(access, rules);
    return access;
}

static void test_acl_decisions(void **state) {
    (void)state;
    FILE *file = open_decisions();
    assert_non_null(file);
    struct acl_table rules = {0};
    struct access *access = NULL;
    struct words words;
    char line[256];
    int count = 0, allowed = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "rules ", 6) == 0) {
            acl_table_close(&rules);
            access_free(access);
            access = access_of(&rules, line[6] == '1');
        } else if (read_rule(line, &words)) {
            add(&rules, &words);
        } else if (read_question(line, &words)) {
            if (is_starry(&words)) continue;
            if (is_allowed(access, &rules, &words) != (words.allowed == 1))
                fail_msg("Kafka decides otherwise: %s", line);
            count++;
            allowed += words.allowed;
        } else {
            fail_msg("what is %s", line);
        }
    }
    fclose(file);
    access_free(access);
    acl_table_close(&rules);
    assert_true(count > LEAST_DECISIONS && allowed > count / 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_acl_decisions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
