/* A count over the table that any broker gives. */
#include "client/brokers/drain_preview.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"
#include "protocol/messages/metadata.h"

struct preview {
    int32_t replicas;                               /* that the broker holds */
    int32_t stay;                                   /* of those */
    const struct kp_metadata_response_topic *topic; /* of the first that stays */
    int32_t partition;
};

static bool holds(const struct kp_metadata_response_partition *partition, int32_t node) {
    return cluster_has_node(partition->replica_nodes.items, partition->replica_nodes.count, node);
}

/* Somebody else could have the replica. */
static bool may_go(const struct kp_metadata_response *metadata,
                   const struct kp_metadata_response_partition *partition, int32_t node) {
    for (int32_t i = 0; i < metadata->brokers.count; i++) {
        int32_t other = metadata->brokers.items[i].node_id;
        if (other != node && !holds(partition, other)) return true;
    }
    return false;
}

static void count(const struct kp_metadata_response *metadata,
                  const struct kp_metadata_response_topic *topic, int32_t node,
                  struct preview *preview) {
    for (int32_t p = 0; p < topic->partitions.count; p++) {
        const struct kp_metadata_response_partition *partition = &topic->partitions.items[p];
        if (!holds(partition, node)) continue;
        preview->replicas++;
        if (may_go(metadata, partition, node)) continue;
        if (preview->stay++ > 0) continue;
        preview->topic = topic;
        preview->partition = partition->partition_index;
    }
}

static void tell(struct session *session, int32_t node, const struct preview *preview) {
    if (preview->stay == 0) {
        say_plain("broker %" PRId32 " would be drained: its %" PRId32
                  " replicas go to others (--dry-run)",
                  node, preview->replicas);
        return;
    }
    const char *name = cluster_text(&session->arena, preview->topic->name);
    say_plain(
        "broker %" PRId32 " would not be empty: of its %" PRId32 " replicas %" PRId32
        " have nowhere to go, such as that of %s-%" PRId32
        ", which every other broker that is alive has already; add a broker, give such topics "
        "fewer replicas (drave topic move %s --to ...), or delete them (--dry-run)",
        node, preview->replicas, preview->stay, name, preview->partition, name);
}

int drain_preview_show(struct session *session, int32_t node, bool json) {
    struct kp_metadata_response metadata;
    struct preview preview = {0};
    int code = cluster_metadata(session->admin, &session->arena, NULL, &metadata);
    if (code != EXIT_DONE) return code;
    for (int32_t t = 0; t < metadata.topics.count; t++)
        count(&metadata, &metadata.topics.items[t], node, &preview);
    if (json)
        print_json(json_pack("{s:i,s:b,s:b,s:i,s:i}", "broker", (int)node, "drained", 0, "dry_run",
                             1, "replicas", (int)preview.replicas, "stay", (int)preview.stay));
    else
        tell(session, node, &preview);
    return EXIT_DONE;
}
