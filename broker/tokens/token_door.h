/*
 * Who comes in with a token: the keys of the moment, which follow their file, and checks off the
 * loop.
 *
 * Happy path: token_door_open reads the file; token_door_check, whose job checks one token after
 * the other on a lane of its own; a look at the file every look_ms, when somebody asks for it, and
 * when a token names a key that is not there (every TOKEN_LOOK_LEAST_MS at the most, whoever sends
 * such tokens). Failures: at open a sentence; later what was read before stays, with one line for
 * each content that cannot be used.
 * Invariants: a check is by the keys of the moment when it began; nothing of a token is kept.
 */
#ifndef BROKER_TOKENS_TOKEN_DOOR_H
#define BROKER_TOKENS_TOKEN_DOOR_H

#include "base/env.h"
#include "base/log.h"
#include "broker/tokens/token.h"

enum { TOKEN_LOOK_LEAST_MS = 10000 };

struct token_wish {
    const char *path; /* of the key set; NULL: nobody comes in with a token */
    struct token_rules rules;
    uint32_t look_ms;
};

struct token_door;
/* Blocks on the file. Texts are copied. */
int token_door_open(struct env *env, struct log *log, const struct token_wish *wish,
                    struct token_door **door, struct error_text *why);
/* No check is under way. NULL does nothing. */
void token_door_close(struct token_door *door);

/* `done`: never inside of the call; why is NULL when it is good. The token is copied. */
void token_door_check(struct token_door *door, const char *token, size_t len,
                      void (*done)(void *owner, const struct token_facts *facts, const char *why),
                      void *owner);
/* The log says what came of it. */
void token_door_look(struct token_door *door);

/* What the file at `path` holds; for --check, too. Blocks on it. */
int token_door_read(const char *path, struct token_keys **keys, struct error_text *why);

#endif
