/*
 * Where walks over a list stand, so that an item goes without a look at all of them: hundreds of
 * thousands may stand at one.
 *
 * Happy path: an item has a slot for each list that it is in, NULL while nobody stands there; a
 * walk has a pointer to its place, NULL behind the last item. walk_stand, walk_at, walk_leave; and
 * walk_pass_on when an item goes. Each takes about as long whoever stands where (places that come
 * together are joined as sets are). Failures: none. Invariant: a slot is not NULL exactly while a
 * walk stands at its item.
 */
#ifndef BROKER_COORDINATOR_GROUP_WALK_PLACE_H
#define BROKER_COORDINATOR_GROUP_WALK_PLACE_H

struct walk_place;

/* The walk, which stands nowhere, stands at the item of that slot. NULL and NULL: behind the last.
 */
void walk_stand(struct walk_place **walk, void *item, struct walk_place **slot);
/* The item; NULL: it is behind the last. */
void *walk_at(struct walk_place **walk);
/* It stands nowhere any more. */
void walk_leave(struct walk_place **walk);
/* The item of that slot goes: who stood there stands at the next. NULL and NULL: behind the last.
 */
void walk_pass_on(struct walk_place **slot, void *next, struct walk_place **next_slot);

#endif
