/* Commits and reads, and what may come of them; committer.h has the rules. */
#include "tests/sim/committer.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "tests/sim/offset_calls.h"

enum { BACKOFF_US = 50000 };

struct committer {
    struct run *run;
    struct kafka_client *client;
    struct committer_options options;
    char group[32];
    int32_t coordinator;  /* -1: not known */
    int64_t sent;         /* the last offset that was committed, whatever came of it; -1: none */
    int64_t acknowledged; /* the last one that succeeded; -1: none */
    bool *unknown;        /* of each offset up to `sent`: its outcome is not known */
    size_t room;
    struct kafka_call call;
    struct env_timer *timer;
    bool finishing, finished;
};

static uint64_t draw(struct committer *committer, uint64_t limit) {
    return world_below(committer->run->world, limit);
}

static void later(struct committer *committer, uint64_t typical_us) {
    env_timer_start(committer->timer, typical_us / 2 + draw(committer, typical_us + 1));
}

/* The coordinator is asked for again, often enough. */
static void try_again(struct committer *committer) {
    if (draw(committer, 4) > 0) committer->coordinator = -1;
    later(committer, BACKOFF_US);
}

/* What a coordinator may say that leads no more, or not yet; or that has not heard of the topic. */
static bool passes(int16_t code) {
    return code == KAFKA_NOT_COORDINATOR || code == KAFKA_COORDINATOR_NOT_AVAILABLE ||
           code == KAFKA_COORDINATOR_LOAD_IN_PROGRESS || code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
}

static void judge_code(struct committer *committer, int16_t code, const char *what) {
    if (!passes(code))
        run_fail(committer->run, "%s of group %s gets %s", what, committer->group,
                 kafka_error_name(code));
}

/* ---- FindCoordinator ---- */

static void found(struct kafka_call *call, int error, const void *answer) {
    struct committer *committer = CONTAINER_OF(call, struct committer, call);
    int32_t node = -1;

    if (error == ERR_NONE) {
        int16_t code = coordinator_answer(call, answer, &node);
        if (code == KAFKA_NONE)
            committer->coordinator = node;
        else
            judge_code(committer, code, "FindCoordinator");
    }
    later(committer, committer->coordinator < 0 ? BACKOFF_US : 1000);
}

static void find(struct committer *committer) {
    committer->call.done = found;
    coordinator_call(committer->client, &committer->call, committer->group);
}

/* ---- OffsetCommit ---- */

static void note_unknown(struct committer *committer) {
    committer->unknown[committer->sent] = true;
    run_count(committer->run, RARE_UNKNOWN_RESULTS, 1);
}

static void committed(struct kafka_call *call, int error, const void *answer) {
    struct committer *committer = CONTAINER_OF(call, struct committer, call);

    if (error != ERR_NONE) {
        note_unknown(committer);
        try_again(committer);
        return;
    }
    int16_t code = offset_commit_answer(answer);
    if (code != KAFKA_NONE) {
        judge_code(committer, code, "OffsetCommit");
        note_unknown(committer);
        try_again(committer);
        return;
    }
    committer->acknowledged = committer->sent;
    run_count(committer->run, RARE_COMMITTED, 1);
    later(committer, committer->options.interval_us);
}

static struct offset_asker asker_of(const struct committer *committer) {
    return (struct offset_asker){.group = committer->group,
                                 .member_id = kp_string_of(""),
                                 .instance_id = KP_NULL_STRING,
                                 .epoch = -1};
}

static void commit(struct committer *committer, int32_t node) {
    struct offset_asker asker = asker_of(committer);

    committer->sent++;
    committer->unknown = mem_grow(committer->unknown, (size_t)committer->sent, &committer->room,
                                  sizeof *committer->unknown);
    committer->unknown[committer->sent] = false;
    committer->call.done = committed;
    offset_commit_call(committer->client, kafka_client_link(committer->client, node),
                       &committer->call, &asker, committer->options.partition, committer->sent,
                       "m");
}

/* ---- OffsetFetch ---- */

static void judge_offset(struct committer *committer, int64_t offset) {
    bool expected = offset == committer->acknowledged ||
                    (offset >= 0 && offset <= committer->sent && committer->unknown[offset]);
    if (!expected)
        run_fail(committer->run,
                 "group %s has committed offset %" PRId64 ", acknowledged, and reads %" PRId64,
                 committer->group, committer->acknowledged, offset);
    run_count(committer->run, RARE_COMMITS_READ, offset >= 0);
    committer->finished = committer->finishing;
}

static void fetched(struct kafka_call *call, int error, const void *answer) {
    struct committer *committer = CONTAINER_OF(call, struct committer, call);
    int64_t offset = -1;

    if (error != ERR_NONE) {
        try_again(committer);
        return;
    }
    int16_t code = offset_fetch_answer(call, answer, &offset);
    if (code != KAFKA_NONE) {
        judge_code(committer, code, "OffsetFetch");
        try_again(committer);
        return;
    }
    judge_offset(committer, offset);
    later(committer, committer->options.interval_us);
}

static void fetch(struct committer *committer, int32_t node) {
    struct offset_asker asker = asker_of(committer);

    committer->call.done = fetched;
    offset_fetch_call(committer->client, kafka_client_link(committer->client, node),
                      &committer->call, &asker, committer->options.partition);
}

/* ---- Life ---- */

/* Several believe that they are the coordinator: the newest is given something that the others
 * lack, or one of those is asked. */
static void try_believers(struct committer *committer, uint32_t believers, int32_t newest) {
    believers &= ~(UINT32_C(1) << (newest - 1));
    run_count(committer->run, RARE_TWO_COORDINATORS, 1);
    if (draw(committer, 2) == 0)
        commit(committer, newest);
    else
        fetch(committer, 1 + __builtin_ctz(believers));
}

static void step(void *arg) {
    struct committer *committer = arg;
    int32_t newest;

    if (committer->finished) return;
    uint32_t believers = committer->options.believers(committer->options.arg, committer->group,
                                                      &newest);
    if (!kafka_client_ready(committer->client))
        later(committer, BACKOFF_US);
    else if (believers != 0 && (believers & (believers - 1)) != 0 && !committer->finishing)
        try_believers(committer, believers, newest);
    else if (committer->coordinator < 0)
        find(committer);
    else if (committer->finishing || draw(committer, 3) == 0)
        fetch(committer, committer->coordinator);
    else
        commit(committer, committer->coordinator);
}

struct committer *committer_new(struct kafka_client *client,
                                const struct committer_options *options) {
    struct committer *committer = mem_zalloc(sizeof *committer);

    committer->run = kafka_client_run(client);
    committer->client = client;
    committer->options = *options;
    committer->coordinator = -1;
    committer->sent = committer->acknowledged = -1;
    snprintf(committer->group, sizeof committer->group, "group-%u", options->number);
    committer->timer = env_timer_new(kafka_client_env(client), step, committer);
    later(committer, BACKOFF_US);
    return committer;
}

void committer_finish(struct committer *committer) {
    committer->finishing = true;
}

bool committer_is_finished(const struct committer *committer) {
    return committer->finished;
}
