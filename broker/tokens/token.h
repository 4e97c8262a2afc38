/*
 * Tokens that say who somebody is: signed JSON (JWS in its compact form, RFC 7515; claims of
 * RFC 7519), as OAuth's servers issue them.
 *
 *   base64url(header) . base64url(claims) . base64url(signature)
 *
 * Happy path: token_check finds the key that the header names, checks the signature, and then what
 * is claimed: who issued it, for whom, from when and until when, and about whom. Failures:
 * ERR_DENIED with what is wrong, for the log alone; nothing of the token is in it. Pure; for any
 * thread. Invariants: nothing that is claimed is read before the signature is good; the key says
 * which algorithms check it, not the token; no key comes from a token (jwk, jku, x5u, x5c are not
 * looked at), and what it calls critical and we do not know refuses it.
 */
#ifndef BROKER_TOKENS_TOKEN_H
#define BROKER_TOKENS_TOKEN_H

#include <stdint.h>

#include "broker/tokens/token_keys.h"
#include "broker/users/user_table.h"

enum { TOKEN_MAX = 16384 /* bytes */ };

struct token_rules {
    const char *issuer;    /* the claim "iss" is just that; "": it is not looked at */
    const char *audiences; /* one of these, with commas, is in "aud"; "": it is not looked at */
    const char *user_claim;
    int64_t skew_s; /* clocks differ by so much */
};

struct token_facts {
    char user[USER_NAME_MAX + 1];
    int64_t ends_ms;  /* Unix time */
    bool unknown_key; /* refused because there is no key of that name */
};

int token_check(const struct token_keys *keys, const struct token_rules *rules, const char *token,
                size_t len, int64_t now_ms, struct token_facts *facts, struct error_text *why);

#endif
