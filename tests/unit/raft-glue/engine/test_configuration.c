/* Configurations as bytes: the engine is the oracle, and what it would not bear is refused. */
#include <stdlib.h>

#include "base/error.h"
#include "raft-glue/engine/configuration.h"
#include "tests/unit/unit.h"

/* Configurations: ours is what the engine makes, and anything cut or bent is refused. */
static void test_change_decode_bent(void **state) {
    (void)state;
    const struct configuration_server encoded[] = {{7, true}, {1234567890123, false}, {9, true}};
    struct slice slice = configuration_encode(encoded, 3);
    struct raft_buffer buffer = {(void *)slice.data, slice.len};
    struct raft_configuration conf;
    raft_configuration_init(&conf);
    assert_int_equal(raft_configuration_decode(&buffer, &conf), 0);
    assert_int_equal(conf.n, 3);
    assert_string_equal(conf.servers[1].address, "1234567890123");
    assert_int_equal(conf.servers[1].role, RAFT_STANDBY);
    struct raft_buffer theirs;
    assert_int_equal(raft_configuration_encode(&conf, &theirs), 0);
    assert_int_equal(theirs.len, slice.len);
    assert_memory_equal(theirs.base, slice.data, slice.len);
    raft_free(theirs.base);
    raft_configuration_close(&conf);
    struct configuration_server servers[CHANGE_SERVERS_MAX];
    size_t n;
    assert_int_equal(configuration_decode(slice.data, slice.len, servers, &n), ERR_NONE);
    assert_true(n == 3 && servers[2].replica == 9 && servers[2].voter && !servers[1].voter);
    size_t padding = 0;
    while (slice.data[slice.len - 1 - padding] == 0)
        padding++;
    for (size_t len = 0; len + padding < slice.len; len++)
        assert_int_equal(configuration_decode(slice.data, len, servers, &n), ERR_MALFORMED);
    uint8_t *bytes = (uint8_t *)slice.data;
    for (size_t i = 0; i < slice.len; i++) {
        bytes[i] ^= 0x40;
        assert_int_equal(configuration_decode(bytes, slice.len, servers, &n), ERR_MALFORMED);
        bytes[i] ^= 0x40;
    }
    slice_unref(&slice);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_change_decode_bent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
