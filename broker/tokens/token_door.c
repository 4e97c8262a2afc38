/* A lane for tokens, a job of the pool for the file. */
#include "broker/tokens/token_door.h"

#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "base/settings.h"

static const char URL[] = "sasl.oauthbearer.jwks.endpoint.url";

struct token_door {
    struct env *env;
    struct log *log;
    char *path, *issuer, *audiences, *user_claim;
    struct token_rules rules;
    uint32_t look_ms;
    struct token_keys *keys;
    struct env_lane *lane; /* NULL: nobody has come with a token yet */
    struct env_timer *timer;
    uint64_t looked_us;
    bool closed;
    bool asked, telling; /* somebody wants to hear of a look that has not begun; of this one */
    uint32_t bad;        /* of what could not be used, and was said */

    struct env_job job; /* on the loop again when it is done */
    bool looking;
    struct token_keys *fresh; /* the job's, as what follows; NULL: it cannot be used */
    struct error_text why;
};

/* ---- The file ---- */

static int read_file(const char *path, char **text, size_t *len, struct error_text *why) {
    FILE *file;
    int error = settings_open_file(path, &file);
    if (error != ERR_NONE)
        return error_set(why, error, "%s: %.200s cannot be read (%s)", URL, path,
                         error_phrase(error));
    *text = mem_alloc(TOKEN_KEYS_TEXT_MAX + 1);
    *len = fread(*text, 1, TOKEN_KEYS_TEXT_MAX + 1, file);
    fclose(file);
    return ERR_NONE;
}

int token_door_read(const char *path, struct token_keys **keys, struct error_text *why) {
    char *text = NULL;
    size_t len = 0;
    struct error_text fault;
    *keys = NULL;
    int error = read_file(path, &text, &len, why);
    if (error != ERR_NONE) return error;
    error = token_keys_read(text, len, keys, &fault);
    mem_free(text);
    return error == ERR_NONE
               ? ERR_NONE
               : error_set(why, error, "%s: %.200s cannot be used: %s", URL, path, fault.text);
}

static void look_work(struct env_job *job) {
    struct token_door *door = CONTAINER_OF(job, struct token_door, job);
    door->why.text[0] = '\0';
    token_door_read(door->path, &door->fresh, &door->why);
}

static void free_all(struct token_door *door) {
    token_keys_unref(door->keys);
    env_timer_free(door->timer);
    env_lane_free(door->lane);
    mem_free(door->path);
    mem_free(door->issuer);
    mem_free(door->audiences);
    mem_free(door->user_claim);
    mem_free(door);
}

static void look(void *arg) {
    struct token_door *door = arg;
    door->looking = true;
    door->telling = door->asked;
    door->asked = false;
    door->looked_us = env_now_us(door->env);
    env_pool_run(door->env, &door->job);
}

static void say_read(const struct token_door *door, const char *how) {
    size_t count = token_keys_count(door->keys);
    log_event(door->log, LOGGED_TOKEN_KEYS_READ, "%.200s %s: tokens are checked with %zu key%s",
              door->path, how, count, count == 1 ? "" : "s");
}

/* Once for each content. */
static void refuse_fresh(struct token_door *door) {
    uint32_t bad = crc32c(0, door->why.text, strlen(door->why.text));
    if (bad == door->bad && !door->telling) return;
    door->bad = bad;
    log_event(door->log, LOGGED_TOKEN_KEYS_REFUSED, "what was read before stays: %s",
              door->why.text);
}

static void use_fresh(struct token_door *door) {
    bool same = token_keys_same(door->fresh, door->keys);
    door->bad = 0;
    token_keys_unref(same ? door->fresh : door->keys);
    if (!same) door->keys = door->fresh;
    if (!same || door->telling)
        say_read(door, same ? "holds what was read before" : "was read anew");
}

static void look_done(struct env_job *job) {
    struct token_door *door = CONTAINER_OF(job, struct token_door, job);
    door->looking = false;
    if (door->closed) {
        token_keys_unref(door->fresh);
        free_all(door);
        return;
    }
    if (door->fresh == NULL)
        refuse_fresh(door);
    else
        use_fresh(door);
    if (door->asked)
        look(door);
    else
        env_timer_start(door->timer, (uint64_t)door->look_ms * 1000);
}

static void look_soon(struct token_door *door) {
    if (door->looking) return;
    env_timer_stop(door->timer);
    look(door);
}

void token_door_look(struct token_door *door) {
    door->asked = true;
    look_soon(door); /* one that is under way may have read what is older */
}

/* ---- Tokens ---- */

struct token_job {
    struct env_job job; /* first */
    struct token_door *door;
    struct token_keys *keys;
    char *token;
    size_t len;
    int64_t now_ms;
    struct token_facts facts;
    struct error_text why;
    int error;
    void (*done)(void *owner, const struct token_facts *facts, const char *why);
    void *owner;
};

static void check_work(struct env_job *job) {
    struct token_job *check = (struct token_job *)job;
    check->error = token_check(check->keys, &check->door->rules, check->token, check->len,
                               check->now_ms, &check->facts, &check->why);
}

static void check_done(struct env_job *job) {
    struct token_job *check = (struct token_job *)job;
    struct token_door *door = check->door;
    uint64_t least_us = (uint64_t)TOKEN_LOOK_LEAST_MS * 1000;
    token_keys_unref(check->keys);
    if (check->facts.unknown_key && env_now_us(door->env) - door->looked_us >= least_us)
        look_soon(door); /* it may be there by now */
    check->done(check->owner, &check->facts, check->error == ERR_NONE ? NULL : check->why.text);
    scram_wipe(check->token, check->len);
    mem_free(check->token);
    mem_free(check);
}

void token_door_check(struct token_door *door, const char *token, size_t len,
                      void (*done)(void *owner, const struct token_facts *facts, const char *why),
                      void *owner) {
    if (door->lane == NULL) door->lane = env_lane_new(door->env, "tokens");
    struct token_job *check = mem_zalloc(sizeof *check);
    *check = (struct token_job){.job = {.work = check_work, .done = check_done},
                                .door = door,
                                .keys = token_keys_ref(door->keys),
                                .token = mem_text(token, len),
                                .len = len,
                                .now_ms = env_wall_ms(door->env),
                                .done = done,
                                .owner = owner};
    env_lane_run(door->lane, &check->job);
}

/* ---- Life ---- */

int token_door_open(struct env *env, struct log *log, const struct token_wish *wish,
                    struct token_door **out, struct error_text *why) {
    struct token_keys *keys;
    *out = NULL;
    if (wish->path == NULL) return ERR_NONE;
    int error = token_door_read(wish->path, &keys, why);
    if (error != ERR_NONE) return error;
    struct token_door *door = mem_zalloc(sizeof *door);
    *door = (struct token_door){.env = env,
                                .log = log,
                                .path = mem_strdup(wish->path),
                                .issuer = mem_strdup(wish->rules.issuer),
                                .audiences = mem_strdup(wish->rules.audiences),
                                .user_claim = mem_strdup(wish->rules.user_claim),
                                .look_ms = wish->look_ms,
                                .keys = keys,
                                .job = {.work = look_work, .done = look_done}};
    door->rules = (struct token_rules){.issuer = door->issuer,
                                       .audiences = door->audiences,
                                       .user_claim = door->user_claim,
                                       .skew_s = wish->rules.skew_s};
    door->timer = env_timer_new(env, look, door);
    door->looked_us = env_now_us(env);
    env_timer_start(door->timer, (uint64_t)door->look_ms * 1000);
    *out = door;
    return ERR_NONE;
}

void token_door_close(struct token_door *door) {
    if (door == NULL) return;
    door->closed = true;
    env_timer_stop(door->timer);
    if (!door->looking) free_all(door);
}
