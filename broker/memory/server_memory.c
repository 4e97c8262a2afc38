/* Budgets as they are shared out, and looked at together. */
#include "broker/memory/server_memory.h"

#include "base/check.h"

enum { QUARTERS = 4 };

static void complain(struct server_memory *memory) {
    bool answers = budget_spent(&memory->answers);
    if (!answers && !server_memory_is_spent(memory) && !budget_spent(&memory->decoded)) return;
    log_limited(memory->log, &memory->complaints, LOGGED_MEMORY_SPENT,
                "the memory for %s is spent (%zu bytes; queued.max.request.bytes): clients that "
                "need some wait until others give it back",
                answers ? "answers" : "a kind of requests",
                answers ? memory->answers.used : server_memory_request_bytes(memory));
}

static void memory_is_wanted(void *arg) {
    struct server_memory *memory = arg;
    complain(memory);
    parking_wanted(&memory->parking);
    parking_wanted(&memory->crowd);
}

void server_memory_open(struct server_memory *memory, struct env *env, struct log *log,
                        const struct server_memory_limits *limits) {
    memory->log = log;
    struct budget *budgets[] = {&memory->requests, &memory->larges, &memory->halves,
                                &memory->decoded, &memory->answers};
    for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
        budget_init(budgets[i],
                    i < QUARTERS ? limits->request_bytes / QUARTERS : limits->answer_bytes);
        budgets[i]->wanted = memory_is_wanted;
        budgets[i]->wanted_arg = memory;
    }
    budget_init(&memory->parked, limits->parked_bytes);
    memory->requests.halves = &memory->halves;
    memory->requests.larges = &memory->larges;
    parking_open(&memory->parking, env, NULL);
    parking_for(&memory->parking, &memory->requests);
    parking_for(&memory->parking, &memory->larges);
    parking_for(&memory->parking, &memory->decoded);
    parking_for(&memory->parking, &memory->answers);
    parking_open(&memory->crowd, env, &memory->parking);
    parking_for(&memory->crowd, &memory->larges);
}

void server_memory_set_limits(struct server_memory *memory,
                              const struct server_memory_limits *limits) {
    struct budget *quarters[QUARTERS] = {&memory->requests, &memory->larges, &memory->halves,
                                         &memory->decoded};
    for (size_t i = 0; i < QUARTERS; i++)
        budget_set_limit(quarters[i], limits->request_bytes / QUARTERS);
    budget_set_limit(&memory->answers, limits->answer_bytes);
    budget_set_limit(&memory->parked, limits->parked_bytes);
}

/* Every charge has an owner whose end is certain, and all owners have ended. */
static void check_charges(const struct server_memory *memory) {
    size_t halves = memory->halves.used, requests = server_memory_request_bytes(memory) - halves;
    size_t answers = memory->answers.used, parked = memory->parked.used;
    if (requests == 0 && halves == 0 && answers == 0 && parked == 0) return;
    log_event(
        memory->log, LOGGED_INTERNAL_ERROR,
        "memory is still charged after the last client has gone (requests %zu, half requests %zu, answers %zu, parked %zu bytes): a bug "
        "of draved, please report it",
        requests, halves, answers, parked);
#ifndef NDEBUG
    CHECK(requests == 0 && halves == 0 && answers == 0 && parked == 0);
#endif
}

void server_memory_close(struct server_memory *memory) {
    check_charges(memory);
    parking_close(&memory->crowd);
    parking_close(&memory->parking);
}

bool server_memory_is_spent(const struct server_memory *memory) {
    return budget_spent(&memory->requests) || budget_spent(&memory->larges) ||
           budget_spent(&memory->halves);
}

size_t server_memory_request_bytes(const struct server_memory *memory) {
    return memory->requests.used + memory->larges.used + memory->halves.used + memory->decoded.used;
}

size_t server_memory_waiting(const struct server_memory *memory) {
    return memory->requests.waiting + memory->larges.waiting + memory->halves.waiting +
           memory->decoded.waiting + memory->answers.waiting;
}

uint64_t server_memory_request_waits(const struct server_memory *memory) {
    return memory->requests.waits + memory->larges.waits + memory->halves.waits +
           memory->decoded.waits;
}
