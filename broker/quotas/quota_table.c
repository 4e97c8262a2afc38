/*
 * Rows in order, found by search. How many there are of each form says where a search is worth it:
 * mostly there are quotas of one form or two.
 */
#include "broker/quotas/quota_table.h"

#include <string.h>

#include "base/mem.h"

enum { USER = 1u << QUOTA_USER, CLIENT = 1u << QUOTA_CLIENT };

/* ---- Rows ---- */

/* Bits 0 and 1: it has a user, a client; bits 2 and 3: they are names. Of addresses alone: 0. */
static unsigned form_of(const struct quota_entity *entity) {
    unsigned form = entity->types & (USER | CLIENT);
    if (entity->names[QUOTA_USER].len >= 0) form |= USER << 2;
    if (entity->names[QUOTA_CLIENT].len >= 0) form |= CLIENT << 2;
    return form;
}

/* The place of the row, or the one where it would be. */
static size_t place_of(const struct quota_table *table, const struct quota_entity *entity,
                       bool *found) {
    size_t from = 0, to = table->count;
    *found = false;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = quota_entity_compare(&table->rows[middle]->entity, entity);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

const struct quota_row *quota_table_find(const struct quota_table *table,
                                         const struct quota_entity *entity) {
    bool found;
    size_t place = place_of(table, entity, &found);
    return found ? table->rows[place] : NULL;
}

static struct quota_row *row_new(const struct quota_entity *entity) {
    size_t size = sizeof(struct quota_row);
    for (int type = 0; type < QUOTA_TYPES; type++)
        size += entity->names[type].len > 0 ? (size_t)entity->names[type].len : 0;
    struct quota_row *row = mem_zalloc(size);
    char *texts = (char *)(row + 1);
    row->entity = *entity;
    for (int type = 0; type < QUOTA_TYPES; type++) {
        struct kp_string *name = &row->entity.names[type];
        if (name->len <= 0) continue;
        memcpy(texts, name->data, (size_t)name->len);
        name->data = texts;
        texts += name->len;
    }
    return row;
}

static struct quota_row *row_put(struct quota_table *table, const struct quota_entity *entity,
                                 size_t place) {
    table->rows = mem_grow(table->rows, table->count, &table->room, sizeof *table->rows);
    memmove(table->rows + place + 1, table->rows + place,
            (table->count - place) * sizeof *table->rows);
    table->count++;
    return table->rows[place] = row_new(entity);
}

static void row_drop_if_empty(struct quota_table *table, size_t place) {
    struct quota_row *row = table->rows[place];
    for (int key = 1; key < QUOTA_KEYS; key++)
        if (row->values[key] > 0) return;
    table->count--;
    memmove(table->rows + place, table->rows + place + 1,
            (table->count - place) * sizeof *table->rows);
    mem_free(row);
}

void quota_table_set(struct quota_table *table, const struct quota_entity *entity,
                     enum quota_key key, double value) {
    bool found;
    size_t place = place_of(table, entity, &found);
    if (!found && value <= 0) return;
    struct quota_row *row = found ? table->rows[place] : row_put(table, entity, place);
    unsigned form = form_of(entity);
    uint32_t before = row->values[key] > 0, now = value > 0;
    row->values[key] = now ? value : 0;
    table->forms[key][form] += now - before;
    table->keys[key] += now - before;
    row_drop_if_empty(table, place);
}

void quota_table_close(struct quota_table *table) {
    for (size_t i = 0; i < table->count; i++)
        mem_free(table->rows[i]);
    mem_free(table->rows);
    *table = (struct quota_table){0};
}

/* ---- Questions ---- */

/* In the order in which they count. */
static const struct {
    unsigned types, named;
} forms[] = {{USER | CLIENT, USER | CLIENT},
             {USER | CLIENT, USER},
             {USER, USER},
             {USER | CLIENT, CLIENT},
             {USER | CLIENT, 0},
             {USER, 0},
             {CLIENT, CLIENT},
             {CLIENT, 0}};

bool quota_table_limit(const struct quota_table *table, enum quota_key key, struct kp_string user,
                       struct kp_string client, struct quota_limit *limit) {
    for (size_t i = 0; table->keys[key] > 0 && i < sizeof forms / sizeof forms[0]; i++) {
        if (table->forms[key][forms[i].types | forms[i].named << 2] == 0) continue;
        struct quota_entity entity = {
            .types = forms[i].types,
            .names = {[QUOTA_USER] = (forms[i].named & USER) != 0 ? user : KP_NULL_STRING,
                      [QUOTA_CLIENT] = (forms[i].named & CLIENT) != 0 ? client : KP_NULL_STRING,
                      [QUOTA_IP] = KP_NULL_STRING}};
        const struct quota_row *row = quota_table_find(table, &entity);
        if (row == NULL || row->values[key] <= 0) continue;
        *limit = (struct quota_limit){.value = row->values[key], .types = forms[i].types};
        return true;
    }
    return false;
}

static double address_value(const struct quota_table *table, struct kp_string address) {
    struct quota_entity entity = {.types = 1u << QUOTA_IP,
                                  .names = {KP_NULL_STRING, KP_NULL_STRING, address}};
    const struct quota_row *row = quota_table_find(table, &entity);
    return row == NULL ? 0 : row->values[QUOTA_CONNECTIONS];
}

double quota_table_address_limit(const struct quota_table *table, struct kp_string address) {
    if (table->keys[QUOTA_CONNECTIONS] == 0) return 0;
    double own = address_value(table, address);
    return own > 0 ? own : address_value(table, KP_NULL_STRING);
}
