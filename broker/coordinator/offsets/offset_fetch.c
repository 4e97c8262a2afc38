/* A turn that writes nothing: it waits for its place, then for the majority. */
#include "broker/coordinator/offsets/offset_fetch.h"

#include "protocol/kafka_error.h"

static void confirmed(struct coordinator_confirm *confirm, int16_t error) {
    struct offset_fetch *fetch = CONTAINER_OF(confirm, struct offset_fetch, confirm);
    struct group *group = fetch->call.turn.group;
    struct group_table *table = group->table;
    if (error == 0) error = fetch->rules->fetch(group, fetch);
    if (error == 0) offset_reader_open(&fetch->reader, fetch->store, fetch->group_id);
    group_turn_end(&fetch->call.turn);
    group_call_answer(table, &fetch->call, error);
}

static void fetch_run(struct group_turn *turn) {
    struct offset_fetch *fetch = CONTAINER_OF(turn, struct offset_fetch, call.turn);
    fetch->confirm.done = confirmed;
    coordinator_log_confirm(turn->group->table->log, &fetch->confirm);
}

void offset_fetch_take(struct group_table *table, struct offset_store *store,
                       const struct offset_rules *rules, struct offset_fetch *fetch) {
    fetch->store = store;
    fetch->rules = rules;
    fetch->call.kind = GROUP_OTHER;
    fetch->call.turn.shares = true;
    fetch->call.turn.unrefused = true;
    group_call_take(group_make(table, fetch->group_id), &fetch->call, fetch_run);
}
