/*
 * What makes a replica unfit to lead: damage in its segments, or a disk without room for records.
 *
 * Damage is bytes that do not match their checksums, or cannot be read.
 * Whoever reads finds it: a consumer, a follower that catches up, a lookup by time, the applier.
 * The log's facts are whole all the same (terms and indexes are in memory, votes in the journal),
 * so the replica follows, votes and acknowledges as before; but it must not lead, because consumers
 * and followers could not get the range from it:
 *
 *   - one line on the log for each file: where, and what to do
 *   - a leader hands over at once to a replica that is in sync and has said of no damage; it tries
 *     again while there is none
 *   - a follower says so with every answer to its leader, so it is no target of transfers and not
 *     "in sync"
 *   - a follower makes no early try to be elected, and its own timeout waits for others: it leads
 *     only when nobody else does for several election timeouts, because the others lack entries
 *     that it has, or are damaged, too, or there is nobody (docs/decisions)
 *
 * It is over when all damage is mended with what other replicas have (broker/healing). A new start
 * forgets it: the file may have been put back, and if not the next read finds it again.
 *
 * A disk without room (disk_space.h) is told to the leader in the same way, and a leader hands over
 * for it in the same way, to a replica with room; where none has any it leads on, and refuses what
 * producers send. A follower below the lower limit takes no records; what comes before them in the
 * log it takes. It stands for election as ever: who lacks entries is not elected, and who was
 * elected hands over.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "raft-glue/raft_group_internal.h"

enum {
    AGAIN_MS = 1000,
    REFUSED_MS = 5000, /* after a try for which submits had to wait */
    PLACE_MAX = 1024,
};

static const char *advice(const struct raft_group *group) {
    return group->member_count > 1
               ? "this replica leads no more while another one is whole, which serves these records; what is damaged is asked of the "
                 "others and written again: if no line says that soon, put back the file as it was, with this broker stopped"
               : "there is no other replica: put back the file as it was, with this broker stopped";
}

void leader_fitness_damage_found(struct raft_group *group,
                                 const struct partition_log_damage *damage) {
    char place[PLACE_MAX];
    snprintf(place, sizeof place, "%s cannot be read at position %" PRIu64 " (%s)", damage->file,
             damage->position, error_phrase(damage->error));
    log_event(group->shard->log, LOGGED_LOG_DAMAGED,
              "%s: %s: %s; draved log verify names all that is damaged", group->label, place,
              advice(group));
    if (group->damage == NULL) {
        group->damage = mem_strdup(place);
        group->shard->stats.damaged_logs++;
        ids_row_add(&group->shard->damaged, group);
    }
    group->shard->stats.damaged_files++;
    group->leave_at_ms = 0;
    if (group->calm.of != NULL) raft_group_send_state(group, group->calm.of);
    quiet_end(group);
    shard_ready(group);
}

void leader_fitness_forget_damage(struct raft_group *group) {
    if (group->damage == NULL) return;
    mem_free(group->damage);
    group->damage = NULL;
    group->shard->stats.damaged_logs--;
    ids_row_remove(&group->shard->damaged, group);
}

void leader_fitness_mended(struct raft_group *group) {
    log_event(group->shard->log, LOGGED_REPLICA_WHOLE,
              "%s: this replica is whole again: all that was damaged is mended", group->label);
    leader_fitness_forget_damage(group);
    group->shard->stats.mended_logs++;
    raft_group_unblock(group);
    if (group->calm.of != NULL) raft_group_send_state(group, group->calm.of);
    quiet_end(group);
    shard_ready(group);
    raft_group_rearm(group);
}

/* In sync, whole, with room, and the nearest. */
static struct member *find_target(const struct raft_group *group) {
    struct member *best = NULL;
    for (size_t i = 0; i < group->member_count; i++) {
        struct member *member = group->members[i];
        if (member == group->self || !member->voter || member->no_room) continue;
        if (!raft_group_member_in_sync(group, member->replica)) continue;
        if (best == NULL || member_match(member) > member_match(best)) best = member;
    }
    return best;
}

static void left(struct raft_group_transfer *transfer, int error) {
    struct raft_group *group = CONTAINER_OF(transfer, struct raft_group, leave);
    struct shard_stats *stats = &group->shard->stats;
    if (error == ERR_NONE)
        (*(partition_log_is_damaged(group->log) ? &stats->left_for_damage
                                                : &stats->left_for_room))++;
    group->leave_at_ms = shard_now_ms(group->shard) + REFUSED_MS;
}

void leader_fitness_deliver(struct raft_group *group) {
    if (raft_group_leave_deadline_ms(group) > shard_now_ms(group->shard)) return;
    struct member *target = find_target(group);
    group->leave_at_ms = shard_now_ms(group->shard) + AGAIN_MS;
    group->leave.done = left;
    if (target != NULL) transfer_begin(group, &group->leave, target);
    raft_group_rearm(group);
}

void leader_fitness_room_changed(struct shard *shard) {
    for (struct raft_group *group = shard->groups; group != NULL; group = group->hh.next) {
        if (!group->needs_room) continue;
        if (raft_group_leads(group)) shard_ready(group);
        if (group->calm.of != NULL) raft_group_send_state(group, group->calm.of);
    }
}
