/*
 * The keys that sign tokens: a JSON Web Key Set (RFC 7517, 5).
 *
 * Happy path: token_keys_read, then token_keys_find for each token. Failures: ERR_INVALID with what
 * is wrong, for the end of a sentence; keys of other kinds and uses are passed over, but one has to
 * be there. Invariant: a set never changes, so that any thread may look in it; who takes it and
 * gives it back is on the loop.
 */
#ifndef BROKER_TOKENS_TOKEN_KEYS_H
#define BROKER_TOKENS_TOKEN_KEYS_H

#include "base/error.h"
#include "base/secure/signature.h"

enum { TOKEN_KEYS_MAX = 100, TOKEN_KEYS_TEXT_MAX = 1 << 20 /* bytes */ };

struct token_keys;
/* To be given back by token_keys_unref. */
int token_keys_read(const char *text, size_t len, struct token_keys **keys, struct error_text *why);
struct token_keys *token_keys_ref(struct token_keys *keys);
void token_keys_unref(struct token_keys *keys); /* NULL does nothing */

size_t token_keys_count(const struct token_keys *keys);
/* Whether both were read from the same text. */
bool token_keys_same(const struct token_keys *one, const struct token_keys *other);
/* The key with that name (NULL: the only one) that takes the algorithm. NULL: none does. *known:
 * one has that name. */
const struct signature_key *token_keys_find(const struct token_keys *keys, const char *kid,
                                            enum signature_algorithm algorithm, bool *known);

#endif
