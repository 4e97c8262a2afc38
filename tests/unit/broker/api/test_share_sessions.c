/* Who has which share session, and how many there may be. */
#include "base/env_uv/env_uv.h"
#include "broker/api/share_sessions.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

enum { MOST = 20 };

struct fixture {
    struct broker_services services;
    struct request request;
};

static void begin(struct fixture *f) {
    *f = (struct fixture){0};
    assert_int_equal(env_uv_new(&f->services.env, 2), 0);
    f->services.share_sessions = share_sessions_new(MOST);
}

static void end(struct fixture *f) {
    share_sessions_free(f->services.share_sessions);
    assert_true(env_uv_free(f->services.env));
}

static struct share_session *open_one(struct fixture *f, const void *connection, const char *group,
                                      const char *member) {
    f->request.connection = (struct connection *)connection;
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

/* So many of each connection, and so many in all; one that opens anew takes its own place. */
static void test_limits(void **state) {
    (void)state;
    struct fixture f;
    static const char connections[3];
    static const char *const names[MOST + 1] = {"a", "b", "c", "d", "e", "f", "g",
                                                "h", "i", "j", "k", "l", "m", "n",
                                                "o", "p", "q", "r", "s", "t", "u"};
    int made = 0;
    begin(&f);
    for (int i = 0; i < SHARE_SESSIONS_OF_A_CONNECTION; i++)
        assert_non_null(open_one(&f, &connections[0], "g", names[made++]));
    assert_null(open_one(&f, &connections[0], "g", names[made]));
    assert_null(open_one(&f, &connections[0], "h", names[0]));
    assert_non_null(open_one(&f, &connections[0], "g", names[0]));
    for (int i = 0; i < SHARE_SESSIONS_OF_A_CONNECTION; i++)
        assert_non_null(open_one(&f, &connections[1], "g", names[made++]));
    while (made < MOST)
        assert_non_null(open_one(&f, &connections[2], "g", names[made++]));
    assert_null(open_one(&f, &connections[2], "g", names[made]));
    share_sessions_gone(&f.services, &connections[0]);
    assert_non_null(open_one(&f, &connections[2], "g", names[made]));
    end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
