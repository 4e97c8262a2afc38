/*
 * Replicas that come and go while their partition stays: members of the rows, and the files of what
 * left.
 *
 * Happy path: a plan that changed gives an open row its new members, and makes a row where a
 * replica is to be here; one that is done takes ours away, if it left: it is closed, its files go
 * (partition_log.h), and only then a row of the same group is opened again, as another replica.
 * Failures: files that cannot be removed stay until the next start, which hears of it again. A
 * replica that was given up as lost, and is here all the same, takes no part any more; but its
 * files may be the last that there are: they go when its partition has been led without it, by a
 * broker that is heard, for HELD_TIMEOUTS election timeouts, after which no leader is left that
 * needs it for a majority. Invariant: one removal at a time; while there is one to come for a
 * group, no row of it is opened.
 */
#include <inttypes.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/config/broker_settings.h"
#include "broker/partition_set/partition_set_internal.h"
#include "storage/log/partition_log.h"

enum { HELD_TIMEOUTS = 4 };

/* A replica of ours that left its partition; or whatever is here of the group but one, which others
 * must not meet. */
struct left_replica {
    uint64_t group;
    replica_id replica;
    bool first; /* it was there when the partition was made */
    bool others;
    struct log_store_others which; /* then */
    uint64_t since_ms; /* of one that is held: since when it takes no part and another one leads */
    struct partition_set *set;
    struct left_replica *next;
};

/* ---- Members ---- */

bool partition_set_is_ours(const struct partition_set *set,
                           const struct metadata_partition *partition) {
    return metadata_replica_on(partition, set->settings->node_id) != NULL;
}

static void row_take_members(struct row *row, const struct metadata_partition *source) {
    row->member_count = 0;
    for (size_t i = 0; i < metadata_member_count(source); i++)
        if (source->replicas[i].node != METADATA_NODE_LOST)
            row->members[row->member_count++] = (struct raft_group_member){
                .replica = source->replicas[i].replica,
                .node = source->replicas[i].node,
                .voter = true};
}

void partition_set_fill_row(struct row *row, const struct metadata_partition *source) {
    const struct metadata_replica *ours = metadata_replica_on(source, row->set->settings->node_id);
    CHECK(ours != NULL); /* partition_set_is_ours was asked */
    row->group = source->group;
    row->replica = ours->replica;
    row->created = metadata_replica_is_first(source, ours->replica) ? source->created : 0;
    row_take_members(row, source);
}

static void hold(struct partition_set *set, const struct left_replica *of);
static void close_row(struct row *row);

/* Ids rise: ours was given up as lost, and came back all the same. The plan that gave its place to
 * the next one waits for that, which opens behind the removal. */
static void give_way(struct row *row) {
    struct partition_set *set = row->set;
    struct left_replica left = {
        .group = row->group, .replica = row->replica, .first = row->created != 0};
    if (group_notes_have(set->removing, row->group)) return;
    hold(set, &left);
    if (row->state == ROW_OPENING) return; /* partition_set_has_left */
    close_row(row);
    group_queue_push(&set->added, left.group); /* the next one waits */
    env_defer(set->env, &set->go_on);
}

void partition_set_change_row(struct row *row, const struct metadata_partition *source) {
    const struct metadata_replica *ours = metadata_replica_on(source, row->set->settings->node_id);
    if (ours != NULL && ours->replica > row->replica) {
        give_way(row);
        return;
    }
    /* Else it has left: the removal sees to it. */
    if (ours == NULL || ours->replica != row->replica) return;
    row_take_members(row, source);
    if (row->partition != NULL)
        partition_set_members(row->partition, row->members, row->member_count);
}

void partition_set_replicas_changed(struct partition_set *set,
                                    const struct metadata_partition *partition) {
    if (MUTANT(MUTANT_FILES_GO_EARLY))
        for (size_t i = partition->replica_count; i < metadata_member_count(partition); i++)
            partition_set_replica_left(set, partition, &partition->replicas[i]);
    if (partition_set_is_ours(set, partition)) group_queue_push(&set->added, partition->group);
}

/* ---- What left ---- */

static void add_left(struct partition_set *set, const struct left_replica *of) {
    struct left_replica *left = mem_alloc(sizeof *left);
    *left = *of;
    left->set = set;
    left->next = NULL;
    *set->left_end = left;
    set->left_end = &left->next;
    group_notes_add(&set->removing, left->group);
}

/* ---- What was given up, and is here ---- */

static void hold(struct partition_set *set, const struct left_replica *of) {
    struct left_replica *held = mem_alloc(sizeof *held);
    *held = *of;
    held->set = set;
    held->since_ms = env_now_ms(set->env);
    held->next = set->held;
    set->held = held;
    group_notes_add(&set->removing, held->group);
    env_timer_start(set->try_again, TRY_AGAIN_FIRST_MS * 1000);
}

/* Another broker leads it, and is heard: one that cannot be reached any more has not taken back
 * what it announced. */
static bool is_led_elsewhere(const struct left_replica *held) {
    const struct partition_set *set = held->set;
    const struct peers *peers = shard_peers(set->shard);
    int32_t node = leader_table_get(set->leaders, held->group).node;
    return node != LEADER_NONE && node != set->settings->node_id && peers_is_up(peers, node) &&
           env_now_ms(set->env) - peers_heard_ms(peers, node) <=
               set->settings->raft_election_timeout_ms;
}

/* For long enough, at each look. Or there is no such partition any more. */
static bool is_led_without_us(struct left_replica *held) {
    const struct partition_set *set = held->set;
    uint64_t now_ms = env_now_ms(set->env);
    if (set->metadata == NULL) return false;
    if (metadata_partition_of_group(set->metadata, held->group) == NULL) return true;
    if (!is_led_elsewhere(held)) held->since_ms = now_ms;
    return now_ms - held->since_ms >=
           (uint64_t)HELD_TIMEOUTS * set->settings->raft_election_timeout_ms;
}

bool partition_set_look_at_held(struct partition_set *set) {
    for (struct left_replica **at = &set->held; *at != NULL;) {
        struct left_replica *held = *at;
        if (!is_led_without_us(held)) {
            at = &held->next;
            continue;
        }
        *at = held->next;
        add_left(set, held);
        mem_free(held);
    }
    return set->held != NULL;
}

void partition_set_replica_left(struct partition_set *set,
                                const struct metadata_partition *partition,
                                const struct metadata_replica *replica) {
    if (replica->node != set->settings->node_id) return;
    struct left_replica left = {.group = partition->group,
                                .replica = replica->replica,
                                .first = metadata_replica_is_first(partition, replica->replica)};
    add_left(set, &left);
}

/* ---- What nobody told of ---- */

/* A replica has one id for ever, and ids rise: whoever is here and has a lower one has left. */
void partition_set_met_other(struct row *row) {
    struct left_replica left = {.group = row->group,
                                .others = true,
                                .which = {.keep = row->replica, .below = row->replica}};
    if (!group_notes_have(row->set->removing, row->group)) hold(row->set, &left);
}

struct stored_look {
    struct partition_set *set;
    const struct metadata *metadata;
};

/* Its own files are looked at when they are opened. */
static void look_at_stored(void *arg, uint64_t group) {
    struct stored_look *look = arg;
    const struct metadata_partition *partition = metadata_partition_of_group(look->metadata, group);
    if (group >= metadata_next_group(look->metadata)) return; /* of a later command */
    if (partition == NULL) {
        group_notes_add(&look->set->removed, group);
    } else if (!partition_set_is_ours(look->set, partition)) {
        struct left_replica left = {.group = group,
                                    .others = true,
                                    .which = {.keep = LOG_STORE_NO_REPLICA,
                                              .below = metadata_next_replica(look->metadata)}};
        add_left(look->set, &left);
    }
}

void partition_set_restored(struct partition_set *set, const struct metadata *metadata) {
    struct stored_look look = {set, metadata};
    group_notes_each(set->stored, look_at_stored, &look);
}

/* Not while it is opening. */
static void close_row(struct row *row) {
    if (row->partition != NULL && partition_is_leading(row->partition))
        leader_table_lost(row->set->leaders, row->group);
    partition_set_drop_row(row, false);
}

/* The first of the list is over. */
static void drop_first(struct partition_set *set) {
    struct left_replica *left = set->left;
    bool more = false;
    set->left = left->next;
    if (set->left == NULL) set->left_end = &set->left;
    for (const struct left_replica *at = set->left; at != NULL; at = at->next)
        more = more || at->group == left->group;
    for (const struct left_replica *at = set->held; at != NULL; at = at->next)
        more = more || at->group == left->group;
    if (!more) group_notes_take(&set->removing, left->group);
    group_queue_push(&set->added, left->group); /* another one may be to come here, */
    set->next_waiting = set->unopened;          /* and has waited for it */
    mem_free(left);
}

static void on_files_gone(void *arg) {
    struct left_replica *left = arg;
    struct partition_set *set = left->set;
    set->files_go = false;
    drop_first(set);
    if (set->metadata != NULL) env_defer(set->env, &set->go_on);
}

/* False: it is under way, or waits. What is stored may be another replica's by now: the store
 * looks. */
static bool remove_first(struct partition_set *set) {
    struct left_replica *left = set->left;
    struct row *row;
    HASH_FIND(hh, set->rows, &left->group, sizeof left->group, row);
    if (!left->others && row != NULL && row->replica == left->replica) {
        if (row->state == ROW_OPENING) return false; /* its end comes here again */
        close_row(row);
    }
    replica_id stored = left->first ? 0 : left->replica;
    struct log_store *store = shard_store(set->shard);
    int error = ERR_NOT_FOUND;
    if (group_notes_have(set->stored, left->group) && left->others)
        error = log_store_remove_others(store, left->group, &left->which, on_files_gone, left);
    else if (group_notes_have(set->stored, left->group))
        error = log_store_remove_replica(store, left->group, stored, on_files_gone, left);
    set->files_go = error == ERR_NONE;
    if (set->files_go) return false;
    if (error != ERR_NOT_FOUND)
        log_event(set->log, LOGGED_FILES_NOT_REMOVED,
                  "the files of a replica of group %" PRIu64
                  " that left cannot be removed (%s); they stay until the next start",
                  left->group, error_phrase(error));
    drop_first(set);
    return true;
}

void partition_set_remove_left(struct partition_set *set) {
    while (set->left != NULL && !set->files_go && remove_first(set)) {}
}

static bool has_row(const struct left_replica *list, const struct row *row) {
    for (const struct left_replica *left = list; left != NULL; left = left->next)
        if (!left->others && left->group == row->group && left->replica == row->replica)
            return true;
    return false;
}

bool partition_set_has_left(const struct row *row) {
    return has_row(row->set->left, row) || has_row(row->set->held, row);
}

void partition_set_forget_left(struct partition_set *set) {
    while (set->held != NULL) {
        struct left_replica *held = set->held;
        set->held = held->next;
        group_notes_take(&set->removing, held->group);
        mem_free(held);
    }
    while (set->left != NULL)
        drop_first(set);
    set->files_go = false;
}
