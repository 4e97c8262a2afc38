/* Who is lost, who dies meanwhile, who comes back; loss.h has the rules. */
#include "tests/sim/loss/loss.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata_group.h"
#include "broker/metadata/metadata_roster.h"
#include "tests/sim/loss/caretaker.h"
#include "tests/sim/loss/plan_check.h"
#include "tests/sim/membership_steps.h"

enum { DRAWS = 60, STRUCK_EFFECTS = 60, STRUCK_EARLY = 400, NOTHING = 4 };

struct loss {
    struct cluster *cluster;
    struct caretaker *caretaker;
    uint32_t lost;
    bool begun, back; /* the machines have gone dark, and run again */
    bool away;        /* the directories come back as they were */
    bool replacing;
    bool noted;       /* some plan was, as what is lost */
    bool hurried;     /* it was drawn whether some come back before they are replaced */
    uint32_t early;   /* those; nobody who is left dies any more */
    bool surprised;   /* one of them came back between a plan and what is done by it */
    unsigned late;    /* that one, by its place and one; 0: nobody is waited for */
    uint32_t refused; /* that came back */
    uint32_t strike_ppm;
    uint64_t steps; /* what was seen at the last look */
    bool acted;     /* the caretaker did something then */
};

static struct world *world_of(const struct loss *loss) {
    return loss->cluster->run->world;
}

static uint64_t draw(const struct loss *loss, uint64_t limit) {
    return world_below(world_of(loss), limit);
}

/* ---- Who is lost ---- */

static const struct metadata_topic *topic_at(const struct cluster *cluster, unsigned place) {
    const struct sim_broker *broker = &cluster->brokers[place];
    if (broker->broker == NULL || broker->stopping || !broker->ready) return NULL;
    const struct metadata *metadata = broker_services(broker->broker)->metadata;
    return metadata_topic_named(metadata, cluster_topic, sizeof "orders" - 1);
}

/* Everybody has all partitions in its table, and open. */
static bool all_are_there(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->count; i++) {
        const struct metadata_topic *topic = topic_at(cluster, i);
        if (topic == NULL || topic->partition_count != cluster->partitions) return false;
        for (int32_t p = 0; p < topic->partition_count; p++)
            if (metadata_replica_on(&topic->partitions[p], (int32_t)i + 1) != NULL &&
                cluster_partition(cluster, i, cluster_topic, p) == NULL)
                return false;
    }
    return true;
}

/* Of its voters so many are left. */
static void count_left(struct cluster *cluster, uint32_t lost, uint64_t id, unsigned *voters,
                       unsigned *left) {
    const struct metadata_topic *topic = topic_at(cluster, 0);
    const struct metadata *metadata = broker_services(cluster->brokers[0].broker)->metadata;

    *voters = *left = 0;
    for (size_t i = 0; id == METADATA_GROUP && i < metadata_roster_count(metadata); i++) {
        const struct roster_broker *row = metadata_roster_at(metadata, i);
        *voters += row->votes;
        *left += row->votes && (lost >> (row->node - 1) & 1) == 0;
    }
    for (int32_t p = 0; id != METADATA_GROUP && p < topic->partition_count; p++) {
        const struct metadata_partition *row = &topic->partitions[p];
        for (size_t i = 0; row->group == id && i < row->replica_count; i++) {
            ++*voters;
            *left += (lost >> (row->replicas[i].node - 1) & 1) == 0;
        }
    }
}

/* Some group has no majority, and no partition has lost all. */
static bool is_a_loss(struct cluster *cluster, uint32_t lost) {
    unsigned voters, left;
    bool some = false;

    for (int32_t p = -1; p < cluster->partitions; p++) {
        count_left(cluster, lost, p < 0 ? METADATA_GROUP : cluster->groups[p], &voters, &left);
        if (left == 0 && p >= 0) return false;
        some = some || left * 2 <= voters;
    }
    return some;
}

bool loss_draw(struct loss *loss) {
    struct cluster *cluster = loss->cluster;
    uint32_t all = (UINT32_C(1) << cluster->count) - 1;

    if (!kafka_client_ready(cluster->client) || !all_are_there(cluster)) return false;
    for (unsigned tries = 0; tries < DRAWS; tries++) {
        uint32_t lost = (uint32_t)draw(loss, all);
        if (!is_a_loss(cluster, lost)) continue;
        loss->lost = lost;
        return true;
    }
    run_fail(cluster->run, "nobody is found whose loss is one of a majority");
}

uint32_t loss_drawn(const struct loss *loss) {
    return loss->lost;
}

uint32_t loss_lost(const struct loss *loss) {
    return loss == NULL || !loss->begun ? 0 : loss->lost;
}

static uint32_t all_left(const struct loss *loss) {
    return ((UINT32_C(1) << loss->cluster->count) - 1) & ~loss->lost;
}

static bool is_lost(const struct loss *loss, unsigned place) {
    return loss->lost >> place & 1;
}

void loss_begin(struct loss *loss) {
    struct cluster *cluster = loss->cluster;
    bool all_dark = draw(loss, 2) == 0;

    loss->begun = true;
    for (unsigned i = 0; i < cluster->count; i++) {
        struct node *node = cluster->brokers[i].node;
        if (!is_lost(loss, i) && !all_dark) continue;
        node_power_cut(node);
        if (is_lost(loss, i) && !loss->away) disk_wipe(node_disk(node));
    }
    run_say(cluster->run, "%x are lost, %s%s", loss->lost, loss->away ? "or away" : "for good",
            all_dark ? ", and all lose their power" : "");
    nemesis_mend(cluster->nemesis, all_left(loss));
    caretaker_begin(loss->caretaker, loss->lost);
}

/* ---- Coming back between a plan and what is done by it ---- */

static bool hears_all_left(const struct loss *loss, unsigned place) {
    const struct cluster *cluster = loss->cluster;
    const struct sim_broker *broker = &cluster->brokers[place];
    if (broker->broker == NULL || broker->stopping) return false;
    for (unsigned i = 0; i < cluster->count; i++)
        if (i != place && !is_lost(loss, i) &&
            !peers_is_up(broker_services(broker->broker)->peers, (int32_t)i + 1))
            return false;
    return true;
}

/* One that the plan takes for lost runs again, with its directory, before anything was done by any
 * plan. When everybody hears it the plan is followed all the same, which must lose nothing: nothing
 * is noted as lost by it. True: it is about that. */
static bool surprise(struct loss *loss) {
    struct cluster *cluster = loss->cluster;
    bool several = (loss->lost & (loss->lost - 1)) != 0;

    if (loss->late == 0) {
        if (!loss->away || !several || loss->surprised || loss->noted || draw(loss, 2) > 0)
            return false;
        unsigned place = (unsigned)draw(loss, cluster->count);
        while (!is_lost(loss, place))
            place = (place + 1) % cluster->count;
        loss->surprised = true;
        loss->late = place + 1;
        loss->lost &= ~(UINT32_C(1) << place);
        caretaker_begin(loss->caretaker, loss->lost);
        nemesis_mend(cluster->nemesis, all_left(loss));
        run_say(cluster->run, "n%u comes back behind a plan that goes on without it", place + 1);
    }
    for (unsigned i = 0; i < cluster->count; i++)
        if (!is_lost(loss, i) && !hears_all_left(loss, i)) return true;
    run_count(cluster->run, RARE_PLANS_OUTDATED, 1);
    loss->late = 0;
    caretaker_go_on(loss->caretaker, true);
    return true;
}

/* ---- Going on ---- */

void loss_check(struct loss *loss) {
    struct cluster *cluster = loss->cluster;
    const struct recover_judgement *plan = caretaker_plan(loss->caretaker);

    if (plan == NULL) return;
    /* Another plan would take in who is waited for. */
    for (unsigned i = 0; i < cluster->count && loss->late == 0; i++) {
        if (is_lost(loss, i)) continue;
        node_die_never(cluster->brokers[i].node);
        if (!node_is_running(cluster->brokers[i].node)) {
            caretaker_go_on(loss->caretaker, false);
            return;
        }
    }
    if (surprise(loss)) return;
    loss->noted = true;
    bool accepted = plan_check(cluster, plan, loss->lost);
    caretaker_go_on(loss->caretaker, accepted);
    if (!accepted || loss->strike_ppm == 0 || draw(loss, 3) > 0) return;
    unsigned place = (unsigned)draw(loss, cluster->count);
    if (!is_lost(loss, place))
        node_die_after(cluster->brokers[place].node, 1 + draw(loss, STRUCK_EARLY),
                       draw(loss, 3) == 0 ? NODE_KILLED : NODE_POWER_CUT);
}

static bool metadata_is_led(const struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->count; i++) {
        const struct sim_broker *broker = &cluster->brokers[i];
        if (broker->ready && broker->broker != NULL && !broker->stopping &&
            metadata_group_is_leading(broker_services(broker->broker)->metadata_group))
            return true;
    }
    return false;
}

bool loss_is_over(struct cluster *cluster) {
    struct loss *loss = cluster->loss;
    int32_t leader;

    loss_check(loss);
    if (caretaker_found_nothing(loss->caretaker) < NOTHING || !metadata_is_led(cluster))
        return false;
    for (int32_t p = 0; p < cluster->partitions; p++)
        if (cluster_leaders(cluster, p, &leader) == 0) return false;
    for (unsigned i = 0; i < cluster->count; i++) {
        if (is_lost(loss, i)) continue;
        node_die_never(cluster->brokers[i].node);
        if (!cluster->brokers[i].ready) return false;
    }
    loss->strike_ppm = 0;
    return true;
}

/* ---- Dying at steps ---- */

static const struct metadata *metadata_at(const struct cluster *cluster, unsigned place) {
    const struct sim_broker *broker = &cluster->brokers[place];
    bool runs = broker->broker != NULL && !broker->stopping;
    return runs ? broker_services(broker->broker)->metadata : NULL;
}

/* The metadata has gone on without them, and what they had is not given up yet: some run again.
 * Who is left is there: whom they do not reach cannot refuse them. */
static void come_back_early(struct loss *loss) {
    struct cluster *cluster = loss->cluster;
    uint32_t given_up = caretaker_given_up(loss->caretaker) & loss->lost;

    if (loss->hurried || !loss->away || loss->back || given_up == 0 || loss->late != 0) return;
    for (unsigned i = 0; i < cluster->count; i++) {
        if (is_lost(loss, i)) continue;
        node_die_never(cluster->brokers[i].node);
        if (!cluster->brokers[i].ready) return;
    }
    loss->hurried = true;
    if (draw(loss, 2) == 0) return;
    loss->early = given_up;
    loss->strike_ppm = 0;
    run_count(cluster->run, RARE_RETURNED_EARLY, 1);
    run_say(cluster->run, "%x come back while they are given up", loss->early);
    nemesis_mend(cluster->nemesis, all_left(loss) | loss->early);
}

/* One at a time: what is left is little. */
static void strike(struct loss *loss) {
    struct cluster *cluster = loss->cluster;
    unsigned place = (unsigned)draw(loss, cluster->count);

    while (is_lost(loss, place))
        place = (place + 1) % cluster->count;
    for (unsigned i = 0; i < cluster->count; i++)
        if (!is_lost(loss, i) && !node_is_running(cluster->brokers[i].node)) return;
    run_count(cluster->run, RARE_STRUCK_AT_STEPS, 1);
    node_die_after(cluster->brokers[place].node, 1 + draw(loss, STRUCK_EFFECTS),
                   draw(loss, 3) == 0 ? NODE_KILLED : NODE_POWER_CUT);
}

static void look_for_histories(const struct loss *loss, unsigned place) {
    struct cluster *cluster = loss->cluster;
    uint64_t ids[1 + CLUSTER_PARTITIONS_MAX];
    size_t n = cluster_groups(cluster, place, ids, 1 + CLUSTER_PARTITIONS_MAX);

    for (size_t k = 0; k < n; k++) {
        struct raft_group *group = cluster_group(cluster, place, ids[k]);
        if (raft_group_is_leading(group))
            run_fail(cluster->run,
                     "n%u was given up, comes back, and leads group %" PRIu64 " in term %u",
                     place + 1, ids[k], raft_group_term(group));
    }
}

void loss_look(struct loss *loss) {
    struct cluster *cluster = loss->cluster;
    uint64_t steps = 0;

    if (!loss->begun) return;
    come_back_early(loss);
    for (unsigned i = 0; i < cluster->count; i++) {
        if (loss_is_given_up(loss, i)) look_for_histories(loss, i);
        if (!is_lost(loss, i)) steps = membership_steps(cluster, i, metadata_at(cluster, i), steps);
    }
    bool changed = steps != loss->steps, acts = caretaker_acts(loss->caretaker) || loss->acted;
    loss->steps = steps;
    loss->acted = caretaker_acts(loss->caretaker);
    if (changed && acts && world_chance(world_of(loss), loss->strike_ppm)) strike(loss);
}

/* ---- Coming back ---- */

void loss_return(struct loss *loss) {
    caretaker_rest(loss->caretaker);
    loss->back = true;
    nemesis_mend(loss->cluster->nemesis, (UINT32_C(1) << loss->cluster->count) - 1);
}

/* What comes back as it was is taken away when it has been refused. */
void loss_died(struct loss *loss, unsigned place, enum node_death how) {
    struct cluster *cluster = loss->cluster;

    if (place >= cluster->count || (!loss->back && (loss->early >> place & 1) == 0) ||
        !loss->away || loss->replacing || !is_lost(loss, place) ||
        (!cluster->brokers[place].refused && how != NODE_FATAL) ||
        (loss->refused >> place & 1) != 0)
        return;
    run_say(cluster->run, "n%u came back and was refused", place + 1);
    run_count(cluster->run, RARE_RETURNED_REFUSED, 1);
    loss->refused |= UINT32_C(1) << place;
    disk_wipe(node_disk(cluster->brokers[place].node));
}

bool loss_all_are_judged(struct cluster *cluster) {
    const struct loss *loss = cluster->loss;
    for (unsigned i = 0; i < cluster->count && loss->away; i++)
        if (is_lost(loss, i) && (loss->refused >> i & 1) == 0 &&
            (loss_is_given_up(loss, i) || !cluster->brokers[i].ready))
            return false;
    return true;
}

void loss_replace(struct loss *loss) {
    loss->replacing = true;
    caretaker_replaces(loss->caretaker);
}

bool loss_may_start(const struct loss *loss, unsigned place) {
    return loss == NULL || !loss->begun || !is_lost(loss, place) || loss->back ||
           (loss->early >> place & 1) != 0;
}

bool loss_is_given_up(const struct loss *loss, unsigned place) {
    return loss != NULL && loss->begun && !loss->replacing && is_lost(loss, place) &&
           (caretaker_given_up(loss->caretaker) >> place & 1) != 0;
}

void loss_describe(const struct loss *loss) {
    printf("lost: %x%s, refused: %x\n", loss->lost, loss->away ? " (away)" : "", loss->refused);
    caretaker_describe(loss->caretaker);
}

/* ---- Life ---- */

struct loss *loss_new(struct cluster *cluster) {
    struct loss *loss = mem_zalloc(sizeof *loss);

    loss->cluster = cluster;
    loss->away = world_below(cluster->run->world, 2) == 0;
    loss->strike_ppm = world_below(cluster->run->world, 4) == 0
                           ? 0
                           : 20000 + (uint32_t)world_below(cluster->run->world, 300000);
    loss->caretaker = caretaker_new(cluster);
    return loss;
}
