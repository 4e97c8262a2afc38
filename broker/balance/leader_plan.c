/* Counting who prefers and who leads, then choosing. */
#include "broker/balance/leader_plan.h"

#include "base/mem.h"

/* What prefers one broker. */
struct share {
    int32_t node;
    size_t partitions, elsewhere; /* `elsewhere`: led by another one */
    struct leader_move *moves;    /* those that are ready */
    size_t count, room;
};

struct leader_plan {
    struct share *shares;
    size_t count;
};

struct leader_plan *leader_plan_begin(void) {
    return mem_zalloc(sizeof(struct leader_plan));
}

void leader_plan_free(struct leader_plan *balance) {
    if (balance == NULL) return;
    for (size_t i = 0; i < balance->count; i++)
        mem_free(balance->shares[i].moves);
    mem_free(balance->shares);
    mem_free(balance);
}

static struct share *share_of(struct leader_plan *balance, int32_t node) {
    for (size_t i = 0; i < balance->count; i++)
        if (balance->shares[i].node == node) return &balance->shares[i];
    balance->shares = mem_realloc(balance->shares, (balance->count + 1) * sizeof *balance->shares);
    balance->shares[balance->count] = (struct share){.node = node};
    return &balance->shares[balance->count++];
}

void leader_plan_add(struct leader_plan *balance, const struct leader_plan_partition *partition) {
    struct share *share = share_of(balance, partition->preferred);
    share->partitions++;
    if (partition->leader < 0 || partition->leader == partition->preferred) return;
    share->elsewhere++;
    if (!partition->ready || share->count == LEADER_MOVES_MAX) return;
    share->moves = mem_grow(share->moves, share->count, &share->room, sizeof *share->moves);
    share->moves[share->count++] = (struct leader_move){partition->group, partition->leader,
                                                        partition->preferred};
}

size_t leader_plan_plan(struct leader_plan *balance, uint32_t percentage,
                        struct leader_move *moves) {
    size_t planned = 0, before;
    size_t turn = 0;
    do {
        before = planned;
        for (size_t i = 0; i < balance->count && planned < LEADER_MOVES_MAX; i++) {
            const struct share *share = &balance->shares[i];
            bool out_of_balance = share->elsewhere * 100 > share->partitions * percentage;
            if (out_of_balance && turn < share->count) moves[planned++] = share->moves[turn];
        }
        turn++;
    } while (planned > before);
    return planned;
}
