/* Looking up what was set, and for whom. */
#include "broker/config/config_resource.h"

#include <ctype.h>
#include <string.h>

bool config_node_id(const char *name, size_t len, int32_t *node) {
    int64_t number = 0;
    if (len == 0 || len > 10 || (len > 1 && name[0] == '0')) return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)name[i])) return false;
        number = number * 10 + (name[i] - '0');
    }
    if (number > INT32_MAX) return false;
    *node = (int32_t)number;
    return true;
}

const char *config_set_find(const struct config_set *set, const char *name) {
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->pairs[i].name, name) == 0) return set->pairs[i].value;
    return NULL;
}
