/*
 * When the leaders on this broker look for records that are too old or too many.
 *
 * Happy path: every log.retention.check.interval.ms all open partitions are walked over, in steps
 * between which everybody else has his turn (partition_retain); and when a topic's settings have
 * changed. While the disk has less free than
 * disk.min.free.bytes it is done at once and every PRESSED_MS, and files that were let go of are
 * removed without delay. Failures: none; what could not be submitted is met again at the next walk.
 * Invariants: no partition has a timer for it; one walk at a time.
 */
#ifndef BROKER_RETENTION_RETENTION_H
#define BROKER_RETENTION_RETENTION_H

#include "broker/config/broker_settings.h"
#include "broker/partition_set/partition_set.h"

struct retention;

struct retention *retention_new(struct env *env, const struct broker_settings *settings,
                                struct log_store *store, struct partition_set *partitions);
void retention_free(struct retention *retention); /* NULL does nothing */
/* What topics may keep has changed, or how often that is looked at: it is looked at soon, and from
 * then on as the settings say. */
void retention_look(struct retention *retention);

#endif
