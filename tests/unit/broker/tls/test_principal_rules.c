/* Who a certificate is by ssl.principal.mapping.rules: Kafka's own examples and those of its tests,
 * rules that are none, names that no rule takes, or that take too long. */
#include <stdio.h>
#include <string.h>

#include "broker/tls/principal_rules.h"
#include "tests/unit/unit.h"

static struct principal_rules *made(const char *text) {
    struct principal_rules *rules;
    struct error_text why;
    if (principal_rules_new(text, &rules, &why) != ERR_NONE) fail_msg("%s: %s", text, why.text);
    return rules;
}

/* KIP-371, and SslPrincipalMapperTest of Kafka. */
static void test_principal_rules_of_kafka(void **state) {
    static const char rules[] =
        "RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/L, "
        "RULE:^CN=(.*?),OU=(.*?),O=(.*?),L=(.*?),ST=(.*?),C=(.*?)$/$1@$2/L, "
        "RULE:^cn=(.*?),ou=(.*?),dc=(.*?),dc=(.*?)$/$1@$2/U, "
        "RULE:^.*[Cc][Nn]=([a-zA-Z0-9.]*).*$/$1/U,DEFAULT";
    static const struct {
        const char *rules, *name, *principal;
    } cases[] = {
        {rules, "CN=Duke,OU=ServiceUsers,O=Org,C=US", "duke"},
        {rules, "CN=Duke,OU=SME,O=mycp,L=Fulton,ST=MD,C=US", "duke@sme"},
        {rules, "cn=duke,ou=sme,dc=mycp,dc=com", "DUKE@SME"},
        {rules, "cN=duke,OU=JavaSoft,O=Sun Microsystems", "DUKE"},
        {rules, "OU=JavaSoft,O=Sun Microsystems,C=US", "OU=JavaSoft,O=Sun Microsystems,C=US"},
        {"", "CN=a", "CN=a"},
        {"DEFAULT", "CN=a", "CN=a"},
        {"RULE:^CN=(.*?),OU=\\/(.*)$/\\/$2\\$1/", "CN=a,OU=/b", "/b$1"},
        {"RULE:CN=(\\w+)(,O=(\\w+))?/$1-$3/", "CN=a", "a-"},
        {"RULE:(.*)/$1$2/", "CN=a", "CN=a$2"},
        {"RULE:CN=b/b/,RULE:CN=./$0!/U", "CN=a", "CN=A!"},
        {"RULE:CN=(.*)/$1/", "CN=\xc3\xa4", "\xc3\xa4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct principal_rules *made_of = made(cases[i].rules);
        char principal[PRINCIPAL_NAME_MAX + 1];
        struct error_text why = {""};
        int error = principal_rules_apply(made_of, cases[i].name, principal, &why);
        if (error != ERR_NONE) fail_msg("%s: %s", cases[i].name, why.text);
        assert_string_equal(principal, cases[i].principal);
        principal_rules_free(made_of);
    }
}

static void test_principal_rules_refused(void **state) {
    static const struct {
        const char *rules, *part;
    } cases[] = {
        {"default", "it is no rule"},
        {"DEFAUL", "it is no rule"},
        {"DEFAULT/L", "something stands behind it"},
        {"DEFAULT/", "something stands behind it"},
        {"RULE:CN=(.*?),OU=ServiceUsers.*", "it has not two slashes"},
        {"RULE:^CN=(.*?),OU=ServiceUsers.*$/$1", "it has not two slashes"},
        {"RULE:^CN=(.*?),OU=ServiceUsers.*$/$1/LU", "something stands behind it"},
        {"RULE:^CN=(.*?),OU=ServiceUsers.*$/L", "it has not two slashes"},
        {"RULE:^CN=((.*?),OU=ServiceUsers.*$/$1/", "a ) is missing"},
        {"RULE:(?=x)/$1/", "lookaround is not there"},
        {"DEFAULT,x", "it is no rule"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct principal_rules *rules;
        struct error_text why = {""};
        assert_int_equal(principal_rules_new(cases[i].rules, &rules, &why), ERR_INVALID);
        if (strstr(why.text, cases[i].part) == NULL) fail_msg("%s: %s", cases[i].rules, why.text);
    }
}

/* Nobody comes of it: no rule takes the name, nothing is left of it, too much would be, or it takes
 * too long. */
static void test_principal_rules_nobody(void **state) {
    static const struct {
        const char *rules, *part;
    } cases[] = {{"RULE:CN=b/b/", "no rule of ssl.principal.mapping.rules is about"},
                 {"RULE:.*//", "make no name"},
                 {"RULE:(.*)/$1$1$1/", "make too long a name"},
                 {"RULE:(?:.*){100}b/x/", "take too long"}};
    char name[1001] = "", principal[PRINCIPAL_NAME_MAX + 1];
    (void)state;
    memset(name, 'a', sizeof name - 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct principal_rules *rules = made(cases[i].rules);
        struct error_text why = {""};
        assert_int_equal(principal_rules_apply(rules, name, principal, &why), ERR_DENIED);
        if (strstr(why.text, cases[i].part) == NULL) fail_msg("%s: %s", cases[i].rules, why.text);
        principal_rules_free(rules);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_principal_rules_of_kafka),
                                       cmocka_unit_test(test_principal_rules_refused),
                                       cmocka_unit_test(test_principal_rules_nobody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
