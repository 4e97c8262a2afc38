/*
 * The one place where errors of the layers below become Kafka's codes. An error that nobody thought
 * of becomes UNKNOWN_SERVER_ERROR, which clients do not repeat, and never a success or a default
 * value.
 */
#ifndef BROKER_ERRORS_ERROR_MAP_H
#define BROKER_ERRORS_ERROR_MAP_H

#include <stdint.h>

/* From a group: submit, confirm. */
int16_t error_map_group(int error);
/* From reading the log of a partition. */
int16_t error_map_log(int error);
/* From looking at a batch that a client sent. */
int16_t error_map_batch(int error);

#endif
