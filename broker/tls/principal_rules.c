/* Cutting the setting into rules, and writing what the first that matches says. */
#include "broker/tls/principal_rules.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "broker/tls/name_regex.h"

enum letter_case { CASE_KEPT, CASE_LOWER, CASE_UPPER };

struct rule {
    struct name_regex *regex; /* NULL: DEFAULT */
    char *replacement;
    enum letter_case letters;
};

struct principal_rules {
    struct rule rules[PRINCIPAL_RULES_MAX];
    size_t count;
};

void principal_rules_free(struct principal_rules *rules) {
    if (rules == NULL) return;
    for (size_t i = 0; i < rules->count; i++) {
        name_regex_free(rules->rules[i].regex);
        mem_free(rules->rules[i].replacement);
    }
    mem_free(rules);
}

/* ---- Reading ---- */

/* Up to the next slash that has no backslash before it; NULL: there is none. */
static const char *slash(const char *at) {
    for (; *at != '\0' && *at != '/'; at++)
        if (*at == '\\' && at[1] != '\0') at++;
    return *at == '/' ? at : NULL;
}

static int refuse(const char *rule, const char *what, struct error_text *why) {
    return error_set(why, ERR_INVALID,
                     "ssl.principal.mapping.rules has %.100s: %s; a rule is DEFAULT or "
                     "RULE:pattern/replacement/[LU], for example RULE:^CN=(.*?),.*$/$1/L",
                     rule, what);
}

/* Behind "RULE:". *at: behind it. */
static int read_rule(const char **at, struct rule *rule, struct error_text *why) {
    struct error_text wrong;
    const char *pattern = *at, *first = slash(pattern), *second = first ? slash(first + 1) : NULL;
    if (second == NULL) return refuse(pattern - 5, "it has not two slashes", why);
    rule->regex = name_regex_new(pattern, (size_t)(first - pattern), &wrong);
    if (rule->regex == NULL) return refuse(pattern - 5, wrong.text, why);
    rule->replacement = mem_strndup(first + 1, (size_t)(second - first - 1));
    *at = second + 1;
    if (**at == 'L' || **at == 'U') rule->letters = *(*at)++ == 'L' ? CASE_LOWER : CASE_UPPER;
    return ERR_NONE;
}

static void skip_blanks(const char **at) {
    while (isspace((unsigned char)**at))
        *at += 1;
}

static int read_next(struct principal_rules *rules, const char **at, struct error_text *why) {
    const char *begin = *at;
    if (rules->count == PRINCIPAL_RULES_MAX)
        return refuse(begin, "there are more than 32 rules", why);
    struct rule *rule = &rules->rules[rules->count++];
    if (strncmp(begin, "DEFAULT", 7) == 0) {
        *at += 7;
    } else if (strncmp(begin, "RULE:", 5) == 0) {
        *at += 5;
        int error = read_rule(at, rule, why);
        if (error != ERR_NONE) return error;
    } else {
        return refuse(begin, "it is no rule", why);
    }
    skip_blanks(at);
    if (**at != '\0' && **at != ',') return refuse(begin, "something stands behind it", why);
    if (**at == ',') *at += 1;
    skip_blanks(at);
    return ERR_NONE;
}

int principal_rules_new(const char *text, struct principal_rules **out, struct error_text *why) {
    struct principal_rules *rules = mem_zalloc(sizeof *rules);
    int error = ERR_NONE;
    skip_blanks(&text);
    if (*text == '\0') rules->count = 1; /* DEFAULT */
    while (error == ERR_NONE && *text != '\0')
        error = read_next(rules, &text, why);
    if (error == ERR_NONE)
        *out = rules;
    else
        principal_rules_free(rules);
    return error;
}

/* ---- Applying ---- */

struct text {
    char *into;
    size_t len;
    bool too_long;
};

static void put(struct text *to, const char *bytes, size_t len) {
    if (len > PRINCIPAL_NAME_MAX - to->len) to->too_long = true;
    if (to->too_long) return;
    memcpy(to->into + to->len, bytes, len);
    to->len += len;
}

/* A backslash takes what follows for itself; $0 to $9 are groups, and for themselves where the
 * pattern has none of that number, as in Kafka. */
static void replace(const struct rule *rule, const char *name, const struct name_group *groups,
                    struct text *to) {
    for (const char *at = rule->replacement; *at != '\0'; at++) {
        if (*at == '\\' && at[1] != '\0') {
            put(to, ++at, 1);
        } else if (*at == '$' && isdigit((unsigned char)at[1]) &&
                   (unsigned)(at[1] - '0') <= name_regex_groups(rule->regex)) {
            const struct name_group *group = &groups[*++at - '0'];
            if (group->from != SIZE_MAX && group->to != SIZE_MAX)
                put(to, name + group->from, group->to - group->from);
        } else {
            put(to, at, 1);
        }
    }
}

/* ASCII alone: what Java does beyond it depends on Unicode's tables. */
static void change_case(enum letter_case letters, struct text *to) {
    for (size_t i = 0; i < to->len; i++) {
        unsigned char c = (unsigned char)to->into[i];
        if (c < 128 && letters == CASE_LOWER) to->into[i] = (char)tolower(c);
        if (c < 128 && letters == CASE_UPPER) to->into[i] = (char)toupper(c);
    }
}

int principal_rules_apply(const struct principal_rules *rules, const char *name, char *into,
                          struct error_text *why) {
    uint64_t budget = PRINCIPAL_STEPS_MAX;
    struct name_group groups[NAME_REGEX_GROUPS];
    struct text to = {.into = into};
    size_t len = strlen(name);
    for (size_t i = 0; i < rules->count; i++) {
        const struct rule *rule = &rules->rules[i];
        if (rule->regex != NULL && !name_regex_match(rule->regex, name, len, groups, &budget))
            continue;
        if (rule->regex != NULL) {
            replace(rule, name, groups, &to);
            change_case(rule->letters, &to);
        } else {
            put(&to, name, len);
        }
        into[to.len] = '\0';
        if (to.len > 0 && !to.too_long) return ERR_NONE;
        return error_set(why, ERR_DENIED,
                         "ssl.principal.mapping.rules make %s of its certificate's name %.200s",
                         to.too_long ? "too long a name" : "no name", name);
    }
    return error_set(why, ERR_DENIED,
                     budget == 0 ? "ssl.principal.mapping.rules take too long for its "
                                   "certificate's name %.200s; write simpler ones"
                                 : "no rule of ssl.principal.mapping.rules is about its "
                                   "certificate's name %.200s; add DEFAULT as the last one if it "
                                   "may come in",
                     name);
}
