/* One partition, whoever leads it. */
#include "client/delay/delay_page.h"

#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"

enum { PAUSE_MS = 50 };

void delay_request_begin(struct kp_delayed_records_request *request, const char *topic,
                         int32_t partition) {
    kp_set_fallbacks(&kp_delayed_records_request_schema, request);
    request->topic = kp_string_of(topic);
    request->partition_index = partition;
}

/* Kafka's code, or -1: not reached, with `why`. */
static int ask_leader(struct session *session, const struct kp_delayed_records_request *request,
                      struct kp_arena *arena, struct kp_delayed_records_response *response,
                      struct error_text *why) {
    struct kp_metadata_response metadata;
    const char *name = request->topic.data;
    if (cluster_ask(session->admin, arena, name, &metadata, why)) {
        return -1;
    }
    const struct kp_metadata_response_topic *topic = cluster_find_topic(&metadata, name);
    const struct kp_metadata_response_partition *partition =
        topic ? cluster_find_partition(topic, request->partition_index) : NULL;
    const struct kp_metadata_response_broker *leader =
        partition ? cluster_broker(&metadata, partition->leader_id) : NULL;
    if (topic && topic->error_code) {
        return topic->error_code;
    }
    if (!leader) {
        return KAFKA_NOT_LEADER_OR_FOLLOWER;
    }
    int error = admin_request_to(session->admin, cluster_text(arena, leader->host), leader->port,
                                 KP_DELAYED_RECORDS, 0, request, arena, response, NULL, why);
    return error ? -1 : response->error_code;
}

int delay_page(struct session *session, uint64_t timeout_ms,
               const struct kp_delayed_records_request *request, struct kp_arena *arena,
               struct kp_delayed_records_response *response) {
    struct patience patience;
    patience_begin(&patience);
    admin_client_renew(session->admin, timeout_ms);
    for (;;) {
        struct error_text why = {""};
        int code = ask_leader(session, request, arena, response, &why);
        bool again = code < 0 || code == KAFKA_NOT_LEADER_OR_FOLLOWER;
        const char *reason = code < 0 ? why.text : kafka_error_message((int16_t)code);
        if (code == KAFKA_NONE) {
            return EXIT_DONE;
        }
        if (!again) {
            return session_refused(session, request->topic.data, (int16_t)code,
                                   response->error_message);
        }
        if (admin_client_left_ms(session->admin) <= PAUSE_MS) {
            say("the leader of partition %d of \"%s\" tells nothing: %s",
                (int)request->partition_index, request->topic.data, reason);
            return EXIT_REFUSED;
        }
        patience_say(&patience, "the leader of %s-%d: %s", request->topic.data,
                     (int)request->partition_index, reason);
        pause_ms(PAUSE_MS);
    }
}
