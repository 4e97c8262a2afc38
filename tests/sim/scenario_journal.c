/*
 * Scenario "journal": one journal under random records, kills and power cuts, against a naive
 * model.
 *
 * A process opens the journal and records entries, truncations, hard states, commits and progress
 * of a few groups in bursts; it dies at any effect, also while it recovers; what the next one
 * recovers is compared with the model. Small files, so that the ring turns all the time; sometimes
 * the disk is slow, a sync fails, or a bit flips.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "tests/sim/journal_model.h"
#include "tests/sim/scenarios.h"

enum {
    FILE_BYTES = 32768,
    LIVES = 12,
    BODY_SMALL = 500,
    BODY_LARGE = 9000,
    TOLD_WITHIN_US = 20000000
};

struct flow {
    struct run *run;
    struct node *node;
    struct journal_model *model;
    struct env *env;
    struct log log;
    struct journal *journal;
    struct env_timer *timer;
    bool used;     /* something was durable: from then on the journal must exist */
    bool damaged;  /* bits were flipped */
    bool may_fail; /* opening may fail: an error was injected */
    bool full;     /* the disk has little room */
    unsigned lives;
    uint64_t oldest_us; /* nobody was told since, though somebody waits; 0: nobody waits */
    uint64_t waiting;   /* waiters that have not been told */
    uint64_t pressed[MODEL_GROUPS];
    uint32_t size[MODEL_GROUPS][MODEL_ENTRIES];     /* of entries */
    uint64_t mark[MODEL_GROUPS][MODEL_ENTRIES];     /* the end of their headers: both checksums */
    uint64_t recorded[MODEL_GROUPS][MODEL_ENTRIES]; /* so many records there were with them */
    uint64_t begun[MODEL_GROUPS];                   /* ... and when it began anew last */
    uint64_t durable;                               /* records */
    uint64_t max_bytes;
    uint64_t most_bytes; /* that the journal may have */
    unsigned stuck;      /* bits: groups that have no majority in this life, and commit nothing */
};

struct waiter {
    struct journal_waiter waiter;
    struct flow *flow;
    struct env *env;
    uint64_t count;
};

/* ---- Waiting ---- */

static void told(struct journal_waiter *journal_waiter) {
    struct waiter *waiter = (struct waiter *)journal_waiter;
    struct flow *flow = waiter->flow;

    _Static_assert(offsetof(struct waiter, waiter) == 0, "a journal_waiter is its waiter");
    CHECK(waiter->env == flow->env);
    if (node_failed_syncs(flow->node) > flow->run->rare.count[RARE_FAILED_SYNCS])
        run_fail(flow->run, "records were reported durable after a sync had failed");
    flow->waiting--;
    flow->oldest_us = flow->waiting == 0 ? 0 : world_now_us(flow->run->world);
    flow->used = true;
    journal_model_durable(flow->model, waiter->count);
    flow->durable = waiter->count;
    run_count(flow->run, RARE_ACKNOWLEDGED, 1);
    mem_free(waiter);
}

static void wait_here(struct flow *flow) {
    struct waiter *waiter = mem_zalloc(sizeof *waiter);

    waiter->waiter.durable = told;
    waiter->flow = flow;
    waiter->env = flow->env;
    waiter->count = journal_model_count(flow->model);
    if (flow->waiting++ == 0) flow->oldest_us = world_now_us(flow->run->world);
    journal_wait(flow->journal, &waiter->waiter);
}

/* ---- One random record ---- */

static uint64_t draw(struct flow *flow, uint64_t limit) {
    return world_below(flow->run->world, limit);
}

static void record(struct flow *flow, enum model_kind kind, unsigned group, uint64_t index,
                   uint32_t term, uint64_t detail) {
    journal_model_record(flow->model, &(struct model_record){kind, group, index, term, detail});
}

/* Over all groups: what the owners of a journal keep below half of what is usable. */
static uint64_t uncommitted_bytes(struct flow *flow) {
    uint64_t bytes = 0;

    for (unsigned g = 0; g < MODEL_GROUPS; g++) {
        const struct model_group *group = journal_model_now(flow->model, g);
        for (uint64_t index = group->commit + 1; index <= group->last; index++)
            bytes += flow->size[g][index];
    }
    return bytes;
}

static void add_entry(struct flow *flow, unsigned g) {
    const struct model_group *group = journal_model_now(flow->model, g);
    static uint8_t body[BODY_LARGE];
    size_t len = draw(flow, 20) == 0 ? draw(flow, BODY_LARGE) : draw(flow, BODY_SMALL);

    uint64_t most = journal_usable_bytes(flow->journal) / 2;
    if (uncommitted_bytes(flow) + len + ENTRY_HEADER_SIZE > most ||
        group->last + 1 >= MODEL_ENTRIES)
        return;
    world_fill(flow->run->world, body, len);
    if (draw(flow, 2) == 0) memset(body, (int)len, len); /* compresses well */
    struct entry_spec spec = {.type = ENTRY_COMMAND,
                              .base_offset = (int64_t)group->last,
                              .max_timestamp = -1,
                              .raw = slice_copy(NULL, body, len),
                              .compress = true};
    struct entry *entry = entry_new(NULL, &spec);
    uint32_t term = group->term == 0 ? 1 : group->term;
    entry_seal(entry, g + 1, group->last + 1, term);
    flow->size[g][entry->index] = (uint32_t)entry_stored_size(entry);
    memcpy(&flow->mark[g][entry->index],
           entry->header + ENTRY_HEADER_SIZE - sizeof flow->mark[0][0], sizeof flow->mark[0][0]);
    record(flow, MODEL_ENTRY, g, entry->index, term, entry_checksums(entry));
    flow->recorded[g][entry->index] = journal_model_count(flow->model);
    journal_entry(flow->journal, entry);
    entry_unref(entry);
    wait_here(flow); /* as logs do: an owner knows of each round that it is durable */
}

static void truncate_some(struct flow *flow, unsigned g) {
    const struct model_group *group = journal_model_now(flow->model, g);

    if (group->last == group->commit) return;
    uint64_t index = group->commit + 1 + draw(flow, group->last - group->commit);
    record(flow, MODEL_TRUNCATE, g, index, 0, 0);
    journal_truncate(flow->journal, g + 1, index);
}

static void commit_some(struct flow *flow, unsigned g) {
    const struct model_group *group = journal_model_now(flow->model, g);

    if (group->last == group->commit || (flow->stuck >> g & 1)) return;
    uint64_t index = group->commit + 1 + draw(flow, group->last - group->commit);
    record(flow, MODEL_COMMIT, g, index, 0, 0);
    journal_commit(flow->journal, g + 1, index);
}

static void progress_to(struct flow *flow, unsigned g, uint64_t index) {
    const struct model_group *group = journal_model_now(flow->model, g);

    if (index > group->commit) index = group->commit;
    while (index > group->progress &&
           flow->recorded[g][index] > flow->durable) /* no segment has it */
        index--;
    if (index <= group->progress) return;
    record(flow, MODEL_PROGRESS, g, index, 0, 0);
    journal_progress(flow->journal, g + 1, index, (int64_t)index, index * 10);
}

/* Behind what it had, or in the midst of what had not committed. */
static void begin_anew(struct flow *flow, unsigned g) {
    const struct model_group *group = journal_model_now(flow->model, g);
    uint64_t index = group->commit + 1 + draw(flow, group->last - group->commit + 20);

    bool synced = group->commit <= group->progress || group->last <= group->progress;
    if (index + 1 >= MODEL_ENTRIES || !synced || flow->begun[g] > flow->durable) return;
    record(flow, MODEL_BEGINS, g, index, 0, 0);
    flow->begun[g] = journal_model_count(flow->model);
    journal_log_begins(flow->journal, g + 1, index, (int64_t)index, index * 10);
    wait_here(flow);
}

static void any_record(struct flow *flow) {
    unsigned g = (unsigned)draw(flow, MODEL_GROUPS);
    const struct model_group *group = journal_model_now(flow->model, g);

    switch (draw(flow, 16)) {
    case 0: {
        uint32_t term = group->term + 1 + (uint32_t)draw(flow, 3);
        uint64_t vote = draw(flow, 4);
        record(flow, MODEL_HARD_STATE, g, 0, term, vote);
        journal_hard_state(flow->journal, g + 1, term, vote);
        break;
    }
    case 1: truncate_some(flow, g); break;
    case 2:
    case 3:
    case 4: commit_some(flow, g); break;
    case 5: {
        uint64_t mark = journal_model_count(flow->model) + 1;
        record(flow, MODEL_MARK, 0, mark, 0, 0);
        journal_mark(flow->journal, mark);
        break;
    }
    case 6:
        if (draw(flow, 4) == 0) progress_to(flow, g, group->progress + 1 + draw(flow, 20));
        if (draw(flow, 8) == 0) begin_anew(flow, g);
        break;
    default: add_entry(flow, g); break;
    }
}

/* ---- The process ---- */

static void burst(void *arg) {
    struct flow *flow = arg;
    uint64_t n = 1 + draw(flow, 12);

    journal_check_limit(flow->run, flow->node, "/data/journal", flow->journal, &flow->most_bytes);
    for (unsigned g = 0; g < MODEL_GROUPS; g++) {
        if (flow->pressed[g] > 0 && draw(flow, 3) == 0) {
            progress_to(flow, g, flow->pressed[g]);
            flow->pressed[g] = 0;
        }
    }
    if (flow->waiting < 60) { /* else the disk is slow: wait for it, as the product does */
        for (uint64_t i = 0; i < n; i++) {
            any_record(flow);
            if (draw(flow, 4) == 0) wait_here(flow);
        }
        if (draw(flow, 4) > 0) wait_here(flow);
    }
    /* on a full disk it may wait for ever */
    if (flow->oldest_us > 0 && !flow->full &&
        world_now_us(flow->run->world) > flow->oldest_us + TOLD_WITHIN_US)
        run_fail(flow->run, "nobody was told for %u s that anything is durable",
                 TOLD_WITHIN_US / 1000000);
    env_timer_start(flow->timer, draw(flow, 3) == 0 ? 0 : draw(flow, 2000));
}

static void pressed(void *arg, uint64_t group, uint64_t index) {
    struct flow *flow = arg;

    CHECK(group >= 1 && group <= MODEL_GROUPS);
    if (flow->pressed[group - 1] < index) flow->pressed[group - 1] = index;
}

static void main_journal(struct env *env, void *arg) {
    struct flow *flow = arg;
    struct error_text why = {.text = ""};
    struct journal_options options = {
        .file_bytes = FILE_BYTES, .max_bytes = flow->max_bytes, .must_exist = flow->used};

    flow->env = env;
    flow->log = (struct log){.env = env, .level = LOG_INFO};
    flow->journal = NULL;
    flow->waiting = flow->oldest_us = 0;
    memset(flow->pressed, 0, sizeof flow->pressed);
    env_mkdir(env, "/data");
    env_sync_dir(env, "/");
    int error = journal_open(env, &flow->log, "/data/journal", &options, &flow->journal, &why);
    if (error != ERR_NONE) {
        if (!flow->may_fail && !flow->damaged)
            run_fail(flow->run, "the journal does not open: %s (%s)", why.text,
                     error_phrase(error));
        if (why.text[0] == '\0')
            run_fail(flow->run, "the journal does not open, and no sentence says why (%s)",
                     error_phrase(error));
        run_say(flow->run, "refused: %s", why.text);
        flow->journal = NULL;
        return;
    }
    journal_model_recovered(flow->model, flow->journal, flow->damaged);
    memset(flow->recorded, 0, sizeof flow->recorded);
    flow->most_bytes = 0;
    journal_check_limit(flow->run, flow->node, "/data/journal", flow->journal, &flow->most_bytes);
    for (unsigned g = 0; g < MODEL_GROUPS; g++)
        journal_recovered_release(flow->journal, g + 1);
    journal_on_pressure(flow->journal, pressed, flow);
    flow->timer = env_timer_new(env, burst, flow);
    env_timer_start(flow->timer, 100);
}

/* The dead process's memory is still there: count what its journal did. */
static void count_stats(struct flow *flow) {
    struct journal_stats stats;

    if (flow->journal == NULL) return;
    journal_stats_get(flow->journal, &stats);
    run_count(flow->run, RARE_FILES_REUSED, stats.files_reused);
    run_count(flow->run, RARE_COPIED_FORWARD, stats.entries_copied_forward);
    run_count(flow->run, RARE_TORN_TAILS, stats.torn_tails);
    flow->journal = NULL;
}

static void died(void *arg, struct node *node, enum node_death how, const char *sentence) {
    struct flow *flow = arg;

    count_stats(flow);
    run_count(flow->run,
              how == NODE_POWER_CUT ? RARE_POWER_CUTS
              : how == NODE_FATAL   ? RARE_FATAL_ENDS
                                    : RARE_KILLS,
              1);
    if (how != NODE_FATAL) return;
    if (!flow->full && node_failed_syncs(node) == flow->run->rare.count[RARE_FAILED_SYNCS])
        run_fail(flow->run, "the process ended itself though nothing was wrong: %s", sentence);
    if (sentence[0] == '\0') run_fail(flow->run, "the process ended itself without a sentence");
}

static void close_journal(struct env *env, void *arg) {
    struct flow *flow = arg;

    (void)env;
    if (flow->journal == NULL) return;
    env_timer_free(flow->timer);
    struct journal *journal = flow->journal;
    count_stats(flow);
    if (draw(flow, 2) == 0) journal_close(journal);
}

/* ---- The run ---- */

static void one_life(struct flow *flow) {
    struct world *world = flow->run->world;
    struct node_faults *faults = node_faults(flow->node);
    enum node_death how = world_chance(world, 600000) ? NODE_POWER_CUT : NODE_KILLED;
    uint64_t fate = draw(flow, 10);

    faults->disk_typical_us = 50 + draw(flow, 2000);
    faults->sync_error_ppm = draw(flow, 10) == 0 ? 5000 : 0;
    faults->sync_cut_ppm = draw(flow, 2) == 0 ? 20000 : 0;
    flow->max_bytes = (8 + draw(flow, 8)) * FILE_BYTES;
    flow->stuck = (unsigned)draw(flow, 1 << MODEL_GROUPS) & (unsigned)draw(flow, 1 << MODEL_GROUPS);
    flow->full = draw(flow, 8) == 0;
    disk_set_capacity(node_disk(flow->node),
                      flow->full ? disk_used_bytes(node_disk(flow->node)) + draw(flow, 200000)
                                 : UINT64_MAX / 2);
    run_count(flow->run, RARE_FULL_DISKS, flow->full);
    flow->may_fail = flow->full || faults->sync_error_ppm > 0;
    if (fate < 6) node_die_after(flow->node, 1 + draw(flow, draw(flow, 3) == 0 ? 60 : 4000), how);
    run_count(flow->run, RARE_STARTS, 1);
    node_start(flow->node, main_journal, flow);
    uint64_t until = world_now_us(world) + draw(flow, draw(flow, 20) == 0 ? 60000000 : 1000000);
    if (draw(flow, 4) == 0) {
        faults->disk_stalled_until_us = world_now_us(world) + draw(flow, 1000000);
        run_count(flow->run, RARE_SLOW_DISKS, 1);
    }
    while (node_is_running(flow->node) && world_step(world, until))
        ;
    if (node_is_running(flow->node)) {
        node_call(flow->node, close_journal, flow);
        if (how == NODE_POWER_CUT)
            node_power_cut(flow->node);
        else
            node_kill(flow->node);
    } else if (draw(flow, 3) == 0) {
        node_power_cut(flow->node); /* right behind a kill or a fatal end */
    }
    node_power_on(flow->node);
    flow->run->rare.count[RARE_FAILED_SYNCS] = node_failed_syncs(flow->node);
}

/* In the body of an entry that is still needed, in each of its copies: only the checksum of the
 * body tells. */
static bool rot_body(struct flow *flow) {
    for (unsigned tries = 0; tries < 20; tries++) {
        unsigned g = (unsigned)draw(flow, MODEL_GROUPS);
        const struct model_group *group = journal_model_now(flow->model, g);
        if (group->last == group->progress) continue;
        uint64_t index = group->progress + 1 + draw(flow, group->last - group->progress);
        uint32_t body = flow->size[g][index] - ENTRY_HEADER_SIZE;
        if (body > 0 && disk_rot_behind(node_disk(flow->node), "journal", &flow->mark[g][index],
                                        sizeof flow->mark[g][index], body))
            return true;
    }
    return false;
}

static void run_journal(struct run *run) {
    static const struct node_events events = {.died = died};
    struct flow *flow = mem_zalloc(sizeof *flow);

    flow->run = run;
    flow->model = journal_model_new(run);
    flow->node = node_new(run->world, 1, 0, &events, flow);
    network_add(run->network, flow->node);
    for (flow->lives = 0; flow->lives < LIVES; flow->lives++)
        one_life(flow);
    if (draw(flow, 3) > 0) {
        if (draw(flow, 2) == 0) flow->damaged = rot_body(flow);
        for (uint64_t bits = flow->damaged ? 0 : 1 + draw(flow, 4); bits > 0; bits--)
            flow->damaged |= disk_rot(node_disk(flow->node), "journal");
        one_life(flow);
    }
    run_count_tears(run, flow->node);
}

const struct scenario scenario_journal = {
    "journal", "one journal under kills and power cuts, against a naive model", 1, run_journal};
