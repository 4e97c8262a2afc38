/*
 * Does a majority still follow this leader, after now? What a deposed leader that does not know it
 * yet must ask before it says something that a client would believe (read index: Raft dissertation,
 * section 6.4).
 *
 * All that ask in one turn share one round: a record to each voter, in the frame of the turn. A
 * voter that is in the same term answers; its term says that it has voted for nobody later. With a
 * majority the round, and all before it, is confirmed.
 * Failures: not leading any more: ERR_NOT_LEADER; no majority within an election timeout:
 * ERR_TIMEOUT.
 */
#include "base/mutant.h"
#include "raft-glue/raft_group_internal.h"

void raft_group_read_index(struct raft_group *group, struct raft_group_read_index *confirm) {
    confirm->next = NULL;
    confirm->round = group->read_index.asked + 1;
    confirm->deadline_ms = env_now_ms(group->shard->env) +
                           group->shard->options.election_timeout_ms;
    *group->read_index.end = confirm;
    group->read_index.end = &confirm->next;
    shard_ready(group);
}

void raft_group_read_index_cancel(struct raft_group *group, struct raft_group_read_index *confirm) {
    for (struct raft_group_read_index **at = &group->read_index.first; *at != NULL;
         at = &(*at)->next) {
        if (*at != confirm) continue;
        *at = confirm->next;
        if (*at == NULL) group->read_index.end = at;
        return;
    }
}

static void end_first(struct raft_group *group, int error) {
    struct raft_group_read_index *first = group->read_index.first;
    raft_group_read_index_cancel(group, first);
    first->done(first, error);
}

void read_index_fail_all(struct raft_group *group, int error) {
    size_t n = 0; /* those that are here now: `done` may ask again */
    for (struct raft_group_read_index *at = group->read_index.first; at != NULL; at = at->next)
        n++;
    for (; n > 0 && group->read_index.first != NULL; n--)
        end_first(group, error);
}

static void index_ask(struct raft_group *group) {
    group->read_index.asked++;
    for (size_t i = 0; i < group->member_count; i++) {
        struct member *member = group->members[i];
        if (member == group->self || !member->voter) continue;
        struct peer_record record = {.type = RECORD_CONFIRM,
                                     .term = raft_group_term(group),
                                     .confirm = {.round = group->read_index.asked}};
        raft_group_send(group, member, &record);
    }
    raft_group_rearm_later(group);
}

/* The highest round that a majority has confirmed. */
static uint64_t confirmed_round(const struct raft_group *group) {
    uint64_t best = 0;
    for (size_t i = 0; i < group->member_count; i++) {
        const struct member *at = group->members[i];
        uint64_t round = at == group->self ? group->read_index.asked : at->confirmed;
        size_t count = 0;
        for (size_t j = 0; j < group->member_count; j++) {
            const struct member *other = group->members[j];
            count += other->voter && (other == group->self || other->confirmed >= round);
        }
        if (count > group->voters.count / 2 && round > best) best = round;
    }
    return best;
}

void read_index_deliver(struct raft_group *group) {
    if (group->read_index.first == NULL) return;
    if (!group->announced.leading) {
        read_index_fail_all(group, ERR_NOT_LEADER);
        return;
    }
    struct raft_group_read_index *last = group->read_index.first;
    while (last->next != NULL)
        last = last->next;
    if (last->round > group->read_index.asked) index_ask(group);
    uint64_t round = MUTANT(MUTANT_CONFIRM_SKIPPED) ? group->read_index.asked
                                                    : confirmed_round(group);
    while (group->read_index.first != NULL && group->read_index.first->round <= round)
        end_first(group, ERR_NONE);
    uint64_t now_ms = env_now_ms(group->shard->env);
    while (group->read_index.first != NULL && group->read_index.first->deadline_ms <= now_ms)
        end_first(group, ERR_TIMEOUT);
}

void read_index_received(struct raft_group *group, struct member *from,
                         const struct peer_record *record) {
    if (group->phase != RAFT_GROUP_RUNNING || record->term != raft_group_term(group)) return;
    if (record->type == RECORD_CONFIRM) {
        if (group->raft.state == RAFT_LEADER) return;
        struct peer_record answer = {.type = RECORD_CONFIRMED,
                                     .term = record->term,
                                     .confirm = {.round = record->confirm.round}};
        raft_group_send(group, from, &answer);
    } else if (from->damaged) { /* a later vote may be among what it lost */
        group->shard->stats.messages_dropped++;
    } else if (raft_group_leads(group) && record->confirm.round <= group->read_index.asked &&
               record->confirm.round > from->confirmed) {
        from->confirmed = record->confirm.round;
        if (group->read_index.first != NULL) shard_ready(group);
    }
}
