/*
 * What a leader sends to each follower: a cursor for each (group, follower), not a queue.
 *
 * The engine's AppendEntries say what should be sent, [next, end), and carry no entries. They only
 * move the cursor; at the end of the turn replicate_fill reads entries from memory, or from the
 * segments of a follower that was away, and packs several groups' runs into one frame, as far as
 * the windows allow.
 *
 *   not verified --(the follower has the entry before `next`)--> verified
 *                <--(it rejects; link up anew)--
 *
 * Entries go out only behind a place where the logs are known to match; before that, empty
 * AppendEntries ask, so that no megabytes travel to be rejected. The engine throws a follower that
 * is silent for a heartbeat into probing, and asks for everything again: what was sent on this link
 * is under way (TCP), so it is not sent twice, unless nothing moved for RESEND_MS, or the follower
 * rejects what stands behind it: it dropped it (its replica was not open yet).
 * Empty ones are anchored at the follower's match, where they may overtake data and are never
 * rejected. A follower that said nothing at all meanwhile (its replica has stopped) gets only those
 * until it answers: its entries would fill, again and again, the window that the other groups need.
 * So does one whose disk has no room, until it says that it has some again. And one that lacks what
 * lies at or below the log's start: it is behind until its result tells that files have taken it
 * there (snapshot_offers.c), and what it gets meanwhile has no anchor, so it is never rejected and
 * moves nothing.
 *
 * Invariants: match < next <= end whenever verified; runs cover what is sent and not acknowledged,
 * and the link's unacked_bytes is their sum over all groups; at most one read from disk for each
 * cursor.
 */
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "raft-glue/peer/entry_frame.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log_types.h"

enum {
    RESEND_MS = 3000,      /* far above a slow flush */
    COMMIT_PAUSE_MS = 100, /* between messages that only tell the commit index */
};

/* ---- What is under way ---- */

static void forget_sent(struct member *member) {
    if (member->link == NULL) return;
    for (; member->run_count > 0; member->run_count--) {
        member->link->unacked_bytes -= member->runs[member->run_first].bytes;
        member->run_first = (member->run_first + 1) % member->run_room;
    }
}

static void note_sent(struct member *member, uint64_t last, uint64_t bytes) {
    if (member->run_count == member->run_room) {
        size_t room = member->run_room == 0 ? 16 : member->run_room * 2;
        struct sent_run *runs = mem_alloc(room * sizeof *runs);
        for (size_t i = 0; i < member->run_count; i++)
            runs[i] = member->runs[(member->run_first + i) % member->run_room];
        mem_free(member->runs);
        member->runs = runs;
        member->run_room = room;
        member->run_first = 0;
    }
    member->runs[(member->run_first + member->run_count++) % member->run_room] = (struct sent_run){
        last, bytes};
    member->link->unacked_bytes += bytes;
}

static void forget_read(struct member *member) {
    if (member->reading) partition_log_read_cancel(&member->read);
    if (member->loaded && member->read_error == ERR_NONE) partition_log_read_release(&member->read);
    member->reading = member->loaded = false;
}

static void make_ready(struct member *member) {
    struct link *link = member->link;
    if (member->ready || !link->up) return;
    member->ready = true;
    member->ready_next = NULL;
    if (link->ready_last == NULL) {
        link->ready_first = member;
    } else {
        link->ready_last->ready_next = member;
    }
    link->ready_last = member;
    shard_wake(link->shard);
}

static struct member *take_ready(struct link *link) {
    struct member *member = link->ready_first;
    link->ready_first = member->ready_next;
    if (link->ready_first == NULL) link->ready_last = NULL;
    member->ready = false;
    return member;
}

static void unready(struct member *member) {
    if (!member->ready) return;
    struct link *link = member->link;
    struct member *before = NULL;
    for (struct member *at = link->ready_first; at != member; at = at->ready_next)
        before = at;
    if (before == NULL) {
        link->ready_first = member->ready_next;
    } else {
        before->ready_next = member->ready_next;
    }
    if (link->ready_last == member) link->ready_last = before;
    member->ready = false;
}

static bool link_has_room(const struct link *link) {
    const struct shard_options *options = &link->shard->options;
    return link->up && link->unacked_bytes < options->peer_window_bytes &&
           peers_bulk_queued(link->shard->peers, link->node) < options->peers.queue_limit;
}

static void reset(struct member *member) {
    unready(member);
    forget_read(member);
    forget_sent(member);
    member->verified = false;
    member->next = member->end = 0;
}

void replicate_forget(struct member *member) {
    if (member->link == NULL) return;
    snapshot_offer_end(member);
    reset(member);
}

void replicate_renew(struct member *member) {
    replicate_forget(member);
    member->damaged = member->no_room = member->takes_none = member->silent = member->beyond =
        member->behind = false;
    member->ends = UINT64_MAX;
    member->offer_again_ms = member->anchor = member->sent_ms = member->again_ms =
        member->commit_sent = member->commit_sent_ms = member->confirmed = 0;
}

void replicate_begin(struct raft_group *group) {
    for (size_t i = 0; i < group->member_count; i++) {
        struct member *member = group->members[i];
        if (member != group->self) replicate_renew(member);
    }
}

void replicate_end(struct raft_group *group) {
    for (size_t i = 0; i < group->member_count; i++)
        if (group->members[i] != group->self) replicate_forget(group->members[i]);
}

/* ---- Empty AppendEntries ---- */

static void send_empty(struct member *member) {
    struct raft_group *group = member->group;
    uint64_t prev = member->verified ? member_match(member) : member->anchor,
             start = partition_log_first_index(group->log) - 1;
    /* The engine may ask about a place that is gone by now: its start is the first one that can be
     * asked about, and a rejection there tells that the member is behind. */
    if (prev < start) prev = start;
    if (member->behind) prev = 0;
    struct peer_record record = {
        .type = RECORD_APPEND, .term = raft_group_term(group), .append = {.prev_index = prev}};
    record.append.commit = group->commit;
    member->commit_sent = record.append.commit < prev ? record.append.commit : prev;
    record.append.prev_term = prev == 0 ? 0 : partition_log_term_at(group->log, prev);
    quiet_ask(member, &record);
    member->sent_ms = member->commit_sent_ms = group->shard->now_ms;
    raft_group_send(group, member, &record);
}

/* Heartbeats are the engine's affair; this only sees that they neither pile up nor fail to go while
 * entries wait. */
static bool heartbeat_is_due(const struct member *member) {
    const struct shard *shard = member->group->shard;
    return member->sent_ms == 0 ||
           shard->now_ms - member->sent_ms + shard->options.heartbeat_ms / 4 >=
               shard->options.heartbeat_ms;
}

/* ---- The cursor ---- */

static void probe(struct member *member, uint64_t prev) {
    bool asked = !member->verified && member->anchor == prev && member->next != 0;
    reset(member);
    member->anchor = prev;
    member->next = member->end = prev + 1;
    if (!asked || member->rejected || heartbeat_is_due(member)) send_empty(member);
}

/* Nothing moved for long although much was sent: it may have been dropped on the other side, so it
 * goes out again. */
static void resend_if_stuck(struct member *member, uint64_t match) {
    uint64_t now_ms = member->group->shard->now_ms;
    if (member->next <= match + 1 || now_ms - member->progress_ms < RESEND_MS || member->reading)
        return;
    /* It did not even leave. */
    if (peers_bulk_queued(member->group->shard->peers, member->node) > 0) return;
    forget_sent(member);
    member->next = match + 1;
    member->silent = member->link->up && member->heard_ms <= member->progress_ms;
    member->progress_ms = now_ms;
}

/* Whatever the reason, no entries leave for it. */
static bool gets_questions_only(const struct member *member) {
    return member->silent || member->damaged || member->takes_none;
}

static void withhold(struct member *member, uint64_t match) {
    unready(member);
    forget_read(member);
    forget_sent(member);
    member->next = member->end = match + 1;
}

/* ---- Behind the log's start ---- */

/* Entries can go on from there. */
static bool has_start(const struct member *member) {
    return member_match(member) + 1 >= partition_log_first_index(member->group->log);
}

/* The engine's questions are put when it is behind no more. */
static void wait_for_files(struct member *member, uint64_t anchor) {
    member->behind = true;
    reset(member);
    member->anchor = anchor;
    member->next = member->end = anchor + 1;
    snapshot_offer_tick(member);
    if (member->link->up && heartbeat_is_due(member)) send_empty(member);
}

void replicate_lacks(struct member *member, log_index last_index) {
    if (last_index < member->ends) member->ends = last_index;
    if (last_index + 1 < partition_log_first_index(member->group->log) && !has_start(member))
        member->behind = true;
}

void replicate_lacks_none(struct member *member) {
    if (!member->behind) return;
    member->behind = false;
    member->ends = UINT64_MAX; /* files have come meanwhile */
    if (member->link->up) send_empty(member);
}

void replicate_append(struct member *member, const struct raft_append_entries *args) {
    if (args->prev_log_index != member->group->raft.trail.snapshot.index || args->n_entries > 0)
        member->beyond = false;
    if (member->behind || (member->verified && !has_start(member))) {
        wait_for_files(member, args->prev_log_index);
        return;
    }
    if (!member->link->up && !member->verified) {
        member->anchor = args->prev_log_index; /* asked when the link is up */
        member->next = member->end = member->anchor + 1;
        return;
    }
    uint64_t prev = args->prev_log_index, match = member_match(member);
    if (prev > match && !(member->verified && prev < member->end && !member->rejected)) {
        probe(member, prev);
        return;
    }
    if (!member->verified || member->rejected || prev + 1 > member->end) {
        forget_sent(member);
        forget_read(member);
        member->verified = true;
        member->next = member->end = prev + 1;
        member->progress_ms = member->group->shard->now_ms;
    }
    if (member->next <= match) member->next = match + 1;
    if (prev + 1 + args->n_entries > member->end) member->end = prev + 1 + args->n_entries;
    if (member->end < member->next) member->end = member->next;
    resend_if_stuck(member, match);
    if (gets_questions_only(member)) withhold(member, match);
    if (!member->link->up) return;
    bool more = member->next < member->end;
    if (more) make_ready(member);
    if ((!more || member->reading || !link_has_room(member->link)) && heartbeat_is_due(member))
        send_empty(member);
}

/* The part of our commit index that it could use: an empty AppendEntries at its match moves it no
 * further. */
static uint64_t usable_commit(const struct member *member) {
    uint64_t commit = member->group->commit, match = member_match(member);
    return commit < match ? commit : match;
}

void replicate_acknowledged(struct member *member) {
    uint64_t match = member_match(member);
    member->silent = false;
    bool arrived = member->behind && has_start(member);
    if (member->behind && !arrived) return;
    if (arrived) member->ends = UINT64_MAX;
    member->behind = false;
    if (arrived) snapshot_offer_end(member);
    if (!member->verified) {
        /* The engine goes on when it is told about the place of its snapshot. */
        if (arrived && match < member->anchor) send_empty(member);
        if (match == 0 || match < member->anchor) return;
        member->verified = true;
        member->next = member->end = match + 1;
    }
    if (member->group->eager_commit && usable_commit(member) > member->commit_sent)
        shard_ready(member->group);
    bool moved = false;
    while (member->run_count > 0 && member->runs[member->run_first].last <= match) {
        member->link->unacked_bytes -= member->runs[member->run_first].bytes;
        member->run_first = (member->run_first + 1) % member->run_room;
        member->run_count--;
        moved = true;
    }
    if (!moved) return;
    member->progress_ms = member->group->shard->now_ms;
    if (member->link->ready_first != NULL) shard_wake(member->link->shard);
}

/* To the engine, which probes at its match, a rejection of what the cursor sent further on looks
 * like an old one. Frames arrive in the order in which they were sent: who rejects one has not got
 * those before it. All that are under way are rejected then: once a heartbeat. */
void replicate_rejected(struct member *member, log_index index) {
    uint64_t now_ms = member->group->shard->now_ms, match = member_match(member);
    if (!member->verified || gets_questions_only(member) || index <= match || index >= member->next)
        return;
    if (member->again_ms != 0 &&
        now_ms - member->again_ms < member->group->shard->options.heartbeat_ms)
        return;
    forget_sent(member);
    member->next = match + 1;
    member->again_ms = member->progress_ms = now_ms;
    make_ready(member);
}

void replicate_commit(struct member *member) {
    const struct raft_group *group = member->group;
    if (!member->verified || !member->link->up || usable_commit(member) <= member->commit_sent)
        return;
    if (member->next < member->end) return; /* travels with the entries */
    if (!group->eager_commit && group->shard->now_ms - member->commit_sent_ms < COMMIT_PAUSE_MS)
        return;
    send_empty(member);
}

/* The engine counts the heartbeats of each follower from what it sent to it last, so they may
 * alternate for ever. */
void replicate_ask_quiet(struct raft_group *group) {
    if (!group->calm.asks || !raft_group_leads(group)) return;
    for (size_t i = 0; i < group->member_count; i++) {
        struct member *member = group->members[i];
        if (member == group->self || !member_is_live(member) || !member->verified) continue;
        if (member->quiet_asked != group->calm.round) send_empty(member);
    }
}

void replicate_link_up(struct member *member) {
    member->silent = member->behind = false; /* it may be another process */
    member->ends = UINT64_MAX;
    if (!raft_group_leads(member->group)) return;
    forget_sent(member);
    forget_read(member);
    if (member->verified) { /* what was under way is lost */
        member->next = member_match(member) + 1;
        member->progress_ms = member->group->shard->now_ms;
        if (member->next < member->end) make_ready(member);
    }
    if (member->verified || member->next != 0) send_empty(member);
}

void replicate_link_down(struct member *member) {
    snapshot_offer_end(member);
    unready(member);
    forget_read(member);
    forget_sent(member);
}

/* ---- Frames of entries ---- */

static void on_read(struct partition_log_read *read, int error) {
    struct member *member = CONTAINER_OF(read, struct member, read);
    bool later = member->reading;
    member->reading = false;
    member->loaded = true;
    member->read_error = error;
    if (later) make_ready(member);
}

/* Entries from the cursor on are in member->read when this returns true. */
static bool load(struct member *member, uint64_t max_bytes) {
    struct raft_group *group = member->group;
    if (!member->loaded) {
        member->read.done = on_read;
        member->read_first = member->next;
        if (!partition_log_read(group->log, member->next, member->end - 1, max_bytes,
                                &member->read)) {
            member->reading = true;
            return false;
        }
    }
    if (member->read_error != ERR_NONE) {
        member->loaded = false;
        if (member->read_error == ERR_NOT_FOUND &&
            member->read_first < partition_log_first_index(group->log))
            member->behind = true; /* until the next heartbeat */
        else if (!partition_log_is_damaged(
                     group->log)) /* else it was said, and the lead moves on */
            log_limited(
                group->shard->log, &group->limiter, LOGGED_ENTRY_UNREADABLE,
                "%s: entry %llu, which broker %d lacks, cannot be read (%s); it is tried again",
                group->label, (unsigned long long)member->read_first, member->node,
                error_phrase(member->read_error));
        return false;
    }
    bool gone = member->next < partition_log_first_index(group->log);
    if (member->read_first == member->next && !gone) return true;
    forget_read(member); /* the cursor moved meanwhile, or the log's start did */
    if (!gone) return load(member, max_bytes);
    member->behind = true; /* until the next heartbeat */
    return false;
}

/* What was loaded goes into the frame, as much as fits. */
static void add_loaded(struct entry_frame *frame, struct member *member) {
    struct raft_group *group = member->group;
    struct peer_piece piece = {.group = group->id,
                               .from = group->replica,
                               .to = member->replica,
                               .term = raft_group_term(group),
                               .prev_index = member->next - 1,
                               .commit = group->commit};
    if (piece.prev_index > 0) piece.prev_term = partition_log_term_at(group->log, piece.prev_index);
    uint64_t bytes = entry_frame_add(frame, &piece, member->read.entries, member->read.count);
    partition_log_read_release(&member->read);
    member->loaded = false;
    if (member->run_count == 0) member->progress_ms = group->shard->now_ms;
    quiet_sent(group);
    member->next += piece.count;
    note_sent(member, member->next - 1, bytes);
    member->sent_ms = group->shard->now_ms;
    member->commit_sent = piece.commit < member->next ? piece.commit : member->next - 1;
    group->shard->stats.entries_sent += piece.count;
    group->shard->stats.sent_below_start += piece.prev_index < group->start_index;
}

static void fill_frame(struct entry_frame *frame, struct link *link) {
    while (link->ready_first != NULL && !entry_frame_is_full(frame)) {
        struct member *member = take_ready(link);
        if (!raft_group_leads(member->group) || !member->verified || member->next >= member->end)
            continue;
        /* Since it became ready; the engine's next heartbeat is about that. */
        if (gets_questions_only(member)) continue;
        /* A leader's is durable since before its election. */
        CHECK(!raft_group_hard_state_pending(member->group));
        if (member->reading || !load(member, frame->most_bytes - frame->bytes)) continue;
        add_loaded(frame, member);
        if (member->next < member->end) make_ready(member);
    }
}

/* For metrics: whether entries wait for the peer, and since when. */
static void note_full(struct link *link) {
    bool full = link->up && link->ready_first != NULL;
    if (full == (link->full_since_us != 0)) return;
    uint64_t now_us = env_now_us(link->shard->env);
    if (!full) link->full_us += now_us - link->full_since_us;
    link->full_since_us = full ? now_us : 0;
}

uint64_t replicate_full_us(const struct link *link) {
    return link->full_us +
           (link->full_since_us == 0 ? 0 : env_now_us(link->shard->env) - link->full_since_us);
}

void replicate_fill(struct link *link) {
    while (link->ready_first != NULL && link_has_room(link)) {
        struct entry_frame frame;
        entry_frame_begin(&frame, link->shard->options.peer_window_bytes - link->unacked_bytes);
        fill_frame(&frame, link);
        size_t n = entry_frame_end(&frame);
        if (n == 0) continue;
        peers_send(link->shard->peers, link->node, PEER_BULK, PEER_KIND_ENTRIES, frame.slices, n);
        link->shard->stats.frames_sent++;
    }
    note_full(link);
}
