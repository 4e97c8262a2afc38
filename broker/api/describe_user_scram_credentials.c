/*
 * DescribeUserScramCredentials (key 50): by which mechanisms users can log in. There are no users
 * yet, so all of them are none, and one that is named does not exist. KIP-554.
 *
 * Failures are per user: RESOURCE_NOT_FOUND, and DUPLICATE_RESOURCE for one that is named twice,
 * which is answered once. In steps: a request may name many.
 */
#include "protocol/messages/describe_user_scram_credentials.h"

#include "broker/api/handlers.h"
#include "broker/api/key_set.h"
#include "broker/api/services.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

/* One request on its way; in its arena. */
struct users_named {
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
    kp_set_fallbacks(&kp_describe_user_scram_credentials_response_result_schema, row);
    row->user = name;
    row->error_code = again ? KAFKA_DUPLICATE_RESOURCE : KAFKA_RESOURCE_NOT_FOUND;
    row->error_message = kp_arena_printf(
        &request->arena,
        again ? "the user '%.*s' is named twice in the request; name each one once"
              : "there is no user '%.*s' with a SCRAM credential",
        name.len, name.data);
    if (row->error_message.len >= 0) return true;
    request_close_too_large(request);
    return false;
}

void api_describe_user_scram_credentials(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_describe_user_scram_credentials_request *asked = request->message;
    struct kp_arena *arena = &request->arena;
    struct users_named *users = kp_arena_alloc(arena, sizeof *users);
    size_t count = asked->users.count < 0 ? 0 : (size_t)asked->users.count;
    *users = (struct users_named){.asked = asked};
    kp_set_fallbacks(&kp_describe_user_scram_credentials_response_schema, &users->response);
    users->response.error_message = KP_NULL_STRING;
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0)) {
        users->response.error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        request_respond(request, &users->response);
        return;
    }
    users->rows = kp_arena_alloc(arena, (count + 1) * sizeof *users->rows);
    users->response.results.items = kp_arena_alloc(
        arena, (count + 1) * sizeof *users->response.results.items);
    request->state = users;
    if (users->rows != NULL && users->response.results.items != NULL &&
        key_set_init(&users->seen, arena, count, env_random_u64(services->env), key_of_user, users))
        request_steps(request, answer_next_user);
    else
        request_close_too_large(request);
}
