/*
 * What a client of a listener with logins (SASL) is at: which request is due, and who it is.
 *
 *   begins -> [versions told ->] handshake -> token (once or more) -> done
 *                                    ^                                  |
 *                                    `---- again, before it expires ----'
 *
 * Happy path: each frame is asked about with login_takes before it becomes a request; the handlers
 * (broker/api/sasl_*.c) take the steps. Failures: a request that is not due: LOGIN_CLOSE, and the
 * connection ends, as in Kafka. Invariant: nothing but ApiVersions, SaslHandshake and
 * SaslAuthenticate is decoded before a client is known, and who it is never changes.
 */
#ifndef BROKER_LOGIN_LOGIN_H
#define BROKER_LOGIN_LOGIN_H

#include "broker/login/scram_server.h"

struct logins;

enum login_mechanism {
    LOGIN_NONE,
    LOGIN_SCRAM_SHA_256 = SCRAM_SHA_256,
    LOGIN_SCRAM_SHA_512 = SCRAM_SHA_512,
    LOGIN_PLAIN,
    LOGIN_OAUTHBEARER,
    LOGIN_MECHANISMS
};
const char *login_mechanism_name(enum login_mechanism mechanism);
/* LOGIN_NONE: it is none of them. */
enum login_mechanism login_mechanism_named(const char *name, size_t len);

enum login_step { LOGIN_BEGINS, LOGIN_VERSIONS_TOLD, LOGIN_TOKEN, LOGIN_DONE };

struct login {
    struct logins *logins;
    enum login_step step;
    enum login_mechanism mechanism;
    bool refused; /* its token is not good, and it has yet to take note of that (OAUTHBEARER) */
    bool bare;    /* tokens come as frames without a header (handshake 0) */
    char principal[5 + USER_NAME_MAX + 1]; /* "User:alice"; "": nobody yet */
    struct scram_server *exchange;         /* that is half done */
    uint64_t began_us;                     /* the last handshake of one that is done */
    uint64_t expires_us;                   /* then it logs in again; 0: never */
    uint64_t users_changed;                /* of the table, when the user was last found in it */
};

struct login *login_new(struct logins *logins);
void login_free(struct login *login); /* NULL does nothing */

enum login_verdict {
    LOGIN_PASS,
    LOGIN_BARE,    /* the frame is a token */
    LOGIN_CLOSE,   /* what it sends is not due */
    LOGIN_EXPIRED, /* it should have logged in again */
};
enum login_verdict login_takes(struct login *login, const void *frame, size_t len, uint64_t now_us);

/* Tokens of that mechanism follow. */
void login_expect(struct login *login, enum login_mechanism mechanism, bool bare, uint64_t now_us);
/* It is that user; `lifetime_us` 0: for good. False: it was another one before. */
bool login_finish(struct login *login, const char *user, uint64_t now_us, uint64_t lifetime_us);
static inline bool login_is_done(const struct login *login) {
    return login->step == LOGIN_DONE;
}
/* "User:" and the name, or "User:ANONYMOUS". */
const char *login_principal(const struct login *login);

#endif
