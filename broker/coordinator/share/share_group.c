/* Heartbeats of share groups, members and their sessions; who fetches what is in share_assign.c. */
#include "broker/coordinator/share/share_group_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "broker/config/group_settings.h"
#include "broker/config/topic_name.h"
#include "broker/coordinator/share/share_work.h"
#include "broker/metadata/metadata.h"
#include "protocol/coordinator_records/coordinator_record.h"
#include "protocol/coordinator_records/share_group_record.h"
#include "protocol/kafka_error.h"

enum { MEMBER_ID_MAX = 36 };

/* ---- The group ---- */

const char *share_group_state(const struct share_group *group) {
    return group->member_count == 0 ? "Empty" : "Stable";
}

static void charge_places(struct share_group *group) {
    group_release(group->row, group->places_charged);
    group->places_charged = share_places_bytes(&group->places);
    group_charge(group->row, group->places_charged);
}

static void read_places(struct share_group *group, const struct kp_record_type *type,
                        const struct coordinator_record *record) {
    struct kp_share_places_value value;
    struct kp_arena arena;
    kp_arena_init(&arena, 64 * record->value_len + 65536);
    if (kp_record_value_decode(type, record->value, record->value_len, &arena, &value, NULL) ==
        ERR_NONE)
        share_places_read(&group->places, &value);
    kp_arena_close(&arena);
}

static void apply_places(struct group_table *table, const struct kp_record_type *type,
                         const struct coordinator_record *record) {
    struct kp_consumer_group_key key;
    if (kp_record_key_decode(type, record->key, record->key_len, &key) != ERR_NONE) return;
    struct group *row = group_find(table, key.group);
    if (row == NULL || row->share == NULL) return;
    share_places_close(&row->share->places);
    if (!record->tombstone) read_places(row->share, type, record);
    charge_places(row->share);
}

void share_group_apply(struct group_table *table, const struct kp_record_type *type,
                       const struct coordinator_record *record) {
    struct kp_consumer_group_key key;
    struct kp_share_group_value value;
    if (type->number == KP_RECORD_SHARE_PLACES) {
        apply_places(table, type, record);
        return;
    }
    if (kp_record_key_decode(type, record->key, record->key_len, &key) != ERR_NONE) return;
    if (record->tombstone) {
        struct group *row = group_find(table, key.group);
        if (row == NULL) return;
        share_group_drop(row);
        group_settle(row);
        return;
    }
    if (kp_record_value_decode(type, record->value, record->value_len, NULL, &value, NULL) !=
        ERR_NONE)
        return;
    struct group *row = group_make(table, key.group);
    if (row->share == NULL) {
        row->share = mem_zalloc(sizeof *row->share);
        row->share->row = row;
        group_charge(row, sizeof *row->share);
    }
    row->share->first_epoch = row->share->epoch = value.epoch;
}

/* ---- Members ---- */

static struct share_member *member_find(const struct share_group *group, struct kp_string id) {
    struct share_member *member;
    HASH_FIND(hh, group->members, id.data, (size_t)id.len, member);
    return member;
}

static void charge_member(struct share_member *member) {
    struct group *row = member->group->row;
    group_release(row, member->charged);
    member->charged = sizeof *member + strlen(member->id) + strlen(member->client_id) +
                      strlen(member->client_host) + 3 + member->names_len +
                      member->assigned_count * sizeof *member->assigned;
    group_charge(row, member->charged);
}

static void member_free(struct share_member *member) {
    struct share_group *group = member->group;
    share_readers_leave(member);
    group_release(group->row, member->charged);
    group_timer_clear(group->row->table->timers, &member->session);
    HASH_DEL(group->members, member);
    group->member_count--;
    group->row->members--;
    mem_free(member->id);
    mem_free(member->names);
    mem_free(member->client_id);
    mem_free(member->client_host);
    mem_free(member->assigned);
    mem_free(member);
}

static void session_over(struct group_timer *timer) {
    struct share_member *member = CONTAINER_OF(timer, struct share_member, session);
    struct share_group *group = member->group;
    member_free(member);
    group->epoch++;
}

static char *text_of(struct kp_string said) {
    return mem_text(said.len > 0 ? said.data : "", said.len > 0 ? (size_t)said.len : 0);
}

static struct share_member *member_new(struct share_group *group, struct kp_string id,
                                       const struct share_heartbeat *heartbeat) {
    struct share_member *member = mem_zalloc(sizeof *member);
    member->group = group;
    member->id = mem_text(id.data, (size_t)id.len);
    member->client_id = text_of(heartbeat->client_id);
    member->client_host = text_of(heartbeat->client_host);
    member->session.due = session_over;
    HASH_ADD_KEYPTR(hh, group->members, member->id, (size_t)id.len, member);
    if (group->member_count++ == 0) group->confirmed_version = 0;
    group->row->members++;
    return member;
}

void share_group_lost(struct share_group *group) {
    share_work_lost(group);
    group->looked_version = group->confirmed_version = 0;
    group->epoch = group->first_epoch;
    while (group->members != NULL)
        member_free(group->members);
}

void share_group_drop(struct group *row) {
    if (row->share == NULL) return;
    share_group_lost(row->share);
    share_places_close(&row->share->places);
    charge_places(row->share);
    group_release(row, sizeof *row->share);
    mem_free(row->share);
    row->share = NULL;
}

/* ---- A heartbeat ---- */

static int16_t say(struct share_heartbeat *heartbeat, int16_t error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(heartbeat->message, sizeof heartbeat->message, format, args);
    va_end(args);
    return error;
}

static void answer(struct share_heartbeat *heartbeat, int16_t error) {
    struct group_turn *turn = &heartbeat->call.turn;
    group_call_answer(turn->group->table, &heartbeat->call, error);
    group_turn_end(turn);
}

static int compare_names(const void *a, const void *b) {
    const struct kp_string *one = a, *other = b;
    size_t len = (size_t)(one->len < other->len ? one->len : other->len);
    int order = memcmp(one->data, other->data, len);
    return order != 0 ? order : (one->len > other->len) - (one->len < other->len);
}

/* The names that a topic can have, sorted, each once. A name with a zero would be the name of
 * another topic, which nobody asked the permissions of. */
static size_t list_names(const struct kp_share_group_heartbeat_request *request,
                         struct kp_string *list) {
    size_t legal = 0, count = 0;
    for (int32_t i = 0; i < request->subscribed_topic_names.count; i++) {
        const struct kp_string *name = &request->subscribed_topic_names.items[i];
        struct error_text why;
        if (name->len > 0 && topic_name_check(name->data, (size_t)name->len, &why) == ERR_NONE)
            list[legal++] = *name;
    }
    if (legal > 0) qsort(list, legal, sizeof *list, compare_names);
    for (size_t i = 0; i < legal; i++)
        if (count == 0 || compare_names(&list[i], &list[count - 1]) != 0) list[count++] = list[i];
    return count;
}

/* The names, one behind the other, each with a zero. */
static char *names_of(const struct kp_share_group_heartbeat_request *request, size_t *len) {
    struct kp_string *list = mem_alloc(((size_t)request->subscribed_topic_names.count + 1) *
                                       sizeof *list);
    size_t count = list_names(request, list), at = 0;
    *len = 0;
    for (size_t i = 0; i < count; i++)
        *len += (size_t)list[i].len + 1;
    char *names = mem_zalloc(*len + 1);
    for (size_t i = 0; i < count; at += (size_t)list[i++].len + 1)
        memcpy(names + at, list[i].data, (size_t)list[i].len);
    mem_free(list);
    return names;
}

/* If they are others than before, all members are told anew. */
static void take_names(struct share_member *member,
                       const struct kp_share_group_heartbeat_request *request) {
    struct share_group *group = member->group;
    size_t len;
    if (request->subscribed_topic_names.count < 0) return;
    char *names = names_of(request, &len);
    if (member->names != NULL && member->names_len == len &&
        memcmp(member->names, names, len) == 0) {
        mem_free(names);
        return;
    }
    share_readers_leave(member);
    mem_free(member->names);
    member->names = names;
    member->names_len = len;
    group->epoch++;
    if (share_readers_enter(member)) group->looked_version = 0;
}

/* It is new, or subscribes to more than before. */
static bool takes_more(const struct group *row, const struct share_heartbeat *heartbeat) {
    const struct kp_share_group_heartbeat_request *request = heartbeat->request;
    const struct share_member *member = row->share == NULL
                                            ? NULL
                                            : member_find(row->share, request->member_id);
    size_t len;
    if (member == NULL) return request->member_epoch == 0;
    if (request->member_epoch < 0 || request->subscribed_topic_names.count < 0) return false;
    mem_free(names_of(request, &len));
    return len > member->names_len;
}

static void beat(struct share_group *group, struct share_member *member,
                 struct share_heartbeat *heartbeat) {
    const struct kp_share_group_heartbeat_request *request = heartbeat->request;
    const struct group_table *table = group->row->table;
    struct group_sharing sharing = share_group_sharing(group->row);
    bool joins = request->member_epoch == 0;
    take_names(member, request);
    share_group_follow(group);
    share_work_begin_places(group);
    bool changed = share_member_assign(member);
    charge_member(member);
    if (member->epoch != group->epoch) member->previous_epoch = member->epoch;
    member->epoch = group->epoch;
    heartbeat->member_epoch = member->epoch;
    heartbeat->interval_ms = (int32_t)sharing.heartbeat_interval_ms;
    group_timer_set(group->row->table->timers, &member->session,
                    env_now_ms(table->env) + sharing.session_timeout_ms);
    if (!joins && !changed && request->subscribed_topic_names.count < 0) return;
    heartbeat->has_assignment = true;
    heartbeat->assigned_count = member->assigned_count;
    heartbeat->assigned = mem_alloc(member->assigned_count * sizeof *heartbeat->assigned);
    if (member->assigned_count > 0)
        memcpy(heartbeat->assigned, member->assigned,
               member->assigned_count * sizeof *heartbeat->assigned);
}

static int16_t find_member(struct share_group *group, struct share_heartbeat *heartbeat,
                           struct share_member **found) {
    const struct kp_share_group_heartbeat_request *request = heartbeat->request;
    struct share_member *member = *found = member_find(group, request->member_id);
    if (member == NULL && request->member_epoch != 0) return KAFKA_UNKNOWN_MEMBER_ID;
    if (member == NULL && share_work_needs_it_empty(group))
        return say(heartbeat, KAFKA_COORDINATOR_LOAD_IN_PROGRESS,
                   "Where the group begins is being changed.");
    if (member == NULL && group->member_count >= SHARE_GROUP_MEMBERS_MAX)
        return say(heartbeat, KAFKA_GROUP_MAX_SIZE_REACHED, "The group has %d members already.",
                   SHARE_GROUP_MEMBERS_MAX);
    if (member == NULL) *found = member_new(group, request->member_id, heartbeat);
    if (request->member_epoch > 0 && request->member_epoch != member->epoch &&
        request->member_epoch != member->previous_epoch)
        return KAFKA_FENCED_MEMBER_EPOCH;
    return KAFKA_NONE;
}

static void beat_in(struct share_group *group, struct share_heartbeat *heartbeat) {
    struct share_member *member;
    int16_t error = find_member(group, heartbeat, &member);
    heartbeat->member_epoch = heartbeat->request->member_epoch;
    if (error == KAFKA_NONE && heartbeat->request->member_epoch < 0) {
        member_free(member);
        group->epoch++;
    } else if (error == KAFKA_NONE) {
        beat(group, member, heartbeat);
    }
    answer(heartbeat, error);
}

static void created(struct group_turn *turn, int16_t error) {
    struct share_heartbeat *heartbeat = CONTAINER_OF(turn, struct share_heartbeat, call.turn);
    if (error != KAFKA_NONE || turn->group->share == NULL)
        answer(heartbeat, error != KAFKA_NONE ? error : KAFKA_COORDINATOR_NOT_AVAILABLE);
    else
        beat_in(turn->group->share, heartbeat);
}

static void run(struct group_turn *turn) {
    struct share_heartbeat *heartbeat = CONTAINER_OF(turn, struct share_heartbeat, call.turn);
    struct group *row = turn->group;
    if (heartbeat->request->member_epoch == 0) group_pay(row, heartbeat->client_host);
    if (group_refuses_more(row) && takes_more(row, heartbeat)) {
        answer(heartbeat,
               say(heartbeat, KAFKA_COORDINATOR_NOT_AVAILABLE,
                   "The memory for groups (group.memory.bytes) is spent, or the share of this "
                   "host."));
    } else if (row->share != NULL) {
        beat_in(row->share, heartbeat);
    } else if (!group_is_unknown(row)) {
        answer(heartbeat,
               say(heartbeat, KAFKA_GROUP_ID_NOT_FOUND,
                   "There is a %s group of that name; delete it, or choose another name.",
                   group_kind_of(row) == GROUP_CONSUMER ? "consumer" : "classic"));
    } else if (heartbeat->request->member_epoch != 0) {
        answer(heartbeat, KAFKA_GROUP_ID_NOT_FOUND);
    } else {
        struct share_group fresh = {.row = row, .first_epoch = 1};
        struct group_batch batch;
        group_batch_open(&batch);
        share_group_record(&fresh, &batch);
        turn->written = created;
        group_turn_write(turn, &batch);
        group_batch_close(&batch);
    }
}

static bool has_zero(struct kp_string id) {
    return id.len > 0 && memchr(id.data, '\0', (size_t)id.len) != NULL;
}

static int16_t check(const struct group_table *table, struct share_heartbeat *heartbeat) {
    const struct kp_share_group_heartbeat_request *request = heartbeat->request;
    if (has_zero(request->group_id) || has_zero(request->member_id))
        return say(heartbeat, KAFKA_INVALID_REQUEST,
                   "GroupId and MemberId must not have a NUL character.");
    if (request->member_id.len <= 0 || request->member_id.len > MEMBER_ID_MAX)
        return say(heartbeat, KAFKA_INVALID_REQUEST, "MemberId must have 1 to %d characters.",
                   MEMBER_ID_MAX);
    if (request->rack_id.len == 0)
        return say(heartbeat, KAFKA_INVALID_REQUEST, "RackId can't be empty.");
    if (request->member_epoch == 0 && request->subscribed_topic_names.count <= 0)
        return say(heartbeat, KAFKA_INVALID_REQUEST,
                   "SubscribedTopicNames must be set in first request.");
    if (request->subscribed_topic_names.count > SHARE_NAMES_MAX)
        return say(heartbeat, KAFKA_INVALID_REQUEST,
                   "A member can subscribe to %d topics; subscribe to fewer, or share them among "
                   "several groups.",
                   SHARE_NAMES_MAX);
    if (request->member_epoch < -1)
        return say(heartbeat, KAFKA_INVALID_REQUEST, "MemberEpoch is invalid.");
    if (request->member_epoch == 0 && !group_id_fits(table, request->group_id))
        return say(heartbeat, KAFKA_INVALID_REQUEST, "GroupId is longer than group.id.max.bytes.");
    return KAFKA_NONE;
}

void share_heartbeat_take(struct group_table *table, struct share_heartbeat *heartbeat) {
    const struct kp_share_group_heartbeat_request *request = heartbeat->request;
    int16_t error = check(table, heartbeat);
    heartbeat->call.kind = GROUP_OTHER;
    struct group *group = error != KAFKA_NONE          ? NULL
                          : request->member_epoch == 0 ? group_make(table, request->group_id)
                                                       : group_find(table, request->group_id);
    if (error == KAFKA_NONE && group == NULL)
        error = say(heartbeat, KAFKA_GROUP_ID_NOT_FOUND, "There is no such share group.");
    if (error != KAFKA_NONE)
        group_call_answer(table, &heartbeat->call, error);
    else
        group_call_take(group, &heartbeat->call, run);
}

void share_heartbeat_release(struct share_heartbeat *heartbeat) {
    mem_free(heartbeat->assigned);
    heartbeat->assigned = NULL;
}
