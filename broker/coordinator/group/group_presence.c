/* Connections by their address, each with the members that were heard over it last. */
#include "broker/coordinator/group/group_presence.h"

#include "base/mem.h"

struct group_line {
    const void *connection;
    struct group_presence *first;
    uint32_t count;
    UT_hash_handle hh;
};

static unsigned line_hash(const struct group_table *table, const void *connection) {
    return group_hash(table->seed, &connection, sizeof connection);
}

static struct group_line *line_find(const struct group_table *table, const void *connection) {
    struct group_line *line;
    HASH_FIND_BYHASHVALUE(hh, table->lines, &connection, sizeof connection,
                          line_hash(table, connection), line);
    return line;
}

static struct group_line *line_make(struct group_table *table, const void *connection) {
    struct group_line *line = line_find(table, connection);
    if (line != NULL) return line;
    line = mem_zalloc(sizeof *line);
    line->connection = connection;
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, table->lines, &line->connection, sizeof line->connection,
                                line_hash(table, connection), line);
    return line;
}

void group_presence_clear(struct group_table *table, struct group_presence *presence) {
    struct group_line *line = presence->line;
    presence->absent = false;
    if (line == NULL) return;
    *(presence->prev != NULL ? &presence->prev->next : &line->first) = presence->next;
    if (presence->next != NULL) presence->next->prev = presence->prev;
    presence->line = NULL;
    presence->next = presence->prev = NULL;
    if (--line->count > 0) return;
    HASH_DEL(table->lines, line);
    mem_free(line);
}

void group_presence_heard(struct group_table *table, struct group_presence *presence,
                          const void *connection) {
    presence->absent = false;
    if (presence->line != NULL && presence->line->connection == connection) return;
    group_presence_clear(table, presence);
    if (connection == NULL) return;
    struct group_line *line = line_make(table, connection);
    if (line->count >= GROUP_PRESENCE_MAX) return;
    line->count++;
    presence->line = line;
    presence->next = line->first;
    if (line->first != NULL) line->first->prev = presence;
    line->first = presence;
}

void group_presence_closed(struct group_table *table, const void *connection) {
    struct group_line *line = line_find(table, connection);
    struct group_presence *next, *presence = line == NULL ? NULL : line->first;
    for (; presence != NULL; presence = next) {
        next = presence->next;
        group_presence_clear(table, presence); /* the last one takes the line along */
        presence->absent = true;
        presence->gone(presence);
    }
}
