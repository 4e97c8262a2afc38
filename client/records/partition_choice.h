/* Partitions that a user names: "0", "0,2", "0-3,7". */
#ifndef CLIENT_RECORDS_PARTITION_CHOICE_H
#define CLIENT_RECORDS_PARTITION_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

enum { PARTITION_SPANS_MAX = 64 };

/* Nothing named: all of them. */
struct partition_set {
    int count;
    struct {
        int32_t from, to;
    } spans[PARTITION_SPANS_MAX];
};

/* ERR_NONE; ERR_INVALID: not such a list; ERR_LIMIT: more than PARTITION_SPANS_MAX parts. NULL: all
 * partitions. */
int partition_set_parse(const char *text, struct partition_set *set);
bool partition_set_has(const struct partition_set *set, int32_t partition);
/* The highest that is named; -1 when all are meant. */
int32_t partition_set_highest(const struct partition_set *set);

#endif
