/* Dividing partitions among members; leader_shares.h says how. */
#include "tests/sim/groups/leader_shares.h"

#include <stdlib.h>
#include <string.h>

static int by_id(const void *a, const void *b) {
    return strcmp(((const struct leader_share *)a)->id, ((const struct leader_share *)b)->id);
}

/* Who was told last that it has it; NULL: nobody. */
static struct leader_share *owner_of(struct leader_shares *shares, int32_t partition) {
    struct leader_share *owner = NULL;
    struct owned what = {.partition = partition};
    for (size_t i = 0; i < shares->count; i++) {
        struct leader_share *one = &shares->members[i];
        if (owned_has(&one->owns, &what) && (owner == NULL || one->generation > owner->generation))
            owner = one;
    }
    return owner;
}

static struct leader_share *poorest(struct leader_shares *shares) {
    struct leader_share *least = &shares->members[0];
    for (size_t i = 1; i < shares->count; i++)
        if (shares->members[i].gets.count < least->gets.count) least = &shares->members[i];
    return least;
}

static void divide_sticky(struct leader_shares *shares, int32_t partitions) {
    size_t most = ((size_t)partitions + shares->count - 1) / shares->count;
    for (int32_t p = 0; p < partitions; p++) {
        struct leader_share *owner = owner_of(shares, p);
        if (owner != NULL && owner->gets.count < most)
            owned_add(&owner->gets, (struct owned){.partition = p});
    }
    for (int32_t p = 0; p < partitions; p++)
        if (owner_of(shares, p) == NULL)
            owned_add(&poorest(shares)->gets, (struct owned){.partition = p});
}

void leader_shares_divide(struct leader_shares *shares, int32_t partitions, bool cooperative) {
    qsort(shares->members, shares->count, sizeof shares->members[0], by_id);
    for (size_t i = 0; i < shares->count; i++)
        shares->members[i].gets.count = 0;
    if (cooperative) {
        divide_sticky(shares, partitions);
        return;
    }
    for (int32_t p = 0; p < partitions; p++)
        owned_add(&shares->members[(size_t)p % shares->count].gets, (struct owned){.partition = p});
}
