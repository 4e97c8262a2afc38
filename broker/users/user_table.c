/* A sorted array. */
#include "broker/users/user_table.h"

#include <string.h>

#include "base/mem.h"

static int compare(const struct user_key *row, const char *name, size_t len, int mechanism) {
    size_t row_len = strlen(row->name);
    int order = memcmp(row->name, name, row_len < len ? row_len : len);
    if (order != 0) return order;
    if (row_len != len) return row_len < len ? -1 : 1;
    return (int)row->mechanism - mechanism;
}

/* The first row that is not below. */
static size_t place_of(const struct user_table *table, const char *name, size_t len,
                       int mechanism) {
    size_t from = 0, to = table->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (compare(&table->rows[middle], name, len, mechanism) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool is_at(const struct user_table *table, size_t place, const char *name, size_t len,
                  int mechanism) {
    return place < table->count && compare(&table->rows[place], name, len, mechanism) == 0;
}

static void forget(struct user_key *row) {
    mem_free(row->name);
    scram_wipe(row, sizeof *row);
}

void user_table_close(struct user_table *table) {
    for (size_t i = 0; i < table->count; i++)
        forget(&table->rows[i]);
    mem_free(table->rows);
    scram_wipe(table, sizeof *table);
}

const struct user_key *user_table_find(const struct user_table *table, const char *name, size_t len,
                                       enum scram_mechanism mechanism) {
    size_t place = place_of(table, name, len, (int)mechanism);
    return is_at(table, place, name, len, (int)mechanism) ? &table->rows[place] : NULL;
}

const struct user_key *user_table_any(const struct user_table *table, const char *name,
                                      size_t len) {
    const struct user_key *key = user_table_find(table, name, len, SCRAM_SHA_256);
    return key != NULL ? key : user_table_find(table, name, len, SCRAM_SHA_512);
}

size_t user_table_from(const struct user_table *table, const char *name, size_t len) {
    return place_of(table, name, len, SCRAM_NONE);
}

const char *user_name_fault(const char *name, size_t len) {
    if (len == 0) return "the name of a user is not empty";
    if (len > USER_NAME_MAX) return "the name of a user has 255 bytes at the most";
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return "the name of a user has no control characters";
    return NULL;
}

bool user_name_of_sasl(const char *from, size_t len, char into[USER_NAME_MAX + 1]) {
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        char c = from[i];
        if (c == '=') {
            if (len - i < 3) return false;
            if (memcmp(from + i, "=2C", 3) == 0)
                c = ',';
            else if (memcmp(from + i, "=3D", 3) != 0)
                return false;
            i += 2;
        }
        if (used == USER_NAME_MAX) return false;
        into[used++] = c;
    }
    into[used] = '\0';
    return user_name_fault(into, used) == NULL;
}

const char *user_key_fault(const struct user_key *key) {
    if (key->mechanism <= SCRAM_NONE || key->mechanism >= SCRAM_MECHANISMS)
        return "the mechanism is SCRAM-SHA-256 (1) or SCRAM-SHA-512 (2)";
    if (key->iterations < SCRAM_ITERATIONS_MIN) return "Too few iterations";
    if (key->iterations > SCRAM_ITERATIONS_MAX) return "Too many iterations";
    if (key->salt_len < SCRAM_SALT_MIN || key->salt_len > SCRAM_SALT_MAX)
        return "a salt has 8 to 64 bytes";
    return NULL;
}

void user_table_set(struct user_table *table, const struct user_key *key) {
    size_t len = strlen(key->name), place = place_of(table, key->name, len, (int)key->mechanism);
    char *name = mem_text(key->name, len);
    if (is_at(table, place, key->name, len, (int)key->mechanism)) {
        forget(&table->rows[place]);
    } else {
        table->rows = mem_grow(table->rows, table->count, &table->room, sizeof *table->rows);
        memmove(table->rows + place + 1, table->rows + place,
                (table->count - place) * sizeof *table->rows);
        table->count++;
    }
    table->rows[place] = *key;
    table->rows[place].name = name;
    table->changed = key->changed;
}

void user_table_remove(struct user_table *table, const char *name, size_t len,
                       enum scram_mechanism mechanism, uint64_t index) {
    size_t place = place_of(table, name, len, (int)mechanism);
    if (!is_at(table, place, name, len, (int)mechanism)) return;
    forget(&table->rows[place]);
    table->count--;
    memmove(table->rows + place, table->rows + place + 1,
            (table->count - place) * sizeof *table->rows);
    table->changed = index;
}
