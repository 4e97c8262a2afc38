/*
 * drave acl add, remove, list: who may do what.
 *
 * Happy path: PRINCIPAL OPERATION[,OPERATION...] RESOURCE NAME is one rule for each operation; a
 * name that ends in * is a prefix, * alone stands for all. remove takes away exactly the rules that
 * add with the same words makes. Failures: what the cluster refuses is said with its reason, and a
 * word that is no operation or resource with those that there are, exit codes 1 and 2.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/admin_client.h"
#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/users/acl_asking.h"
#include "client/users/acl_words.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_acls.h"
#include "protocol/messages/delete_acls.h"

enum { RULES_MAX = 16 };

/* ---- Rules out of words ---- */

struct rules {
    int8_t resource, pattern, permission;
    int8_t operations[RULES_MAX];
    int count;
    char principal[ACL_TEXT_MAX], name[ACL_TEXT_MAX];
    const char *host;
};

static int read_operations(const char *word, struct rules *rules) {
    for (const char *at = word; *at && rules->count < RULES_MAX;) {
        size_t len = strcspn(at, ",");
        int8_t operation = acl_operation_of(at, len);
        if (operation <= ACL_ANY) {
            return acl_wrong_operation(word);
        }
        rules->operations[rules->count++] = operation;
        at += len + (at[len] == ',');
    }
    return rules->count ? EXIT_DONE : acl_wrong_operation(word);
}

/* The name of a resource, and whether it is a prefix. */
static int read_name(const struct invocation *in, struct rules *rules) {
    const char *name = in->word_count > 3 ? in->words[3] : NULL;
    rules->pattern = ACL_LITERAL;
    if (rules->resource == ACL_CLUSTER) {
        snprintf(rules->name, sizeof(rules->name), "kafka-cluster");
        if (name && strcmp(name, "kafka-cluster") != 0) {
            say("the cluster has no name here; leave '%s' out", name);
            return EXIT_USAGE;
        }
        return EXIT_DONE;
    }
    if (!name || !*name || strlen(name) >= ACL_TEXT_MAX) {
        say("name a %s behind '%s': a name, a prefix with * behind it, or '*' for all",
            acl_resource_word(rules->resource), in->words[2]);
        return EXIT_USAGE;
    }
    size_t len = strlen(name);
    if (len > 1 && name[len - 1] == '*') {
        rules->pattern = ACL_PREFIXED;
        len--;
    }
    snprintf(rules->name, sizeof(rules->name), "%.*s", (int)len, name);
    return EXIT_DONE;
}

static int read_rules(const struct invocation *in, struct rules *rules) {
    *rules = (struct rules){.permission = invocation_has(in, OPTION_DENY) ? ACL_DENY : ACL_ALLOW,
                            .host = invocation_value(in, OPTION_HOST, "*")};
    const char *resource = in->words[2];
    acl_principal_text(in->words[0], rules->principal);
    rules->resource = acl_resource_of(resource, strlen(resource));
    if (rules->resource <= ACL_ANY) {
        return acl_wrong_resource(resource);
    }
    int code = read_operations(in->words[1], rules);
    return code ? code : read_name(in, rules);
}

static void describe(const struct rules *rules, int8_t operation, char *into, size_t room) {
    bool cluster = rules->resource == ACL_CLUSTER;
    snprintf(into, room, "%s may%s %s %s%s%s%s%s%s", rules->principal,
             rules->permission == ACL_DENY ? " not" : "", acl_operation_word(operation),
             rules->resource == ACL_CLUSTER ? "the cluster" : acl_resource_word(rules->resource),
             cluster ? "" : " ", cluster ? "" : rules->name,
             rules->pattern == ACL_PREFIXED ? "*" : "",
             strcmp(rules->host, "*") == 0 ? "" : " from ",
             strcmp(rules->host, "*") == 0 ? "" : rules->host);
}

static void tell(const struct rules *rules, int8_t operation, const char *before,
                 const char *behind) {
    char text[3 * ACL_TEXT_MAX];
    describe(rules, operation, text, sizeof(text));
    say("%s%s%s", before, text, behind);
}

/* ---- add ---- */

int command_acl_add(struct invocation *in) {
    struct rules rules;
    int code = read_rules(in, &rules);
    if (code) {
        return code;
    }
    struct kp_create_acls_request_creation rows[RULES_MAX];
    struct kp_create_acls_request request = {.creations = {rows, rules.count}};
    struct kp_create_acls_response response;
    struct error_text why = {""};
    struct kp_arena arena;
    for (int i = 0; i < rules.count; i++) {
        rows[i] = (struct kp_create_acls_request_creation){
            .resource_type = rules.resource,
            .resource_name = kp_string_of(rules.name),
            .resource_pattern_type = rules.pattern,
            .principal = kp_string_of(rules.principal),
            .host = kp_string_of(rules.host),
            .operation = rules.operations[i],
            .permission_type = rules.permission};
        if (invocation_has(in, OPTION_DRY_RUN)) {
            tell(&rules, rules.operations[i], "would be added: ", "");
        }
    }
    if (invocation_has(in, OPTION_DRY_RUN)) {
        return EXIT_DONE;
    }
    kp_arena_init(&arena, ACL_ARENA_MAX);
    struct admin_client *admin = admin_client_for(in);
    int error = admin_request(admin, KP_CREATE_ACLS, ACL_VERSION, &request, &arena, &response, NULL,
                              &why);
    if (error) {
        code = admin_failed(error, &why);
    }
    for (int32_t i = 0; !error && i < response.results.count && i < rules.count; i++) {
        const struct kp_create_acls_response_result *row = &response.results.items[i];
        if (row->error_code) {
            code = acl_refused(&arena, row->error_code, row->error_message);
        } else {
            tell(&rules, rules.operations[i], "", "; drave acl list shows all");
        }
    }
    admin_client_free(admin);
    kp_arena_close(&arena);
    return code;
}

/* ---- list ---- */

struct listed {
    json_t *json;        /* or */
    struct table *table; /* NULL: the other one */
};

static void list_rule(struct listed *listed, struct kp_arena *arena,
                      const struct kp_describe_acls_response_resource *resource,
                      const struct kp_describe_acls_response_acl *acl) {
    const char *name = cluster_text(arena, resource->resource_name),
               *principal = cluster_text(arena, acl->principal),
               *host = cluster_text(arena, acl->host),
               *permission = acl->permission_type == ACL_DENY ? "deny" : "allow",
               *operation = acl_operation_word(acl->operation),
               *type = acl_resource_word(resource->resource_type);
    bool prefixed = resource->pattern_type == ACL_PREFIXED;
    char shown[ACL_TEXT_MAX];
    snprintf(shown, sizeof(shown), "%s%s", name, prefixed ? "*" : "");
    if (listed->table) {
        table_row(listed->table,
                  (const char *const[]){principal, permission, operation, type, shown, host});
    } else {
        json_array_append_new(listed->json,
                              json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "principal", principal,
                                        "permission", permission, "operation", operation,
                                        "resource", type, "name", name, "pattern",
                                        prefixed ? "prefixed" : "literal", "host", host));
    }
}

/* The rules of a principal, about a resource, or all. */
static int read_filter(const struct invocation *in, struct kp_describe_acls_request *request,
                       char principal[ACL_TEXT_MAX]) {
    const char *wanted = invocation_value(in, OPTION_PRINCIPAL, NULL);
    *request = (struct kp_describe_acls_request){.resource_type_filter = ACL_ANY,
                                                 .resource_name_filter = KP_NULL_STRING,
                                                 .pattern_type_filter = ACL_ANY,
                                                 .principal_filter = KP_NULL_STRING,
                                                 .host_filter = KP_NULL_STRING,
                                                 .operation = ACL_ANY,
                                                 .permission_type = ACL_ANY};
    if (wanted) {
        acl_principal_text(wanted, principal);
        request->principal_filter = kp_string_of(principal);
    }
    if (in->word_count > 0) {
        request->resource_type_filter = acl_resource_of(in->words[0], strlen(in->words[0]));
        if (request->resource_type_filter == 0) {
            return acl_wrong_resource(in->words[0]);
        }
    }
    if (in->word_count > 1) {
        request->resource_name_filter = kp_string_of(in->words[1]);
        request->pattern_type_filter = ACL_MATCH;
    }
    return EXIT_DONE;
}

int command_acl_list(struct invocation *in) {
    static const char *const columns[] = {"PRINCIPAL", "", "OPERATION", "RESOURCE", "NAME", "HOST"};
    struct kp_describe_acls_request request;
    struct kp_describe_acls_response response;
    struct kp_arena arena;
    char principal[ACL_TEXT_MAX];
    int code = read_filter(in, &request, principal);
    if (code) {
        return code;
    }
    kp_arena_init(&arena, ACL_ARENA_MAX);
    code = acl_ask_rules(in, &request, &arena, &response);
    struct listed listed = {.json = json_array()};
    listed.table = code || in->json ? NULL
                                    : table_new(columns, sizeof(columns) / sizeof(columns[0]));
    for (int32_t i = 0; !code && i < response.resources.count; i++) {
        const struct kp_describe_acls_response_resource *resource = &response.resources.items[i];
        for (int32_t n = 0; n < resource->acls.count; n++) {
            list_rule(&listed, &arena, resource, &resource->acls.items[n]);
        }
    }
    if (!code && in->json) {
        print_json(json_incref(listed.json));
    }
    json_decref(listed.json);
    if (listed.table) {
        table_print(listed.table);
    }
    kp_arena_close(&arena);
    return code;
}

/* ---- remove ---- */

static int send_removal(const struct invocation *in, const struct rules *rules,
                        const struct kp_delete_acls_request *request) {
    struct kp_delete_acls_response response;
    struct error_text why = {""};
    struct kp_arena arena;
    int code = EXIT_DONE;
    kp_arena_init(&arena, ACL_ARENA_MAX);
    struct admin_client *admin = admin_client_for(in);
    int error = admin_request(admin, KP_DELETE_ACLS, ACL_VERSION, request, &arena, &response, NULL,
                              &why);
    if (error) {
        code = admin_failed(error, &why);
    }
    for (int32_t i = 0; !error && i < response.filter_results.count && i < rules->count; i++) {
        const struct kp_delete_acls_response_result *row = &response.filter_results.items[i];
        if (row->error_code) {
            code = acl_refused(&arena, row->error_code, row->error_message);
        } else if (row->matching_acls.count == 0) {
            tell(rules, rules->operations[i], "there is no such rule: ", "");
            code = EXIT_REFUSED;
        } else {
            tell(rules, rules->operations[i], "removed: ", "");
        }
    }
    admin_client_free(admin);
    kp_arena_close(&arena);
    return code;
}

int command_acl_remove(struct invocation *in) {
    struct rules rules;
    struct kp_delete_acls_request_filter filters[RULES_MAX];
    int code = read_rules(in, &rules);
    for (int i = 0; !code && i < rules.count; i++) {
        filters[i] = (struct kp_delete_acls_request_filter){
            .resource_type_filter = rules.resource,
            .resource_name_filter = kp_string_of(rules.name),
            .pattern_type_filter = rules.pattern,
            .principal_filter = kp_string_of(rules.principal),
            .host_filter = kp_string_of(rules.host),
            .operation = rules.operations[i],
            .permission_type = rules.permission};
        if (invocation_has(in, OPTION_DRY_RUN)) {
            tell(&rules, rules.operations[i], "would be removed: ", "");
        }
    }
    if (code || invocation_has(in, OPTION_DRY_RUN)) {
        return code;
    }
    struct kp_delete_acls_request request = {.filters = {filters, rules.count}};
    return send_removal(in, &rules, &request);
}
