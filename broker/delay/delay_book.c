/* A list of the seats that are taken. */
#include "broker/delay/delay_book.h"

#include <utlist.h>

void delay_book_leave(struct delay_book *book, struct delay_seat *seat) {
    if (!seat->taken) return;
    DL_DELETE(book->seats, seat);
    seat->taken = false;
}

void delay_book_take(struct delay_book *book, struct delay_seat *seat) {
    bool pending = delayed_count(seat->delayed) > 0;
    if (!pending) delay_book_leave(book, seat);
    if (!pending || seat->taken) return;
    DL_APPEND(book->seats, seat);
    seat->taken = true;
}

struct delay_sums delay_book_sum(const struct delay_book *book) {
    struct delay_sums sums = {.next_due_ms = INT64_MAX};
    const struct delay_seat *seat;
    DL_FOREACH(book->seats, seat) {
        if (!seat->leads) continue;
        int64_t due_ms = delayed_next_due(seat->delayed);
        sums.records += delayed_count(seat->delayed);
        sums.bytes += delayed_bytes(seat->delayed);
        if (due_ms < sums.next_due_ms) sums.next_due_ms = due_ms;
    }
    return sums;
}
