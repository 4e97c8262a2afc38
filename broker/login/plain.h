/*
 * The one message of PLAIN (RFC 4616): [authzid] NUL user NUL password. Pure; failure: false.
 */
#ifndef BROKER_LOGIN_PLAIN_H
#define BROKER_LOGIN_PLAIN_H

#include "broker/login/logins.h"

struct plain_message {
    char user[USER_NAME_MAX + 1];
    const char *password; /* in the message */
    size_t password_len;
};

bool plain_read(const void *message, size_t len, struct plain_message *into);

#endif
