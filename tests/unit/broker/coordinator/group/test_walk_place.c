/* Walks over a list that changes under them, beside walks that remember what they are to meet. */
#include "broker/coordinator/group/walk_place.h"

#include <stdbool.h>
#include <string.h>

#include "tests/unit/unit.h"

enum { ITEMS = 40, WALKS = 60, NOWHERE = -1 };

struct item {
    bool there;
    struct walk_place *place;
};

static struct item items[ITEMS];
static uint64_t chance = 7;

static int draw(int below) {
    chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((chance >> 33) % (uint64_t)below);
}

static struct item *from(int at) {
    while (at < ITEMS && !items[at].there)
        at++;
    return at == ITEMS ? NULL : &items[at];
}

static void stand(struct walk_place **walk, struct item *item) {
    walk_stand(walk, item, item == NULL ? NULL : &item->place);
}

static void take_out(struct item *item) {
    item->there = false;
    struct item *next = from((int)(item - items));
    walk_pass_on(&item->place, next, next == NULL ? NULL : &next->place);
    assert_null(item->place);
}

static void test_walk_places_at_random(void **state) {
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct walk_place *walks[WALKS] = {0};
        int stands[WALKS]; /* no later than the item that it is to meet */
        memset(items, 0, sizeof items);
        for (int i = 0; i < ITEMS; i++)
            items[i].there = draw(4) > 0;
        for (int w = 0; w < WALKS; w++) {
            stands[w] = draw(ITEMS);
            stand(&walks[w], from(stands[w]));
        }
        for (int step = 0; step < 200; step++) {
            int i = draw(ITEMS), w = draw(WALKS);
            if (items[i].there && draw(2) == 0) take_out(&items[i]);
            if (stands[w] == NOWHERE || draw(3) == 0) continue;
            struct item *at = walk_at(&walks[w]);
            assert_ptr_equal(at, from(stands[w]));
            walk_leave(&walks[w]);
            stands[w] = at == NULL ? NOWHERE : (int)(at - items) + 1;
            if (at != NULL) stand(&walks[w], from(stands[w]));
        }
        for (int w = 0; w < WALKS; w++)
            walk_leave(&walks[w]);
        for (int i = 0; i < ITEMS; i++)
            assert_null(items[i].place);
    }
}

/* A hundred thousand stand at the first of many, each of which somebody stands at: no step is
 * long, and all of them are met behind it. */
static void test_walk_places_of_many(void **state) {
    (void)state;
    enum { MANY = 100000 };
    static struct walk_place *walks[MANY], *others[ITEMS];
    memset(items, 0, sizeof items);
    for (int i = 0; i < ITEMS; i++)
        items[i].there = true;
    for (int i = 0; i < ITEMS; i++)
        stand(&others[i], &items[i]);
    for (int w = 0; w < MANY; w++)
        stand(&walks[w], &items[0]);
    for (int i = 0; i < ITEMS - 1; i++)
        take_out(&items[i]);
    for (int w = 0; w < MANY; w++) {
        assert_ptr_equal(walk_at(&walks[w]), &items[ITEMS - 1]);
        if (w % 2 == 0) walk_leave(&walks[w]);
    }
    take_out(&items[ITEMS - 1]);
    for (int w = 1; w < MANY; w += 2) {
        assert_null(walk_at(&walks[w]));
        walk_leave(&walks[w]);
    }
    for (int i = 0; i < ITEMS; i++)
        walk_leave(&others[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk_places_at_random),
        cmocka_unit_test(test_walk_places_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
