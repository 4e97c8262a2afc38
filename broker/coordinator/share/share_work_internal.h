/*
 * What the files of share_work.h share: one work, from what is asked to the second record. What is
 * asked is put together by share_begin.c (a group begins where its members read) and share_change.c
 * (what clients ask for). Nobody else's.
 */
#ifndef BROKER_COORDINATOR_SHARE_SHARE_WORK_INTERNAL_H
#define BROKER_COORDINATOR_SHARE_SHARE_WORK_INTERNAL_H

#include "broker/coordinator/share/share_work.h"
#include "broker/metadata/metadata.h"

#define GOES ((enum share_stage)4) /* of a copy: it is asked for already */

/* A partition that is asked. */
struct share_work_place {
    struct kp_uuid topic;
    int32_t partition;
    uint8_t stage; /* enum share_stage, that is recorded of it while it is asked */
    size_t part;   /* of the change; of a topic that is forgotten the topic's */
};

struct share_work {
    struct group *row;
    struct share_group *group; /* NULL: its end is being written */
    struct sharing_order order;
    struct group_turn turn;
    struct share_places next; /* as it is to be recorded */
    struct share_work_place *places;
    struct sharing_ask *asks;
    struct sharing_answer *answers;
    size_t count, capacity, asks_capacity;
    bool confirms;               /* asks what has begun again; nothing is recorded */
    bool ends;                   /* the group, when all of it has gone */
    bool more;                   /* than is asked by one work: topics are left */
    struct share_change *change; /* who waits for it; both NULL: nobody */
    struct group_delete *deletes;
};

struct share_work *share_work_new(struct group *row, enum sharing_what what);
void share_work_free(struct share_work *work);
/* The group has it. */
void share_work_attach(struct share_work *work);
/* Its turn is over, and with that the work: whoever waits for it is told. */
void share_work_refused(struct group_turn *turn, int16_t error);
void share_work_turn_over(struct share_work *work, int16_t error);

/* A partition is asked; `stage` is recorded of it meanwhile. */
void share_work_ask(struct share_work *work, struct kp_uuid id, const struct metadata_topic *topic,
                    const struct share_work_place *place, const struct sharing_ask *how);
/* The same, once: it counts as one that is asked from then on. */
void share_work_add(struct share_work *work, const struct metadata_topic *topic,
                    const struct share_work_place *place, const struct sharing_ask *how);
/* A topic is asked as a whole, however large it is, so that none of its partitions is taken for one
 * that came later. */
bool share_work_is_full(struct share_work *work);
/* So that it is recorded before anybody is asked. */
void share_work_mark(struct share_work *work);
/* False: this broker's metadata are older than what the group has recorded. A topic that they do
 * not have may not have been deleted then, but be younger. */
bool share_work_knows_topics(const struct group *row);
/* Those of topics that are gone are gone with them, as far as that is known. */
void share_work_forget_gone(struct share_work *work);
/* What is to be recorded, as the decision of that turn, whose `written` follows; at once if it is
 * recorded already. */
void share_work_write(struct share_work *work, struct group_turn *turn);
/* It takes a turn of the group for that, and orders. */
void share_work_take(struct share_work *work);
/* The leaders are asked; then the group's second turn follows. */
void share_work_order(struct share_work *work);
/* The same, and `done` instead of the second turn. */
void share_work_order_and(struct share_work *work, void (*done)(struct sharing_order *order));
/* As share.auto.offset.reset says. */
int64_t share_work_start(const struct group *row);
/* Of one that is asking what has begun: it goes on with the next heartbeat. */
void share_work_stop_confirming(struct share_group *group);

#endif
