/* Partitions by who leads them, a message for each; and back. */
#include "broker/verification/transaction_invitations.h"

#include <inttypes.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/partition/partition_marker.h"
#include "protocol/wire.h"

enum { FORMAT = 1, HEAD_MOST = 32, INVITED_SIZE = 12 };

struct transaction_invitations {
    struct transaction_invitations_options options;
    struct log_limiter limiter;
};

struct invited {
    uint64_t group;
    struct leader leader;
};

struct transaction_invitations *transaction_invitations_new(
    const struct transaction_invitations_options *options) {
    struct transaction_invitations *invitations = mem_zalloc(sizeof *invitations);
    invitations->options = *options;
    return invitations;
}

void transaction_invitations_free(struct transaction_invitations *invitations) {
    mem_free(invitations);
}

/* A term that no leader epoch can have is nobody's. */
static void deliver(struct partition_set *own, const struct producer_invitation *invitation,
                    uint64_t group, log_term term) {
    struct partition *partition = partition_set_find_group(own, group);
    if (partition != NULL && term <= INT32_MAX)
        partition_invite(partition, invitation, (int32_t)term);
}

/* ---- Inviting ---- */

/* As many of them as there is room for whose leaders are known. */
static size_t find_leaders(const struct transaction_invitations *invitations,
                           const struct transaction_partitions *partitions,
                           struct invited *invited) {
    const struct transaction_invitations_options *options = &invitations->options;
    size_t found = 0;
    for (size_t t = 0; t < partitions->count; t++) {
        const struct transaction_topic *named = &partitions->topics[t];
        const struct metadata_topic *topic = metadata_topic_named(
            options->metadata, named->name.data, (size_t)named->name.len);
        for (size_t p = 0; topic != NULL && p < named->count; p++) {
            const struct metadata_partition *partition = metadata_partition_at(
                topic, named->partitions[p]);
            if (partition == NULL) continue;
            if (found == TRANSACTION_INVITED_MOST) return found;
            struct leader leader = leader_table_get(options->leaders, partition->group);
            if (leader.node == LEADER_NONE) continue;
            invited[found++] = (struct invited){partition->group, leader};
        }
    }
    return found;
}

/* All that `node` leads of them, which are taken out. */
static void invite(struct transaction_invitations *invitations, struct partition_set *own,
                   const struct producer_invitation *invitation, int32_t node,
                   struct invited *invited, size_t *count) {
    const struct transaction_invitations_options *options = &invitations->options;
    bool here = node == options->node;
    size_t rest = 0;
    struct kp_writer writer;
    kp_writer_init(&writer, HEAD_MOST + invitation->id_len + INVITED_SIZE * *count);
    kp_write_int8(&writer, FORMAT);
    kp_write_string(&writer, (struct kp_string){invitation->id, (int32_t)invitation->id_len}, false,
                    false);
    kp_write_int64(&writer, invitation->producer_id);
    kp_write_int16(&writer, invitation->epoch);
    kp_write_int32(&writer, invitation->coordinator_epoch);
    size_t count_at = kp_writer_size(&writer);
    int32_t told = 0;
    kp_write_int32(&writer, told);
    for (size_t i = 0; i < *count; i++) {
        if (invited[i].leader.node != node) {
            invited[rest++] = invited[i];
        } else if (here) {
            deliver(own, invitation, invited[i].group, invited[i].leader.term);
        } else {
            kp_write_int64(&writer, (int64_t)invited[i].group);
            kp_write_int32(&writer, (int32_t)invited[i].leader.term);
            told++;
        }
    }
    *count = rest;
    kp_patch_int32(&writer, count_at, told);
    if (here) {
        kp_writer_close(&writer);
        return;
    }
    uint8_t *data;
    size_t len;
    int error = kp_writer_take(&writer, &data, &len);
    CHECK(error == ERR_NONE); /* the limit is what is written */
    broker_messages_send(options->messages, node, BROKER_MESSAGE_INVITATIONS,
                         slice_adopt(NULL, data, len));
}

void transaction_invitations_send(struct transaction_invitations *invitations,
                                  struct partition_set *own,
                                  const struct producer_invitation *invitation,
                                  const struct transaction_partitions *partitions) {
    if (invitation->id_len > PRODUCER_INVITED_ID_MOST) return; /* nobody would keep it */
    struct invited *invited = mem_alloc(TRANSACTION_INVITED_MOST * sizeof *invited);
    size_t count = find_leaders(invitations, partitions, invited);
    while (count > 0)
        invite(invitations, own, invitation, invited[0].leader.node, invited, &count);
    mem_free(invited);
}

/* ---- Being invited ---- */

static void receive_all(struct kp_reader *reader, struct partition_set *own,
                        const struct producer_invitation *invitation, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        uint64_t group = (uint64_t)kp_read_int64(reader);
        log_term term = (log_term)kp_read_int32(reader);
        deliver(own, invitation, group, term);
    }
}

void transaction_invitations_receive(struct transaction_invitations *invitations,
                                     struct partition_set *own, int32_t node,
                                     const struct slice *message) {
    struct kp_reader reader;
    kp_reader_init(&reader, message->data, message->len);
    bool known = kp_read_int8(&reader) == FORMAT;
    struct kp_string id = kp_read_string(&reader, false, false);
    struct producer_invitation invitation = {.id = id.data,
                                             .id_len = (size_t)(id.len > 0 ? id.len : 0)};
    invitation.producer_id = kp_read_int64(&reader);
    invitation.epoch = kp_read_int16(&reader);
    invitation.coordinator_epoch = kp_read_int32(&reader);
    int32_t count = kp_read_count(&reader, false, false, INVITED_SIZE);
    if (known && reader.error == ERR_NONE && count >= 1 && count <= TRANSACTION_INVITED_MOST &&
        kp_reader_left(&reader) == (size_t)count * INVITED_SIZE) {
        receive_all(&reader, own, &invitation, count);
        return;
    }
    log_limited(invitations->options.log, &invitations->limiter, LOGGED_MESSAGE_UNKNOWN,
                "what broker %" PRId32
                " says of transactions makes no sense to this version and was dropped; give both "
                "the same version",
                node);
}
