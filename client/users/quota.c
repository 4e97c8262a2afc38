/*
 * drave quota list, set, unset: how much whom.
 *
 * Happy path: whom is one word or two (user:alice, client-id:app, both, or ip:ADDRESS; * is the
 * default of those who have none of their own); behind them stand KEY=VALUE to set, KEY to unset,
 * and unset alone takes away all that there is. With --dry-run the cluster checks, and changes
 * nothing. Failures: what the cluster refuses is said with its reason, exit code 1; a word that is
 * none of these, exit code 2.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/kafka/admin_client.h"
#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_client_quotas.h"
#include "protocol/messages/describe_client_quotas.h"

enum { ARENA_MAX = 64 << 20, PARTS_MAX = 2, OPS_MAX = 16, TEXT_MAX = 600 };
enum { MATCH_EXACT, MATCH_DEFAULT };

static const char *const types[] = {"user", "client-id", "ip"};

/* ---- Words ---- */

struct part {
    const char *type;
    struct kp_string name; /* null: the default */
};

struct whom {
    struct part parts[PARTS_MAX];
    int count; /* as many of the first words */
    char text[TEXT_MAX];
};

static bool read_part(const char *word, struct part *part) {
    const char *colon = strchr(word, ':');
    for (size_t i = 0; colon && i < sizeof(types) / sizeof(types[0]); i++) {
        size_t len = strlen(types[i]);
        if (len == (size_t)(colon - word) && memcmp(word, types[i], len) == 0) {
            part->type = types[i];
            part->name = strcmp(colon + 1, "*") == 0 ? KP_NULL_STRING : kp_string_of(colon + 1);
            return true;
        }
    }
    return false;
}

/* The words that say whom; 0: said what is wrong. */
static int read_whom(const struct invocation *in, struct whom *whom) {
    *whom = (struct whom){.count = 0};
    while (whom->count < in->word_count && whom->count < PARTS_MAX &&
           read_part(in->words[whom->count], &whom->parts[whom->count])) {
        size_t len = strlen(whom->text);
        snprintf(whom->text + len, sizeof(whom->text) - len, "%s%.280s", len ? " " : "",
                 in->words[whom->count]);
        whom->count++;
    }
    if (!whom->count) {
        say("'%s' does not say whom; write user:NAME, client-id:NAME, both, or ip:ADDRESS, with * "
            "as the name of the default",
            in->word_count ? in->words[0] : "");
    }
    return whom->count;
}

/* ---- Changes ---- */

static int refused(struct kp_arena *arena, int16_t code, struct kp_string message) {
    const char *text = cluster_text(arena, message);
    say("%s", *text ? text : kafka_error_message(code));
    return EXIT_REFUSED;
}

struct change {
    struct whom whom;
    struct kp_alter_client_quotas_request_op ops[OPS_MAX];
    int count;
};

static void tell(const struct change *change, const struct kp_alter_client_quotas_request_op *op,
                 bool dry) {
    if (op->remove) {
        say("%s%.*s of %s%s", dry ? "would be taken away: " : "", (int)op->key.len, op->key.data,
            change->whom.text, dry ? "" : " is taken away; drave quota list shows all");
    } else {
        say("%s%s %.*s is %.10g%s", dry ? "would be set: " : "", change->whom.text,
            (int)op->key.len, op->key.data, op->value,
            dry ? "" : " at each broker; drave quota list shows all");
    }
}

static int send_change(const struct invocation *in, const struct change *change) {
    struct kp_alter_client_quotas_request_entity entity[PARTS_MAX];
    struct kp_alter_client_quotas_request_entry entry = {
        .entity = {entity, change->whom.count},
        .ops = {(struct kp_alter_client_quotas_request_op *)change->ops, change->count}};
    struct kp_alter_client_quotas_request request = {
        .entries = {&entry, 1}, .validate_only = invocation_has(in, OPTION_DRY_RUN)};
    struct kp_alter_client_quotas_response response;
    struct error_text why = {""};
    struct kp_arena arena;
    int code = EXIT_DONE;
    for (int i = 0; i < change->whom.count; i++) {
        entity[i].entity_type = kp_string_of(change->whom.parts[i].type);
        entity[i].entity_name = change->whom.parts[i].name;
    }
    kp_arena_init(&arena, ARENA_MAX);
    struct admin_client *admin = admin_client_for(in);
    int error = admin_request(admin, KP_ALTER_CLIENT_QUOTAS, 0, &request, &arena, &response, NULL,
                              &why);
    if (error) {
        code = admin_failed(error, &why);
    } else if (response.entries.count == 1 && response.entries.items[0].error_code) {
        code = refused(&arena, response.entries.items[0].error_code,
                       response.entries.items[0].error_message);
    }
    for (int i = 0; !code && i < change->count; i++) {
        tell(change, &change->ops[i], request.validate_only);
    }
    admin_client_free(admin);
    kp_arena_close(&arena);
    return code;
}

/* KEY=VALUE; false: said what is wrong. */
static bool read_value(const char *word, struct kp_alter_client_quotas_request_op *op) {
    const char *equals = strchr(word, '=');
    char *end = NULL;
    double value = equals ? strtod(equals + 1, &end) : 0;
    if (!equals || equals == word || end == equals + 1 || *end || !isfinite(value)) {
        say("'%s' is no quota; write for example producer_byte_rate=1048576", word);
        return false;
    }
    *op = (struct kp_alter_client_quotas_request_op){
        .key = {.data = word, .len = (int32_t)(equals - word)}, .value = value};
    return true;
}

int command_quota_set(struct invocation *in) {
    struct change change;
    change.count = 0;
    if (!read_whom(in, &change.whom)) {
        return EXIT_USAGE;
    }
    for (int i = change.whom.count; i < in->word_count && change.count < OPS_MAX; i++) {
        if (!read_value(in->words[i], &change.ops[change.count++])) {
            return EXIT_USAGE;
        }
    }
    if (!change.count) {
        say("what shall %s have? For example producer_byte_rate=1048576", change.whom.text);
        return EXIT_USAGE;
    }
    return send_change(in, &change);
}

/* ---- Looks ---- */

/* Quotas of exactly these, or with `whom` NULL all. The answer lives in the arena. */
static int ask(const struct invocation *in, const struct whom *whom, struct kp_arena *arena,
               struct kp_describe_client_quotas_response *response) {
    struct kp_describe_client_quotas_request_component parts[PARTS_MAX];
    struct kp_describe_client_quotas_request request = {
        .components = {parts, whom ? whom->count : 0}, .strict = whom != NULL};
    struct error_text why = {""};
    for (int i = 0; whom && i < whom->count; i++) {
        bool named = whom->parts[i].name.len >= 0;
        parts[i] = (struct kp_describe_client_quotas_request_component){
            .entity_type = kp_string_of(whom->parts[i].type),
            .match_type = named ? MATCH_EXACT : MATCH_DEFAULT,
            .match = whom->parts[i].name};
    }
    struct admin_client *admin = admin_client_for(in);
    int error = admin_request(admin, KP_DESCRIBE_CLIENT_QUOTAS, 0, &request, arena, response, NULL,
                              &why);
    admin_client_free(admin);
    if (error) {
        return admin_failed(error, &why);
    }
    return response->error_code ? refused(arena, response->error_code, response->error_message)
                                : EXIT_DONE;
}

int command_quota_unset(struct invocation *in) {
    struct kp_describe_client_quotas_response found;
    struct kp_arena arena;
    struct change change;
    int code = EXIT_DONE;
    change.count = 0;
    if (!read_whom(in, &change.whom)) {
        return EXIT_USAGE;
    }
    kp_arena_init(&arena, ARENA_MAX);
    for (int i = change.whom.count; i < in->word_count && change.count < OPS_MAX; i++) {
        change.ops[change.count++] = (struct kp_alter_client_quotas_request_op){
            .key = kp_string_of(in->words[i]), .remove = true};
    }
    code = ask(in, &change.whom, &arena, &found);
    bool every = change.count == 0;
    const struct kp_describe_client_quotas_response_entry *has = !code && found.entries.count > 0
                                                                     ? &found.entries.items[0]
                                                                     : NULL;
    for (int32_t i = 0; every && has && i < has->values.count && change.count < OPS_MAX; i++) {
        change.ops[change.count++] = (struct kp_alter_client_quotas_request_op){
            .key = has->values.items[i].key, .remove = true};
    }
    for (int i = 0; !code && i < change.count; i++) {
        bool there = false;
        for (int32_t n = 0; has && n < has->values.count; n++) {
            there = there || kp_string_equal(has->values.items[n].key, change.ops[i].key);
        }
        if (!there) {
            say("%s has no quota '%.*s'; drave quota list shows all", change.whom.text,
                (int)change.ops[i].key.len, change.ops[i].key.data);
            code = EXIT_REFUSED;
        }
    }
    if (!code && change.count == 0) {
        say("%s has no quota; drave quota list shows all", change.whom.text);
        code = EXIT_REFUSED;
    }
    if (!code) {
        code = send_change(in, &change);
    }
    kp_arena_close(&arena);
    return code;
}

static void list_entry(const struct kp_describe_client_quotas_response_entry *entry,
                       struct kp_arena *arena, json_t *json, struct table *table) {
    char text[TEXT_MAX] = "";
    json_t *entity = json_object(), *quotas = json_object();
    for (int32_t i = 0; i < entry->entity.count; i++) {
        const struct kp_describe_client_quotas_response_entity *part = &entry->entity.items[i];
        const char *type = cluster_text(arena, part->entity_type);
        bool named = part->entity_name.len >= 0;
        const char *name = named ? cluster_text(arena, part->entity_name) : "*";
        size_t len = strlen(text);
        snprintf(text + len, sizeof(text) - len, "%s%s:%s", len ? " " : "", type, name);
        json_object_set_new(entity, type, named ? json_string(name) : json_null());
    }
    for (int32_t i = 0; i < entry->values.count; i++) {
        const char *key = cluster_text(arena, entry->values.items[i].key);
        char value[32];
        snprintf(value, sizeof(value), "%.10g", entry->values.items[i].value);
        if (table) {
            table_row(table, (const char *const[]){text, key, value});
        }
        json_object_set_new(quotas, key, json_real(entry->values.items[i].value));
    }
    json_array_append_new(json, json_pack("{s:o,s:o}", "entity", entity, "quotas", quotas));
}

int command_quota_list(struct invocation *in) {
    static const char *const columns[] = {"WHOSE", "QUOTA", "AT EACH BROKER"};
    struct kp_describe_client_quotas_response found;
    struct kp_arena arena;
    struct whom whom;
    if (in->word_count > 0 && read_whom(in, &whom) < in->word_count) {
        if (whom.count) {
            say("'%s' does not say whom; write user:NAME, client-id:NAME, both, or ip:ADDRESS",
                in->words[whom.count]);
        }
        return EXIT_USAGE;
    }
    kp_arena_init(&arena, ARENA_MAX);
    int code = ask(in, in->word_count ? &whom : NULL, &arena, &found);
    struct table *table = code || in->json ? NULL : table_new(columns, 3);
    json_t *json = json_array();
    for (int32_t i = 0; !code && i < found.entries.count; i++) {
        list_entry(&found.entries.items[i], &arena, json, table);
    }
    if (!code && in->json) {
        print_json(json_incref(json));
    }
    json_decref(json);
    if (table) {
        table_print(table);
    }
    kp_arena_close(&arena);
    return code;
}
