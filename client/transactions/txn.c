/*
 * drave txn list, describe.
 *
 * Happy path: list asks every broker for the ids that it coordinates, and each coordinator for what
 * is open; describe asks the id's coordinator. Failures: what cannot be asked, with an exit code;
 * the nearest name for an id that does not exist.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/line/amount.h"
#include "client/line/command.h"
#include "client/line/duration.h"
#include "client/line/talk.h"
#include "client/transactions/transaction_json.h"
#include "client/transactions/transaction_view.h"

enum { ARENA_MAX = 512 << 20 };

/* ---- list ---- */

static void print_list(const struct transaction_row *rows, size_t count) {
    static const char *const names[] = {"TRANSACTIONAL ID", "STATE",    "OPEN",       "TIMEOUT",
                                        "PARTITIONS",       "PRODUCER", "COORDINATOR"};
    struct table *table = table_new(names, 7);
    for (size_t i = 0; i < count; i++) {
        const struct transaction_row *row = &rows[i];
        char open[AMOUNT_ROOM], timeout[AMOUNT_ROOM], partitions[24], producer[24], coordinator[16];
        snprintf(partitions, sizeof(partitions), "%zu", transaction_partitions(row));
        snprintf(producer, sizeof(producer), "%" PRId64, row->producer_id);
        snprintf(coordinator, sizeof(coordinator), "%d", (int)row->coordinator);
        amount_time(transaction_open_seconds(row), open);
        amount_time(row->described ? (double)row->timeout_ms / 1000 : -1, timeout);
        table_row(table,
                  (const char *[]){row->id, row->state, open, timeout,
                                   row->described ? partitions : NULL, producer, coordinator});
    }
    table_print(table);
}

/* --longer; false: it is no time. */
static bool read_longer(const struct invocation *in, int64_t *ms) {
    const char *text = invocation_value(in, OPTION_LONGER, NULL);
    *ms = text ? (int64_t)duration_parse(text) : -1;
    if (*ms == 0) {
        say("--longer %s is not a time; write 10s, 2m, or 10 for seconds", text);
    }
    return *ms != 0;
}

int command_txn_list(struct invocation *in) {
    struct transaction_filter filter = {.describe = true};
    const char *states[INVOCATION_VALUES];
    struct transaction_row *rows;
    struct kp_arena arena;
    size_t count;
    if (!read_longer(in, &filter.longer_ms)) {
        return EXIT_USAGE;
    }
    for (const char *state;
         (state = invocation_nth(in, OPTION_STATE, (size_t)filter.state_count));) {
        states[filter.state_count++] = state;
    }
    filter.states = states;
    struct admin_client *admin = admin_client_for(in);
    kp_arena_init(&arena, ARENA_MAX);
    int code = transactions_list(admin, &arena, &filter, &rows, &count);
    bool all = filter.state_count == 0 && filter.longer_ms < 0;
    if (!code && in->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(list, transaction_json(&rows[i]));
        }
        print_json(list);
    } else if (!code && count == 0) {
        say(all ? "there are no transactional ids; the first producer of one makes it"
                : "there are none; drave txn list shows all of them");
    } else if (!code) {
        print_list(rows, count);
    }
    kp_arena_close(&arena);
    admin_client_free(admin);
    return code;
}

/* ---- describe ---- */

static void print_partitions(const struct transaction_row *row, struct kp_arena *arena) {
    static const char *const names[] = {"TOPIC", "PARTITION"};
    if (row->topics.count == 0) {
        return;
    }
    struct table *table = table_new(names, 2);
    for (int32_t t = 0; t < row->topics.count; t++) {
        const struct kp_describe_transactions_response_topic *of = &row->topics.items[t];
        for (int32_t p = 0; p < of->partitions.count; p++) {
            char partition[16];
            snprintf(partition, sizeof(partition), "%d", (int)of->partitions.items[p]);
            table_row(table, (const char *[]){cluster_text(arena, of->topic), partition});
        }
    }
    table_print(table);
}

static void print_described(const struct transaction_row *row, struct kp_arena *arena) {
    char open[AMOUNT_ROOM], timeout[AMOUNT_ROOM];
    double seconds = transaction_open_seconds(row);
    amount_time(seconds, open);
    amount_time((double)row->timeout_ms / 1000, timeout);
    print_text("transactional id %s: %s%s%s, timeout %s, producer %" PRId64
               " epoch %d, coordinator %d\n",
               row->id, row->state, seconds < 0 ? "" : ", open for ", seconds < 0 ? "" : open,
               timeout, row->producer_id, (int)row->producer_epoch, (int)row->coordinator);
    print_partitions(row, arena);
}

int command_txn_describe(struct invocation *in) {
    struct transaction_row row;
    struct kp_arena arena;
    struct admin_client *admin = admin_client_for(in);
    kp_arena_init(&arena, ARENA_MAX);
    int code = transaction_describe(admin, &arena, in->words[0], &row);
    if (!code && in->json) {
        print_json(transaction_json(&row));
    } else if (!code) {
        print_described(&row, &arena);
    }
    kp_arena_close(&arena);
    admin_client_free(admin);
    return code;
}
