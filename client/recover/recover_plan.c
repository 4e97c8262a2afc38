/* Asking all brokers, page by page, and one of them for the topics. */
#include "client/recover/recover_plan.h"

#include <inttypes.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"

enum { ARENA_MAX = 512 << 20, ASK_MS = 3000 };

/* False: it does not answer. What it refuses to answer is no loss: `refused` says why. */
static bool ask_broker(struct recover_plan *plan, const struct broker_seen *broker,
                       struct recover_witness *into, const char **refused) {
    char address[STATUS_ADDRESS];
    struct error_text why = {""};
    struct kp_lost_majorities_request request;
    kp_set_fallbacks(&kp_lost_majorities_request_schema, &request);
    struct admin_client *admin = admin_client_new_quiet(broker_address(broker, address), ASK_MS);
    bool told = true;
    for (int64_t next = 0; told && next >= 0;) {
        struct kp_lost_majorities_response *page = kp_arena_alloc(&plan->arena, sizeof(*page));
        told = page && admin_request(admin, KP_LOST_MAJORITIES, 0, &request, &plan->arena, page,
                                     NULL, &why) == ERR_NONE;
        if (told && page->error_code != KAFKA_NONE) {
            *refused = kafka_error_message(page->error_code);
            next = -1;
        } else if (told) {
            into->pages = mem_grow(into->pages, into->page_count, &into->page_room,
                                   sizeof(struct kp_lost_majorities_response *));
            into->pages[into->page_count++] = page;
            into->metadata_leader = page->metadata_leader;
            next = request.from_topic = page->next_topic;
            request.from_partition = page->next_partition;
        }
    }
    admin_client_free(admin);
    return told;
}

static int ask_metadata(const struct invocation *in, struct recover_plan *plan) {
    struct error_text why = {""};
    struct admin_client *admin = admin_client_for(in);
    int error = cluster_ask(admin, &plan->arena, NULL, &plan->metadata, &why);
    admin_client_free(admin);
    return error ? admin_failed(error, &why) : EXIT_DONE;
}

int recover_plan_ask(const struct invocation *in, struct recover_plan *plan) {
    *plan = (struct recover_plan){.brokers = NULL};
    kp_arena_init(&plan->arena, ARENA_MAX);
    int code = cluster_status_list(in, &plan->cluster);
    if (code) {
        return code;
    }
    plan->brokers = mem_zalloc((plan->cluster.count + 1) * sizeof(*plan->brokers));
    for (size_t i = 0; i < plan->cluster.count; i++) {
        struct recover_witness *broker = &plan->brokers[i];
        broker->node = plan->cluster.brokers[i].node;
        broker->metadata_leader = -1;
        const char *refused = NULL;
        broker->answers = ask_broker(plan, &plan->cluster.brokers[i], broker, &refused);
        if (refused) {
            say("broker %" PRId32 " does not say what it has: %s", broker->node, refused);
            return EXIT_REFUSED;
        }
    }
    code = ask_metadata(in, plan);
    if (code == EXIT_DONE) {
        recover_judge(plan->brokers, plan->cluster.count, &plan->metadata, &plan->judged);
    }
    return code;
}

void recover_plan_close(struct recover_plan *plan) {
    for (size_t i = 0; plan->brokers && i < plan->cluster.count; i++) {
        mem_free(plan->brokers[i].pages);
    }
    mem_free(plan->brokers);
    recover_judgement_close(&plan->judged);
    cluster_status_close(&plan->cluster);
    kp_arena_close(&plan->arena);
}
