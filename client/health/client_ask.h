/*
 * Who is connected to the brokers, and what they ask (ClientStatus), for the commands about
 * clients.
 *
 * Happy path: open, ask, close. Failures: as those of admin_request. Invariant: an answer lives in
 * the caller's arena.
 */
#ifndef CLIENT_HEALTH_CLIENT_ASK_H
#define CLIENT_HEALTH_CLIENT_ASK_H

#include "client/health/cluster_status.h"
#include "protocol/messages/client_status.h"

/* All that are connected to one broker. ERR_DENIED: it refuses. `more` is called for each answer,
 * whose items are valid as long as the arena. */
int client_ask_all(struct admin_client *admin, struct kp_arena *arena,
                   void (*more)(void *arg, const struct kp_client_status_response *answer),
                   void *arg, struct error_text *why);
/* The requests behind `after` that have ended there, at most those of one answer; from now on it
 * notes them. `client_id` NULL: of all. */
int client_ask_traced(struct admin_client *admin, struct kp_arena *arena, int64_t after,
                      const char *client_id, struct kp_client_status_response *answer,
                      struct error_text *why);

#endif
