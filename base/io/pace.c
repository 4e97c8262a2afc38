/* A pace, as the time at which the next one is due: never further back than the burst allows. */
#include "base/io/pace.h"

enum { AGAIN_US = 4000 };

bool pace_take(struct pace *pace, uint64_t now_us) {
    uint64_t kept_us = (pace->burst - 1) * pace->every_us;
    uint64_t earliest_us = now_us > kept_us ? now_us - kept_us : 0;
    if (pace->next_us < earliest_us) pace->next_us = earliest_us;
    if (pace->next_us > now_us) return false;
    pace->next_us += pace->every_us;
    return true;
}

uint64_t pace_again_us(const struct pace *pace) {
    return pace->next_us + AGAIN_US;
}
