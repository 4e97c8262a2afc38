/* Reading a log back; read_back.h says what is checked. */
#include "tests/sim/read_back.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"

enum { WITHIN_US = 30000000, PIECE_BYTES = 4000 };

struct reading {
    struct partition_log_read read; /* first: a read is its reading */
    struct run *run;
    struct raft_group *group;
    struct ledger *ledger;
    char who[16];
    uint64_t next, last;
    bool calling, over;
    void (*each)(void *arg, struct entry *entry);
    void *arg;
};

static void take(struct reading *reading) {
    for (size_t i = 0; i < reading->read.count; i++) {
        struct entry *entry = reading->read.entries[i];
        if (entry->index != reading->next + i)
            run_fail(reading->run, "%s reads entry %" PRIu64 " where %" PRIu64 " should be",
                     reading->who, entry->index, reading->next + i);
        ledger_entry(reading->ledger, reading->who, entry);
        ledger_committed(reading->ledger, reading->who, entry->group, entry->index, entry->term);
        if (reading->each != NULL) reading->each(reading->arg, entry);
    }
    reading->next += reading->read.count;
    run_count(reading->run, RARE_READ_BACK, reading->read.count);
    partition_log_read_release(&reading->read);
}

static void read_on(struct reading *reading) {
    reading->calling = true; /* what is in memory is reported within the call */
    while (reading->next <= reading->last &&
           partition_log_read(raft_group_log(reading->group), reading->next, reading->last,
                              PIECE_BYTES, &reading->read))
        ;
    reading->calling = false;
    reading->over = reading->next > reading->last;
}

static void done(struct partition_log_read *read, int error) {
    struct reading *reading = (struct reading *)read;

    if (error != ERR_NONE)
        run_fail(reading->run, "%s cannot read group %" PRIu64 " from entry %" PRIu64 " on (%s)",
                 reading->who, raft_group_id(reading->group), reading->next, error_phrase(error));
    take(reading);
    if (!reading->calling) read_on(reading);
}

static void begin(struct env *env, void *arg) {
    (void)env;
    read_on(arg);
}

void read_back(struct run *run, struct node *node, struct raft_group *group, uint64_t last,
               struct ledger *ledger, void (*each)(void *arg, struct entry *entry), void *arg) {
    struct reading *reading = mem_zalloc(sizeof *reading);
    uint64_t until_us = world_now_us(run->world) + WITHIN_US;

    *reading = (struct reading){.read.done = done,
                                .run = run,
                                .group = group,
                                .ledger = ledger,
                                .next = partition_log_first_index(raft_group_log(group)),
                                .last = last,
                                .each = each,
                                .arg = arg};
    snprintf(reading->who, sizeof reading->who, "n%d", node_id(node));
    if (!node_call(node, begin, reading)) run_fail(run, "%s died while it was read", reading->who);
    while (!reading->over && world_step(run->world, until_us))
        ;
    if (!reading->over)
        run_fail(run,
                 "%s does not give all of group %" PRIu64 ", only %" PRIu64 " of %" PRIu64
                 " entries",
                 reading->who, raft_group_id(group), reading->next - 1, last);
    mem_free(reading);
}
