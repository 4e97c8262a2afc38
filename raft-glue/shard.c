/*
 * All groups of a loop: their table, their timers, and what the end of a turn does.
 *
 * A turn, as far as it concerns Raft: messages, completions and timeouts step groups as they come; then, once (env_defer),
 * the groups that have news tell their owners, which may submit more; then each peer gets one frame of records and its frames
 * of entries. So all results and votes of a turn leave in one write, and a turn's entries are in one round of the journal.
 *
 * Back-pressure: received entries are charged until their round is durable; over the budget, or with too much uncommitted in
 * all logs, bulk connections are not read. Control always is. What is uncommitted shrinks only when other entries come (a new
 * leader's first), so that pause lets a frame through from time to time: slow, never stuck.
 */
#include <string.h>

#include "base/mem.h"
#include "raft-glue/group_state.h"

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

static void send_records(struct link *link) {
    if (link->control.len == 0) return;
    struct slice slice = peer_bytes_take(&link->control);
    link->shard->stats.frames_sent++;
    peers_send(link->shard->peers, link->node, PEER_CONTROL, PEER_KIND_MESSAGES, &slice, 1);
}

/* ---- Back-pressure of received entries ---- */

static void decide_pause(struct shard *shard) {
    uint64_t now_ms = shard_now_ms(shard);
    bool undurable = shard->undurable_bytes >= shard->options.peers.entry_budget;
    /* Twice: leaders stop at once the limit, and their followers have what several of them lead. */
    bool uncommitted = log_store_uncommitted_bytes(shard->store) >= 2 * shard->options.uncommitted_bytes;
    bool pause = undurable || uncommitted;
    if (!undurable && shard->bulk_paused && now_ms - shard->paused_ms >= shard->options.election_timeout_ms)
        pause = false;
    if (pause == shard->bulk_paused) return;
    shard->bulk_paused = pause;
    shard->paused_ms = now_ms;
    peers_pause_bulk(shard->peers, pause);
    shard_arm(shard);
}

static void on_durable(struct journal_waiter *waiter) {
    struct undurable *round = (struct undurable *)waiter;
    struct shard *shard = round->shard;
    CHECK(shard->undurable == round); /* rounds end in order */
    shard->undurable = round->next;
    if (shard->undurable == NULL) shard->undurable_end = &shard->undurable;
    shard->undurable_bytes -= round->bytes;
    mem_free(round);
    shard_wake(shard);
}

static void await_durable(struct shard *shard) {
    if (shard->turn_bytes == 0) return;
    struct undurable *round = mem_zalloc(sizeof *round);
    round->waiter.durable = on_durable;
    round->shard = shard;
    round->bytes = shard->turn_bytes;
    shard->turn_bytes = 0;
    *shard->undurable_end = round;
    shard->undurable_end = &round->next;
    journal_wait(log_store_journal(shard->store), &round->waiter);
}

void shard_received_bytes(struct shard *shard, uint64_t bytes) {
    shard->turn_bytes += bytes;
    shard->undurable_bytes += bytes;
    shard_wake(shard);
}

/* ---- The end of a turn ---- */

static struct group *take_news(struct shard *shard) {
    struct group *group = shard->news_first;
    if (group == NULL) return NULL;
    shard->news_first = group->news_next;
    if (shard->news_first == NULL) shard->news_last = NULL;
    group->has_news = false;
    return group;
}

static void on_turn(struct env_task *task) {
    struct shard *shard = (struct shard *)((char *)task - offsetof(struct shard, turn));
    struct group *group;
    while ((group = take_news(shard)) != NULL)
        group_deliver(group);
    for (struct link *link = shard->links; link != NULL; link = link->next) {
        send_records(link);
        replicate_fill(link);
    }
    await_durable(shard);
    decide_pause(shard);
    transfer_check_drained(shard);
}

void shard_wake(struct shard *shard) {
    env_defer(shard->env, &shard->turn);
}

void shard_news(struct group *group) {
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

static void drop_news(struct group *group) {
    if (!group->has_news) return;
    struct shard *shard = group->shard;
    struct group *before = NULL;
    for (struct group *at = shard->news_first; at != group; at = at->news_next)
        before = at;
    if (before == NULL) {
        shard->news_first = group->news_next;
    } else {
        before->news_next = group->news_next;
    }
    if (shard->news_last == group) shard->news_last = before;
    group->has_news = false;
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

static void on_timer(void *arg) {
    struct shard *shard = arg;
    shard->timer_at_ms = UINT64_MAX;
    uint64_t now_ms = shard_now_ms(shard);
    struct timer_entry *first;
    while ((first = timer_heap_first(&shard->timers)) != NULL && first->at_ms <= now_ms) {
        timer_heap_remove(&shard->timers, first);
        group_on_time(group_of_timer(first));
    }
    if (shard->bulk_paused) decide_pause(shard);
    shard_arm(shard);
}

/* ---- Events of the peers ---- */

static int on_judge(void *arg, const struct peer_hello *hello, struct error_text *refusal) {
    struct shard *shard = arg;
    if (shard->events == NULL || shard->events->judge == NULL) return ERR_NONE;
    return shard->events->judge(shard->arg, hello, refusal);
}

static void on_up(void *arg, int32_t node) {
    struct shard *shard = arg;
    struct link *link = shard_link(shard, node);
    link->up = true;
    link->stopping = false;
    transfer_link_up(link);
    shard_now_ms(shard);
    election_count_leads(shard);
    for (struct group *group = shard->groups; group != NULL; group = group->hh.next) {
        bool concerned = false;
        for (size_t i = 0; i < group->member_count; i++) {
            if (group->members[i]->link != link) continue;
            replicate_link_up(group->members[i]);
            concerned = true;
        }
        if (concerned) election_on_link_up(group);
    }
    if (shard->events != NULL && shard->events->up != NULL) shard->events->up(shard->arg, node);
}

static void on_down(void *arg, int32_t node, bool dead) {
    struct shard *shard = arg;
    struct link *link = shard_link(shard, node);
    link->up = false;
    peer_bytes_free(&link->control);
    shard_now_ms(shard);
    if (dead) election_count_leads(shard);
    for (struct group *group = shard->groups; group != NULL; group = group->hh.next) {
        for (size_t i = 0; i < group->member_count; i++)
            if (group->members[i]->link == link) replicate_link_down(group->members[i]);
        if (dead) election_on_dead(group, node);
    }
    shard_wake(shard);
    if (shard->events != NULL && shard->events->down != NULL) shard->events->down(shard->arg, node, dead);
}

static void on_message(void *arg, int32_t node, uint8_t kind, struct slice payload) {
    struct shard *shard = arg;
    if (kind == PEER_KIND_MESSAGES) {
        receive_records(shard, node, payload);
    } else if (kind == PEER_KIND_ENTRIES) {
        receive_entries(shard, node, payload);
    } else if (kind == PEER_KIND_STOPPING) {
        slice_unref(&payload);
        shard_link(shard, node)->stopping = true;
        shard_wake(shard);
    } else if (kind >= PEER_KIND_BROKER && shard->events != NULL && shard->events->message != NULL) {
        shard->events->message(shard->arg, node, kind, payload);
    } else {
        slice_unref(&payload);
        shard->stats.messages_dropped++;
    }
}

static void on_refused(void *arg, int32_t node, const char *sentence) {
    struct shard *shard = arg;
    if (shard->events != NULL && shard->events->refused != NULL) shard->events->refused(shard->arg, node, sentence);
}

static void on_drained(void *arg, int32_t node) {
    struct shard *shard = arg;
    shard_wake(shard);
    if (shard->events != NULL && shard->events->drained != NULL) shard->events->drained(shard->arg, node);
}

/* ---- The owner's side ---- */

int shard_open(struct env *env, struct log *log, struct log_store *store, const struct shard_options *options,
               const struct peers_events *events, void *arg, struct shard **result, struct error_text *why) {
    static const struct peers_events peer_events = {on_judge, on_up, on_down, on_message, on_refused, on_drained};
    CHECK(options->failover_ms > 0 && options->heartbeat_ms > 0 &&
          options->election_timeout_ms > options->heartbeat_ms);
    CHECK(options->group_uncommitted_bytes > 0 && options->uncommitted_bytes > 0 && options->peer_window_bytes > 0);
    CHECK(options->peers.entry_budget > 0 && options->peers.queue_limit > 0 && options->peers.node == options->node);
    struct shard *shard = mem_zalloc(sizeof *shard);
    shard->env = env;
    shard->log = log;
    shard->store = store;
    shard->options = *options;
    shard->events = events;
    shard->arg = arg;
    shard->turn.run = on_turn;
    shard->timer_at_ms = UINT64_MAX;
    shard->undurable_end = &shard->undurable;
    int error = peers_open(env, log, &options->peers, &peer_events, shard, &shard->peers, why);
    if (error != ERR_NONE) {
        mem_free(shard);
        return error;
    }
    timer_heap_init(&shard->timers);
    shard->timer = env_timer_new(env, on_timer, shard);
    *result = shard;
    return ERR_NONE;
}

void shard_close(struct shard *shard) {
    CHECK(shard->groups == NULL);
    peers_close(shard->peers);
    env_defer_cancel(shard->env, &shard->turn);
    env_timer_free(shard->timer);
    env_timer_free(shard->drain_timer);
    timer_heap_close(&shard->timers);
    for (struct undurable *round = shard->undurable, *next; round != NULL; round = next) {
        next = round->next;
        journal_wait_cancel(log_store_journal(shard->store), &round->waiter);
        mem_free(round);
    }
    for (struct link *link = shard->links, *next; link != NULL; link = next) {
        next = link->next;
        peer_bytes_free(&link->control);
        mem_free(link);
    }
    mem_free(shard);
}

struct peers *shard_peers(struct shard *shard) {
    return shard->peers;
}

struct env *shard_env(struct shard *shard) {
    return shard->env;
}

struct log *shard_log(struct shard *shard) {
    return shard->log;
}

struct log_store *shard_store(struct shard *shard) {
    return shard->store;
}

void shard_add_group(struct shard *shard, struct group *group) {
    CHECK(shard_group(shard, group->id) == NULL);
    HASH_ADD(hh, shard->groups, id, sizeof group->id, group);
}

void shard_remove_group(struct shard *shard, struct group *group) {
    HASH_DELETE(hh, shard->groups, group);
    timer_heap_remove(&shard->timers, &group->timer);
    drop_news(group);
    shard_wake(shard);
}

struct group *shard_group(struct shard *shard, uint64_t id) {
    struct group *group;
    HASH_FIND(hh, shard->groups, &id, sizeof id, group);
    return group;
}

void shard_stats_get(const struct shard *shard, struct shard_stats *stats) {
    *stats = shard->stats;
}
