/* Disks that are too small; little_room.h says for what. */
#include "tests/sim/little_room.h"

#include <inttypes.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/metadata/metadata.h"
#include "raft-glue/raft_group.h"

enum {
    LOOK_US = 50 * 1000,
    LEAST_BYTES = 300 * 1024, /* a journal, and the beginnings of topics */
    MARGIN_BYTES = 600 * 1024,
    TRIES = 3,
    STARTS_MOST =
        5, /* each may end a block early in every log, which nobody can count beforehand */
    TERM_BYTES = 4096 + 512, /* a block of a log that its first entry ends, and its index */
    CHANGE_BYTES = 2 * 1024, /* of the metadata, which here ends a segment with each few */
    ELECTIONS_SHARE = 2,     /* of what is kept: records may have taken the rest */
};

struct little_room {
    struct cluster *cluster;
    struct event look;
    uint64_t capacity[CLUSTER_BROKERS_MAX];         /* 0: there is room enough */
    const struct env *process[CLUSTER_BROKERS_MAX]; /* of the last start that was seen */
    unsigned starts[CLUSTER_BROKERS_MAX];
    /* Until all that is kept was free for the last time: terms led, entries of the metadata. */
    uint64_t terms[CLUSTER_BROKERS_MAX], changes[CLUSTER_BROKERS_MAX];
};

/* Nobody has changed it since, and its files are its own. */
static bool counts(const struct little_room *room, unsigned place) {
    const struct cluster *cluster = room->cluster;
    return room->capacity[place] == disk_capacity_bytes(node_disk(cluster->brokers[place].node)) &&
           !(nemesis_lost(cluster->nemesis) >> place & 1);
}

/* 0: it does not run. */
static uint64_t changes_of(struct cluster *cluster, unsigned place) {
    const struct raft_group *metadata = cluster_group(cluster, place, METADATA_GROUP);
    return metadata == NULL ? 0 : raft_group_applied_index(metadata);
}

/* Elections ask nobody, nor do changes of the metadata, and topics begin with one: who is elected
 * again and again while nothing may be deleted fills the disk, as decision 22 says. Followers take
 * records down to half of what is kept. */
static bool others_took_it(struct little_room *room, unsigned place) {
    struct cluster *cluster = room->cluster;
    const struct disk *disk = node_disk(cluster->brokers[place].node);
    uint64_t changes = changes_of(cluster, place);

    if (disk_used_bytes(disk) + cluster->kept_bytes <= room->capacity[place]) {
        room->terms[place] = cluster->terms_led;
        room->changes[place] = changes;
    }
    uint64_t since = changes > room->changes[place] ? changes - room->changes[place] : 0;
    return (cluster->terms_led - room->terms[place]) * TERM_BYTES + since * CHANGE_BYTES >
           cluster->kept_bytes / ELECTIONS_SHARE;
}

static void look(struct event *event) {
    struct little_room *room = CONTAINER_OF(event, struct little_room, look);
    struct cluster *cluster = room->cluster;
    bool any = false;

    for (unsigned i = 0; i < cluster->count; i++) {
        struct node *node = cluster->brokers[i].node;
        if (room->capacity[i] == 0) continue;
        if (node_env(node) != NULL && node_env(node) != room->process[i]) {
            room->process[i] = node_env(node);
            room->starts[i]++;
        }
        if (!counts(room, i) || room->starts[i] > STARTS_MOST || others_took_it(room, i)) {
            room->capacity[i] = 0;
            continue;
        }
        any = true;
        if (node_full_writes(node) > 0)
            run_fail(cluster->run,
                     "n%u filled its disk of %" PRIu64 " bytes, of which %" PRIu64
                     " should have stayed free",
                     i + 1, room->capacity[i], cluster->kept_bytes);
    }
    if (any)
        world_schedule(cluster->run->world, event, world_now_us(cluster->run->world) + LOOK_US);
    else
        mem_free(room);
}

void little_room_begin(struct cluster *cluster) {
    struct world *world = cluster->run->world;
    bool everywhere = world_below(world, 2) == 0;
    unsigned place = (unsigned)world_below(world, cluster->count);

    if (cluster->kept_bytes == 0 || world_below(world, TRIES) == 0) return;
    struct little_room *room = mem_zalloc(sizeof *room);
    room->cluster = cluster;
    room->look.run = look;
    for (unsigned i = 0; i < cluster->count; i++) {
        if (!everywhere && i != place) continue;
        room->capacity[i] = cluster->kept_bytes + LEAST_BYTES + world_below(world, MARGIN_BYTES);
        disk_set_capacity(node_disk(cluster->brokers[i].node), room->capacity[i]);
        run_count(cluster->run, RARE_LITTLE_ROOM, 1);
    }
    look(&room->look);
}
