/* The coordinator, its log, its clock; calls whose answers are kept as text. */
#include "tests/unit/broker/coordinator/fixture_groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The coordinator ---- */

/* Nobody knows whether the metadata is up to date. */
static void ask(void *arg, struct producer_ids_ask *question) {
    (void)arg;
    (void)question;
}

static struct group_coordinator *coordinator_new(struct groups *groups) {
    struct group_coordinator_options options = {.env = groups->clock.env,
                                                .settings = &groups->settings,
                                                .memory = &groups->memory,
                                                .metadata = groups->metadata,
                                                .ask = ask,
                                                .ask_cancel = ask};
    return group_coordinator_new(&options, &groups->log.log);
}

void groups_open(struct groups *groups) {
    memset(groups, 0, sizeof *groups);
    group_clock_open(&groups->clock);
    groups->settings.group_min_session_timeout_ms = 6000;
    groups->settings.group_max_session_timeout_ms = 1800000;
    groups->settings.group_initial_rebalance_delay_ms = 3000;
    groups->settings.group_max_size = 100;
    groups->settings.group_consumer_may_upgrade = true;
    groups->settings.group_consumer_may_downgrade = true;
    groups->settings.group_consumer_session_timeout_ms = 45000;
    groups->settings.group_consumer_heartbeat_interval_ms = 5000;
    groups->settings.group_consumer_min_session_timeout_ms = 45000;
    groups->settings.group_consumer_max_session_timeout_ms = 60000;
    groups->settings.group_consumer_min_heartbeat_interval_ms = 5000;
    groups->settings.group_consumer_max_heartbeat_interval_ms = 15000;
    groups->settings.group_consumer_max_assignment_interval_ms = 15000;
    groups->settings.group_consumer_regex_refresh_interval_ms = 600000;
    groups->settings.group_consumer_max_size = 100;
    groups->settings.offsets_retention_ms = 604800000;
    groups->settings.offsets_check_interval_ms = 600000;
    groups->settings.group_max_bytes = 8 << 20;
    groups->settings.group_id_max_bytes = 1024;
    groups->settings.message_max_bytes = 1 << 20;
    group_memory_init(&groups->memory, 256 << 20, 1);
    groups->metadata = metadata_new(1, 1);
    groups->coordinator = coordinator_new(groups);
    groups->table = group_coordinator_groups(groups->coordinator);
    fake_log_open(&groups->log, &group_coordinator_state, groups->coordinator);
    fake_log_keep(&groups->log, true);
    fake_log_lead(&groups->log);
}

void groups_close(struct groups *groups) {
    groups_compare(groups);
    fake_log_keep(&groups->log, false);
    if (groups->log.leading) fake_log_lose(&groups->log, false);
    groups_turn(groups);
    group_coordinator_state.free(groups->coordinator);
    assert_int_equal(groups->memory.budget.used, 0);
    assert_null(groups->memory.payers);
    metadata_free(groups->metadata);
    fake_log_close(&groups->log);
    group_clock_close(&groups->clock);
}

void groups_turn(struct groups *groups) {
    do
        group_clock_turn(&groups->clock);
    while (groups->table->answered != NULL); /* the simulator's turns are long now and then */
}

void groups_compare(struct groups *groups) {
    struct group_coordinator *replayed = coordinator_new(groups);
    fake_log_replay(&groups->log, replayed);
    fake_log_compare(&groups->log, groups->coordinator, replayed);
    group_coordinator_state.free(replayed);
    struct group_coordinator *restored = coordinator_new(groups);
    fake_log_restore(&groups->log, restored);
    fake_log_compare(&groups->log, groups->coordinator, restored);
    group_coordinator_state.free(restored);
}

size_t groups_commit(struct groups *groups) {
    groups_turn(groups);
    size_t count = fake_log_commit_all(&groups->log);
    groups_turn(groups);
    groups_compare(groups);
    return count;
}

void groups_pass(struct groups *groups, uint64_t ms) {
    group_clock_pass(&groups->clock, ms);
    groups_turn(groups);
}

void groups_move(struct groups *groups) {
    fake_log_lose(&groups->log, false);
    groups_turn(groups);
    fake_log_lead(&groups->log);
}

static struct kp_string text_of(const char *text) {
    return text == NULL ? KP_NULL_STRING : kp_string_of(text);
}

struct group *groups_find(struct groups *groups, const char *id) {
    return group_find(groups->table, kp_string_of(id));
}

static void add_member(void *arg, const struct classic_view_member *member) {
    char *text = arg;
    size_t at = strlen(text);
    snprintf(text + at, CALL_TEXT - at, "%s%.*s", text[at - 1] == ' ' ? "" : ",", member->id.len,
             member->id.data);
}

const char *groups_state(struct groups *groups) {
    static char text[2 * CALL_TEXT];
    struct group *group = groups_find(groups, "g");
    struct classic_view view;
    char members[CALL_TEXT] = " ";
    if (group == NULL) return "none";
    classic_look(group, &view, add_member, members);
    snprintf(text, sizeof text, "%s %d%s", classic_state_name(view.state), (int)view.generation,
             view.member_count > 0 ? members : "");
    classic_settle(group);
    group_settle(group);
    return text;
}

/* ---- Calls ---- */

static void keep(char into[CALL_TEXT], const struct shared_bytes *bytes) {
    struct kp_string text = shared_string(bytes);
    snprintf(into, CALL_TEXT, "%.*s", text.len < 0 ? 4 : (int)text.len,
             text.len < 0 ? "null" : text.data);
}

static void join_done(struct group_call *call) {
    struct asked *asked = (struct asked *)call;
    asked->error = call->error;
    asked->generation = asked->join.generation;
    asked->skip = asked->join.skip_assignment;
    asked->member_count = asked->join.member_count;
    keep(asked->type, asked->join.type);
    keep(asked->protocol, asked->join.protocol);
    keep(asked->leader, asked->join.leader);
    keep(asked->member, asked->join.member);
    asked->members[0] = '\0';
    for (size_t i = 0; i < asked->join.member_count && i < 8; i++) {
        char id[CALL_TEXT], metadata[CALL_TEXT];
        size_t at = strlen(asked->members);
        keep(id, asked->join.members[i].id);
        keep(metadata, asked->join.members[i].metadata);
        snprintf(asked->members + at, CALL_TEXT - at, "%s%.60s=%.60s", at > 0 ? "," : "", id,
                 metadata);
    }
}

static void call_kept(struct group_call *call) {
    ((struct asked *)call)->kept = true;
}

static void asked_begin(struct asked *asked, struct asks asks, void (*done)(struct group_call *)) {
    if (asked->call.done != NULL && asked->error == NOT_DONE) (void)group_call_cancel(&asked->call);
    memset(asked, 0, sizeof *asked);
    asked->asks = asks;
    asked->error = NOT_DONE;
    asked->call.done = done;
    asked->call.kept = call_kept;
}

static const char * or (const char *text, const char *fallback) {
    return text != NULL ? text : fallback;
}

static size_t split_protocols(struct asked *asked) {
    size_t count = 0;
    snprintf(asked->names, sizeof asked->names, "%s", or (asked->asks.protocols, "range"));
    char *rest = NULL;
    for (char *name = strtok_r(asked->names, ",", &rest); name != NULL;
         name = strtok_r(NULL, ",", &rest)) {
        snprintf(asked->metadata[count], CALL_TEXT, "%.80s:%.80s", name,
                 or (asked->asks.meta, "t"));
        asked->protocols[count] = (struct group_protocol){
            .name = kp_string_of(name),
            .metadata = {(const uint8_t *)asked->metadata[count],
                         (int32_t)strlen(asked->metadata[count])}};
        count++;
    }
    return count;
}

void ask_join(struct groups *groups, struct asked *asked, struct asks asks) {
    asked_begin(asked, asks, join_done);
    int version = asks.version == 0 ? 9 : asks.version;
    struct group_join *join = &asked->join;
    join->group_id = kp_string_of(or (asks.group, "g"));
    join->member_id = kp_string_of(or (asks.member, ""));
    join->instance_id = text_of(asks.instance);
    join->protocol_type = kp_string_of(or (asks.type, "consumer"));
    join->client_id = kp_string_of(or (asks.client, "c"));
    join->client_host = kp_string_of(or (asks.host, "/127.0.0.1"));
    join->protocols = asked->protocols;
    join->protocol_count = split_protocols(asked);
    join->session_timeout_ms = asks.session_ms == 0 ? 10000 : asks.session_ms;
    join->rebalance_timeout_ms = asks.rebalance_ms == 0 ? 60000 : asks.rebalance_ms;
    join->asks_for_id = version >= 4;
    join->skips_assignment = version >= 9;
    join->asker = asks.asker;
    group_coordinator_join(groups->coordinator, join);
    groups_turn(groups);
}

static void sync_done(struct group_call *call) {
    struct asked *asked = (struct asked *)call;
    asked->error = call->error;
    keep(asked->type, asked->sync.type);
    keep(asked->protocol, asked->sync.chosen);
    keep(asked->assignment, asked->sync.assignment);
}

void ask_sync(struct groups *groups, struct asked *asked, struct asks asks) {
    asked_begin(asked, asks, sync_done);
    struct group_sync *sync = &asked->sync;
    sync->group_id = kp_string_of(or (asks.group, "g"));
    sync->member_id = kp_string_of(or (asks.member, ""));
    sync->instance_id = text_of(asks.instance);
    sync->protocol_type = text_of(asks.type);
    sync->protocol = text_of(asks.protocol);
    sync->generation = asks.generation;
    sync->assignments = asked->assignments;
    snprintf(asked->assigned, sizeof asked->assigned, "%s", or (asks.assign, ""));
    char *rest = NULL;
    for (char *one = strtok_r(asked->assigned, ",", &rest); one != NULL;
         one = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(one, '=');
        *value++ = '\0';
        asked->assignments[sync->assignment_count++] = (struct group_assignment){
            .member_id = kp_string_of(one),
            .assignment = {(const uint8_t *)value, (int32_t)strlen(value)}};
    }
    group_coordinator_sync(groups->coordinator, sync);
    groups_turn(groups);
}

static void plain_done(struct group_call *call) {
    ((struct asked *)call)->error = call->error;
}

int ask_heartbeat(struct groups *groups, struct asks asks) {
    static struct asked asked;
    asked_begin(&asked, asks, plain_done);
    asked.heartbeat.group_id = kp_string_of(or (asks.group, "g"));
    asked.heartbeat.member_id = kp_string_of(or (asks.member, ""));
    asked.heartbeat.instance_id = text_of(asks.instance);
    asked.heartbeat.generation = asks.generation;
    asked.heartbeat.asker = asks.asker;
    group_coordinator_heartbeat(groups->coordinator, &asked.heartbeat);
    groups_turn(groups);
    assert_int_not_equal(asked.error, NOT_DONE);
    return asked.error;
}

void ask_leave(struct groups *groups, struct asked *asked, const char *group, const char *leavers) {
    asked_begin(asked, (struct asks){0}, plain_done);
    asked->leave.group_id = kp_string_of(group);
    asked->leave.leavers = asked->leavers;
    snprintf(asked->names, sizeof asked->names, "%s", leavers);
    char *rest = NULL;
    for (char *one = strtok_r(asked->names, ",", &rest); one != NULL;
         one = strtok_r(NULL, ",", &rest)) {
        char *instance = strchr(one, '/');
        if (instance != NULL) *instance++ = '\0';
        asked->leavers[asked->leave.leaver_count++] = (struct group_leaver){
            .member_id = kp_string_of(one), .instance_id = text_of(instance)};
    }
    group_coordinator_leave(groups->coordinator, &asked->leave);
    groups_turn(groups);
}

int ask_commit_check(struct groups *groups, struct asks asks) {
    struct group_committer committer = {.member_id = kp_string_of(or (asks.member, "")),
                                        .instance_id = text_of(asks.instance),
                                        .generation = asks.generation};
    struct group *group = groups_find(groups, or (asks.group, "g"));
    assert_non_null(group);
    return classic_check_commit(group, &committer);
}

/* ---- A group that works ---- */

static void add_stable(struct group_batch *batch, const char *id, int count, bool instances) {
    enum { MOST = 10 };
    struct kp_classic_group_member members[MOST];
    char ids[MOST][16], names[MOST][16], assignments[MOST][16];
    for (int i = 0; i < count; i++) {
        snprintf(ids[i], sizeof ids[i], "m%d", i + 1);
        snprintf(names[i], sizeof names[i], "i%d", i + 1);
        snprintf(assignments[i], sizeof assignments[i], "a%d", i + 1);
        members[i] = (struct kp_classic_group_member){
            .member_id = kp_string_of(ids[i]),
            .group_instance_id = instances ? kp_string_of(names[i]) : KP_NULL_STRING,
            .client_id = kp_string_of("c"),
            .client_host = kp_string_of("/127.0.0.1"),
            .rebalance_timeout_ms = 60000,
            .session_timeout_ms = 10000,
            .subscription = {(const uint8_t *)"range:t", 7},
            .assignment = {(const uint8_t *)assignments[i], 2}};
    }
    struct kp_classic_group_value value;
    kp_set_fallbacks(&kp_classic_group_value_schema, &value);
    value.protocol_type = kp_string_of("consumer");
    value.generation = 1;
    value.protocol = kp_string_of("range");
    value.leader = kp_string_of("m1");
    value.members.items = members;
    value.members.count = count;
    struct group group = {.id = kp_string_of(id)};
    classic_record_add(&group, &value, batch);
}

void groups_stable(struct groups *groups, int count, bool instances) {
    struct group_batch batch;
    group_batch_open(&batch);
    add_stable(&batch, "g", count, instances);
    fake_log_lose(&groups->log, false);
    fake_log_apply(&groups->log, batch.records, batch.count);
    group_batch_close(&batch);
    fake_log_lead(&groups->log);
}

void groups_many_stable(struct groups *groups, int count, int members) {
    struct group_batch batch;
    char id[16];
    group_batch_open(&batch);
    for (int i = 0; i < count; i++) {
        snprintf(id, sizeof id, "g%d", i);
        add_stable(&batch, id, members, false);
    }
    fake_log_lose(&groups->log, false);
    fake_log_apply(&groups->log, batch.records, batch.count);
    group_batch_close(&batch);
}
