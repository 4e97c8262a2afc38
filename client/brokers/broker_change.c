/*
 * drave broker add, drain, remove, replace: who belongs to the cluster.
 *
 * Happy path: the change is asked of one broker, and is done when that has it; a newcomer is known
 * only where it knocked, so for it each broker is asked in turn. With --wait what follows is waited
 * for: that a newcomer serves, that one that drains holds nothing and has no vote that goes to
 * others, that one that was replaced is in sync wherever it is to be. Failures: what the cluster
 * refuses is said with its reason, exit code 1; so is what is not over when the time is: it goes on
 * all the same.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "client/brokers/drain_preview.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "client/session/meta_quorum.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_broker.h"
#include "protocol/messages/describe_cluster.h"

enum { PAUSE_MS = 200, LOOK_MS = 1000, ARENA_MAX = 512 << 20, VOTERS_STAY = 3 };

static int ask_brokers(struct session *session, struct kp_describe_cluster_response *cluster) {
    struct kp_describe_cluster_request request;
    struct error_text why = {""};
    kp_set_fallbacks(&kp_describe_cluster_request_schema, &request);
    int error = admin_request(session->admin, KP_DESCRIBE_CLUSTER, 2, &request, &session->arena,
                              cluster, NULL, &why);
    return error != ERR_NONE ? admin_failed(error, &why) : EXIT_DONE;
}

/* Asks one broker after the other, as long as they say that they have not heard of it. */
static int ask(struct session *session, int32_t node, enum kp_broker_change change,
               const struct invocation *in) {
    struct kp_describe_cluster_response cluster;
    struct kp_alter_broker_response response = {.error_code = KAFKA_BROKER_NOT_AVAILABLE,
                                                .error_message = KP_NULL_STRING};
    int code = ask_brokers(session, &cluster);
    if (code != EXIT_DONE) return code;
    struct kp_alter_broker_request request = {
        .broker_id = node,
        .change = (int8_t)change,
        .validate_only = invocation_has(in, OPTION_DRY_RUN),
        .accept_loss = invocation_has(in, OPTION_ACCEPT_LOSS)};
    int error = ERR_NONE;
    struct error_text why = {""};
    for (int32_t i = 0; i < cluster.brokers.count; i++) {
        const struct kp_describe_cluster_response_broker *broker = &cluster.brokers.items[i];
        if (broker->broker_id == node && change == KP_BROKER_REPLACE) continue; /* it waits */
        if (broker->is_fenced) continue;
        request.timeout_ms = admin_client_answer_ms(session->admin);
        error = admin_request_to(session->admin, cluster_text(&session->arena, broker->host),
                                 broker->port, KP_ALTER_BROKER, 0, &request, &session->arena,
                                 &response, NULL, &why);
        if (error == ERR_NONE && response.error_code != KAFKA_RESOURCE_NOT_FOUND) break;
    }
    if (error != ERR_NONE) return admin_failed(error, &why);
    if (response.error_code == KAFKA_NONE) return EXIT_DONE;
    say("broker %" PRId32 ": %s", node, cluster_text(&session->arena, response.error_message));
    return EXIT_REFUSED;
}

/* ---- Waiting ---- */

/* What is to be: true when it is so; `text`: what is waited for. */
typedef bool reached_fn(struct session *session, int32_t node, char text[200]);

static bool is_listed(struct session *session, int32_t node, char text[200]) {
    struct kp_describe_cluster_request request;
    struct kp_describe_cluster_response cluster;
    struct error_text why = {""};
    bool listed = false;
    snprintf(text, 200, "broker %" PRId32 " to serve", node);
    kp_set_fallbacks(&kp_describe_cluster_request_schema, &request);
    bool told = admin_request(session->admin, KP_DESCRIBE_CLUSTER, 2, &request, &session->arena,
                              &cluster, NULL, &why) == ERR_NONE;
    for (int32_t i = 0; told && i < cluster.brokers.count; i++)
        listed = listed || (cluster.brokers.items[i].broker_id == node &&
                            !cluster.brokers.items[i].is_fenced);
    return listed;
}

/* Somebody else can have its vote, or enough others have one (drains.h); until that has gone the
 * metadata may need it for a majority. */
static bool vote_leaves(struct session *session, int32_t node) {
    struct error_text why = {""};
    const struct kp_describe_quorum_response_partition *quorum = meta_quorum_ask(session, &why);
    if (quorum == NULL) return true; /* not known */
    bool votes = false;
    for (int32_t i = 0; i < quorum->current_voters.count; i++)
        votes = votes || quorum->current_voters.items[i].replica_id == node;
    return votes && (quorum->observers.count > 0 || quorum->current_voters.count > VOTERS_STAY);
}

static bool is_empty(struct session *session, int32_t node, char text[200]) {
    struct kp_metadata_response metadata;
    struct error_text why = {""};
    int holds = 0;
    snprintf(text, 200, "the cluster to answer");
    if (cluster_ask(session->admin, &session->arena, NULL, &metadata, &why) != ERR_NONE)
        return false;
    for (int32_t t = 0; t < metadata.topics.count; t++)
        for (int32_t p = 0; p < metadata.topics.items[t].partitions.count; p++) {
            const struct kp_metadata_response_partition *partition =
                &metadata.topics.items[t].partitions.items[p];
            for (int32_t r = 0; r < partition->replica_nodes.count; r++)
                holds += partition->replica_nodes.items[r] == node;
        }
    snprintf(text, 200, "%d replicas to leave broker %" PRId32, holds, node);
    if (holds > 0) return false;
    snprintf(text, 200, "others to vote on the metadata in the place of broker %" PRId32, node);
    return !vote_leaves(session, node);
}

static bool is_whole(struct session *session, int32_t node, char text[200]) {
    struct kp_metadata_response metadata;
    struct error_text why = {""};
    int lacks = 0;
    if (!is_listed(session, node, text) ||
        cluster_ask(session->admin, &session->arena, NULL, &metadata, &why) != ERR_NONE)
        return false;
    for (int32_t t = 0; t < metadata.topics.count; t++)
        for (int32_t p = 0; p < metadata.topics.items[t].partitions.count; p++) {
            const struct kp_metadata_response_partition *partition =
                &metadata.topics.items[t].partitions.items[p];
            lacks += cluster_has_node(partition->replica_nodes.items,
                                      partition->replica_nodes.count, node) &&
                     !cluster_has_node(partition->isr_nodes.items, partition->isr_nodes.count,
                                       node);
        }
    snprintf(text, 200, "%d replicas to be whole on broker %" PRId32, lacks, node);
    return lacks == 0;
}

static int wait_for(const struct invocation *in, int32_t node, reached_fn *reached) {
    struct patience patience;
    uint64_t until_ms = now_ms() + invocation_duration(in, OPTION_WAIT, 0, 0, 86400);
    patience_begin(&patience);
    for (;;) {
        char text[200];
        struct session session = {.admin = admin_client_new_quiet(in->bootstrap, LOOK_MS)};
        kp_arena_init(&session.arena, ARENA_MAX);
        bool done = reached(&session, node, text);
        session_end(&session, 0);
        if (done) return EXIT_DONE;
        if (now_ms() >= until_ms) {
            say("the time is over, waiting for %s; it goes on, and drave info shows when it is so",
                text);
            return EXIT_REFUSED;
        }
        patience_say(&patience, "%s", text);
        pause_ms(PAUSE_MS);
    }
}

/* ---- The commands ---- */

/* False: it was said what an id is. */
static bool parse_id(const char *text, int32_t *node) {
    char *end;
    long id = strtol(text, &end, 10);
    if (end == text || *end != '\0' || id < 0 || id > INT32_MAX) {
        say("%s is no id of a broker; write its node.id, for example 4", text);
        return false;
    }
    *node = (int32_t)id;
    return true;
}

static int say_would(const struct invocation *in, int32_t node, const char *key) {
    if (in->json)
        print_json(json_pack("{s:i,s:b,s:b}", "broker", (int)node, key, 0, "dry_run", 1));
    else
        say_plain("broker %" PRId32 " would be %s (--dry-run)", node, key);
    return EXIT_DONE;
}

/* `reached`: what --wait waits for; NULL: nothing. `key`: what it is then, in one word. */
static int change_broker(const struct invocation *in, enum kp_broker_change change,
                         reached_fn *reached, const char *key, const char *sentence) {
    struct session session;
    int32_t node;
    if (!parse_id(in->words[0], &node)) return EXIT_USAGE;
    bool dry_run = invocation_has(in, OPTION_DRY_RUN);
    session_begin(&session, in);
    int code = ask(&session, node, change, in);
    if (code == EXIT_DONE && dry_run && change == KP_BROKER_DRAIN)
        return session_end(&session, drain_preview_show(&session, node, in->json));
    session_end(&session, code);
    if (code == EXIT_DONE && dry_run) return say_would(in, node, key);
    if (code == EXIT_DONE && reached != NULL && invocation_has(in, OPTION_WAIT))
        code = wait_for(in, node, reached);
    if (code != EXIT_DONE) return code;
    if (in->json)
        print_json(json_pack("{s:i,s:b}", "broker", (int)node, key, 1));
    else
        say_plain("broker %" PRId32 " %s", node, sentence);
    return EXIT_DONE;
}

int command_broker_add(struct invocation *in) {
    return change_broker(
        in, KP_BROKER_ADD, is_listed, "added",
        "belongs to the cluster; new partitions are placed on it, and drave topic move brings it "
        "replicas that are there");
}

int command_broker_drain(struct invocation *in) {
    if (invocation_has(in, OPTION_UNDO))
        return change_broker(in, KP_BROKER_UNDRAIN, NULL, "undrained",
                             "gets replicas again; those that have left it stay where they are");
    if (invocation_has(in, OPTION_WAIT))
        return change_broker(in, KP_BROKER_DRAIN, is_empty, "drained", "holds no replicas");
    return change_broker(
        in, KP_BROKER_DRAIN, NULL, "drained",
        "gets no new replicas, and those that it holds are moved away; drave info shows how many "
        "are left");
}

int command_broker_remove(struct invocation *in) {
    return change_broker(in, KP_BROKER_REMOVE, NULL, "removed",
                         "does not belong to the cluster any more; its id and its directory never "
                         "come back");
}

int command_broker_replace(struct invocation *in) {
    if (invocation_has(in, OPTION_WAIT))
        return change_broker(in, KP_BROKER_REPLACE, is_whole, "replaced",
                             "has its new directory, and every replica is there again");
    return change_broker(in, KP_BROKER_REPLACE, NULL, "replaced",
                         "has its new directory; its replicas are brought up by the others, and "
                         "drave topic describe shows when they are in sync");
}
