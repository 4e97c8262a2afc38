/* Random histories of a group whose members speak both protocols: they join, leave, die, lose
 * answers and change their protocol; topics grow; coordinators move; writes are late. The group is
 * upgraded and downgraded again and again. At no time do two members own a partition, every state
 * is that of a replay from zero, and when it is quiet everything is owned. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/broker/coordinator/fixture_classic_client.h"
#include "tests/unit/unit.h"

enum { CROWD = 5, STEPS = 200, SEEDS = 6 };

static struct consumer_world w;

/* A process, which speaks one protocol or the other. */
struct process {
    bool lives;   /* it does something */
    bool classic; /* else KIP-848 */
    struct classic_client old;
    struct consumer new;
    uint64_t beat_ms;
};

static struct crowd {
    struct process processes[CROWD];
    uint64_t random;
    bool cooperative;
    bool back; /* at present processes change to the classic protocol, else to KIP-848 */
    int names;
    int upgrades, downgrades;
    enum group_kind kind; /* of the group, before */
} crowd;

static uint32_t draw(uint32_t below) {
    crowd.random = crowd.random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(crowd.random >> 33) % below;
}

/* ---- Who owns what ---- */

static bool owns(const struct process *process, const char *topic, int32_t partition) {
    if (!process->lives) return false;
    return process->classic ? classic_client_has(&process->old, topic, partition)
                            : consumer_has(&process->new, topic, partition);
}

static int owners_of(const char *topic, int32_t partition) {
    int owners = 0;
    for (int i = 0; i < CROWD; i++)
        owners += owns(&crowd.processes[i], topic, partition);
    return owners;
}

static void assert_nothing_is_owned_twice(void) {
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(w.groups.metadata, topic)) != NULL;)
        for (int32_t p = 0; p < topic->partition_count; p++)
            assert_true(owners_of(topic->name, p) <= 1);
}

/* A group that lives and is of another kind than before was converted. */
static void note_kind(void) {
    const struct group *group = groups_find(&w.groups, "g");
    enum group_kind kind = group == NULL ? GROUP_UNKNOWN : group_kind_of(group);
    if (kind == GROUP_CONSUMER && crowd.kind == GROUP_CLASSIC && group->consumer->classic_count > 0)
        crowd.upgrades++;
    if (kind == GROUP_CLASSIC && crowd.kind == GROUP_CONSUMER && group->record->unled)
        crowd.downgrades++;
    crowd.kind = kind;
}

static void check(void) {
    assert_nothing_is_owned_twice();
    note_kind();
}

/* ---- What processes do ---- */

static void process_beats(struct process *process) {
    process->beat_ms = env_now_ms(w.groups.clock.env);
    if (process->classic)
        classic_client_step(&process->old);
    else
        consumer_beat(&process->new);
    check();
}

static void process_starts(struct process *process) {
    static char names[400][16];
    char *name = names[crowd.names++ % 400];
    snprintf(name, sizeof names[0], "n%d", crowd.names);
    process->classic = crowd.back || draw(3) == 0;
    process->lives = true;
    if (process->classic) {
        classic_client_init(&process->old, &w, crowd.cooperative, "t0", draw(3) == 0 ? NULL : "t1",
                            NULL);
        process->old.session_ms = 9000;
    } else {
        consumer_init(&process->new, &w, name, "t0", draw(3) == 0 ? NULL : "t1", NULL);
    }
    process_beats(process);
}

static void process_leaves(struct process *process) {
    if (process->classic)
        classic_client_leave(&process->old);
    else
        (void)consumer_beat_as(&process->new, -1, false);
    process->lives = false;
    check();
}

/* Nobody hears from it any more, and what waits for it is canceled. */
static void process_dies(struct process *process) {
    struct classic_client *old = &process->old;
    if (process->classic && old->doing == CLIENT_JOINING) (void)group_call_cancel(&old->join.call);
    if (process->classic && old->doing == CLIENT_SYNCING) (void)group_call_cancel(&old->sync.call);
    process->lives = false;
}

static void process_loses_an_answer(struct process *process) {
    if (!process->classic)
        consumer_beat_in_vain(&process->new);
    else if (process->old.doing != CLIENT_BEATS)
        process->old.loses_answer = true;
}

/* Nobody who lives is silent for so long that it is taken for dead. */
static void all_beat(uint64_t silence_ms) {
    for (int i = 0; i < CROWD; i++) {
        struct process *process = &crowd.processes[i];
        if (process->lives && env_now_ms(w.groups.clock.env) - process->beat_ms >= silence_ms)
            process_beats(process);
    }
}

/* What is decided meanwhile is late, and commits all the same, or with the next leader. */
static void write_is_late(struct process *process) {
    w.holds = true;
    if (process->classic)
        classic_client_step(&process->old);
    else
        consumer_beat(&process->new);
    fake_log_late(&w.groups.log);
    groups_turn(&w.groups);
    w.holds = false;
    consumer_world_commit(&w);
    check();
}

static void step(void) {
    struct process *process = &crowd.processes[draw(CROWD)];
    uint32_t what = draw(24);
    if (draw(12) == 0) crowd.back = !crowd.back;
    if (!process->lives) {
        if (what < 12) process_starts(process);
    } else if (what < 1 || (crowd.back && !process->classic && what < 12)) {
        process_leaves(process);
    } else if (what == 1) {
        process_dies(process);
    } else if (what == 12) {
        process_loses_an_answer(process);
    } else if (what == 13) {
        write_is_late(process);
    } else {
        process_beats(process);
    }
    if (draw(60) == 0) consumer_world_grow(&w, "t1", 1);
    if (draw(30) == 0) consumer_world_fail_over(&w);
    check();
    consumer_world_pass(&w, draw(1200));
    check();
}

/* All go on for a while, undisturbed: everything is owned once, if anybody reads it. */
static void settle(void) {
    for (int round = 0; round < 60; round++) {
        all_beat(0);
        consumer_world_pass(&w, 2000);
        check();
    }
    bool reads[2] = {false, false};
    for (int i = 0; i < CROWD; i++) {
        const struct process *process = &crowd.processes[i];
        if (!process->lives) continue;
        reads[0] = true;
        reads[1] |= (process->classic ? process->old.topic_count : process->new.name_count) == 2;
        if (process->classic) assert_int_equal(process->old.doing, CLIENT_BEATS);
    }
    for (int t = 0; t < 2; t++) {
        const char *name = t == 0 ? "t0" : "t1";
        const struct metadata_topic *topic = metadata_topic_named(w.groups.metadata, name, 2);
        for (int32_t p = 0; p < topic->partition_count; p++)
            assert_int_equal(owners_of(name, p), reads[t] ? 1 : 0);
    }
}

static void test_mixed_random_histories(void **state) {
    (void)state;
    int upgrades = 0, downgrades = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        memset(&crowd, 0, sizeof crowd);
        crowd.random = seed;
        crowd.cooperative = seed % 2 == 0;
        consumer_world_open(&w);
        w.groups.settings.group_initial_rebalance_delay_ms = 300;
        w.groups.settings.group_consumer_session_timeout_ms = 9000;
        w.groups.settings.group_consumer_assignment_interval_ms = seed % 3 == 0 ? 1000 : 0;
        w.groups.settings.group_consumer_may_downgrade = seed % 5 != 0;
        consumer_world_topic(&w, "t0", 3);
        consumer_world_topic(&w, "t1", 4);
        for (int i = 0; i < STEPS; i++) {
            step();
            all_beat(4000);
        }
        settle();
        upgrades += crowd.upgrades;
        downgrades += crowd.downgrades;
        for (int i = 0; i < CROWD; i++)
            process_dies(&crowd.processes[i]);
        consumer_world_close(&w);
    }
    assert_true(upgrades >= SEEDS && downgrades >= SEEDS / 2); /* or this test is blind */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mixed_random_histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
