/* Tables for people, JSON for programs. */
#include "client/sharing/share_show.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/line/talk.h"

static json_t *number_or_null(int64_t value) {
    return value < 0 ? json_null() : json_integer(value);
}

static json_t *json_of_members(const struct share_view *view) {
    json_t *list = json_array();
    for (size_t m = 0; m < view->member_count; m++) {
        const struct share_member_view *member = &view->members[m];
        json_t *owned = json_array(), *topics = json_array();
        for (size_t i = 0; i < member->owned_count; i++) {
            json_array_append_new(owned, json_pack("{s:s,s:i}", "topic", member->owned[i].topic,
                                                   "partition", (int)member->owned[i].partition));
        }
        for (size_t i = 0; i < member->topic_count; i++) {
            json_array_append_new(
                topics, json_stringn(member->topics[i].data, (size_t)member->topics[i].len));
        }
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s,s:i,s:o,s:o}", "id", member->id, "client_id",
                                        member->client_id, "host", member->host, "epoch",
                                        (int)member->epoch, "topics", topics, "partitions", owned));
    }
    return list;
}

/* What the leader says it is to the group there; all null where it does not. */
static void add_told(json_t *row, const struct share_offset *one) {
    const struct why_share_partition place = {.told = one->told};
    const struct kp_partition_traffic_response_shared *told = why_shared(&place);
    json_object_set_new(row, "acquired", told ? json_integer(told->acquired) : json_null());
    json_object_set_new(row, "acquired_most",
                        told && told->acquired_most > 0 ? json_integer(told->acquired_most)
                                                        : json_null());
    json_object_set_new(row, "waiting", told ? json_integer(told->waiting) : json_null());
    json_object_set_new(row, "retried", told ? json_integer(told->retried) : json_null());
    json_object_set_new(row, "deliveries", told ? json_integer(told->deliveries) : json_null());
    json_object_set_new(row, "deliveries_most",
                        told && told->deliveries_most > 0 ? json_integer(told->deliveries_most)
                                                          : json_null());
    json_object_set_new(row, "lock_left_ms",
                        told ? number_or_null(told->lock_left_ms) : json_null());
}

json_t *share_json_offsets(const struct share_view *view) {
    json_t *list = json_array();
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct share_offset *one = &view->offsets[i];
        json_t *row = json_pack("{s:s,s:i,s:o,s:o,s:o}", "topic", one->topic, "partition",
                                (int)one->partition, "start", number_or_null(one->start),
                                "leader_epoch", number_or_null(one->leader_epoch), "lag_records",
                                number_or_null(one->lag_records));
        add_told(row, one);
        json_array_append_new(list, row);
    }
    return list;
}

static void print_members(const struct share_view *view) {
    static const char *const names[] = {"MEMBER", "CLIENT", "HOST", "PARTITIONS"};
    if (view->member_count == 0) {
        return;
    }
    struct table *table = table_new(names, 4);
    for (size_t m = 0; m < view->member_count; m++) {
        const struct share_member_view *member = &view->members[m];
        char count[24];
        snprintf(count, sizeof(count), "%zu", member->owned_count);
        table_row(table, (const char *[]){member->id, member->client_id, member->host, count});
    }
    table_print(table);
}

static const char *cell(char *text, size_t room, int64_t value) {
    snprintf(text, room, "%" PRId64, value);
    return value < 0 ? NULL : text;
}

void share_print_offsets(const struct share_view *view) {
    static const char *const names[] = {"TOPIC",    "PARTITION", "START",   "LAG",
                                        "ACQUIRED", "WAITING",   "RETRIED", "DELIVERIES"};
    if (view->offset_count == 0) {
        print_text("it has begun in no partition\n");
        return;
    }
    struct table *table = table_new(names, 8);
    for (size_t i = 0; i < view->offset_count; i++) {
        const struct share_offset *one = &view->offsets[i];
        const struct why_share_partition place = {.told = one->told};
        const struct kp_partition_traffic_response_shared *told = why_shared(&place);
        char cells[7][32];
        const size_t room = sizeof(cells[0]);
        snprintf(cells[0], room, "%d", (int)one->partition);
        table_row(table, (const char *[]){one->topic, cells[0], cell(cells[1], room, one->start),
                                          cell(cells[2], room, one->lag_records),
                                          cell(cells[3], room, told ? told->acquired : -1),
                                          cell(cells[4], room, told ? told->waiting : -1),
                                          cell(cells[5], room, told ? told->retried : -1),
                                          cell(cells[6], room, told ? told->deliveries : -1)});
    }
    table_print(table);
    for (size_t i = 0; i < view->offset_count; i++) {
        if (view->offsets[i].trouble) {
            say("%s-%d: %s", view->offsets[i].topic, (int)view->offsets[i].partition,
                view->offsets[i].trouble);
        }
    }
}

void share_print(const struct share_view *view) {
    char lag[32];
    bool known = cell(lag, sizeof(lag), share_lag_records(view)) != NULL;
    print_text("group %s: %s, %s, coordinator %d, lag %s\n", view->group, view->state,
               view->assignor, (int)view->coordinator, known ? lag : "unknown");
    print_members(view);
    share_print_offsets(view);
}

json_t *share_json(const struct share_view *view) {
    return json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:o,s:o,s:o}", "group", view->group, "state",
                     view->state, "assignor", view->assignor, "coordinator", (int)view->coordinator,
                     "epoch", (int)view->epoch, "assignment_epoch", (int)view->assignment_epoch,
                     "members", json_of_members(view), "offsets", share_json_offsets(view),
                     "lag_records", number_or_null(share_lag_records(view)));
}
