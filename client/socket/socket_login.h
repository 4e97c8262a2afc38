/*
 * Who drave is to the brokers: what the call's options ask for holds for all its connections.
 *
 * Happy path: socket_login_use once, before anything is asked; each connection then logs in behind
 * its first ApiVersions, by SCRAM, which also proves that the broker knows the user, or by PLAIN.
 * Failures: no password; a broker that refuses the login, does not offer the mechanism, or does not
 * prove itself (ERR_DENIED: trying again does not help).
 */
#ifndef CLIENT_SOCKET_SOCKET_LOGIN_H
#define CLIENT_SOCKET_SOCKET_LOGIN_H

#include "base/error.h"
#include "client/line/command.h"
#include "protocol/messages/api_table.h"
#include "protocol/schema.h"

/* EXIT_DONE, or EXIT_USAGE (said). */
int socket_login_use(const struct invocation *invocation);
void socket_login_forget(void);

/* NULL: nobody logs in. */
const char *socket_login_user(void);
const char *socket_login_password(void);
const char *socket_login_mechanism(void);

/* The connection that logs in: how a request is sent there, and its answer decoded. */
struct login_road {
    const char *address;
    int (*exchange)(void *arg, const struct kp_api *api, int version, const void *request,
                    struct kp_arena *arena, void *response, struct error_text *why);
    void *arg;
};
/* Nothing if nobody is to log in. */
int socket_login(const struct login_road *road, struct error_text *why);

#endif
