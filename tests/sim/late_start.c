/* Choosing a segment, moving the start of others, damage. */
#include "tests/sim/late_start.h"

#include <inttypes.h>
#include <stdio.h>

#include "raft-glue/raft_group.h"
#include "storage/heal/known_header.h"
#include "storage/log/log_internal.h"
#include "tests/sim/env/disk.h"

enum {
    PATIENCE_MS = 3000,
    STEP_MS = 50,
    ROUNDS_BEHIND = 3,
    GROUPS_MOST = 1 + CLUSTER_PARTITIONS_MAX
};

struct late {
    struct cluster *cluster;
    unsigned place, other;
    uint64_t group;
    log_index first, last;   /* of the segment */
    kafka_offset base, next; /* where it begins, and the one behind it */
    bool told;               /* by the header of that one, where it ends */
    log_index below; /* the journal of the machine knows by now that what lies below is synced */
};

static struct partition_log *log_of(const struct late *late, unsigned place) {
    struct raft_group *group = cluster_group(late->cluster, place, late->group);
    return group != NULL ? raft_group_log(group) : NULL;
}

static bool is_raw(const struct segment *segment) {
    return !segment->active && !segment->damaged && !segment_is_cleaned(&segment->header) &&
           segment->synced == segment->end.position &&
           segment->end.position > SEGMENT_HEADER_SIZE + ENTRY_HEADER_SIZE;
}

/* Where the log of that broker may begin, at or behind the segment's end. NULL: nowhere. */
static struct segment *beginning(const struct late *late, unsigned place) {
    struct partition_log *log = log_of(late, place);
    for (size_t i = 0; log != NULL && i < log->segment_count; i++) {
        struct segment *segment = log->segments[i];
        if (segment->end.last_index < late->last) continue;
        return is_raw(segment) && segment->end.last_index < late->below ? segment : NULL;
    }
    return NULL;
}

/* The first segment that counts; far enough behind it others follow. */
static bool choose_in(struct late *late) {
    const struct partition_log *log = log_of(late, late->place);
    size_t at = 0;
    while (at < log->segment_count && log->segments[at]->header.first_index < log->first_index)
        at++;
    if (at + ROUNDS_BEHIND >= log->segment_count || !is_raw(log->segments[at])) return false;
    late->first = log->segments[at]->header.first_index;
    late->last = log->segments[at]->end.last_index;
    late->base = log->segments[at]->header.base_offset;
    late->next = log->segments[at + 1]->header.base_offset;
    late->below = log->segments[log->segment_count - 2]->header.first_index;
    unsigned others = 0;
    for (unsigned i = 0; i < late->cluster->count; i++) {
        if (i == late->place || log_of(late, i) == NULL) continue;
        if (beginning(late, i) == NULL) return false;
        others++;
    }
    return others > 0;
}

static bool choose(struct late *late) {
    uint64_t ids[GROUPS_MOST];
    size_t n = cluster_groups(late->cluster, late->place, ids, GROUPS_MOST);
    for (size_t i = 0; i < n; i++) {
        late->group = ids[i];
        if (choose_in(late)) return true;
    }
    return false;
}

static void move_start(struct env *env, void *arg) {
    const struct late *late = arg;
    struct partition_log *log = log_of(late, late->other);
    const struct segment *segment = beginning(late, late->other);
    (void)env;
    bool busy = log == NULL || log->prefix.raised || log->end_cleaning || log->swap || log->refill;
    if (busy || segment == NULL || log->first_index > late->last) return;
    for (int32_t p = 0; p < late->cluster->partitions; p++)
        if (late->cluster->groups[p] == late->group)
            history_trim_asked(late->cluster->history, p, segment->end.offset);
    partition_log_raise_start(log, segment, NULL);
}

/* A header that rots while its log is open is not looked at before the next start. */
static void look_at_next(struct env *env, void *arg) {
    struct late *late = arg;
    struct segment_header header;
    late->told = known_header_read(env, log_of(late, late->place)->path, late->group, late->next,
                                   SEGMENT_FILE_LOG, &header);
}

/* True: all others count it as gone. */
static bool others_let_go(struct late *late) {
    bool all = true;
    for (late->other = 0; late->other < late->cluster->count; late->other++) {
        const struct partition_log *log = log_of(late, late->other);
        if (late->other == late->place || log == NULL || log->first_index > late->last) continue;
        node_call(late->cluster->brokers[late->other].node, move_start, late);
        all = false;
    }
    return all;
}

/* False: not both are there, or the power cut has brought back what mended the segment before,
 * which a start would write again (segment_mend.h). */
static bool damage(const struct late *late) {
    struct disk *disk = node_disk(late->cluster->brokers[late->place].node);
    const struct partition_log *log = log_of(late, late->place);
    char segment[200], index[200], mend[200];
    snprintf(segment, sizeof segment, "%s/%020" PRId64 ".log", log->path, late->base);
    snprintf(index, sizeof index, "%s/%020" PRId64 ".index", log->path, late->base);
    snprintf(mend, sizeof mend, "%s/%020" PRId64 ".mend", log->path, late->base);
    node_power_cut(late->cluster->brokers[late->place].node);
    if (disk_kind_of(disk, mend) != ENV_NOTHING) return false;
    bool both = disk_flip(disk, segment, SEGMENT_HEADER_SIZE + 5);
    return disk_flip(disk, index, SEGMENT_HEADER_SIZE + 8) && both;
}

void late_start_strike(struct cluster *cluster, unsigned place,
                       void (*run_ms)(struct cluster *cluster, uint64_t ms)) {
    struct late late = {.cluster = cluster, .place = place};
    if (!node_is_running(cluster->brokers[place].node) || !choose(&late)) return;
    node_call(cluster->brokers[place].node, look_at_next, &late);
    if (!late.told) return;
    uint64_t ms = 0;
    for (; ms < PATIENCE_MS && !others_let_go(&late); ms += STEP_MS)
        run_ms(cluster, STEP_MS);
    const struct partition_log *log = log_of(&late, place);
    if (ms >= PATIENCE_MS || log == NULL || log->first_index > late.first) return;
    run_say(cluster->run, "n%d has a damaged segment that only it still counts",
            node_id(cluster->brokers[place].node));
    if (!damage(&late)) return;
    cluster->late = (struct late_start){.group = late.group, .last = late.last, .place = place};
}

bool late_start_is_over(struct cluster *cluster) {
    const struct late_start *late = &cluster->late;
    if (late->last == 0) return true;
    struct raft_group *group = cluster_group(cluster, late->place, late->group);
    return group != NULL && partition_log_first_index(raft_group_log(group)) > late->last &&
           !partition_log_is_damaged(raft_group_log(group));
}
