/* Groups, their settings, and what replicas know of them; queues.h has the rules. */
#include "tests/sim/queues/queues.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/config/config_resource.h"
#include "broker/partition/partition_internal.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "tests/sim/cluster_end.h"
#include "tests/sim/queues/delays.h"
#include "tests/sim/queues/feature_turns.h"
#include "tests/sim/queues/known_states.h"
#include "tests/sim/queues/letters.h"
#include "tests/sim/queues/sharer.h"

enum { MEMBERS = 3, LOOK_US = 30000, CALL_US = 2000000, BACKOFF_US = 30000, SETTINGS = 7 };

struct queues {
    struct kafka_call call;
    struct cluster *cluster;
    struct queue_book *book;
    struct env_timer *timer;
    unsigned configured; /* groups */
    struct sharer *members[QUEUE_GROUPS][CLUSTER_PARTITIONS_MAX][MEMBERS];
    struct known_states known[CLUSTER_PARTITIONS_MAX];
    struct feature_turns *turns; /* NULL: share.version stays as high as it is */
    struct delays *delays;
    struct letters *letters;
    struct event look;
};

/* ---- Settings ---- */

static void start_members(struct queues *queues) {
    for (unsigned g = 0; g < QUEUE_GROUPS; g++)
        for (int32_t p = 0; p < queues->cluster->partitions; p++)
            for (unsigned i = 0; i < MEMBERS; i++)
                queues->members[g][p][i] = sharer_new(queues->cluster, queues->book, g, p, i);
}

static void altered(struct kafka_call *call, int error, const void *answer) {
    struct queues *queues = CONTAINER_OF(call, struct queues, call);
    const struct kp_incremental_alter_configs_response *response = answer;
    int16_t code = error == ERR_NONE ? response->responses.items[0].error_code
                                     : (int16_t)KAFKA_REQUEST_TIMED_OUT;
    /* Its feature may be low at the moment; or not every broker knows of its topic. */
    bool not_yet = code == KAFKA_INVALID_CONFIG && queue_has_letters(queues->configured);
    if (code != KAFKA_NONE && !kafka_error_retriable(code) && !not_yet)
        run_fail(queues->cluster->run, "the settings of %s get %s",
                 queue_groups[queues->configured], kafka_error_name(code));
    if (code == KAFKA_NONE) queues->configured++;
    if (queues->configured == QUEUE_GROUPS)
        start_members(queues);
    else
        env_timer_start(queues->timer, BACKOFF_US);
}

static void configure(void *arg) {
    struct queues *queues = arg;
    char limit[8];
    if (!letters_are_made(queues->letters)) {
        env_timer_start(queues->timer, BACKOFF_US);
        return;
    }
    snprintf(limit, sizeof limit, "%u", queue_limits[queues->configured]);
    struct kp_incremental_alter_configs_request_config configs[SETTINGS] = {
        {.name = kp_string_of("share.auto.offset.reset"), .value = kp_string_of("earliest")},
        {.name = kp_string_of("share.record.lock.duration.ms"), .value = kp_string_of("1000")},
        {.name = kp_string_of("share.partition.max.record.locks"), .value = kp_string_of("100")},
        {.name = kp_string_of("share.delivery.count.limit"), .value = kp_string_of(limit)},
        {.name = kp_string_of("share.isolation.level"),
         .value = kp_string_of(queue_is_committed(queues->configured) ? "read_committed"
                                                                      : "read_uncommitted")},
        {.name = kp_string_of("share.order"),
         .value = kp_string_of(queue_is_keyed(queues->configured) ? "key" : "none")},
        {.name = kp_string_of("errors.deadletterqueue.topic.name"),
         .value = kp_string_of(letters_topic)}};
    struct kp_incremental_alter_configs_request_resource resource = {
        .resource_type = CONFIG_RESOURCE_GROUP,
        .resource_name = kp_string_of(queue_groups[queues->configured])};
    struct kp_incremental_alter_configs_request request;
    kp_set_fallbacks(&kp_incremental_alter_configs_request_schema, &request);
    resource.configs.items = configs;
    resource.configs.count = queue_has_letters(queues->configured) ? SETTINGS : SETTINGS - 1;
    request.resources.items = &resource;
    request.resources.count = 1;
    queues->call.done = altered;
    kafka_link_call(kafka_client_link(queues->cluster->client, -1), &queues->call,
                    KP_INCREMENTAL_ALTER_CONFIGS, 1, &request, CALL_US);
}

/* ---- What replicas know ---- */

static uint64_t hash_of(struct shares *shares) {
    struct snapshot_bytes bytes = {0};
    struct shares_walk *walk = shares_walk_new(shares);
    while (!shares_walk_step(walk, &bytes))
        continue;
    shares_walk_rest(walk, &bytes);
    return known_hash(&bytes);
}

/* Of what is held of one key, and is not ending. */
static uint64_t holder_of(const struct share *share, const struct key_run *run) {
    const struct share_lock *lock = offset_ranges_over(&share->queue.locks, run->at.first);
    return lock == NULL || lock->ending ? 0 : lock->holder;
}

static void check_keys(struct queues *queues, struct shares *shares, int32_t p) {
    for (unsigned g = 0; g < QUEUE_GROUPS; g++) {
        const struct share *share = shares_find(shares, kp_string_of(queue_groups[g]));
        const struct offset_ranges *runs = share == NULL ? NULL : &share->queue.keys.runs;
        for (size_t i = 0; runs != NULL && i < runs->count; i++)
            for (size_t j = 0; j < i; j++) {
                const struct key_run *one = offset_ranges_at(runs, i),
                                     *other = offset_ranges_at(runs, j);
                uint64_t holder = holder_of(share, one), second = holder_of(share, other);
                if (one->key != other->key || holder == 0 || second == 0) continue;
                run_count(queues->cluster->run, RARE_QUEUE_KEY_HELD, 1);
                if (holder != second)
                    run_fail(queues->cluster->run,
                             "%s: two members hold records of one key of partition %d, offsets "
                             "%" PRId64 " and %" PRId64,
                             queue_groups[g], p, other->at.first, one->at.first);
            }
    }
}

static void look_at(struct queues *queues, unsigned place, int32_t p) {
    struct partition *partition = cluster_partition(queues->cluster, place, cluster_topic, p);
    uint64_t applied = known_applied(partition);
    if (applied == 0) return;
    struct known_state state = {place, applied, hash_of(partition_shares(partition))};
    if (partition_is_leading(partition)) check_keys(queues, partition_shares(partition), p);
    known_note(&queues->known[p], queues->cluster->run, &state, "share groups");
}

static void look(struct event *event) {
    struct queues *queues = CONTAINER_OF(event, struct queues, look);
    struct world *world = queues->cluster->run->world;
    for (unsigned i = 0; i < queues->cluster->count; i++)
        for (int32_t p = 0; p < queues->cluster->partitions; p++)
            if (!cluster_is_out(queues->cluster, i)) look_at(queues, i, p);
    if (queues->turns != NULL) feature_turns_look(queues->turns);
    delays_look(queues->delays);
    world_schedule(world, event, world_now_us(world) + LOOK_US);
}

/* ---- Life ---- */

struct queues *queues_new(struct cluster *cluster, struct env *env, int16_t replicas) {
    struct queues *queues = mem_zalloc(sizeof *queues);
    queues->cluster = cluster;
    queues->letters = letters_new(cluster, env, replicas);
    queues->book = queue_book_new(cluster, letters_book(queues->letters));
    queues->look.run = look;
    queues->timer = env_timer_new(env, configure, queues);
    if (cluster->run->seed % 2 == 1) queues->turns = feature_turns_new(cluster, env);
    queues->delays = delays_new(cluster, env, replicas);
    env_timer_start(queues->timer, BACKOFF_US);
    world_schedule(cluster->run->world, &queues->look, world_now_us(cluster->run->world) + LOOK_US);
    return queues;
}

struct queue_book *queues_book(struct queues *queues) {
    return queues->book;
}

bool queues_are_made(const struct queues *queues) {
    return delays_are_made(queues->delays) && letters_are_made(queues->letters);
}

void queues_judge(struct queues *queues) {
    delays_judge(queues->delays);
    letters_judge(queues->letters);
}

void queues_finish(struct queues *queues) {
    delays_finish(queues->delays);
    if (queues->turns != NULL) feature_turns_finish(queues->turns);
    for (unsigned g = 0; g < QUEUE_GROUPS; g++)
        for (int32_t p = 0; p < queues->cluster->partitions; p++)
            for (unsigned i = 0; i < MEMBERS; i++)
                if (queues->members[g][p][i] != NULL) sharer_finish(queues->members[g][p][i]);
}

static bool is_through(struct queues *queues, int32_t p, unsigned g) {
    int32_t leader;
    cluster_leaders(queues->cluster, p, &leader);
    struct partition *partition = leader < 1
                                      ? NULL
                                      : cluster_partition(queues->cluster, (unsigned)leader - 1,
                                                          cluster_topic, p);
    if (partition == NULL) return false;
    const struct share *share = shares_find(partition_shares(partition),
                                            kp_string_of(queue_groups[g]));
    return share != NULL && share->state.start >= partition_high_watermark(partition) &&
           share->queue.locks.count == 0;
}

void queues_describe(struct queues *queues) {
    for (unsigned g = 0; g < QUEUE_GROUPS; g++)
        for (int32_t p = 0; p < queues->cluster->partitions; p++)
            if (!is_through(queues, p, g))
                printf("%s is not through partition %d\n", queue_groups[g], p);
    if (!delays_are_done(queues->delays)) delays_describe(queues->delays);
    if (!letters_are_done(queues->letters)) printf("letters differ\n");
    if (queues->turns != NULL && !feature_turns_are_over(queues->turns))
        printf("share.version is on its way\n");
}

bool queues_are_done(struct queues *queues) {
    if (!delays_are_done(queues->delays) || !letters_are_done(queues->letters)) return false;
    if (queues->turns != NULL && !feature_turns_are_over(queues->turns)) return false;
    for (unsigned g = 0; g < QUEUE_GROUPS; g++)
        for (int32_t p = 0; p < queues->cluster->partitions; p++)
            if (!is_through(queues, p, g)) return false;
    return true;
}
