/*
 * JSON of strangers: what tokens and files of keys are made of.
 *
 * Happy path: token_json, then token_json_text and the like for what is looked for. Failures: NULL:
 * it is no object, has a name twice (of which two readers would take two), lies deeper than
 * TOKEN_JSON_DEPTH, is no UTF-8, or has a zero in a text. Pure.
 */
#ifndef BROKER_TOKENS_TOKEN_JSON_H
#define BROKER_TOKENS_TOKEN_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

enum { TOKEN_JSON_DEPTH = 8 };

/* For json_decref. */
json_t *token_json(const char *text, size_t len);
/* A member that is a text; NULL: there is none, or it is something else. The object's. */
const char *token_json_text(const json_t *object, const char *name);
/* Of a member that is a text in base64url: its bytes; false: it is none, or has more than `room`.
 */
bool token_json_bytes(const json_t *object, const char *name, void *into, size_t room, size_t *got);

#endif
