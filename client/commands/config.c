/*
 * drave config: the settings of a topic, a group, a broker, all brokers or a broker's logger: shown
 * with where they come from, set, unset, and compared with what they would be.
 *
 * Happy path: DescribeConfigs and IncrementalAlterConfigs at any broker; at the broker itself where
 * its own settings or its logger are meant. With --dry-run, and in diff, the cluster checks
 * everything and changes nothing. Failures: a word that names no resource gets an example, a
 * setting that is none the nearest name, and what is refused the broker's sentence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest_name.h"
#include "client/commands/topic_session.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/describe_configs.h"
#include "protocol/messages/incremental_alter_configs.h"

enum { TOPIC = 2, BROKER = 4, LOGGER = 8, GROUP = 32 };
enum { SOURCE_DEFAULT = 5 };

/* One call: what its first word names, and what the cluster says of that. */
struct configs {
    struct session session;
    const struct invocation *in;
    int8_t type;
    const char *name; /* "" for all brokers */
    const char *host; /* NULL: any broker */
    int port;
    struct kp_describe_configs_response_resource found;
};

/* ---- The resource ---- */

static const char *after(const char *word, const char *beginning) {
    size_t len = strlen(beginning);
    return strncmp(word, beginning, len) == 0 && word[len] != '\0' ? word + len : NULL;
}

/* The broker's own address: it alone knows what it runs with. */
static int find_broker(struct configs *c) {
    struct kp_metadata_response metadata;
    char *end;
    long id = strtol(c->name, &end, 10);
    if (*end != '\0' || id < 0 || id > INT32_MAX) {
        say("%s names no broker; write its number, for example broker:1, or brokers for all",
            c->in->words[0]);
        return EXIT_USAGE;
    }
    int code = cluster_metadata(c->session.admin, &c->session.arena, NULL, &metadata);
    if (code != EXIT_DONE) return code;
    const struct kp_metadata_response_broker *broker = cluster_broker(&metadata, (int32_t)id);
    if (broker == NULL) {
        say("there is no broker %ld, or it does not run; drave info lists them", id);
        return EXIT_REFUSED;
    }
    c->host = cluster_text(&c->session.arena, broker->host);
    c->port = broker->port;
    return EXIT_DONE;
}

static int begin(struct configs *c, const struct invocation *in) {
    const char *word = in->words[0];
    *c = (struct configs){.in = in};
    if ((c->name = after(word, "topic:")) != NULL) {
        c->type = TOPIC;
    } else if ((c->name = after(word, "group:")) != NULL) {
        c->type = GROUP;
    } else if ((c->name = after(word, "broker:")) != NULL) {
        c->type = BROKER;
    } else if ((c->name = after(word, "logger:")) != NULL) {
        c->type = LOGGER;
    } else if (strcmp(word, "brokers") == 0) {
        c->type = BROKER;
        c->name = "";
    } else {
        say("%s names nothing that has settings; write topic:NAME, group:NAME, broker:ID, brokers or "
            "logger:ID",
            word);
        return EXIT_USAGE;
    }
    session_begin(&c->session, in);
    bool one = c->type == LOGGER || (c->type == BROKER && *c->name != '\0');
    int code = one ? find_broker(c) : EXIT_DONE;
    return code == EXIT_DONE ? EXIT_DONE : session_end(&c->session, code);
}

/* What is set by this resource itself; all else stands behind it. */
static int8_t own_source(const struct configs *c) {
    return c->type == TOPIC    ? 1
           : c->type == GROUP  ? 8
           : c->type == LOGGER ? 6
           : *c->name != '\0'  ? 2
                               : 3;
}

static const char *source_name(int8_t source) {
    static const char *const names[] = {"?",       "topic",  "broker", "brokers", "file",
                                        "default", "logger", "?",      "group"};
    return source < 0 || source > 8 ? names[0] : names[source];
}

/* ---- Asking ---- */

static int ask(struct configs *c, enum kp_api_key key, int version_min, const void *request,
               void *response) {
    struct error_text why = {""};
    int error = c->host == NULL
                    ? admin_request(c->session.admin, key, version_min, request, &c->session.arena,
                                    response, NULL, &why)
                    : admin_request_to(c->session.admin, c->host, c->port, key, version_min,
                                       request, &c->session.arena, response, NULL, &why);
    return error == ERR_NONE ? EXIT_DONE : admin_failed(error, &why);
}

static int refused(struct configs *c, int16_t error, struct kp_string message) {
    if (c->type == TOPIC) return session_refused(&c->session, c->name, error, message);
    const char *text = cluster_text(&c->session.arena, message);
    say("%s: %s", c->in->words[0], *text != '\0' ? text : kafka_error_message(error));
    return EXIT_REFUSED;
}

static int describe(struct configs *c) {
    struct kp_describe_configs_request request;
    struct kp_describe_configs_request_resource resource;
    struct kp_describe_configs_response response;
    kp_set_fallbacks(&kp_describe_configs_request_schema, &request);
    kp_set_fallbacks(&kp_describe_configs_request_resource_schema, &resource);
    resource.resource_type = c->type;
    resource.resource_name = kp_string_of(c->name);
    resource.configuration_keys.count = -1;
    request.resources.items = &resource;
    request.resources.count = 1;
    request.include_synonyms = request.include_documentation = true;
    int code = ask(c, KP_DESCRIBE_CONFIGS, 1, &request, &response);
    if (code != EXIT_DONE) return code;
    if (response.results.count != 1) {
        say("the broker did not answer about %s; ask another one with -b", c->in->words[0]);
        return EXIT_REFUSED;
    }
    c->found = response.results.items[0];
    return c->found.error_code == 0 ? EXIT_DONE
                                    : refused(c, c->found.error_code, c->found.error_message);
}

/* The setting whose name is the first `len` bytes; says that it is not there otherwise. */
static const struct kp_describe_configs_response_config *find(struct configs *c, const char *name,
                                                              size_t len) {
    size_t count = (size_t)c->found.configs.count;
    char *wanted = mem_strndup(name, len);
    const char **names = mem_alloc((count + 1) * sizeof *names);
    const struct kp_describe_configs_response_config *found = NULL;
    for (size_t i = 0; i < count; i++) {
        names[i] = cluster_text(&c->session.arena, c->found.configs.items[i].name);
        if (strcmp(names[i], wanted) == 0) found = &c->found.configs.items[i];
    }
    bool all = c->type == BROKER && *c->name == '\0';
    const char *near = found == NULL && !all ? nearest_name(wanted, names, count) : NULL;
    if (found == NULL && all)
        say("%s is not set for all brokers; drave config get broker:ID %s shows what one has",
            wanted, wanted);
    else if (found == NULL && near != NULL)
        say("%s has no setting %s; did you mean %s?", c->in->words[0], wanted, near);
    else if (found == NULL)
        say("%s has no setting %s; drave config get %s --all lists those that it has",
            c->in->words[0], wanted, c->in->words[0]);
    mem_free(names);
    mem_free(wanted);
    return found;
}

/* Describes, and says which of the words from the second on is no setting. */
static int describe_named(struct configs *c) {
    int code = describe(c);
    for (int i = 1; code == EXIT_DONE && i < c->in->word_count; i++)
        if (find(c, c->in->words[i], strlen(c->in->words[i])) == NULL) code = EXIT_REFUSED;
    return code;
}

/* What holds where nobody has said anything; NULL: not known. */
static const char *default_of(struct configs *c,
                              const struct kp_describe_configs_response_config *config) {
    for (int32_t i = 0; i < config->synonyms.count; i++)
        if (config->synonyms.items[i].source == SOURCE_DEFAULT)
            return cluster_text(&c->session.arena, config->synonyms.items[i].value);
    return NULL;
}

/* What would hold if the resource itself said nothing. */
static const char *behind(struct configs *c,
                          const struct kp_describe_configs_response_config *config) {
    for (int32_t i = 0; i < config->synonyms.count; i++)
        if (config->synonyms.items[i].source != own_source(c))
            return cluster_text(&c->session.arena, config->synonyms.items[i].value);
    return NULL;
}

/* ---- get ---- */

static json_t *text_or_null(const char *text) {
    return text == NULL ? json_null() : json_string(text);
}

static void show(struct configs *c, const struct kp_describe_configs_response_config *config,
                 struct table *table, json_t *list) {
    struct kp_arena *arena = &c->session.arena;
    const char *name = cluster_text(arena, config->name),
               *value = cluster_text(arena, config->value),
               *source = source_name(config->config_source), *usual = default_of(c, config);
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
    int code = begin(&c, in);
    if (code != EXIT_DONE) return code;
    code = describe_named(&c);
    if (code != EXIT_DONE) return session_end(&c.session, code);
    static const char *const columns[] = {"SETTING", "VALUE", "FROM", "DEFAULT"};
    struct table *table = in->json ? NULL : table_new(columns, 4);
    json_t *list = json_array();
    int32_t hidden = 0;
    for (int i = 1; i < in->word_count; i++)
        show(&c, find(&c, in->words[i], strlen(in->words[i])), table, list);
    for (int32_t i = 0; in->word_count == 1 && i < c.found.configs.count; i++) {
        bool plain = c.found.configs.items[i].config_source == SOURCE_DEFAULT &&
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

/* Words from the second on as changes: K=V sets, K+=V appends to a list and K-=V subtracts from it,
 * K unsets. False: the sentence was said. */
static bool fill(struct configs *c, struct kp_incremental_alter_configs_request_resource *into) {
    int count = c->in->word_count - 1;
    struct kp_incremental_alter_configs_request_config *rows = kp_new_items(
        &c->session.arena, &kp_incremental_alter_configs_request_config_schema, &into->configs,
        count);
    for (int i = 0; i < count; i++) {
        const char *word = c->in->words[i + 1], *equals = strchr(word, '=');
        size_t len = equals == NULL ? strlen(word) : (size_t)(equals - word);
        rows[i].config_operation = equals == NULL ? CONFIG_DELETE : session_operation(word, &len);
        rows[i].name = kp_arena_string(&c->session.arena, word, len);
        rows[i].value = equals == NULL ? KP_NULL_STRING : kp_string_of(equals + 1);
        if (len == 0) {
            say("%s has no name in front of the =; write for example max.message.bytes=2000000",
                word);
            return false;
        }
    }
    return true;
}

/* Asks for all of it; nothing is changed if `check`. */
static int change(struct configs *c, bool check) {
    struct kp_incremental_alter_configs_request request;
    struct kp_incremental_alter_configs_request_resource resource = {
        .resource_type = c->type, .resource_name = kp_string_of(c->name)};
    struct kp_incremental_alter_configs_response response;
    kp_set_fallbacks(&kp_incremental_alter_configs_request_schema, &request);
    request.resources.items = &resource;
    request.resources.count = 1;
    request.validate_only = check;
    if (!fill(c, &resource)) return EXIT_USAGE;
    int code = ask(c, KP_INCREMENTAL_ALTER_CONFIGS, 0, &request, &response);
    if (code != EXIT_DONE) return code;
    if (response.responses.count != 1) {
        say("the broker did not answer about %s; ask another one with -b", c->in->words[0]);
        return EXIT_REFUSED;
    }
    const struct kp_incremental_alter_configs_response_resource *one = &response.responses.items[0];
    return one->error_code == 0 ? EXIT_DONE : refused(c, one->error_code, one->error_message);
}

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
    int code = begin(&c, in);
    if (code != EXIT_DONE) return code;
    if (!sets) code = describe_named(&c); /* the broker takes what is not there for unset */
    if (code == EXIT_DONE) code = change(&c, check);
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
        if (c->type == BROKER && *c->name == '\0') { /* of which only what is set is known */
            const char *now = value_of(c, word, len);
            char *name = mem_strndup(word, len);
            differ(c, table, list, name, now, equals == NULL ? NULL : equals + 1);
            mem_free(name);
            continue;
        }
        const struct kp_describe_configs_response_config *config = find(c, word, len);
        if (config == NULL) return false;
        differ(c, table, list, cluster_text(&c->session.arena, config->name),
               cluster_text(&c->session.arena, config->value),
               equals == NULL ? behind(c, config) : equals + 1);
    }
    return true;
}

/* What the defaults are, and what is. */
static void diff_defaults(struct configs *c, struct table *table, json_t *list) {
    for (int32_t i = 0; i < c->found.configs.count; i++) {
        const struct kp_describe_configs_response_config *config = &c->found.configs.items[i];
        if (config->config_source != SOURCE_DEFAULT)
            differ(c, table, list, cluster_text(&c->session.arena, config->name),
                   default_of(c, config), cluster_text(&c->session.arena, config->value));
    }
}

int command_config_diff(struct invocation *in) {
    struct configs c;
    int code = begin(&c, in);
    if (code != EXIT_DONE) return code;
    bool asked = in->word_count > 1;
    code = describe(&c);
    if (code == EXIT_DONE && asked) code = change(&c, true);
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
