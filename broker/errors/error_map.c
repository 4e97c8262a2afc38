/* One table for each layer below: its errors, and Kafka's codes for them. */
#include "broker/errors/error_map.h"

#include "base/error.h"
#include "protocol/kafka_error.h"

int16_t error_map_group(int error) {
    switch (error) {
    case ERR_NONE: return KAFKA_NONE;
    case ERR_NOT_LEADER:
    case ERR_TIMEOUT: /* no majority confirmed that we lead */
    case ERR_CANCELED: /* the group is closed here */ return KAFKA_NOT_LEADER_OR_FOLLOWER;
    case ERR_LIMIT: return KAFKA_NOT_ENOUGH_REPLICAS; /* too much waits for a majority */
    default: return KAFKA_UNKNOWN_SERVER_ERROR;
    }
}

int16_t error_map_log(int error) {
    switch (error) {
    case ERR_NONE: return KAFKA_NONE;
    case ERR_CANCELED: return KAFKA_NOT_LEADER_OR_FOLLOWER;
    case ERR_NOT_FOUND: /* the offset was in range: the log does not have what it should */
    case ERR_CORRUPT:
    case ERR_MALFORMED:
    case ERR_IO:
    case ERR_SYSTEM:
    case ERR_DENIED:
    case ERR_LIMIT:
    case ERR_VERSION:
    case ERR_NO_SPACE:
    case ERR_NO_INODES:
    case ERR_QUOTA:
    case ERR_FILE_SIZE:
    case ERR_READ_ONLY: return KAFKA_STORAGE_ERROR;
    default: return KAFKA_UNKNOWN_SERVER_ERROR;
    }
}

int16_t error_map_batch(int error) {
    switch (error) {
    case ERR_NONE: return KAFKA_NONE;
    case ERR_CORRUPT: return KAFKA_CORRUPT_MESSAGE;
    case ERR_TOO_LARGE: return KAFKA_MESSAGE_TOO_LARGE;
    case ERR_VERSION: /* the formats before Kafka 0.11; Produce 3 and later may not carry them
                         (KIP-98) */
    case ERR_EOF:
    case ERR_MALFORMED: return KAFKA_INVALID_RECORD;
    default: return KAFKA_UNKNOWN_SERVER_ERROR;
    }
}
