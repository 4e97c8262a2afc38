/* A list, and a timer that runs while there is anything in it. */
#include "broker/healing/giving_list.h"

#include <utlist.h>

#include "base/mem.h"

static void giving_free(struct giving_list *list, struct giving *giving) {
    list->end(giving);
    DL_DELETE(list->first, giving);
    mem_free(giving);
}

static void forget_later(struct giving_list *list) {
    env_timer_start(list->forget, list->kept_ms * UINT64_C(1000));
}

static void forget_old(void *arg) {
    struct giving_list *list = arg;
    uint64_t now_ms = env_now_ms(list->env);
    struct giving *giving, *next;
    DL_FOREACH_SAFE(list->first, giving, next) {
        if (now_ms - giving->used_ms >= list->kept_ms) giving_free(list, giving);
    }
    if (list->first != NULL) forget_later(list);
}

void giving_list_open(struct giving_list *list) {
    list->first = NULL;
    list->forget = env_timer_new(list->env, forget_old, list);
}

struct giving *giving_list_of(struct giving_list *list, struct broker_caller caller) {
    struct giving *giving;
    DL_FOREACH(list->first, giving) if (giving->caller.node == caller.node) break;
    if (giving == NULL) {
        giving = mem_zalloc(list->size);
        giving->exchange = list->exchange;
        if (list->begin != NULL) list->begin(giving);
        if (list->first == NULL) forget_later(list);
        DL_APPEND(list->first, giving);
    }
    giving->caller = caller;
    giving->used_ms = env_now_ms(list->env);
    return giving;
}

void giving_list_close(struct giving_list *list) {
    while (list->first != NULL)
        giving_free(list, list->first);
    env_timer_free(list->forget);
}
