/*
 * The broker's side of a SCRAM exchange (RFC 5802, 7677): two messages each way, without channel
 * binding.
 *
 *   client-first -> scram_server_hear (who?) -> scram_server_challenge -> server-first
 *   client-final -> scram_server_judge -> server-final
 *
 * Happy path: as drawn; between the two calls the caller looks for the user's key, or makes one up
 * for a user who is not there. Failures: false; nothing more is to be said to that client. Pure.
 * Invariants: a message is believed only when every byte of it is accounted for; the proof covers
 * all that was said. One thing is taken that the RFC does not have: librdkafka up to 2.6.0 says its
 * nonce twice in the last message.
 */
#ifndef BROKER_LOGIN_SCRAM_SERVER_H
#define BROKER_LOGIN_SCRAM_SERVER_H

#include "broker/users/user_table.h"

enum {
    SCRAM_NONCE_MIN = 8,
    SCRAM_NONCE_MAX = 256, /* a client's */
    SCRAM_NONCE_RANDOM = 18,
    SCRAM_NONCE_OWN = 24, /* in base64 */
    SCRAM_MESSAGE_MAX = 2048,
};

struct scram_server {
    enum scram_mechanism mechanism;
    struct scram_keys keys;
    char user[USER_NAME_MAX + 1];
    bool token; /* it wants to log in with a delegation token, of which there are none */
    char header[2 * USER_NAME_MAX + 64]; /* "n,,", as it was said */
    size_t header_len;
    char nonce[SCRAM_NONCE_MAX + SCRAM_NONCE_OWN + 1]; /* the client's, then ours */
    size_t client_nonce_len, nonce_len;
    char said[3 * SCRAM_MESSAGE_MAX]; /* client-first-bare , server-first */
    size_t said_len;
};

/* The client's first message; afterwards server->user says who it wants to be. */
bool scram_server_hear(struct scram_server *server, enum scram_mechanism mechanism,
                       const void *message, size_t len);
/* What to say to it: a text in server->said, from its return value on, up to said_len. `random`:
 * SCRAM_NONCE_RANDOM bytes. */
const char *scram_server_challenge(struct scram_server *server, const struct user_key *key,
                                   const uint8_t *random, size_t *len);
/* The client's last message. True: it is that user, and `answer` (4 * SCRAM_HASH_MAX) has what to
 * say. */
bool scram_server_judge(struct scram_server *server, const void *message, size_t len, char *answer,
                        size_t *answer_len);

#endif
