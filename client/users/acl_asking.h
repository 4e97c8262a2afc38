/*
 * Asking a cluster for its rules of who may do what, and saying what it refuses.
 *
 * Happy path: acl_ask_rules, EXIT_DONE. Failures: nobody is reached, or the cluster refuses: said,
 * with what to do next; the exit code.
 */
#ifndef CLIENT_USERS_ACL_ASKING_H
#define CLIENT_USERS_ACL_ASKING_H

#include "client/line/command.h"
#include "protocol/messages/describe_acls.h"

enum { ACL_VERSION = 3, ACL_ARENA_MAX = 64 << 20 };

/* The response lives in the arena. */
int acl_ask_rules(const struct invocation *in, const struct kp_describe_acls_request *request,
                  struct kp_arena *arena, struct kp_describe_acls_response *response);
/* Says why: the message, or what the code means; EXIT_REFUSED. */
int acl_refused(struct kp_arena *arena, int16_t code, struct kp_string message);

#endif
