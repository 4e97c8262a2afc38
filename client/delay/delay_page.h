/*
 * What waits for its time in a partition (DelayedRecords), asked at its leader, a page at a time.
 *
 * Happy path: Metadata for the leader, then the page. Failures: a leader that moves, or does not
 * answer, is asked again until the session's time is over; then its reason is said.
 */
#ifndef CLIENT_DELAY_DELAY_PAGE_H
#define CLIENT_DELAY_DELAY_PAGE_H

#include "client/session/topic_session.h"
#include "protocol/messages/delayed_records.h"

/* Fills the request's fallbacks in. */
void delay_request_begin(struct kp_delayed_records_request *request, const char *topic,
                         int32_t partition);
/* An exit code; the answer lives in the arena. `timeout_ms` is for this page. */
int delay_page(struct session *session, uint64_t timeout_ms,
               const struct kp_delayed_records_request *request, struct kp_arena *arena,
               struct kp_delayed_records_response *response);

#endif
