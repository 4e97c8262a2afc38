/* The logs that are left, read one by one; plan_check.h has the rules. */
#include "tests/sim/loss/plan_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "raft-glue/raft_group.h"
#include "tests/sim/decode.h"
#include "tests/sim/read_back.h"

/* ---- The log of one replica ---- */

struct log_reading {
    struct cluster *cluster;
    struct history_logged *log;
    int64_t offset, end;
};

static void take_record(void *arg, int64_t offset, unsigned producer, uint64_t number) {
    struct log_reading *reading = arg;

    if (offset >= reading->end)
        run_fail(reading->cluster->run,
                 "a log that is said to end at offset %" PRId64 " has a record at %" PRId64,
                 reading->end, offset);
    reading->log[offset] = (struct history_logged){true, producer, number};
}

static int64_t take_batches(void *arg, const struct slice *batches, int64_t from) {
    struct log_reading *reading = arg;

    return decode_batches(reading->cluster->run, reading->cluster->history, batches->data,
                          batches->len, from, take_record, reading);
}

static void take_entry(void *arg, struct entry *entry) {
    struct log_reading *reading = arg;
    struct slice raw;

    if (entry->type != ENTRY_BATCHES) return;
    int error = entry_raw(entry, NULL, false, &raw);
    if (error != ERR_NONE)
        run_fail(reading->cluster->run, "entry %" PRIu64 " cannot be read (%s)", entry->index,
                 error_phrase(error));
    reading->offset = take_batches(reading, &raw, entry->base_offset);
    slice_unref(&raw);
}

static void read_log(struct log_reading *reading, unsigned place, struct raft_group *group,
                     uint64_t last) {
    struct cluster *cluster = reading->cluster;
    struct partition_log *log = raft_group_log(group);
    uint64_t first = partition_log_first_index(log);

    reading->offset = partition_log_offset_behind(log, first - 1);
    read_back_batches(cluster->run, cluster->brokers[place].node, group,
                      partition_log_start_offset(log), reading->offset, take_batches, reading);
    if (first <= last)
        read_back(cluster->run, cluster->brokers[place].node, group, last, NULL, take_entry,
                  reading);
    if (reading->offset != reading->end)
        run_fail(cluster->run,
                 "n%u says that its log ends at offset %" PRId64 ", and it ends at %" PRId64,
                 place + 1, reading->end, reading->offset);
}

/* ---- One group of the plan ---- */

static uint32_t term_at(void *arg, uint64_t index) {
    return partition_log_term_at(arg, index);
}

/* It is there, stands still, and is as the plan says. */
static struct raft_group *group_of(struct cluster *cluster, const struct lost_group *lost) {
    struct raft_group *group = cluster_group(cluster, (unsigned)lost->node - 1,
                                             (uint64_t)lost->best->group);
    if (group == NULL || raft_group_is_leading(group)) return NULL;
    const struct partition_log *log = raft_group_log(group);
    uint64_t last = partition_log_last_index(log);
    bool same = last == (uint64_t)lost->best->last_index &&
                partition_log_durable_index(log) == last &&
                partition_log_term_at(log, last) == (uint64_t)lost->best->last_term;
    return same ? group : NULL;
}

/* Nobody that is left has anything newer. */
static void check_newest(struct cluster *cluster, const struct lost_group *lost, uint32_t gone) {
    uint64_t term = (uint64_t)lost->best->last_term, index = (uint64_t)lost->best->last_index;

    for (unsigned i = 0; i < cluster->count; i++) {
        struct raft_group *group = cluster_group(cluster, i, (uint64_t)lost->best->group);
        if ((gone >> i & 1) != 0 || group == NULL) continue;
        struct partition_log *log = raft_group_log(group);
        uint64_t last = partition_log_durable_index(log), its = partition_log_term_at(log, last);
        if (its > term || (its == term && last > index))
            run_fail(cluster->run,
                     "group %" PRId64 " is to go on with n%d, whose log ends with entry %" PRIu64
                     " of term %" PRIu64 ", and that of n%u with entry %" PRIu64
                     " of term %" PRIu64,
                     lost->best->group, lost->node, index, term, i + 1, last, its);
    }
}

static void lose_partition(struct cluster *cluster, const struct lost_group *lost,
                           struct raft_group *group) {
    int64_t end = lost->best->log_end_offset;
    struct log_reading reading = {
        .cluster = cluster, .log = mem_zalloc(((size_t)end + 1) * sizeof *reading.log), .end = end};
    char who[16];

    snprintf(who, sizeof who, "n%d", lost->node);
    read_log(&reading, (unsigned)lost->node - 1, group, (uint64_t)lost->best->last_index);
    uint32_t producers = history_lose(cluster->history, lost->partition, reading.log, end,
                                      lost->gone_from, who);
    mem_free(reading.log);
    for (unsigned i = 0; i < cluster->producer_count; i++)
        if (producers >> producer_number(cluster->producers[i]) & 1)
            producer_begin_anew(cluster->producers[i]);
    consumer_rewind(cluster->consumers[lost->partition]);
}

static void say(struct cluster *cluster, const struct lost_group *lost) {
    char text[RECOVER_LOSS_TEXT];

    recover_loss(lost, text);
    run_say(cluster->run,
            "plan: %s %d goes on with n%d and entry %" PRId64 ", offsets below %" PRId64
            "; acknowledged below %" PRId64 "; gone: %s",
            lost->topic.len == 0 ? "the metadata" : "partition", lost->partition, lost->node,
            lost->best->last_index, lost->best->log_end_offset, lost->acknowledged, text);
}

bool plan_check(struct cluster *cluster, const struct recover_judgement *plan, uint32_t lost) {
    for (size_t i = 0; i < plan->count; i++) {
        const struct lost_group *one = &plan->groups[i];
        if (one->best == NULL)
            run_fail(cluster->run, "the plan says that no replica of partition %d is left",
                     one->partition);
        say(cluster, one);
        if (one->unheard >= 0 && one->topic.len == 0) return false;
        if (one->unheard >= 0) continue;
        if (group_of(cluster, one) == NULL) return false;
        check_newest(cluster, one, lost);
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct lost_group *one = &plan->groups[i];
        if (one->unheard >= 0) continue;
        struct raft_group *group = group_of(cluster, one);
        if (group == NULL) return false; /* time has passed */
        if (one->topic.len > 0) lose_partition(cluster, one, group);
        group = group_of(cluster, one);
        if (group == NULL) return false;
        ledger_lose(cluster->ledger, (uint64_t)one->best->group, (uint64_t)one->best->last_index,
                    term_at, raft_group_log(group));
    }
    return true;
}
