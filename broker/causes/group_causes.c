/* A hash of what is wanted, in the order in which it is judged; one at a time. */
#include "broker/causes/group_causes.h"

#include <string.h>

#include "base/mem.h"
#include "broker/config/name_hash.h"
#include "broker/coordinator/serving/group_coordinator.h"

enum { FACTS_MEMORY = 4 << 20 };

struct wanted_cause {
    uint64_t seen_ms, judged_ms; /* 0: not yet */
    enum why_cause cause;
    UT_hash_handle hh;
    int32_t len;
    char name[];
};

struct group_causes {
    struct group_causes_options options;
    struct cause_exchange *exchange;
    uint64_t seed;
    struct wanted_cause *wanted; /* who was judged last stands last */
    struct env_timer *timer;
    struct wanted_cause *judged; /* at the moment; NULL: none */
    struct kp_arena arena;       /* its, all below */
    struct cause_facts facts;
    struct why_diagnosis diagnosis;
};

/* ---- What is wanted ---- */

static uint64_t now_ms(const struct group_causes *causes) {
    return env_now_ms(causes->options.exchange.env);
}

static struct wanted_cause *find(const struct group_causes *causes, struct kp_string name) {
    struct wanted_cause *wanted;
    unsigned hash = metadata_name_hash(causes->seed, name.data, (size_t)name.len);
    HASH_FIND_BYHASHVALUE(hh, causes->wanted, name.data, (unsigned)name.len, hash, wanted);
    return wanted;
}

static void append(struct group_causes *causes, struct wanted_cause *wanted) {
    unsigned hash = metadata_name_hash(causes->seed, wanted->name, (size_t)wanted->len);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, causes->wanted, wanted->name, (unsigned)wanted->len, hash,
                                wanted);
}

void group_causes_want(struct group_causes *causes, struct kp_string group) {
    struct wanted_cause *wanted = find(causes, group);
    if (wanted == NULL) {
        if (HASH_COUNT(causes->wanted) >= CAUSES_WANTED_MOST) return;
        if (causes->wanted == NULL) env_timer_start(causes->timer, 0);
        wanted = mem_zalloc(sizeof *wanted + (size_t)group.len);
        wanted->len = group.len;
        memcpy(wanted->name, group.data, (size_t)group.len);
        append(causes, wanted);
    }
    wanted->seen_ms = now_ms(causes);
}

void group_causes_each(const struct group_causes *causes, uint64_t since_ms,
                       void (*each)(void *arg, struct kp_string group, const char *cause),
                       void *arg) {
    for (const struct wanted_cause *one = causes->wanted; one != NULL; one = one->hh.next)
        if (one->seen_ms >= since_ms && one->cause != WHY_NOTHING)
            each(arg, (struct kp_string){one->name, one->len}, why_cause_name(one->cause));
}

static void forget(struct group_causes *causes, struct wanted_cause *wanted) {
    HASH_DEL(causes->wanted, wanted);
    mem_free(wanted);
}

static void forget_old(struct group_causes *causes) {
    struct wanted_cause *wanted, *next;
    HASH_ITER(hh, causes->wanted, wanted, next)
    if (now_ms(causes) - wanted->seen_ms >= CAUSE_FORGET_MS) forget(causes, wanted);
}

/* ---- Judging ---- */

struct coordinated {
    struct kp_string name;
    struct group *group;
};

static void look_for(void *arg, void *state) {
    struct coordinated *looked = arg;
    struct group_table *groups = group_coordinator_groups(state);
    struct group *group = groups->leading ? group_find(groups, looked->name) : NULL;
    if (group != NULL) looked->group = group;
}

/* False: it is not coordinated here any more. */
static bool begin(struct group_causes *causes, struct wanted_cause *wanted) {
    struct coordinated looked = {.name = {wanted->name, wanted->len}};
    coordinators_each(causes->options.coordinators, look_for, &looked);
    kp_arena_init(&causes->arena, FACTS_MEMORY);
    if (looked.group != NULL &&
        cause_facts_take(&causes->facts, &causes->arena, looked.group, causes->options.metadata)) {
        causes->judged = wanted;
        cause_exchange_ask(causes->exchange, &causes->facts);
        return true;
    }
    kp_arena_close(&causes->arena);
    return false;
}

/* The one that was judged longest ago, if that is long ago; one in a turn. */
static void judge_next(void *arg) {
    struct group_causes *causes = arg;
    if (causes->judged != NULL) return;
    forget_old(causes);
    struct wanted_cause *wanted = causes->wanted;
    if (wanted == NULL) return;
    bool due = wanted->judged_ms == 0 || now_ms(causes) - wanted->judged_ms >= CAUSE_JUDGE_MS;
    if (due && begin(causes, wanted)) return;
    if (due) forget(causes, wanted);
    env_timer_start(causes->timer, due ? 0 : CAUSE_LOOK_MS * UINT64_C(1000));
}

static void judged(void *arg) {
    struct group_causes *causes = arg;
    struct wanted_cause *wanted = causes->judged;
    if (causes->facts.shared.group != NULL)
        why_share_diagnose(&causes->facts.shared, &causes->diagnosis);
    else
        why_diagnose(&causes->facts.facts, &causes->diagnosis);
    wanted->cause = causes->diagnosis.findings[0].cause;
    wanted->judged_ms = now_ms(causes);
    HASH_DEL(causes->wanted, wanted);
    append(causes, wanted);
    kp_arena_close(&causes->arena);
    causes->judged = NULL;
    env_timer_start(causes->timer, 0);
}

/* ---- Life ---- */

struct group_causes *group_causes_new(const struct group_causes_options *options) {
    struct group_causes *causes = mem_zalloc(sizeof *causes);
    causes->options = *options;
    causes->options.exchange.done = judged;
    causes->options.exchange.arg = causes;
    causes->seed = env_random_u64(options->exchange.env);
    causes->timer = env_timer_new(options->exchange.env, judge_next, causes);
    causes->exchange = cause_exchange_new(&causes->options.exchange);
    return causes;
}

void group_causes_free(struct group_causes *causes) {
    if (causes == NULL) return;
    cause_exchange_free(causes->exchange);
    if (causes->judged != NULL) kp_arena_close(&causes->arena);
    while (causes->wanted != NULL)
        forget(causes, causes->wanted);
    env_timer_free(causes->timer);
    mem_free(causes);
}
