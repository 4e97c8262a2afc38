/* What all rules look at: which partitions are behind, whose they are, whether it grows. */
#include "why/diagnosis_internal.h"

bool why_is_behind(const struct why_facts *facts, const struct why_partition *partition) {
    if (partition->lag == WHY_UNKNOWN) { /* no commit: behind if there was time for one */
        return partition->member != WHY_NOBODY && partition->end > partition->log_start &&
               (partition->age_ms == WHY_UNKNOWN || partition->age_ms >= facts->window_ms / 4);
    }
    return partition->lag > 0 &&
           (partition->age_ms == WHY_UNKNOWN || partition->age_ms >= facts->window_ms / 4);
}

const struct why_member *why_owner(const struct why_facts *facts,
                                   const struct why_partition *partition) {
    return partition->member == WHY_NOBODY ? NULL : &facts->members[partition->member];
}

const struct why_partition *why_worst(const struct why_facts *facts,
                                      bool (*holds)(const struct why_facts *facts,
                                                    const struct why_partition *partition)) {
    const struct why_partition *worst = NULL;
    for (size_t i = 0; i < facts->partition_count; i++) {
        const struct why_partition *one = &facts->partitions[i];
        if (why_is_behind(facts, one) && (!holds || holds(facts, one)) &&
            (!worst || one->lag > worst->lag)) {
            worst = one;
        }
    }
    return worst;
}

bool why_lag_grows(const struct why_sums *sums) {
    return sums->produced[WHY_SHORT] >= 0 && sums->consumed[WHY_SHORT] >= 0 &&
           (double)sums->produced[WHY_SHORT] > (double)sums->consumed[WHY_SHORT] * 1.05;
}
