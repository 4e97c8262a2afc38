/*
 * The messages of a group as records for its peers, and those that must wait: while the hard state
 * is not durable no message leaves, of the step that changed it or a later one (Raft paper, figure
 * 2: persistent state is updated before responding).
 *
 * Held records leave in their order when the hard state that they wait for is durable. What is held
 * beyond HELD_MAX is lost, as on the way: the other side asks again.
 */
#include <string.h>

#include "base/mem.h"
#include "base/mutant.h"
#include "raft-glue/raft_group_internal.h"

enum { HELD_MAX = 1024 }; /* answers to a peer that asks on and on while the disk is slow */

/* ---- What waits for the hard state ---- */

static void send_hold(struct raft_group *group, struct link *link,
                      const struct peer_record *record) {
    struct hard_state *state = &group->hard_state;
    if (state->held_count == HELD_MAX) { /* as if lost on the way */
        group->shard->stats.messages_dropped++;
        return;
    }
    state->held = mem_grow(state->held, state->held_count, &state->held_capacity,
                           sizeof *state->held);
    state->held[state->held_count++] = (struct held_record){state->version, link, *record};
}

void raft_group_send(struct raft_group *group, struct member *member, struct peer_record *record) {
    CHECK(member->link != NULL);
    record->group = group->id;
    record->from = group->replica;
    record->to = member->replica;
    if (raft_group_hard_state_pending(group) && !MUTANT(MUTANT_MESSAGE_BEFORE_HARD_STATE)) {
        send_hold(group, member->link, record);
    } else {
        link_add_record(member->link, record);
    }
}

void raft_group_send_held(struct raft_group *group) {
    size_t sent = 0;
    while (sent < group->hard_state.held_count &&
           group->hard_state.held[sent].version <= group->hard_state.durable) {
        link_add_record(group->hard_state.held[sent].link, &group->hard_state.held[sent].record);
        sent++;
    }
    group->hard_state.held_count -= sent;
    if (group->hard_state.held_count > 0)
        memmove(group->hard_state.held, group->hard_state.held + sent,
                group->hard_state.held_count * sizeof *group->hard_state.held);
}

/* ---- Messages of the engine ---- */

/* The engine answers every pre-vote with the term that was asked about, even one that it refuses
 * because its own is later. A candidate with the longer log would never learn that term, and the
 * other could never win: so a refusal tells ours. */
static uint32_t vote_result_term(const struct raft_group *group,
                                 const struct raft_request_vote_result *result) {
    bool late = result->pre_vote && !result->vote_granted &&
                result->term < raft_current_term(&group->raft);
    return late ? raft_group_term(group) : (uint32_t)result->term;
}

/* What a leader is to know of a follower besides its log. */
static uint8_t state_flags(const struct raft_group *group) {
    uint8_t flags = partition_log_is_damaged(group->log) ? RECORD_DAMAGED : 0;
    if (raft_group_lacks_room(group, DISK_ROOM_LEADER)) flags |= RECORD_NO_ROOM;
    if (raft_group_lacks_room(group, DISK_ROOM_FOLLOWER)) flags |= RECORD_TAKES_NONE;
    return flags;
}

static bool fill_record(const struct raft_group *group, const struct raft_message *message,
                        struct peer_record *record) {
    *record = (struct peer_record){0};
    switch (message->type) {
    case RAFT_APPEND_ENTRIES_RESULT:
        record->type = RECORD_APPEND_RESULT;
        record->term = (uint32_t)message->append_entries_result.term;
        record->append_result.rejected = message->append_entries_result.rejected;
        /* The engine does not set the last log index when it answers an older term. Whoever asked
         * may lead our term by now (its question was long on the way), and must not take this for
         * an answer to what it asks now. */
        record->flags = state_flags(group) | (group->step.stale ? RECORD_STALE : 0);
        if (group->step.quiet_answer != 0 && record->append_result.rejected == 0) {
            record->flags |= RECORD_QUIET;
            record->append_result.quiet_round = group->step.quiet_answer;
        }
        record->append_result.last_index = group->step.stale
                                               ? 0
                                               : message->append_entries_result.last_log_index;
        return true;
    case RAFT_REQUEST_VOTE:
        record->type = RECORD_VOTE;
        record->term = (uint32_t)message->request_vote.term;
        record->vote.last_index = message->request_vote.last_log_index;
        record->vote.last_term = message->request_vote.last_log_term;
        record->flags = (message->request_vote.pre_vote ? RECORD_PRE_VOTE : 0) |
                        (message->request_vote.disrupt_leader ? RECORD_DISRUPT : 0);
        return true;
    case RAFT_REQUEST_VOTE_RESULT:
        record->type = RECORD_VOTE_RESULT;
        record->term = vote_result_term(group, &message->request_vote_result);
        record->flags = (message->request_vote_result.pre_vote ? RECORD_PRE_VOTE : 0) |
                        (message->request_vote_result.vote_granted ? RECORD_GRANTED : 0);
        return true;
    case RAFT_TIMEOUT_NOW:
        record->type = RECORD_TIMEOUT_NOW;
        record->term = (uint32_t)message->timeout_now.term;
        record->vote.last_index = message->timeout_now.last_log_index;
        record->vote.last_term = message->timeout_now.last_log_term;
        return true;
    default: return false;
    }
}

void raft_group_send_state(struct raft_group *group, struct member *member) {
    struct peer_record record = {.type = RECORD_APPEND_RESULT,
                                 .term = raft_group_term(group),
                                 .flags = RECORD_STALE | state_flags(group)};
    raft_group_send(group, member, &record);
}

void raft_group_send_message(struct raft_group *group, struct member *member,
                             const struct raft_message *message) {
    struct peer_record record;
    if (fill_record(group, message, &record)) raft_group_send(group, member, &record);
}
