/* One wound after the other, until the log opens. */
#include "broker/healing/start_mending.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/healing/wound_healer.h"
#include "storage/log/partition_log.h"

enum { AGAIN_US = 1000 * 1000 };

struct start_mending {
    struct shard *shard;
    struct broker_messages *messages;
    void (*again)(void *arg);
    void *arg;
    uint64_t until_ms;                /* 0: it has not begun */
    struct wound_exchanges exchanges; /* while a wound is mended */
    struct wound_healer wound;
    struct env_timer *timer;
};

/* They serve others, too: so does the healer, later. */
static void open_exchanges(struct start_mending *mending) {
    struct env *env = shard_env(mending->shard);
    struct broker_messages *messages = mending->messages;
    mending->exchanges = (struct wound_exchanges){
        .entries = entry_exchange_new(env, mending->shard, messages),
        .ranges = range_exchange_new(env, mending->shard, messages),
        .states = state_exchange_new(env, mending->shard, messages),
        .places = place_exchange_new(mending->shard, messages)};
}

static void close_exchanges(struct start_mending *mending) {
    entry_exchange_free(mending->exchanges.entries);
    range_exchange_free(mending->exchanges.ranges);
    state_exchange_free(mending->exchanges.states);
    place_exchange_free(mending->exchanges.places);
    mending->exchanges = (struct wound_exchanges){0};
}

static void on_time(void *arg) {
    struct start_mending *mending = arg;
    close_exchanges(mending);
    mending->again(mending->arg);
}

static void on_done(struct wound_healer *wound, const struct wound_result *result) {
    struct start_mending *mending = CONTAINER_OF(wound, struct start_mending, wound);
    wound_result_tell(result, shard_log(mending->shard), "metadata");
    env_timer_start(mending->timer, result->error ? AGAIN_US : 0);
}

struct start_mending *start_mending_new(struct shard *shard, struct broker_messages *messages,
                                        void (*again)(void *arg), void *arg) {
    struct start_mending *mending = mem_zalloc(sizeof *mending);
    mending->shard = shard;
    mending->messages = messages;
    mending->again = again;
    mending->arg = arg;
    mending->wound.done = on_done;
    mending->timer = env_timer_new(shard_env(shard), on_time, mending);
    return mending;
}

bool start_mending_begin(struct start_mending *mending, const struct cluster_record *record,
                         int32_t self) {
    struct env *env = shard_env(mending->shard);
    struct wound wound;
    int32_t nodes[ENTRY_ASKED_MOST];
    size_t count = 0;
    uint64_t now_ms = env_now_ms(env);
    if (mending->until_ms == 0) mending->until_ms = now_ms + MENDING_PATIENCE_MS;
    if (now_ms >= mending->until_ms) return false;
    for (uint32_t i = 0; i < record->node_count && count < ENTRY_ASKED_MOST; i++)
        if (record->nodes[i].node != self) nodes[count++] = record->nodes[i].node;
    if (count == 0 || !log_store_take_wound(shard_store(mending->shard), &wound)) return false;
    open_exchanges(mending);
    wound_healer_begin(&mending->wound, env, &mending->exchanges, &wound, nodes, count);
    return true;
}

void start_mending_free(struct start_mending *mending) {
    if (mending == NULL) return;
    wound_healer_cancel(&mending->wound);
    close_exchanges(mending);
    env_timer_free(mending->timer);
    mem_free(mending);
}
