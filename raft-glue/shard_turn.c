/*
 * What a turn of the loop gathers for its end, and where it is found: the shard's groups and links,
 * the groups with news, the records that leave for each peer, the clock of the engine's events, and
 * the one timer behind all groups.
 *
 * Everything above notes here what it has, and nobody is called: the end of the turn (shard.c),
 * which shard_wake asks for, comes and takes it. Invariant: a group is in the list of news once at
 * most, and not when it is closed.
 */
#include <string.h>

#include "base/mem.h"
#include "raft-glue/raft_group_internal.h"

/* ---- Groups ---- */

/* Ids mostly ascend as groups come, so most are added at the end. */
static size_t place_of(const struct ids_row *row, uint64_t id) {
    size_t low = 0, high = row->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (row->groups[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void ids_row_add(struct ids_row *row, struct raft_group *group) {
    size_t at = place_of(row, group->id);
    CHECK(at == row->count || row->groups[at] != group);
    row->groups = mem_grow(row->groups, row->count, &row->room, sizeof *row->groups);
    memmove(row->groups + at + 1, row->groups + at, (row->count - at) * sizeof *row->groups);
    row->groups[at] = group;
    row->count++;
}

void ids_row_remove(struct ids_row *row, struct raft_group *group) {
    size_t at = place_of(row, group->id);
    CHECK(at < row->count && row->groups[at] == group);
    row->count--;
    memmove(row->groups + at, row->groups + at + 1, (row->count - at) * sizeof *row->groups);
}

static struct raft_group *ids_row_from(const struct ids_row *row, uint64_t from) {
    size_t at = place_of(row, from);
    return at < row->count ? row->groups[at] : NULL;
}

void shard_add_group(struct shard *shard, struct raft_group *group) {
    CHECK(shard_group(shard, group->id) == NULL);
    HASH_ADD(hh, shard->groups, id, sizeof group->id, group);
    ids_row_add(&shard->row, group);
}

static void drop_news(struct raft_group *group) {
    if (!group->has_news) return;
    struct shard *shard = group->shard;
    struct raft_group *before = NULL;
    for (struct raft_group *at = shard->news_first; at != group; at = at->news_next)
        before = at;
    if (before == NULL) {
        shard->news_first = group->news_next;
    } else {
        before->news_next = group->news_next;
    }
    if (shard->news_last == group) shard->news_last = before;
    group->has_news = false;
}

void shard_remove_group(struct shard *shard, struct raft_group *group) {
    if (shard->change_next == group) shard->change_next = group->hh.next;
    HASH_DELETE(hh, shard->groups, group);
    ids_row_remove(&shard->row, group);
    timer_heap_remove(&shard->timers, &group->timer);
    drop_news(group);
    shard_wake(shard);
}

struct raft_group *shard_group(struct shard *shard, uint64_t id) {
    struct raft_group *group;
    HASH_FIND(hh, shard->groups, &id, sizeof id, group);
    return group;
}

struct raft_group *shard_group_from(const struct shard *shard, uint64_t from) {
    return ids_row_from(&shard->row, from);
}

struct raft_group *shard_damaged_from(const struct shard *shard, uint64_t from) {
    return ids_row_from(&shard->damaged, from);
}

/* ---- News ---- */

void shard_wake(struct shard *shard) {
    env_defer(shard->env, &shard->turn);
}

void shard_ready(struct raft_group *group) {
    struct shard *shard = group->shard;
    if (group->has_news || group->closed) return;
    group->has_news = true;
    group->news_next = NULL;
    if (shard->news_last == NULL) {
        shard->news_first = group;
    } else {
        shard->news_last->news_next = group;
    }
    shard->news_last = group;
    shard_wake(shard);
}

struct raft_group *shard_take_news(struct shard *shard) {
    struct raft_group *group = shard->news_first;
    if (group == NULL) return NULL;
    shard->news_first = group->news_next;
    if (shard->news_first == NULL) shard->news_last = NULL;
    group->has_news = false;
    return group;
}

/* ---- Links ---- */

struct link *shard_link(struct shard *shard, int32_t node) {
    struct link **end = &shard->links;
    for (; *end != NULL; end = &(*end)->next)
        if ((*end)->node == node) return *end;
    struct link *link = mem_zalloc(sizeof *link);
    link->shard = shard;
    link->node = node;
    link->up = peers_is_up(shard->peers, node);
    *end = link;
    return link;
}

void link_add_record(struct link *link, const struct peer_record *record) {
    if (!link->up) return;
    peer_record_encode(peer_bytes_extend(&link->control, PEER_RECORD_SIZE), record);
    shard_wake(link->shard);
}

/* ---- Time ---- */

uint64_t shard_now_ms(struct shard *shard) {
    uint64_t now_ms = env_now_ms(shard->env);
    if (now_ms > shard->now_ms) shard->now_ms = now_ms;
    return shard->now_ms;
}

void shard_arm(struct shard *shard) {
    const struct timer_entry *first = timer_heap_first(&shard->timers);
    uint64_t at_ms = first == NULL ? UINT64_MAX : first->at_ms;
    if (shard->bulk_paused && shard->paused_ms + shard->options.election_timeout_ms < at_ms)
        at_ms = shard->paused_ms + shard->options.election_timeout_ms;
    if (at_ms >= shard->timer_at_ms) return; /* fires earlier than needed, at worst */
    shard->timer_at_ms = at_ms;
    env_timer_start_at(shard->timer, at_ms * 1000);
}
