/*
 * From frames to steps: takes apart what a peer sent, finds the group, and steps what
 * raft_group_admit lets through.
 *
 * Happy path: records become messages one by one. A frame of entries is one counted buffer: larger
 * bodies stay slices of it, small ones are copied out, so that a cached entry never pins a megabyte
 * for 100 bytes.
 * Failures: what cannot be parsed breaks the link (the other side is of another mind about the
 * format); a message for a group or replica that is not here, or from one that is not a member
 * there, is dropped and counted.
 * Invariant: a configuration is stepped as the first entry of its message (the engine records a
 * wrong index for any other).
 */
#include "base/mem.h"
#include "base/mutant.h"
#include "raft-glue/peer/entry_frame.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/little_endian.h"

enum {
    SMALL_BODY = 4096,
    FEW = 4, /* entries of a piece that need no memory of their own */
    /* Versions that libraft's messages of 0.22 carry; they tell a pre-vote's answer from a vote's.
     */
    VOTE_VERSION = 2,
    VOTE_RESULT_VERSION = 2,
    APPEND_RESULT_VERSION = 2,
};

/* The member that may speak to us there, or NULL: dropped and counted. */
static struct member *find_sender(struct shard *shard, int32_t node, uint64_t raft_group_id,
                                  uint64_t from, uint64_t to, struct raft_group **group) {
    *group = shard_group(shard, raft_group_id);
    struct member *member = NULL;
    if (*group != NULL && (*group)->replica == to) member = raft_group_member(*group, from);
    if (member != NULL && member->node == node && member != (*group)->self) return member;
    shard->stats.messages_dropped++;
    return NULL;
}

static bool step_message(struct raft_group *group, struct member *from,
                         struct raft_message *message) {
    struct raft_event event = {.type = RAFT_RECEIVE};
    event.receive.message = message;
    message->server_id = from->replica;
    message->server_address = from->address;
    from->heard_ms = shard_now_ms(group->shard);
    return raft_group_step(group, &event);
}

/* ---- AppendEntries ---- */

static void note_append(struct raft_group *group, struct member *from, raft_term term,
                        uint64_t commit) {
    group->step.stale = term < raft_current_term(&group->raft);
    if (group->step.stale) return;
    if (commit > group->commit_heard) group->commit_heard = commit;
    group->heard_leader = from->replica;
    group->heard_term = (uint32_t)term;
    if (group->dead_leader == from->replica) group->dead_leader = 0;
}

/* Raft, figure 2: min(leaderCommit, index of last new entry). The engine goes there, also where
 * that lies below what it knows to be committed: what tells of more than it brings, anchored before
 * that, would set it back. */
static uint64_t commit_within(const struct peer_piece *piece, unsigned n) {
    uint64_t last = piece->prev_index + n;
    return piece->commit < last || MUTANT(MUTANT_COMMIT_SET_BACK) ? piece->commit : last;
}

/* How many of them are taken: all before the first records for which, behind those before, the disk
 * has no room. The leader is told with the answer. What is taken counts as promised only when all
 * of it is. */
static unsigned taken(const struct raft_group *group, struct entry *const *entries, unsigned n) {
    struct disk_space *room = log_store_room(group->shard->store);
    uint64_t bytes = 0;
    unsigned taken = 0;
    for (; group->needs_room && taken < n; taken++) {
        bytes += entry_stored_size(entries[taken]);
        if (entries[taken]->type == ENTRY_BATCHES &&
            !disk_space_for(room, DISK_ROOM_FOLLOWER, bytes))
            return taken;
    }
    return n;
}

/* Another configuration comes behind the one of which the engine does not know that it has
 * committed; it would forget which one to go back to. But a leader submits a change when the one
 * before it has committed: so that has, if this message goes on behind it. */
static void settle_change(struct raft_group *group, const struct raft_append_entries *args) {
    uint64_t known = group->raft.configuration_uncommitted_index;
    if (known == 0 || args->prev_log_index < known) return;
    if (partition_log_term_at(group->log, args->prev_log_index) != args->prev_log_term) return;
    raft_group_report_change(group);
}

/* Entries and their twins for the engine; the entries stay the caller's. */
static void step_append(struct raft_group *group, struct member *from,
                        const struct peer_piece *piece, struct entry *const *entries,
                        struct raft_entry *raw, unsigned n) {
    struct raft_message message = {.type = RAFT_APPEND_ENTRIES};
    message.append_entries = (struct raft_append_entries){.term = piece->term,
                                                          .prev_log_index = piece->prev_index,
                                                          .prev_log_term = piece->prev_term,
                                                          .leader_commit = commit_within(piece, n),
                                                          .entries = raw,
                                                          .n_entries = n};
    unsigned gone = group->phase == RAFT_GROUP_RUNNING
                        ? raft_group_trail_cut_gone(group, &message.append_entries)
                        : 0;
    entries = entries == NULL ? NULL : entries + gone;
    raw = raw == NULL ? NULL : raw + gone;
    n -= gone;
    if (!raft_group_admit(group, from, &message)) return;
    if (!raft_group_admit_entries(group, from, &message.append_entries, entries)) return;
    unsigned cut = raft_group_trail_cut_below(group, &message.append_entries);
    n -= cut;
    if (n > 0 && raw[cut].type == RAFT_CHANGE) settle_change(group, &message.append_entries);
    /* One token for the whole array: the engine frees it exactly when it does not hand the entries
     * back. */
    void *token = n > 0 ? raft_malloc(1) : NULL;
    for (unsigned i = 0; i < n; i++)
        raw[cut + i].batch = token;
    group->step.entries = n > 0 ? entries + cut : NULL;
    group->step.first = message.append_entries.prev_log_index + 1;
    note_append(group, from, piece->term, piece->commit);
    /* An AppendEntries that asks nothing: the leader is not quiet, so nor are we. */
    if (!group->step.stale && group->step.quiet_answer == 0) quiet_end(group);
    if (!step_message(group, from, &message)) return;
    raft_free(token);
    if (MUTANT(MUTANT_RESULT_UNPERSISTED))
        raft_group_step_persisted(group, partition_log_last_index(group->log));
}

static void receive_append(struct raft_group *group, struct member *from,
                           const struct peer_record *record) {
    if (record->append.quiet_round != 0 && !(record->flags & RECORD_QUIET)) return;
    struct peer_piece piece = {.term = record->term,
                               .prev_index = record->append.prev_index,
                               .prev_term = record->append.prev_term,
                               .commit = record->append.commit};
    bool agrees = quiet_agrees(group, from, record);
    group->step.quiet_answer = agrees ? record->append.quiet_round : 0;
    step_append(group, from, &piece, NULL, NULL, 0);
    group->step.quiet_answer = 0;
    if (agrees) quiet_follow(group, from);
}

/* ---- Records ---- */

static void note_state(struct member *from, uint8_t flags) {
    bool damaged = flags & RECORD_DAMAGED, no_room = flags & RECORD_NO_ROOM,
         takes_none = flags & RECORD_TAKES_NONE;
    if (MUTANT(MUTANT_TAKES_NONE_KEPT)) takes_none = takes_none || from->takes_none;
    if (damaged != from->log_damaged || no_room != from->no_room || takes_none != from->takes_none)
        quiet_end(from->group);
    from->log_damaged = damaged;
    from->no_room = no_room;
    from->takes_none = takes_none;
}

static void receive_record(struct raft_group *group, struct member *from,
                           const struct peer_record *record) {
    struct raft_message message = {0};
    snapshot_fetch_note(group);
    switch (record->type) {
    case RECORD_APPEND: receive_append(group, from, record); return;
    case RECORD_CONFIRM:
    case RECORD_CONFIRMED:
        from->heard_ms = shard_now_ms(group->shard);
        read_index_received(group, from, record);
        return;
    case RECORD_RESIGNED:
        if (record->term != raft_group_term(group)) return;
        if (record->resigned.deposed_by == 0)
            election_on_resigned(group, from);
        else if (group->calm.of == from)
            quiet_end(group);
        return;
    case RECORD_APPEND_RESULT:
        note_state(from, record->flags);
        if ((record->flags & RECORD_STALE) && record->term <= raft_group_term(group)) {
            /* It has agreed, perhaps, and is awake. */
            if (raft_group_leads(group)) quiet_end(group);
            return;
        }
        message.type = RAFT_APPEND_ENTRIES_RESULT;
        message.append_entries_result = (struct raft_append_entries_result){
            .version = APPEND_RESULT_VERSION,
            .term = record->term,
            .rejected = record->append_result.rejected,
            .last_log_index = record->append_result.last_index};
        break;
    case RECORD_VOTE:
        message.type = RAFT_REQUEST_VOTE;
        message.request_vote = (struct raft_request_vote){
            .version = VOTE_VERSION,
            .term = record->term,
            .candidate_id = from->replica,
            .last_log_index = record->vote.last_index,
            .last_log_term = record->vote.last_term,
            .disrupt_leader = record->flags & RECORD_DISRUPT,
            .pre_vote = record->flags & RECORD_PRE_VOTE};
        if (election_may_depose(group, from)) message.request_vote.disrupt_leader = true;
        break;
    case RECORD_VOTE_RESULT:
        message.type = RAFT_REQUEST_VOTE_RESULT;
        message.request_vote_result = (struct raft_request_vote_result){
            .version = VOTE_RESULT_VERSION,
            .term = record->term,
            .vote_granted = record->flags & RECORD_GRANTED,
            .pre_vote = record->flags & RECORD_PRE_VOTE};
        break;
    default:
        message.type = RAFT_TIMEOUT_NOW;
        message.timeout_now = (struct raft_timeout_now){.term = record->term,
                                                        .last_log_index = record->vote.last_index,
                                                        .last_log_term = record->vote.last_term};
    }
    if (!raft_group_admit(group, from, &message)) return;
    bool result = message.type == RAFT_APPEND_ENTRIES_RESULT;
    from->rejected = result && record->append_result.rejected > 0;
    if (from->rejected && record->term == raft_group_term(group))
        replicate_lacks(from, record->append_result.last_index);
    step_message(group, from, &message);
    from->rejected = false;
    if (!result || !raft_group_leads(group)) return;
    replicate_acknowledged(from);
    if (record->append_result.rejected > 0 && record->term == raft_group_term(group))
        replicate_rejected(from, record->append_result.rejected);
    if (record->flags & RECORD_QUIET) quiet_agreed(from, record);
}

void receive_records(struct shard *shard, int32_t node, struct slice payload) {
    bool sound = payload.len % PEER_RECORD_SIZE == 0;
    shard->stats.frames_received++;
    for (size_t at = 0; sound && at < payload.len; at += PEER_RECORD_SIZE) {
        struct peer_record record;
        struct raft_group *group;
        sound = peer_record_decode(payload.data + at, &record) == ERR_NONE;
        if (!sound) break;
        struct member *from = find_sender(shard, node, record.group, record.from, record.to,
                                          &group);
        if (from != NULL) receive_record(group, from, &record);
    }
    slice_unref(&payload);
    if (!sound) peers_break(shard->peers, node, "it sent records that make no sense");
}

/* ---- Frames of entries ---- */

static enum raft_entry_type engine_type(const struct entry *entry) {
    if (entry->type == ENTRY_CHANGE) return RAFT_CHANGE;
    return entry->type == ENTRY_BARRIER ? RAFT_BARRIER : RAFT_COMMAND;
}

/* Steps the entries [0, n) of a piece, in as many messages as there are configurations not at their
 * beginning. */
static void step_piece(struct raft_group *group, struct member *from, struct peer_piece piece,
                       struct entry *const *entries, size_t n) {
    struct raft_entry few[FEW] = {0}, *raw = n <= FEW ? few : mem_zalloc(n * sizeof *raw);
    for (size_t i = 0; i < n; i++) {
        raw[i].term = entries[i]->term;
        raw[i].type = engine_type(entries[i]);
        raw[i].buf.base = (void *)entries[i]->body.data;
        raw[i].buf.len = entries[i]->body.len;
    }
    for (size_t first = 0; first < n;) {
        size_t end = first + 1;
        while (end < n && raw[end].type != RAFT_CHANGE)
            end++;
        unsigned all = (unsigned)(end - first), n_taken = taken(group, entries + first, all);
        step_append(group, from, &piece, entries + first, raw + first, n_taken);
        if (n_taken < all) {
            group->shard->stats.not_taken++;
            break;
        }
        piece.prev_index = entries[end - 1]->index;
        piece.prev_term = entries[end - 1]->term;
        first = end;
    }
    if (raw != few) mem_free(raw);
}

/* A frame of entries being read. */
struct frame_cursor {
    struct slice payload;
    const uint8_t *meta, *meta_end;
    const uint8_t *body, *body_end;
};

static struct entry *read_entry(struct frame_cursor *cursor) {
    struct entry head, *entry;
    uint32_t body_len;
    if (cursor->meta_end - cursor->meta < ENTRY_HEADER_SIZE) return NULL;
    if (entry_decode_header(cursor->meta, &head, &body_len) != ERR_NONE) return NULL;
    if ((size_t)(cursor->body_end - cursor->body) < body_len) return NULL;
    struct slice body;
    if (body_len <= SMALL_BODY) {
        body = slice_copy(NULL, cursor->body, body_len);
    } else {
        body = slice_of(cursor->payload.buffer,
                        (size_t)(cursor->body - cursor->payload.buffer->data), body_len);
    }
    if (entry_from_bytes(cursor->meta, body, &entry) != ERR_NONE) {
        slice_unref(&body);
        return NULL;
    }
    cursor->meta += ENTRY_HEADER_SIZE;
    cursor->body += body_len;
    return entry;
}

/* Every entry must be where the piece says. */
static bool entries_fit(const struct peer_piece *piece, struct entry *const *entries) {
    for (uint32_t i = 0; i < piece->count; i++)
        if (entries[i]->group != piece->group || entries[i]->index != piece->prev_index + 1 + i)
            return false;
    return true;
}

static bool receive_piece(struct shard *shard, int32_t node, struct frame_cursor *cursor) {
    if (cursor->meta_end - cursor->meta < PEER_PIECE_SIZE) return false;
    struct peer_piece piece;
    peer_piece_decode(cursor->meta, &piece);
    cursor->meta += PEER_PIECE_SIZE;
    if (piece.count == 0 || piece.count > ENTRY_FRAME_ENTRIES) return false;
    if (piece.count > (size_t)(cursor->meta_end - cursor->meta) / ENTRY_HEADER_SIZE) return false;
    struct entry *few[FEW] = {0},
                 **entries = piece.count <= FEW ? few : mem_zalloc(piece.count * sizeof *entries);
    bool sound = true;
    for (uint32_t i = 0; i < piece.count && sound; i++) {
        entries[i] = read_entry(cursor);
        sound = entries[i] != NULL;
    }
    sound = sound && entries_fit(&piece, entries);
    if (sound) {
        struct raft_group *group;
        struct member *from = find_sender(shard, node, piece.group, piece.from, piece.to, &group);
        if (from != NULL) step_piece(group, from, piece, entries, piece.count);
    }
    for (uint32_t i = 0; i < piece.count; i++)
        entry_unref(entries[i]);
    if (entries != few) mem_free(entries);
    return sound;
}

void receive_entries(struct shard *shard, int32_t node, struct slice payload) {
    uint32_t meta_len = le_get_u32(payload.data); /* peer_frame_open has checked it */
    struct frame_cursor cursor = {payload, payload.data + 4, payload.data + meta_len,
                                  payload.data + meta_len, payload.data + payload.len};
    shard->stats.frames_received++;
    flow_control_charge(shard, payload.len);
    bool sound = true;
    while (sound && cursor.meta < cursor.meta_end)
        sound = receive_piece(shard, node, &cursor);
    sound = sound && cursor.body == cursor.body_end;
    slice_unref(&payload);
    if (!sound) peers_break(shard->peers, node, "it sent entries that make no sense");
}

/* ---- The beginning of a log as files ---- */

/* False: it makes no sense. */
static bool receive_refusal(struct member *from, const struct snapshot_head *head,
                            struct slice payload) {
    enum snapshot_refusal reason;
    if (snapshot_refusal_decode(payload, &reason) != ERR_NONE) return false;
    if (snapshot_refused(from, head, reason)) replicate_lacks_none(from);
    return true;
}

static bool receive_want(struct member *from, const struct snapshot_head *head,
                         struct slice payload) {
    struct snapshot_want want;
    return snapshot_want_decode(payload, &want) == ERR_NONE && snapshot_wanted(from, head, &want);
}

void receive_snapshot(struct shard *shard, int32_t node, uint8_t kind, struct slice payload) {
    struct snapshot_head head;
    struct raft_group *group;
    bool sound = snapshot_head_decode(payload, &head) == ERR_NONE;
    struct member *from = sound ? find_sender(shard, node, head.group, head.from, head.to, &group)
                                : NULL;
    shard->stats.frames_received++;
    if (from != NULL && kind == PEER_KIND_SNAPSHOT_REFUSE)
        sound = receive_refusal(from, &head, payload);
    else if (from != NULL && kind == PEER_KIND_SNAPSHOT_WANT)
        sound = receive_want(from, &head, payload);
    else if (from != NULL && kind == PEER_KIND_SNAPSHOT_OFFER)
        sound = snapshot_offered(group, from, &head, payload) == ERR_NONE;
    else if (from != NULL)
        sound = snapshot_chunk_came(group, from, &head, payload) == ERR_NONE;
    slice_unref(&payload);
    if (!sound) peers_break(shard->peers, node, "it sent a part of a log that makes no sense");
}
