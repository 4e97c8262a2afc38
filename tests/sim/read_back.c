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
    bool calling, over, cleaned;
    void (*each)(void *arg, struct entry *entry);
    void *arg;
};

static void take(struct reading *reading) {
    for (size_t i = 0; i < reading->read.count; i++) {
        struct entry *entry = reading->read.entries[i];
        if (entry->index != reading->next + i)
            run_fail(reading->run, "%s reads entry %" PRIu64 " where %" PRIu64 " should be",
                     reading->who, entry->index, reading->next + i);
        if (reading->ledger != NULL) {
            ledger_entry(reading->ledger, reading->who, entry);
            ledger_committed(reading->ledger, reading->who, entry->group, entry->index,
                             entry->term);
        }
        if (reading->each != NULL) reading->each(reading->arg, entry);
    }
    reading->next += reading->read.count;
    run_count(reading->run, RARE_READ_BACK, reading->read.count);
    partition_log_read_release(&reading->read);
}

static void read_on(struct reading *reading) {
    reading->calling = true; /* what is in memory is reported within the call */
    while (!reading->cleaned && reading->next <= reading->last &&
           partition_log_read(raft_group_log(reading->group), reading->next, reading->last,
                              PIECE_BYTES, &reading->read))
        ;
    reading->calling = false;
    reading->over = reading->cleaned || reading->next > reading->last;
}

static void done(struct partition_log_read *read, int error) {
    struct reading *reading = (struct reading *)read;

    if (error == ERR_NOT_FOUND &&
        partition_log_first_index(raft_group_log(reading->group)) > reading->next) {
        partition_log_read_release(read);
        reading->over = reading->cleaned = true;
        return;
    }
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

bool read_back(struct run *run, struct node *node, struct raft_group *group, uint64_t last,
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
    bool cleaned = reading->cleaned;
    mem_free(reading);
    return !cleaned;
}

/* ---- As a consumer ---- */

struct fetching {
    struct partition_log_fetch fetch; /* first: a fetch is its fetching */
    struct run *run;
    struct raft_group *group;
    int64_t next, end;
    bool calling, over;
    int64_t (*each)(void *arg, const struct slice *batches, int64_t from);
    void *arg;
    char who[16];
};

static void fetch_on(struct fetching *fetching) {
    fetching->calling = true;
    while (fetching->next < fetching->end &&
           partition_log_fetch(raft_group_log(fetching->group), fetching->next, fetching->end,
                               PIECE_BYTES, &fetching->fetch))
        ;
    fetching->calling = false;
    fetching->over = fetching->next >= fetching->end;
}

static void fetch_done(struct partition_log_fetch *fetch, int error) {
    struct fetching *fetching = (struct fetching *)fetch;

    if (error != ERR_NONE)
        run_fail(fetching->run, "%s cannot fetch group %" PRIu64 " from offset %" PRId64 " on (%s)",
                 fetching->who, raft_group_id(fetching->group), fetching->next,
                 error_phrase(error));
    for (size_t i = 0; i < fetch->count; i++)
        fetching->next = fetching->each(fetching->arg, &fetch->slices[i], fetching->next);
    if (fetching->next < fetch->next_offset) fetching->next = fetch->next_offset;
    partition_log_fetch_release(fetch);
    if (!fetching->calling) fetch_on(fetching);
}

static void begin_fetching(struct env *env, void *arg) {
    (void)env;
    fetch_on(arg);
}

void read_back_batches(struct run *run, struct node *node, struct raft_group *group, int64_t from,
                       int64_t end,
                       int64_t (*each)(void *arg, const struct slice *batches, int64_t from),
                       void *arg) {
    struct fetching *fetching = mem_zalloc(sizeof *fetching);
    uint64_t until_us = world_now_us(run->world) + WITHIN_US;

    *fetching = (struct fetching){.fetch.done = fetch_done,
                                  .run = run,
                                  .group = group,
                                  .next = from,
                                  .end = end,
                                  .each = each,
                                  .arg = arg};
    snprintf(fetching->who, sizeof fetching->who, "n%d", node_id(node));
    if (!node_call(node, begin_fetching, fetching))
        run_fail(run, "%s died while it was read", fetching->who);
    while (!fetching->over && world_step(run->world, until_us))
        ;
    if (!fetching->over)
        run_fail(run, "%s does not give all of group %" PRIu64 ", only up to offset %" PRId64,
                 fetching->who, raft_group_id(group), fetching->next);
    mem_free(fetching);
}
