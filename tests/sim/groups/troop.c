/* Seats, what happens to them, and whether groups are well; troop.h has the rules. */
#include "tests/sim/groups/troop.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/services.h"
#include "broker/config/topic_name.h"
#include "broker/coordinator/coordinator_key.h"
#include "broker/partition/partition.h"
#include "raft-glue/raft_group.h"
#include "tests/sim/groups/member.h"
#include "tests/sim/groups/offsets_log.h"

enum {
    FIRST_NODE = CLUSTER_CLIENT + 1,
    SEATS_MAX = NODE_MAX - FIRST_NODE,
    POLL_US = 3000,
    AWAY_US = 4000000,
    SESSION_US = TROOP_SESSION_MS * 1000,
};

/* Members of a group speak one or the other, drawn whenever they come; most do not change. */
static const struct kind {
    const char *name;
    enum member_protocol before, after;
} kinds[BOOK_GROUPS_MAX] = {
    {"eager", MEMBER_EAGER, MEMBER_EAGER},
    {"cooperative", MEMBER_COOPERATIVE, MEMBER_COOPERATIVE},
    {"kip-848", MEMBER_KIP_848, MEMBER_KIP_848},
    {"eager-and-kip-848", MEMBER_EAGER, MEMBER_KIP_848},
    {"cooperative-and-kip-848", MEMBER_COOPERATIVE, MEMBER_KIP_848},
};

struct seat {
    struct troop *troop;
    const struct kind *kind;
    unsigned number;
    struct node *node;
    struct member_options options;
    struct member *member; /* of the running process; NULL: none */
    struct event comes;    /* a process starts */
    struct event goes;     /* the process that has left ends */
    bool gone;             /* for good */
};

struct troop {
    struct cluster *cluster;
    struct env *env;
    struct book *book;
    struct book_group *groups[BOOK_GROUPS_MAX];
    unsigned group_count, seat_count;
    struct seat seats[SEATS_MAX];
    struct offsets_log *log;
    struct event poll, next, subscribe;
    uint32_t newest[CLUSTER_OFFSETS_PARTITIONS]; /* terms that anybody was seen in */
    uint64_t interval_us;
    bool calm;
};

static uint64_t draw(const struct troop *troop, uint64_t limit) {
    return world_below(troop->cluster->run->world, limit);
}

static uint64_t soon(const struct troop *troop, uint64_t within_us) {
    return world_now_us(troop->cluster->run->world) + 1 + draw(troop, within_us);
}

/* ---- Who coordinates ---- */

static void look_at_terms(struct troop *troop) {
    struct cluster *cluster = troop->cluster;
    for (int32_t p = 0; p < CLUSTER_OFFSETS_PARTITIONS; p++)
        for (unsigned i = 0; i < cluster->count; i++) {
            struct partition *partition = cluster_partition(cluster, i, TOPIC_CONSUMER_OFFSETS, p);
            uint32_t term = partition == NULL ? 0 : raft_group_term(partition_group(partition));
            if (term > troop->newest[p]) troop->newest[p] = term;
        }
}

/* Before anybody can be told of it some broker knows it. */
static void look_at_topic(struct troop *troop) {
    struct cluster *cluster = troop->cluster;
    for (unsigned i = 0; i < cluster->count; i++) {
        const struct sim_broker *broker = &cluster->brokers[i];
        if (broker->broker == NULL || !broker->ready || broker->stopping) continue;
        const struct metadata *metadata = broker_services(broker->broker)->metadata;
        const struct metadata_topic *topic = metadata_topic_named(metadata, cluster_topic,
                                                                  strlen(cluster_topic));
        if (topic != NULL) {
            struct kp_uuid id;
            memcpy(id.bytes, topic->id, sizeof id.bytes);
            book_topic(troop->book, id);
        }
    }
}

static void look(struct troop *troop) {
    look_at_terms(troop);
    if (kp_uuid_is_zero(book_topic_id(troop->book))) look_at_topic(troop);
}

static void poll(struct event *event) {
    struct troop *troop = CONTAINER_OF(event, struct troop, poll);
    look(troop);
    world_schedule(troop->cluster->run->world, event, soon(troop, POLL_US));
}

static int32_t index_of(const struct book_group *group) {
    const char *name = book_group_name(group);
    return coordinator_key_partition(name, strlen(name), CLUSTER_OFFSETS_PARTITIONS);
}

static struct partition *partition_of(const struct troop *troop, const struct book_group *group,
                                      int32_t node) {
    return cluster_partition(troop->cluster, (unsigned)node - 1, TOPIC_CONSUMER_OFFSETS,
                             index_of(group));
}

static uint32_t leads(void *arg, const struct book_group *group, int32_t node) {
    struct troop *troop = arg;
    struct partition *partition = partition_of(troop, group, node);
    look(troop);
    if (partition == NULL || !partition_is_leading(partition)) return 0;
    uint32_t term = partition_leader_epoch(partition);
    return term == troop->newest[index_of(group)] ? term : 0;
}

static int64_t log_end(void *arg, const struct book_group *group, int32_t node) {
    const struct troop *troop = arg;
    struct partition *partition = partition_of(troop, group, node);
    return partition == NULL ? 0 : partition_high_watermark(partition);
}

/* ---- Seats ---- */

static void main_member(struct env *env, void *arg) {
    struct seat *seat = arg;
    bool after = draw(seat->troop, 2) == 0;
    seat->options.protocol = after ? seat->kind->after : seat->kind->before;
    seat->member = member_new(seat->troop->cluster->run, env, &seat->options);
}

static void come(struct event *event) {
    struct seat *seat = CONTAINER_OF(event, struct seat, comes);
    if (!node_is_running(seat->node)) node_start(seat->node, main_member, seat);
}

static void die(struct seat *seat) {
    if (seat->member != NULL) member_died(seat->member);
    seat->member = NULL;
    node_kill(seat->node);
}

static void come_back(struct seat *seat, uint64_t within_us) {
    if (!seat->gone)
        world_schedule(seat->troop->cluster->run->world, &seat->comes,
                       soon(seat->troop, within_us));
}

/* Behind the callback in which it was said. */
static void go(struct event *event) {
    struct seat *seat = CONTAINER_OF(event, struct seat, goes);
    die(seat);
    come_back(seat, seat->troop->calm ? 200000 : AWAY_US / 4);
}

static void ended(void *arg, unsigned number) {
    struct troop *troop = arg;
    world_schedule(troop->cluster->run->world, &troop->seats[number].goes, 0);
}

static void add_seat(struct troop *troop, const struct kind *kind, struct book_group *group,
                     int16_t replicas) {
    struct cluster *cluster = troop->cluster;
    struct seat *seat = &troop->seats[troop->seat_count];
    seat->troop = troop;
    seat->kind = kind;
    seat->number = troop->seat_count++;
    seat->node = node_new(cluster->run->world, FIRST_NODE + (int)seat->number, 0, NULL, NULL);
    network_add(cluster->run->network, seat->node);
    seat->comes.run = come;
    seat->goes.run = go;
    seat->options = (struct member_options){.book = troop->book,
                                            .group = group,
                                            .history = cluster->history,
                                            .seat = seat->number,
                                            .session_us = SESSION_US,
                                            .rebalance_us = SESSION_US,
                                            .interval_us = 100000 + draw(troop, 400000),
                                            .topic = cluster_topic,
                                            .brokers = cluster->count,
                                            .partitions = cluster->partitions,
                                            .replicas = replicas,
                                            .leads = leads,
                                            .log_end = log_end,
                                            .ended = ended,
                                            .arg = troop};
    if (draw(troop, 3) == 0)
        snprintf(seat->options.instance, sizeof seat->options.instance, "i-%u", seat->number);
    come_back(seat, 2000000);
}

/* ---- What happens to them ---- */

/* The topic alone, more than it, nothing that is there. */
static const char *some_regex(const struct troop *troop) {
    static const char *const all[] = {"ord.*", "orders|churn-.*", "[a-z]+", "nothing-.*"};
    uint64_t which = draw(troop, 5);
    return which == 4 ? NULL : all[which];
}

static void cut_off(struct seat *seat) {
    struct cluster *cluster = seat->troop->cluster;
    int broker = node_id(cluster->brokers[draw(seat->troop, cluster->count)].node);
    network_block(cluster->run->network, node_id(seat->node), broker, true);
    if (draw(seat->troop, 2) == 0)
        network_block(cluster->run->network, broker, node_id(seat->node), true);
}

static void connect_all(struct troop *troop) {
    struct network *network = troop->cluster->run->network;
    for (unsigned s = 0; s < troop->seat_count; s++)
        for (unsigned i = 0; i < troop->cluster->count; i++) {
            int broker = node_id(troop->cluster->brokers[i].node);
            network_block(network, node_id(troop->seats[s].node), broker, false);
            network_block(network, broker, node_id(troop->seats[s].node), false);
        }
}

static void strike(struct troop *troop, struct seat *seat) {
    struct run *run = troop->cluster->run;
    if (seat->member == NULL) return;
    switch (draw(troop, 7)) {
    case 0:
    case 1:
        run_count(run, RARE_MEMBERS_KILLED, 1);
        die(seat);
        come_back(seat, AWAY_US);
        break;
    case 2:
        run_count(run, RARE_MEMBERS_PAUSED, 1);
        node_pause(seat->node, 100000 + draw(troop, 2 * SESSION_US));
        break;
    case 3:
    case 4: member_leave(seat->member); break;
    case 5: cut_off(seat); break;
    default: seat->options.regex = some_regex(troop); break;
    }
}

static void next(struct event *event) {
    struct troop *troop = CONTAINER_OF(event, struct troop, next);
    if (troop->calm) return;
    strike(troop, &troop->seats[draw(troop, troop->seat_count)]);
    if (draw(troop, 4) == 0) connect_all(troop);
    world_schedule(troop->cluster->run->world, event, soon(troop, 2 * troop->interval_us));
}

/* ---- Life ---- */

static void logged(void *arg, const struct logged_record *record) {
    struct troop *troop = arg;
    book_logged(troop->book, record);
}

struct troop *troop_new(struct cluster *cluster, struct env *env, int16_t replicas) {
    struct troop *troop = mem_zalloc(sizeof *troop);
    troop->cluster = cluster;
    troop->env = env;
    troop->book = book_new(cluster->run, cluster->history, cluster->partitions);
    unsigned first = (unsigned)draw(troop, BOOK_GROUPS_MAX), count = 1 + (unsigned)draw(troop, 3);
    for (unsigned g = 0; g < count; g++) {
        const struct kind *kind = &kinds[(first + g) % BOOK_GROUPS_MAX];
        bool mixed = kind->before != kind->after;
        struct book_group *group = book_group_new(troop->book, kind->name, mixed, SESSION_US,
                                                  SESSION_US);
        troop->groups[troop->group_count++] = group;
        for (uint64_t seats = 2 + draw(troop, 2); seats > 0; seats--)
            add_seat(troop, kind, group, replicas);
    }
    troop->log = offsets_log_new(cluster, env, TOPIC_CONSUMER_OFFSETS, logged, troop);
    troop->poll.run = poll;
    troop->next.run = next;
    troop->interval_us = 100000 + draw(troop, 1000000);
    world_schedule(cluster->run->world, &troop->poll, 0);
    world_schedule(cluster->run->world, &troop->next, soon(troop, 4000000));
    return troop;
}

/* Of each group one stays at least. */
static void stay_away(struct troop *troop) {
    for (unsigned s = 0; s < troop->seat_count; s++) {
        struct seat *seat = &troop->seats[s];
        bool first = s == 0 || troop->seats[s - 1].options.group != seat->options.group;
        if (first || seat->options.instance[0] != '\0' || draw(troop, 3) > 0) continue;
        seat->gone = true;
        world_unschedule(troop->cluster->run->world, &seat->comes);
        die(seat);
    }
}

/* Who has waited for topics that never came subscribes to what is there. */
static void subscribe(struct event *event) {
    struct troop *troop = CONTAINER_OF(event, struct troop, subscribe);
    for (unsigned s = 0; s < troop->seat_count; s++)
        troop->seats[s].options.regex = "ord.*";
}

void troop_calm(struct troop *troop) {
    bool waits = draw(troop, 3) == 0;
    troop->calm = true;
    connect_all(troop);
    stay_away(troop);
    for (unsigned s = 0; s < troop->seat_count; s++) {
        struct seat *seat = &troop->seats[s];
        if (seat->gone) continue;
        seat->options.regex = waits ? "nothing-.*" : draw(troop, 2) == 0 ? NULL : "ord.*";
        node_pause(seat->node, 0);
        if (seat->member == NULL) come_back(seat, 100000);
    }
    troop->subscribe.run = subscribe;
    if (waits)
        world_schedule(troop->cluster->run->world, &troop->subscribe, soon(troop, SESSION_US));
}

/* ---- Whether all is well ---- */

static bool is_held(const struct troop *troop, const struct book_group *group, int32_t p) {
    for (unsigned s = 0; s < troop->seat_count; s++) {
        const struct seat *seat = &troop->seats[s];
        if (seat->options.group == group && seat->member != NULL && member_reads(seat->member, p))
            return true;
    }
    return false;
}

bool troop_is_assigned(const struct troop *troop, char *why) {
    for (unsigned g = 0; g < troop->group_count; g++)
        for (int32_t p = 0; p < troop->cluster->partitions; p++) {
            if (is_held(troop, troop->groups[g], p)) continue;
            snprintf(why, 100, "group %s: nobody has partition %" PRId32,
                     book_group_name(troop->groups[g]), p);
            return false;
        }
    return true;
}

bool troop_is_done(const struct troop *troop) {
    for (unsigned g = 0; g < troop->group_count; g++)
        for (int32_t p = 0; p < troop->cluster->partitions; p++) {
            int64_t end = history_end(troop->cluster->history, p);
            if (book_processed_to(troop->groups[g], p) < end) return false;
            if (end > 0 && book_committed(troop->groups[g], p) < end &&
                book_last_fetched(troop->groups[g], p) < end)
                return false;
        }
    return true;
}

bool troop_log_is_read(const struct troop *troop) {
    return offsets_log_has_all(troop->log);
}

void troop_finish(struct troop *troop) {
    offsets_log_finish(troop->log);
    if (!offsets_log_has_gaps(troop->log)) book_finish(troop->book);
}
