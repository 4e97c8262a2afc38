/*
 * A static member that comes again without its id, because its process was started anew (KIP-345,
 * KIP-814): it takes the place of the one before, with a new id.
 *
 * Stable, and the protocol stays: the record with the new id is written first, then it is answered
 * with the present generation, and nobody else notices. Failures: the record is not written: the
 * old id is put back. Otherwise there is a rebalance; also where the one before had to give
 * something back and did not come to it, which a process that was started anew does not know of.
 * Invariant: whatever was parked or comes under the old id hears FENCED_INSTANCE_ID.
 */
#include "base/check.h"
#include "base/mutant.h"
#include "broker/coordinator/classic/classic_internal.h"

/* What the member was, until the record is written. */
struct replacement {
    struct group_join *join;
    struct classic_member *member;
    struct shared_bytes *old_id, *old_client_id, *old_client_host;
    struct group_join before; /* what it said */
    struct group_protocol *protocols;
    struct shared_bytes **held;  /* names and metadata of those */
    struct shared_bytes *leader; /* before */
};

static void keep_before(struct replacement *replacement, const struct classic_member *member) {
    replacement->old_id = shared_bytes_take(member->id);
    replacement->old_client_id = shared_bytes_take(member->client_id);
    replacement->old_client_host = shared_bytes_take(member->client_host);
    replacement->leader = shared_bytes_take(member->classic->leader->id);
    uint32_t count = member->protocol_count;
    replacement->protocols = mem_alloc(count * sizeof *replacement->protocols);
    replacement->held = mem_alloc((size_t)count * 2 * sizeof(struct shared_bytes *));
    for (uint32_t p = 0; p < count; p++) {
        replacement->held[2 * p] = shared_bytes_take(member->protocols[p].name->text);
        replacement->held[2 * p + 1] = shared_bytes_take(member->protocols[p].metadata);
        replacement->protocols[p] = (struct group_protocol){
            .name = shared_string(replacement->held[2 * p]),
            .metadata = shared_bytes_view(replacement->held[2 * p + 1])};
    }
    replacement->before = (struct group_join){
        .member_id = shared_string(replacement->old_id),
        .client_id = shared_string(replacement->old_client_id),
        .client_host = shared_string(replacement->old_client_host),
        .session_timeout_ms = member->session_timeout_ms,
        .rebalance_timeout_ms = member->rebalance_timeout_ms,
        .protocols = replacement->protocols,
        .protocol_count = count,
    };
}

static void replacement_free(struct replacement *replacement) {
    for (size_t i = 0; i < 2 * replacement->before.protocol_count; i++)
        shared_bytes_release(replacement->held[i]);
    mem_free(replacement->held);
    mem_free(replacement->protocols);
    shared_bytes_release(replacement->old_id);
    shared_bytes_release(replacement->old_client_id);
    shared_bytes_release(replacement->old_client_host);
    shared_bytes_release(replacement->leader);
    mem_free(replacement);
}

/* Its answer: the leader before v9 hears the old leader's id, so that it does not assign. */
static void answer_unchanged(const struct replacement *replacement) {
    struct group_join *join = replacement->join;
    struct classic_member *member = replacement->member;
    struct classic_group *classic = member->classic;
    join->generation = classic->generation;
    join->type = shared_bytes_take(classic->type);
    join->protocol = shared_bytes_take(classic->protocol);
    join->member = shared_bytes_take(member->id);
    if (join->skips_assignment) {
        join->leader = shared_bytes_take(classic->leader->id);
        join->skip_assignment = member == classic->leader;
        if (join->skip_assignment) classic_list_members(classic, join);
    } else {
        join->leader = shared_bytes_take(replacement->leader);
    }
    group_call_answer(classic_table(classic), &join->call, KAFKA_NONE);
    classic_member_renew(member);
}

static void put_back(const struct replacement *replacement) {
    struct classic_member *member = replacement->member;
    classic_member_rename(member, shared_bytes_take(replacement->old_id));
    classic_member_tell(member, &replacement->before);
    classic_member_renew(member);
}

static void rejoin_written(struct group_turn *turn, int16_t error) {
    struct group_join *join = CONTAINER_OF(turn, struct group_join, call.turn);
    struct replacement *replacement = join->call.parked_at;
    struct group *group = turn->group;
    if (error == KAFKA_NONE) {
        answer_unchanged(replacement);
        if (MUTANT(MUTANT_STATIC_FENCED_TWICE)) put_back(replacement);
    } else {
        put_back(replacement);
        join->generation = -1;
        group_call_answer(group->table, &join->call, classic_write_error(error));
    }
    replacement_free(replacement);
    classic_turn_end(group, turn);
}

void classic_static_rejoin(struct classic_member *member, struct group_join *join,
                           struct shared_bytes *id) {
    struct classic_group *classic = member->classic;
    struct group *group = classic->group;
    struct replacement *replacement = mem_zalloc(sizeof *replacement);
    bool unnoticed = classic->state == CLASSIC_STABLE && !classic_handover_awaits(member);
    *replacement = (struct replacement){.join = join, .member = member};
    keep_before(replacement, member);
    classic_fail_join(member, KAFKA_FENCED_INSTANCE_ID);
    classic_fail_sync(member, KAFKA_FENCED_INSTANCE_ID);
    classic_member_rename(member, id);
    classic_member_tell(member, join);
    if (unnoticed && classic_vote(classic)->text == classic->protocol) {
        join->call.parked_at = replacement;
        join->call.turn.written = rejoin_written;
        classic_write_members(classic, &join->call.turn, false);
        return;
    }
    replacement_free(replacement);
    classic_member_note(member, KP_GROUP_REPLACED);
    classic_park_join(member, join);
    classic_changed(classic);
    classic_turn_end(group, &join->call.turn);
}
