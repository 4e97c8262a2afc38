/* Brokers in the simulation: settings, start, stop, death; cluster.h has the rest. */
#include "tests/sim/cluster.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/services.h"
#include "broker/config/topic_name.h"
#include "broker/partition_set/partition_set.h"
#include "raft-glue/raft_group.h"
#include "storage/journal/journal.h"
#include "tests/sim/groups/troop.h"
#include "tests/sim/growth.h"
#include "tests/sim/growth_end.h"
#include "tests/sim/log_lines.h"
#include "tests/sim/loss/loss.h"
#include "tests/sim/moves.h"
#include "tests/sim/newcomers.h"
#include "tests/sim/queues/queues.h"
#include "tests/sim/replacer.h"

enum { LETTER_PRODUCERS = 1000 };
enum { KEPT_BYTES = 256 * 1024 }; /* the least that a journal of these settings may have */

const char cluster_topic[] = "orders", cluster_store[] = "/data/shard-0",
           cluster_journal[] = "/data/shard-0/journal";

/* ---- Settings ---- */

static void set(struct sim_broker *broker, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void set(struct sim_broker *broker, const char *name, const char *format, ...) {
    struct error_text why = {.text = ""};
    char value[256];
    va_list args;

    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    if (settings_set(broker->values, name, value, "sim", &why) != ERR_NONE)
        run_fail(broker->cluster->run, "%s", why.text);
}

static void set_nodes(struct sim_broker *broker) {
    char text[256] = "";
    size_t len = 0;

    uint32_t removed = growth_removed(broker->cluster->growth);
    for (unsigned i = 0; i < broker->cluster->count; i++)
        if (i == broker->place ||
            (removed == 0 ? i < broker->cluster->founders : (removed >> i & 1) == 0))
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%u@n%u:9094",
                                    len == 0 ? "" : ",", i + 1, i + 1);
    set(broker, "cluster.nodes", "%s", text);
}

/* Sessions are TROOP's. */
static void set_groups(struct sim_broker *broker) {
    set(broker, "group.min.session.timeout.ms", "1000");
    set(broker, "group.initial.rebalance.delay.ms", "200");
    set(broker, "group.consumer.min.session.timeout.ms", "1000");
    set(broker, "group.consumer.session.timeout.ms", "%d", TROOP_SESSION_MS);
    set(broker, "group.consumer.min.heartbeat.interval.ms", "100");
    set(broker, "group.consumer.heartbeat.interval.ms", "300");
    set(broker, "group.consumer.assignment.interval.ms", "%u",
        world_below(broker->cluster->run->world, 2) == 0 ? 0 : 300);
    set(broker, "offsets.commit.timeout.ms", "%u",
        world_below(broker->cluster->run->world, 2) == 0 ? 700 : 5000);
}

/* Of a third of the runs. Age deletes nothing but by a clock that has jumped; size, all the time.
 */
static void draw_retention(struct cluster *cluster) {
    struct world *world = cluster->run->world;
    cluster->retention_ms = cluster->retention_bytes = -1;
    if (cluster->moving) return; /* a log whose beginning is gone cannot be moved yet */
    bool others = cluster->many || cluster->members || cluster->transacting || cluster->queueing;
    if (others || cluster->run->seed % 3 != 1) return;
    if (world_below(world, 2) == 0)
        cluster->retention_ms = 1800000;
    else
        cluster->retention_bytes = 8192 + (int64_t)world_below(world, 40000);
    cluster->roll_ms = 100 + world_below(world, 2000);
    cluster->delete_delay_ms = world_below(world, 2) * 300;
    history_retain(cluster->history,
                   cluster->retention_ms > 0 ? (uint64_t)cluster->retention_ms : 0,
                   cluster->retention_bytes > 0 ? (uint64_t)cluster->retention_bytes : 0);
}

static void set_retention(struct sim_broker *broker) {
    const struct cluster *cluster = broker->cluster;
    set(broker, "log.retention.ms", "%" PRId64, cluster->retention_ms);
    set(broker, "log.retention.bytes", "%" PRId64, cluster->retention_bytes);
    set(broker, "log.retention.check.interval.ms", "200");
    set(broker, "log.segment.delete.delay.ms", "%" PRIu64, cluster->delete_delay_ms);
    if (cluster->roll_ms > 0) {
        set(broker, "log.roll.ms", "%" PRIu64, cluster->roll_ms);
        set(broker, "log.roll.jitter.ms", "%" PRIu64, cluster->roll_ms / 2);
    }
}

/* Small everything, so that rolls, wraps and limits happen all the time. */
static void set_small(struct sim_broker *broker) {
    set(broker, "log.segment.bytes", "%u",
        world_below(broker->cluster->run->world, 2) == 0 ? 4096 : 16384);
    set(broker, "log.index.interval.bytes", "512");
    set(broker, "log.cleaner.backoff.ms", "300");
    set(broker, "log.cleaner.min.cleanable.ratio", "0.2");
    set(broker, "log.cleaner.dedupe.buffer.size", "65536");
    set(broker, "scrub.interval.ms", "%u", broker->cluster->run->seed % 2 == 0 ? 2000 : 3600000);
    set(broker, "scrub.bytes.per.second", "1048576");
    set(broker, "journal.file.bytes", broker->cluster->many ? "4194304" : "65536");
    set(broker, "journal.max.bytes", broker->cluster->many ? "67108864" : "1048576");
    set(broker, "tail.cache.bytes", "8192");
    set(broker, "message.max.bytes", "16384");
    set(broker, "partition.uncommitted.max.bytes", "32768");
    set(broker, "peer.window.bytes", "8192");
    set(broker, "peer.receive.max.bytes", "16384");
    set(broker, "queued.max.request.bytes", broker->cluster->many ? "1048576" : "65536");
    set(broker, "produce.check.memory.bytes", "16777216");
    set(broker, "produce.check.inline.us", "%u",
        world_below(broker->cluster->run->world, 2) == 0 ? 0 : 500);
    set(broker, "log.message.timestamp.after.max.ms", "%lld",
        (long long)INT64_MAX); /* clocks jump by hours */
    set(broker, "disk.min.free.bytes", "%" PRIu64, broker->cluster->kept_bytes);
    /* Each producer, and the twin, has a place; who begins anew behind a loss, one more; and
     * letters, behind each batch of them that was deleted in the middle of its way. */
    set(broker, "partition.max.producers", "%d",
        CLUSTER_PRODUCERS_MAX * (broker->cluster->losing ? 2 : 1) + 1 + 4 +
            (broker->cluster->queueing ? LETTER_PRODUCERS : 0));
    set_retention(broker);
    set(broker, "producer.id.expiration.ms",
        "160000"); /* longer than any retry; its clock is told every 20 s */
    /* Where it is cleaned, who reads it late cannot judge all of it (groups/offsets_log.h). */
    set(broker, "offsets.topic.segment.bytes", "%u",
        broker->cluster->run->seed % 3 == 1 ? 4096 : 1 << 20);
    set(broker, "offsets.topic.num.partitions", "%d", CLUSTER_OFFSETS_PARTITIONS);
    uint32_t on = broker->cluster->growing ? broker->cluster->founders : broker->cluster->count;
    set(broker, "offsets.topic.replication.factor", "%u", on);
    set(broker, "transaction.state.log.num.partitions", "%d", CLUSTER_OFFSETS_PARTITIONS);
    set(broker, "transaction.state.log.replication.factor", "%u", on);
    set(broker, "transaction.state.log.segment.bytes", "%u",
        broker->cluster->run->seed % 3 == 1 ? 4096 : 1 << 20);
    if (broker->cluster->members) set_groups(broker);
    set(broker, "broker.session.timeout.ms", "2000");
    set(broker, "broker.heartbeat.interval.ms", "300");
    set(broker, "leader.imbalance.check.interval.seconds", "1");
    set(broker, "raft.heartbeat.ms", "50");
    set(broker, "raft.election.timeout.ms", "300");
    set(broker, "raft.failover.ms", "50");
    /* Mostly so short that replicas find the beginning of a log gone when they are back. */
    set(broker, "replica.absent.ms", "%u",
        (const unsigned[]){3600000, 0, 500, 0}[broker->cluster->run->seed % 4]);
    /* Mostly so little that its log loses its beginning within a run. */
    set(broker, "metadata.log.max.record.bytes.between.snapshots", "%u",
        (const unsigned[]){1024, 4 << 20, 2048}[broker->cluster->run->seed % 3]);
}

static void make_settings(struct sim_broker *broker) {
    struct error_text why = {.text = ""};
    size_t count;
    const struct setting *table = broker_settings_table(&count);
    unsigned id = broker->place + 1;

    broker->values = settings_new(table, count);
    set(broker, "node.id", "%u", id);
    set(broker, "data.dir", "/data");
    set(broker, "listeners", "PLAINTEXT://n%u:%d", id, CLIENT_PORT);
    set(broker, "peer.listen", "n%u:9094", id);
    set_nodes(broker);
    set(broker, "log.level", broker->cluster->steady ? "info" : "debug");
    if (!broker->cluster->steady) set_small(broker);
    if (broker_settings_from(broker->values, &broker->settings, &why) != ERR_NONE)
        run_fail(broker->cluster->run, "the settings of n%u are refused: %s", id, why.text);
}

/* ---- Life of a process ---- */

static bool is_lost(const struct sim_broker *broker) {
    return nemesis_lost(broker->cluster->nemesis) >> broker->place & 1;
}

static bool is_damaged(const struct sim_broker *broker) {
    return nemesis_damaged(broker->cluster->nemesis) >> broker->place & 1;
}

static void on_ready(void *arg, const char *summary) {
    struct sim_broker *broker = arg;

    broker->ready = broker->was_ready = true;
    run_say(broker->cluster->run, "n%u is ready: %s", broker->place + 1, summary);
    if (is_lost(broker) && !replacer_has_asked(broker->cluster) &&
        !growth_has_asked(broker->cluster->growth))
        run_fail(broker->cluster->run, "n%u lost its directory and takes part all the same",
                 broker->place + 1);
    if (loss_is_given_up(broker->cluster->loss, broker->place))
        run_fail(broker->cluster->run, "n%u was given up and takes part all the same",
                 broker->place + 1);
    if (!newcomers_may_be_ready(broker->cluster, broker->place))
        run_fail(broker->cluster->run, "n%u takes part, and nobody has admitted it",
                 broker->place + 1);
}

static uint64_t disk_errors(const struct sim_broker *broker) {
    uint64_t all = node_failed_syncs(broker->node);

    for (enum name_call call = 0; call < NAME_CALLS; call++)
        all += node_failed_name_calls(broker->node, call);
    return all;
}

static void on_failed(void *arg, const char *sentence) {
    struct sim_broker *broker = arg;

    bool disk_failed = disk_errors(broker) >
                       broker->disk_errors; /* its own metadata could not be opened */
    /* The record of one that comes later is written while the nemesis is at work. */
    disk_failed = disk_failed ||
                  (broker->place >= broker->cluster->founders && !broker->was_ready &&
                   strstr(sentence, "cannot write to the data directory") != NULL);
    bool removed = growth_removed(broker->cluster->growth) >> broker->place & 1 ||
                   (loss_lost(broker->cluster->loss) >> broker->place & 1) != 0;
    if (!is_lost(broker) && !disk_failed && !is_damaged(broker) && !removed)
        run_fail(broker->cluster->run, "n%u cannot take part: %s", broker->place + 1, sentence);
    if (sentence[0] == '\0')
        run_fail(broker->cluster->run, "n%u is refused without a sentence", broker->place + 1);
    run_say(broker->cluster->run, "n%u is refused: %s", broker->place + 1, sentence);
    broker->refused = true;
    node_exit_soon(broker->node);
}

static void main_broker(struct env *env, void *arg) {
    static const struct broker_events events = {on_ready, on_failed};
    struct sim_broker *broker = arg;
    struct error_text why = {.text = ""};

    broker->log = (struct log){.env = env, .level = broker->settings.log_level};
    broker->ready = broker->stopping = false;
    broker->starts++;
    broker->disk_errors = disk_errors(broker);
    broker->broker = NULL;
    memset(broker->watermarks, 0, sizeof broker->watermarks);
    int error = broker_start(env, &broker->log, &broker->settings, &events, broker, &broker->broker,
                             &why);
    if (error == ERR_NONE) return;
    if (why.text[0] == '\0')
        run_fail(broker->cluster->run, "n%u does not start and does not say why",
                 broker->place + 1);
    broker->broker = NULL;
    bool old_copy = error == ERR_CORRUPT && is_lost(broker) &&
                    nemesis_restored(broker->cluster->nemesis);
    run_count(broker->cluster->run, RARE_OLD_COPIES_REFUSED, old_copy);
    bool damaged = error == ERR_CORRUPT && is_damaged(broker);
    if (error_is_no_room(error) || error == ERR_LIMIT || error == ERR_IO || old_copy || damaged)
        env_fatal(env, "%s", why.text); /* the nemesis did that */
    run_fail(broker->cluster->run, "n%u does not start: %s (%s)", broker->place + 1, why.text,
             error_phrase(error));
}

/* Whoever removes brokers takes them out of the lists of those that stay. */
static void renew_nodes(struct sim_broker *broker) {
    struct error_text why = {.text = ""};

    set_nodes(broker);
    if (broker_settings_from(broker->values, &broker->settings, &why) != ERR_NONE)
        run_fail(broker->cluster->run, "the settings of n%u are refused: %s", broker->place + 1,
                 why.text);
}

void cluster_start_broker(struct cluster *cluster, unsigned place) {
    if (growth_removed(cluster->growth) != 0) renew_nodes(&cluster->brokers[place]);
    node_start(cluster->brokers[place].node, main_broker, &cluster->brokers[place]);
}

static void stopped(void *arg) {
    struct sim_broker *broker = arg;

    broker_free(broker->broker);
    broker->broker = NULL;
    node_exit_soon(broker->node);
}

static void stop(struct env *env, void *arg) {
    struct sim_broker *broker = arg;

    (void)env;
    if (broker->broker == NULL || broker->stopping || broker->refused) return;
    cluster_count(broker); /* there is less and less of it from now on */
    broker->stopping = true;
    broker_stop(broker->broker, stopped, broker);
}

void cluster_stop_broker(struct cluster *cluster, unsigned place) {
    node_call(cluster->brokers[place].node, stop, &cluster->brokers[place]);
}

/* It can say no, and wait. */
static bool ended_for_room(const struct sim_broker *broker, const char *sentence) {
    bool room = strstr(sentence, error_phrase(ERR_NO_SPACE)) != NULL ||
                strstr(sentence, error_phrase(ERR_NO_INODES)) != NULL;
    return broker->broker != NULL && room;
}

static void died(void *arg, struct node *node, enum node_death how, const char *sentence) {
    struct cluster *cluster = arg;

    if (cluster->loss != NULL) loss_died(cluster->loss, (unsigned)node_id(node) - 1, how);
    for (unsigned i = 0; i < cluster->count; i++) {
        struct sim_broker *broker = &cluster->brokers[i];
        if (broker->node != node) continue;
        if (how == NODE_FATAL && ended_for_room(broker, sentence))
            run_fail(cluster->run, "n%u ended because its disk was full: %s", i + 1, sentence);
        cluster_count(broker);
        broker->broker = NULL;
        broker->ready = broker->refused = false;
    }
    if (how == NODE_FATAL && sentence[0] == '\0')
        run_fail(cluster->run, "n%d ended itself without a sentence", node_id(node));
    nemesis_died(cluster->nemesis, node, how);
}

static void logged(void *arg, struct node *node, const char *line) {
    struct cluster *cluster = arg;

    uint32_t out = nemesis_lost(cluster->nemesis) | nemesis_damaged(cluster->nemesis) |
                   loss_lost(cluster->loss);

    run_say(cluster->run, "n%d says: %s", node_id(node), line);
    log_line_judge(cluster->run, node, line,
                   out != 0); /* others may hear strange things from it, too */
    run_count(cluster->run, RARE_WIPED_REFUSED,
              strstr(line, "waiting: the cluster has broker ") != NULL);
    if (strstr(line, ": leads term ") != NULL) cluster->terms_led++;
    if (strstr(line, ": its log begins anew behind ") != NULL)
        nemesis_begins_anew(cluster->nemesis, node);
    run_count(cluster->run, RARE_ROOM_SHORT, strstr(line, "; records are refused until") != NULL);
    run_count(cluster->run, RARE_ROOM_AGAIN, strstr(line, " has room again: ") != NULL);
    run_count(cluster->run, RARE_CLIENTS_SENT_ON, strstr(line, "clients are sent to them") != NULL);
}

/* ---- Looking inside ---- */

struct raft_group *cluster_group(struct cluster *cluster, unsigned place, uint64_t group) {
    struct sim_broker *broker = &cluster->brokers[place];

    if (broker->broker == NULL || broker->stopping || broker_shard(broker->broker) == NULL)
        return NULL;
    return shard_group(broker_shard(broker->broker), group);
}

size_t cluster_groups(struct cluster *cluster, unsigned place, uint64_t *into, size_t room) {
    size_t count = 0;

    if (cluster_group(cluster, place, METADATA_GROUP) != NULL && count < room)
        into[count++] = METADATA_GROUP;
    for (int32_t p = 0; p < cluster->partitions && count < room; p++)
        if (cluster->groups[p] != 0 && cluster_group(cluster, place, cluster->groups[p]) != NULL)
            into[count++] = cluster->groups[p];
    return count;
}

struct partition *cluster_partition(struct cluster *cluster, unsigned place, const char *topic,
                                    int32_t p) {
    const struct sim_broker *broker = &cluster->brokers[place];

    if (broker->broker == NULL || broker->stopping || !broker->ready) return NULL;
    return partition_set_find(broker_services(broker->broker)->partitions, topic, strlen(topic), p);
}

uint32_t cluster_leaders(struct cluster *cluster, int32_t p, int32_t *newest) {
    uint32_t leaders = 0, highest = 0;

    *newest = -1;
    for (unsigned i = 0; i < cluster->count && cluster->groups[p] != 0; i++) {
        struct raft_group *group = cluster_group(cluster, i, cluster->groups[p]);
        if (group == NULL || !raft_group_is_leading(group)) continue;
        leaders |= UINT32_C(1) << i;
        if (raft_group_term(group) <= highest) continue;
        highest = raft_group_term(group);
        *newest = (int32_t)i + 1;
    }
    return leaders;
}

uint32_t cluster_coordinators(struct cluster *cluster, const char *topic, int32_t p,
                              int32_t *newest) {
    uint32_t leaders = 0, highest = 0;

    *newest = -1;
    for (unsigned i = 0; i < cluster->count; i++) {
        struct partition *partition = cluster_partition(cluster, i, topic, p);
        if (partition == NULL || !partition_is_leading(partition)) continue;
        leaders |= UINT32_C(1) << i;
        if (partition_leader_epoch(partition) <= highest) continue;
        highest = partition_leader_epoch(partition);
        *newest = (int32_t)i + 1;
    }
    return leaders;
}

static void find_groups(struct cluster *cluster, const struct sim_broker *broker) {
    const struct broker_services *services = broker_services(broker->broker);

    if (!broker->ready || services->metadata == NULL) return;
    const struct metadata_topic *topic = metadata_topic_named(services->metadata, cluster_topic,
                                                              strlen(cluster_topic));
    for (int32_t p = 0; topic != NULL && p < topic->partition_count; p++) {
        uint64_t group = metadata_partition_at(topic, p)->group;
        if (cluster->groups[p] != 0 && cluster->groups[p] != group)
            run_fail(cluster->run,
                     "partition %d is group %" PRIu64 ", says n%u, and was group %" PRIu64, p,
                     group, broker->place + 1, cluster->groups[p]);
        cluster->groups[p] = group;
    }
}

static void look_at_partition(struct cluster *cluster, struct sim_broker *broker, int32_t p) {
    struct partition_set *partitions = broker_services(broker->broker)->partitions;
    /* It serves before it is ready. */
    if (partitions == NULL || cluster->groups[p] == 0) return;
    struct partition *partition = partition_set_find_group(partitions, cluster->groups[p]);
    uint64_t replica = partition == NULL ? 0 : raft_group_replica(partition_group(partition));
    /* Another one begins anew; it may have come between two looks. */
    if (broker->watermarks[p].replica != replica) {
        broker->watermarks[p].replica = replica;
        broker->watermarks[p].high = 0;
    }
    if (partition == NULL) return;
    int64_t watermark = partition_high_watermark(partition);
    if (watermark < broker->watermarks[p].high)
        run_fail(cluster->run,
                 "the high watermark of partition %d on n%u went back from %" PRId64 " to %" PRId64,
                 p, broker->place + 1, broker->watermarks[p].high, watermark);
    broker->watermarks[p].high = watermark;
    if (history_retains(cluster->history)) /* whoever has applied it is the first to tell */
        history_started(cluster->history, p, partition_start_offset(partition), "a broker");
}

void cluster_look_at(struct cluster *cluster, int32_t p) {
    for (unsigned i = 0; i < cluster->count; i++)
        if (cluster->brokers[i].broker != NULL && !cluster->brokers[i].stopping)
            look_at_partition(cluster, &cluster->brokers[i], p);
}

static void poll(struct event *event) {
    struct cluster *cluster = CONTAINER_OF(event, struct cluster, poll);

    for (unsigned i = 0; i < cluster->count; i++) {
        struct sim_broker *broker = &cluster->brokers[i];
        uint64_t ids[1 + CLUSTER_PARTITIONS_MAX];
        if (broker->broker == NULL || broker->stopping) continue;
        find_groups(cluster, broker);
        size_t n = cluster_groups(cluster, i, ids, 1 + CLUSTER_PARTITIONS_MAX);
        for (size_t k = 0; k < n; k++) {
            struct raft_group *group = cluster_group(cluster, i, ids[k]);
            uint32_t term = raft_group_leading_term(group);
            if (term != 0) ledger_leader(cluster->ledger, ids[k], term, i + 1);
        }
        history_clock_off(cluster->history, node_wall_offset_ms(broker->node));
        for (int32_t p = 0; p < cluster->partitions; p++)
            look_at_partition(cluster, broker, p);
    }
    old_copy_look(cluster);
    if (cluster->moves != NULL) moves_look(cluster->moves);
    if (cluster->growth != NULL) growth_look(cluster->growth);
    if (cluster->loss != NULL) loss_look(cluster->loss);
    world_schedule(cluster->run->world, event, world_now_us(cluster->run->world) + 3000);
}

static bool same_topics(const struct metadata *a, const struct metadata *b) {
    if (metadata_topic_count(a) != metadata_topic_count(b)) return false;
    for (const struct metadata_topic *topic = metadata_next_topic(a, NULL); topic != NULL;
         topic = metadata_next_topic(a, topic)) {
        const struct metadata_topic *other = metadata_topic_named(b, topic->name,
                                                                  strlen(topic->name));
        if (other == NULL || memcmp(other->id, topic->id, METADATA_UUID_SIZE) != 0 ||
            other->partition_count != topic->partition_count)
            return false;
    }
    return true;
}

size_t cluster_replicas(struct cluster *cluster, unsigned place, bool ours) {
    const struct metadata *metadata = broker_services(cluster->brokers[place].broker)->metadata;
    size_t count = 0;

    for (const struct metadata_topic *topic = metadata_next_topic(metadata, NULL); topic != NULL;
         topic = metadata_next_topic(metadata, topic))
        for (int32_t p = 0; p < topic->partition_count; p++)
            if (!ours || strcmp(topic->name, cluster_topic) == 0)
                count += metadata_replica_on(&topic->partitions[p], (int32_t)place + 1) != NULL;
    return count;
}

bool cluster_same_metadata(struct cluster *cluster, unsigned place) {
    const struct broker_services *services = broker_services(cluster->brokers[place].broker);

    if (partition_set_count(services->partitions) != cluster_replicas(cluster, place, false))
        return false;
    for (unsigned i = 0; i < cluster->count; i++) {
        const struct sim_broker *first = &cluster->brokers[i];
        if (first->ready && first->broker != NULL && !first->stopping)
            return same_topics(broker_services(first->broker)->metadata, services->metadata);
    }
    return false;
}

void cluster_describe(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->count; i++) {
        struct sim_broker *broker = &cluster->brokers[i];
        uint64_t ids[1 + CLUSTER_PARTITIONS_MAX];
        size_t n = cluster_groups(cluster, i, ids, 1 + CLUSTER_PARTITIONS_MAX);
        printf("n%u %s", i + 1,
               node_is_dark(broker->node)       ? "dark"
               : !node_is_running(broker->node) ? "ended"
               : broker->ready                  ? "ready"
                                                : "runs");
        for (size_t k = 0; k < n; k++) {
            struct raft_group *group = cluster_group(cluster, i, ids[k]);
            struct partition_log *log = raft_group_log(group);
            printf(" | group %" PRIu64 ": term %u leader %" PRIu64 "%s, last %" PRIu64
                   " durable %" PRIu64 " commit %" PRIu64 " applied %" PRIu64,
                   ids[k], raft_group_term(group), raft_group_leader(group),
                   raft_group_is_leading(group) ? " (leads)" : "", partition_log_last_index(log),
                   partition_log_durable_index(log), partition_log_commit_index(log),
                   raft_group_applied_index(group));
        }
        if (n > 0)
            printf(" | journal %" PRIu64, journal_live_bytes(log_store_journal(
                                              shard_store(broker_shard(broker->broker)))));
        printf("\n");
    }
    if (cluster->moves != NULL) moves_describe(cluster);
    if (cluster->loss != NULL) loss_describe(cluster->loss);
    if (cluster->queues != NULL) queues_describe(cluster->queues);
    if (cluster->growth == NULL && cluster->loss == NULL) return;
    if (cluster->growth != NULL) growth_describe(cluster->growth);
    growth_end_describe(cluster);
}

/* ---- Making it ---- */

void cluster_init(struct cluster *cluster, struct run *run, unsigned count, int32_t partitions) {
    static const struct node_events events = {.died = died, .logged = logged};

    CHECK(count <= CLUSTER_BROKERS_MAX && partitions <= CLUSTER_PARTITIONS_MAX);
    cluster->run = run;
    cluster->ledger = ledger_new(run);
    cluster->history = history_new(run, partitions);
    bool plain = !cluster->members && !cluster->many && !cluster->moving && !cluster->transacting &&
                 !cluster->queueing;
    if (run->seed % 4 == 2 && plain)
        history_compact(cluster->history, 500 + world_below(run->world, 4) * 1000);
    cluster->count = cluster->founders = count;
    /* Some of them come later, where replicas can be brought to them. */
    if (cluster->moving && !cluster->losing && count > 3 && world_below(run->world, 2) == 0)
        cluster->founders = 3;
    if (cluster->growing) cluster->founders = 3;
    cluster->partitions = partitions;
    cluster->kept_bytes = world_below(run->world, 2) == 0 ? 0 : KEPT_BYTES;
    /* More logs begin; or few records go, for long, before the offsets' logs begin. */
    if (cluster->members || cluster->transacting || history_is_compacted(cluster->history))
        cluster->kept_bytes += cluster->kept_bytes / 2;
    draw_retention(cluster);
    for (unsigned i = 0; i < count; i++) {
        struct sim_broker *broker = &cluster->brokers[i];
        *broker = (struct sim_broker){.cluster = cluster, .place = i};
        broker->node = node_new(run->world, (int)i + 1, 0, &events, cluster);
        network_add(run->network, broker->node);
        broker->durable = durable_index_new(broker->node, cluster_store);
        make_settings(broker);
    }
    cluster->poll.run = poll;
    world_schedule(run->world, &cluster->poll, 0);
}
