/* Who has which share session, and how many there may be. */
#include <stdio.h>

#include "base/env_uv/env_uv.h"
#include "broker/api/share_sessions.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { MOST = 40, PLACES = 16 };

struct fixture {
    struct broker_services services;
    struct metadata *metadata;
    struct request request;
};

static void begin(struct fixture *f) {
    *f = (struct fixture){0};
    assert_int_equal(env_uv_new(&f->services.env, 2), 0);
    f->metadata = metadata_new(1, 1);
    f->services.metadata = f->metadata;
    f->services.share_sessions = share_sessions_new(MOST, PLACES);
}

static void end(struct fixture *f) {
    share_sessions_free(f->services.share_sessions);
    metadata_free(f->metadata);
    assert_true(env_uv_free(f->services.env));
}

static struct share_session *open_one(struct fixture *f, const void *connection, const char *group,
                                      const char *member) {
    f->request.connection = (struct connection *)connection;
    if (f->request.ctx.peer == NULL) f->request.ctx.peer = "10.0.0.1:7";
    return share_sessions_open(&f->services, &f->request, kp_string_of(group),
                               kp_string_of(member));
}

/* Where the name of the group ends counts, whatever is in the names. */
static void test_keys(void **state) {
    (void)state;
    struct fixture f;
    struct share_session *session;
    begin(&f);
    f.request.connection = (struct connection *)&f;
    f.request.ctx.peer = "10.0.0.1:7";
    assert_non_null(share_sessions_open(&f.services, &f.request, (struct kp_string){"g\0x", 3},
                                        (struct kp_string){"y", 1}));
    assert_non_null(open_one(&f, &f, "ab", "c"));
    assert_int_equal(share_sessions_take(&f.services, (struct kp_string){"g", 1},
                                         (struct kp_string){"x\0y", 3}, 1, &session),
                     KAFKA_SHARE_SESSION_NOT_FOUND);
    assert_int_equal(
        share_sessions_take(&f.services, kp_string_of("a"), kp_string_of("bc"), 1, &session),
        KAFKA_SHARE_SESSION_NOT_FOUND);
    assert_int_equal(
        share_sessions_take(&f.services, kp_string_of("ab"), kp_string_of("c"), 1, &session),
        KAFKA_NONE);
    assert_false(share_sessions_others(f.services.share_sessions, session->number));
    assert_non_null(open_one(&f, &f, "ab", "d"));
    assert_true(share_sessions_others(f.services.share_sessions, session->number));
    end(&f);
}

/* Opens as many as it may on that connection; how many. */
static int open_all(struct fixture *f, const void *connection, const char *peer) {
    static int made;
    char name[16];
    f->request.ctx.peer = peer;
    for (int count = 0;; count++) {
        snprintf(name, sizeof name, "m%d", made++);
        if (open_one(f, connection, "g", name) == NULL) return count;
    }
}

/* So many of each connection; one that opens anew takes its own place. Of a host no more than are
 * free: one alone gets a half, from however many connections, and others find room. */
static void test_limits(void **state) {
    (void)state;
    struct fixture f;
    static const char connections[9];
    begin(&f);
    assert_int_equal(open_all(&f, &connections[0], "a:1"), SHARE_SESSIONS_OF_A_CONNECTION);
    f.request.ctx.peer = "a:1";
    share_sessions_gone(&f.services, &connections[0]);
    assert_non_null(open_one(&f, &connections[0], "g", "again"));
    assert_non_null(open_one(&f, &connections[0], "g", "again"));
    assert_int_equal(open_all(&f, &connections[0], "a:1"), SHARE_SESSIONS_OF_A_CONNECTION - 1);
    assert_int_equal(open_all(&f, &connections[1], "a:2"), SHARE_SESSIONS_OF_A_CONNECTION);
    assert_int_equal(open_all(&f, &connections[2], "a:3"),
                     MOST / 2 - 2 * SHARE_SESSIONS_OF_A_CONNECTION);
    assert_int_equal(open_all(&f, &connections[3], "a:4"), 0);
    assert_int_equal(open_all(&f, &connections[4], "b:1"), SHARE_SESSIONS_OF_A_CONNECTION);
    assert_int_equal(open_all(&f, &connections[5], "b:1"), 2);
    assert_int_equal(open_all(&f, &connections[6], "c:1"), 5);
    share_sessions_gone(&f.services, &connections[1]);
    assert_int_equal(open_all(&f, &connections[6], "c:1"), 3);
    end(&f);
}

static int put_all(struct fixture *f, struct share_session *session) {
    struct kp_uuid topic = {{1}};
    int32_t index = (int32_t)session->count;
    while (share_session_put(&f->services, session, topic, index) == KAFKA_NONE)
        index++;
    return index;
}

/* The same of partitions, whatever sessions they are in. */
static void test_places(void **state) {
    (void)state;
    struct fixture f;
    static const char connections[3];
    begin(&f);
    f.request.ctx.peer = "a:1";
    struct share_session *first = open_one(&f, &connections[0], "g", "m"),
                         *second = open_one(&f, &connections[1], "g", "n");
    assert_int_equal(put_all(&f, first), PLACES / 2);
    assert_int_equal(put_all(&f, second), 0);
    f.request.ctx.peer = "b:1";
    struct share_session *third = open_one(&f, &connections[2], "g", "o");
    assert_int_equal(put_all(&f, third), PLACES / 4);
    share_session_end(&f.services, first);
    assert_int_equal(put_all(&f, second), 6);
    end(&f);
}

/* What a session of many partitions held is released a little in each turn; it counts no more at
 * once. */
static void test_end_of_many(void **state) {
    (void)state;
    enum { MANY = 1000 };
    struct fixture f;
    begin(&f);
    share_sessions_free(f.services.share_sessions);
    f.services.share_sessions = share_sessions_new(MOST, 4 * MANY);
    struct share_session *session = open_one(&f, &f, "g", "m");
    uint64_t number = session->number;
    for (int32_t i = 0; i < MANY; i++)
        assert_int_equal(share_session_put(&f.services, session, (struct kp_uuid){{1}}, i),
                         KAFKA_NONE);
    share_sessions_gone(&f.services, &f);
    assert_null(share_sessions_numbered(f.services.share_sessions, number));
    assert_int_equal(
        share_sessions_places(f.services.share_sessions, kp_string_of("g"), kp_string_of("m")), 0);
    end(&f); /* with what is left of it */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_end_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
