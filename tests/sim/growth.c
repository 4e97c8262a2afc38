/* One change after the other, and who dies at its steps; growth.h has the rules. */
#include "tests/sim/growth.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_broker.h"
#include "tests/sim/growth_end.h"
#include "tests/sim/membership_steps.h"

enum {
    CALL_US = 3000000,
    PAUSE_US = 700000,
    AGAIN_US = 300000,
    STAYING = 3 /* brokers, at least: every partition has so many replicas */
};

/* What is under way. Draining goes over into removing, or is taken back. */
enum growth_change { NOTHING, DRAINING, UNDRAINING, REMOVING, REPLACING, VOTING, CHANGES };

struct growth {
    struct kafka_call call;
    struct cluster *cluster;
    struct env_timer *timer;
    enum growth_change change;
    unsigned place;   /* of the broker that it is about */
    bool known;       /* the answer was that it is so */
    bool removes;     /* who is drained goes */
    bool few;         /* the metadata may have one voter or two; no directory is lost then */
    bool asked;       /* for the lost directory */
    uint32_t removed; /* places */
    unsigned lives[CLUSTER_BROKERS_MAX];
    int32_t voters[CLUSTER_BROKERS_MAX];
    uint32_t strike_ppm;
    uint64_t steps; /* what was seen at the last look */
    bool finished;
};

static struct world *world_of(const struct growth *growth) {
    return growth->cluster->run->world;
}

static uint64_t draw(const struct growth *growth, uint64_t limit) {
    return world_below(world_of(growth), limit);
}

static const char *name_of(enum growth_change change) {
    static const char *const names[CHANGES] = {"nothing",  "draining",  "undraining",
                                               "removing", "replacing", "changing the voters"};
    return names[change];
}

static void later(struct growth *growth, uint64_t pause_us) {
    env_timer_start(growth->timer, 1 + draw(growth, 2 * pause_us));
}

static uint32_t is_out(const struct growth *growth) {
    return growth->removed | nemesis_lost(growth->cluster->nemesis);
}

/* ---- Who can be asked for what ---- */

static const struct metadata *metadata_at(const struct cluster *cluster, unsigned place) {
    const struct sim_broker *broker = &cluster->brokers[place];
    bool runs = broker->broker != NULL && broker->ready && !broker->stopping;
    return runs ? broker_services(broker->broker)->metadata : NULL;
}

static bool all_are_in(const struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->count; i++)
        if (!cluster->brokers[i].was_ready) return false;
    return true;
}

static unsigned members(const struct growth *growth) {
    return growth->cluster->count - (unsigned)__builtin_popcount(growth->removed);
}

static bool has_vote(const struct growth *growth, unsigned at, replica_id replica) {
    const struct raft_group *group = cluster_group(growth->cluster, at, METADATA_GROUP);
    struct raft_group_configuration now;

    if (group == NULL) return true; /* nobody can say */
    raft_group_configuration(group, &now);
    for (size_t i = 0; i < now.count; i++)
        if (now.servers[i].replica == replica && now.servers[i].voter) return true;
    return false;
}

/* In every table that can be looked at it holds nothing, and it has no vote there. */
static bool holds_nothing(const struct growth *growth) {
    unsigned looked = 0;

    for (unsigned i = 0; i < growth->cluster->count; i++) {
        const struct metadata *metadata = metadata_at(growth->cluster, i);
        if (metadata == NULL) continue;
        int32_t node = (int32_t)growth->place + 1;
        const struct roster_broker *row = metadata_roster_of(metadata, node);
        looked++;
        if (row == NULL || row->votes || has_vote(growth, i, row->replica) ||
            metadata_load_of(metadata, node).replicas > 0)
            return false;
    }
    return looked > 0;
}

static unsigned any_member(const struct growth *growth) {
    unsigned place = (unsigned)draw(growth, growth->cluster->count);

    while (is_out(growth) >> place & 1)
        place = (place + 1) % growth->cluster->count;
    return place;
}

/* As many as vote by the settings, or others; each once. */
static void draw_voters(struct growth *growth) {
    unsigned count = 0, wanted = (growth->few ? 1 : STAYING) + (unsigned)draw(growth, 3);

    memset(growth->voters, 0, sizeof growth->voters);
    for (unsigned left = growth->cluster->count, at = any_member(growth); left > 0; left--) {
        if ((is_out(growth) >> at & 1) == 0 && count < wanted)
            growth->voters[count++] = (int32_t)at + 1;
        at = (at + 1) % growth->cluster->count;
    }
}

/* ---- One after the other ---- */

static void begin(struct growth *growth, enum growth_change change) {
    growth->change = change;
    growth->known = false;
    run_say(growth->cluster->run, "%s, n%u", name_of(change), growth->place + 1);
}

/* One that was moved, and put back behind a loss, has lost the place of what is gone. */
static bool all_have_three(const struct growth *growth) {
    for (unsigned i = 0; i < growth->cluster->count; i++) {
        const struct metadata *metadata = metadata_at(growth->cluster, i);
        const struct metadata_topic *topic = NULL;
        while (metadata != NULL && (topic = metadata_next_topic(metadata, topic)) != NULL)
            for (int32_t p = 0; p < topic->partition_count; p++)
                if (topic->partitions[p].replica_count < STAYING) return false;
    }
    return true;
}

static bool lose(struct growth *growth) {
    if (growth->few || !all_have_three(growth) ||
        !nemesis_wipe(growth->cluster->nemesis, growth->place))
        return false;
    growth->lives[growth->place]++;
    growth->asked = false;
    return true;
}

static void draw_change(struct growth *growth) {
    growth->place = any_member(growth);
    switch (draw(growth, 4)) {
    case 0:
        growth->removes = draw(growth, 4) > 0;
        if (members(growth) > STAYING) begin(growth, DRAINING);
        break;
    case 1:
    case 2:
        if (lose(growth)) begin(growth, REPLACING);
        break;
    default:
        draw_voters(growth);
        begin(growth, VOTING);
        break;
    }
}

/* It is stopped for good, in one way or another. */
static void put_out(struct growth *growth) {
    struct node *node = growth->cluster->brokers[growth->place].node;

    begin(growth, REMOVING);
    if (draw(growth, 2) == 0)
        node_kill(node);
    else
        node_power_cut(node);
}

/* What is under way goes on, or has come to its end. */
static void go_on(struct growth *growth) {
    struct cluster *cluster = growth->cluster;

    switch (growth->change) {
    case DRAINING:
        if (!growth->known) break;
        if (!growth->removes && (growth->finished || draw(growth, 3) == 0))
            begin(growth, UNDRAINING);
        else if (growth->removes && holds_nothing(growth))
            put_out(growth);
        break;
    case REPLACING:
        if (!growth_cluster_is_whole(cluster)) break;
        nemesis_made_good(cluster->nemesis);
        run_say(cluster->run, "n%u is replaced", growth->place + 1);
        growth->change = NOTHING;
        break;
    case NOTHING:
    case UNDRAINING:
    case REMOVING:
    case VOTING:
    case CHANGES:
        if (growth->known) growth->change = NOTHING;
        break;
    }
}

/* ---- Asking ---- */

/* Each is what the state of the cluster can bring about; a REMOVE comes before its broker counts as
 * dead, or before the metadata leader has taken its vote. */
static bool may_answer(const struct growth *growth, int16_t code) {
    switch (growth->change) {
    case DRAINING:
    case UNDRAINING: return code == KAFKA_NONE;
    case REMOVING: return code == KAFKA_NONE || code == KAFKA_POLICY_VIOLATION;
    case VOTING: return code == KAFKA_NONE || code == KAFKA_POLICY_VIOLATION;
    case REPLACING:
        return code == KAFKA_NONE || code == KAFKA_POLICY_VIOLATION ||
               code == KAFKA_RESOURCE_NOT_FOUND || code == KAFKA_DUPLICATE_RESOURCE ||
               code == KAFKA_BROKER_ID_NOT_REGISTERED; /* its table is behind */
    case NOTHING:
    case CHANGES: break;
    }
    return false;
}

static void answered(struct kafka_call *call, int error, const void *answer) {
    struct growth *growth = CONTAINER_OF(call, struct growth, call);
    const struct kp_alter_broker_response *response = answer;
    static const enum rare kinds[CHANGES] = {[DRAINING] = RARE_DRAINED,
                                             [UNDRAINING] = RARE_UNDRAINED,
                                             [REMOVING] = RARE_REMOVED,
                                             [REPLACING] = RARE_REPLACED,
                                             [VOTING] = RARE_VOTERS_SET};

    later(growth, AGAIN_US);
    if (error != ERR_NONE) return;
    int16_t code = response->error_code;
    run_say(growth->cluster->run, "%s n%u is answered with %s: %.*s", name_of(growth->change),
            growth->place + 1, kafka_error_name(code), (int)response->error_message.len,
            response->error_message.len > 0 ? response->error_message.data : "");
    if (!may_answer(growth, code) && !kafka_error_retriable(code))
        run_fail(growth->cluster->run, "%s n%u is answered with %s", name_of(growth->change),
                 growth->place + 1, kafka_error_name(code));
    run_count(growth->cluster->run, kinds[growth->change], code == KAFKA_NONE);
    growth->known = code == KAFKA_NONE ||
                    (growth->change == VOTING && code == KAFKA_POLICY_VIOLATION);
    if (growth->change == REMOVING && code == KAFKA_NONE) {
        growth->removed |= UINT32_C(1) << growth->place;
        if (draw(growth, 2) == 0) nemesis_let_start(growth->cluster->nemesis, growth->place);
    }
}

static void ask(struct growth *growth) {
    static const int8_t changes[CHANGES] = {[DRAINING] = KP_BROKER_DRAIN,
                                            [UNDRAINING] = KP_BROKER_UNDRAIN,
                                            [REMOVING] = KP_BROKER_REMOVE,
                                            [REPLACING] = KP_BROKER_REPLACE,
                                            [VOTING] = KP_BROKER_VOTERS};
    struct kp_alter_broker_request request;

    growth->asked = growth->asked || growth->change == REPLACING;
    kp_set_fallbacks(&kp_alter_broker_request_schema, &request);
    request.broker_id = (int32_t)growth->place + 1;
    request.change = changes[growth->change];
    request.timeout_ms = 2000;
    if (growth->change == VOTING) {
        request.voters.items = growth->voters;
        while (request.voters.count < CLUSTER_BROKERS_MAX &&
               growth->voters[request.voters.count] > 0)
            request.voters.count++;
    }
    growth->call.done = answered;
    kafka_link_call(kafka_client_link(growth->cluster->client, -1), &growth->call, KP_ALTER_BROKER,
                    0, &request, CALL_US);
}

/* A lost directory is asked for until a broker is there, whatever the answers were: the empty one
 * may have been lost again before its disk knew it. */
static bool must_ask(const struct growth *growth) {
    if (growth->change == REPLACING) return !growth->cluster->brokers[growth->place].ready;
    return growth->change != NOTHING && !growth->known;
}

static void step(void *arg) {
    struct growth *growth = arg;

    go_on(growth);
    if (growth->change == NOTHING && !growth->finished && all_are_in(growth->cluster) &&
        kafka_client_ready(growth->cluster->client) && !nemesis_is_over(growth->cluster->nemesis))
        draw_change(growth);
    if (must_ask(growth))
        ask(growth);
    else
        later(growth, growth->change == NOTHING ? PAUSE_US : AGAIN_US);
}

/* ---- Dying at steps ---- */

/* A majority goes on: one at a time. */
static void strike(struct growth *growth) {
    struct cluster *cluster = growth->cluster;
    unsigned place = any_member(growth);

    for (unsigned i = 0; i < cluster->count; i++)
        if ((growth->removed >> i & 1) == 0 && !node_is_running(cluster->brokers[i].node)) return;
    run_count(cluster->run, RARE_STRUCK_AT_STEPS, 1);
    node_die_after(cluster->brokers[place].node, 1 + draw(growth, 60),
                   draw(growth, 3) == 0 ? NODE_KILLED : NODE_POWER_CUT);
}

void growth_look(struct growth *growth) {
    struct cluster *cluster = growth->cluster;
    uint64_t steps = 0;

    for (unsigned i = 0; i < cluster->count; i++) {
        if (growth->removed >> i & 1 && cluster->brokers[i].ready)
            run_fail(cluster->run, "n%u was removed, and takes part again", i + 1);
        steps = membership_steps(cluster, i, metadata_at(cluster, i), steps);
    }
    if (steps == growth->steps) return;
    growth->steps = steps;
    if (!nemesis_is_over(cluster->nemesis) && world_chance(world_of(growth), growth->strike_ppm))
        strike(growth);
}

/* ---- Life ---- */

struct growth *growth_new(struct cluster *cluster) {
    struct growth *growth = mem_zalloc(sizeof *growth);

    growth->cluster = cluster;
    growth->few = world_below(cluster->run->world, 4) == 0;
    growth->strike_ppm = world_below(cluster->run->world, 4) == 0
                             ? 0
                             : 10000 + (uint32_t)world_below(cluster->run->world, 200000);
    growth->timer = env_timer_new(kafka_client_env(cluster->client), step, growth);
    later(growth, PAUSE_US);
    return growth;
}

void growth_finish(struct growth *growth) {
    growth->finished = true;
}

bool growth_is_done(struct cluster *cluster) {
    return cluster->growth->change == NOTHING && growth_cluster_is_whole(cluster);
}

uint32_t growth_removed(const struct growth *growth) {
    return growth == NULL ? 0 : growth->removed;
}

unsigned growth_lives(const struct growth *growth, unsigned place) {
    return growth == NULL ? 0 : growth->lives[place];
}

bool growth_may_start(const struct growth *growth, unsigned place) {
    if (growth == NULL) return true;
    if (growth->removed >> place & 1) return !nemesis_is_over(growth->cluster->nemesis);
    return growth->change != REMOVING || growth->place != place;
}

bool growth_has_asked(const struct growth *growth) {
    return growth != NULL && growth->asked;
}

void growth_describe(const struct growth *growth) {
    printf("under way: %s of n%u%s; removed: %x\n", name_of(growth->change), growth->place + 1,
           growth->known ? ", known" : "", growth->removed);
}
