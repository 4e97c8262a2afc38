/* Who is told of what becomes of the partitions of a set. */
#include "broker/partition_set/partition_set_internal.h"

void partition_set_watched_by(struct partition_set *set, const struct partition_set_watch *watch) {
    set->watch = watch;
}

void partition_set_letters_to(struct partition_set *set, const struct letter_carrier *carrier) {
    set->carrier = carrier == NULL ? (struct letter_carrier){0} : *carrier;
}

void partition_set_counted_by(struct partition_set *set,
                              const struct partition_set_counter *counter) {
    set->counter = counter;
}
