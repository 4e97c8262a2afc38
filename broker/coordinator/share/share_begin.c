/* A group begins where its members read, and is asked whether it has begun still. */
#include <string.h>

#include "broker/coordinator/share/share_group_internal.h"
#include "broker/coordinator/share/share_work_internal.h"
#include "protocol/kafka_error.h"

/* A partition that came to a topic that the group read already begins with its first record, also
 * when it has to be asked again: nothing that is produced to the topic is passed over
 * (KAFKA-22714). */
static void add_topic(struct share_work *work, const struct metadata_topic *topic) {
    struct kp_uuid id;
    memcpy(id.bytes, topic->id, sizeof id.bytes);
    const struct share_topic *known = share_places_topic(&work->row->share->places, id);
    int64_t start = share_work_start(work->row);
    for (int32_t p = 0; p < topic->partition_count; p++) {
        uint8_t stage = share_places_stage(&work->next, id, p);
        if (stage == SHARE_BEGUN || stage == GOES) continue;
        bool later = stage == SHARE_LATER || (known != NULL && stage == SHARE_NOT_BEGUN);
        struct share_work_place place = {.partition = p,
                                         .stage = later ? SHARE_LATER : SHARE_BEGINNING};
        struct sharing_ask how = {.start = later ? SHARING_EARLIEST : start};
        share_work_add(work, topic, &place, &how);
    }
}

static void add_name(struct share_work *work, const char *name) {
    const struct metadata_topic *topic = metadata_topic_named(work->row->table->metadata, name,
                                                              strlen(name));
    if (topic != NULL && !share_work_is_full(work)) add_topic(work, topic);
}

static void begin_places(struct share_group *group, uint64_t version) {
    struct share_work *work = share_work_new(group->row, SHARING_BEGIN);
    for (const struct share_readers *readers = group->readers; readers != NULL && !work->more;
         readers = readers->hh.next)
        add_name(work, readers->name);
    group->looked_version = work->more ? 0 : version;
    if (work->count == 0) {
        share_work_free(work);
        return;
    }
    if (share_places_count(&group->places, SHARE_BEGUN) == 0) group->confirmed_version = version;
    share_work_mark(work);
    share_work_forget_gone(work);
    share_work_attach(work);
    share_work_take(work);
}

static void confirmed(struct sharing_order *order) {
    struct share_work *work = CONTAINER_OF(order, struct share_work, order);
    for (size_t i = 0; i < work->count; i++)
        if (work->answers[i].code != KAFKA_NONE) work->group->confirmed_version = 0;
    share_work_free(work);
}

/* Where it has begun the leaders are asked to begin it again, which does nothing but where a
 * message that came late, of a coordinator that was, has dropped it. */
static void confirm_places(struct share_group *group, uint64_t version) {
    const struct metadata *metadata = group->row->table->metadata;
    struct share_work *work = share_work_new(group->row, SHARING_BEGIN);
    int64_t start = share_work_start(group->row);
    work->confirms = true;
    group->confirmed_version = version;
    for (size_t i = 0; i < group->places.count; i++) {
        const struct share_topic *begun = &group->places.topics[i];
        const struct metadata_topic *topic = metadata_topic_with_id(metadata, begun->id.bytes);
        for (int32_t p = 0; topic != NULL && p < begun->count && p < topic->partition_count; p++)
            if (begun->stages[p] == SHARE_BEGUN)
                share_work_ask(work, begun->id, topic, &(struct share_work_place){.partition = p},
                               &(struct sharing_ask){.start = start});
    }
    if (work->count == 0) {
        share_work_free(work);
        return;
    }
    share_work_attach(work);
    share_work_order_and(work, confirmed);
}

void share_work_begin_places(struct share_group *group) {
    struct group_table *table = group->row->table;
    uint64_t version = metadata_version(table->metadata);
    if (table->sharing.begin == NULL || group->work != NULL) return;
    if (group->looked_version != version) begin_places(group, version);
    if (group->work == NULL && group->confirmed_version != version) confirm_places(group, version);
}

void share_work_stop_confirming(struct share_group *group) {
    if (group == NULL || group->work == NULL || !group->work->confirms) return;
    group->row->table->sharing.cancel(&group->work->order);
    group->confirmed_version = 0;
    share_work_free(group->work);
}
