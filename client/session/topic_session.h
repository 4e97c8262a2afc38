/* What the topic commands share: one connection and one arena for a call, and the broker's refusal
 * as a sentence. */
#ifndef CLIENT_SESSION_TOPIC_SESSION_H
#define CLIENT_SESSION_TOPIC_SESSION_H

#include "client/kafka/admin_client.h"
#include "client/line/command.h"
#include "protocol/wire.h"

struct session {
    struct admin_client *admin;
    struct kp_arena arena;
};

void session_begin(struct session *session, const struct invocation *in);
/* Frees both; returns `code`. */
int session_end(struct session *session, int code);

/* Says what the broker answered about a topic; EXIT_REFUSED. */
int session_refused(struct session *session, const char *topic, int16_t error,
                    struct kp_string message);

/* Splits "key=value"; false, with a sentence, when it is not that. The key is a copy in the arena.
 */
bool session_setting(struct session *session, const char *pair, struct kp_string *key,
                     struct kp_string *value);
/* What "K=V", "K+=V" (append to a list) and "K-=V" (subtract from it) ask for: an enum
 * config_operation. `name_len`: of what stands before the '='; becomes that of K. */
int8_t session_operation(const char *pair, size_t *name_len);

#endif
