/*
 * Names in the status of a broker, for who may not see all of them: topics and groups that he may
 * not describe have no name for him.
 *
 * Happy path: each text as it is, or HIDDEN in the place of the name. Failures: NULL string where
 * the arena has no room. Invariant: numbers stay, so that sums are right.
 */
#ifndef BROKER_API_STATUS_SIGHT_H
#define BROKER_API_STATUS_SIGHT_H

#include "broker/observe/snapshot.h"
#include "broker/observe/timeline.h"
#include "broker/server/request.h"

#define STATUS_HIDDEN "(hidden)"

/* A label of a metric with that name: borrowed as the text is. */
struct kp_string status_label(const struct request_ctx *ctx, const char *label,
                              struct kp_string text);
/* What an event is about, in the arena. */
struct kp_string status_subject(const struct request_ctx *ctx, const struct event *event,
                                struct kp_arena *arena);
/* Why something is not well: borrowed, or in the arena. */
struct kp_string status_reason(const struct request_ctx *ctx, const struct health_reason *reason,
                               struct kp_arena *arena);

#endif
