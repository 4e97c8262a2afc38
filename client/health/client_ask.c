/* One answer after the other, each behind what the one before told last. */
#include "client/health/client_ask.h"

#include "client/kafka/cluster_view.h"

static int client_ask(struct admin_client *admin, struct kp_arena *arena,
                      const struct kp_client_status_request *request,
                      struct kp_client_status_response *answer, struct error_text *why) {
    int error = admin_request(admin, KP_CLIENT_STATUS, 0, request, arena, answer, NULL, why);
    if (error || answer->error_code == 0) {
        return error;
    }
    return error_set(why, ERR_DENIED, "%s", cluster_text(arena, answer->error_message));
}

int client_ask_all(struct admin_client *admin, struct kp_arena *arena,
                   void (*more)(void *arg, const struct kp_client_status_response *answer),
                   void *arg, struct error_text *why) {
    struct kp_client_status_request request;
    struct kp_client_status_response answer;
    kp_set_fallbacks(&kp_client_status_request_schema, &request);
    request.traced_client = KP_NULL_STRING;
    request.clients_after = 0;
    for (;;) {
        int error = client_ask(admin, arena, &request, &answer, why);
        if (error || answer.clients.count < 1) {
            return error;
        }
        more(arg, &answer);
        request.clients_after = answer.clients.items[answer.clients.count - 1].id;
    }
}

int client_ask_traced(struct admin_client *admin, struct kp_arena *arena, int64_t after,
                      const char *client_id, struct kp_client_status_response *answer,
                      struct error_text *why) {
    struct kp_client_status_request request;
    kp_set_fallbacks(&kp_client_status_request_schema, &request);
    request.traced_after = after;
    request.traced_client = client_id ? kp_string_of(client_id) : KP_NULL_STRING;
    return client_ask(admin, arena, &request, answer, why);
}
