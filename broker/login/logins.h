/*
 * What all logins of a broker share: the lane on which passwords are checked, who has failed
 * lately, passwords that were good, and the door for tokens.
 *
 * Happy path: logins_check_password; its job derives the key off the loop, one after the other. A
 * password that was good is remembered for five minutes, as a digest that nobody else can make, so
 * that a storm of reconnects is cheap. Failures: a login that failed waits for
 * logins_failed() milliseconds before it hears so: the more, the more often its address (of IPv6
 * its /64) has failed within a minute, up to LOGIN_DELAY_MOST_MS. Users are never locked out: that
 * would be a present for who wants them out. Invariants: passwords are wiped; what is remembered
 * holds no longer than the user's key.
 */
#ifndef BROKER_LOGIN_LOGINS_H
#define BROKER_LOGIN_LOGINS_H

#include "base/env.h"
#include "base/log.h"
#include "broker/login/login.h"
#include "broker/tokens/token_door.h"

enum {
    LOGIN_DELAY_MOST_MS = 5000,
    LOGIN_ADDRESSES_MOST = 10000, /* that failed */
    LOGIN_WAITING_MOST = 1000,    /* that hear later that they failed; further ones hear nothing */
    LOGIN_REMEMBERED_MOST = 1000,
    LOGIN_REMEMBERED_MS = 5 * 60 * 1000,
    LOGIN_PASSWORD_MAX = 255,
};

struct login_options {
    uint32_t mechanisms;  /* bit n: enum login_mechanism n is on */
    uint32_t delay_ms;    /* of the first failure; 0: none waits */
    uint32_t lifetime_ms; /* then clients log in again; 0: never */
    uint32_t frame_max;   /* bytes of a request before */
    struct token_wish tokens;
};

struct logins *logins_new(struct env *env, struct log *log, const struct login_options *options);
/* What tokens are checked with, if they are wanted: ERR_INVALID and the like with the sentence.
 * Blocks on the file. */
int logins_open_tokens(struct logins *logins, struct error_text *why);
/* NULL: nobody comes in with a token. */
struct token_door *logins_tokens(const struct logins *logins);
/* No check is under way. NULL does nothing. */
void logins_free(struct logins *logins);
/* The table stays until another one, or NULL, is followed. */
void logins_follow(struct logins *logins, const struct user_table *users);
/* Whether the user of a login that is done still is one; who came with a token is, until that
 * ends. */
bool logins_still_know(const struct logins *logins, struct login *login);
const struct login_options *logins_options(const struct logins *logins);

/* A key that is like any other and fits no password. The salt is the same on all brokers and always
 * (it comes from the cluster's secret), so nobody can tell from it who is there. `name` stays. */
void logins_fake_key(struct logins *logins, const struct user_table *users, char *name,
                     enum scram_mechanism mechanism, struct user_key *key);

/* `done`: never inside the call. Name and password are copied. */
void logins_check_password(struct logins *logins, const struct user_key *key, const char *password,
                           size_t len, void (*done)(void *owner, bool good), void *owner);

/* One of that address failed (why: for the log, "there is no such user"). How long it waits before
 * it hears so; UINT32_MAX: too many wait, close it. Else logins_waited when it has waited. */
uint32_t logins_failed(struct logins *logins, const char *peer);
void logins_waited(struct logins *logins);
/* A line about it. */
void logins_tell(struct logins *logins, const char *peer, const char *listener, const char *user,
                 enum login_mechanism mechanism, const char *why);

/* So far, for metrics. */
struct login_counts {
    uint64_t good[LOGIN_MECHANISMS], failed[LOGIN_MECHANISMS];
};
const struct login_counts *logins_counts(const struct logins *logins);
/* One more. */
void logins_count(struct logins *logins, enum login_mechanism mechanism, bool good);

#endif
