/* Asking all coordinators, and those that are left once more for what they know of each id. */
#include "client/transactions/transaction_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest_name.h"
#include "client/kafka/group_client.h"
#include "client/line/command.h"
#include "client/line/moment.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/list_transactions.h"

enum { PAUSE_MS = 100, OF_A_REQUEST = 1000, DURATION_SINCE = 1 };

bool transaction_is_open(const struct transaction_row *row) {
    return strcmp(row->state, "Ongoing") == 0 || strncmp(row->state, "Prepare", 7) == 0;
}

struct listed {
    struct transaction_row *rows;
    size_t count, room;
};

/* ---- Listing ---- */

static void take_row(struct listed *listed, const struct transaction_row *row) {
    if (listed->count == listed->room) {
        listed->room = listed->room ? 2 * listed->room : 64;
        listed->rows = mem_realloc(listed->rows, listed->room * sizeof(*listed->rows));
    }
    listed->rows[listed->count++] = *row;
}

static int say_unknown_state(struct kp_arena *arena, struct kp_string state) {
    say("no transaction is ever in the state \"%s\"; there are Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit and "
        "CompleteAbort",
        cluster_text(arena, state));
    return EXIT_USAGE;
}

static bool fill_request(struct kp_arena *arena, const struct transaction_filter *filter,
                         struct kp_list_transactions_request *request) {
    kp_set_fallbacks(&kp_list_transactions_request_schema, request);
    request->duration_filter = filter->longer_ms;
    request->transactional_id_pattern = KP_NULL_STRING;
    if (filter->state_count > 0) {
        request->state_filters.items = kp_arena_alloc(
            arena, (size_t)filter->state_count * sizeof(*request->state_filters.items));
        for (int32_t i = 0; request->state_filters.items && i < filter->state_count; i++) {
            request->state_filters.items[i] = kp_string_of(filter->states[i]);
        }
        request->state_filters.count = filter->state_count;
    }
    if (filter->producer_count > 0) {
        size_t bytes = (size_t)filter->producer_count * sizeof(int64_t);
        request->producer_id_filters.items = kp_arena_alloc(arena, bytes);
        if (request->producer_id_filters.items) {
            memcpy(request->producer_id_filters.items, filter->producer_ids, bytes);
        }
        request->producer_id_filters.count = filter->producer_count;
    }
    return (filter->state_count == 0 || request->state_filters.items) &&
           (filter->producer_count == 0 || request->producer_id_filters.items);
}

/* What one broker coordinates; asked again while it takes ids over. An exit code. */
static int list_at(struct admin_client *admin, struct kp_arena *arena,
                   const struct kp_metadata_response_broker *broker,
                   const struct transaction_filter *filter, struct listed *listed) {
    struct kp_list_transactions_request request;
    struct kp_list_transactions_response answer;
    struct error_text why = {""};
    const char *host = cluster_text(arena, broker->host);
    if (!fill_request(arena, filter, &request)) {
        say("there are more filters than fit into memory; name fewer");
        return EXIT_REFUSED;
    }
    for (;;) {
        int error = admin_request_to(admin, host, broker->port, KP_LIST_TRANSACTIONS,
                                     filter->longer_ms >= 0 ? DURATION_SINCE : 0, &request, arena,
                                     &answer, NULL, &why);
        if (error) {
            return admin_failed(error, &why);
        }
        if (answer.error_code == KAFKA_NONE) break;
        if (answer.error_code != KAFKA_COORDINATOR_LOAD_IN_PROGRESS ||
            admin_client_left_ms(admin) <= PAUSE_MS) {
            say("broker %d: %s", (int)broker->node_id, kafka_error_message(answer.error_code));
            return EXIT_REFUSED;
        }
        pause_ms(PAUSE_MS);
    }
    if (answer.unknown_state_filters.count > 0) {
        return say_unknown_state(arena, answer.unknown_state_filters.items[0]);
    }
    for (int32_t i = 0; i < answer.transaction_states.count; i++) {
        const struct kp_list_transactions_response_transaction *one =
            &answer.transaction_states.items[i];
        struct transaction_row row = {
            .id = cluster_text(arena, one->transactional_id),
            .state = cluster_text(arena, one->transaction_state),
            .producer_id = one->producer_id,
            .coordinator = broker->node_id,
            .start_ms = -1,
        };
        /* Coordinators tell ids without a transaction to have been open since 1970. */
        if (filter->longer_ms < 0 || transaction_is_open(&row)) take_row(listed, &row);
    }
    return EXIT_DONE;
}

static int by_id(const void *a, const void *b) {
    return strcmp(((const struct transaction_row *)a)->id, ((const struct transaction_row *)b)->id);
}

/* An id that moved between two brokers' answers stands in both: the later one counts. */
static void sort_and_merge(struct listed *listed) {
    size_t kept = 0;
    if (listed->count > 0) {
        qsort(listed->rows, listed->count, sizeof(*listed->rows), by_id);
    }
    for (size_t i = 0; i < listed->count; i++) {
        if (kept > 0 && strcmp(listed->rows[kept - 1].id, listed->rows[i].id) == 0) {
            kept--;
        }
        listed->rows[kept++] = listed->rows[i];
    }
    listed->count = kept;
}

static int list_all(struct admin_client *admin, struct kp_arena *arena,
                    const struct kp_metadata_response *metadata,
                    const struct transaction_filter *filter, struct listed *listed) {
    int code = EXIT_DONE;
    for (int32_t b = 0; !code && b < metadata->brokers.count; b++) {
        code = list_at(admin, arena, &metadata->brokers.items[b], filter, listed);
    }
    sort_and_merge(listed);
    return code;
}

/* ---- Describing ---- */

static void take_description(struct kp_arena *arena, struct transaction_row *row,
                             const struct kp_describe_transactions_response_transaction *from) {
    row->state = cluster_text(arena, from->transaction_state);
    row->producer_id = from->producer_id;
    row->producer_epoch = from->producer_epoch;
    row->timeout_ms = from->transaction_timeout_ms;
    row->start_ms = from->transaction_start_time_ms;
    row->topics.items = from->topics.items;
    row->topics.count = from->topics.count;
    row->described = true;
}

/* Those from `from` on that the broker coordinates, some at a time; what it does not tell (it may
 * have been deposed since) stays unknown. */
static void describe_at(struct admin_client *admin, struct kp_arena *arena,
                        const struct kp_metadata_response_broker *broker, struct listed *listed) {
    const char *host = cluster_text(arena, broker->host);
    struct transaction_row **asked = mem_alloc(OF_A_REQUEST * sizeof(*asked));
    struct kp_string *ids = mem_alloc(OF_A_REQUEST * sizeof(*ids));
    for (size_t at = 0; at < listed->count;) {
        struct kp_describe_transactions_request request;
        struct kp_describe_transactions_response answer;
        struct error_text why = {""};
        int32_t count = 0;
        for (; at < listed->count && count < OF_A_REQUEST; at++) {
            if (listed->rows[at].coordinator == broker->node_id) {
                asked[count] = &listed->rows[at];
                ids[count++] = kp_string_of(listed->rows[at].id);
            }
        }
        kp_set_fallbacks(&kp_describe_transactions_request_schema, &request);
        request.transactional_ids.items = ids;
        request.transactional_ids.count = count;
        if (count == 0 || admin_request_to(admin, host, broker->port, KP_DESCRIBE_TRANSACTIONS, 0,
                                           &request, arena, &answer, NULL, &why)) {
            continue;
        }
        for (int32_t i = 0; i < answer.transaction_states.count && i < count; i++) {
            if (answer.transaction_states.items[i].error_code == KAFKA_NONE &&
                kp_string_is(answer.transaction_states.items[i].transactional_id, asked[i]->id)) {
                take_description(arena, asked[i], &answer.transaction_states.items[i]);
            }
        }
    }
    mem_free(asked);
    mem_free(ids);
}

int transactions_list(struct admin_client *admin, struct kp_arena *arena,
                      const struct transaction_filter *filter, struct transaction_row **rows,
                      size_t *count) {
    struct listed listed = {NULL, 0, 0};
    struct kp_metadata_response metadata;
    struct error_text why = {""};
    int error = cluster_ask(admin, arena, NULL, &metadata, &why);
    int code = error ? admin_failed(error, &why)
                     : list_all(admin, arena, &metadata, filter, &listed);
    for (int32_t b = 0; !code && filter->describe && b < metadata.brokers.count; b++) {
        describe_at(admin, arena, &metadata.brokers.items[b], &listed);
    }
    *rows = kp_arena_alloc(arena, (listed.count + 1) * sizeof(**rows));
    *count = code || !*rows ? 0 : listed.count;
    if (*count > 0) {
        memcpy(*rows, listed.rows, *count * sizeof(**rows));
    }
    mem_free(listed.rows);
    return code;
}

static int say_missing(struct admin_client *admin, struct kp_arena *arena, const char *id) {
    const struct transaction_filter all = {.longer_ms = -1};
    struct transaction_row *rows;
    size_t count;
    int code = transactions_list(admin, arena, &all, &rows, &count);
    if (code) {
        return code;
    }
    const char **names = mem_alloc((count + 1) * sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        names[i] = rows[i].id;
    }
    const char *near = nearest_name(id, names, count);
    mem_free(names);
    if (near) {
        say("transactional id \"%s\" does not exist; did you mean \"%s\"?", id, near);
    } else {
        say("transactional id \"%s\" does not exist; drave txn list shows those that do", id);
    }
    return EXIT_REFUSED;
}

static int16_t describe_error(const void *response) {
    const struct kp_describe_transactions_response *answer = response;
    return answer->transaction_states.count == 1 ? answer->transaction_states.items[0].error_code
                                                 : KAFKA_UNKNOWN_SERVER_ERROR;
}

int transaction_describe(struct admin_client *admin, struct kp_arena *arena, const char *id,
                         struct transaction_row *row) {
    struct kp_describe_transactions_request request;
    struct kp_describe_transactions_response response;
    struct kp_string name = kp_string_of(id);
    struct error_text why = {""};
    struct group_call call = {.group = id,
                              .transactional = true,
                              .key = KP_DESCRIBE_TRANSACTIONS,
                              .request = &request,
                              .response = &response,
                              .error_of = describe_error};
    kp_set_fallbacks(&kp_describe_transactions_request_schema, &request);
    request.transactional_ids.items = &name;
    request.transactional_ids.count = 1;
    int error = group_request(admin, arena, &call, &why);
    if (error) {
        return admin_failed(error, &why);
    }
    if (call.refused == KAFKA_TRANSACTIONAL_ID_NOT_FOUND) {
        return say_missing(admin, arena, id);
    }
    if (call.refused) {
        say("transactional id \"%s\": %s", id, kafka_error_message(call.refused));
        return EXIT_REFUSED;
    }
    *row = (struct transaction_row){.id = id, .coordinator = call.coordinator};
    take_description(arena, row, &response.transaction_states.items[0]);
    return EXIT_DONE;
}

/* ---- Looking at a row ---- */

double transaction_open_seconds(const struct transaction_row *row) {
    if (!row->described || !transaction_is_open(row) || row->start_ms < 0) {
        return -1;
    }
    int64_t ms = moment_now() - row->start_ms;
    return ms < 0 ? 0 : (double)ms / 1000;
}

size_t transaction_partitions(const struct transaction_row *row) {
    size_t count = 0;
    for (int32_t t = 0; t < row->topics.count; t++) {
        count += (size_t)row->topics.items[t].partitions.count;
    }
    return count;
}

bool transaction_has(const struct transaction_row *row, const char *topic, int32_t partition) {
    for (int32_t t = 0; t < row->topics.count; t++) {
        const struct kp_describe_transactions_response_topic *of = &row->topics.items[t];
        for (int32_t p = 0; kp_string_is(of->topic, topic) && p < of->partitions.count; p++) {
            if (of->partitions.items[p] == partition) {
                return true;
            }
        }
    }
    return false;
}
