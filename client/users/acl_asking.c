/* One request. */
#include "client/users/acl_asking.h"

#include "client/kafka/admin_client.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"

int acl_refused(struct kp_arena *arena, int16_t code, struct kp_string message) {
    const char *text = cluster_text(arena, message);
    say("%s%s", *text ? text : kafka_error_message(code),
        code == KAFKA_SECURITY_DISABLED
            ? "; set authorizer.class.name at each broker first (docs/security.md)"
            : "");
    return EXIT_REFUSED;
}

int acl_ask_rules(const struct invocation *in, const struct kp_describe_acls_request *request,
                  struct kp_arena *arena, struct kp_describe_acls_response *response) {
    struct error_text why = {""};
    struct admin_client *admin = admin_client_for(in);
    int error = admin_request(admin, KP_DESCRIBE_ACLS, ACL_VERSION, request, arena, response, NULL,
                              &why);
    int code = error ? admin_failed(error, &why) : EXIT_DONE;
    if (!error && response->error_code) {
        code = acl_refused(arena, response->error_code, response->error_message);
    }
    admin_client_free(admin);
    return code;
}
