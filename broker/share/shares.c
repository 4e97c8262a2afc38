/* The shares of a partition as a list, and what commits of them. What only a leader does is in
 * shares_leading.c, their bytes in shares_snapshot.c. */
#include "broker/share/shares_internal.h"

#include <utlist.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "protocol/kafka_error.h"
#include "storage/little_endian.h"

struct shares *shares_new(const struct shares_options *options) {
    struct shares *shares = mem_zalloc(sizeof *shares);
    shares->options = *options;
    shares_open_leader(shares);
    return shares;
}

void shares_free(struct shares *shares) {
    shares_reset(shares);
    shares_close_leader(shares);
    mem_free(shares);
}

struct share *shares_find(const struct shares *shares, struct kp_string group) {
    struct share *share = shares->first;
    while (share != NULL && !kp_string_equal(share->group, group))
        share = share->next;
    return share;
}

struct share *shares_numbered(const struct shares *shares, int32_t number) {
    struct share *share = shares->first;
    while (share != NULL && share->number != number)
        share = share->next;
    return share;
}

struct share *shares_from(const struct shares *shares, int32_t number) {
    struct share *share = shares->first;
    while (share != NULL && share->number < number)
        share = share->next;
    return share;
}

bool share_is_led(const struct share *share) {
    return share->shares->leading;
}

int64_t share_lag(const struct share *share) {
    const struct shares_options *options = &share->shares->options;
    int64_t lag = options->end(options->arg) - share->state.start -
                  (int64_t)share_state_over_count(&share->state);
    return lag > 0 ? lag : 0;
}

size_t shares_count(const struct shares *shares) {
    return shares->count;
}

struct share *shares_add(struct shares *shares, struct kp_string group, int32_t number) {
    struct share *share = mem_zalloc(sizeof *share);
    share->shares = shares;
    share->group = (struct kp_string){.data = mem_text(group.data, (size_t)group.len),
                                      .len = group.len};
    share->number = number;
    share->unsent.size = sizeof(struct share_range);
    share_state_open(&share->state, 0);
    share_queue_open(&share->queue, &share->state);
    share_book_join(shares->options.book, share);
    DL_APPEND(shares->first, share);
    shares->count++;
    return share;
}

static void drop(struct shares *shares, struct share *share) {
    share_ends(share, KAFKA_INVALID_RECORD_STATE);
    DL_DELETE(shares->first, share);
    shares->count--;
    share_queue_close(&share->queue);
    share_state_close(&share->state);
    share_count(share);
    share_book_leave(shares->options.book, share);
    mem_free((void *)share->group.data);
    mem_free(share);
}

void shares_reset(struct shares *shares) {
    while (shares->first != NULL)
        drop(shares, shares->first);
    shares->next_number = 0;
    shares->log_start = 0;
}

/* ---- Commands ---- */

/* Again: whatever was known of it counts no more, and what is on its way into the log of the one
 * that was meets nobody. */
static void begin(struct shares *shares, const struct share_command *command) {
    struct share *share = shares_find(shares, command->group);
    if (share != NULL) drop(shares, share);
    share = shares_add(shares, command->group, shares->next_number++);
    share->epoch = command->epoch;
    share_state_pass(&share->state, command->start);
    share_state_pass(&share->state, shares->log_start);
    share_began(share);
}

/* Who waits is called where there is something for it now. */
static void set_outcomes(struct share *share, const struct offset_ranges *outcomes) {
    bool was_full = share_queue_is_full(&share->queue, &share->limits), released = false;
    int64_t due_ms = share->queue.due_ms;
    for (size_t i = 0; i < outcomes->count; i++) {
        const struct share_range *range = offset_ranges_at(outcomes, i);
        share_state_set(&share->state, range);
        share_queue_committed(&share->queue, range);
        released = released || range->state == SHARE_AVAILABLE;
    }
    share_state_settle(&share->state);
    share_count(share);
    share_applied(share);
    if (released || was_full || share->limits.keyed) share_wake(share);
    share_tell_letters(share);
    if (share->queue.due_ms < due_ms) share_watch(share);
}

static void begin_move(struct share *share, struct share_move *move) {
    share_state_move(&share->state, move);
    share_state_settle(&share->state);
    share_tell_letters(share);
}

/* What is walked over meanwhile is to have it. */
static void note(const struct shares *shares, const uint8_t *bytes, size_t len) {
    struct shares_walk *walk;
    uint8_t head[SHARES_NOTE_HEAD] = {SHARES_NOTE};
    le_put_u32(head + 1, (uint32_t)len);
    DL_FOREACH(shares->walks, walk) {
        snapshot_bytes_put(&walk->commands, head, sizeof head);
        snapshot_bytes_put(&walk->commands, bytes, len);
    }
}

int shares_apply(struct shares *shares, const uint8_t *bytes, size_t len) {
    struct share_command command;
    int error = share_command_decode(bytes, len, &command);
    if (error != ERR_NONE) return error;
    note(shares, bytes, len);
    struct share *share = command.what == SHARE_BEGIN ? NULL
                                                      : shares_numbered(shares, command.number);
    if (command.what == SHARE_BEGIN)
        begin(shares, &command);
    else if (share != NULL && command.what == SHARE_OUTCOMES)
        set_outcomes(share, &command.outcomes);
    else if (share != NULL && command.what == SHARE_MOVE)
        begin_move(share, &command.move);
    else if (share != NULL)
        drop(shares, share);
    if (command.what == SHARE_DROP) share_dropped(shares, command.number);
    share_command_drop(&command);
    return ERR_NONE;
}

void shares_pass(struct shares *shares, kafka_offset start) {
    if (start <= shares->log_start) return;
    shares->log_start = start;
    for (struct share *share = shares->first; share != NULL; share = share->next) {
        if (!MUTANT(MUTANT_SHARE_START_BEHIND)) share_state_pass(&share->state, start);
        share_state_settle(&share->state);
        share_queue_passed(&share->queue);
        share_count(share);
        share_wake(share);
    }
}
