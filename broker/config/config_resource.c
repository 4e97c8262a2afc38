/* Looking up what was set. */
#include "broker/config/config_resource.h"

#include <string.h>

const char *config_set_find(const struct config_set *set, const char *name) {
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->pairs[i].name, name) == 0) return set->pairs[i].value;
    return NULL;
}
