/* What to keep, to take back and to add, by the state of the member. */
#include "broker/coordinator/consumer/consumer_reconcile.h"

static bool is_free(const struct consumer_group *group, const struct listed_partition *one) {
    const struct consumer_topic *topic = group->numbered[one->topic];
    return (size_t)one->partition >= topic->owner_count ||
           topic->owners[one->partition] == CONSUMER_FREE;
}

/* Whether the member may still have some of them: it said nothing, or names one. */
static bool may_own(const struct consumer_view *view, const struct partition_list *list) {
    return view->owned == NULL || partition_list_overlaps(list, view->owned);
}

static void add_one(struct partition_list *list, const struct listed_partition *one,
                    int32_t epoch) {
    partition_list_add(list, one->topic, one->partition, epoch);
}

static enum consumer_step walk_on(const struct consumer_view *view, int32_t from_epoch,
                                  struct consumer_standing *next) {
    const struct consumer_standing *now = view->now;
    bool waits = false;
    *next = (struct consumer_standing){.epoch = from_epoch, .previous_epoch = now->epoch};
    for (size_t i = 0; i < now->assigned.count; i++) {
        const struct listed_partition *one = &now->assigned.items[i];
        bool stays = partition_list_find(view->target, one->topic, one->partition) != NULL;
        add_one(stays ? &next->assigned : &next->pending, one, one->epoch);
    }
    if (next->pending.count > 0 && may_own(view, &next->pending)) {
        next->state = CONSUMER_UNREVOKED;
        return CONSUMER_MOVES;
    }
    partition_list_close(&next->pending);
    next->epoch = view->target_epoch;
    for (size_t i = 0; i < view->target->count; i++) {
        const struct listed_partition *one = &view->target->items[i];
        if (partition_list_find(&now->assigned, one->topic, one->partition) != NULL) continue;
        /* What it has just given back may be its own again. */
        if (is_free(view->group, one) ||
            partition_list_find(&now->pending, one->topic, one->partition) != NULL)
            add_one(&next->assigned, one, next->epoch);
        else
            waits = true;
    }
    partition_list_sort(&next->assigned);
    next->state = waits ? CONSUMER_UNRELEASED : CONSUMER_STABLE;
    return CONSUMER_MOVES;
}

/* While it gives back other ones. */
static enum consumer_step take_more(const struct consumer_view *view,
                                    struct consumer_standing *next) {
    const struct consumer_standing *now = view->now;
    *next = (struct consumer_standing){
        .epoch = now->epoch, .previous_epoch = now->previous_epoch, .state = now->state};
    partition_list_copy(&next->pending, &now->pending);
    for (size_t i = 0; i < now->assigned.count; i++) {
        const struct listed_partition *one = &now->assigned.items[i];
        bool stays = partition_list_find(view->unsubscribed, one->topic, one->partition) == NULL;
        add_one(stays ? &next->assigned : &next->pending, one, one->epoch);
    }
    partition_list_sort(&next->pending);
    return CONSUMER_MOVES;
}

enum consumer_step consumer_reconcile(const struct consumer_view *view,
                                      struct consumer_standing *next) {
    const struct consumer_standing *now = view->now;
    switch (now->state) {
    case CONSUMER_STABLE:
        if (now->epoch == view->target_epoch && view->unsubscribed->count == 0)
            return CONSUMER_STAYS;
        return walk_on(view, now->epoch, next);
    case CONSUMER_UNREVOKED:
        if (may_own(view, &now->pending))
            return view->unsubscribed->count == 0 ? CONSUMER_STAYS : take_more(view, next);
        return walk_on(view, now->epoch, next);
    case CONSUMER_UNRELEASED: return walk_on(view, now->epoch, next);
    default:
        /* Of a later version of the program: it starts over with nothing. */
        if (view->owned == NULL || view->owned->count > 0 || view->owns_strangers)
            return CONSUMER_FENCED;
        return walk_on(view, view->target_epoch, next);
    }
}

void consumer_standing_close(struct consumer_standing *standing) {
    partition_list_close(&standing->assigned);
    partition_list_close(&standing->pending);
}

bool consumer_standing_equal(const struct consumer_standing *a, const struct consumer_standing *b) {
    return a->epoch == b->epoch && a->previous_epoch == b->previous_epoch && a->state == b->state &&
           partition_list_equal(&a->assigned, &b->assigned) &&
           partition_list_equal(&a->pending, &b->pending);
}
