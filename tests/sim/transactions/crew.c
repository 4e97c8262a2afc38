/* Processes and what happens to them; crew.h has the rules. */
#include "tests/sim/transactions/crew.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/partition/partition.h"
#include "tests/sim/transactions/id_log.h"
#include "tests/sim/transactions/transactional.h"

enum {
    PROCESSES = 2, /* of an id */
    LOOK_US = 100000,
    TIMEOUT_LEAST_MS = 300,
    TIMEOUT_MOST_MS = 2000,
    STUCK_MS = TIMEOUT_MOST_MS + 10000, /* so long a partition may stand still when all is well */
};

struct post {
    char name[16], group[24];
    struct transactional *processes[PROCESSES];
};

/* Where readers of what is committed wait. */
struct waiting {
    int64_t stable;
    uint64_t since_us; /* 0: they do not */
};

struct crew {
    struct cluster *cluster;
    struct transaction_book *book;
    struct post posts[BOOK_IDS_MAX];
    unsigned count;
    struct waiting waiting[CLUSTER_PARTITIONS_MAX];
    struct id_log *log;
    uint64_t interval_us;
    bool finishing;
    struct event strike, look;
};

static uint64_t draw(const struct crew *crew, uint64_t limit) {
    return world_below(crew->cluster->run->world, limit);
}

static uint64_t soon(const struct crew *crew, uint64_t typical_us) {
    return world_now_us(crew->cluster->run->world) + 1 + draw(crew, 2 * typical_us);
}

/* ---- What happens to them ---- */

static void kill_one(struct crew *crew, struct transactional *process) {
    transactional_kill(process);
    run_count(crew->cluster->run, RARE_TRANSACTIONALS_KILLED, 1);
}

static void hold(struct crew *crew, struct transactional *process) {
    transactional_hold(process, draw(crew, 2 * TIMEOUT_MOST_MS * UINT64_C(1000)));
    run_count(crew->cluster->run, RARE_TRANSACTIONALS_HELD, 1);
}

static void strike_one(struct crew *crew, struct post *post) {
    struct transactional *one = post->processes[0], *other = post->processes[1];
    if (draw(crew, 2) == 0) {
        one = post->processes[1];
        other = post->processes[0];
    }
    if (!transactional_lives(one)) return; /* whoever lives is found at another time */
    switch (draw(crew, 4)) {
    case 0: kill_one(crew, one); break;
    case 1: hold(crew, one); break;
    case 2:
        hold(crew, one); /* and then it is a zombie */
        if (!transactional_lives(other)) transactional_start(other);
        break;
    default:
        if (!transactional_lives(other)) transactional_start(other);
        break;
    }
}

static void strike(struct event *event) {
    struct crew *crew = CONTAINER_OF(event, struct crew, strike);
    if (crew->finishing) return;
    strike_one(crew, &crew->posts[draw(crew, crew->count)]);
    world_schedule(crew->cluster->run->world, event, soon(crew, crew->interval_us));
}

/* Somebody works under each id, until one of them has ended in good order. */
static void keep_manned(const struct crew *crew, struct post *post) {
    bool manned = false;
    for (unsigned i = 0; i < PROCESSES; i++)
        manned = manned || transactional_lives(post->processes[i]) ||
                 transactional_is_finished(post->processes[i]);
    if (!manned && (crew->finishing || draw(crew, 4) == 0))
        transactional_start(post->processes[draw(crew, PROCESSES)]);
}

/* ---- Last stable offsets ---- */

/* Where readers of partition `p` wait for the end of a transaction; -1: they do not. */
static int64_t stable_of(const struct crew *crew, int32_t p) {
    int32_t leader;
    cluster_leaders(crew->cluster, p, &leader);
    struct partition *partition = leader < 1
                                      ? NULL
                                      : cluster_partition(crew->cluster, (unsigned)leader - 1,
                                                          cluster_topic, p);
    if (partition == NULL) return -1;
    int64_t stable = partition_stable_offset(partition);
    return stable < partition_high_watermark(partition) ? stable : -1;
}

static void look_at_stable(struct crew *crew, int32_t p) {
    struct waiting *waiting = &crew->waiting[p];
    uint64_t now_us = world_now_us(crew->cluster->run->world);
    int64_t stable = stable_of(crew, p);
    if (stable < 0 || stable != waiting->stable || waiting->since_us == 0 || !crew->cluster->well) {
        *waiting = (struct waiting){.stable = stable, .since_us = stable < 0 ? 0 : now_us};
        return;
    }
    if (now_us - waiting->since_us < STUCK_MS * UINT64_C(1000)) return;
    cluster_describe(crew->cluster);
    run_fail(crew->cluster->run,
             "the last stable offset of partition %d is %" PRId64 " for %d ms, and all is well", p,
             stable, STUCK_MS);
}

static void look(struct event *event) {
    struct crew *crew = CONTAINER_OF(event, struct crew, look);
    for (unsigned i = 0; i < crew->count; i++)
        keep_manned(crew, &crew->posts[i]);
    for (int32_t p = 0; p < crew->cluster->partitions; p++)
        look_at_stable(crew, p);
    world_schedule(crew->cluster->run->world, event, soon(crew, LOOK_US));
}

/* ---- Readers ---- */

void crew_told(struct crew *crew, int32_t partition,
               const struct kp_fetch_response_partition *answer) {
    book_told(crew->book, partition, answer);
}

void crew_read(struct crew *crew, int32_t partition, int64_t offset, unsigned producer,
               uint64_t number) {
    book_read(crew->book, partition, offset, producer, number);
}

/* ---- Life ---- */

static void man(struct crew *crew, unsigned id, bool has_group, bool raises,
                void (*acknowledged)(void *arg, int32_t partition, int64_t offset,
                                     unsigned producer, uint64_t number)) {
    struct post *post = &crew->posts[id];
    snprintf(post->name, sizeof post->name, "work-%u", id);
    snprintf(post->group, sizeof post->group, "worker-%u", id);
    struct transactional_options options = {
        .client = crew->cluster->client,
        .book = crew->book,
        .partitions = crew->cluster->partitions,
        .id = id,
        .name = post->name,
        .group = has_group ? post->group : NULL,
        .raises = raises,
        .timeout_ms = TIMEOUT_LEAST_MS + (int32_t)draw(crew, TIMEOUT_MOST_MS - TIMEOUT_LEAST_MS),
        .interval_us = 1000 + draw(crew, 60000),
        .acknowledged = acknowledged,
        .arg = crew->cluster};
    bool mixed = draw(crew, 4) == 0; /* they are clients of different ages */
    for (unsigned i = 0; i < PROCESSES; i++) {
        post->processes[i] = transactional_new(&options);
        if (mixed) options.raises = !options.raises;
    }
}

struct crew *crew_new(struct cluster *cluster, struct env *env,
                      void (*acknowledged)(void *arg, int32_t partition, int64_t offset,
                                           unsigned producer, uint64_t number)) {
    struct crew *crew = mem_zalloc(sizeof *crew);
    crew->cluster = cluster;
    crew->book = transaction_book_new(cluster->run, cluster->history, cluster->partitions,
                                      CLUSTER_PRODUCERS_MAX);
    crew->count = 1 + (unsigned)draw(crew, BOOK_IDS_MAX);
    for (unsigned id = 0; id < crew->count; id++) /* one at least has a group */
        man(crew, id, id == 0 || draw(crew, 2) == 0, draw(crew, 2) == 0, acknowledged);
    crew->log = id_log_new(cluster, env);
    crew->interval_us = 100000 + draw(crew, 1500000);
    crew->strike.run = strike;
    crew->look.run = look;
    world_schedule(cluster->run->world, &crew->strike, soon(crew, 1000000));
    world_schedule(cluster->run->world, &crew->look, 0);
    return crew;
}

void crew_finish(struct crew *crew) {
    crew->finishing = true;
    for (unsigned i = 0; i < crew->count; i++)
        for (unsigned k = 0; k < PROCESSES; k++)
            transactional_finish(crew->posts[i].processes[k]);
}

static bool is_over(const struct post *post) {
    bool finished = false;
    for (unsigned i = 0; i < PROCESSES; i++) {
        if (transactional_lives(post->processes[i])) return false;
        finished = finished || transactional_is_finished(post->processes[i]);
    }
    return finished;
}

bool crew_is_done(const struct crew *crew) {
    for (unsigned i = 0; i < crew->count; i++)
        if (!is_over(&crew->posts[i])) return false;
    for (int32_t p = 0; p < crew->cluster->partitions; p++)
        if (stable_of(crew, p) >= 0) return false;
    return id_log_is_at_rest(crew->log);
}

void crew_judge(struct crew *crew) {
    book_finish_transactions(crew->book);
    id_log_finish(crew->log);
}
