/* Places with the number of those who need them; one that was joined to another points there. */
#include "broker/coordinator/group/walk_place.h"

#include <stddef.h>

#include "base/check.h"
#include "base/mem.h"

struct walk_place {
    void *item;
    struct walk_place **slot;   /* the item's, which points here; NULL: no item, or joined */
    struct walk_place *instead; /* who stood here stands there */
    size_t needed;              /* by walks, and by places whose `instead` it is */
};

static void let_go(struct walk_place *place) {
    while (place != NULL && --place->needed == 0) {
        struct walk_place *instead = place->instead;
        if (place->slot != NULL) *place->slot = NULL;
        mem_free(place);
        place = instead;
    }
}

/* Each place on the way is joined to one that is further on, so that no way stays long. */
static struct walk_place *last_of(struct walk_place *place) {
    while (place->instead != NULL) {
        struct walk_place *on = place->instead;
        if (on->instead != NULL) {
            place->instead = on->instead;
            place->instead->needed++;
            let_go(on);
        }
        place = place->instead;
    }
    return place;
}

void walk_stand(struct walk_place **walk, void *item, struct walk_place **slot) {
    *walk = NULL;
    if (item == NULL) return;
    if (*slot == NULL) {
        *slot = mem_zalloc(sizeof **slot);
        (*slot)->item = item;
        (*slot)->slot = slot;
    }
    (*slot)->needed++;
    *walk = *slot;
}

void *walk_at(struct walk_place **walk) {
    if (*walk == NULL) return NULL;
    struct walk_place *before = *walk, *now = last_of(before);
    if (now != before) {
        now->needed++;
        *walk = now;
        let_go(before);
    }
    return now->item;
}

void walk_leave(struct walk_place **walk) {
    let_go(*walk);
    *walk = NULL;
}

void walk_pass_on(struct walk_place **slot, void *next, struct walk_place **next_slot) {
    struct walk_place *place = *slot;
    if (place == NULL) return;
    CHECK(place->slot == slot);
    *slot = NULL;
    if (next != NULL && *next_slot != NULL) { /* others stand there */
        place->item = NULL;
        place->slot = NULL;
        place->instead = *next_slot;
        place->instead->needed++;
        return;
    }
    place->item = next;
    place->slot = next == NULL ? NULL : next_slot;
    if (next != NULL) *next_slot = place;
}
