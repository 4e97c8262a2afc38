/* Each call of librdkafka in short pieces, until it ends or the time is over. */
#include "client/stream/produce_transaction.h"

#include <inttypes.h>

#include "client/kafka/kafka_client.h"
#include "client/line/interrupt.h"
#include "client/line/talk.h"

enum { PIECE_MS = 200, WAIT_MS = 60000, INTERRUPTED_MS = 3000 };

int produce_transaction_options(struct produce_transaction *t, const struct invocation *in) {
    t->id = invocation_value(in, OPTION_TRANSACTIONAL_ID, NULL);
    t->every = (uint64_t)invocation_number(in, OPTION_COMMIT_EVERY, 0, 1, INT64_MAX);
    t->wait_ms = in->timeout_given ? in->timeout_ms : WAIT_MS;
    if (!t->id && t->every > 0) {
        say("--commit-every is of transactions; name the producer with --transactional-id");
        return EXIT_USAGE;
    }
    if (t->id && !*t->id) {
        say("--transactional-id is empty; write a name that no other producer has");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

typedef rd_kafka_error_t *call_of_client(rd_kafka_t *client, int timeout_ms);

/* NULL: done. The client goes on with a call that had no end in time when it is called again. Who
 * says Ctrl-C waits for the end of a transaction for some seconds only. */
static rd_kafka_error_t *wait_for(const struct produce_transaction *t, call_of_client *call,
                                  const char *what) {
    struct patience patience;
    uint64_t begin_ms = now_ms();
    patience_begin(&patience);
    for (;;) {
        rd_kafka_error_t *error = call(t->client, PIECE_MS);
        uint64_t wait_ms = interrupted() && t->wait_ms > INTERRUPTED_MS ? INTERRUPTED_MS
                                                                        : t->wait_ms;
        bool again = error && rd_kafka_error_is_retriable(error) && now_ms() - begin_ms < wait_ms;
        if (!again) return error;
        rd_kafka_error_destroy(error);
        rd_kafka_poll(t->client, 0);
        patience_say(&patience, "%s", what);
    }
}

static int refused(const struct produce_transaction *t, rd_kafka_error_t *error, const char *what) {
    rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    if (code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
        code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH) {
        say("%s: another producer has taken over the transactional id \"%s\", or its transaction was open for too long and was aborted (-X "
            "transaction.timeout.ms=... gives it longer, --commit-every makes it shorter)",
            what, t->id);
    } else {
        say("%s: %s", what, rd_kafka_error_string(error));
    }
    rd_kafka_error_destroy(error);
    return EXIT_REFUSED;
}

int produce_transaction_open(struct produce_transaction *t, rd_kafka_t *client) {
    t->client = client;
    rd_kafka_error_t *error = wait_for(t, rd_kafka_init_transactions,
                                       "the coordinator of transactions");
    return error ? refused(t, error, "the transactional id cannot be had") : EXIT_DONE;
}

int produce_transaction_begin(struct produce_transaction *t) {
    t->records++;
    if (t->open) return EXIT_DONE;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(t->client);
    if (error) return refused(t, error, "no transaction can be begun");
    t->open = true;
    return EXIT_DONE;
}

void produce_transaction_abort(struct produce_transaction *t) {
    if (!t->open) return;
    rd_kafka_error_t *error = wait_for(t, rd_kafka_abort_transaction, "the end of the transaction");
    if (error) refused(t, error, "it is aborted when its time is over, or by who has its id next");
    t->aborted += t->records;
    t->records = 0;
    t->open = false;
}

int produce_transaction_commit(struct produce_transaction *t) {
    if (!t->open) return EXIT_DONE;
    rd_kafka_error_t *error = wait_for(t, rd_kafka_commit_transaction, "the commit");
    if (!error) {
        t->commits++;
        t->committed += t->records;
        t->records = 0;
        t->open = false;
        return EXIT_DONE;
    }
    if (rd_kafka_error_txn_requires_abort(error)) {
        refused(t, error, "the transaction is aborted");
        produce_transaction_abort(t);
        return EXIT_REFUSED;
    }
    t->unknown = rd_kafka_error_is_retriable(error);
    t->aborted += t->unknown ? 0 : t->records;
    t->open = false;
    return refused(t, error,
                   t->unknown ? "whether the transaction was committed is not known"
                              : "the transaction was not committed");
}

bool produce_transaction_is_full(const struct produce_transaction *t) {
    return t->open && t->every > 0 && t->records >= t->every;
}

void produce_transaction_tell(const struct produce_transaction *t, double seconds) {
    if (t->commits > 0 || (t->aborted == 0 && !t->unknown)) {
        say_plain("%" PRIu64 " records committed in %.1f s, in %" PRIu64 " transaction%s",
                  t->committed, seconds, t->commits, t->commits == 1 ? "" : "s");
    }
    if (t->aborted > 0) {
        say_plain("%" PRIu64 " records were in a transaction that was aborted", t->aborted);
    }
}

void produce_transaction_report(const struct produce_transaction *t, json_t *report) {
    if (t->id) {
        json_object_set_new(report, "transactions", json_integer((json_int_t)t->commits));
        json_object_set_new(report, "committed", json_integer((json_int_t)t->committed));
        json_object_set_new(report, "aborted", json_integer((json_int_t)t->aborted));
    }
}
