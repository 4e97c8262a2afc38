/*
 * drave meta ls and get: the metadata of the cluster as a tree, the way one browses ZooKeeper.
 */
#include <stdio.h>
#include <string.h>

#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/meta_query.h"

enum { ARENA_MAX = 64 << 20 };

static int query(const struct invocation *in, struct kp_arena *arena, const char *path,
                 struct kp_meta_query_response *answer) {
    struct admin_client *admin = admin_client_for(in);
    struct kp_meta_query_request request;
    struct error_text why = {""};
    kp_set_fallbacks(&kp_meta_query_request_schema, &request);
    request.path = kp_string_of(path);
    int error = admin_request(admin, KP_META_QUERY, 0, &request, arena, answer, NULL, &why);
    admin_client_free(admin);
    if (error) {
        return admin_failed(error, &why);
    }
    if (answer->error_code) {
        const char *text = cluster_text(arena, answer->error_message);
        say("%s", *text ? text : kafka_error_message(answer->error_code));
        return EXIT_REFUSED;
    }
    return EXIT_DONE;
}

int command_meta_ls(struct invocation *in) {
    struct kp_arena arena;
    struct kp_meta_query_response answer;
    kp_arena_init(&arena, ARENA_MAX);
    int code = query(in, &arena, in->word_count ? in->words[0] : "/", &answer);
    json_t *list = json_array();
    for (int32_t i = 0; !code && i < answer.entries.count; i++) {
        const char *name = cluster_text(&arena, answer.entries.items[i].name);
        json_array_append_new(list, json_string(name));
        if (!in->json) {
            print_text("%s\n", name);
        }
    }
    if (!code && in->json) {
        print_json(json_incref(list));
    }
    json_decref(list);
    kp_arena_close(&arena);
    return code;
}

int command_meta_get(struct invocation *in) {
    struct kp_arena arena;
    struct kp_meta_query_response answer;
    kp_arena_init(&arena, ARENA_MAX);
    int code = query(in, &arena, in->words[0], &answer);
    if (!code && answer.value.len < 0) {
        say("%s has no value of its own; list what is under it with: drave meta ls %s",
            in->words[0], in->words[0]);
        code = EXIT_REFUSED;
    } else if (!code) {
        print_bytes(answer.value.data, (size_t)answer.value.len);
        print_raw("\n", 1);
    }
    kp_arena_close(&arena);
    return code;
}
