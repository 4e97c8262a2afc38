/*
 * The table of Kafka's error codes. The contract is in kafka_error.h.
 */
#include "protocol/kafka_error.h"

#include <stddef.h>

struct error_row {
    int code;
    bool retriable; /* as Kafka's clients treat it */
    const char *name;
    const char *message;
};

/* clang-format off */
#define ROW(name, retriable, message) {KAFKA_##name, retriable, #name, message}
static const struct error_row error_table[] = {
    ROW(UNKNOWN_SERVER_ERROR, false, "The broker met an error that it has no code for; its log says more."),
    ROW(NONE, false, "No error."),
    ROW(OFFSET_OUT_OF_RANGE, false, "The offset is outside of what the partition holds."),
    ROW(CORRUPT_MESSAGE, true, "The record batch does not match its checksum, or its lengths are wrong."),
    ROW(UNKNOWN_TOPIC_OR_PARTITION, true, "This cluster has no such topic or partition."),
    ROW(INVALID_FETCH_SIZE, false, "The fetch size makes no sense."),
    ROW(LEADER_NOT_AVAILABLE, true, "The partition has no leader at the moment; an election is under way."),
    ROW(NOT_LEADER_OR_FOLLOWER, true, "Another broker leads this partition; ask for metadata again."),
    ROW(REQUEST_TIMED_OUT, true, "The request took longer than its timeout; it may have happened or not."),
    ROW(BROKER_NOT_AVAILABLE, false, "The broker is not available."),
    ROW(REPLICA_NOT_AVAILABLE, true, "The replica is not available."),
    ROW(MESSAGE_TOO_LARGE, false, "The record batch is larger than the topic accepts (max.message.bytes)."),
    ROW(OFFSET_METADATA_TOO_LARGE, false, "The metadata string of the offset is longer than offset.metadata.max.bytes."),
    ROW(NETWORK_EXCEPTION, true, "The connection broke before an answer came."),
    ROW(COORDINATOR_LOAD_IN_PROGRESS, true, "The coordinator is still loading."),
    ROW(COORDINATOR_NOT_AVAILABLE, true, "The coordinator is not available."),
    ROW(NOT_COORDINATOR, true, "Another broker is the coordinator."),
    ROW(INVALID_TOPIC, false, "The topic name is not valid."),
    ROW(RECORD_LIST_TOO_LARGE, false, "The record batches are larger than a segment."),
    ROW(NOT_ENOUGH_REPLICAS, true, "Fewer replicas are in sync than min.insync.replicas demands."),
    ROW(NOT_ENOUGH_REPLICAS_AFTER_APPEND, true, "The records were written, but to fewer replicas than min.insync.replicas demands."),
    ROW(INVALID_REQUIRED_ACKS, false, "acks must be 0, 1 or all (-1)."),
    ROW(ILLEGAL_GENERATION, false, "The group is in another generation by now; join again."),
    ROW(INCONSISTENT_GROUP_PROTOCOL, false, "The protocols of this member do not go together with those of the group."),
    ROW(INVALID_GROUP_ID, false, "The group id is not valid: it must not be empty here."),
    ROW(UNKNOWN_MEMBER_ID, false, "The group has no such member; join again."),
    ROW(INVALID_SESSION_TIMEOUT, false, "The session timeout is outside of what the broker allows (group.min.session.timeout.ms to group.max.session.timeout.ms)."),
    ROW(REBALANCE_IN_PROGRESS, false, "The group is being rebalanced; join again."),
    ROW(INVALID_COMMIT_OFFSET_SIZE, false, "The offsets of one commit are too large to be written."),
    ROW(TOPIC_AUTHORIZATION_FAILED, false, "Not allowed to do this to the topic."),
    ROW(GROUP_AUTHORIZATION_FAILED, false, "Not allowed to use this consumer group."),
    ROW(CLUSTER_AUTHORIZATION_FAILED, false, "Not allowed to do this to the cluster."),
    ROW(INVALID_TIMESTAMP, false, "A record's timestamp is out of the range that the topic accepts."),
    ROW(UNSUPPORTED_SASL_MECHANISM, false, "This mechanism of SASL is not on (sasl.enabled.mechanisms)."),
    ROW(ILLEGAL_SASL_STATE, false, "A login is not due here: the client is in, or its listener wants none."),
    ROW(UNSUPPORTED_VERSION, false, "This version of the request is not served."),
    ROW(TOPIC_ALREADY_EXISTS, false, "A topic of this name exists already."),
    ROW(INVALID_PARTITIONS, false, "The number of partitions is not possible."),
    ROW(INVALID_REPLICATION_FACTOR, false, "The replication factor is not possible: below 1, or above the number of live brokers."),
    ROW(INVALID_REPLICA_ASSIGNMENT, false, "The assignment of replicas to brokers is not possible."),
    ROW(INVALID_CONFIG, false, "A setting or its value is not valid."),
    ROW(NOT_CONTROLLER, true, "Another broker is the controller."),
    ROW(INVALID_REQUEST, false, "The request contradicts itself, or misses something."),
    ROW(UNSUPPORTED_FOR_MESSAGE_FORMAT, false, "The message format of the batch is not supported: only magic 2 is."),
    ROW(POLICY_VIOLATION, false, "The request violates a policy of this cluster."),
    ROW(OUT_OF_ORDER_SEQUENCE_NUMBER, false, "A batch of this idempotent producer is missing before this one."),
    ROW(DUPLICATE_SEQUENCE_NUMBER, false, "This batch of the idempotent producer came already, too long ago to know its offset."),
    ROW(INVALID_PRODUCER_EPOCH, false, "The producer uses an epoch that is over."),
    ROW(INVALID_TXN_STATE, false, "The transaction is in a state in which this is not possible."),
    ROW(INVALID_PRODUCER_ID_MAPPING, false, "The producer id does not belong to this transactional id."),
    ROW(INVALID_TRANSACTION_TIMEOUT, false, "The transaction timeout is larger than the broker allows."),
    ROW(CONCURRENT_TRANSACTIONS, true, "The transaction before is still being ended; try again."),
    ROW(TRANSACTION_COORDINATOR_FENCED, false, "A later coordinator has decided on transactions of this producer."),
    ROW(TRANSACTIONAL_ID_AUTHORIZATION_FAILED, false, "Not allowed to use this transactional id."),
    ROW(SECURITY_DISABLED, false, "Security is switched off."),
    ROW(OPERATION_NOT_ATTEMPTED, false, "Nothing was done, because another part of the request is wrong."),
    ROW(STORAGE_ERROR, true, "The disk of the broker failed."),
    ROW(SASL_AUTHENTICATION_FAILED, false, "The login failed: no such user, or another password."),
    ROW(UNKNOWN_PRODUCER_ID, false, "Nothing is known of this producer id: its records are gone."),
    ROW(REASSIGNMENT_IN_PROGRESS, false, "Replicas of this partition are being moved."),
    ROW(NON_EMPTY_GROUP, false, "The group has members."),
    ROW(GROUP_ID_NOT_FOUND, false, "There is no group with this id."),
    ROW(FETCH_SESSION_ID_NOT_FOUND, true, "There is no such fetch session."),
    ROW(INVALID_FETCH_SESSION_EPOCH, true, "The epoch of the fetch session is not the expected one."),
    ROW(LISTENER_NOT_FOUND, true, "The leader has no listener of the name on which the request came."),
    ROW(TOPIC_DELETION_DISABLED, false, "Deleting topics is switched off."),
    ROW(FENCED_LEADER_EPOCH, true, "The client knows an older leader epoch; ask for metadata again."),
    ROW(UNKNOWN_LEADER_EPOCH, true, "The client knows a newer leader epoch than this broker."),
    ROW(UNSUPPORTED_COMPRESSION_TYPE, false, "The codec of the batch is not supported in this version of the request."),
    ROW(STALE_BROKER_EPOCH, false, "The broker has registered again since."),
    ROW(OFFSET_NOT_AVAILABLE, true, "The new leader does not know yet up to where the log is committed."),
    ROW(MEMBER_ID_REQUIRED, false, "The member must join again with the id that it was given."),
    ROW(PREFERRED_LEADER_NOT_AVAILABLE, true, "The preferred leader is not available: it is down, or lags behind."),
    ROW(GROUP_MAX_SIZE_REACHED, false, "The group has as many members as it may have (group.max.size, group.consumer.max.size)."),
    ROW(FENCED_INSTANCE_ID, false, "Another member has the same group.instance.id; give each its own."),
    ROW(ELIGIBLE_LEADERS_NOT_AVAILABLE, true, "No replica can be elected: a majority of them is needed."),
    ROW(ELECTION_NOT_NEEDED, true, "The partition has the leader that was asked for."),
    ROW(NO_REASSIGNMENT_IN_PROGRESS, false, "No replica of the partition is being moved."),
    ROW(GROUP_SUBSCRIBED_TO_TOPIC, false, "Members of the group are subscribed to the topic."),
    ROW(INVALID_RECORD, false, "A record does not pass the checks of the broker."),
    ROW(UNSTABLE_OFFSET_COMMIT, true, "Offsets of an open transaction are in the way."),
    ROW(THROTTLING_QUOTA_EXCEEDED, true, "The quota is used up."),
    ROW(PRODUCER_FENCED, false, "A newer producer uses this transactional id."),
    ROW(RESOURCE_NOT_FOUND, false, "There is no such resource."),
    ROW(DUPLICATE_RESOURCE, false, "The request names a resource twice; name each one once."),
    ROW(UNACCEPTABLE_CREDENTIAL, false, "The password of a user cannot be kept like this."),
    ROW(INVALID_UPDATE_VERSION, false, "The feature cannot be at this level."),
    ROW(UNKNOWN_TOPIC_ID, true, "This cluster has no topic with this id."),
    ROW(BROKER_ID_NOT_REGISTERED, false, "The cluster has no broker with this id."),
    ROW(INCONSISTENT_TOPIC_ID, true, "The topic id does not belong to this topic name."),
    ROW(TRANSACTIONAL_ID_NOT_FOUND, false, "There is no such transactional id."),
    ROW(FETCH_SESSION_TOPIC_ID_ERROR, true, "The fetch session was begun with topic names and asked with ids, or the other way round."),
    ROW(FENCED_MEMBER_EPOCH, false, "The group has moved on without this member; join again with epoch 0."),
    ROW(UNRELEASED_INSTANCE_ID, false, "Another member still has this group.instance.id; it must leave first."),
    ROW(UNSUPPORTED_ASSIGNOR, false, "The broker has no such assignor, or does not offer it (group.consumer.assignors)."),
    ROW(STALE_MEMBER_EPOCH, false, "The member has another epoch by now; ask again with the epoch of its last heartbeat."),
    ROW(MISMATCHED_ENDPOINT_TYPE, false, "This is a broker, and another kind of endpoint was asked for."),
    ROW(UNSUPPORTED_ENDPOINT_TYPE, false, "This kind of endpoint is not served: only brokers are."),
    ROW(TRANSACTION_ABORTABLE, false, "This transaction cannot be committed; abort it, and begin another one."),
    ROW(INVALID_RECORD_STATE, false, "The record is not held by this member: it was acknowledged before, or its time was over."),
    ROW(SHARE_SESSION_NOT_FOUND, true, "The broker has no such share session; begin a new one."),
    ROW(INVALID_SHARE_SESSION_EPOCH, true, "The epoch of the share session is not the next one; begin a new one."),
    ROW(INVALID_REGULAR_EXPRESSION, false, "The regular expression cannot be compiled."),
    ROW(REBOOTSTRAP_REQUIRED, false, "The client means another cluster; it must begin again from its bootstrap servers."),
    ROW(SHARE_SESSION_LIMIT_REACHED, true, "The broker has as many share sessions as it may have (group.share.max.share.sessions)."),
};
/* clang-format on */

/* The row of a code, or NULL. */
static const struct error_row *find_row(int code) {
    for (size_t i = 0; i < sizeof(error_table) / sizeof(error_table[0]); i++)
        if (error_table[i].code == code) return &error_table[i];
    return NULL;
}

const char *kafka_error_name(int code) {
    const struct error_row *row = find_row(code);
    return row == NULL ? "UNKNOWN_ERROR" : row->name;
}

const char *kafka_error_message(int code) {
    const struct error_row *row = find_row(code);
    return row == NULL ? "The broker answered with an error code that this program does not know."
                       : row->message;
}

bool kafka_error_retriable(int code) {
    const struct error_row *row = find_row(code);
    return row != NULL && row->retriable;
}
