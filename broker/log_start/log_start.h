/*
 * The start of a partition's log as a command: by it the leader says from which offset on records
 * are served, for all replicas, at one place of the log.
 *
 * Bytes, little-endian: u8 format 1, u8 command 2, i64 offset, u64 everywhere, u8 reason. Pure.
 * Failures: bytes of another format or command, or that make no sense.
 */
#ifndef BROKER_LOG_START_LOG_START_H
#define BROKER_LOG_START_LOG_START_H

#include "base/buffer.h"
#include "storage/log_types.h"

enum { LOG_START_COMMAND = 2 };

enum log_start_reason {
    LOG_START_RECORDS_DELETED = 1, /* a client asked for it (KIP-107) */
    LOG_START_RETENTION = 2,
    LOG_START_CAUGHT_UP = 3, /* the same start; more of what lies below is everywhere */
};

struct log_start {
    kafka_offset offset; /* what lies below is not served any more */
    /* Up to this entry the log is on the disk of every member, the dead ones included: nobody will
     * ask for it. 0: not known of any entry. */
    log_index everywhere;
    uint8_t reason; /* for whoever reads the log */
};

struct slice log_start_encode(const struct log_start *start);
/* ERR_VERSION: another format or command; ERR_MALFORMED. */
int log_start_decode(const void *bytes, size_t len, struct log_start *into);

#endif
