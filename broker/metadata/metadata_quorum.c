/* The leader looks into its Raft group; what it says to others is written and read here, too. */
#include "broker/metadata/metadata_quorum.h"

#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "broker/metadata/metadata_group_internal.h"

enum { FORMAT = 1, MEMBER_SIZE = 4 + 1 + 8 + 8 + 8 };

/* ---- On the leader ---- */

static bool is_voter(const struct raft_group_configuration *now, replica_id replica) {
    for (size_t i = 0; i < now->count; i++)
        if (now->servers[i].replica == replica) return now->servers[i].voter;
    return false;
}

static void look_at_member(const struct metadata_group *group, const struct roster_broker *broker,
                           bool voter, int64_t last, struct quorum_member *member) {
    int64_t now_ms = env_wall_ms(group->env);
    log_index match = 0;
    uint64_t silent_ms = UINT64_MAX;
    *member = (struct quorum_member){
        .node = broker->node, .voter = voter, .end = -1, .heard_ms = -1, .caught_up_ms = -1};
    if (!raft_group_member_progress(group->group, broker->replica, &match, &silent_ms)) return;
    if (match > 0) member->end = (int64_t)match + 1;
    int64_t heard_ms = silent_ms < (uint64_t)now_ms ? now_ms - (int64_t)silent_ms : -1;
    if ((int64_t)match == last) member->caught_up_ms = heard_ms;
    if (member->node != group->node) member->heard_ms = heard_ms;
}

static void look_at_quorum(const struct metadata_group *group, struct quorum *quorum) {
    bool leading = group->leading && raft_group_is_leading(group->group);
    *quorum = (struct quorum){.leader = leading ? group->node : -1};
    if (!leading) return;
    int64_t last = (int64_t)partition_log_last_index(raft_group_log(group->group));
    quorum->term = raft_group_leading_term(group->group);
    quorum->high_watermark = (int64_t)raft_group_commit_index(group->group) + 1;
    struct raft_group_configuration now;
    raft_group_configuration(group->group, &now);
    for (; quorum->member_count < metadata_roster_count(group->metadata); quorum->member_count++) {
        const struct roster_broker *broker = metadata_roster_at(group->metadata,
                                                                quorum->member_count);
        look_at_member(group, broker, is_voter(&now, broker->replica), last,
                       &quorum->members[quorum->member_count]);
    }
}

/* ---- As bytes ---- */

static struct slice quorum_encode(const struct quorum *quorum) {
    struct kp_writer writer;
    kp_writer_init(&writer, 64 + (size_t)MEMBER_SIZE * ROSTER_MAX);
    kp_write_int8(&writer, FORMAT);
    kp_write_int32(&writer, quorum->leader);
    kp_write_int64(&writer, quorum->term);
    kp_write_int64(&writer, quorum->high_watermark);
    kp_write_int32(&writer, (int32_t)quorum->member_count);
    for (size_t i = 0; i < quorum->member_count; i++) {
        const struct quorum_member *member = &quorum->members[i];
        kp_write_int32(&writer, member->node);
        kp_write_bool(&writer, member->voter);
        kp_write_int64(&writer, member->end);
        kp_write_int64(&writer, member->heard_ms);
        kp_write_int64(&writer, member->caught_up_ms);
    }
    uint8_t *data;
    size_t len;
    int error = kp_writer_take(&writer, &data, &len);
    CHECK(error == ERR_NONE); /* there is room for ROSTER_MAX members */
    return slice_adopt(NULL, data, len);
}

static bool quorum_decode(const uint8_t *bytes, size_t len, struct quorum *quorum) {
    struct kp_reader reader;
    memset(quorum, 0, sizeof *quorum);
    kp_reader_init(&reader, bytes, len);
    if (kp_read_int8(&reader) != FORMAT) return false;
    quorum->leader = kp_read_int32(&reader);
    quorum->term = (log_term)kp_read_int64(&reader);
    quorum->high_watermark = kp_read_int64(&reader);
    int32_t count = kp_read_count(&reader, false, false, MEMBER_SIZE);
    if (count > ROSTER_MAX) return false;
    for (int32_t i = 0; i < count; i++) {
        struct quorum_member *member = &quorum->members[quorum->member_count++];
        member->node = kp_read_int32(&reader);
        member->voter = kp_read_bool(&reader);
        member->end = kp_read_int64(&reader);
        member->heard_ms = kp_read_int64(&reader);
        member->caught_up_ms = kp_read_int64(&reader);
    }
    return reader.error == ERR_NONE;
}

/* ---- Between brokers ---- */

static void on_quorum_request(void *arg, struct broker_caller caller, const uint8_t *body,
                              size_t len) {
    struct metadata_group *group = arg;
    struct quorum quorum;
    (void)body;
    (void)len;
    look_at_quorum(group, &quorum);
    broker_messages_answer(group->messages, caller, quorum_encode(&quorum));
}

void metadata_quorum_open(struct metadata_group *group) {
    broker_messages_serve(group->messages, BROKER_REQUEST_QUORUM, on_quorum_request, group);
}

void metadata_quorum_close(struct metadata_group *group) {
    broker_messages_serve(group->messages, BROKER_REQUEST_QUORUM, NULL, NULL);
}

static void on_quorum_answer(struct broker_call *call, int error, const uint8_t *answer,
                             size_t len) {
    struct quorum_ask *ask = CONTAINER_OF(call, struct quorum_ask, call);
    struct quorum quorum;
    bool known = error == ERR_NONE && quorum_decode(answer, len, &quorum) && quorum.leader >= 0;
    ask->done(ask, known ? &quorum : NULL);
}

bool metadata_quorum_ask(struct metadata_group *group, struct quorum_ask *ask, struct quorum *now) {
    int32_t leader = metadata_group_leader(group);
    look_at_quorum(group, now);
    if (leader < 0 || leader == group->node) return true;
    ask->group = group;
    ask->call = (struct broker_call){.done = on_quorum_answer};
    broker_messages_call(group->messages, &ask->call, leader, BROKER_REQUEST_QUORUM,
                         slice_copy(NULL, "", 0), QUORUM_ASK_MS);
    return false;
}

void metadata_quorum_ask_cancel(struct quorum_ask *ask) {
    if (ask->group != NULL) broker_messages_call_cancel(ask->group->messages, &ask->call);
}
