/*
 * The one message of OAUTHBEARER (RFC 7628, 3.1), as Kafka reads it (KIP-255):
 *
 *   n,[a=USER],^Aauth=Bearer TOKEN^A[KEY=VALUE^A...]^A
 *
 * Extensions mean nothing here. Pure; failure: false.
 */
#ifndef BROKER_TOKENS_BEARER_H
#define BROKER_TOKENS_BEARER_H

#include "broker/users/user_table.h"

struct bearer_message {
    char user[USER_NAME_MAX + 1]; /* who it wants to be; "": it does not say */
    const char *token;            /* in the message */
    size_t token_len;
};

bool bearer_read(const void *message, size_t len, struct bearer_message *into);
/* What a client is told whose token is not good, and with what it takes note of that. */
#define BEARER_REFUSAL "{\"status\":\"invalid_token\"}"
bool bearer_is_end(const void *message, size_t len);

#endif
