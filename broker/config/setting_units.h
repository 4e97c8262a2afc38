/*
 * One meaning under several names: times that Kafka also takes in minutes or hours.
 *
 * Happy path: log.retention.ms, log.roll.ms and log.roll.jitter.ms are what everybody reads. When
 * one of them is not set, what is set in minutes, else in hours, becomes its value, and is said to
 * come from there. Failures: none; the rows have limits in which nothing overflows. Pure.
 */
#ifndef BROKER_CONFIG_SETTING_UNITS_H
#define BROKER_CONFIG_SETTING_UNITS_H

#include "base/settings.h"

/* Behind all that was read from files and options, before anything is asked. */
void setting_units_resolve(struct settings *values);

#endif
