/* Two levels of lists, each in the order in which they were made, so that a walk finds back. */
#include "broker/share/share_book.h"

#include <utlist.h>

#include "base/mem.h"
#include "broker/share/shares.h"

static struct share_tally *find(const struct share_book *book, struct kp_string group) {
    struct share_tally *tally;
    DL_FOREACH(book->tallies, tally) {
        if (kp_string_equal(tally->group, group)) break;
    }
    return tally;
}

void share_book_join(struct share_book *book, struct share *share) {
    struct share_tally *tally = find(book, share->group);
    if (tally == NULL) {
        tally = mem_zalloc(sizeof *tally);
        tally->group = (struct kp_string){
            .data = mem_text(share->group.data, (size_t)share->group.len), .len = share->group.len};
        tally->number = ++book->numbers;
        DL_APPEND(book->tallies, tally);
    }
    share->tally = tally;
    share->entry = ++book->numbers;
    share->queue.flow = &tally->flow;
    DL_APPEND2(tally->shares, share, tally_prev, tally_next);
}

void share_book_leave(struct share_book *book, struct share *share) {
    struct share_tally *tally = share->tally;
    DL_DELETE2(tally->shares, share, tally_prev, tally_next);
    share->tally = NULL;
    share->queue.flow = NULL;
    if (tally->shares != NULL) return;
    DL_DELETE(book->tallies, tally);
    mem_free((void *)tally->group.data);
    mem_free(tally);
}

struct share_tally *share_book_from(const struct share_book *book, uint64_t number) {
    struct share_tally *tally = book->tallies;
    while (tally != NULL && tally->number < number)
        tally = tally->next;
    return tally;
}

struct share *share_tally_from(const struct share_tally *tally, uint64_t entry) {
    struct share *share = tally->shares;
    while (share != NULL && share->entry < entry)
        share = share->tally_next;
    return share;
}
