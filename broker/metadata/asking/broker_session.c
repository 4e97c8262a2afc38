/*
 * Renewing as a broker; noting and ending sessions as the metadata leader.
 *
 * A renewal is one byte: RENEW or GIVE_BACK; its answer is empty, and nobody waits for it beyond
 * the next renewal.
 */
#include "broker/metadata/asking/broker_session.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/config/interval.h"

enum { RENEW = 1, GIVE_BACK = 2, COMMAND_TIMEOUT_MS = 10000 };

struct broker_session {
    int32_t node;
    uint64_t heard_ms; /* or when this broker began to lead the metadata */
    bool heard;        /* since then */
    bool given_back;
    struct metadata_submit submit; /* FENCE, or its opposite */
};

struct broker_sessions {
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    const struct metadata *metadata;
    struct metadata_group *group;
    struct broker_messages *messages;
    struct interval tick;
    struct broker_call call;
    bool given_back; /* ours: this broker stops */
    struct broker_session **leases;
    size_t count, room;
};

static void on_command_done(struct metadata_submit *submit, const struct metadata_result *result) {
    (void)submit; /* what did not succeed is tried again at the next tick */
    (void)result;
}

static struct broker_session *broker_session_of(struct broker_sessions *leases, int32_t node) {
    for (size_t i = 0; i < leases->count; i++)
        if (leases->leases[i]->node == node) return leases->leases[i];
    leases->leases = mem_grow(leases->leases, leases->count, &leases->room,
                              sizeof(struct broker_session *));
    struct broker_session *lease = mem_zalloc(sizeof *lease);
    lease->node = node;
    lease->heard_ms = env_now_ms(leases->env);
    lease->submit.done = on_command_done;
    lease->submit.group = leases->group;
    leases->leases[leases->count++] = lease;
    return lease;
}

static const char *why_fenced(const struct broker_session *lease, bool turned_away) {
    return lease->given_back ? "has stopped"
           : turned_away     ? "is of a version that lacks what the cluster uses"
                             : "was not heard for too long";
}

static void set_fenced(struct broker_sessions *leases, struct broker_session *lease, bool fenced,
                       bool turned_away) {
    if (lease->submit.state != SUBMIT_IDLE) return;
    struct metadata_change change = {0};
    metadata_command_init(&change.command, COMMAND_FENCE_BROKER);
    change.command.fence_broker.node = lease->node;
    change.command.fence_broker.fenced = fenced;
    if (fenced) change.command.fence_broker.at_ms = env_wall_ms(leases->env);
    if (fenced)
        log_event(leases->log, LOGGED_BROKER_FENCED,
                  "broker %" PRId32 " %s; it gets no new replicas until it is back", lease->node,
                  why_fenced(lease, turned_away));
    else
        log_event(leases->log, LOGGED_BROKER_BACK, "broker %" PRId32 " is back", lease->node);
    metadata_group_submit(leases->group, &lease->submit, &change, COMMAND_TIMEOUT_MS);
}

/* The leader's look at one broker that has registered. One that was put back to a version that
 * cannot register renews all the same. */
static void session_judge(struct broker_sessions *leases, const struct metadata_broker *broker) {
    struct broker_session *lease = broker_session_of(leases, broker->node);
    bool alive = !lease->given_back && !broker->turned_away &&
                 env_now_ms(leases->env) - lease->heard_ms <=
                     leases->settings->broker_session_timeout_ms;
    if (broker->fenced ? alive && lease->heard : !alive)
        set_fenced(leases, lease, !alive, broker->turned_away);
}

static void judge_all(struct broker_sessions *leases) {
    for (size_t i = 0; i < metadata_broker_count(leases->metadata); i++)
        session_judge(leases, metadata_broker_at(leases->metadata, i));
}

static void session_heard(struct broker_sessions *leases, int32_t node, uint8_t what) {
    struct broker_session *lease = broker_session_of(leases, node);
    const struct metadata_broker *broker = metadata_broker_of(leases->metadata, node);
    if (!metadata_group_is_leading(leases->group)) return;
    lease->heard = true;
    lease->given_back = what == GIVE_BACK;
    lease->heard_ms = env_now_ms(leases->env);
    if (broker != NULL) session_judge(leases, broker);
}

static void on_request(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct broker_sessions *leases = arg;
    if (len == 1) session_heard(leases, caller.node, body[0]);
    broker_messages_answer(leases->messages, caller, (struct slice){0});
}

static void on_answer(struct broker_call *call, int error, const uint8_t *answer, size_t len) {
    (void)call; /* the next tick renews in any case */
    (void)error;
    (void)answer;
    (void)len;
}

static void tell_leader(struct broker_sessions *leases, uint8_t what) {
    int32_t leader = metadata_group_leader(leases->group);
    if (leader == leases->settings->node_id) {
        session_heard(leases, leader, what);
    } else if (leader >= 0) {
        broker_messages_call_cancel(leases->messages, &leases->call);
        broker_messages_call(leases->messages, &leases->call, leader, BROKER_REQUEST_LEASE,
                             slice_copy(NULL, &what, 1),
                             leases->settings->broker_session_timeout_ms);
    }
}

static void on_tick(struct interval *interval) {
    struct broker_sessions *leases = CONTAINER_OF(interval, struct broker_sessions, tick);
    tell_leader(leases, RENEW);
    if (metadata_group_is_leading(leases->group)) judge_all(leases);
    interval_begin(interval);
}

static uint64_t heartbeat_us(const struct broker_settings *settings) {
    return (uint64_t)settings->broker_heartbeat_ms * 1000;
}

struct broker_sessions *broker_sessions_new(struct env *env, struct log *log,
                                            const struct broker_settings *settings,
                                            const struct metadata *metadata,
                                            struct metadata_group *group,
                                            struct broker_messages *messages) {
    struct broker_sessions *leases = mem_zalloc(sizeof *leases);
    leases->env = env;
    leases->log = log;
    leases->settings = settings;
    leases->metadata = metadata;
    leases->group = group;
    leases->messages = messages;
    leases->call.done = on_answer;
    interval_open(&leases->tick, env, settings, heartbeat_us, on_tick);
    interval_begin(&leases->tick);
    broker_messages_serve(messages, BROKER_REQUEST_LEASE, on_request, leases);
    return leases;
}

void broker_sessions_free(struct broker_sessions *leases) {
    if (leases == NULL) return;
    broker_messages_serve(leases->messages, BROKER_REQUEST_LEASE, NULL, NULL);
    broker_messages_call_cancel(leases->messages, &leases->call);
    for (size_t i = 0; i < leases->count; i++) {
        metadata_group_submit_cancel(&leases->leases[i]->submit);
        mem_free(leases->leases[i]);
    }
    mem_free(leases->leases);
    interval_close(&leases->tick);
    mem_free(leases);
}

void broker_sessions_restart(struct broker_sessions *leases) {
    for (size_t i = 0; i < leases->count; i++) {
        leases->leases[i]->heard_ms = env_now_ms(leases->env);
        leases->leases[i]->heard = leases->leases[i]->given_back = false;
    }
}

void broker_sessions_renew(struct broker_sessions *leases) {
    tell_leader(leases, leases->given_back ? GIVE_BACK : RENEW);
}

void broker_sessions_give_back(struct broker_sessions *leases) {
    interval_stop(&leases->tick);
    leases->given_back = true;
    tell_leader(leases, GIVE_BACK);
}
