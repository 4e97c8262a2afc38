/*
 * The log of a coordinator, whoever implements it: each call goes to its type.
 */
#include "broker/coordinator/coordinator_log.h"

void coordinator_log_write(struct coordinator_log *log, const struct coordinator_record *records,
                           size_t count, struct coordinator_write *write) {
    write->log = log;
    log->type->write(log, records, count, write);
}

void coordinator_write_cancel(struct coordinator_write *write) {
    if (write->log != NULL) write->log->type->write_cancel(write);
}

bool coordinator_log_in_doubt(const struct coordinator_log *log) {
    return log->type->in_doubt(log);
}

void coordinator_log_confirm(struct coordinator_log *log, struct coordinator_confirm *confirm) {
    confirm->log = log;
    log->type->confirm(log, confirm);
}

void coordinator_confirm_cancel(struct coordinator_confirm *confirm) {
    if (confirm->log != NULL) confirm->log->type->confirm_cancel(confirm);
}

int32_t coordinator_log_epoch(const struct coordinator_log *log) {
    return log->type->epoch(log);
}
