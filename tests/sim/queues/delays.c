/* The topic, looks at its replicas, and the end; delays.h has the rules. */
#include "tests/sim/queues/delays.h"

#include <inttypes.h>

#include "base/mem.h"
#include "broker/delay/delayed.h"
#include "broker/partition/partition_delay.h"
#include "raft-glue/raft_group.h"
#include "tests/sim/cluster_end.h"
#include "tests/sim/queues/delay_reader.h"
#include "tests/sim/queues/delay_sender.h"
#include "tests/sim/queues/known_states.h"
#include "tests/sim/read_back.h"

static const char topic[] = "later";

struct delays {
    struct cluster *cluster;
    struct kafka_client *client;
    struct later_book *book;
    struct delay_sender *sender;
    struct delay_reader *reader;
    struct known_states known;
};

struct delays *delays_new(struct cluster *cluster, struct env *env, int16_t replicas) {
    struct delays *delays = mem_zalloc(sizeof *delays);
    delays->cluster = cluster;
    delays->client = kafka_client_new(cluster->run, env, cluster->count, topic, 1, replicas);
    kafka_client_set(delays->client, "delay.enable", "true");
    delays->book = later_book_new(cluster);
    delays->sender = delay_sender_new(cluster, delays->client, delays->book);
    delays->reader = delay_reader_new(cluster, delays->client, delays->book);
    return delays;
}

bool delays_are_made(const struct delays *delays) {
    return kafka_client_ready(delays->client);
}

static uint64_t hash_of(struct delayed *delayed) {
    struct snapshot_bytes bytes = {0};
    struct delayed_walk *walk = delayed_walk_new(delayed);
    while (!delayed_walk_step(walk, &bytes))
        continue;
    delayed_walk_rest(walk, &bytes);
    return known_hash(&bytes);
}

static struct partition *replica(const struct delays *delays, unsigned place) {
    return cluster_is_out(delays->cluster, place)
               ? NULL
               : cluster_partition(delays->cluster, place, topic, 0);
}

void delays_look(struct delays *delays) {
    later_look_at_clocks(delays->book);
    for (unsigned i = 0; i < delays->cluster->count; i++) {
        struct partition *partition = replica(delays, i);
        uint64_t applied = known_applied(partition);
        if (applied == 0) continue;
        struct known_state state = {i, applied, hash_of(partition_delayed(partition))};
        known_note(&delays->known, delays->cluster->run, &state, "delayed records");
    }
}

/* ---- The end ---- */

void delays_finish(struct delays *delays) {
    int64_t ahead_ms = later_clock_ahead_ms(delays->book) + 2 * DELAY_SOON_MS;
    delay_sender_finish(delays->sender);
    for (unsigned i = 0; i < delays->cluster->count; i++) {
        struct node *node = delays->cluster->brokers[i].node;
        node_jump_wall_clock(node, ahead_ms - node_wall_offset_ms(node));
    }
}

/* Nothing that waits is due, and all that came has been read. */
static bool is_through(const struct delays *delays, unsigned place) {
    const struct partition *partition = replica(delays, place);
    struct env *env = node_env(delays->cluster->brokers[place].node);
    return delayed_next_due(partition_delayed(partition)) > env_wall_ms(env) &&
           delay_reader_position(delays->reader) >= partition_high_watermark(partition);
}

bool delays_are_done(struct delays *delays) {
    uint64_t first = 0;
    if (!delay_sender_is_done(delays->sender)) return false;
    for (unsigned i = 0; i < delays->cluster->count; i++) {
        uint64_t applied = known_applied(replica(delays, i));
        if (cluster_is_out(delays->cluster, i)) continue;
        if (first == 0) first = applied;
        if (applied == 0 || applied != first || !is_through(delays, i)) return false;
    }
    return true;
}

static void take_entry(void *arg, struct entry *entry) {
    later_replay_entry(arg, entry);
}

void delays_judge(struct delays *delays) {
    struct cluster *cluster = delays->cluster;
    for (unsigned i = 0; i < cluster->count; i++) {
        struct partition *partition = replica(delays, i);
        if (partition == NULL) continue;
        struct raft_group *group = partition_group(partition);
        uint64_t applied = known_applied(partition);
        if (partition_log_first_index(raft_group_log(group)) > 1) continue; /* given as files */
        struct later_pending pending = later_pending_of(partition);
        int64_t read_to = delay_reader_position(delays->reader);
        later_replay_begin(delays->book);
        if (read_back(cluster->run, cluster->brokers[i].node, group, applied, cluster->ledger,
                      take_entry, delays->book))
            later_replay_end(delays->book, &pending, i, read_to);
    }
}
