/*
 * SaslAuthenticate (key 36), and the same token as a frame without a header: a client proves who it
 * is. KIP-152, KIP-368.
 *
 * Happy path: PLAIN has one token, whose password is checked off the loop against the user's SCRAM
 * key; SCRAM has two; OAUTHBEARER has one (KIP-255), checked off the loop, too, and one more with
 * which a client takes note that it is not good. Then the client is known, for
 * connections.max.reauth.ms, until its token ends, or for good.
 * Failures: SASL_AUTHENTICATION_FAILED with the same sentence whatever is wrong, and as late as
 * broker/api/login_failure.h says; a token without a header is answered by closing. Where no token
 * is due: ILLEGAL_SASL_STATE. Invariant: a user who is not there is asked and checked like any
 * other, with a key that is made up.
 */
#include "protocol/messages/sasl_authenticate.h"

#include <string.h>

#include "base/mem.h"
#include "broker/api/handlers.h"
#include "broker/api/login_failure.h"
#include "broker/api/services.h"
#include "broker/login/plain.h"
#include "broker/tokens/bearer.h"
#include "protocol/kafka_error.h"

static const char ALREADY_IN[] =
    "SaslAuthenticate request received after successful authentication";
static const char NO_SUCH_USER[] = "there is no such user with such a password",
                  WRONG_PASSWORD[] = "the password is another one",
                  MALFORMED[] = "its message is not what the mechanism wants",
                  ANOTHER_USER[] = "it was another user before",
                  ANOTHER_NAME[] = "it wants to be another user than its token is for";
enum { LIFETIME_LEAST_MS = 1000 };

/* ---- Answers ---- */

static void answer(struct request *request, const void *bytes, size_t len, int64_t lifetime_ms) {
    struct kp_sasl_authenticate_response response;
    if (request->bare) {
        request_respond_bare(request, bytes, len);
        return;
    }
    kp_set_fallbacks(&kp_sasl_authenticate_response_schema, &response);
    response.auth_bytes.data = bytes;
    response.auth_bytes.len = (int32_t)len;
    response.session_lifetime_ms = lifetime_ms;
    request_respond(request, &response);
}

static void refuse(struct request *request, int16_t error, struct kp_string message) {
    struct kp_sasl_authenticate_response response;
    kp_set_fallbacks(&kp_sasl_authenticate_response_schema, &response);
    response.error_code = error;
    response.error_message = message;
    request_respond(request, &response);
}

static void tell_failure(struct request *request) {
    enum login_mechanism mechanism = request_login(request)->mechanism;
    if (request->bare)
        request_close_connection(request);
    else if (mechanism == LOGIN_PLAIN)
        refuse(request, KAFKA_SASL_AUTHENTICATION_FAILED,
               kp_string_of("Authentication failed: Invalid username or password"));
    else if (request_login(request)->refused)
        refuse(request, KAFKA_SASL_AUTHENTICATION_FAILED, kp_string_of(BEARER_REFUSAL));
    else
        refuse(request, KAFKA_SASL_AUTHENTICATION_FAILED,
               kp_arena_printf(&request->arena,
                               "Authentication failed during authentication due to invalid "
                               "credentials with SASL mechanism %s",
                               login_mechanism_name(mechanism)));
}

static void note_failure(struct request *request, const char *user, const char *why) {
    struct login *login = request_login(request);
    logins_count(login->logins, login->mechanism, false);
    if (!request->dead)
        logins_tell(login->logins, request->ctx.peer, request->ctx.listener, user, login->mechanism,
                    why);
}

static void fail(const struct broker_services *services, struct request *request, const char *user,
                 const char *why) {
    note_failure(request, user, why);
    login_failure_begin(services, request, tell_failure);
}

/* `most_ms` INT64_MAX: what it has shown is good for ever. */
static void succeed(const struct broker_services *services, struct request *request,
                    const char *user, const void *bytes, size_t len, int64_t most_ms) {
    struct login *login = request_login(request);
    int64_t lifetime_ms = logins_options(login->logins)->lifetime_ms;
    uint64_t now_us = env_now_us(services->env);
    if (most_ms != INT64_MAX && (lifetime_ms == 0 || lifetime_ms > most_ms)) lifetime_ms = most_ms;
    if (!login_finish(login, user, now_us, (uint64_t)lifetime_ms * 1000)) {
        fail(services, request, user, ANOTHER_USER);
        return;
    }
    login->users_changed = metadata_users(services->metadata)->changed;
    logins_count(login->logins, login->mechanism, true);
    request_logged_in(request);
    answer(request, bytes, len, lifetime_ms);
}

/* ---- PLAIN ---- */

struct plain_login {
    const struct broker_services *services;
    struct request *request;
    bool known;
    char user[USER_NAME_MAX + 1];
};

static void plain_checked(void *owner, bool good) {
    struct plain_login *plain = owner;
    struct request *request = plain->request;
    if (request->dead)
        request_respond_nothing(request);
    else if (good && plain->known)
        succeed(plain->services, request, plain->user, "", 0, INT64_MAX);
    else
        fail(plain->services, request, plain->user, plain->known ? WRONG_PASSWORD : NO_SUCH_USER);
    mem_free(plain);
}

static void plain_begin(const struct broker_services *services, struct request *request,
                        struct kp_bytes token) {
    struct login *login = request_login(request);
    const struct user_table *users = metadata_users(services->metadata);
    struct plain_message message;
    if (!plain_read(token.data, (size_t)token.len, &message)) {
        fail(services, request, "", MALFORMED);
        return;
    }
    const struct user_key *found = user_table_any(users, message.user, strlen(message.user));
    struct plain_login *plain = mem_zalloc(sizeof *plain);
    *plain = (struct plain_login){.services = services, .request = request, .known = found != NULL};
    memcpy(plain->user, message.user, sizeof plain->user);
    struct user_key key;
    if (found != NULL)
        key = *found;
    else
        logins_fake_key(login->logins, users, plain->user, SCRAM_SHA_256, &key);
    request_hold_connection(request);
    logins_check_password(login->logins, &key, message.password, message.password_len,
                          plain_checked, plain);
    scram_wipe(&key, sizeof key);
}

/* ---- SCRAM ---- */

static void scram_first(const struct broker_services *services, struct request *request,
                        struct kp_bytes token) {
    struct login *login = request_login(request);
    const struct user_table *users = metadata_users(services->metadata);
    enum scram_mechanism mechanism = (enum scram_mechanism)login->mechanism;
    struct scram_server *exchange = mem_zalloc(sizeof *exchange);
    uint8_t random[SCRAM_NONCE_RANDOM];
    struct user_key key;
    size_t len;
    login->exchange = exchange;
    if (!scram_server_hear(exchange, mechanism, token.data, (size_t)token.len)) {
        fail(services, request, "", MALFORMED);
        return;
    }
    const struct user_key *found = user_table_find(users, exchange->user, strlen(exchange->user),
                                                   mechanism);
    if (found != NULL && !exchange->token)
        key = *found;
    else
        logins_fake_key(login->logins, users, exchange->user, mechanism, &key);
    env_random(services->env, random, sizeof random);
    const char *challenge = scram_server_challenge(exchange, &key, random, &len);
    scram_wipe(&key, sizeof key);
    answer(request, challenge, len, 0);
}

static void scram_last(const struct broker_services *services, struct request *request,
                       struct kp_bytes token) {
    struct login *login = request_login(request);
    struct scram_server *exchange = login->exchange;
    const struct user_table *users = metadata_users(services->metadata);
    char bytes[4 * SCRAM_HASH_MAX], user[USER_NAME_MAX + 1];
    size_t len;
    bool good = scram_server_judge(exchange, token.data, (size_t)token.len, bytes, &len);
    memcpy(user, exchange->user, sizeof user);
    if (good)
        succeed(services, request, user, bytes, len, INT64_MAX);
    else
        fail(services, request, user,
             user_table_find(users, user, strlen(user), exchange->mechanism) == NULL
                 ? NO_SUCH_USER
                 : WRONG_PASSWORD);
}

/* ---- OAUTHBEARER ---- */

struct bearer_login {
    const struct broker_services *services;
    struct request *request;
    char user[USER_NAME_MAX + 1]; /* who it wants to be; "": whom the token names */
};

static void bearer_checked(void *owner, const struct token_facts *facts, const char *why) {
    struct bearer_login *bearer = owner;
    const struct broker_services *services = bearer->services;
    struct request *request = bearer->request;
    int64_t left_ms = facts->ends_ms - env_wall_ms(services->env);
    if (request->dead) {
        request_respond_nothing(request);
    } else if (why != NULL) { /* RFC 7628, 3.2.3 */
        note_failure(request, "", why);
        request_login(request)->refused = true;
        answer(request, BEARER_REFUSAL, sizeof BEARER_REFUSAL - 1, 0);
    } else if (bearer->user[0] != '\0' && strcmp(bearer->user, facts->user) != 0) {
        fail(services, request, bearer->user, ANOTHER_NAME);
    } else { /* clocks differ: a token that has just ended is good for a moment */
        succeed(services, request, facts->user, "", 0,
                left_ms > LIFETIME_LEAST_MS ? left_ms : LIFETIME_LEAST_MS);
    }
    mem_free(bearer);
}

static void bearer_begin(const struct broker_services *services, struct request *request,
                         struct kp_bytes token) {
    struct login *login = request_login(request);
    struct bearer_message message;
    if (login->refused && bearer_is_end(token.data, (size_t)token.len)) {
        login_failure_begin(services, request, tell_failure); /* counted before */
        return;
    }
    login->refused = false;
    if (!bearer_read(token.data, (size_t)token.len, &message)) {
        fail(services, request, "", MALFORMED);
        return;
    }
    struct bearer_login *bearer = mem_zalloc(sizeof *bearer);
    *bearer = (struct bearer_login){.services = services, .request = request};
    memcpy(bearer->user, message.user, sizeof bearer->user);
    request_hold_connection(request);
    token_door_check(logins_tokens(login->logins), message.token, message.token_len, bearer_checked,
                     bearer);
}

void api_sasl_authenticate(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_sasl_authenticate_request *asked = request->message;
    struct login *login = request_login(request);
    if (login == NULL || login->step != LOGIN_TOKEN)
        refuse(request, KAFKA_ILLEGAL_SASL_STATE, kp_string_of(ALREADY_IN));
    else if (login->mechanism == LOGIN_PLAIN)
        plain_begin(services, request, asked->auth_bytes);
    else if (login->mechanism == LOGIN_OAUTHBEARER)
        bearer_begin(services, request, asked->auth_bytes);
    else if (login->exchange == NULL)
        scram_first(services, request, asked->auth_bytes);
    else
        scram_last(services, request, asked->auth_bytes);
}
