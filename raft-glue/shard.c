/*
 * All groups of a loop: what arrives and falls due goes to them, and the end of a turn takes what
 * they have gathered.
 *
 * A turn, as far as it concerns Raft: messages, completions and timeouts step groups as they come;
 * then, once (env_defer), the groups that have news tell their owners, which may submit more; then
 * each peer gets one frame of records and its frames of entries. So all results and votes of a turn
 * leave in one write, and a turn's entries are in one round of the journal.
 */
#include "base/container_of.h"
#include "base/mem.h"
#include "raft-glue/raft_group_internal.h"

enum { RECORDS_OF_A_FRAME = 128 }; /* each may be a step of the engine: some 5 us */

/* ---- The end of a turn ---- */

/* In frames that the receiver steps in one turn each. */
static void send_records(struct link *link) {
    struct shard *shard = link->shard;
    if (link->control.len == 0) return;
    rollback_guard_tell(shard->witness, link->node);
    struct slice all = peer_bytes_take(&link->control);
    for (size_t at = 0; at < all.len; at += RECORDS_OF_A_FRAME * PEER_RECORD_SIZE) {
        size_t left = all.len - at, most = RECORDS_OF_A_FRAME * PEER_RECORD_SIZE;
        struct slice some = slice_of(all.buffer, (size_t)(all.data - all.buffer->data) + at,
                                     left < most ? left : most);
        shard->stats.frames_sent++;
        peers_send(shard->peers, link->node, PEER_CONTROL, PEER_KIND_MESSAGES, &some, 1);
    }
    slice_unref(&all);
}

/* Of thousands as many as fit into this turn; the rest in later ones. */
static void deliver_news(struct shard *shard) {
    struct raft_group *group;
    while ((group = shard_take_news(shard)) != NULL) {
        raft_group_pin(group);
        if (group->starting.anew) raft_group_start_anew(group);
        raft_group_deliver(group);
        raft_group_unpin(group);
        if (shard->news_first == NULL || !env_turn_is_long(shard->env)) continue;
        env_yield_first(shard->env, &shard->later);
        return;
    }
}

static void on_turn(struct env_task *task) {
    struct shard *shard = CONTAINER_OF(task, struct shard, turn);
    deliver_news(shard);
    for (struct link *link = shard->links; link != NULL; link = link->next) {
        send_records(link);
        replicate_fill(link);
        snapshot_fill(link);
    }
    flow_control_end_turn(shard);
    drain_check(shard);
}

static void on_later(struct env_task *task) {
    struct shard *shard = CONTAINER_OF(task, struct shard, later);
    on_turn(&shard->turn);
}

/* ---- Time ---- */

/* Late confirmations are for the end of the turn, and the engine gets its timeout: never early,
 * what the heap kept too early is only put back (raft_group_deadline.c). */
static void on_time(struct raft_group *group) {
    if (group->phase != RAFT_GROUP_RUNNING) return;
    uint64_t now_ms = shard_now_ms(group->shard);
    if (raft_group_read_index_deadline_ms(group) <= now_ms ||
        raft_group_transfer_deadline_ms(group) <= now_ms ||
        raft_group_leave_deadline_ms(group) <= now_ms)
        shard_ready(group);
    bool due = raft_group_engine_deadline_ms(group) <= now_ms;
    if (due && raft_group_is_sole_follower(group)) {
        group->starting.anew = true;
        shard_ready(group);
    } else if (due && election_may_time_out(group)) {
        struct raft_event event = {.type = RAFT_TIMEOUT};
        bool leads = raft_group_leads(group);
        if (leads) quiet_tick_begins(group);
        election_asks_again(group);
        raft_group_step(group, &event);
        if (leads) replicate_ask_quiet(group);
        if (leads) quiet_tick_ended(group);
        election_timed_out(group);
    }
    if (group->phase != RAFT_GROUP_RUNNING) return;
    uint64_t next_ms = raft_group_deadline_ms(group);
    if (next_ms <= now_ms)
        next_ms =
            now_ms +
            1; /* a confirmation that the turn ends, or a transfer, or a grid point that is now */
    raft_group_arm_at(group, next_ms);
}

static void on_timer(void *arg) {
    struct shard *shard = arg;
    shard->timer_at_ms = UINT64_MAX;
    uint64_t now_ms = shard_now_ms(shard);
    struct timer_entry *first;
    while ((first = timer_heap_first(&shard->timers)) != NULL && first->at_ms <= now_ms) {
        timer_heap_remove(&shard->timers, first);
        on_time(raft_group_of_timer(first));
        if (env_turn_is_long(shard->env)) break; /* the others are due at once, in the next turn */
    }
    flow_control_on_time(shard);
    shard_arm(shard);
}

static void on_watch(void *arg) {
    struct shard *shard = arg;
    env_timer_start(shard->watch, (uint64_t)shard->options.heartbeat_ms * 1000);
    link_change_watch(shard);
}

/* ---- Whether this broker belongs to them still ---- */

static void on_asking_ends(void *arg) {
    struct shard *shard = arg;
    if (shard->asked) return;
    shard->asked = true;
    env_timer_stop(shard->asking_timer);
    link_change_asked(shard);
}

/* Before it is settled it does not know whom to ask. */
static void on_answer(struct shard *shard) {
    if (shard->settled && peers_all_answered(shard->peers)) on_asking_ends(shard);
}

static void tell_settled(struct link *link) {
    if (link->shard->settled && link->up)
        peers_send(link->shard->peers, link->node, PEER_CONTROL, PEER_KIND_SETTLED, NULL, 0);
}

void shard_settled(struct shard *shard) {
    if (shard->settled) return;
    shard->settled = true;
    for (struct link *link = shard->links; link != NULL; link = link->next)
        tell_settled(link);
    env_timer_start(shard->asking_timer, ASKING_MS * 1000);
    on_answer(shard);
}

/* ---- Events of the peers ---- */

static int on_judge(void *arg, const struct peer_hello *hello, struct error_text *refusal) {
    struct shard *shard = arg;
    if (shard->events == NULL || shard->events->judge == NULL) return ERR_NONE;
    return shard->events->judge(shard->arg, hello, refusal);
}

static void on_seen(void *arg, const struct peer_hello *hello, struct peer_journal *of_its) {
    struct shard *shard = arg;
    *of_its = rollback_guard_seen(shard->witness, hello->node, hello->directory);
}

static bool on_accepted(void *arg, int32_t node, const struct peer_journal *of_ours) {
    struct shard *shard = arg;
    return rollback_guard_accepted(shard->witness, node, of_ours);
}

static void on_up(void *arg, int32_t node) {
    struct shard *shard = arg;
    rollback_guard_up(shard->witness, node);
    struct link *link = shard_link(shard, node);
    link_change_up(link);
    drain_link_up(link);
    tell_settled(link);
    on_answer(shard);
    if (shard->events != NULL && shard->events->up != NULL) shard->events->up(shard->arg, node);
}

static void on_down(void *arg, int32_t node, bool dead) {
    struct shard *shard = arg;
    link_change_down(shard_link(shard, node), dead);
    if (shard->events != NULL && shard->events->down != NULL)
        shard->events->down(shard->arg, node, dead);
}

static void on_message(void *arg, int32_t node, uint8_t kind, struct slice payload) {
    struct shard *shard = arg;
    if (kind == PEER_KIND_JOURNAL) {
        rollback_guard_hear(shard->witness, node, payload);
    } else if (kind == PEER_KIND_SETTLED) {
        slice_unref(&payload);
        peers_answered(shard->peers, node);
        on_answer(shard);
    } else if (rollback_guard_is_lost(shard->witness)) {
        slice_unref(&payload);
    } else if (kind == PEER_KIND_MESSAGES) {
        receive_records(shard, node, payload);
    } else if (kind == PEER_KIND_ENTRIES) {
        receive_entries(shard, node, payload);
    } else if (kind == PEER_KIND_STOPPING) {
        slice_unref(&payload);
        shard_link(shard, node)->stopping = true;
        shard_wake(shard);
    } else if (kind >= PEER_KIND_SNAPSHOT_OFFER && kind <= PEER_KIND_SNAPSHOT_CHUNK) {
        receive_snapshot(shard, node, kind, payload);
    } else if (kind >= PEER_KIND_BROKER && shard->events != NULL &&
               shard->events->message != NULL) {
        shard->events->message(shard->arg, node, kind, payload);
    } else {
        slice_unref(&payload);
        shard->stats.messages_dropped++;
    }
}

static void on_refused(void *arg, int32_t node, bool for_good, const char *sentence) {
    struct shard *shard = arg;
    if (shard->events != NULL && shard->events->refused != NULL)
        shard->events->refused(shard->arg, node, for_good, sentence);
}

static void on_drained(void *arg, int32_t node) {
    struct shard *shard = arg;
    shard_wake(shard);
    if (shard->events != NULL && shard->events->drained != NULL)
        shard->events->drained(shard->arg, node);
}

static void on_room(struct log_store_room_listener *listener) {
    leader_fitness_room_changed(CONTAINER_OF(listener, struct shard, room));
}

/* ---- The owner's side ---- */

int shard_open(struct env *env, struct log *log, struct log_store *store,
               const struct shard_options *options, const struct peers_events *events, void *arg,
               struct shard **result, struct error_text *why) {
    static const struct peers_events peer_events = {on_judge,   on_up,      on_down, on_message,
                                                    on_refused, on_drained, on_seen, on_accepted};
    CHECK(options->failover_ms > 0 && options->heartbeat_ms > 0 &&
          options->election_timeout_ms > options->heartbeat_ms);
    CHECK(options->group_uncommitted_bytes > 0 && options->uncommitted_bytes > 0 &&
          options->peer_window_bytes > 0);
    CHECK(options->peers.entry_budget > 0 && options->peers.queue_limit > 0 &&
          options->peers.node == options->node);
    struct shard *shard = mem_zalloc(sizeof *shard);
    shard->env = env;
    shard->log = log;
    shard->store = store;
    shard->options = *options;
    if (options->engine_entries == 0) shard->options.engine_entries = ENGINE_ENTRIES_MOST;
    shard->events = events;
    shard->arg = arg;
    shard->turn.run = on_turn;
    shard->later.run = on_later;
    shard->change.run = link_change_goes_on;
    shard->timer_at_ms = UINT64_MAX;
    shard->undurable_end = &shard->undurable;
    struct peers_options of_peers = options->peers;
    of_peers.lag_max_ms = 2 * options->election_timeout_ms;
    of_peers.ping_ms = options->heartbeat_ms;
    int error = peers_open(env, log, &of_peers, &peer_events, shard, &shard->peers, why);
    if (error == ERR_NONE)
        error = rollback_guard_open(env, log_store_journal(store), shard->peers, &shard->witness,
                                    why);
    if (error != ERR_NONE) {
        if (shard->peers != NULL) peers_close(shard->peers);
        mem_free(shard);
        return error;
    }
    timer_heap_init(&shard->timers);
    shard->timer = env_timer_new(env, on_timer, shard);
    shard->room.changed = on_room;
    log_store_on_room(store, &shard->room);
    shard->watch = env_timer_new(env, on_watch, shard);
    on_watch(shard);
    shard->asking_timer = env_timer_new(env, on_asking_ends, shard);
    *result = shard;
    return ERR_NONE;
}

void shard_close(struct shard *shard) {
    CHECK(shard->groups == NULL);
    log_store_off_room(shard->store, &shard->room);
    rollback_guard_close(shard->witness);
    peers_close(shard->peers);
    env_defer_cancel(shard->env, &shard->turn);
    env_defer_cancel(shard->env, &shard->later);
    env_defer_cancel(shard->env, &shard->change);
    env_timer_free(shard->timer);
    env_timer_free(shard->watch);
    env_timer_free(shard->asking_timer);
    env_timer_free(shard->drain_timer);
    timer_heap_close(&shard->timers);
    mem_free(shard->row.groups);
    mem_free(shard->damaged.groups);
    flow_control_close(shard);
    for (struct link *link = shard->links, *next; link != NULL; link = next) {
        next = link->next;
        peer_bytes_free(&link->control);
        mem_free(link);
    }
    mem_free(shard);
}

void shard_set_fetch_rate(struct shard *shard, uint64_t bytes_per_second) {
    if (shard->options.fetch_rate == bytes_per_second) return;
    shard->options.fetch_rate = bytes_per_second;
    snapshot_fetch_rate_changed(shard);
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

struct shard_peer_stats shard_peer_stats(const struct shard *shard, int32_t node) {
    const struct link *link = shard->links;
    while (link != NULL && link->node != node)
        link = link->next;
    if (link == NULL) return (struct shard_peer_stats){0};
    return (struct shard_peer_stats){.window_full_us = replicate_full_us(link),
                                     .files_bytes = snapshot_left_bytes(link)};
}

void shard_stats_get(const struct shard *shard, struct shard_stats *stats) {
    *stats = shard->stats;
    stats->received_bytes = shard->undurable_bytes;
}
