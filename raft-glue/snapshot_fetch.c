/*
 * A member's side of snapshot_frame.h: it lacks what lies at or below the start of the other logs,
 * and fetches it from its leader as files.
 *
 *   offered --> taking up --> fetching, a piece at a time --> preparing --> installing --> done
 *      |           +-------------------+------------------------+
 *      |                               +-- another offer, link or term lost: over; the files stay
 *      +-- has it, busy, does not follow, no room: refused
 *          (another offer while it prepares: it goes on for that)
 *
 * Happy path: the files come in beside the log (log_staging.h), while this replica follows and
 * votes with the log that it has. When they are whole and durable the engine is stepped with
 * INSTALL_SNAPSHOT, so that it installs for a round of the journal and not for an hour: while it
 * does, it denies every vote. The log and then the owner's state are replaced
 * (partition_log_install, `restore`), and the engine acknowledges the place where the files end.
 * Entries go on from there.
 * Failures: a piece that is not what was listed is asked for again, and
 * after MISTAKES_MOST of them the offer is dropped, files and all; a disk without room refuses.
 * Whatever ends a fetch leaves the files for the next offer, for an hour.
 * Invariants: one fetch for
 * each group, FETCHES_MOST for the broker, one piece of each under way; pieces are asked for as
 * fast as shard_options.fetch_rate, over all of them; the engine is stepped only
 * as a follower in the term of the offer, with a log that lacks the place.
 */
#include <inttypes.h>

#include "base/mem.h"
#include "base/mutant.h"
#include "raft-glue/engine/configuration.h"
#include "raft-glue/raft_group_internal.h"
#include "storage/log/log_staging.h"
#include "storage/log_types.h"

enum { FETCHES_MOST = 8, MISTAKES_MOST = 8, PIECE_LEAST = 4096 };
/* So long what has come waits for the next offer. */
#define LEFT_US (UINT64_C(3600) * 1000 * 1000)
/* What may be asked for at once when nothing was for a while. */
#define BURST_US (UINT64_C(100) * 1000)
/* So often the leader hears of work that asks for nothing: well within its patience. */
#define AT_WORK_US (UINT64_C(20) * 1000 * 1000)

struct snapshot_fetch {
    struct raft_group *group;
    struct snapshot_head head; /* of its messages: from us to the leader */
    struct log_staging *staging;
    struct log_staging_wanted wanted;
    bool paced;     /* it is to be asked for when its turn comes, */
    bool waits;     /* ... and was */
    bool preparing; /* all is there, */
    bool settling;  /* ... and whole */
    unsigned mistakes;
};

/* ---- Beginning and end ---- */

/* It is there as long as the fetch is: snapshot_fetch_link_down. */
static struct member *leader_of(const struct snapshot_fetch *fetch) {
    return raft_group_member(fetch->group, fetch->head.to);
}

static void nobody_offered(void *arg) {
    struct raft_group *group = arg;
    if (group->fetch == NULL && !group->raft.snapshot.installing) log_staging_discard(group->log);
}

void snapshot_fetch_left(struct raft_group *group) {
    if (group->fetch_left == NULL)
        group->fetch_left = env_timer_new(group->shard->env, nobody_offered, group);
    env_timer_start(group->fetch_left, LEFT_US);
}

void snapshot_fetch_end(struct raft_group *group) {
    struct snapshot_fetch *fetch = group->fetch;
    if (fetch == NULL) return;
    if (!group->closed) snapshot_fetch_left(group);
    group->fetch = NULL;
    env_timer_stop(group->fetch_works);
    if (group->fetch_paced != NULL) env_timer_stop(group->fetch_paced);
    group->shard->fetches--;
    if (fetch->staging != NULL) log_staging_close(fetch->staging);
    mem_free(fetch);
}

void snapshot_fetch_link_down(struct member *member) {
    struct raft_group *group = member->group;
    if (group->fetch != NULL && group->fetch->head.to == member->replica) snapshot_fetch_end(group);
}

/* It follows the leader of that term, and its owner knows. */
static bool follows(const struct raft_group *group, log_term term) {
    return group->phase == RAFT_GROUP_RUNNING && group->raft.state == RAFT_FOLLOWER &&
           term == raft_group_term(group) && !group->announced.leading;
}

void snapshot_fetch_note(struct raft_group *group) {
    if (group->fetch == NULL) return;
    if (!follows(group, group->fetch->head.term)) snapshot_fetch_end(group);
}

static void snapshot_send(struct raft_group *group, struct member *to, uint8_t kind,
                          const void *bytes, size_t len) {
    struct slice slice = slice_copy(NULL, bytes, len);
    peers_send(group->shard->peers, to->node, PEER_CONTROL, kind, &slice, 1);
}

static void refuse(struct raft_group *group, struct member *to, const struct snapshot_head *head,
                   enum snapshot_refusal reason) {
    uint8_t bytes[SNAPSHOT_REFUSAL_SIZE];
    snapshot_refusal_encode(bytes, head, reason);
    snapshot_send(group, to, PEER_KIND_SNAPSHOT_REFUSE, bytes, sizeof bytes);
}

/* ---- Installing ---- */

/* Entries behind that place are all that it needs. More may be known to be committed than it has:
 * what an earlier state described. */
static bool has_place(const struct raft_group *group, const struct start_file *place) {
    log_index last = partition_log_last_index(group->log);
    return place->index <= (group->commit < last ? group->commit : last) ||
           partition_log_term_at(group->log, place->index) == place->term;
}

/* False: the engine knows better. */
static bool step_install(struct raft_group *group, struct member *from,
                         const struct start_file *place) {
    struct raft_message message = {
        .type = RAFT_INSTALL_SNAPSHOT, .server_id = from->replica, .server_address = from->address};
    struct raft_install_snapshot *args = &message.install_snapshot;
    struct raft_buffer bytes = {(void *)place->change.data, place->change.len};
    *args = (struct raft_install_snapshot){.version = 1,
                                           .term = raft_current_term(&group->raft),
                                           .last_index = place->index,
                                           .last_term = place->term,
                                           .conf_index = place->change_index};
    CHECK(raft_configuration_decode(&bytes, &args->conf) == 0); /* is_sound */
    struct raft_event event = {.type = RAFT_RECEIVE};
    event.receive.message = &message;
    from->heard_ms = shard_now_ms(group->shard);
    group->heard_leader = from->replica;
    group->heard_term = raft_group_term(group);
    group->step.installs = false;
    raft_group_step(group, &event);
    return group->step.installs;
}

static void fetch_install(struct snapshot_fetch *fetch) {
    struct raft_group *group = fetch->group;
    snapshot_fetch_note(group);
    if (group->fetch == NULL) return; /* the leader of a later term offers it again */
    struct member *from = leader_of(fetch);
    struct log_staging *staging = fetch->staging;
    const struct prefix_files *files = log_staging_files(staging);
    if (has_place(group, &files->ends)) {
        refuse(group, from, &fetch->head, SNAPSHOT_HAS_IT);
        snapshot_fetch_end(group);
        log_staging_discard(group->log);
        return;
    }
    fetch->staging = NULL;
    snapshot_fetch_end(group);
    quiet_end(group);
    if (!step_install(group, from, &files->ends)) {
        log_staging_close(staging);
        log_staging_discard(group->log);
        return;
    }
    if (MUTANT(MUTANT_INSTALL_TOLD_EARLY))
        raft_group_send(group, from,
                        &(struct peer_record){.type = RECORD_APPEND_RESULT,
                                              .term = raft_group_term(group),
                                              .append_result = {.last_index = files->ends.index}});
    raft_group_apply_cancel(group);
    log_event(group->shard->log, LOGGED_LOG_BEGINS_ANEW,
              "%s: its log begins anew behind entry %" PRIu64 ", with %" PRIu64
              " bytes of broker %d; it had ended with entry %" PRIu64
              ", and the others have let go of what follows that",
              group->label, files->ends.index, prefix_files_bytes(files), from->node,
              partition_log_last_index(group->log));
    partition_log_install(group->log, staging);
    group->commit = partition_log_commit_index(group->log);
}

void snapshot_installed(struct raft_group *group) {
    struct raft_event event = {.type = RAFT_PERSISTED_SNAPSHOT};
    if (group->phase != RAFT_GROUP_RUNNING) return; /* it has stopped meanwhile */
    event.persisted_snapshot.metadata = group->installing;
    event.persisted_snapshot.last = true;
    group->start_index = group->installing.index;
    group->installing = (struct raft_snapshot_metadata){0};
    group->shard->stats.snapshots_installed++;
    leader_fitness_forget_damage(group); /* it was in the files of the old log */
    struct error_text why;
    if (!raft_group_restore(group, &why)) {
        raft_group_stop(group, why.text);
        return;
    }
    raft_group_step(group, &event);
    shard_ready(group);
}

/* ---- Fetching ---- */

/* A second of the rate, so that a low one flows, too. */
static uint32_t piece_most(const struct shard *shard) {
    uint64_t rate = shard->options.fetch_rate;
    if (rate == 0 || rate > SNAPSHOT_CHUNK_MOST) return SNAPSHOT_CHUNK_MOST;
    return rate < PIECE_LEAST ? PIECE_LEAST : (uint32_t)rate;
}

/* What was not used is lost, but for a moment. */
uint64_t shard_fetch_turn_us(struct shard *shard, uint32_t length) {
    uint64_t now_us = env_now_us(shard->env), rate = shard->options.fetch_rate;
    if (rate == 0) return now_us;
    if (shard->fetch_due_us + BURST_US < now_us) shard->fetch_due_us = now_us - BURST_US;
    uint64_t turn_us = shard->fetch_due_us;
    shard->fetch_due_us += (uint64_t)length * 1000 * 1000 / rate;
    return turn_us;
}

static void send_want(struct snapshot_fetch *fetch) {
    struct raft_group *group = fetch->group;
    struct snapshot_want want = {
        .file = fetch->wanted.file, .length = fetch->wanted.length, .offset = fetch->wanted.offset};
    uint8_t bytes[SNAPSHOT_WANT_SIZE];
    snapshot_want_encode(bytes, &fetch->head, &want);
    fetch->paced = false;
    fetch->waits = true;
    snapshot_send(group, leader_of(fetch), PEER_KIND_SNAPSHOT_WANT, bytes, sizeof bytes);
}

static void its_turn(void *arg) {
    struct raft_group *group = arg;
    snapshot_fetch_note(group);
    if (group->fetch != NULL && group->fetch->paced) send_want(group->fetch);
}

static void ask(struct snapshot_fetch *fetch) {
    struct raft_group *group = fetch->group;
    struct env *env = group->shard->env;
    if (!log_staging_wanted(fetch->staging, piece_most(group->shard), &fetch->wanted)) {
        fetch->preparing = true;
        log_staging_prepare(fetch->staging);
        return;
    }
    uint64_t turn_us = shard_fetch_turn_us(group->shard, fetch->wanted.length);
    if (turn_us <= env_now_us(env)) {
        send_want(fetch);
        return;
    }
    fetch->paced = true;
    if (group->fetch_paced == NULL) group->fetch_paced = env_timer_new(env, its_turn, group);
    env_timer_start_at(group->fetch_paced, turn_us);
}

/* Those that wait for their turn have it by the new rate. */
void snapshot_fetch_rate_changed(struct shard *shard) {
    shard->fetch_due_us = 0;
    for (struct raft_group *group = shard->groups; group != NULL; group = group->hh.next)
        if (group->fetch != NULL && group->fetch->paced) env_timer_start(group->fetch_paced, 0);
}

/* What was sent is not what was listed, again and again, or is not a log. */
static void distrust(struct snapshot_fetch *fetch) {
    struct raft_group *group = fetch->group;
    const struct member *from = leader_of(fetch);
    log_event(group->shard->log, LOGGED_LOG_BEGINNING_BAD,
              "%s: the beginning of the log, as broker %d sent it, is not whole; it is asked for "
              "again. If that goes on, see draved log verify there",
              group->label, from->node);
    refuse(group, leader_of(fetch), &fetch->head, SNAPSHOT_NOT_WHOLE);
    snapshot_fetch_end(group);
    log_staging_discard(group->log);
}

static void on_moved(void *arg, int error) {
    struct snapshot_fetch *fetch = arg;
    struct raft_group *group = fetch->group;
    if (error == ERR_NONE && fetch->settling) {
        fetch_install(fetch);
    } else if (error == ERR_NONE && fetch->preparing) {
        fetch->settling = true;
        log_staging_settle(fetch->staging);
    } else if (error == ERR_NONE) {
        ask(fetch);
    } else if (error_is_damage(error)) {
        if (fetch->preparing || ++fetch->mistakes > MISTAKES_MOST)
            distrust(fetch);
        else
            ask(fetch);
    } else {
        log_limited(group->shard->log, &group->limiter, LOGGED_LOG_BEGINNING_WAITS,
                    "%s: the beginning of its log cannot be fetched at present (%s); %s",
                    group->label, error_phrase(error), error_advice(error));
        refuse(group, leader_of(fetch), &fetch->head,
               error_is_no_room(error) ? SNAPSHOT_NO_ROOM : SNAPSHOT_BUSY);
        snapshot_fetch_end(group);
    }
}

/* ---- What comes ---- */

static bool is_configuration(const struct start_file *place) {
    struct configuration_server servers[CHANGE_SERVERS_MAX];
    size_t n;
    return place->change_index > 0 &&
           configuration_decode(place->change.data, place->change.len, servers, &n) == ERR_NONE;
}

/* What takes up, writes and reads files may take minutes. */
static void still_at_work(void *arg) {
    struct raft_group *group = arg;
    snapshot_fetch_note(group);
    struct snapshot_fetch *fetch = group->fetch;
    if (fetch == NULL) return;
    if (!fetch->waits) refuse(group, leader_of(fetch), &fetch->head, SNAPSHOT_AT_WORK);
    env_timer_start(group->fetch_works, AT_WORK_US);
}

static void fetch_begin(struct raft_group *group, const struct snapshot_head *head,
                        struct prefix_files *files) {
    struct snapshot_fetch *fetch = mem_zalloc(sizeof *fetch);
    fetch->group = group;
    fetch->head = *head;
    fetch->staging = log_staging_open(group->log, files, on_moved, fetch);
    group->fetch = fetch;
    if (group->fetch_works == NULL)
        group->fetch_works = env_timer_new(group->shard->env, still_at_work, group);
    env_timer_start(group->fetch_works, AT_WORK_US);
    group->shard->fetches++;
    group->shard->stats.snapshots_fetched++;
}

static void take_offer(struct raft_group *group, struct member *from,
                       const struct snapshot_head *head, struct prefix_files *files) {
    struct snapshot_head ours = {.group = group->id,
                                 .from = group->replica,
                                 .to = from->replica,
                                 .transfer = head->transfer,
                                 .term = raft_group_term(group)};
    if (!follows(group, head->term)) { /* perhaps it stands because it has not heard yet who won */
        refuse(group, from, &ours, SNAPSHOT_BUSY);
        return;
    }
    if (group->raft.snapshot.installing) { /* its log says already that it has the place */
        refuse(group, from, &ours, SNAPSHOT_BUSY);
        return;
    }
    snapshot_fetch_note(group);
    if (group->fetch != NULL && group->fetch->preparing && group->fetch->head.to == from->replica) {
        group->fetch->head = ours; /* it asks for nothing more of either */
        refuse(group, from, &ours, SNAPSHOT_AT_WORK);
        return;
    }
    snapshot_fetch_end(group);
    if (has_place(group, &files->ends)) {
        refuse(group, from, &ours, SNAPSHOT_HAS_IT);
        log_staging_discard(group->log);
    } else if (group->shard->fetches >= FETCHES_MOST) {
        refuse(group, from, &ours, SNAPSHOT_BUSY);
    } else {
        fetch_begin(group, &ours, files);
    }
}

int snapshot_offered(struct raft_group *group, struct member *from,
                     const struct snapshot_head *head, struct slice payload) {
    struct prefix_files files;
    int error = snapshot_offer_decode(payload, &files);
    if (error != ERR_NONE) return error;
    bool sound = is_configuration(&files.ends) && files.ends.term <= head->term;
    if (sound && head->term >= raft_group_term(group))
        take_offer(group, from, head, &files);
    else
        group->shard->stats.messages_dropped++;
    prefix_files_free(&files);
    return sound ? ERR_NONE : ERR_MALFORMED;
}

int snapshot_chunk_came(struct raft_group *group, struct member *from,
                        const struct snapshot_head *head, struct slice payload) {
    struct snapshot_want came;
    const uint8_t *bytes;
    int error = snapshot_chunk_decode(payload, &came, &bytes);
    if (error != ERR_NONE) return error;
    snapshot_fetch_note(group);
    struct snapshot_fetch *fetch = group->fetch;
    bool awaited = fetch != NULL && fetch->waits && fetch->head.to == from->replica &&
                   fetch->head.transfer == head->transfer && came.file == fetch->wanted.file &&
                   came.offset == fetch->wanted.offset && came.length == fetch->wanted.length;
    if (!awaited) {
        group->shard->stats.messages_dropped++;
        return ERR_NONE;
    }
    fetch->waits = false;
    group->shard->stats.snapshot_bytes_fetched += came.length;
    struct slice piece = slice_of(payload.buffer, (size_t)(bytes - payload.buffer->data),
                                  came.length);
    log_staging_put(fetch->staging, &fetch->wanted, piece);
    slice_unref(&piece);
    return ERR_NONE;
}
