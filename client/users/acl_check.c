/*
 * drave acl check: whether the rules let somebody do something, and which rule decides.
 *
 * Happy path: the rules that are about the name are asked for, and decided as a broker does: one
 * that denies counts, else one that allows, else no. Exit code 0: allowed; 1: not. Who is among
 * super.users may everything, and allow.everyone.if.no.acl.found may let in where no rule is about
 * the name: both stand in the brokers' files, and are said, not known here.
 */
#include <stdio.h>
#include <string.h>

#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/users/acl_asking.h"
#include "client/users/acl_words.h"

struct question {
    char principal[ACL_TEXT_MAX];
    int8_t operation, resource;
    const char *name, *host;
};

/* The rule that decides, and how many are about the name. */
struct verdict {
    const struct kp_describe_acls_response_resource *resource;
    const struct kp_describe_acls_response_acl *acl;
    size_t about;
};

static int read_question(const struct invocation *in, struct question *question) {
    const char *operation = in->words[1], *resource = in->words[2];
    acl_principal_text(in->words[0], question->principal);
    question->operation = acl_operation_of(operation, strlen(operation));
    question->resource = acl_resource_of(resource, strlen(resource));
    question->host = invocation_value(in, OPTION_HOST, NULL);
    question->name = in->word_count > 3 ? in->words[3] : NULL;
    if (question->operation <= ACL_ALL) {
        return acl_wrong_operation(operation);
    }
    if (question->resource <= ACL_ANY) {
        return acl_wrong_resource(resource);
    }
    if (question->resource == ACL_CLUSTER) {
        question->name = "kafka-cluster";
    } else if (!question->name || !*question->name) {
        say("name a %s behind '%s': drave acl check asks about one",
            acl_resource_word(question->resource), resource);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static bool holds_for(const struct question *question,
                      const struct kp_describe_acls_response_acl *acl) {
    bool deny = acl->permission_type == ACL_DENY;
    bool who = kp_string_is(acl->principal, question->principal) ||
               kp_string_is(acl->principal, "User:*");
    bool where = kp_string_is(acl->host, "*") ||
                 (question->host && kp_string_is(acl->host, question->host));
    bool what = deny ? acl->operation == question->operation || acl->operation == ACL_ALL
                     : acl_implies(acl->operation, question->operation);
    return who && where && what;
}

static struct verdict decide(const struct question *question,
                             const struct kp_describe_acls_response *response) {
    struct verdict verdict = {0};
    for (int32_t i = 0; i < response->resources.count; i++) {
        const struct kp_describe_acls_response_resource *resource = &response->resources.items[i];
        verdict.about += (size_t)resource->acls.count;
        for (int32_t n = 0; n < resource->acls.count; n++) {
            const struct kp_describe_acls_response_acl *acl = &resource->acls.items[n];
            bool denied = verdict.acl && verdict.acl->permission_type == ACL_DENY;
            if (holds_for(question, acl) &&
                (!verdict.acl || (!denied && acl->permission_type == ACL_DENY))) {
                verdict.resource = resource;
                verdict.acl = acl;
            }
        }
    }
    return verdict;
}

static void rule_text(struct kp_arena *arena, const struct verdict *verdict, char *into,
                      size_t room) {
    const struct kp_describe_acls_response_acl *acl = verdict->acl;
    bool of_cluster = verdict->resource->resource_type == ACL_CLUSTER;
    snprintf(into, room, "%s may%s %s %s%s%s%s%s%s", cluster_text(arena, acl->principal),
             acl->permission_type == ACL_DENY ? " not" : "", acl_operation_word(acl->operation),
             of_cluster ? "the cluster" : acl_resource_word(verdict->resource->resource_type),
             of_cluster ? "" : " ",
             of_cluster ? "" : cluster_text(arena, verdict->resource->resource_name),
             verdict->resource->pattern_type == ACL_PREFIXED ? "*" : "",
             kp_string_is(acl->host, "*") ? "" : " from ",
             kp_string_is(acl->host, "*") ? "" : cluster_text(arena, acl->host));
}

static int tell(const struct invocation *in, const struct question *question,
                const struct verdict *verdict, struct kp_arena *arena) {
    bool allowed = verdict->acl && verdict->acl->permission_type == ACL_ALLOW;
    char rule[3 * ACL_TEXT_MAX] = "";
    if (verdict->acl) {
        rule_text(arena, verdict, rule, sizeof(rule));
    }
    if (in->json) {
        print_json(json_pack("{s:b,s:s*,s:I}", "allowed", allowed, "rule",
                             verdict->acl ? rule : NULL, "rules_about_it",
                             (json_int_t)verdict->about));
        return allowed ? EXIT_DONE : EXIT_REFUSED;
    }
    if (verdict->acl) {
        print_text("%s: %s\n", allowed ? "yes" : "no", rule);
    } else if (verdict->about > 0) {
        print_text("no: none of %zu rules about it lets %s\n", verdict->about, question->principal);
    } else {
        print_text("no: there is no rule about it; allow.everyone.if.no.acl.found=true would let "
                   "everybody\n");
    }
    if (!allowed) {
        say("who is among super.users may everything all the same; drave config get broker:ID super.users "
            "shows them");
    }
    return allowed ? EXIT_DONE : EXIT_REFUSED;
}

int command_acl_check(struct invocation *in) {
    struct question question;
    struct kp_describe_acls_response response;
    struct kp_arena arena;
    int code = read_question(in, &question);
    if (code) {
        return code;
    }
    struct kp_describe_acls_request request = {.resource_type_filter = question.resource,
                                               .resource_name_filter = kp_string_of(question.name),
                                               .pattern_type_filter = ACL_MATCH,
                                               .principal_filter = KP_NULL_STRING,
                                               .host_filter = KP_NULL_STRING,
                                               .operation = ACL_ANY,
                                               .permission_type = ACL_ANY};
    kp_arena_init(&arena, ACL_ARENA_MAX);
    code = acl_ask_rules(in, &request, &arena, &response);
    if (!code) {
        struct verdict verdict = decide(&question, &response);
        code = tell(in, &question, &verdict, &arena);
    }
    kp_arena_close(&arena);
    return code;
}
