/* Parsing numbers and ranges of partitions. */
#include "client/records/partition_choice.h"

#include <stddef.h>

#include "base/error.h"

static const char *parse_number(const char *at, int32_t *value) {
    int64_t number = 0;
    if (*at < '0' || *at > '9') {
        return NULL;
    }
    for (; *at >= '0' && *at <= '9' && number <= INT32_MAX; at++) {
        number = number * 10 + (*at - '0');
    }
    *value = (int32_t)number;
    return number <= INT32_MAX ? at : NULL;
}

int partition_set_parse(const char *text, struct partition_set *set) {
    set->count = 0;
    for (const char *at = text; at;) {
        if (set->count == PARTITION_SPANS_MAX) {
            return ERR_LIMIT;
        }
        int32_t from, to;
        at = parse_number(at, &from);
        to = from;
        if (at && *at == '-') {
            at = parse_number(at + 1, &to);
        }
        if (!at || to < from || (*at && *at != ',')) {
            return ERR_INVALID;
        }
        set->spans[set->count].from = from;
        set->spans[set->count++].to = to;
        at = *at ? at + 1 : NULL;
    }
    return ERR_NONE;
}

bool partition_set_has(const struct partition_set *set, int32_t partition) {
    for (int i = 0; i < set->count; i++) {
        if (set->spans[i].from <= partition && partition <= set->spans[i].to) {
            return true;
        }
    }
    return set->count == 0;
}

int32_t partition_set_highest(const struct partition_set *set) {
    int32_t highest = -1;
    for (int i = 0; i < set->count; i++) {
        highest = set->spans[i].to > highest ? set->spans[i].to : highest;
    }
    return highest;
}
