/* What members of both protocols do: finding the coordinator, reading, committing. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/messages/fetch.h"
#include "tests/sim/decode.h"
#include "tests/sim/groups/member_internal.h"
#include "tests/sim/offset_calls.h"

enum { BACKOFF_US = 40000, WORK_US = 15000, COMMIT_US = 120000, LATE_US = 6000 };

/* ---- Calls to the coordinator ---- */

void member_later(struct member *member, uint64_t typical_us) {
    env_timer_start(member->timer, typical_us / 2 + member_draw(member, typical_us + 1));
}

bool member_is_static(const struct member *member) {
    return member->options->instance[0] != '\0';
}

struct kp_string member_instance(const struct member *member) {
    return member_is_static(member) ? kp_string_of(member->options->instance) : KP_NULL_STRING;
}

static uint32_t leads_in(const struct member *member, int32_t node) {
    const struct member_options *options = member->options;
    return options->leads(options->arg, options->group, node);
}

int64_t member_log_end(const struct member *member) {
    const struct member_options *options = member->options;
    return options->log_end(options->arg, options->group, member->asked);
}

void member_call(struct member *member, enum kp_api_key key, int version, const void *request,
                 uint64_t timeout_us) {
    member->sent_us = world_now_us(member->run->world);
    member->asked = member->coordinator;
    member->in_term = leads_in(member, member->asked);
    member->asked_at = member_log_end(member);
    kafka_link_call(member->links[member->coordinator], &member->call, key, version, request,
                    timeout_us);
}

uint32_t member_answered_in(const struct member *member) {
    return leads_in(member, member->asked) == member->in_term ? member->in_term : 0;
}

static bool moves(int16_t code) {
    return code == KAFKA_NOT_COORDINATOR || code == KAFKA_COORDINATOR_NOT_AVAILABLE ||
           code == KAFKA_COORDINATOR_LOAD_IN_PROGRESS;
}

static bool is_in_rebalance(const struct member *member) {
    bool kip848 = member->protocol == MEMBER_KIP_848;
    return kip848 ? member->epoch > 0 && member->must_say_owned : member->state == SYNCS;
}

bool member_coordinator_moved(struct member *member, int error, int16_t code) {
    if (error == ERR_NONE && !moves(code)) return false;
    run_count(member->run, RARE_MOVED_IN_REBALANCE, is_in_rebalance(member));
    if (member->holder != NULL) holder_unknown(member->holder);
    run_count(member->run, RARE_MEMBERS_SENT_ON, error == ERR_NONE);
    if (member_draw(member, 4) > 0) member->coordinator = -1;
    member_later(member, BACKOFF_US);
    return true;
}

_Noreturn void member_fail(struct member *member, int16_t code, const char *what) {
    run_fail(member->run, "group %s: %s of the member in seat %u gets %s",
             book_group_name(member->options->group), what, member->options->seat,
             kafka_error_name(code));
}

static void found(struct kafka_call *call, int error, const void *answer) {
    struct member *member = CONTAINER_OF(call, struct member, call);
    int32_t node = -1;
    int16_t code = error == ERR_NONE ? coordinator_answer(call, answer, &node) : KAFKA_NONE;
    if (error == ERR_NONE && code == KAFKA_NONE) member->coordinator = node;
    if (code != KAFKA_NONE && !moves(code)) member_fail(member, code, "FindCoordinator");
    member_later(member, member->coordinator < 0 ? BACKOFF_US : 1000);
}

/* ---- What it has ---- */

static bool is_of_run(const struct member *member, const struct owned *one) {
    return kp_uuid_is_zero(one->topic) && one->partition < member->options->partitions;
}

void member_begins(struct member *member) {
    member->holder = holder_new(member->options->group, member->options->seat,
                                member_is_static(member));
}

/* Partitions of the run's topic are read; others come and go. */
static void look_at_places(struct member *member) {
    const struct owned_list *holds = holder_holds(member->holder);
    uint32_t tenures[HISTORY_PARTITIONS_MAX] = {0};
    for (size_t i = 0; i < holds->count; i++)
        if (is_of_run(member, &holds->items[i]))
            tenures[holds->items[i].partition] = holder_tenure(member->holder, &holds->items[i]);
    for (int32_t p = 0; p < member->options->partitions; p++)
        if (member->places[p].tenure != tenures[p])
            member->places[p] = (struct place){
                .tenure = tenures[p], .position = -1, .committed = -1};
}

void member_told(struct member *member, int32_t epoch, const struct owned_list *list) {
    holder_told(member->holder, kp_string_of(member->id), epoch, list, member_answered_in(member));
    look_at_places(member);
}

void member_gives_up_all(struct member *member) {
    if (member->holder == NULL) return;
    holder_gives_up_all(member->holder);
    look_at_places(member);
}

/* ---- Commits ---- */

static struct offset_asker asker_of(const struct member *member) {
    return (struct offset_asker){.group = book_group_name(member->options->group),
                                 .member_id = kp_string_of(member->id),
                                 .instance_id = member_instance(member),
                                 .epoch = member->epoch,
                                 .is_kip_848 = member->protocol == MEMBER_KIP_848};
}

static bool refuses_commit(int16_t code) {
    return code == KAFKA_UNKNOWN_MEMBER_ID || code == KAFKA_ILLEGAL_GENERATION ||
           code == KAFKA_STALE_MEMBER_EPOCH || code == KAFKA_REBALANCE_IN_PROGRESS ||
           code == KAFKA_FENCED_INSTANCE_ID || code == KAFKA_GROUP_ID_NOT_FOUND ||
           code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION || code == KAFKA_UNKNOWN_TOPIC_ID;
}

static void commit_done(struct kafka_call *call, int error, const void *answer) {
    struct member_commit *commit = CONTAINER_OF(call, struct member_commit, call);
    struct member *member = commit->member;
    enum commit_outcome outcome = COMMIT_UNKNOWN;
    commit->under_way = false;
    if (error == ERR_NONE) {
        int16_t code = offset_commit_answer(answer);
        if (code == KAFKA_NONE)
            outcome = COMMIT_ACKNOWLEDGED;
        else if (refuses_commit(code))
            outcome = COMMIT_REFUSED;
        else if (!moves(code))
            member_fail(member, code, "OffsetCommit");
    }
    book_commit_ended(member->options->book, commit->number, outcome);
    struct place *place = &member->places[commit->partition];
    if (outcome == COMMIT_ACKNOWLEDGED && place->tenure == commit->tenure)
        place->committed = commit->offset;
}

static void send_commit(struct member *member, struct member_commit *commit,
                        struct kafka_link *link, int32_t p, uint32_t tenure, int32_t epoch,
                        int64_t offset) {
    struct offset_asker asker = asker_of(member);
    char note[COMMIT_NOTE_MAX];
    asker.epoch = epoch;
    commit->member = member;
    commit->under_way = true;
    commit->partition = p;
    commit->tenure = tenure;
    commit->offset = offset;
    commit->number = book_commit(member->holder, p, tenure, epoch, offset, note);
    commit->call.done = commit_done;
    offset_commit_call(member->client, link, &commit->call, &asker, p, offset, note);
}

/* A commit that was on its way while the partition was given up: it left before, on a connection of
 * its own, and arrives behind what says so. */
static void commit_late(void *arg) {
    struct member *member = arg;
    const struct member_late *late = &member->late;
    if (member->late_commit.under_way || member->coordinator < 0 || member->gone) return;
    if (strcmp(late->id, member->id) != 0) return;
    run_count(member->run, RARE_COMMITS_LATE, 1);
    send_commit(member, &member->late_commit, member->strays[member->coordinator], late->partition,
                late->tenure, late->epoch, late->offset);
}

static void begin_late(struct member *member, int32_t p) {
    const struct place *place = &member->places[p];
    bool may = place->position > place->committed && !member->commit.under_way &&
               !member->late_commit.under_way;
    if (!may || member_draw(member, 2) == 0) return;
    member->late = (struct member_late){
        .partition = p, .tenure = place->tenure, .epoch = member->epoch, .offset = place->position};
    snprintf(member->late.id, sizeof member->late.id, "%s", member->id);
    env_timer_start(member->late_timer, member_draw(member, LATE_US));
}

bool member_keeps_only(struct member *member, const struct owned_list *list) {
    const struct owned_list *holds = holder_holds(member->holder);
    bool gave = false;
    for (size_t i = 0; i < holds->count;) {
        struct owned one = holds->items[i];
        if (owned_has(list, &one)) {
            i++;
            continue;
        }
        if (is_of_run(member, &one)) begin_late(member, one.partition);
        holder_gives_up(member->holder, &one);
        gave = true;
    }
    look_at_places(member);
    return gave;
}

static void commit_some(struct member *member) {
    int32_t count = member->options->partitions,
            first = (int32_t)member_draw(member, (uint64_t)count);
    for (int32_t i = 0; i < count; i++) {
        int32_t p = (first + i) % count;
        const struct place *place = &member->places[p];
        if (place->tenure == 0 || place->position <= place->committed || place->position == 0)
            continue;
        send_commit(member, &member->commit, member->links[member->coordinator], p, place->tenure,
                    member->epoch, place->position);
        member->next_commit_us = world_now_us(member->run->world) + member_draw(member, COMMIT_US);
        return;
    }
}

/* ---- Offsets ---- */

static void offset_known(struct kafka_call *call, int error, const void *answer) {
    struct member *member = CONTAINER_OF(call, struct member, offset_call);
    struct place *place = &member->places[member->at];
    int64_t offset = -1;
    member->asking_offset = false;
    if (error != ERR_NONE) return;
    int16_t code = offset_fetch_answer(call, answer, &offset);
    if (moves(code) || refuses_commit(code)) return; /* the protocol finds out the rest */
    if (code != KAFKA_NONE) member_fail(member, code, "OffsetFetch");
    book_fetched(member->options->group, member->at, member->offset_floor, offset);
    if (place->tenure != member->at_tenure || place->tenure == 0) return;
    place->position = offset < 0 ? 0 : offset;
    place->committed = offset;
}

static void ask_offset(struct member *member, int32_t p) {
    struct offset_asker asker = asker_of(member);
    member->asking_offset = true;
    member->at = p;
    member->at_tenure = member->places[p].tenure;
    member->offset_floor = book_committed(member->options->group, p);
    member->offset_call.done = offset_known;
    offset_fetch_call(member->client, member->links[member->coordinator], &member->offset_call,
                      &asker, p);
}

/* ---- Reading ---- */

static void take_record(void *arg, int64_t offset, unsigned producer, uint64_t number) {
    (void)arg;
    (void)offset;
    (void)producer;
    (void)number; /* that it was sent, and stands there once, is judged by who reads all */
}

static void fetched(struct kafka_call *call, int error, const void *answer) {
    struct member *member = CONTAINER_OF(call, struct member, fetch_call);
    const struct kp_fetch_response *response = answer;
    struct place *place = &member->places[member->at];
    const struct kp_fetch_response_partition *one =
        error == ERR_NONE && response->responses.count == 1
            ? &response->responses.items[0].partitions.items[0]
            : NULL;
    member->fetching = false;
    if (one == NULL || one->error_code != KAFKA_NONE) {
        if (one != NULL && one->error_code == KAFKA_OFFSET_OUT_OF_RANGE)
            member_fail(member, one->error_code, "Fetch");
        kafka_client_refresh(member->client);
        return;
    }
    if (place->tenure != member->at_tenure || place->position < 0 || one->records.len <= 0) return;
    int64_t next = decode_batches(member->run, member->options->history, one->records.data,
                                  (size_t)one->records.len, place->position, take_record, NULL);
    book_processed(member->holder, member->at, place->position, next);
    place->position = next;
}

static void fetch(struct member *member, int32_t p) {
    struct known_leader leader = kafka_client_leader(member->client, p);
    struct kp_fetch_request request;
    struct kp_fetch_request_topic topic;
    struct kp_fetch_request_partition partition;

    if (leader.node < 0) {
        kafka_client_refresh(member->client);
        return;
    }
    kp_set_fallbacks(&kp_fetch_request_schema, &request);
    kp_set_fallbacks(&kp_fetch_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_fetch_request_partition_schema, &partition);
    partition.partition = p;
    partition.current_leader_epoch = -1;
    partition.fetch_offset = member->places[p].position;
    partition.partition_max_bytes = 4000;
    topic.topic = kp_string_of(kafka_client_topic(member->client));
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.replica_id = -1;
    request.max_bytes = 8000;
    request.session_epoch = -1;
    request.topics.items = &topic;
    request.topics.count = 1;
    member->fetching = true;
    member->at = p;
    member->at_tenure = member->places[p].tenure;
    member->fetch_call.done = fetched;
    kafka_link_call(kafka_client_link(member->client, leader.node), &member->fetch_call, KP_FETCH,
                    11, &request, MEMBER_CALL_US);
}

/* One that it holds, at random; -1: none. */
static int32_t some_place(struct member *member) {
    int32_t count = member->options->partitions,
            first = (int32_t)member_draw(member, (uint64_t)count);
    for (int32_t i = 0; i < count; i++)
        if (member->places[(first + i) % count].tenure != 0) return (first + i) % count;
    return -1;
}

static void work(void *arg) {
    struct member *member = arg;
    if (member->gone) return;
    env_timer_start(member->work, WORK_US / 2 + member_draw(member, WORK_US));
    if (member->holder == NULL) return;
    int32_t p = some_place(member);
    if (p < 0 || member->fetching || member->asking_offset) return;
    bool known = member->coordinator >= 0;
    if (member->places[p].position < 0) {
        if (known) ask_offset(member, p);
        return;
    }
    fetch(member, p);
    if (known && !member->commit.under_way &&
        world_now_us(member->run->world) >= member->next_commit_us)
        commit_some(member);
}

/* ---- Life ---- */

void member_ends(struct member *member) {
    member->gone = true;
    member_gives_up_all(member);
    member->options->ended(member->options->arg, member->options->seat);
}

static void step(void *arg) {
    struct member *member = arg;
    if (member->gone) return;
    if (!kafka_client_ready(member->client)) {
        member_later(member, BACKOFF_US);
    } else if (member->coordinator < 0) {
        member->call.done = found;
        coordinator_call(member->client, &member->call, book_group_name(member->options->group));
    } else if (member->protocol == MEMBER_KIP_848) {
        kip848_member_step(member);
    } else {
        classic_member_step(member);
    }
}

struct member *member_new(struct run *run, struct env *env, const struct member_options *options) {
    struct member *member = mem_zalloc(sizeof *member);
    char host[16];

    member->run = run;
    member->env = env;
    member->options = options;
    member->coordinator = -1;
    member->protocol = options->protocol;
    member->epoch = options->protocol == MEMBER_KIP_848 ? 0 : -1;
    member->client = kafka_client_new(run, env, options->brokers, options->topic,
                                      options->partitions, options->replicas);
    for (unsigned node = 1; node <= options->brokers; node++) {
        snprintf(host, sizeof host, "n%u", node);
        member->links[node] = kafka_link_new(run, env, host, CLIENT_PORT);
        member->strays[node] = kafka_link_new(run, env, host, CLIENT_PORT);
    }
    member->timer = env_timer_new(env, step, member);
    member->work = env_timer_new(env, work, member);
    member->late_timer = env_timer_new(env, commit_late, member);
    member_later(member, BACKOFF_US);
    env_timer_start(member->work, WORK_US);
    return member;
}

void member_leave(struct member *member) {
    member->leaving = true;
}

void member_died(struct member *member) {
    member->gone = true;
    if (member->holder != NULL) holder_died(member->holder);
}

bool member_reads(const struct member *member, int32_t partition) {
    return member->places[partition].tenure != 0;
}
