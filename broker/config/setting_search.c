/* Looking through a table of settings. */
#include "broker/config/setting_search.h"

#include <string.h>

#include "base/mem.h"
#include "base/nearest_name.h"

const struct setting *setting_table_row(const struct setting_table *table, size_t place) {
    return (const void *)((const char *)table->rows + place * table->stride);
}

int setting_table_find(const struct setting_table *table, const char *name) {
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(setting_table_row(table, i)->name, name) == 0) return (int)i;
    return -1;
}

int setting_table_unknown(const struct setting_table *table, const char *name,
                          struct error_text *why) {
    const char **names = mem_alloc(table->count * sizeof *names);
    for (size_t i = 0; i < table->count; i++)
        names[i] = setting_table_row(table, i)->name;
    const char *near = nearest_name(name, names, table->count);
    mem_free(names);
    if (near != NULL)
        return error_set(why, ERR_NOT_FOUND, "Unknown %s config name: %.80s; did you mean %s?",
                         table->kind, name, near);
    return error_set(why, ERR_NOT_FOUND,
                     "Unknown %s config name: %.80s. docs/configuration.md lists those that exist.",
                     table->kind, name);
}
