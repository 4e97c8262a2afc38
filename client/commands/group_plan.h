/*
 * Offsets that a group is about to get: shown first, committed only when that is asked for.
 *
 * Happy path: rows are gathered (group_seek.c, group_file.c), limited to what the partitions hold,
 * shown, and with --yes committed in one request. Failures: a topic or partition that does not
 * exist, a group with members, a partition that is refused: said, and nothing or not all is done.
 */
#ifndef CLIENT_COMMANDS_GROUP_PLAN_H
#define CLIENT_COMMANDS_GROUP_PLAN_H

#include "client/commands/topic_session.h"
#include "client/kafka/group_view.h"

struct plan_row {
    const char *topic;
    int32_t partition;
    int64_t from; /* committed now; -1: nothing */
    int64_t to;   /* wanted; -1: not known yet */
    const char *metadata;
};

struct plan {
    const char *group;
    struct group_view view; /* as it stands */
    struct plan_row *rows;  /* mem_free's */
    size_t count, room;
};

/* Describes the group, which need not exist, and its offsets. An exit code, said. */
int plan_open(struct plan *plan, struct session *session, const char *group);
void plan_close(struct plan *plan);

/* Adds a row, or sets `to` of the one that is there. Valid until the next is added. */
struct plan_row *plan_add(struct plan *plan, const char *topic, int32_t partition, int64_t to);

/* Limits all rows to their partitions, shows them, and commits them with --yes. */
int plan_carry_out(struct plan *plan, struct session *session, const struct invocation *in);

#endif
