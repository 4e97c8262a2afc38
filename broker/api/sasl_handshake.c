/*
 * SaslHandshake (key 17): the client chooses how it logs in. KIP-43, KIP-152, KIP-368.
 *
 * Happy path: the mechanism is on; its tokens follow, in SaslAuthenticate or, behind version 0, as
 * frames of their own. Failures: a mechanism that is off: UNSUPPORTED_SASL_MECHANISM with those
 * that are on, as late as a login that failed, and the connection is closed; where nobody logs in,
 * or a client is in for good, or tries again within a second: ILLEGAL_SASL_STATE.
 */
#include "protocol/messages/sasl_handshake.h"

#include "broker/api/handlers.h"
#include "broker/api/login_failure.h"
#include "broker/api/services.h"
#include "broker/login/logins.h"
#include "protocol/kafka_error.h"

enum { AGAIN_US = 1000 * 1000 };

static void fill_mechanisms(struct kp_sasl_handshake_response *response, struct request *request,
                            uint32_t mechanisms) {
    struct kp_string *names = kp_arena_alloc(&request->arena, LOGIN_MECHANISMS * sizeof *names);
    response->mechanisms.items = names;
    response->mechanisms.count = 0;
    for (int m = LOGIN_NONE + 1; names != NULL && m < LOGIN_MECHANISMS; m++)
        if ((mechanisms & 1u << m) != 0)
            names[response->mechanisms.count++] = kp_string_of(
                login_mechanism_name((enum login_mechanism)m));
}

static bool is_due(const struct login *login, uint64_t now_us) {
    return login != NULL && (!login_is_done(login) ||
                             (login->expires_us != 0 && now_us - login->began_us >= AGAIN_US));
}

static void refuse_mechanism(struct request *request) {
    struct kp_sasl_handshake_response response;
    kp_set_fallbacks(&kp_sasl_handshake_response_schema, &response);
    response.error_code = KAFKA_UNSUPPORTED_SASL_MECHANISM;
    fill_mechanisms(&response, request, logins_options(request_login(request)->logins)->mechanisms);
    request_respond(request, &response);
}

void api_sasl_handshake(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_sasl_handshake_request *asked = request->message;
    struct login *login = request_login(request);
    struct kp_sasl_handshake_response response;
    uint64_t now_us = env_now_us(services->env);
    kp_set_fallbacks(&kp_sasl_handshake_response_schema, &response);
    if (!is_due(login, now_us)) {
        response.error_code = KAFKA_ILLEGAL_SASL_STATE;
        request_respond(request, &response);
        return;
    }
    const struct login_options *options = logins_options(login->logins);
    enum login_mechanism mechanism = login_mechanism_named(asked->mechanism.data,
                                                           (size_t)asked->mechanism.len);
    if (mechanism == LOGIN_NONE || (options->mechanisms & 1u << mechanism) == 0) {
        login_failure_begin(services, request, refuse_mechanism);
        return;
    }
    login_expect(login, mechanism, request->api_version == 0, now_us);
    fill_mechanisms(&response, request, options->mechanisms);
    request_respond(request, &response);
}
