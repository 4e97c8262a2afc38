/* Group after group, member after member; then the offsets of all. */
#include "broker/coordinator/serving/group_records.h"

#include "broker/coordinator/classic/classic_record.h"
#include "broker/coordinator/consumer/consumer_records.h"
#include "broker/coordinator/offsets/offset_records.h"
#include "broker/coordinator/share/share_group.h"

/* Of a step: the record of a classic group has the metadata of all of its members. */
enum { STEP_BYTES = 256 << 10 };

struct walk {
    struct group_cursor groups;
    struct consumer_cursor members; /* of the group that was met last */
    struct offset_record_walk offsets;
};

struct step {
    struct walk *walk;
    void (*sink)(void *arg, const struct coordinator_record *record);
    void *arg;
    size_t records, bytes;
};

static void give(void *arg, const struct coordinator_record *record) {
    struct step *step = arg;
    step->records++;
    step->bytes += record->key_len + record->value_len;
    step->sink(step->arg, record);
}

static void give_batch(struct step *step, struct group_batch *batch) {
    for (size_t i = 0; i < batch->count; i++)
        give(step, &batch->records[i]);
    group_batch_close(batch);
}

static bool give_member(struct step *step) {
    struct consumer_cursor *members = &step->walk->members;
    const struct consumer_member *member = consumer_cursor_next(members);
    struct group_batch batch;
    if (member == NULL) {
        consumer_cursor_close(members);
        return false;
    }
    group_batch_open(&batch);
    consumer_records_of_member(member, &batch);
    give_batch(step, &batch);
    return true;
}

static bool give_group(struct step *step) {
    const struct group *group = group_cursor_next(&step->walk->groups);
    struct group_batch batch;
    if (group == NULL) return false;
    classic_record_show(group, give, step);
    if (group->share != NULL) {
        group_batch_open(&batch);
        share_group_record(group->share, &batch);
        give_batch(step, &batch);
    }
    if (group->consumer == NULL) return true;
    group_batch_open(&batch);
    consumer_records_of_none(group->consumer, &batch);
    give_batch(step, &batch);
    consumer_cursor_open(&step->walk->members, group->consumer);
    return true;
}

/* Those of groups that come before their offsets, as in the log. False: that was all. */
static bool give_next(struct step *step) {
    return give_member(step) || give_group(step) ||
           offset_record_walk_next(&step->walk->offsets, give, step);
}

bool group_records_step(struct group_table *groups, struct offset_store *offsets, void **walk,
                        size_t most,
                        void (*sink)(void *arg, const struct coordinator_record *record),
                        void *arg) {
    struct step step = {.walk = *walk, .sink = sink, .arg = arg};
    if (step.walk == NULL) {
        step.walk = mem_zalloc(sizeof *step.walk);
        group_cursor_open(&step.walk->groups, groups);
        offset_record_walk_open(&step.walk->offsets, offsets);
        *walk = step.walk;
    }
    while (step.records < most && step.bytes < STEP_BYTES)
        if (!give_next(&step)) {
            group_records_stop(step.walk);
            *walk = NULL;
            return true;
        }
    return false;
}

void group_records_stop(void *walk) {
    struct walk *one = walk;
    consumer_cursor_close(&one->members);
    group_cursor_close(&one->groups);
    offset_record_walk_close(&one->offsets);
    mem_free(one);
}
