/* An event of a broker as a line for people: when, which broker, what, why. */
#ifndef CLIENT_HEALTH_EVENT_LINE_H
#define CLIENT_HEALTH_EVENT_LINE_H

#include "protocol/messages/broker_status.h"

enum { EVENT_LINE = 600 };

/* `node`: who has noted it. In events.c. */
void event_line(const struct kp_broker_status_response_event *event, int32_t node,
                char into[EVENT_LINE]);

#endif
