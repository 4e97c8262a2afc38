/* The process of one voter: what it opens, submits and hears; voters.h has the rules. */
#include "tests/sim/voters.h"
#include "base/container_of.h"
#include "tests/sim/journal_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "storage/journal/journal.h"
#include "tests/sim/durable_index.h"
#include "tests/sim/log_lines.h"
#include "tests/sim/voters_change.h"

enum {
    PEER_PORT = 9094,
    BODY_MOST = 3000,
    SUBMIT_US = 3000,
    UNCOMMITTED = 49152, /* bytes, over all groups: the limit of leaders */
    RECEIVED = 16384,    /* bytes of entries that are not durable: the limit of followers */
    UNDURABLE_MOST = UNCOMMITTED + RECEIVED + 16384,
};

const char voters_journal[] = "/data/journal";

static uint64_t draw(struct voters *voters, uint64_t limit) {
    return world_below(voters->run->world, limit);
}

/* ---- What a group says ---- */

static bool is_voter(const struct voters *voters, unsigned group, unsigned place) {
    return group != voters->sole_voter_group || place == voters->sole_voter;
}

static bool is_of_term(void *arg, const struct raw_entry *entry) {
    return entry->term == ((const struct entry *)arg)->term;
}

static void acknowledged_lately(struct voters *voters, const struct voter_group *from,
                                struct entry *entry) {
    struct durable_question question = {entry->group, entry->index, 0, is_of_term, entry};
    uint32_t durable = 0;

    if (entry->index > voters->acknowledged[from->place])
        voters->acknowledged[from->place] = entry->index;
    run_count(voters->run, RARE_ACKNOWLEDGED, 1);
    run_count(voters->run, RARE_LOOKED_UP, 1);
    voters_look(voters);
    for (unsigned i = 0; i < voters->count; i++)
        if (durable_index_has(voters->voters[i].durable, &question)) durable |= UINT32_C(1) << i;
    if (!voters_are_majority(voters, from->place, durable))
        run_fail(voters->run,
                 "entry %" PRIu64 " of term %u, group %" PRIu64
                 ", was acknowledged by n%u and is durable on disks %x only",
                 entry->index, entry->term, entry->group, from->voter->place + 1, durable);
}

static void acknowledged(struct voters *voters, struct voter_group *from, struct entry *entry) {
    if (voters->changing) {
        acknowledged_lately(voters, from, entry);
        return;
    }
    unsigned durable = 0, electorate = from->place == voters->sole_voter_group ? 1 : voters->count;
    struct durable_question question = {entry->group, entry->index, 0, is_of_term, entry};

    if (entry->index > voters->acknowledged[from->place])
        voters->acknowledged[from->place] = entry->index;
    run_count(voters->run, RARE_ACKNOWLEDGED, 1);
    run_count(voters->run, RARE_LOOKED_UP, 1);
    for (unsigned i = 0; i < voters->count && durable * 2 <= electorate; i++)
        durable += is_voter(voters, from->place, i) &&
                   durable_index_has(voters->voters[i].durable, &question);
    if (durable * 2 <= electorate)
        run_fail(voters->run,
                 "entry %" PRIu64 " of term %u, group %" PRIu64
                 ", was acknowledged by n%u and is durable on %u of %u disks",
                 entry->index, entry->term, entry->group, from->voter->place + 1, durable,
                 electorate);
}

static void committed(void *arg, struct entry *entry) {
    struct voter_group *group = arg;
    struct voters *voters = group->voter->all;
    char who[16];

    snprintf(who, sizeof who, "n%u", group->voter->place + 1);
    if (entry->index != group->applied + 1)
        run_fail(voters->run,
                 "%s: entry %" PRIu64 " of group %" PRIu64 " is handed over behind %" PRIu64, who,
                 entry->index, entry->group, group->applied);
    group->applied = entry->index;
    ledger_entry(voters->ledger, who, entry);
    ledger_committed(voters->ledger, who, entry->group, entry->index, entry->term);
    for (unsigned i = 0; i < group->submitted_count; i++) {
        if (group->submitted[i] != entry->index) continue;
        group->submitted[i] = group->submitted[--group->submitted_count];
        if (entry->term == group->submitted_term) acknowledged(voters, group, entry);
        return;
    }
}

static void caught_up(void *arg) {
    (void)arg;
}

/* Those who voted for it cannot vote for somebody else in this term any more; some may have gone on
 * to later ones. */
static void check_votes(struct voters *voters, const struct voter_group *group, uint32_t term) {
    uint32_t all = voters->changing ? voters_of(group->voter, group->place) : 0;
    unsigned electorate = group->place == voters->sole_voter_group ? 1 : voters->count, votes = 0;

    if (voters->changing) electorate = (unsigned)__builtin_popcount(all);
    for (unsigned i = 0; i < voters->count; i++) {
        uint64_t voted_for;
        if (voters->changing ? (all >> i & 1) == 0 : !is_voter(voters, group->place, i)) continue;
        uint32_t durable = durable_index_term(voters->voters[i].durable, group->place, &voted_for);
        votes += durable > term || (durable == term && voted_for == group->voter->place + 1);
    }
    if (votes * 2 <= electorate)
        run_fail(voters->run,
                 "n%u leads group %u in term %u, and %u of %u disks know of a vote for it",
                 group->voter->place + 1, group->place, term, votes, electorate);
}

static void leading(void *arg, uint32_t term) {
    struct voter_group *group = arg;
    struct voters *voters = group->voter->all;

    ledger_leader(voters->ledger, group->place, term, group->voter->place + 1);
    ledger_led_by(voters->ledger, group->place, term, group->process);
    check_votes(voters, group, term);
    run_say(voters->run, "n%u leads group %u in term %u", group->voter->place + 1, group->place,
            term);
    /* One that was paused may hear only now that it won an older term: what a later leader
     * acknowledged it need not have. */
    bool newest = term >= voters->newest_term[group->place];
    if (newest) voters->newest_term[group->place] = term;
    if (newest && group->applied < voters->acknowledged[group->place])
        run_fail(voters->run,
                 "n%u leads group %u in term %u and has %" PRIu64 " entries, but %" PRIu64
                 " were acknowledged before",
                 group->voter->place + 1, group->place, term, group->applied,
                 voters->acknowledged[group->place]);
    group->leading = true;
    group->submitted_count = 0;
    group->submitted_term = term;
}

static void lost(void *arg) {
    struct voter_group *group = arg;

    CHECK(group->leading);
    group->leading = false;
}

static void leader_changed(void *arg, uint64_t replica, uint32_t term) {
    struct voter_group *group = arg;

    if (replica != 0) ledger_leader(group->voter->all->ledger, group->place, term, replica);
}

static const struct raft_group_events raft_group_events = {.committed = committed,
                                                           .caught_up = caught_up,
                                                           .leading = leading,
                                                           .lost = lost,
                                                           .leader_changed = leader_changed};

/* ---- Submitting and confirming ---- */

/* A confirmation that began when so much was acknowledged must find a leader that knows as much. */
static void confirmed(struct raft_group_read_index *confirm, int error) {
    struct voter_group *group = CONTAINER_OF(confirm, struct voter_group, confirm);

    group->confirming = false;
    if (error == ERR_NONE &&
        raft_group_commit_index(group->voter->groups[group->place]) < group->confirm_floor)
        run_fail(group->voter->all->run,
                 "n%u was confirmed as leader of group %u with commit index %" PRIu64
                 ", but %" PRIu64 " was acknowledged before it asked",
                 group->voter->place + 1, group->place,
                 raft_group_commit_index(group->voter->groups[group->place]), group->confirm_floor);
}

static void submit_one(struct voter *voter, unsigned place) {
    struct voters *voters = voter->all;
    struct voter_group *state = voter->state[place];
    static uint8_t body[BODY_MOST];
    size_t len = 8 + draw(voters, draw(voters, 10) == 0 ? BODY_MOST - 8 : 200);
    uint64_t index;

    if (state->submitted_count == sizeof state->submitted / sizeof state->submitted[0]) return;
    memset(body, (int)draw(voters, 4), sizeof body);
    world_fill(voters->run->world, body, 8);
    struct entry_spec spec = {
        .type = ENTRY_COMMAND,
        .max_timestamp = -1,
        .raw = slice_copy(NULL, body, len),
        .compress = true,
        .base_offset = partition_log_end_offset(raft_group_log(voter->groups[place]))};
    int error = raft_group_submit(voter->groups[place], &spec, &index);
    if (error != ERR_NONE) {
        CHECK(error == ERR_NOT_LEADER || error == ERR_LIMIT);
        slice_unref(&spec.raw);
        return;
    }
    state->submitted[state->submitted_count++] = index;
}

static void work(void *arg) {
    struct voter *voter = arg;
    struct voters *voters = voter->all;

    journal_check_limit(voters->run, voter->node, "/data/journal", log_store_journal(voter->store),
                        &voter->journal_most);
    /* A slow disk must not let memory grow, whoever else commits. */
    if (log_store_undurable_bytes(voter->store) > UNDURABLE_MOST)
        run_fail(voters->run, "n%u keeps %" PRIu64 " bytes of entries that its disk has not taken",
                 voter->place + 1, log_store_undurable_bytes(voter->store));

    if (voters->changing) voters_look(voters);
    for (unsigned g = 0; g < voters->groups; g++) {
        struct voter_group *state = voter->state[g];
        if (voters->changing && draw(voters, voters->growing ? 5 : 40) == 0)
            voters_change(voter, g, voters->growing);
        if (!raft_group_is_leading(voter->groups[g])) continue;
        uint64_t n = voters->submitting && !(voters->idle >> voter->place & 1) ? draw(voters, 4)
                                                                               : 0;
        for (uint64_t i = 0; i < n; i++)
            submit_one(voter, g);
        if (!state->confirming && draw(voters, 10) == 0) {
            state->confirming = true;
            state->confirm_floor = voters->acknowledged[g];
            state->confirm.done = confirmed;
            raft_group_read_index(voter->groups[g], &state->confirm);
        }
    }
    env_timer_start(voter->timer, draw(voters, 2 * SUBMIT_US));
}

/* ---- Starting ---- */

static void link_up(void *arg, int32_t node) {
    (void)arg;
    (void)node;
}

static void link_down(void *arg, int32_t node, bool dead) {
    (void)arg;
    (void)node;
    (void)dead;
}

static const struct peers_events peer_events = {.up = link_up, .down = link_down};

static int open_store(struct voter *voter, struct error_text *why) {
    struct log_store_options options = {.journal_file_bytes = 65536,
                                        .journal_max_bytes = 512 * 1024,
                                        .segment_bytes = voter->all->run->seed % 3 ? 16384 : 4096,
                                        .index_interval_bytes = 512,
                                        .tail_cache_bytes = 8192,
                                        .open_files = 32};

    voter->journal_most = 0;
    return log_store_open(voter->env, &voter->log, "/data", &options, &voter->store, why);
}

static int open_shard(struct voter *voter, struct error_text *why) {
    struct voters *voters = voter->all;
    char host[16];
    struct shard_options options = {.node = (int32_t)voter->place + 1,
                                    .heartbeat_ms = 50,
                                    .election_timeout_ms = 300,
                                    .failover_ms = 50,
                                    .group_uncommitted_bytes = 32768,
                                    .uncommitted_bytes = UNCOMMITTED,
                                    .peer_window_bytes = 4096,
                                    .engine_entries = voters->run->seed % 2 ? 8 : 0};

    snprintf(host, sizeof host, "n%u", voter->place + 1);
    options.peers = (struct peers_options){.node = options.node,
                                           .listen_host = host,
                                           .listen_port = PEER_PORT,
                                           .entry_budget = RECEIVED,
                                           .queue_limit = 8192,
                                           .frame_max = 1 << 20};
    int error = shard_open(voter->env, &voter->log, voter->store, &options, &peer_events, voter,
                           &voter->shard, why);
    if (error != ERR_NONE) return error;
    struct peer_hello hello = {.version = PEER_PROTOCOL_VERSION,
                               .minor = PEER_PROTOCOL_MINOR,
                               .node = options.node,
                               .cluster_id = "sim",
                               .nodes = "all"};
    hello.directory[0] = (uint8_t)hello.node;
    peers_set_hello(shard_peers(voter->shard), &hello);
    for (unsigned i = 0; i < voters->count; i++) {
        snprintf(host, sizeof host, "n%u", i + 1);
        if (i != voter->place)
            peers_add(shard_peers(voter->shard), (int32_t)i + 1, host, PEER_PORT);
    }
    return ERR_NONE;
}

static int open_group(struct voter *voter, unsigned place, struct error_text *why) {
    struct voters *voters = voter->all;
    struct raft_group_member members[VOTERS_MAX];
    char label[16];
    struct voter_group *state = mem_zalloc(sizeof *state);

    for (unsigned i = 0; i < voters->count; i++)
        members[i] = (struct raft_group_member){
            .replica = i + 1, .node = (int32_t)i + 1, .voter = is_voter(voters, place, i)};
    snprintf(label, sizeof label, "sim-%u", place);
    struct raft_group_spec spec = {.id = place,
                                   .label = label,
                                   .replica = voter->place + 1,
                                   .members = members,
                                   .member_count = voters->count,
                                   .bootstrap = true,
                                   .first = place % voters->count + 1};
    state->voter = voter;
    state->place = place;
    state->process = ++voters->processes;
    voter->state[place] = state;
    return raft_group_open(voter->shard, &spec, &raft_group_events, state, &voter->groups[place],
                           why);
}

static void main_voter(struct env *env, void *arg) {
    struct voter *voter = arg;
    struct voters *voters = voter->all;
    struct error_text why = {.text = ""};

    voter->env = env;
    voter->log = (struct log){.env = env, .level = LOG_DEBUG};
    voter->serving = false;
    voter->shard = NULL;
    env_mkdir(env, "/data");
    env_sync_dir(env, "/");
    int error = open_store(voter, &why);
    if (error == ERR_NONE) error = open_shard(voter, &why);
    for (unsigned g = 0; error == ERR_NONE && g < voters->groups; g++)
        error = open_group(voter, g, &why);
    if (error_is_no_room(error) || error == ERR_LIMIT || error == ERR_IO)
        env_fatal(env, "%s", why.text); /* the nemesis did that */
    if (error != ERR_NONE)
        run_fail(voters->run, "n%u does not start: %s (%s)", voter->place + 1, why.text,
                 error_phrase(error));
    voter->timer = env_timer_new(env, work, voter);
    env_timer_start(voter->timer, SUBMIT_US);
    voter->serving = true;
}

void voters_start(struct voters *voters, unsigned place) {
    struct voter *voter = &voters->voters[place];

    node_start(voter->node, main_voter, voter);
}

/* ---- Stopping ---- */

/* What its process did; also after its death, because its memory is left as it is. */
void voters_count(const struct voter *voter) {
    struct run *run = voter->all->run;
    struct shard_stats shard;
    struct journal_stats journal;

    if (voter->shard == NULL) return;
    shard_stats_get(voter->shard, &shard);
    for (int cause = 0; cause < ELECTION_CAUSES; cause++)
        run_count(run, RARE_ELECTIONS, shard.elections[cause]);
    for (int loss = 0; loss < LOSSES; loss++)
        run_count(run, RARE_LOST_LEADERSHIPS, shard.leaderships_lost[loss]);
    run_count(run, RARE_TRUNCATIONS, shard.truncations);
    run_count(run, RARE_FAST_FAILOVERS, shard.fast_failovers);
    run_count(run, RARE_FELL_QUIET, shard.quiet_begun);
    run_count(run, RARE_WOKE, shard.quiet_ended);
    run_count(run, RARE_LATE_STARTS, shard.late_starts);
    run_count(run, RARE_SENT_BELOW_START, shard.sent_below_start);
    run_count(run, RARE_TRAILS_CUT, shard.trails_cut);
    run_count(run, RARE_TRAILS_EXTENDED, shard.trails_extended);
    run_count(run, RARE_REANCHORED, shard.reanchored);
    run_count(run, RARE_CHANGES, shard.changes);
    run_count(run, RARE_STARTED_ANEW, shard.started_anew);
    journal_stats_get(log_store_journal(voter->store), &journal);
    run_count(run, RARE_TORN_TAILS, journal.torn_tails);
    run_count(run, RARE_FILES_REUSED, journal.files_reused);
    run_count(run, RARE_COPIED_FORWARD, journal.entries_copied_forward);
}

void voters_describe(const struct voters *voters) {
    for (unsigned i = 0; i < voters->count; i++) {
        const struct voter *voter = &voters->voters[i];
        printf("n%u %s", i + 1,
               voter->serving                 ? "serves"
               : node_is_dark(voter->node)    ? "dark"
               : node_is_running(voter->node) ? "runs"
                                              : "ended");
        for (unsigned g = 0; voter->serving && g < voters->groups; g++) {
            struct partition_log *log = raft_group_log(voter->groups[g]);
            printf(" | group %u: term %u leader %" PRIu64 "%s, last %" PRIu64 " durable %" PRIu64
                   " commit %" PRIu64 " applied %" PRIu64 ", uncommitted %" PRIu64 " B",
                   g, raft_group_term(voter->groups[g]), raft_group_leader(voter->groups[g]),
                   raft_group_is_leading(voter->groups[g]) ? " (leads)" : "",
                   partition_log_last_index(log), partition_log_durable_index(log),
                   partition_log_commit_index(log), raft_group_applied_index(voter->groups[g]),
                   partition_log_uncommitted_bytes(log));
        }
        if (voter->serving)
            printf(" | journal %" PRIu64 " live bytes",
                   journal_live_bytes(log_store_journal(voter->store)));
        printf("\n");
    }
}

static void flushed(void *arg) {
    struct voter *voter = arg;

    for (unsigned g = 0; g < voter->all->groups; g++)
        raft_group_close(voter->groups[g]);
    voters_count(voter);
    shard_close(voter->shard);
    log_store_close(voter->store);
    voter->shard = NULL;
    node_exit_soon(voter->node);
}

static void handed_over(void *arg) {
    struct voter *voter = arg;

    log_store_flush(voter->store, flushed, voter);
}

static void stop(struct env *env, void *arg) {
    struct voter *voter = arg;

    (void)env;
    if (!voter->serving) return;
    voter->serving = false;
    env_timer_stop(voter->timer);
    shard_transfer_all(voter->shard, 1000, handed_over, voter);
}

void voters_stop(struct voters *voters, unsigned place) {
    struct voter *voter = &voters->voters[place];

    node_call(voter->node, stop, voter);
}

static void died(void *arg, struct node *node, enum node_death how, const char *sentence) {
    struct voters *voters = arg;

    for (unsigned i = 0; i < voters->count; i++) {
        struct voter *voter = &voters->voters[i];
        if (voter->node != node) continue;
        voters_count(voter);
        voter->shard = NULL;
        voter->serving = false;
    }
    if (how == NODE_FATAL && sentence[0] == '\0')
        run_fail(voters->run, "n%d ended itself without a sentence", node_id(node));
    nemesis_died(voters->nemesis, node, how);
}

static void logged(void *arg, struct node *node, const char *line) {
    const struct voters *voters = arg;

    log_line_judge(voters->run, node, line, false);
}

void voters_init(struct voters *voters, struct run *run, unsigned count, unsigned groups) {
    static const struct node_events events = {.died = died, .logged = logged};

    CHECK(count <= VOTERS_MAX && groups <= VOTER_GROUPS_MAX);
    voters->run = run;
    voters->ledger = ledger_new(run);
    voters->count = count;
    voters->groups = groups;
    for (unsigned i = 0; i < count; i++) {
        voters->voters[i] = (struct voter){.all = voters, .place = i};
        voters->voters[i].node = node_new(run->world, (int)i + 1, 0, &events, voters);
        network_add(run->network, voters->voters[i].node);
        voters->voters[i].durable = durable_index_new(voters->voters[i].node, "/data");
    }
}
