/* Large answers are encoded when the memory for answers has room, and not before. */
#include <unistd.h>

#include "protocol/messages/api_table.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_server.h"
#include "tests/unit/unit.h"

enum { TOPICS = 10000, SPENT = 64 << 20 };

/* A request is answered with 10,000 topics while others have spent the memory for answers, and one
 * of them may pass the limit. */
static int ask_and_answer(struct stage *stage, struct budget **answers) {
    struct kp_metadata_request message;
    static struct kp_metadata_response response;
    stage_open_server(stage);
    int client = stage_dial(stage);
    kp_set_fallbacks(&kp_metadata_request_schema, &message);
    stage_ask(client, KP_METADATA, 1, 7, &message);
    stage_run_until_held(stage, 1);
    struct request *request = stage->held[0];
    stage->held[0] = NULL;
    *answers = request->ctx.answers;
    budget_charge(*answers, SPENT);
    assert_true(budget_may_pass(*answers, stage));
    kp_set_fallbacks(&kp_metadata_response_schema, &response);
    struct kp_metadata_response_topic *topics = kp_new_items(
        &request->arena, &kp_metadata_response_topic_schema, &response.topics, TOPICS);
    for (int i = 0; i < TOPICS; i++)
        topics[i].name = kp_string_of("a topic that is not there");
    request_respond_kept(request, &response);
    stage_run_ms(stage, 50);
    return client;
}

/* Nothing of it comes before there is room; then all of it does, and all is given back. */
static void test_encode_waits_for_room(void **state) {
    struct stage *stage = *state;
    static uint8_t frame[1 << 20];
    struct budget *answers;
    int client = ask_and_answer(stage, &answers);
    stage->client = client;
    assert_false(stage_can_read(stage));
    budget_release(answers, SPENT);
    budget_end_pass(answers, stage);
    assert_true(stage_receive(stage, client, frame, sizeof frame) > TOPICS * 25);
    close(client);
    stage_run_until(stage, stage_has_nothing);
}

static bool has_only_what_others_spent(struct stage *stage) {
    return server_memory_of(stage->server)->answers.used == SPENT &&
           server_memory_request_bytes(server_memory_of(stage->server)) == 0;
}

/* Who leaves while his answer waits gives everything back at once. */
static void test_encode_client_leaves(void **state) {
    struct stage *stage = *state;
    struct budget *answers;
    int client = ask_and_answer(stage, &answers);
    close(client);
    stage_run_until(stage, has_only_what_others_spent);
    budget_release(answers, SPENT);
    budget_end_pass(answers, stage);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_encode_waits_for_room),
        TEST(test_encode_client_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
