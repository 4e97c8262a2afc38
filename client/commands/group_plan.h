/*
 * Offsets that a group is about to get: shown first, set only when that is asked for.
 *
 * Happy path: rows are gathered (plan_rows.h, group_file.c), limited to what the partitions hold,
 * shown, and with --yes committed in one request, or what else the kind of group does with them.
 * Failures: a topic or partition that does not exist, a group with members, a partition that is
 * refused: said, and nothing or not all is done.
 */
#ifndef CLIENT_COMMANDS_GROUP_PLAN_H
#define CLIENT_COMMANDS_GROUP_PLAN_H

#include "client/kafka/group_view.h"
#include "client/session/topic_session.h"

struct plan_row {
    const char *topic;
    int32_t partition;
    int64_t from; /* committed now; -1: nothing */
    int64_t to;   /* wanted; -1: not known yet */
    const char *metadata;
};

struct plan;

/* What the offsets are to the group. */
struct plan_kind {
    const char *column;  /* "COMMITTED": the title above where it stands */
    const char *offsets; /* "committed offsets": what it has or has not, in sentences */
    const char *done;    /* "these offsets are committed": what --yes does */
    /* Sets all rows, which are sorted. An exit code, said. */
    int (*carry_out)(const struct plan *plan, struct session *session);
    /* Says that it has members; EXIT_REFUSED. */
    int (*has_members)(const struct plan *plan, struct session *session);
};

struct plan {
    const struct plan_kind *kind;
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

/* Limits all rows to their partitions, shows them, and has them carried out with --yes. */
int plan_carry_out(struct plan *plan, struct session *session, const struct invocation *in);

#endif
