/* What is sent and not received: hanging, slow, paused, impossible. */

#include "raft-glue/peer/peer_flow.h"
#include "tests/unit/unit.h"

static struct peer_flow flow;

static int setup(void **state) {
    (void)state;
    flow = (struct peer_flow){.sent = 100};
    peer_flow_begin(&flow, 1000);
    return 0;
}

/* While everything is received neither time runs, however long nothing is sent. */
static void test_peer_flow_idle(void **state) {
    (void)state;
    assert_true(peer_flow_received(&flow, 100, false, 1100));
    assert_int_equal(peer_flow_stalled_ms(&flow, 90000), 0);
    assert_int_equal(peer_flow_behind_ms(&flow, 90000), 0);
}

/* Nothing comes through: both times run from the moment when something was on the way. */
static void test_peer_flow_hangs(void **state) {
    (void)state;
    assert_true(peer_flow_received(&flow, 100, false, 1100));
    assert_int_equal(peer_flow_stalled_ms(&flow, 2000), 0);
    assert_int_equal(peer_flow_behind_ms(&flow, 2000), 0);
    flow.sent += 50;
    assert_true(peer_flow_received(&flow, 100, false, 2500));
    assert_int_equal(peer_flow_stalled_ms(&flow, 3000), 1000);
    assert_int_equal(peer_flow_behind_ms(&flow, 3000), 500);
    assert_int_equal(peer_flow_stalled_ms(&flow, 6000), 4000);
    assert_int_equal(peer_flow_behind_ms(&flow, 6000), 3500);
}

/* It trickles: it does not stall, but what is sent now arrives late. */
static void test_peer_flow_trickles(void **state) {
    (void)state;
    flow.sent = 10000;
    peer_flow_begin(&flow, 1000);
    for (uint64_t now_ms = 2000; now_ms <= 8000; now_ms += 1000) {
        assert_true(peer_flow_received(&flow, 100 + now_ms / 1000, false, now_ms));
        assert_true(peer_flow_stalled_ms(&flow, now_ms) < 1000);
        assert_int_equal(peer_flow_behind_ms(&flow, now_ms), now_ms - 1000);
        flow.sent += 1000;
    }
    assert_true(peer_flow_received(&flow, 10000, false, 9000));
    assert_int_equal(peer_flow_behind_ms(&flow, 9500), 500);
}

/* A receiver that says that it does not read is waited for. */
static void test_peer_flow_paused(void **state) {
    (void)state;
    for (uint64_t now_ms = 1500; now_ms <= 20000; now_ms += 500) {
        assert_true(peer_flow_received(&flow, 10, true, now_ms));
        assert_int_equal(peer_flow_stalled_ms(&flow, now_ms), 0);
        assert_int_equal(peer_flow_behind_ms(&flow, now_ms), 0);
    }
    assert_int_equal(peer_flow_stalled_ms(&flow, 23000), 3000);
}

/* More than was sent, or less than before, is no answer. */
static void test_peer_flow_impossible(void **state) {
    (void)state;
    assert_false(peer_flow_received(&flow, 101, false, 1100));
    assert_true(peer_flow_received(&flow, 50, false, 1100));
    assert_false(peer_flow_received(&flow, 49, false, 1100));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_peer_flow_idle, setup),
        cmocka_unit_test_setup(test_peer_flow_hangs, setup),
        cmocka_unit_test_setup(test_peer_flow_trickles, setup),
        cmocka_unit_test_setup(test_peer_flow_paused, setup),
        cmocka_unit_test_setup(test_peer_flow_impossible, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
