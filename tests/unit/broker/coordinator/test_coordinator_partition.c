/*
 * A coordinator's state on a partition of one and of three brokers: what is written is applied on
 * every replica before anybody hears of it, and nothing is promised by who leads no more.
 *
 * The state of this test is the last value of each key, which are letters.
 */
#include <string.h>

#include "base/mem.h"
#include "broker/coordinator/coordinator_partition.h"
#include "broker/partition/partition_append.h"
#include "broker/partition/partition_marker.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

enum { KEYS = 26, TIMEOUT_MS = 400 };

struct letters {
    struct coordinator_log *log;
    int value[KEYS]; /* 0: none */
    int64_t last_offset;
    int64_t last_producer; /* of the last record, or whose transaction has ended last */
    unsigned applied, settled, committed, aborted;
    bool leads;
    struct coordinator_write *on_lost; /* written inside of `lost`; NULL: nothing */
};

/* Of the three nodes, as each has it open. */
static struct coordinator_partition *open_partitions[FIXTURE_NODES_MAX];
static unsigned told_leading, told_not_leading, told_gone;

static void letters_apply(void *state, const struct coordinator_record *record,
                          const struct coordinator_place *place) {
    struct letters *letters = state;
    assert_int_equal(record->key_len, 1);
    letters->value[record->key[0] - 'a'] = record->tombstone ? 0 : record->value[0];
    letters->last_offset = place->offset;
    letters->last_producer = place->producer_id;
    letters->applied++;
}

static void letters_ended(void *state, int64_t producer_id, bool commit) {
    struct letters *letters = state;
    letters->last_producer = producer_id;
    letters->committed += commit;
    letters->aborted += !commit;
}

static void letters_leading(void *state) {
    ((struct letters *)state)->leads = true;
}

static struct coordinator_record record_of(const char *key, const char *value) {
    return (struct coordinator_record){.key = (const uint8_t *)key,
                                       .key_len = 1,
                                       .value = (const uint8_t *)value,
                                       .value_len = value == NULL ? 0 : 1,
                                       .tombstone = value == NULL};
}

static void letters_lost(void *state) {
    struct letters *letters = state;
    letters->leads = false;
    struct coordinator_record late = record_of("z", "9");
    if (letters->on_lost != NULL) coordinator_log_write(letters->log, &late, 1, letters->on_lost);
}

/* A letter a step. */
static bool letters_records(void *state, void **walk, size_t most,
                            void (*sink)(void *arg, const struct coordinator_record *record),
                            void *arg) {
    const struct letters *letters = state;
    assert_true(most > 0);
    if (*walk == NULL) *walk = mem_zalloc(sizeof(int));
    int *at = *walk;
    uint8_t key = (uint8_t)('a' + *at), value = (uint8_t)letters->value[*at];
    struct coordinator_record record = {.key = &key, .key_len = 1, .value = &value, .value_len = 1};
    if (value != 0) sink(arg, &record);
    if (++*at < KEYS) return false;
    mem_free(*walk);
    *walk = NULL;
    return true;
}

static void letters_records_stop(void *state, void *walk) {
    (void)state;
    mem_free(walk);
}

static void letters_settled(void *state) {
    struct letters *letters = state;
    letters->settled++;
}

static const struct coordinator_state letters_type = {.apply = letters_apply,
                                                      .ended = letters_ended,
                                                      .leading = letters_leading,
                                                      .lost = letters_lost,
                                                      .records = letters_records,
                                                      .records_stop = letters_records_stop,
                                                      .free = mem_free,
                                                      .settled = letters_settled};

static void *letters_new(void *arg, struct coordinator_log *log, int32_t index) {
    struct letters *letters = mem_zalloc(sizeof *letters);
    (void)arg;
    assert_int_equal(index, 3);
    letters->log = log;
    return letters;
}

static void on_leading(void *arg, struct coordinator_partition *partition) {
    (void)arg;
    assert_true(coordinator_partition_is_leading(partition));
    told_leading++;
}

static void on_not_leading(void *arg, struct coordinator_partition *partition) {
    (void)arg;
    assert_false(coordinator_partition_is_leading(partition));
    told_not_leading++;
}

static void on_gone(void *arg, struct coordinator_partition *partition) {
    struct fixture_node *node = arg;
    assert_ptr_equal(open_partitions[node->id - 1], partition);
    open_partitions[node->id - 1] = NULL;
    told_gone++;
}

static void make_applier(struct fixture_node *node, struct applier *applier) {
    struct coordinator_partition_spec spec = {.env = node->fixture->env,
                                              .index = 3,
                                              .write_timeout_ms = TIMEOUT_MS,
                                              .type = &letters_type,
                                              .state_new = letters_new,
                                              .leading = on_leading,
                                              .not_leading = on_not_leading,
                                              .gone = on_gone,
                                              .arg = node};
    open_partitions[node->id - 1] = coordinator_partition_new(&spec);
    *applier = coordinator_partition_applier(open_partitions[node->id - 1]);
}

static int setup(void **state) {
    told_leading = told_not_leading = told_gone = 0;
    fixture_setup(state);
    struct fixture *fixture = *state;
    fixture->make_applier = make_applier;
    return 0;
}

static struct letters *letters_of(const struct fixture_node *node) {
    return coordinator_partition_state(open_partitions[node->id - 1]);
}

static struct letters *leader_letters(struct fixture *fixture) {
    return letters_of(fixture_leader(fixture));
}

/* ---- Who waits ---- */

static unsigned finished; /* in which order */

struct waits {
    struct coordinator_write write; /* first */
    struct coordinator_confirm confirm;
    unsigned place; /* among all that are over; 0: not over */
    int16_t error;
    bool confirmed;
};

static void on_written(struct coordinator_write *write, int16_t error) {
    struct waits *waits = (struct waits *)write;
    assert_int_equal(waits->place, 0);
    waits->place = ++finished;
    waits->error = error;
}

static void on_confirmed(struct coordinator_confirm *confirm, int16_t error) {
    struct waits *waits = (struct waits *)(void *)((char *)confirm -
                                                   offsetof(struct waits, confirm));
    assert_int_equal(waits->place, 0);
    waits->place = ++finished;
    waits->error = error;
    waits->confirmed = true;
}

static void write_letter(struct letters *letters, const char *key, const char *value,
                         struct waits *waits) {
    struct coordinator_record record = record_of(key, value);
    *waits = (struct waits){.write.done = on_written};
    coordinator_log_write(letters->log, &record, 1, &waits->write);
    assert_int_equal(waits->place, 0); /* never within the call */
}

static void ask(struct letters *letters, struct waits *waits) {
    *waits = (struct waits){.confirm.done = on_confirmed};
    coordinator_log_confirm(letters->log, &waits->confirm);
}

static bool waits_is_over(struct fixture *fixture) {
    return ((struct waits *)fixture->until_arg)->place > 0;
}

static void run_until_waited(struct fixture *fixture, struct waits *waits) {
    fixture->until_arg = waits;
    run_until(fixture, waits_is_over);
}

static unsigned expected_applied;

static bool all_applied(struct fixture *fixture) {
    for (int i = 0; i < fixture->node_count; i++)
        if (letters_of(&fixture->nodes[i])->applied != expected_applied) return false;
    return true;
}

static bool nobody_leads(struct fixture *fixture) {
    return fixture_leader(fixture) == NULL;
}

static bool somebody_leads(struct fixture *fixture) {
    return fixture_leader(fixture) != NULL;
}

static void close_followers(struct fixture *fixture) {
    const struct fixture_node *leader = fixture_leader(fixture);
    for (int i = 0; i < 3; i++)
        if (&fixture->nodes[i] != leader) node_close(&fixture->nodes[i]);
}

static void open_followers(struct fixture *fixture) {
    const struct fixture_node *leader = fixture_leader(fixture);
    for (int i = 0; i < 3; i++)
        if (&fixture->nodes[i] != leader) node_open(&fixture->nodes[i], false);
}

/* ---- Tests ---- */

/* Decisions end in their order, applied; a question behind them is answered when they are over; the
 * batches of one turn share an entry, and followers apply them without another batch coming. */
static void test_coordinator_partition_writes(void **state) {
    struct fixture *fixture = *state;
    fixture->options.election_timeout_ms = 5000; /* nobody else is elected meanwhile */
    fixture_start(fixture, 3);
    struct letters *letters = leader_letters(fixture);
    assert_true(letters->leads);
    assert_true(told_leading >= 1);
    struct waits first, second, third, question;
    write_letter(letters, "a", "1", &first);
    write_letter(letters, "b", "1", &second);
    write_letter(letters, "a", NULL, &third);
    ask(letters, &question);
    uint64_t index = raft_group_commit_index(partition_group(fixture_leader(fixture)->partition));
    run_until_waited(fixture, &question);
    assert_int_equal(first.error | second.error | third.error | question.error, KAFKA_NONE);
    assert_true(first.place < second.place && second.place < third.place);
    assert_true(third.place < question.place);
    assert_int_equal(letters->value[0], 0);
    assert_int_equal(letters->value[1], '1');
    assert_int_equal(letters->last_offset, 2);
    assert_int_equal(raft_group_commit_index(partition_group(fixture_leader(fixture)->partition)),
                     index + 1);
    expected_applied = 3;
    run_until(fixture, all_applied);
}

/* What nobody waits for any more is written all the same; the question behind it goes on. */
static void test_coordinator_partition_cancel(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct letters *letters = leader_letters(fixture);
    struct waits gone, question, gone_question;
    write_letter(letters, "a", "1", &gone);
    ask(letters, &gone_question);
    ask(letters, &question);
    coordinator_write_cancel(&gone.write);
    coordinator_confirm_cancel(&gone_question.confirm);
    run_until_waited(fixture, &question);
    assert_int_equal(question.error, KAFKA_NONE);
    assert_int_equal(gone.place | gone_question.place, 0);
    coordinator_confirm_cancel(&question.confirm); /* it is over: nothing happens */
    expected_applied = 1;
    run_until(fixture, all_applied);
}

/* A leader without a majority: what waits ends with COORDINATOR_NOT_AVAILABLE when its time is over
 * (questions may end before, or hear that it leads no more), the rest with NOT_COORDINATOR before
 * the state hears that it is lost; and so does what is written behind that. */
static void test_coordinator_partition_lost(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 3);
    struct fixture_node *old = fixture_leader(fixture);
    struct letters *letters = letters_of(old);
    struct waits in_time, question, inside = {.write.done = on_written}, behind;
    letters->on_lost = &inside.write;
    close_followers(fixture);
    write_letter(letters, "a", "1", &in_time);
    ask(letters, &question);
    run_until(fixture, nobody_leads);
    assert_false(letters->leads);
    assert_true(in_time.place > 0 && question.place > 0 && inside.place > 0);
    assert_true(in_time.error == KAFKA_NOT_COORDINATOR ||
                in_time.error == KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(question.error, KAFKA_NOT_COORDINATOR);
    assert_int_equal(inside.error, KAFKA_NOT_COORDINATOR);
    letters->on_lost = NULL;
    write_letter(letters, "b", "1", &behind);
    run_until_waited(fixture, &behind);
    assert_int_equal(behind.error, KAFKA_NOT_COORDINATOR);
    ask(letters, &question);
    assert_int_equal(question.error, KAFKA_NOT_COORDINATOR);
    assert_true(told_not_leading >= 1);
}

static bool is_settled(struct fixture *fixture) {
    for (int i = 0; i < 3; i++)
        if (letters_of(&fixture->nodes[i])->settled > 0) return true;
    return false;
}

/* The time of a write that finds no majority is over long before the leader knows that it is
 * alone. It stays in doubt until it is applied, which the state is told. */
static void test_coordinator_partition_late(void **state) {
    struct fixture *fixture = *state;
    fixture->options.election_timeout_ms = 5000;
    fixture_start(fixture, 3);
    struct letters *letters = leader_letters(fixture);
    close_followers(fixture);
    struct waits late;
    uint64_t began_ms = env_now_ms(fixture->env);
    write_letter(letters, "a", "1", &late);
    run_until_waited(fixture, &late);
    assert_int_equal(late.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_true(env_now_ms(fixture->env) - began_ms >= TIMEOUT_MS);
    assert_int_equal(letters->value[0], 0);
    assert_true(coordinator_log_in_doubt(letters->log));
    fixture->options.failover_ms = 5000; /* they do not elect another leader meanwhile */
    open_followers(fixture);
    run_until(fixture, is_settled);
    assert_int_equal(letters->value[0], '1');
    assert_int_equal(letters->settled, 1);
    assert_false(coordinator_log_in_doubt(letters->log));
}

/* Refused before anything is written: too few replicas in sync, too large for the topic. */
static void test_coordinator_partition_refuses(void **state) {
    struct fixture *fixture = *state;
    fixture->settings.max_message_bytes = 200;
    fixture_start(fixture, 1);
    struct letters *letters = leader_letters(fixture);
    uint8_t large[200] = {0};
    struct coordinator_record record = record_of("a", "1");
    record.value = large;
    record.value_len = sizeof large;
    struct waits waits = {.write.done = on_written};
    coordinator_log_write(letters->log, &record, 1, &waits.write);
    run_until_waited(fixture, &waits);
    assert_int_equal(waits.error, KAFKA_RECORD_LIST_TOO_LARGE);
    assert_int_equal(letters->applied, 0);
}

/* A state that was kept at a segment's border is read back, with what was written behind it; of one
 * that is of no use nothing is taken, and all is applied again. */
static void test_coordinator_partition_restores(void **state) {
    struct fixture *fixture = *state;
    fixture->store_options.segment_bytes = 4 << 10;
    fixture->settings.store_lz4 = false;
    fixture_start(fixture, 1);
    struct fixture_node *node = &fixture->nodes[0];
    struct letters *letters = letters_of(node);
    char key[2] = "a", value[2] = "0";
    struct waits waits;
    for (int i = 0; i < 200; i++) {
        key[0] = (char)('a' + i % 10);
        value[0] = (char)('0' + i / 20);
        write_letter(letters, key, value, &waits);
        run_until_waited(fixture, &waits);
    }
    write_letter(letters, "a", NULL, &waits);
    run_until_waited(fixture, &waits);
    struct letters before = *letters;
    node_stop(node);
    assert_int_equal(told_gone, 1);
    node_open(node, false);
    run_until(fixture, somebody_leads);
    letters = letters_of(node);
    assert_memory_equal(letters->value, before.value, sizeof before.value);
    assert_true(letters->applied < 201); /* most of it came out of the snapshot */
}

static void write_and_wait(struct fixture *fixture, const char *key, const char *value) {
    struct waits waits;
    write_letter(leader_letters(fixture), key, value, &waits);
    run_until_waited(fixture, &waits);
    assert_int_equal(waits.error, KAFKA_NONE);
}

/* A snapshot is put together in steps: what commits between two of them is in it, whether its key
 * was given already or not; a second one beside it is whole at once. */
static void test_coordinator_partition_encodes_in_steps(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    for (const char *key = "abcxyz"; *key != '\0'; key++)
        write_and_wait(fixture, key, "1");
    struct coordinator_partition *partition = open_partitions[0];
    struct applier applier = coordinator_partition_applier(partition), other;
    struct snapshot_bytes bytes = {0}, given_up = {0};
    void *walk = NULL, *second = NULL;
    for (int i = 0; i < 5; i++)
        assert_false(applier.type->encode(applier.state, &walk, &bytes));
    assert_false(applier.type->encode(applier.state, &second, &given_up));
    write_and_wait(fixture, "a", "2");  /* given and changed */
    write_and_wait(fixture, "b", NULL); /* given and gone */
    write_and_wait(fixture, "d", "2");  /* come where the walk has been */
    write_and_wait(fixture, "x", "2");
    write_and_wait(fixture, "y", NULL);
    write_and_wait(fixture, "w", "2");
    struct slice at_once = partition_applied_state(fixture_leader(fixture)->partition);
    applier.type->encode_stop(applier.state, second);
    snapshot_bytes_drop(&given_up);
    while (!applier.type->encode(applier.state, &walk, &bytes))
        continue;
    struct slice whole = snapshot_bytes_whole(&bytes);

    struct fixture_node beside = {.fixture = fixture, .id = 2};
    make_applier(&beside, &other);
    size_t took = 0;
    assert_int_equal(other.type->restore(other.state, whole.data, whole.len, &took), ERR_NONE);
    assert_int_equal(took, whole.len);
    const struct letters *letters = letters_of(&fixture->nodes[0]), *restored = letters_of(&beside);
    assert_memory_equal(restored->value, letters->value, sizeof letters->value);
    assert_int_equal(restored->value['x' - 'a'], '2');
    assert_true(at_once.len > 0);
    for (size_t len = 1; len < 9; len++)
        assert_int_equal(other.type->restore(other.state, whole.data, len, &took), ERR_MALFORMED);
    other.type->free(other.state);
    slice_unref(&at_once);
    slice_unref(&whole);
}

/* A client's batch in the topic is applied like any other, whatever its codec; control batches and
 * records without a key are passed over. */
static void test_coordinator_partition_other_batches(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct letters *letters = leader_letters(fixture);
    struct record_batch_options options = record_batch_plain();
    options.codec = RECORD_CODEC_GZIP;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    record_batch_builder_append(builder, 1000, NULL, -1, "7", 1, NULL, 0);
    record_batch_builder_append(builder, 1000, "c", 1, "7", 1, NULL, 0);
    uint8_t *bytes;
    size_t len;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    struct sent sent;
    send_batch(fixture_leader(fixture)->partition, slice_adopt(NULL, bytes, len), &sent);
    run_until_over(fixture, &sent);
    assert_int_equal(sent.produce.error, KAFKA_NONE);
    assert_int_equal(letters->value[2], '7');
    assert_int_equal(letters->applied, 1);
    assert_int_equal(letters->last_offset, 1);
    sent_free(&sent);
}

/* ---- Transactions ---- */

static void write_in(struct fixture *fixture, const struct coordinator_transaction *transaction,
                     struct waits *waits) {
    struct coordinator_record record = record_of("a", "1");
    *waits = (struct waits){.write = {.done = on_written, .transaction = transaction}};
    coordinator_log_write(leader_letters(fixture)->log, &record, 1, &waits->write);
    run_until_waited(fixture, waits);
}

static struct partition_marker marker;
static bool marker_over;

static void marker_done(struct partition_marker *done, int16_t error) {
    (void)done;
    assert_int_equal(error, KAFKA_NONE);
    marker_over = true;
}

static bool marker_is_over(struct fixture *fixture) {
    (void)fixture;
    return marker_over;
}

static void end_transaction(struct fixture *fixture, int16_t epoch, bool commit) {
    struct transaction_marker end = {
        .producer_id = 7, .producer_epoch = epoch, .coordinator_epoch = 1, .commit = commit};
    int16_t error;
    marker.done = marker_done;
    marker_over = false;
    assert_int_equal(partition_end_transaction(fixture_leader(fixture)->partition, &end, -1, true,
                                               &marker, &error),
                     PENDING);
    run_until(fixture, marker_is_over);
}

static bool all_have_ended(struct fixture *fixture) {
    for (int i = 0; i < fixture->node_count; i++)
        if (letters_of(&fixture->nodes[i])->committed != 1) return false;
    return true;
}

/* The batch is the producer's, every replica hears of the end when it has committed, and before
 * whoever wrote it is told; an older epoch writes nothing more. */
static void test_coordinator_partition_transactions(void **state) {
    struct fixture *fixture = *state;
    struct coordinator_transaction transaction = {
        .producer_id = 7, .producer_epoch = 0, .transactional_id = KP_NULL_STRING};
    struct waits waits;
    fixture_start(fixture, 3);
    write_in(fixture, &transaction, &waits);
    assert_int_equal(waits.error, KAFKA_NONE);
    const struct letters *letters = leader_letters(fixture);
    assert_int_equal(letters->last_producer, 7);
    assert_int_equal(letters->committed, 0);
    write_and_wait(fixture, "b", "1");
    assert_int_equal(letters->last_producer, -1);
    end_transaction(fixture, 1, true);
    assert_int_equal(letters->committed, 1);
    run_until(fixture, all_have_ended);
    write_in(fixture, &transaction, &waits);
    assert_int_equal(waits.error, KAFKA_INVALID_PRODUCER_EPOCH);
    transaction.producer_epoch = 1;
    write_in(fixture, &transaction, &waits);
    assert_int_equal(waits.error, KAFKA_NONE);
    transaction.producer_epoch = 2; /* the marker of the transaction before is to come */
    write_in(fixture, &transaction, &waits);
    assert_int_equal(waits.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    end_transaction(fixture, 2, false);
    assert_int_equal(letters->aborted, 1);
}

/* An end that commits while a snapshot is put together is in it. */
static void test_coordinator_partition_encodes_ends(void **state) {
    struct fixture *fixture = *state;
    struct coordinator_transaction transaction = {
        .producer_id = 7, .producer_epoch = 0, .transactional_id = KP_NULL_STRING};
    struct waits waits;
    fixture_start(fixture, 1);
    write_in(fixture, &transaction, &waits);
    struct applier applier = coordinator_partition_applier(open_partitions[0]), other;
    struct snapshot_bytes bytes = {0};
    void *walk = NULL;
    assert_false(applier.type->encode(applier.state, &walk, &bytes));
    end_transaction(fixture, 1, true);
    while (!applier.type->encode(applier.state, &walk, &bytes))
        continue;
    struct slice whole = snapshot_bytes_whole(&bytes);
    struct fixture_node beside = {.fixture = fixture, .id = 2};
    make_applier(&beside, &other);
    size_t took = 0;
    assert_int_equal(other.type->restore(other.state, whole.data, whole.len, &took), ERR_NONE);
    assert_int_equal(letters_of(&beside)->committed, 1);
    assert_int_equal(letters_of(&beside)->last_producer, 7);
    other.type->free(other.state);
    slice_unref(&whole);
}

/* What waits for the coordinator of its transaction holds up no question, and no other decision. */
static void test_coordinator_partition_transaction_waits(void **state) {
    struct fixture *fixture = *state;
    fixture_start(fixture, 1);
    struct coordinator_transaction transaction = {
        .producer_id = 7, .producer_epoch = 0, .transactional_id = kp_string_of("id")};
    struct coordinator_record record = record_of("a", "1");
    struct letters *letters = leader_letters(fixture);
    struct waits waits = {.write = {.done = on_written, .transaction = &transaction}}, question;
    coordinator_log_write(letters->log, &record, 1, &waits.write);
    assert_non_null(fixture->asked);
    ask(letters, &question);
    run_until_waited(fixture, &question);
    write_and_wait(fixture, "b", "1");
    assert_int_equal(question.error | (int)waits.place, 0);
    run_until_waited(fixture, &waits);
    assert_int_equal(waits.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_false(coordinator_log_in_doubt(letters->log));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
    const struct CMUnitTest tests[] = {TEST(test_coordinator_partition_writes),
                                       TEST(test_coordinator_partition_cancel),
                                       TEST(test_coordinator_partition_lost),
                                       TEST(test_coordinator_partition_late),
                                       TEST(test_coordinator_partition_refuses),
                                       TEST(test_coordinator_partition_restores),
                                       TEST(test_coordinator_partition_encodes_in_steps),
                                       TEST(test_coordinator_partition_other_batches),
                                       TEST(test_coordinator_partition_transactions),
                                       TEST(test_coordinator_partition_encodes_ends),
                                       TEST(test_coordinator_partition_transaction_waits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
