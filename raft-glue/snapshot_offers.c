/*
 * A leader's side of snapshot_frame.h: members that lack what lies at or below the start of the log
 * are offered its beginning as files.
 *
 *   behind --- a heartbeat is due ---> preparing --- checksums are there ---> offered
 *      ^                                   |                                     |
 *      +---- in 5 s: refused, or an error -+--- role or link lost, it has it, 60 s without a move
 *                                               (a piece asked for, or "at work")
 *
 * Happy path: the files are held and summed (prefix_source.h), the offer leaves, and the member
 * fetches them piece by piece at its own pace; its result then says that it has the place where the
 * offer ends (replicate.c).
 * Failures: what the disk says, or a refusal, ends the offer; the next heartbeats make another one.
 * Who cannot be offered anything for a minute is told on the log, once an hour, and counted.
 * What comes for an offer that is over is dropped.
 * Invariants: one offer for each member; nothing of the log's beginning goes while there is one,
 * and there is none for longer than it moves. A piece is read, and leaves, when little waits for
 * that peer, behind all entries: so entries wait for two pieces at most, and memory holds one being
 * read for each peer beside what is queued.
 */
#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/segment/prefix_source.h"

enum {
    AGAIN_MS = 5 * 1000,
    ASKED_AGAIN_MS = 500, /* a state that is to be written */
    STILL_MS = 60 * 1000,
    STRANDED_MS = 60 * 1000,     /* after so long without an offer it is told, */
    TOLD_AGAIN_MS = 3600 * 1000, /* ... and so often as long as it stays so */
    WAITS_MS = 500,              /* a piece that waited so long goes before entries, once */
};

struct snapshot_offer {
    struct member *member;
    struct prefix_source *source;
    bool offered;                                    /* the list has left */
    struct snapshot_head head;                       /* as it is said */
    struct snapshot_want moved;                      /* up to there it has asked */
    uint64_t left_bytes;                             /* of all files, from there on */
    struct snapshot_want wants[SNAPSHOT_WANTS_MOST]; /* a ring */
    unsigned first, count;
    uint64_t waits_ms;                  /* since when the first of them does */
    bool reading;                       /* its first */
    struct snapshot_offer *next, *prev; /* link->offers: the longest unserved first */
};

/* ---- Who cannot be offered anything ---- */

static uint64_t now_ms(const struct member *member) {
    return member->group->shard->now_ms;
}

/* It is behind, and stays so until somebody does something. */
static void note_stranded(struct member *member, const char *why, const char *advice) {
    const struct raft_group *group = member->group;
    struct stranded *stranded = &member->stranded;
    if (stranded->since_ms == 0) stranded->since_ms = now_ms(member);
    bool long_enough = now_ms(member) - stranded->since_ms >= STRANDED_MS;
    bool told = stranded->told_ms > 0 && now_ms(member) - stranded->told_ms < TOLD_AGAIN_MS;
    if (!long_enough || told) return;
    if (stranded->told_ms == 0) group->shard->stats.stranded++;
    stranded->told_ms = now_ms(member);
    log_event(
        group->shard->log, LOGGED_REPLICA_STRANDED,
        "%s: broker %d lacks the beginning of the log, and cannot be given it from here (%s): it stays behind, and does not "
        "count for what is acknowledged; %s",
        group->label, member->node, why, advice);
}

static void end_stranded(struct member *member) {
    if (member->stranded.told_ms > 0) member->group->shard->stats.stranded--;
    member->stranded = (struct stranded){0};
}

/* Nothing can be given: partition_log_prefix_refused. */
static void note_refused(struct member *member) {
    uint64_t pause_ms = AGAIN_MS;
    switch (partition_log_prefix_refused(member->group->log)) {
    case PREFIX_NOT_NOW: return;
    case PREFIX_NO_STATE:
        pause_ms = ASKED_AGAIN_MS;
        note_stranded(member, "no snapshot of what was before its first entry is whole here",
                      "it is written anew; if that fails this log says why, else make another "
                      "broker the leader");
        break;
    case PREFIX_DAMAGED:
        note_stranded(member, "one of its segments is damaged",
                      "put that file back (draved log verify names it), or make a broker the "
                      "leader whose replica is whole");
        break;
    case PREFIX_TOO_LARGE:
        note_stranded(member, "it has more files than can be listed",
                      "raise segment.bytes of the topic, or let less of it be kept "
                      "(retention.bytes)");
        break;
    }
    member->offer_again_ms = now_ms(member) + pause_ms;
}

/* ---- Beginning and end ---- */

static void drop_offer(struct member *member) {
    struct snapshot_offer *offer = member->offer;
    if (offer == NULL) return;
    if (offer->reading) member->link->piece_is_read = false;
    if (offer->reading) shard_wake(member->link->shard);
    DL_DELETE(member->link->offers, offer);
    member->offer = NULL;
    partition_log_take_back(member->group->log, offer->source);
    mem_free(offer);
}

void snapshot_offer_end(struct member *member) {
    drop_offer(member);
    end_stranded(member);
}

static void offer_later(struct member *member) {
    drop_offer(member);
    member->offer_again_ms = now_ms(member) + AGAIN_MS;
}

static void send_offer(struct snapshot_offer *offer) {
    struct member *member = offer->member;
    struct shard *shard = member->group->shard;
    struct slice slices[2];
    uint8_t head[SNAPSHOT_HEAD_SIZE];
    snapshot_head_encode(head, &offer->head);
    slices[0] = slice_copy(NULL, head, sizeof head);
    slices[1] = prefix_files_encode(prefix_source_files(offer->source));
    peers_send(shard->peers, member->node, PEER_BULK, PEER_KIND_SNAPSHOT_OFFER, slices, 2);
    offer->offered = true;
    offer->left_bytes = prefix_files_bytes(prefix_source_files(offer->source));
    end_stranded(member);
    member->offer_moved_ms = shard_now_ms(shard);
    shard->stats.snapshots_offered++;
}

static void on_ready(void *arg, int error) {
    struct snapshot_offer *offer = arg;
    struct member *member = offer->member;
    if (error == ERR_NONE) {
        send_offer(offer);
        return;
    }
    note_stranded(member, error_phrase(error),
                  error_is_damage(error)
                      ? "put back the file that draved log verify names, or make a broker the "
                        "leader whose replica is whole"
                      : error_advice(error));
    offer_later(member);
}

static void on_piece(void *arg, int error, struct slice bytes);

static void offer_begin(struct member *member) {
    static const struct prefix_source_events events = {on_ready, on_piece};
    struct raft_group *group = member->group;
    struct prefix_source *source = partition_log_give_prefix(group->log);
    if (source == NULL) {
        note_refused(member);
        return;
    }
    struct snapshot_offer *offer = mem_zalloc(sizeof *offer);
    offer->member = member;
    offer->source = source;
    member->offer_moved_ms = now_ms(member);
    offer->head = (struct snapshot_head){.group = group->id,
                                         .from = group->replica,
                                         .to = member->replica,
                                         .transfer = env_random_u64(group->shard->env) | 1,
                                         .term = raft_group_term(group)};
    member->offer = offer;
    DL_APPEND(member->link->offers, offer);
    prefix_source_begin(source, &events, offer);
}

void snapshot_offer_tick(struct member *member) {
    struct shard *shard = member->group->shard;
    if (member->offer != NULL) {
        if (now_ms(member) - member->offer_moved_ms >= STILL_MS) offer_later(member);
        if (member->link->offers != NULL) shard_wake(shard);
        return;
    }
    if (!member->link->up || now_ms(member) < member->offer_again_ms) return;
    if (peers_minor(shard->peers, member->node) < PEER_MINOR_SNAPSHOTS)
        note_stranded(member, "its version is too old to take files", "run this version there");
    else
        offer_begin(member);
}

/* ---- What it answers ---- */

static struct snapshot_offer *find_offer(const struct member *from,
                                         const struct snapshot_head *head) {
    struct snapshot_offer *offer = from->offer;
    return offer != NULL && offer->offered && offer->head.transfer == head->transfer ? offer : NULL;
}

bool snapshot_refused(struct member *from, const struct snapshot_head *head,
                      enum snapshot_refusal reason) {
    if (find_offer(from, head) == NULL) return false;
    if (reason == SNAPSHOT_AT_WORK) {
        from->offer_moved_ms = shard_now_ms(from->group->shard);
        return false;
    }
    from->group->shard->stats.snapshots_refused++;
    if (reason == SNAPSHOT_NOT_WHOLE) prefix_source_distrust(from->offer->source);
    offer_later(from);
    return reason == SNAPSHOT_HAS_IT;
}

static bool is_within(const struct snapshot_offer *offer, const struct snapshot_want *want) {
    const struct prefix_files *list = prefix_source_files(offer->source);
    return want->file < list->count && want->offset < list->files[want->file].size_bytes &&
           want->length <= list->files[want->file].size_bytes - want->offset;
}

static bool is_beyond(const struct snapshot_want *want, const struct snapshot_want *moved) {
    return want->file != moved->file ? want->file > moved->file
                                     : want->offset + want->length > moved->offset;
}

/* It is beyond what was asked for. */
static void move_on(struct snapshot_offer *offer, const struct snapshot_want *want) {
    const struct prefix_files *list = prefix_source_files(offer->source);
    struct snapshot_want *moved = &offer->moved;
    for (; moved->file < want->file; moved->file++) {
        offer->left_bytes -= list->files[moved->file].size_bytes - moved->offset;
        moved->offset = 0;
    }
    offer->left_bytes -= want->offset + want->length - moved->offset;
    moved->offset = want->offset + want->length;
}

uint64_t snapshot_left_bytes(const struct link *link) {
    const struct snapshot_offer *offer;
    uint64_t left_bytes = 0;
    DL_FOREACH(link->offers, offer)
    left_bytes += offer->left_bytes;
    return left_bytes;
}

bool snapshot_wanted(struct member *from, const struct snapshot_head *head,
                     const struct snapshot_want *want) {
    struct snapshot_offer *offer = find_offer(from, head);
    if (offer == NULL || offer->count == SNAPSHOT_WANTS_MOST) return true;
    if (!is_within(offer, want)) return false;
    uint64_t at_ms = shard_now_ms(from->group->shard);
    if (is_beyond(want, &offer->moved)) {
        move_on(offer, want);
        from->offer_moved_ms = at_ms;
    }
    if (offer->count == 0) offer->waits_ms = at_ms;
    offer->wants[(offer->first + offer->count++) % SNAPSHOT_WANTS_MOST] = *want;
    shard_wake(from->group->shard);
    return true;
}

/* ---- Pieces ---- */

static void on_piece(void *arg, int error, struct slice bytes) {
    struct snapshot_offer *offer = arg;
    struct member *member = offer->member;
    struct link *link = member->link;
    if (error != ERR_NONE) {
        on_ready(offer, error);
        return;
    }
    struct slice slices[2] = {{0}, bytes};
    uint8_t head[SNAPSHOT_CHUNK_HEAD_SIZE];
    /* it is pinned there: partition_log_give_prefix */
    CHECK(prefix_source_files(offer->source)->begins.index + 1 ==
          partition_log_first_index(member->group->log));
    if (MUTANT(MUTANT_STAGED_UNCHECKED) && bytes.len > 0)
        ((uint8_t *)(uintptr_t)bytes.data)[bytes.len - 1] ^= 1;
    snapshot_chunk_encode(head, &offer->head, &offer->wants[offer->first]);
    slices[0] = slice_copy(NULL, head, sizeof head);
    link->piece_is_read = offer->reading = false;
    offer->first = (offer->first + 1) % SNAPSHOT_WANTS_MOST;
    offer->count--;
    offer->waits_ms = shard_now_ms(link->shard);
    link->shard->stats.snapshot_pieces_sent++;
    link->shard->stats.snapshot_bytes_sent += bytes.len;
    peers_send(link->shard->peers, link->node, PEER_BULK, PEER_KIND_SNAPSHOT_CHUNK, slices, 2);
    shard_wake(link->shard);
}

static struct snapshot_offer *next_served(const struct link *link) {
    struct snapshot_offer *offer;
    DL_FOREACH(link->offers, offer) {
        if (offer->count > 0) return offer;
    }
    return NULL;
}

void snapshot_fill(struct link *link) {
    struct snapshot_offer *offer = link->piece_is_read ? NULL : next_served(link);
    if (offer == NULL) return;
    bool waited = link->shard->now_ms - offer->waits_ms >= WAITS_MS;
    if (!peers_bulk_is_low(link->shard->peers, link->node) && !waited) return;
    DL_DELETE(link->offers, offer);
    DL_APPEND(link->offers, offer);
    const struct snapshot_want *want = &offer->wants[offer->first];
    link->piece_is_read = offer->reading = true;
    prefix_source_read(offer->source, want->file, want->offset, want->length);
}
