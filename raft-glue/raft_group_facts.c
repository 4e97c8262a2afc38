/*
 * What is known of a group without changing anything: what its owner may ask, and the members'
 * places.
 */
#include "base/mutant.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log_types.h"

enum { FIRST_PATIENCE = 10 }; /* election timeouts */

struct member *raft_group_member(const struct raft_group *group, replica_id replica) {
    for (size_t i = 0; i < group->member_count; i++)
        if (group->members[i]->replica == replica) return group->members[i];
    return NULL;
}

bool raft_group_lacks_room(const struct raft_group *group, enum disk_space_asker asker) {
    return group->needs_room && disk_space_is_short(log_store_room(group->shard->store), asker);
}

bool raft_group_is_damaged(const struct raft_group *group) {
    return partition_log_is_damaged(group->log);
}

bool raft_group_is_unfit(const struct raft_group *group) {
    return raft_group_is_damaged(group) || raft_group_lacks_room(group, DISK_ROOM_LEADER);
}

bool raft_group_is_starting(const struct raft_group *group) {
    return group->phase == RAFT_GROUP_STARTING;
}

bool raft_group_is_stopped(const struct raft_group *group) {
    return group->phase == RAFT_GROUP_STOPPED;
}

bool raft_group_is_new(const struct raft_group *group) {
    return group->made && !group->led;
}

uint64_t raft_group_patience_ends_ms(const struct raft_group *group) {
    return group->made_ms + (uint64_t)FIRST_PATIENCE * group->shard->options.election_timeout_ms;
}

uint64_t member_match(const struct member *member) {
    raft_index match = 0;
    return raft_match_index(&member->group->raft, member->replica, &match) == 0 ? match : 0;
}

bool raft_group_has_member_at(const struct raft_group *group, const struct link *link) {
    for (size_t i = 0; i < group->member_count; i++)
        if (group->members[i]->link == link) return true;
    return false;
}

bool member_is_live(const struct member *member) {
    return member->link != NULL && member->link->up && !member->link->silent;
}

bool raft_group_majority_is(const struct raft_group *group,
                            bool (*is)(const struct member *member)) {
    size_t such = 0;
    for (size_t i = 0; i < group->member_count; i++) {
        const struct member *member = group->members[i];
        such += member->voter && (member == group->self || is(member));
    }
    return such > group->voters.count / 2;
}

uint64_t member_heard_ms(const struct member *member) {
    const struct raft_group *group = member->group;
    bool quiet = group->quiet && (member->quiet || group->calm.of == member);
    uint64_t heard_ms = quiet ? peers_heard_ms(group->shard->peers, member->node) : 0;
    return heard_ms > member->heard_ms ? heard_ms : member->heard_ms;
}

bool shard_is_asking(const struct shard *shard) {
    return shard->options.asks_around && !shard->asked && !MUTANT(MUTANT_NOT_ASKED_AROUND);
}

struct partition_log *raft_group_log(struct raft_group *group) {
    return group->log;
}

const char *raft_group_label(const struct raft_group *group) {
    return group->label;
}

bool raft_group_may_heal(const struct raft_group *group) {
    return group->phase != RAFT_GROUP_STOPPED && group->member_count > 1 &&
           partition_log_is_damaged(group->log);
}

bool raft_group_is_blocked(const struct raft_group *group) {
    return group->applying.blocked;
}

size_t raft_group_nodes(const struct raft_group *group, int32_t *into, size_t room) {
    size_t count = 0;
    for (size_t i = 0; i < group->member_count && count < room; i++) {
        const struct member *member = group->members[i];
        if (member == group->self) continue;
        into[count++] = member->node;
        if (member->replica != group->leader) continue;
        into[count - 1] = into[0];
        into[0] = member->node;
    }
    return count;
}

uint64_t raft_group_id(const struct raft_group *group) {
    return group->id;
}

uint32_t raft_group_term(const struct raft_group *group) {
    return (uint32_t)raft_current_term(&group->raft);
}

bool raft_group_is_leading(const struct raft_group *group) {
    return group->announced.leading;
}

uint32_t raft_group_leading_term(const struct raft_group *group) {
    return group->announced.leading ? (uint32_t)group->announced.term : 0;
}

uint64_t raft_group_replica(const struct raft_group *group) {
    return group->replica;
}

uint64_t raft_group_leader(const struct raft_group *group) {
    return group->leader;
}

uint64_t raft_group_commit_index(const struct raft_group *group) {
    return group->commit;
}

uint64_t raft_group_commit_heard(const struct raft_group *group) {
    return group->commit_heard > group->commit ? group->commit_heard : group->commit;
}

uint64_t raft_group_applied_index(const struct raft_group *group) {
    return group->applied;
}

bool raft_group_member_progress(const struct raft_group *group, replica_id replica,
                                log_index *match, uint64_t *silent_ms) {
    const struct member *member = raft_group_member(group, replica);
    if (member == NULL || !raft_group_leads(group)) return false;
    bool self = member == group->self;
    uint64_t heard_ms = self ? 0 : member_heard_ms(member);
    *match = self ? partition_log_last_index(group->log) : member_match(member);
    *silent_ms = self ? 0 : heard_ms == 0 ? UINT64_MAX : env_now_ms(group->shard->env) - heard_ms;
    return true;
}

/* Who was not heard yet by this leader, which knows nothing of what others heard, is awaited from
 * when it began to lead. */
static bool is_waited_for(const struct member *member) {
    const struct raft_group *group = member->group;
    uint64_t heard_ms = member_heard_ms(member), absent_ms = group->shard->options.absent_ms;
    if (heard_ms < group->led_ms) heard_ms = group->led_ms;
    return !member->behind && env_now_ms(group->shard->env) - heard_ms < absent_ms;
}

log_index raft_group_everywhere(const struct raft_group *group) {
    uint64_t least = partition_log_durable_index(group->log);
    if (group->commit < least) least = group->commit;
    for (size_t i = 0; i < group->member_count; i++) {
        const struct member *member = group->members[i];
        if (member == group->self || !is_waited_for(member)) continue;
        uint64_t match = member->damaged ? 0 : member_match(member);
        if (match < least) least = match;
    }
    return raft_group_leads(group) ? least : 0;
}

size_t raft_group_voter_count(const struct raft_group *group) {
    return group->voters.count;
}

bool raft_group_member_in_sync(const struct raft_group *group, replica_id replica) {
    const struct member *member = raft_group_member(group, replica);
    if (member == NULL || !raft_group_leads(group)) return false;
    if (member == group->self) return true;
    uint64_t match = member_match(member), heard_ms = member_heard_ms(member);
    uint64_t silent_ms = env_now_ms(group->shard->env) - heard_ms;
    bool heard = heard_ms != 0 && silent_ms <= group->shard->options.election_timeout_ms;
    bool near = match >= group->commit ||
                match + RAFT_GROUP_IN_SYNC_ENTRIES >= partition_log_last_index(group->log);
    return member->voter && heard && near && match > 0 && member->link->up && !member->damaged &&
           !member->log_damaged && !member->takes_none;
}

struct election_facts raft_group_election(const struct raft_group *group) {
    return (struct election_facts){group->standing.cause, group->standing.took_ms};
}
