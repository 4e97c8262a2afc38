/* Which resource is meant, asking the cluster about it, and asking it for changes. */
#include "client/config/config_resource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest_name.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/incremental_alter_configs.h"

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

int configs_begin(struct configs *c, const struct invocation *in) {
    const char *word = in->words[0];
    *c = (struct configs){.in = in};
    if ((c->name = after(word, "topic:")) != NULL) {
        c->type = CONFIG_OF_TOPIC;
    } else if ((c->name = after(word, "group:")) != NULL) {
        c->type = CONFIG_OF_GROUP;
    } else if ((c->name = after(word, "broker:")) != NULL) {
        c->type = CONFIG_OF_BROKER;
    } else if ((c->name = after(word, "logger:")) != NULL) {
        c->type = CONFIG_OF_LOGGER;
    } else if (strcmp(word, "brokers") == 0) {
        c->type = CONFIG_OF_BROKER;
        c->name = "";
    } else {
        say("%s names nothing that has settings; write topic:NAME, group:NAME, broker:ID, brokers or "
            "logger:ID",
            word);
        return EXIT_USAGE;
    }
    session_begin(&c->session, in);
    bool one = c->type == CONFIG_OF_LOGGER || (c->type == CONFIG_OF_BROKER && *c->name != '\0');
    int code = one ? find_broker(c) : EXIT_DONE;
    return code == EXIT_DONE ? EXIT_DONE : session_end(&c->session, code);
}

/* What is set by this resource itself; all else stands behind it. */
int8_t configs_own_source(const struct configs *c) {
    return c->type == CONFIG_OF_TOPIC    ? 1
           : c->type == CONFIG_OF_GROUP  ? 8
           : c->type == CONFIG_OF_LOGGER ? 6
           : *c->name != '\0'            ? 2
                                         : 3;
}

const char *configs_source_name(int8_t source) {
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
    if (c->type == CONFIG_OF_TOPIC) return session_refused(&c->session, c->name, error, message);
    const char *text = cluster_text(&c->session.arena, message);
    say("%s: %s", c->in->words[0], *text != '\0' ? text : kafka_error_message(error));
    return EXIT_REFUSED;
}

int configs_describe(struct configs *c) {
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
const struct kp_describe_configs_response_config *configs_find(struct configs *c, const char *name,
                                                               size_t len) {
    size_t count = (size_t)c->found.configs.count;
    char *wanted = mem_strndup(name, len);
    const char **names = mem_alloc((count + 1) * sizeof *names);
    const struct kp_describe_configs_response_config *found = NULL;
    for (size_t i = 0; i < count; i++) {
        names[i] = cluster_text(&c->session.arena, c->found.configs.items[i].name);
        if (strcmp(names[i], wanted) == 0) found = &c->found.configs.items[i];
    }
    bool all = c->type == CONFIG_OF_BROKER && *c->name == '\0';
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
int configs_describe_named(struct configs *c) {
    int code = configs_describe(c);
    for (int i = 1; code == EXIT_DONE && i < c->in->word_count; i++)
        if (configs_find(c, c->in->words[i], strlen(c->in->words[i])) == NULL) code = EXIT_REFUSED;
    return code;
}

/* What holds where nobody has said anything; NULL: not known. */
const char *configs_default(struct configs *c,
                            const struct kp_describe_configs_response_config *config) {
    for (int32_t i = 0; i < config->synonyms.count; i++)
        if (config->synonyms.items[i].source == CONFIG_SOURCE_DEFAULT)
            return cluster_text(&c->session.arena, config->synonyms.items[i].value);
    return NULL;
}

/* What would hold if the resource itself said nothing. */
const char *configs_behind(struct configs *c,
                           const struct kp_describe_configs_response_config *config) {
    for (int32_t i = 0; i < config->synonyms.count; i++)
        if (config->synonyms.items[i].source != configs_own_source(c))
            return cluster_text(&c->session.arena, config->synonyms.items[i].value);
    return NULL;
}

/* ---- Changing ---- */

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
int configs_change(struct configs *c, bool check) {
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
