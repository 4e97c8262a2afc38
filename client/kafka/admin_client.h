/*
 * A small blocking client of the Kafka protocol for the administrative commands (produce, consume
 * and bench use librdkafka, whose older releases lack several of these calls).
 *
 * Happy path: connect to the first broker of the bootstrap list that answers, negotiate versions,
 * send a request, wait for its response. While none can be reached (a cluster that starts, a name
 * that does not resolve yet) it tries again until the timeout, and after two seconds stderr says
 * what is waited for; where nothing listens at any of the addresses, and the user has not said how
 * long to try, two seconds are enough. Failures: every address tried is named in the sentence;
 * nothing is waited for longer than the timeout. Invariant: one request is under way at a time.
 */
#ifndef CLIENT_KAFKA_ADMIN_CLIENT_H
#define CLIENT_KAFKA_ADMIN_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "protocol/messages/api_table.h"
#include "protocol/schema.h"

struct admin_client;
struct invocation;

/* For a command: with its addresses and its timeout. */
struct admin_client *admin_client_for(const struct invocation *in);
/* Never NULL; connects at the first request. */
struct admin_client *admin_client_new(const char *bootstrap, uint64_t timeout_ms);
/* For a look: each address is tried once, and nothing is said. */
struct admin_client *admin_client_new_quiet(const char *bootstrap, uint64_t timeout_ms);
void admin_client_free(struct admin_client *admin);
/* Milliseconds left of the timeout; it begins with admin_client_new, and anew with
 * admin_client_renew, for what goes on over the same connections. */
void admin_client_renew(struct admin_client *admin, uint64_t timeout_ms);
uint64_t admin_client_left_ms(const struct admin_client *admin);

/* The timeout_ms of a request: so much less that the broker's own sentence about what it waited for
 * still arrives. */
int32_t admin_client_answer_ms(const struct admin_client *admin);

/* Sends `request` (struct of the API's request) in the highest version that both sides have, at
 * least `version_min`, to any broker of the bootstrap list, and decodes the answer into `response`
 * and `arena`. *version (may be NULL) is what was spoken. ERR_CONNECTION, ERR_REFUSED, ERR_NAME,
 * ERR_TIMEOUT (not reached in time), ERR_AGAIN (reached, but not answered in time), ERR_VERSION,
 * ERR_MALFORMED; `why` has the sentence. */
int admin_request(struct admin_client *admin, enum kp_api_key key, int version_min,
                  const void *request, struct kp_arena *arena, void *response, int *version,
                  struct error_text *why);
/* Whether the last admin_request was sent more than once because a connection broke: what it asks
 * for may have been done the first time. */
bool admin_client_repeated(const struct admin_client *admin);
/* The same to one broker at an address (a partition's leader). */
int admin_request_to(struct admin_client *admin, const char *host, int port, enum kp_api_key key,
                     int version_min, const void *request, struct kp_arena *arena, void *response,
                     int *version, struct error_text *why);

/* Says the sentence and returns the exit code that fits an error of the two above. */
int admin_failed(int error, const struct error_text *why);

#endif
