/*
 * Judging a request to hand over, the transfers under way, and the answers.
 *
 * A request is u8 format, u64 group, i32 target, little-endian; its answer u8 format, u8 outcome.
 */
#include "broker/balance/leader_transfer.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "storage/little_endian.h"

#include <utlist.h>

enum { FORMAT = 1, REQUEST_SIZE = 13, ANSWER_SIZE = 2 };

/* One that another broker asked for. */
struct asked {
    struct leader_handover handover;
    struct broker_messages *messages;
    struct broker_caller caller;
};

struct leader_transfers {
    int32_t node;
    const struct metadata *metadata;
    struct partition_set *partitions;
    struct broker_messages *messages;
    struct leader_handover *handovers;
    size_t count;
};

/* ---- Handing over ---- */

static void remove_handover(struct leader_handover *handover) {
    DL_DELETE(handover->transfers->handovers, handover);
    handover->transfers->count--;
    handover->transfers = NULL;
}

static void on_transferred(struct raft_group_transfer *transfer, int error) {
    struct leader_handover *handover = CONTAINER_OF(transfer, struct leader_handover, transfer);
    remove_handover(handover);
    handover->done(handover, error == ERR_NONE ? TRANSFER_DONE : TRANSFER_IN_VAIN);
}

/* The replica of that broker; 0: it has none. */
static uint64_t replica_of(const struct metadata_partition *partition, int32_t node) {
    for (size_t i = 0; i < partition->replica_count; i++)
        if (partition->replicas[i].node == node) return partition->replicas[i].replica;
    return 0;
}

static enum leader_transfer_outcome outcome_of(int error) {
    switch (error) {
    case ERR_NOT_LEADER: return TRANSFER_NOT_LEADER;
    case ERR_LIMIT: return TRANSFER_BUSY;
    default: return TRANSFER_NOT_READY;
    }
}

bool leader_handover_begin(struct leader_transfers *transfers, struct leader_handover *handover,
                           uint64_t group, int32_t target, enum leader_transfer_outcome *outcome) {
    struct partition *partition = partition_set_find_group(transfers->partitions, group);
    const struct metadata_partition *row = metadata_partition_of_group(transfers->metadata, group);
    *outcome = TRANSFER_BUSY;
    if (partition == NULL || row == NULL || !partition_is_leading(partition)) {
        *outcome = TRANSFER_NOT_LEADER;
    } else if (target == transfers->node) {
        *outcome = TRANSFER_NOT_NEEDED;
    } else if (transfers->count < LEADER_TRANSFERS_MAX && !partition_puts_off_handover(partition)) {
        handover->transfer = (struct raft_group_transfer){.done = on_transferred};
        int error = raft_group_transfer_begin(partition_group(partition), &handover->transfer,
                                              replica_of(row, target));
        *outcome = outcome_of(error);
        if (error != ERR_NONE) return false;
        handover->transfers = transfers;
        DL_APPEND(transfers->handovers, handover);
        transfers->count++;
        return true;
    }
    return false;
}

void leader_handover_cancel(struct leader_handover *handover) {
    if (handover->transfers == NULL) return;
    raft_group_transfer_cancel(&handover->transfer);
    remove_handover(handover);
}

/* ---- Asked by others ---- */

struct slice leader_transfer_request(uint64_t group, int32_t target) {
    uint8_t bytes[REQUEST_SIZE] = {FORMAT};
    le_put_u64(bytes + 1, group);
    le_put_u32(bytes + 9, (uint32_t)target);
    return slice_copy(NULL, bytes, sizeof bytes);
}

int leader_transfer_answer_decode(const uint8_t *body, size_t len,
                                  enum leader_transfer_outcome *outcome) {
    if (len != ANSWER_SIZE || body[0] != FORMAT || body[1] >= TRANSFER_OUTCOMES)
        return ERR_MALFORMED;
    *outcome = (enum leader_transfer_outcome)body[1];
    return ERR_NONE;
}

static void transfer_answer(struct broker_messages *messages, struct broker_caller caller,
                            enum leader_transfer_outcome outcome) {
    uint8_t bytes[ANSWER_SIZE] = {FORMAT, (uint8_t)outcome};
    broker_messages_answer(messages, caller, slice_copy(NULL, bytes, sizeof bytes));
}

static void on_asked_done(struct leader_handover *handover, enum leader_transfer_outcome outcome) {
    struct asked *asked = (struct asked *)handover; /* its first field */
    transfer_answer(asked->messages, asked->caller, outcome);
    mem_free(asked);
}

static void on_request(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct leader_transfers *transfers = arg;
    enum leader_transfer_outcome outcome = TRANSFER_NOT_READY;
    if (len != REQUEST_SIZE || body[0] != FORMAT) {
        transfer_answer(transfers->messages, caller, outcome);
        return;
    }
    struct asked *asked = mem_zalloc(sizeof *asked);
    asked->handover.done = on_asked_done;
    asked->messages = transfers->messages;
    asked->caller = caller;
    if (leader_handover_begin(transfers, &asked->handover, le_get_u64(body + 1),
                              (int32_t)le_get_u32(body + 9), &outcome))
        return;
    transfer_answer(transfers->messages, caller, outcome);
    mem_free(asked);
}

/* ---- Life ---- */

struct leader_transfers *leader_transfers_new(int32_t node, const struct metadata *metadata,
                                              struct partition_set *partitions,
                                              struct broker_messages *messages) {
    struct leader_transfers *transfers = mem_zalloc(sizeof *transfers);
    *transfers = (struct leader_transfers){
        .node = node, .metadata = metadata, .partitions = partitions, .messages = messages};
    broker_messages_serve(messages, BROKER_REQUEST_TRANSFER, on_request, transfers);
    return transfers;
}

void leader_transfers_free(struct leader_transfers *transfers) {
    if (transfers == NULL) return;
    broker_messages_serve(transfers->messages, BROKER_REQUEST_TRANSFER, NULL, NULL);
    while (transfers->handovers != NULL) {
        struct leader_handover *handover = transfers->handovers;
        bool theirs = handover->done == on_asked_done;
        leader_handover_cancel(handover);
        if (theirs) mem_free(handover);
    }
    mem_free(transfers);
}
