/* A list. */
#include "broker/server/strangers.h"

#include <utlist.h>

void strangers_add(struct strangers *strangers, struct stranger *stranger, uint64_t now_us) {
    stranger->since_us = now_us;
    stranger->listed = true;
    DL_APPEND(strangers->oldest, stranger);
    strangers->count++;
}

void strangers_remove(struct strangers *strangers, struct stranger *stranger) {
    if (!stranger->listed) return;
    stranger->listed = false;
    DL_DELETE(strangers->oldest, stranger);
    strangers->count--;
}
