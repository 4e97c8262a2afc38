/* What host names mean: addresses are their own, loopback names need no resolver, unknown names
 * have none, and a cancel is a cancel. */
#include <string.h>

#include "tests/unit/base/fixture_loop.h"
#include "tests/unit/unit.h"

static struct {
    struct loop loop;
    char first[ENV_ADDRESS_SIZE];
    unsigned count, calls;
} now;

static void resolved(void *arg, const char (*addresses)[ENV_ADDRESS_SIZE], unsigned n) {
    (void)arg;
    now.count = n;
    now.calls++;
    if (n > 0) memcpy(now.first, addresses[0], sizeof now.first);
    loop_done(&now.loop);
}

static void never(void *arg, const char (*addresses)[ENV_ADDRESS_SIZE], unsigned n) {
    (void)arg, (void)addresses, (void)n;
    fail_msg("a canceled one is told");
}

/* Each in its own turn, one canceled before it. */
static void test_resolve(void **state) {
    (void)state;
    static char long_name[2000];
    memset(long_name, 'x', sizeof long_name - 1);
    const char *const hosts[][2] = {{"10.1.2.3", "10.1.2.3"},
                                    {"::1", "::1"},
                                    {"localhost", "127.0.0.1"},
                                    {"no-such-host.invalid", ""},
                                    {long_name, ""}};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        loop_open(&now.loop);
        now.calls = 0;
        now.first[0] = '\0';
        env_resolve_cancel(env_resolve(now.loop.env, hosts[i][0], never, NULL));
        env_resolve(now.loop.env, hosts[i][0], resolved, NULL);
        assert_int_equal(now.calls, 0);
        loop_run(&now.loop);
        assert_int_equal(now.calls, 1);
        assert_int_equal(now.count, hosts[i][1][0] == '\0' ? 0 : 1);
        assert_string_equal(now.first, hosts[i][1]);
        loop_close(&now.loop);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_resolve)};
    return cmocka_run_group_tests_name("env_resolve", tests, NULL, NULL);
}
