/*
 * sasl.oauthbearer.*: with which keys tokens are checked, and what they have to claim (KIP-768).
 *
 * Happy path: the URL of a key set is a file's, and somebody is named who issues tokens, and for
 * whom. Failures: ERR_INVALID with a sentence that has the setting, what it is and what would do:
 * OAUTHBEARER without them, or one of them without OAUTHBEARER. What the file holds is for
 * token_door_read to say.
 */
#ifndef BROKER_TOKENS_TOKEN_SETTINGS_H
#define BROKER_TOKENS_TOKEN_SETTINGS_H

#include "base/settings.h"

/* Texts are of the settings' values. */
struct token_settings {
    const char *path; /* of the key set; NULL: nobody logs in with a token */
    const char *issuer, *audiences, *user_claim; /* as those of token_rules */
    uint32_t skew_s, look_ms;
};

/* `wanted`: OAUTHBEARER is on. */
int token_settings_read(const struct settings *values, bool wanted, struct token_settings *into,
                        struct error_text *why);

#endif
