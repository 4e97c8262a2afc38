/* Bytes by host, in a table beside the whole. */
#include "broker/coordinator/group/group_memory.h"

#include "base/check.h"
#include "base/mem.h"
#include "broker/coordinator/group/group.h"

struct group_payer {
    struct kp_string host; /* its own copy */
    size_t bytes, groups;
    UT_hash_handle hh;
};

void group_memory_init(struct group_memory *memory, size_t limit, uint64_t seed) {
    *memory = (struct group_memory){.seed = seed};
    budget_init(&memory->budget, limit);
}

static struct group_payer *payer_of(struct group_memory *memory, struct kp_string host) {
    struct group_payer *payer;
    unsigned hash = group_hash(memory->seed, host.data, (size_t)host.len);
    HASH_FIND_BYHASHVALUE(hh, memory->payers, host.data, (unsigned)host.len, hash, payer);
    if (payer != NULL) return payer;
    payer = mem_zalloc(sizeof *payer);
    payer->host = (struct kp_string){.data = mem_text(host.data, (size_t)host.len),
                                     .len = host.len};
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, memory->payers, payer->host.data, (unsigned)host.len, hash,
                                payer);
    return payer;
}

void group_pay(struct group *group, struct kp_string host) {
    if (group->payer != NULL || host.len <= 0) return;
    group->payer = payer_of(group->table->memory, host);
    group->payer->groups++;
    group->payer->bytes += group->charged;
}

void group_pay_end(struct group *group) {
    struct group_payer *payer = group->payer;
    if (payer == NULL) return;
    group->payer = NULL;
    payer->bytes -= group->charged;
    if (--payer->groups > 0) return;
    CHECK(payer->bytes == 0); /* each byte of it is of a group */
    HASH_DEL(group->table->memory->payers, payer);
    mem_free((void *)payer->host.data);
    mem_free(payer);
}

void group_charge(struct group *group, size_t bytes) {
    budget_charge(&group->table->memory->budget, bytes);
    group->charged += bytes;
    if (group->payer != NULL) group->payer->bytes += bytes;
}

void group_release(struct group *group, size_t bytes) {
    CHECK(group->charged >= bytes); /* it was charged */
    budget_release(&group->table->memory->budget, bytes);
    group->charged -= bytes;
    if (group->payer != NULL) group->payer->bytes -= bytes;
}

bool group_refuses_more(const struct group *group) {
    const struct budget *whole = &group->table->memory->budget;
    if (budget_spent(whole)) return true;
    return group->payer != NULL && group->payer->bytes > whole->limit - whole->used;
}
