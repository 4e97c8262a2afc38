/*
 * The nearest of some names, by the number of letters to insert, remove, replace or swap with their
 * neighbour (optimal string alignment). Near is up to a third of the letters, at least one. It is
 * only a hint, so it is not looked for for longer than about a millisecond: of very many names the
 * first ones are looked at.
 */
#include "base/nearest_name.h"

#include <string.h>

enum {
    LONGEST = 80,       /* longer names are compared with nothing */
    CELLS_MAX = 500000, /* of all tables together; */
    NAME_CELLS = 8,     /* a name that is passed over costs as much as these */
};

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len) {
    /* Of the table over a (down) and b (across), three are needed at a time. */
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *second_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t replaced = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], second_above[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

const char *nearest_name(const char *wrong, const char *const *names, size_t n) {
    size_t wrong_len = strlen(wrong);
    if (wrong_len == 0 || wrong_len > LONGEST) return NULL;
    const char *nearest = NULL;
    size_t limit = wrong_len < 6 ? 2 : wrong_len / 3 + 1; /* the first distance that is too far */
    size_t cells = 0;
    for (size_t i = 0; i < n && cells < CELLS_MAX; i++) {
        size_t len = strlen(names[i]), apart = len > wrong_len ? len - wrong_len : wrong_len - len;
        cells += NAME_CELLS;
        if (len > LONGEST || apart >= limit) continue;
        cells += len * wrong_len;
        size_t far = distance(wrong, wrong_len, names[i], len);
        if (far < limit) {
            limit = far;
            nearest = names[i];
        }
    }
    return nearest;
}
