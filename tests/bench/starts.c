/*
 * What the start of a log costs that has had very many entries:
 *
 *     tests/harness/build release starts && build/release/bin/starts make DIR 10000000 &&
 *         build/release/bin/starts open DIR
 *
 * `make` gives a group with one voter so many entries of 8 bytes and dies, as by kill -9; `open`
 * starts it, says what that took, and stops cleanly, so that a second `open` measures a start after
 * a clean stop. Peak memory is the process's, from its beginning to the moment when the group
 * leads; the longest turn is the longest that the loop did not come round meanwhile.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/env_uv/env_uv.h"
#include "raft-glue/raft_group.h"

struct bench {
    struct env *env;
    struct log log;
    struct log_store *store;
    struct shard *shard;
    struct raft_group *group;
    struct env_timer *turn; /* comes round with every turn */
    uint64_t wanted, submitted, began_us, recovered_us, opened_us, last_us, longest_us;
    bool making, leading;
};

static void on_committed(void *arg, struct entry *entry) {
    (void)arg, (void)entry;
}
static void on_caught_up(void *arg) {
    (void)arg;
}
static void on_leading(void *arg, uint32_t term) {
    (void)term;
    ((struct bench *)arg)->leading = true;
}
static void on_lost(void *arg) {
    (void)arg;
}
static void on_leader_changed(void *arg, uint64_t leader, uint32_t term) {
    (void)arg, (void)leader, (void)term;
}
/* As a partition does, whose state up to a segment's end is kept beside it: little is applied
 * again. */
static bool restore(void *arg, struct partition_log *log) {
    (void)arg, (void)log;
    return true;
}
static const struct raft_group_events events = {.committed = on_committed,
                                                .caught_up = on_caught_up,
                                                .leading = on_leading,
                                                .lost = on_lost,
                                                .leader_changed = on_leader_changed,
                                                .restore = restore};

static void fail(const char *why) {
    fprintf(stderr, "starts: %s\n", why);
    exit(1);
}

static void open_store(struct bench *bench, const char *dir) {
    struct log_store_options options = {.journal_file_bytes = 16 << 20,
                                        .journal_max_bytes = 64 << 20,
                                        .segment_bytes = 64 << 20,
                                        .index_interval_bytes = 64 << 10,
                                        .must_exist = !bench->making,
                                        .tail_cache_bytes = 16 << 20,
                                        .open_files = 64};
    struct error_text why = {""};
    if (log_store_open(bench->env, &bench->log, dir, &options, &bench->store, &why) != ERR_NONE)
        fail(why.text);
}

static void open_group(struct bench *bench) {
    struct shard_options options = {.node = 1,
                                    .heartbeat_ms = 200,
                                    .election_timeout_ms = 1000,
                                    .failover_ms = 50,
                                    .group_uncommitted_bytes = 8 << 20,
                                    .uncommitted_bytes = 16 << 20,
                                    .peer_window_bytes = 8 << 20};
    options.peers = (struct peers_options){.node = 1,
                                           .listen_host = "127.0.0.1",
                                           .entry_budget = 16 << 20,
                                           .queue_limit = 4 << 20,
                                           .frame_max = 16 << 20};
    struct raft_group_member member = {.replica = 1, .node = 1, .voter = true};
    struct raft_group_spec spec = {.id = 1,
                                   .label = "log-0",
                                   .replica = 1,
                                   .members = &member,
                                   .member_count = 1,
                                   .bootstrap = bench->making};
    struct error_text why = {""};
    spec.first = 1;
    if (shard_open(bench->env, &bench->log, bench->store, &options, NULL, NULL, &bench->shard,
                   &why) != ERR_NONE ||
        raft_group_open(bench->shard, &spec, &events, bench, &bench->group, &why) != ERR_NONE)
        fail(why.text);
    raft_group_restored(bench->group, raft_group_commit_index(bench->group));
}

static void submit(struct bench *bench) {
    while (bench->submitted < bench->wanted) {
        struct entry_spec spec = {
            .type = ENTRY_BATCHES, .batches = 1, .records = 1, .max_timestamp = -1};
        uint64_t index;
        spec.raw = slice_copy(NULL, &bench->submitted, sizeof bench->submitted);
        spec.base_offset = partition_log_end_offset(raft_group_log(bench->group));
        if (raft_group_submit(bench->group, &spec, &index) != ERR_NONE) {
            slice_unref(&spec.raw);
            return;
        }
        bench->submitted++;
    }
    if (raft_group_commit_index(bench->group) > bench->wanted) _exit(0);
}

static void on_flushed(void *arg) {
    struct bench *bench = arg;
    raft_group_close(bench->group);
    shard_close(bench->shard);
    log_store_close(bench->store);
    env_uv_stop(bench->env);
}

static void report(struct bench *bench) {
    struct rusage usage;
    uint64_t now_us = env_now_us(bench->env);
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "%" PRIu64
        " entries: journal read in %.1f ms, log opened in %.1f, leads after %.1f more, longest turn of that %.1f; peak "
        "memory %.1f MiB\n",
        partition_log_last_index(raft_group_log(bench->group)),
        (double)(bench->recovered_us - bench->began_us) / 1e3,
        (double)(bench->opened_us - bench->recovered_us) / 1e3,
        (double)(now_us - bench->opened_us) / 1e3, (double)bench->longest_us / 1e3,
        (double)usage.ru_maxrss / 1024);
    log_store_flush(bench->store, on_flushed, bench);
}

static void on_turn(void *arg) {
    struct bench *bench = arg;
    uint64_t now_us = env_now_us(bench->env);
    if (now_us - bench->last_us > bench->longest_us) bench->longest_us = now_us - bench->last_us;
    bench->last_us = now_us;
    if (bench->leading && !bench->making) {
        report(bench);
        return;
    }
    if (bench->leading) submit(bench);
    env_timer_start(bench->turn, 0);
}

int main(int argc, char **argv) {
    static struct bench bench;
    bench.making = argc == 4 && strcmp(argv[1], "make") == 0;
    if (!bench.making && !(argc == 3 && strcmp(argv[1], "open") == 0))
        fail("make DIR ENTRIES, or open DIR");
    if (bench.making) bench.wanted = strtoull(argv[3], NULL, 10);
    if (env_uv_new(&bench.env, 2) != ERR_NONE) fail("no event loop");
    bench.log = (struct log){.env = bench.env, .level = LOG_WARN};
    bench.turn = env_timer_new(bench.env, on_turn, &bench);
    bench.began_us = env_now_us(bench.env);
    open_store(&bench, argv[2]);
    bench.recovered_us = env_now_us(bench.env);
    open_group(&bench);
    bench.opened_us = bench.last_us = env_now_us(bench.env);
    env_timer_start(bench.turn, 0);
    env_uv_run(bench.env);
    return 0;
}
