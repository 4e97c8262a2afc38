/* What a wound lacks, from whoever has it. */
#include "broker/healing/wound_healer.h"

#include <string.h>

#include "base/check.h"
#include "base/container_of.h"

static bool on_entry(struct entry_ask *ask, int error, struct entry *entry, int32_t node) {
    struct wound_healer *healer = CONTAINER_OF(ask, struct wound_healer, ask);
    if (error) {
        wound_mending_give_up(healer->mending);
        return true;
    }
    error = wound_mending_give(healer->mending, entry);
    entry_unref(entry);
    if (!error) healer->from = node;
    return !error;
}

static void on_lacks(void *arg, log_index index) {
    struct wound_healer *healer = arg;
    if (healer->count == 0)
        wound_mending_give_up(healer->mending);
    else
        entry_ask_begin(healer->exchange, &healer->ask, healer->group, index, 0, healer->nodes,
                        healer->count);
}

static void on_range(struct range_ask *ask, struct entry *const *entries, size_t count,
                     bool through) {
    struct wound_healer *healer = CONTAINER_OF(ask, struct wound_healer, range);
    healer->from = ask->node;
    wound_mending_give_range(healer->mending, entries, count, through);
}

static void on_range_failed(struct range_ask *ask) {
    struct wound_healer *healer = CONTAINER_OF(ask, struct wound_healer, range);
    healer->at++;
    wound_mending_range_again(healer->mending);
}

static void on_lacks_range(void *arg, log_index first, log_index last, bool begins) {
    struct wound_healer *healer = arg;
    if (!begins)
        range_ask_more(&healer->range);
    else if (healer->at < healer->count)
        range_ask_begin(healer->ranges, &healer->range, healer->nodes[healer->at], healer->group,
                        first, last);
    else
        wound_mending_give_up(healer->mending);
}

static void on_done(void *arg, int error, uint64_t entries) {
    struct wound_healer *healer = arg;
    healer->mending = NULL;
    range_ask_cancel(&healer->range);
    healer->done(healer, error, entries, healer->from);
}

void wound_healer_begin(struct wound_healer *healer, struct env *env,
                        struct entry_exchange *exchange, struct range_exchange *ranges,
                        const struct wound *wound, const int32_t *nodes, size_t count) {
    static const struct wound_mending_events events = {on_lacks, on_lacks_range, on_done};
    CHECK(count <= ENTRY_ASKED_MOST); /* the caller's own array */
    healer->exchange = exchange;
    healer->ranges = ranges;
    healer->group = wound->group;
    memcpy(healer->nodes, nodes, count * sizeof *nodes);
    healer->count = count;
    healer->at = 0;
    healer->from = -1;
    healer->ask.done = on_entry;
    healer->range.came = on_range;
    healer->range.failed = on_range_failed;
    healer->mending = wound_mending_begin(env, wound, &events, healer);
}

void wound_healer_cancel(struct wound_healer *healer) {
    if (healer->mending == NULL) return;
    entry_ask_cancel(&healer->ask);
    range_ask_cancel(&healer->range);
    wound_mending_cancel(healer->mending);
    healer->mending = NULL;
}
