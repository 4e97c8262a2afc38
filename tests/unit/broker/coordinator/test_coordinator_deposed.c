/* A coordinator's partition that loses the lead between what it was asked and its answer. */
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/coordinator/coordinator_partition.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/fixture_partitions.h"
#include "tests/unit/unit.h"

/* A state that keeps nothing but its log. */
struct bare {
    struct coordinator_log *log;
};

static struct coordinator_partition *made;

static void *bare_new(void *arg, struct coordinator_log *log, int32_t index) {
    struct bare *bare = mem_zalloc(sizeof *bare);
    (void)arg, (void)index;
    bare->log = log;
    return bare;
}

static void bare_apply(void *state, const struct coordinator_record *record,
                       const struct coordinator_place *place) {
    (void)state, (void)record, (void)place;
}

static void bare_heard(void *state) {
    (void)state;
}

static bool bare_records(void *state, void **walk, size_t most,
                         void (*sink)(void *arg, const struct coordinator_record *record),
                         void *arg) {
    (void)state, (void)walk, (void)most, (void)sink, (void)arg;
    return true;
}

static void nobody_minds(void *arg, struct coordinator_partition *partition) {
    (void)arg, (void)partition;
}

static const struct coordinator_state bare_type = {.apply = bare_apply,
                                                   .leading = bare_heard,
                                                   .lost = bare_heard,
                                                   .records = bare_records,
                                                   .free = mem_free};

static void make_applier(struct fixture_node *node, struct applier *applier) {
    struct coordinator_partition_spec spec = {.env = node->fixture->env,
                                              .write_timeout_ms = 5000,
                                              .type = &bare_type,
                                              .state_new = bare_new,
                                              .leading = nobody_minds,
                                              .not_leading = nobody_minds,
                                              .gone = nobody_minds};
    made = coordinator_partition_new(&spec);
    *applier = coordinator_partition_applier(made);
}

static int setup(void **state) {
    fixture_setup(state);
    ((struct fixture *)*state)->make_applier = make_applier;
    return 0;
}

struct waits {
    struct coordinator_write write;
    struct coordinator_confirm confirm;
    int written, confirmed; /* errors; -1: not over */
};

static void on_written(struct coordinator_write *write, int16_t error) {
    struct waits *waits = CONTAINER_OF(write, struct waits, write);
    assert_int_equal(waits->confirmed, -1);
    waits->written = error;
}

static void on_confirmed(struct coordinator_confirm *confirm, int16_t error) {
    CONTAINER_OF(confirm, struct waits, confirm)->confirmed = error;
}

static bool is_answered(struct fixture *fixture) {
    return ((struct waits *)fixture->until_arg)->confirmed >= 0;
}

struct stops {
    struct env_task task;
    struct raft_group *group;
};

static void stop_group(struct env_task *task) {
    raft_group_stop(CONTAINER_OF(task, struct stops, task)->group, "the test wants it");
}

/* A majority has said that it led, and what was written before the question ends because it leads
 * no more: nothing is answered then, for the state does not lead any more. */
static void test_coordinator_deposed_behind_a_question(void **state) {
    struct fixture *fixture = *state;
    struct waits waits = {
        .write.done = on_written, .confirm.done = on_confirmed, .written = -1, .confirmed = -1};
    struct coordinator_record record = {
        .key = (const uint8_t *)"k", .key_len = 1, .value = (const uint8_t *)"v", .value_len = 1};
    fixture_start(fixture, 1);
    struct stops stops = {.task.run = stop_group,
                          .group = partition_group(fixture_leader(fixture)->partition)};
    struct coordinator_log *log = ((struct bare *)coordinator_partition_state(made))->log;
    coordinator_log_write(log, &record, 1, &waits.write);
    coordinator_log_confirm(log, &waits.confirm);
    /* Behind the end of the turn, in which it confirms, alone, and before the write is durable. */
    env_defer(fixture->env, &stops.task);
    fixture->until_arg = &waits;
    run_until(fixture, is_answered);
    assert_int_equal(waits.written, KAFKA_NOT_COORDINATOR);
    assert_int_equal(waits.confirmed, KAFKA_NOT_COORDINATOR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_coordinator_deposed_behind_a_question, setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
