/*
 * A Metadata request that comes while leaders change waits for the new ones, for a moment.
 *
 * A client whose leader has just died asks at once, often before this broker knows more than that a link broke. Told the old leader again,
 * or none, it asks the next time when a timer of its own says so: up to a second later. An election takes a tenth of that.
 */
#ifndef BROKER_API_METADATA_HOLD_H
#define BROKER_API_METADATA_HOLD_H

#include "broker/api/services.h"
#include "broker/server/request.h"
#include "protocol/messages/metadata.h"

/* The topic that is asked for, or NULL. */
typedef const struct metadata_topic *metadata_hold_find(const struct metadata *metadata,
                                                        const struct kp_metadata_request_topic *asked);

/* True if a leader among what `request` asks for (`all`: every topic) is in doubt: then go_on is called once, after this call,
 * when none is any more or LEADER_DOUBT_MS are over; while the broker stops the connection is closed instead. */
bool metadata_hold(const struct broker_services *services, struct request *request, bool all, metadata_hold_find *find,
                   void (*go_on)(const struct broker_services *services, struct request *request));

#endif
