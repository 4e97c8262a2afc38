/* Dead letters of shares, as far as their leader is concerned: who copies them is told of them, and
 * begins a move. */
#include "base/container_of.h"
#include "base/error.h"
#include "broker/share/shares_internal.h"

static void tell_letters(struct env_task *task) {
    struct shares *shares = CONTAINER_OF(task, struct shares, letters);
    if (shares->leading && shares->options.letters != NULL)
        shares->options.letters(shares->options.arg);
}

void share_tell_letters(struct share *share) {
    struct shares *shares = share->shares;
    if (shares->leading && (share->state.archiving > 0 || share->state.move.records.count > 0))
        env_defer(shares->options.env, &shares->letters);
}

int share_begin_move(struct share *share, const struct share_move *move) {
    struct share_command command = {.what = SHARE_MOVE, .number = share->number, .move = *move};
    struct slice bytes = share_command_encode(&command);
    int error = share->shares->options.submit(share->shares->options.arg, &bytes);
    if (error != ERR_NONE) slice_unref(&bytes);
    return error;
}

void shares_open_letters(struct shares *shares) {
    shares->letters.run = tell_letters;
}

void shares_close_letters(struct shares *shares) {
    env_defer_cancel(shares->options.env, &shares->letters);
}
