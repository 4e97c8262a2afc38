/* kcat's format letters, so that a habit carries over: %s %S %R %k %K %t %p %o %T %h %%, \n \t \r
 * \0 \xNN. */
#ifndef CLIENT_RECORDS_RECORD_FORMAT_H
#define CLIENT_RECORDS_RECORD_FORMAT_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* ERR_NONE, or ERR_INVALID with *at the place in `format` that makes no sense. */
int record_format_check(const char *format, const char **at);
/* Prints one record by a format that was checked; `none` stands for a key or value that is null. */
void record_print(const char *format, const char *none, const rd_kafka_message_t *message);

#endif
