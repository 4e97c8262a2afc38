/* What a wound lacks, from whoever has it; where nobody has, a later beginning. */
#include "broker/healing/wound_healer.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"

_Static_assert((int)PLACES_ASKED_MOST == (int)ENTRY_ASKED_MOST, "the same brokers are asked");
_Static_assert((int)STATE_ASKED_MOST == (int)ENTRY_ASKED_MOST, "the same brokers are asked");

/* ---- What is damaged ---- */

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
        entry_ask_begin(healer->exchanges.entries, &healer->ask, healer->group, index, 0,
                        healer->nodes, healer->count);
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
        range_ask_begin(healer->exchanges.ranges, &healer->range, healer->nodes[healer->at],
                        healer->group, first, last);
    else
        wound_mending_give_up(healer->mending);
}

/* ---- Its end ---- */

static void heal_end(struct wound_healer *healer) {
    later_start_free(healer->later);
    healer->later = NULL;
    mem_free(healer->group_path);
    healer->group_path = NULL;
    healer->busy = false;
}

static void heal_over(struct wound_healer *healer, int error, uint64_t entries) {
    struct wound_result result = {.error = error, .entries = entries, .node = healer->from};
    if (!error && healer->later != NULL) result.begins = healer->begins;
    heal_end(healer);
    healer->done(healer, &result);
}

void wound_result_tell(const struct wound_result *result, struct log *log, const char *label) {
    if (result->error) return;
    if (result->begins > 0)
        log_event(log, LOGGED_LOG_BEGINS_LATER,
                  "%s: its log could not be opened, and nobody has what is damaged in it any more; "
                  "it begins behind entry %" PRIu64 " now, as that of broker %" PRId32,
                  label, result->begins, result->node);
    else if (result->entries > 0)
        log_event(log, LOGGED_LOG_MENDED,
                  "%s: mended its log, which could not be opened, with %" PRIu64
                  " entries of other brokers, the last of them from broker %" PRId32,
                  label, result->entries, result->node);
}

/* ---- A later beginning ---- */

static bool wants_state(struct state_ask *ask, log_index index, log_term term) {
    const struct wound_healer *healer = CONTAINER_OF(ask, struct wound_healer, state);
    return later_start_wants(&healer->limits, index, term);
}

static bool on_state(struct state_ask *ask, int error, struct state_given *given) {
    struct wound_healer *healer = CONTAINER_OF(ask, struct wound_healer, state);
    if (error)
        heal_over(healer, error, 0);
    else
        later_start_give(healer->later, given->index, &given->state);
    return true;
}

static void on_later(void *arg, int error) {
    struct wound_healer *healer = arg;
    if (error == ERR_AGAIN)
        state_ask_begin(healer->exchanges.states, &healer->state, healer->group, healer->begins,
                        healer->nodes, healer->count);
    else
        heal_over(healer, error, 0);
}

static bool on_place(struct place_ask *ask, int error, struct start_file *place, int32_t node) {
    struct wound_healer *healer = CONTAINER_OF(ask, struct wound_healer, place);
    if (error) {
        heal_over(healer, error, 0);
        return true;
    }
    if (!later_start_fits(&healer->limits, place)) return false;
    healer->from = node;
    healer->begins = place->index;
    healer->later = later_start_begin(healer->env, healer->group_path, healer->group,
                                      &healer->limits, place, on_later, healer);
    return true;
}

static void on_done(void *arg, int error, uint64_t entries) {
    struct wound_healer *healer = arg;
    healer->mending = NULL;
    range_ask_cancel(&healer->range);
    if (error == ERR_NOT_FOUND && healer->limits.least > 0 && healer->count > 0)
        place_ask_begin(healer->exchanges.places, &healer->place, healer->group, healer->nodes,
                        healer->count);
    else
        heal_over(healer, error, entries);
}

/* ---- Its beginning ---- */

void wound_healer_begin(struct wound_healer *healer, struct env *env,
                        const struct wound_exchanges *exchanges, const struct wound *wound,
                        const int32_t *nodes, size_t count) {
    static const struct wound_mending_events events = {on_lacks, on_lacks_range, on_done};
    CHECK(count <= ENTRY_ASKED_MOST); /* the caller's own array */
    healer->busy = true;
    healer->env = env;
    healer->exchanges = *exchanges;
    healer->group = wound->group;
    healer->group_path = mem_strdup(wound->group_path);
    healer->limits = wound->later;
    memcpy(healer->nodes, nodes, count * sizeof *nodes);
    healer->count = count;
    healer->at = 0;
    healer->from = -1;
    healer->ask.done = on_entry;
    healer->range.came = on_range;
    healer->range.failed = on_range_failed;
    healer->place.done = on_place;
    healer->state.done = on_state;
    healer->state.wants = wants_state;
    healer->mending = wound_mending_begin(env, wound, &events, healer);
}

void wound_healer_cancel(struct wound_healer *healer) {
    if (!healer->busy) return;
    entry_ask_cancel(&healer->ask);
    range_ask_cancel(&healer->range);
    place_ask_cancel(&healer->place);
    state_ask_cancel(&healer->state);
    wound_mending_cancel(healer->mending);
    healer->mending = NULL;
    heal_end(healer);
}
