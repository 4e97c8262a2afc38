/*
 * Counters in a hash, and in a list by when they were used, longest ago first.
 *
 * Their name is the quota's key and what those who share it have in common, so that a counter lives
 * on when the value of the quota changes.
 */
#include "broker/quotas/quotas.h"

#include <string.h>

#include <uthash.h>
#include <utlist.h>

#include "base/mem.h"
#include "broker/config/name_hash.h"
#include "broker/quotas/token_bucket.h"

enum {
    UNUSED_MS = 60 * 60 * 1000,
    SWEPT_AT_ONCE = 2, /* of those that nobody used, with each one that is asked for */
    NAME_ROOM = 2 + 2 * (2 + QUOTA_NAME_MAX),
};

struct quota_counter {
    UT_hash_handle hh;
    struct quota_counter *next, *prev;
    int64_t used_ms;
    struct rate_window *window; /* NULL: it is one of tokens */
    struct token_bucket tokens; /* of QUOTA_MUTATIONS */
    uint32_t name_len;
    char name[];
};

struct quotas {
    struct env *env;
    struct quotas_options options;
    const struct quota_table *table; /* NULL: nobody has a quota */
    struct quota_counter *counters, *oldest;
    size_t count;
    uint64_t seed; /* clients choose names */
    uint64_t throttled_ms[QUOTA_KEYS];
};

struct counter_name {
    char bytes[NAME_ROOM];
    size_t len;
};

/* ---- Names ---- */

/* Those that are longer than a quota's name may be share what their beginning names. */
static void name_part(struct counter_name *name, struct kp_string text) {
    size_t len = text.len < 0 ? 0 : text.len > QUOTA_NAME_MAX ? QUOTA_NAME_MAX : (size_t)text.len;
    name->bytes[name->len++] = (char)(len >> 8);
    name->bytes[name->len++] = (char)len;
    if (len > 0) memcpy(name->bytes + name->len, text.data, len);
    name->len += len;
}

static void name_address(struct counter_name *name, struct kp_string address) {
    name->bytes[0] = (char)QUOTA_CONNECTIONS;
    name->bytes[1] = (char)(1u << QUOTA_IP);
    name->len = 2;
    name_part(name, address);
}

static void name_counter(struct counter_name *name, enum quota_key key, unsigned types,
                         struct kp_string user, struct kp_string client) {
    name->bytes[0] = (char)key;
    name->bytes[1] = (char)types;
    name->len = 2;
    if ((types & 1u << QUOTA_USER) != 0) name_part(name, user);
    if ((types & 1u << QUOTA_CLIENT) != 0) name_part(name, client);
}

static struct kp_string user_of(const struct quota_asker *asker) {
    const char *colon = strchr(asker->principal, ':');
    return kp_string_of(colon == NULL ? asker->principal : colon + 1);
}

static struct kp_string client_of(const struct quota_asker *asker) {
    return asker->client.len < 0 ? kp_string_of("") : asker->client;
}

/* ---- Counters ---- */

static void counter_free(struct quotas *quotas, struct quota_counter *counter) {
    HASH_DELETE(hh, quotas->counters, counter);
    DL_DELETE(quotas->oldest, counter);
    quotas->count--;
    mem_free(counter->window);
    mem_free(counter);
}

static void drop_all(struct quotas *quotas) {
    while (quotas->oldest != NULL)
        counter_free(quotas, quotas->oldest);
}

/* While there are no quotas nothing is kept: some go with each request, as dropping all of them
 * would take too long. */
static void forget_if_unlimited(struct quotas *quotas) {
    enum { AT_ONCE = 32 };
    bool limits = quotas->table != NULL && quotas->table->count > 0;
    for (int i = 0; !limits && i < AT_ONCE && quotas->oldest != NULL; i++)
        counter_free(quotas, quotas->oldest);
}

static void sweep(struct quotas *quotas, int64_t now_ms) {
    for (int i = 0;
         i < SWEPT_AT_ONCE && quotas->oldest != NULL &&
         (quotas->count >= QUOTA_COUNTERS_MAX || now_ms - quotas->oldest->used_ms >= UNUSED_MS);
         i++)
        counter_free(quotas, quotas->oldest);
}

static struct quota_counter *counter_new(struct quotas *quotas, const struct counter_name *name) {
    struct quota_counter *counter = mem_zalloc(sizeof *counter + name->len);
    if (name->bytes[0] != QUOTA_MUTATIONS)
        counter->window = mem_zalloc(rate_window_size(&quotas->options.shape));
    counter->name_len = (uint32_t)name->len;
    memcpy(counter->name, name->bytes, name->len);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, quotas->counters, counter->name, name->len,
                                metadata_name_hash(quotas->seed, name->bytes, name->len), counter);
    DL_APPEND(quotas->oldest, counter);
    quotas->count++;
    return counter;
}

static struct quota_counter *counter_of(struct quotas *quotas, const struct counter_name *name,
                                        int64_t now_ms) {
    struct quota_counter *counter;
    HASH_FIND_BYHASHVALUE(hh, quotas->counters, name->bytes, name->len,
                          metadata_name_hash(quotas->seed, name->bytes, name->len), counter);
    if (counter == NULL) {
        sweep(quotas, now_ms);
        counter = counter_new(quotas, name);
    } else if (counter->next != NULL) {
        DL_DELETE(quotas->oldest, counter);
        DL_APPEND(quotas->oldest, counter);
    }
    counter->used_ms = now_ms;
    return counter;
}

/* ---- Life ---- */

struct quotas *quotas_new(struct env *env, const struct quotas_options *options) {
    struct quotas *quotas = mem_zalloc(sizeof *quotas);
    quotas->seed = env_random_u64(env);
    quotas->env = env;
    quotas->options = *options;
    return quotas;
}

void quotas_free(struct quotas *quotas) {
    if (quotas == NULL) return;
    drop_all(quotas);
    mem_free(quotas);
}

void quotas_follow(struct quotas *quotas, const struct quota_table *table) {
    quotas->table = table;
}

void quotas_set_longest(struct quotas *quotas, uint32_t longest_ms) {
    quotas->options.longest_ms = longest_ms;
}

/* ---- Charges ---- */

bool quotas_any(const struct quotas *quotas, enum quota_key key) {
    return quotas->table != NULL && quotas->table->keys[key] > 0;
}

static bool limit_of(const struct quotas *quotas, enum quota_key key,
                     const struct quota_asker *asker, struct quota_limit *limit) {
    return quotas_any(quotas, key) &&
           quota_table_limit(quotas->table, key, user_of(asker), client_of(asker), limit);
}

/* NULL: there is no limit. */
static struct quota_counter *find(struct quotas *quotas, enum quota_key key,
                                  const struct quota_asker *asker, struct quota_limit *limit) {
    struct counter_name name;
    if (!limit_of(quotas, key, asker, limit)) {
        forget_if_unlimited(quotas);
        return NULL;
    }
    name_counter(&name, key, limit->types, user_of(asker), client_of(asker));
    return counter_of(quotas, &name, (int64_t)env_now_ms(quotas->env));
}

/* The same, and it has used so much more. */
static struct quota_counter *count(struct quotas *quotas, enum quota_key key,
                                   const struct quota_asker *asker, double used,
                                   struct quota_limit *limit) {
    struct quota_counter *counter = find(quotas, key, asker, limit);
    if (counter != NULL)
        rate_record(counter->window, &quotas->options.shape, used, counter->used_ms);
    return counter;
}

/* Told to somebody. */
static uint32_t told(struct quotas *quotas, enum quota_key key, uint64_t wait_ms) {
    uint64_t longest_ms = quotas->options.longest_ms;
    if ((key == QUOTA_TIME || key == QUOTA_CONNECTIONS) &&
        longest_ms > quotas->options.shape.sample_ms)
        longest_ms = quotas->options.shape.sample_ms;
    if (wait_ms > longest_ms) wait_ms = longest_ms;
    quotas->throttled_ms[key] += wait_ms;
    return (uint32_t)wait_ms;
}

static uint32_t wait_of(struct quotas *quotas, enum quota_key key, struct quota_counter *counter,
                        double limit) {
    return told(quotas, key,
                rate_throttle_ms(counter->window, &quotas->options.shape, limit, counter->used_ms));
}

uint32_t quotas_charge(struct quotas *quotas, enum quota_key key, const struct quota_asker *asker,
                       double used) {
    struct quota_limit limit;
    struct quota_counter *counter = count(quotas, key, asker, used, &limit);
    return counter == NULL ? 0 : wait_of(quotas, key, counter, limit.value);
}

uint32_t quotas_try(struct quotas *quotas, enum quota_key key, const struct quota_asker *asker,
                    double wanted, bool *given) {
    const struct rate_shape *shape = &quotas->options.shape;
    struct quota_limit limit;
    struct quota_counter *counter = count(quotas, key, asker, wanted, &limit);
    *given = true;
    if (counter == NULL) return 0;
    uint32_t wait_ms = wait_of(quotas, key, counter, limit.value);
    if (wait_ms == 0 || wanted == 0) return wait_ms;
    rate_record(counter->window, shape, -wanted, counter->used_ms);
    *given = rate_of(counter->window, shape, counter->used_ms) <= 0;
    if (*given) rate_record(counter->window, shape, wanted, counter->used_ms);
    return wait_ms;
}

uint32_t quotas_mutate(struct quotas *quotas, const struct quota_asker *asker, double partitions,
                       bool strict, bool *given) {
    struct quota_limit limit;
    struct quota_counter *counter = find(quotas, QUOTA_MUTATIONS, asker, &limit);
    *given = true;
    if (counter == NULL) return 0;
    struct token_bucket *bucket = &counter->tokens;
    double left = token_bucket_fill(bucket, &quotas->options.shape, limit.value, counter->used_ms);
    *given = left >= 0 || !strict;
    if (*given) token_bucket_take(bucket, partitions);
    if (*given && strict) return 0; /* the next one waits */
    return told(quotas, QUOTA_MUTATIONS, token_bucket_wait_ms(bucket, limit.value));
}

uint32_t quotas_connect(struct quotas *quotas, struct kp_string address) {
    const struct rate_shape *shape = &quotas->options.shape;
    struct counter_name name;
    double limit = quotas->table == NULL ? 0 : quota_table_address_limit(quotas->table, address);
    if (limit <= 0) {
        forget_if_unlimited(quotas);
        return 0;
    }
    name_address(&name, address);
    struct quota_counter *counter = counter_of(quotas, &name, (int64_t)env_now_ms(quotas->env));
    rate_record(counter->window, shape, 1, counter->used_ms);
    uint32_t wait_ms = wait_of(quotas, QUOTA_CONNECTIONS, counter, limit);
    if (wait_ms > 0) rate_record(counter->window, shape, -1, counter->used_ms);
    return wait_ms;
}

uint64_t quotas_most(const struct quotas *quotas, enum quota_key key,
                     const struct quota_asker *asker) {
    const struct rate_shape *shape = &quotas->options.shape;
    struct quota_limit limit;
    if (!limit_of(quotas, key, asker, &limit)) return UINT64_MAX;
    uint32_t whole = shape->samples > 1 ? shape->samples - 1 : 1;
    double most = limit.value * whole * shape->sample_ms / 1000.0;
    return most < 1e18 ? (uint64_t)most : UINT64_MAX;
}

size_t quotas_counters(const struct quotas *quotas) {
    return quotas->count;
}

uint64_t quotas_throttled_ms(const struct quotas *quotas, enum quota_key key) {
    return quotas->throttled_ms[key];
}
