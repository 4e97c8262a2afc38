/*
 * drave config get, set, unset, diff: the settings of a topic, a group, a broker, all brokers or a
 * broker's logger: shown with where they come from, changed, and compared with what they would be.
 *
 * Happy path: DescribeConfigs and IncrementalAlterConfigs at any broker; at the broker itself where
 * its own settings or its logger are meant. With --dry-run, and in diff, the cluster checks
 * everything and changes nothing. Failures are said by config_resource.c.
 */
#include <string.h>

#include "base/mem.h"
#include "client/config/config_resource.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "protocol/messages/incremental_alter_configs.h"

/* ---- get ---- */

static json_t *text_or_null(const char *text) {
    return text == NULL ? json_null() : json_string(text);
}

static void show(struct configs *c, const struct kp_describe_configs_response_config *config,
                 struct table *table, json_t *list) {
    struct kp_arena *arena = &c->session.arena;
    const char *name = cluster_text(arena, config->name),
               *value = cluster_text(arena, config->value),
               *source = configs_source_name(config->config_source),
               *usual = configs_default(c, config);
    if (table != NULL)
        table_row(table, (const char *[]){name, *value == '\0' ? "\"\"" : value, source, usual});
    json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:o,s:b,s:s}", "name", name, "value", value,
                                          "source", source, "default", text_or_null(usual),
                                          "read_only", (int)config->read_only, "meaning",
                                          cluster_text(arena, config->documentation)));
}

static int finish(struct configs *c, const char *what, struct table *table, json_t *list) {
    if (table != NULL) {
        table_print(table);
        json_decref(list);
    } else {
        print_json(json_pack("{s:s,s:o}", "resource", c->in->words[0], what, list));
    }
    return session_end(&c->session, EXIT_DONE);
}

int command_config_get(struct invocation *in) {
    struct configs c;
    int code = configs_begin(&c, in);
    if (code != EXIT_DONE) return code;
    code = configs_describe_named(&c);
    if (code != EXIT_DONE) return session_end(&c.session, code);
    static const char *const columns[] = {"SETTING", "VALUE", "FROM", "DEFAULT"};
    struct table *table = in->json ? NULL : table_new(columns, 4);
    json_t *list = json_array();
    int32_t hidden = 0;
    for (int i = 1; i < in->word_count; i++)
        show(&c, configs_find(&c, in->words[i], strlen(in->words[i])), table, list);
    for (int32_t i = 0; in->word_count == 1 && i < c.found.configs.count; i++) {
        bool plain = c.found.configs.items[i].config_source == CONFIG_SOURCE_DEFAULT &&
                     !invocation_has(in, OPTION_ALL);
        if (plain)
            hidden++;
        else
            show(&c, &c.found.configs.items[i], table, list);
    }
    if (hidden > 0)
        say_plain("%d settings of %s have their defaults; --all shows them", (int)hidden,
                  in->words[0]);
    return finish(&c, "settings", table, list);
}

/* ---- set, unset ---- */

/* `sets`: each word has a value; else none has. */
static bool words_fit(const struct invocation *in, bool sets) {
    for (int i = 1; i < in->word_count; i++) {
        if ((strchr(in->words[i], '=') != NULL) == sets) continue;
        if (sets)
            say("%s has no value; write %s=VALUE, or drave config unset %s %s", in->words[i],
                in->words[i], in->words[0], in->words[i]);
        else
            say("%s has a value, and unset takes names alone; drave config set sets values",
                in->words[i]);
        return false;
    }
    return true;
}

static int set_or_unset(const struct invocation *in, bool sets) {
    struct configs c;
    bool check = invocation_has(in, OPTION_DRY_RUN);
    if (!words_fit(in, sets)) return EXIT_USAGE;
    int code = configs_begin(&c, in);
    if (code != EXIT_DONE) return code;
    if (!sets) code = configs_describe_named(&c); /* the broker takes what is not there for unset */
    if (code == EXIT_DONE) code = configs_change(&c, check);
    if (code != EXIT_DONE) return session_end(&c.session, code);
    json_t *list = json_array();
    for (int i = 1; i < in->word_count; i++) {
        json_array_append_new(list, json_string(in->words[i]));
        if (in->json) continue;
        say_plain("%s %s %s%s%s", in->words[0], check ? "would have" : "has",
                  sets ? "" : "the cluster's own ", in->words[i],
                  check ? "; nothing was changed (--dry-run)" : " now");
    }
    if (in->json)
        print_json(json_pack("{s:s,s:o,s:b}", "resource", in->words[0], sets ? "set" : "unset",
                             list, "dry_run", (int)check));
    else
        json_decref(list);
    return session_end(&c.session, EXIT_DONE);
}

int command_config_set(struct invocation *in) {
    return set_or_unset(in, true);
}

int command_config_unset(struct invocation *in) {
    return set_or_unset(in, false);
}

/* ---- diff ---- */

/* Two columns, and the members of JSON that have their names in small letters. */
static void differ(const struct configs *c, struct table *table, json_t *list, const char *name,
                   const char *one, const char *other) {
    bool asked = c->in->word_count > 1;
    if (one == other || (one != NULL && other != NULL && strcmp(one, other) == 0)) return;
    if (table != NULL) table_row(table, (const char *[]){name, one, other});
    json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "name", name, asked ? "now" : "default",
                                          text_or_null(one), asked ? "then" : "now",
                                          text_or_null(other)));
}

/* NULL: it is not among what was found. */
static const char *value_of(struct configs *c, const char *name, size_t len) {
    for (int32_t i = 0; i < c->found.configs.count; i++) {
        struct kp_string found = c->found.configs.items[i].name;
        if ((size_t)found.len == len && memcmp(found.data, name, len) == 0)
            return cluster_text(&c->session.arena, c->found.configs.items[i].value);
    }
    return NULL;
}

/* What is, and what the words would make of it. False: the sentence was said. */
static bool diff_words(struct configs *c, struct table *table, json_t *list) {
    for (int i = 1; i < c->in->word_count; i++) {
        const char *word = c->in->words[i], *equals = strchr(word, '=');
        size_t len = equals == NULL ? strlen(word) : (size_t)(equals - word);
        if (equals != NULL && session_operation(word, &len) != CONFIG_SET) {
            say("%s changes a part of a list, and diff compares whole values; write %.*s=VALUE",
                word, (int)len, word);
            return false;
        }
        if (c->type == CONFIG_OF_BROKER &&
            *c->name == '\0') { /* of which only what is set is known */
            const char *now = value_of(c, word, len);
            char *name = mem_strndup(word, len);
            differ(c, table, list, name, now, equals == NULL ? NULL : equals + 1);
            mem_free(name);
            continue;
        }
        const struct kp_describe_configs_response_config *config = configs_find(c, word, len);
        if (config == NULL) return false;
        differ(c, table, list, cluster_text(&c->session.arena, config->name),
               cluster_text(&c->session.arena, config->value),
               equals == NULL ? configs_behind(c, config) : equals + 1);
    }
    return true;
}

/* What the defaults are, and what is. */
static void diff_defaults(struct configs *c, struct table *table, json_t *list) {
    for (int32_t i = 0; i < c->found.configs.count; i++) {
        const struct kp_describe_configs_response_config *config = &c->found.configs.items[i];
        if (config->config_source != CONFIG_SOURCE_DEFAULT)
            differ(c, table, list, cluster_text(&c->session.arena, config->name),
                   configs_default(c, config), cluster_text(&c->session.arena, config->value));
    }
}

int command_config_diff(struct invocation *in) {
    struct configs c;
    int code = configs_begin(&c, in);
    if (code != EXIT_DONE) return code;
    bool asked = in->word_count > 1;
    code = configs_describe(&c);
    if (code == EXIT_DONE && asked) code = configs_change(&c, true);
    if (code != EXIT_DONE) return session_end(&c.session, code);
    static const char *const then[] = {"SETTING", "NOW", "THEN"}, *const usual[] = {
                                                                      "SETTING", "DEFAULT", "NOW"};
    struct table *table = in->json ? NULL : table_new(asked ? then : usual, 3);
    json_t *list = json_array();
    if (!asked) diff_defaults(&c, table, list);
    if (asked && !diff_words(&c, table, list)) {
        if (table != NULL) table_print(table);
        json_decref(list);
        return session_end(&c.session, EXIT_REFUSED);
    }
    if (json_array_size(list) == 0)
        say_plain(asked ? "nothing would change" : "nothing differs from the defaults");
    return finish(&c, "differences", table, list);
}
