/*
 * drave txn abort: ends a transaction that its producer does not end.
 *
 * Happy path: by its id, the coordinator is asked for a new epoch, which fences the producer and
 * aborts what it has open (InitProducerId, as Admin.fenceProducers of Kafka); by a partition and an
 * offset, for one that no coordinator knows (drave txn find-hanging), the partition's leader is
 * told to write the marker (WriteTxnMarkers, as kafka-transactions abort). Without --yes it only
 * says what would be done. Failures: nothing is open, or is committed already; a coordinator that
 * has a transaction open in the partition after all: one partition alone would tear it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/secure/shell_word.h"
#include "client/kafka/group_client.h"
#include "client/line/amount.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/transactions/transaction_json.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/write_txn_markers.h"

enum { ARENA_MAX = 512 << 20, PAUSE_MS = 100 };

struct aborting {
    const struct invocation *in;
    struct admin_client *admin;
    struct kp_arena arena;
    bool dry_run;
};

static const char NOTHING_CHANGED[] = "nothing was changed; with --yes it is aborted";

/* ---- By its id ---- */

static int16_t init_error(const void *response) {
    return ((const struct kp_init_producer_id_response *)response)->error_code;
}

/* Answers once what was open is aborted. */
static int fence(struct aborting *a, const struct transaction_row *row) {
    struct kp_init_producer_id_request request;
    struct kp_init_producer_id_response response;
    struct error_text why = {""};
    struct group_call call = {.group = row->id,
                              .transactional = true,
                              .key = KP_INIT_PRODUCER_ID,
                              .request = &request,
                              .response = &response,
                              .error_of = init_error};
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id = kp_string_of(row->id);
    request.transaction_timeout_ms = row->timeout_ms; /* what its producer had said */
    for (;;) {
        int error = group_request(a->admin, &a->arena, &call, &why);
        if (error) {
            return admin_failed(error, &why);
        }
        if (call.refused != KAFKA_CONCURRENT_TRANSACTIONS ||
            admin_client_left_ms(a->admin) <= PAUSE_MS) {
            break;
        }
        pause_ms(PAUSE_MS); /* it is being aborted: markers are on their way */
    }
    if (call.refused == KAFKA_CONCURRENT_TRANSACTIONS) {
        say("the transaction of \"%s\" is decided, but not at its end yet: a partition of it does not take its marker; drave txn describe "
            "%s shows which are left, drave health what is wrong with them",
            row->id, row->id);
        return EXIT_REFUSED;
    }
    if (call.refused) {
        say("transactional id \"%s\": %s", row->id, kafka_error_message(call.refused));
        return EXIT_REFUSED;
    }
    return EXIT_DONE;
}

static int nothing_to_abort(const struct transaction_row *row) {
    if (strcmp(row->state, "PrepareCommit") == 0) {
        say("the transaction of \"%s\" is committed already, which nothing takes back; what is written of it can be read when all of its partitions "
            "have been told",
            row->id);
    } else {
        say("transactional id \"%s\" has no transaction open: it is in the state %s", row->id,
            row->state);
    }
    return EXIT_REFUSED;
}

static int abort_id(struct aborting *a, const char *id) {
    struct transaction_row row;
    char open[AMOUNT_ROOM];
    int code = transaction_describe(a->admin, &a->arena, id, &row);
    if (!code && (!transaction_is_open(&row) || strcmp(row.state, "PrepareCommit") == 0)) {
        code = nothing_to_abort(&row);
    }
    if (!code && !a->dry_run) {
        code = fence(a, &row);
    }
    if (code) {
        return code;
    }
    if (a->in->json) {
        json_t *object = transaction_json(&row);
        json_object_set_new(object, "dry_run", json_boolean(a->dry_run));
        print_json(object);
    } else {
        say_plain("the transaction of \"%s\", open for %s in %zu partitions, %s", id,
                  amount_time(transaction_open_seconds(&row), open), transaction_partitions(&row),
                  a->dry_run ? "would be aborted, and its producer fenced"
                             : "is aborted, and its producer fenced");
    }
    if (a->dry_run) {
        say("%s", NOTHING_CHANGED);
    }
    return EXIT_DONE;
}

/* ---- By where it began ---- */

/* "orders:3"; the topic is a copy in the arena. */
static bool read_place(struct aborting *a, const char *text, struct partition_of_topic *place) {
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    long number = colon ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || colon == text || end == colon + 1 || *end || number < 0 || number > INT32_MAX) {
        say("--topic %s is not TOPIC:PARTITION; write what drave txn find-hanging shows, for example -t orders:3 -o 1200",
            text);
        return false;
    }
    place->topic = kp_arena_string(&a->arena, text, (size_t)(colon - text)).data;
    place->partition = (int32_t)number;
    return true;
}

/* EXIT_REFUSED if a coordinator has it: its id is the way then. */
static int check_hanging(struct aborting *a, const struct open_transaction *open) {
    const struct transaction_filter filter = {
        .longer_ms = -1, .producer_ids = &open->producer_id, .producer_count = 1, .describe = true};
    struct transaction_row *rows;
    size_t count;
    char word[SHELL_WORD_ROOM];
    int code = transactions_list(a->admin, &a->arena, &filter, &rows, &count);
    for (size_t i = 0; !code && i < count; i++) {
        if (transaction_is_open(&rows[i]) &&
            transaction_has(&rows[i], open->topic, open->partition)) {
            say("its coordinator knows this transaction: it is that of \"%s\", and one partition alone would tear it; drave txn abort %s ends "
                "all of it",
                rows[i].id, shell_word_in(rows[i].id, word));
            code = EXIT_REFUSED;
        }
    }
    return code;
}

static int write_marker(struct aborting *a, const struct kp_metadata_response *metadata,
                        const struct open_transaction *open) {
    struct kp_write_txn_markers_request request;
    struct kp_write_txn_markers_request_marker marker;
    struct kp_write_txn_markers_request_topic topic;
    struct kp_write_txn_markers_response answer;
    struct error_text why = {""};
    int32_t partition = open->partition;
    const struct kp_metadata_response_broker *leader = cluster_broker(metadata, open->leader);
    if (!leader) {
        say("broker %d led partition %d of \"%s\" a moment ago, and is gone; try again",
            (int)open->leader, (int)partition, open->topic);
        return EXIT_REFUSED;
    }
    kp_set_fallbacks(&kp_write_txn_markers_request_schema, &request);
    kp_set_fallbacks(&kp_write_txn_markers_request_marker_schema, &marker);
    kp_set_fallbacks(&kp_write_txn_markers_request_topic_schema, &topic);
    topic.name = kp_string_of(open->topic);
    topic.partition_indexes.items = &partition;
    topic.partition_indexes.count = 1;
    marker.producer_id = open->producer_id;
    marker.producer_epoch = (int16_t)open->producer_epoch;
    marker.coordinator_epoch = open->coordinator_epoch < 0 ? 0 : open->coordinator_epoch;
    marker.topics.items = &topic;
    marker.topics.count = 1;
    request.markers.items = &marker;
    request.markers.count = 1;
    int error = admin_request_to(a->admin, cluster_text(&a->arena, leader->host), leader->port,
                                 KP_WRITE_TXN_MARKERS, 0, &request, &a->arena, &answer, NULL, &why);
    if (error) {
        return admin_failed(error, &why);
    }
    bool whole = answer.markers.count == 1 && answer.markers.items[0].topics.count == 1 &&
                 answer.markers.items[0].topics.items[0].partitions.count == 1;
    int16_t code = whole ? answer.markers.items[0].topics.items[0].partitions.items[0].error_code
                         : KAFKA_UNKNOWN_SERVER_ERROR;
    if (code) {
        say("partition %d of \"%s\": %s", (int)partition, open->topic, kafka_error_message(code));
    }
    return code ? EXIT_REFUSED : EXIT_DONE;
}

static int show_place(const struct aborting *a, const struct open_transaction *open) {
    if (a->in->json) {
        json_t *object = open_transaction_json(open, NULL);
        json_object_set_new(object, "dry_run", json_boolean(a->dry_run));
        print_json(object);
    } else {
        say_plain("the transaction of producer %" PRId64
                  " in partition %d of \"%s\", open since offset %" PRId64 ", %s",
                  open->producer_id, (int)open->partition, open->topic, open->first_offset,
                  a->dry_run ? "would be aborted" : "is aborted");
    }
    if (a->dry_run) {
        say("%s", NOTHING_CHANGED);
    }
    return EXIT_DONE;
}

static int abort_place(struct aborting *a, const char *text) {
    int64_t offset = invocation_number(a->in, 'o', -1, 0, INT64_MAX);
    struct partition_of_topic place = {NULL, 0, 0, false};
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *topic;
    struct open_transaction *rows, *open = NULL;
    size_t count;
    if (!read_place(a, text, &place)) {
        return EXIT_USAGE;
    }
    int code = cluster_topic(a->admin, &a->arena, place.topic, TOPIC_TO_CHANGE, &metadata, &topic);
    if (!code && !cluster_find_partition(topic, place.partition)) {
        code = cluster_no_such_partition(place.topic, topic->partitions.count, place.partition);
    }
    code = code ? code : open_transactions_find(a->admin, &a->arena, &place, 1, &rows, &count);
    for (size_t i = 0; !code && i < count; i++) {
        open = rows[i].first_offset == offset ? &rows[i] : open;
    }
    if (!code && !open) {
        say("no transaction is open since offset %" PRId64
            " in partition %d of \"%s\"; drave txn find-hanging %s shows those that nobody ends",
            offset, (int)place.partition, place.topic, place.topic);
        code = EXIT_REFUSED;
    }
    code = code ? code : check_hanging(a, open);
    code = code || a->dry_run ? code : write_marker(a, &metadata, open);
    return code ? code : show_place(a, open);
}

int command_txn_abort(struct invocation *in) {
    const char *place = invocation_value(in, 't', NULL);
    struct aborting a = {
        .in = in, .dry_run = !invocation_has(in, OPTION_YES) || invocation_has(in, OPTION_DRY_RUN)};
    if ((in->word_count == 1) == (place != NULL) || (place != NULL) != invocation_has(in, 'o')) {
        say("which transaction? Write its id (drave txn list), or for one that no coordinator knows -t TOPIC:PARTITION -o OFFSET, as drave txn "
            "find-hanging shows them");
        return EXIT_USAGE;
    }
    a.admin = admin_client_for(in);
    kp_arena_init(&a.arena, ARENA_MAX);
    int code = place ? abort_place(&a, place) : abort_id(&a, in->words[0]);
    kp_arena_close(&a.arena);
    admin_client_free(a.admin);
    return code;
}
