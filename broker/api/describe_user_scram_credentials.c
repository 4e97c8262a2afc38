/*
 * DescribeUserScramCredentials (key 50): by which mechanisms users can log in. KIP-554.
 *
 * Happy path: all users in the order of their names, or those that are named. Failures are per
 * user: RESOURCE_NOT_FOUND, and DUPLICATE_RESOURCE for one that is named twice, which is answered
 * once. In steps: a request may name many.
 */
#include "protocol/messages/describe_user_scram_credentials.h"

#include <string.h>

#include "broker/api/handlers.h"
#include "broker/api/key_set.h"
#include "broker/api/services.h"
#include "broker/server/request_steps.h"
#include "broker/users/user_table.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct users_named {
    const struct user_table *table;
    const struct kp_describe_user_scram_credentials_request *asked;
    struct kp_describe_user_scram_credentials_response response;
    struct key_set seen;
    size_t *rows; /* of each user, the place of its result */
    int32_t at;
};

static struct key key_of_user(const void *owner, size_t place) {
    const struct users_named *users = owner;
    return (struct key){.text = users->asked->users.items[place].name};
}

/* What the rows of one user say, from that place on. False: the arena has no room. */
static bool fill_user(struct kp_arena *arena,
                      struct kp_describe_user_scram_credentials_response_result *row,
                      const struct user_table *table, size_t at) {
    const char *name = table->rows[at].name;
    row->credential_infos.items = kp_arena_alloc(arena, SCRAM_MECHANISMS *
                                                            sizeof *row->credential_infos.items);
    if (row->credential_infos.items == NULL) return false;
    for (; at < table->count && strcmp(table->rows[at].name, name) == 0; at++)
        row->credential_infos.items[row->credential_infos.count++] =
            (struct kp_describe_user_scram_credentials_response_credential){
                .mechanism = (int8_t)table->rows[at].mechanism,
                .iterations = table->rows[at].iterations};
    return true;
}

/* In one step: there are USER_KEYS_MAX at the most. */
static bool answer_all(struct request *request) {
    struct users_named *users = request->state;
    const struct user_table *table = users->table;
    struct kp_describe_user_scram_credentials_response *response = &users->response;
    response->results.items = kp_arena_alloc(&request->arena,
                                             (table->count + 1) * sizeof *response->results.items);
    bool room = response->results.items != NULL;
    for (size_t at = 0; room && at < table->count;) {
        struct kp_describe_user_scram_credentials_response_result *row =
            &response->results.items[response->results.count++];
        const char *name = table->rows[at].name;
        kp_set_fallbacks(&kp_describe_user_scram_credentials_response_result_schema, row);
        row->error_message = KP_NULL_STRING;
        row->user = kp_arena_string(&request->arena, name, strlen(name));
        room = row->user.len >= 0 && fill_user(&request->arena, row, table, at);
        at += (size_t)row->credential_infos.count + (room ? 0 : 1);
    }
    if (room)
        request_respond_kept(request, response);
    else
        request_close_too_large(request);
    return false;
}

static bool answer_next_user(struct request *request) {
    struct users_named *users = request->state;
    if (users->at >= users->asked->users.count) {
        request_respond_kept(request, &users->response);
        return false;
    }
    size_t place = (size_t)users->at++;
    struct kp_string name = users->asked->users.items[place].name;
    size_t first = key_set_put(&users->seen, place);
    bool again = first != place;
    users->rows[place] = again ? users->rows[first] : (size_t)users->response.results.count++;
    struct kp_describe_user_scram_credentials_response_result *row =
        &users->response.results.items[users->rows[place]];
    if (again && row->error_code == KAFKA_DUPLICATE_RESOURCE) return true;
    size_t len = name.len < 0 ? 0 : (size_t)name.len,
           at = user_table_from(users->table, name.data, len);
    bool found = at < users->table->count && strlen(users->table->rows[at].name) == len &&
                 memcmp(users->table->rows[at].name, name.data, len) == 0;
    kp_set_fallbacks(&kp_describe_user_scram_credentials_response_result_schema, row);
    row->user = name;
    row->error_code = again   ? KAFKA_DUPLICATE_RESOURCE
                      : found ? KAFKA_NONE
                              : KAFKA_RESOURCE_NOT_FOUND;
    row->error_message = KP_NULL_STRING;
    if (row->error_code != KAFKA_NONE)
        row->error_message = kp_arena_printf(
            &request->arena,
            again ? "the user '%.*s' is named twice in the request; name each one once"
                  : "there is no user '%.*s' with a SCRAM credential",
            name.len, name.data);
    bool room = row->error_code == KAFKA_NONE ? fill_user(&request->arena, row, users->table, at)
                                              : row->error_message.len >= 0;
    if (room) return true;
    request_close_too_large(request);
    return false;
}

void api_describe_user_scram_credentials(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_describe_user_scram_credentials_request *asked = request->message;
    struct kp_arena *arena = &request->arena;
    struct users_named *users = kp_arena_alloc(arena, sizeof *users);
    size_t count = asked->users.count < 0 ? 0 : (size_t)asked->users.count;
    if (users == NULL) {
        request_close_too_large(request);
        return;
    }
    *users = (struct users_named){.table = metadata_users(services->metadata), .asked = asked};
    kp_set_fallbacks(&kp_describe_user_scram_credentials_response_schema, &users->response);
    users->response.error_message = KP_NULL_STRING;
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0)) {
        users->response.error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        request_respond(request, &users->response);
        return;
    }
    request->state = users;
    if (count == 0) {
        request_steps(request, answer_all);
        return;
    }
    users->rows = kp_arena_alloc(arena, (count + 1) * sizeof *users->rows);
    users->response.results.items = kp_arena_alloc(
        arena, (count + 1) * sizeof *users->response.results.items);
    if (users->rows != NULL && users->response.results.items != NULL &&
        key_set_init(&users->seen, arena, count, env_random_u64(services->env), key_of_user, users))
        request_steps(request, answer_next_user);
    else
        request_close_too_large(request);
}
