/* One lane; two tables, of addresses and of digests, in the order of their last use. */
#include "broker/login/logins.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <uthash.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"

enum { MINUTE_US = 60 * 1000 * 1000, DIGEST = 32, ADDRESS = 8, SHOWN = 128 };

struct failing {
    uint8_t address[ADDRESS];
    uint32_t times;
    uint64_t last_us;
    UT_hash_handle hh;
};

struct remembered {
    uint8_t digest[DIGEST];
    uint64_t until_us;
    UT_hash_handle hh;
};

struct logins {
    struct env *env;
    struct log *log;
    struct log_limiter complaints;
    struct login_options options;
    const struct user_table *users; /* NULL: not known yet, or not any more */
    struct token_door *tokens;      /* NULL: nobody comes in with one */
    struct env_lane *lane;          /* NULL: nobody has come with a password yet */
    struct failing *failing;
    struct remembered *remembered;
    uint32_t waiting;
    struct login_counts counts;
    uint8_t key[DIGEST]; /* of the digests: this process's */
};

struct logins *logins_new(struct env *env, struct log *log, const struct login_options *options) {
    struct logins *logins = mem_zalloc(sizeof *logins);
    logins->env = env;
    logins->log = log;
    logins->options = *options;
    return logins;
}

int logins_open_tokens(struct logins *logins, struct error_text *why) {
    return token_door_open(logins->env, logins->log, &logins->options.tokens, &logins->tokens, why);
}

struct token_door *logins_tokens(const struct logins *logins) {
    return logins->tokens;
}

void logins_free(struct logins *logins) {
    struct failing *failing, *next;
    struct remembered *one, *after;
    if (logins == NULL) return;
    HASH_ITER(hh, logins->failing, failing, next) {
        HASH_DEL(logins->failing, failing);
        mem_free(failing);
    }
    HASH_ITER(hh, logins->remembered, one, after) {
        HASH_DEL(logins->remembered, one);
        mem_free(one);
    }
    token_door_close(logins->tokens);
    env_lane_free(logins->lane);
    scram_wipe(logins, sizeof *logins);
    mem_free(logins);
}

const struct login_options *logins_options(const struct logins *logins) {
    return &logins->options;
}

const struct login_counts *logins_counts(const struct logins *logins) {
    return &logins->counts;
}

void logins_count(struct logins *logins, enum login_mechanism mechanism, bool good) {
    (good ? logins->counts.good : logins->counts.failed)[mechanism]++;
}

/* ---- Who is there ---- */

void logins_follow(struct logins *logins, const struct user_table *users) {
    logins->users = users;
}

bool logins_still_know(const struct logins *logins, struct login *login) {
    const struct user_table *users = logins->users;
    const char *name = login->principal + sizeof "User:" - 1;
    if (login->mechanism == LOGIN_OAUTHBEARER) return true; /* it is in no table */
    if (users == NULL || users->changed == login->users_changed) return true;
    login->users_changed = users->changed;
    return user_table_any(users, name, strlen(name)) != NULL;
}

/* ---- Who is not there ---- */

void logins_fake_key(struct logins *logins, const struct user_table *users, char *name,
                     enum scram_mechanism mechanism, struct user_key *key) {
    char label[USER_NAME_MAX + 2];
    uint8_t salt[SCRAM_HASH_MAX];
    int len = snprintf(label, sizeof label, "%d%s", (int)mechanism, name);
    *key = (struct user_key){.name = name,
                             .mechanism = mechanism,
                             .iterations = SCRAM_ITERATIONS_USUAL,
                             .salt_len = SCRAM_SALT_USUAL};
    scram_hmac(SCRAM_SHA_256, users->secret, sizeof users->secret, label, (size_t)len, salt);
    memcpy(key->salt, salt, key->salt_len);
    env_random(logins->env, &key->keys, sizeof key->keys);
}

/* ---- Passwords that were good ---- */

/* Of the key, too: when that changes nothing of before is known any more. */
static void digest_of(const struct logins *logins, const struct user_key *key, const char *password,
                      size_t len, uint8_t digest[SCRAM_HASH_MAX]) {
    uint8_t text[sizeof key->changed + USER_NAME_MAX + 1 + LOGIN_PASSWORD_MAX];
    size_t name_len = strlen(key->name) + 1;
    memcpy(text, &key->changed, sizeof key->changed);
    memcpy(text + sizeof key->changed, key->name, name_len);
    memcpy(text + sizeof key->changed + name_len, password, len);
    scram_hmac(SCRAM_SHA_256, logins->key, sizeof logins->key, text,
               sizeof key->changed + name_len + len, digest);
    scram_wipe(text, sizeof text);
}

static bool remembers(struct logins *logins, const uint8_t *digest) {
    struct remembered *one;
    HASH_FIND(hh, logins->remembered, digest, DIGEST, one);
    if (one == NULL || one->until_us > env_now_us(logins->env)) return one != NULL;
    HASH_DEL(logins->remembered, one);
    mem_free(one);
    return false;
}

static void remember(struct logins *logins, const uint8_t *digest) {
    struct remembered *one;
    HASH_FIND(hh, logins->remembered, digest, DIGEST, one);
    if (one == NULL && HASH_COUNT(logins->remembered) == LOGIN_REMEMBERED_MOST)
        one = logins->remembered; /* the oldest */
    if (one != NULL)
        HASH_DEL(logins->remembered, one);
    else
        one = mem_zalloc(sizeof *one);
    memcpy(one->digest, digest, DIGEST);
    one->until_us = env_now_us(logins->env) + (uint64_t)LOGIN_REMEMBERED_MS * 1000;
    HASH_ADD(hh, logins->remembered, digest, DIGEST, one);
}

/* ---- Checks ---- */

struct check {
    struct env_job job; /* first */
    struct env_task known;
    struct logins *logins;
    struct user_key key; /* without its name */
    char password[LOGIN_PASSWORD_MAX];
    size_t len;
    uint8_t digest[SCRAM_HASH_MAX];
    bool good;
    void (*done)(void *owner, bool good);
    void *owner;
};

static void check_end(struct check *check) {
    void (*done)(void *, bool) = check->done;
    void *owner = check->owner;
    bool good = check->good;
    scram_wipe(check, sizeof *check);
    mem_free(check);
    done(owner, good);
}

static void check_work(struct env_job *job) {
    struct check *check = (struct check *)job;
    const struct user_key *key = &check->key;
    uint8_t salted[SCRAM_HASH_MAX];
    struct scram_keys keys;
    scram_salt_password(key->mechanism, check->password, check->len, key->salt, key->salt_len,
                        key->iterations, salted);
    scram_keys_of(key->mechanism, salted, &keys);
    check->good = scram_same(keys.stored, key->keys.stored, scram_hash_size(key->mechanism));
    scram_wipe(salted, sizeof salted);
    scram_wipe(&keys, sizeof keys);
}

static void check_done(struct env_job *job) {
    struct check *check = (struct check *)job;
    if (check->good) remember(check->logins, check->digest);
    check_end(check);
}

static void check_known(struct env_task *task) {
    check_end(CONTAINER_OF(task, struct check, known));
}

static void begin_checks(struct logins *logins) {
    if (logins->lane != NULL) return;
    logins->lane = env_lane_new(logins->env, "logins");
    env_random(logins->env, logins->key, sizeof logins->key);
}

void logins_check_password(struct logins *logins, const struct user_key *key, const char *password,
                           size_t len, void (*done)(void *owner, bool good), void *owner) {
    CHECK(len <= LOGIN_PASSWORD_MAX); /* plain_read has refused others */
    begin_checks(logins);
    struct check *check = mem_zalloc(sizeof *check);
    *check = (struct check){.job = {.work = check_work, .done = check_done},
                            .known = {.run = check_known},
                            .logins = logins,
                            .key = *key,
                            .len = len,
                            .done = done,
                            .owner = owner};
    memcpy(check->password, password, len);
    digest_of(logins, key, password, len, check->digest);
    check->key.name = NULL;
    check->good = remembers(logins, check->digest);
    if (check->good)
        env_yield(logins->env, &check->known);
    else
        env_lane_run(logins->lane, &check->job);
}

/* ---- Failures ---- */

/* IPv4, and the /64 of IPv6; what is neither is all one. */
static void address_of(const char *peer, uint8_t into[ADDRESS]) {
    char text[64];
    uint8_t v6[16];
    const char *colon = strrchr(peer, ':');
    size_t len = colon == NULL ? strlen(peer) : (size_t)(colon - peer);
    memset(into, 0, ADDRESS);
    if (len > 1 && peer[0] == '[') {
        peer++;
        len -= 2;
    }
    if (len >= sizeof text) return;
    memcpy(text, peer, len);
    text[len] = '\0';
    if (inet_pton(AF_INET, text, into + 4) == 1) {
        into[0] = 0xff; /* no /64 of the internet begins so */
        return;
    }
    if (inet_pton(AF_INET6, text, v6) != 1) return;
    memcpy(into, v6, ADDRESS);
}

static struct failing *failing_of(struct logins *logins, const char *peer) {
    uint8_t address[ADDRESS];
    struct failing *failing;
    address_of(peer, address);
    HASH_FIND(hh, logins->failing, address, ADDRESS, failing);
    if (failing == NULL && HASH_COUNT(logins->failing) == LOGIN_ADDRESSES_MOST) {
        failing = logins->failing; /* the one that failed longest ago */
        failing->times = 0;
    }
    if (failing != NULL)
        HASH_DEL(logins->failing, failing);
    else
        failing = mem_zalloc(sizeof *failing);
    memcpy(failing->address, address, ADDRESS);
    HASH_ADD(hh, logins->failing, address, ADDRESS, failing);
    return failing;
}

uint32_t logins_failed(struct logins *logins, const char *peer) {
    struct failing *failing = failing_of(logins, peer);
    uint64_t now_us = env_now_us(logins->env), delay_ms = logins->options.delay_ms;
    if (now_us - failing->last_us > MINUTE_US) failing->times = 0;
    failing->last_us = now_us;
    for (uint32_t i = 0; i < failing->times && delay_ms < LOGIN_DELAY_MOST_MS; i++)
        delay_ms *= 2;
    failing->times++;
    if (logins->waiting == LOGIN_WAITING_MOST) return UINT32_MAX;
    logins->waiting++;
    return delay_ms < LOGIN_DELAY_MOST_MS ? (uint32_t)delay_ms : LOGIN_DELAY_MOST_MS;
}

void logins_waited(struct logins *logins) {
    CHECK(logins->waiting > 0); /* once for each logins_failed */
    logins->waiting--;
}

void logins_tell(struct logins *logins, const char *peer, const char *listener, const char *user,
                 enum login_mechanism mechanism, const char *why) {
    log_limited(logins->log, &logins->complaints, LOGGED_LOGIN_FAILED,
                "client %s (listener %s) could not log in as '%.*s' by %s: %s", peer, listener,
                SHOWN, user, login_mechanism_name(mechanism), why);
}
