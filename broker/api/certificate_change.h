/*
 * A listener's key and certificates are read anew, as Kafka's tools ask for it: a setting of one
 * broker, listener.name.NAME.ssl.keystore.location or .ssl.truststore.location, is set to the file
 * that it has already (KIP-226).
 *
 * Happy path: the files are read now, hold for connections that come then, and the answer says so.
 * Nothing is kept in the metadata: which file it is stands in the broker's own file alone, whoever
 * asks. Failures: INVALID_REQUEST (another file, such settings together with others, no such
 * listener, a password), INVALID_CONFIG with the sentence of what cannot be used: what was read
 * before stays in force. The API has asked whether the user may change settings of brokers.
 */
#ifndef BROKER_API_CERTIFICATE_CHANGE_H
#define BROKER_API_CERTIFICATE_CHANGE_H

#include "broker/api/config_changes.h"

/* Whether the resource, one broker, asks for it. */
bool certificate_change_is(const struct config_resource *resource);
/* Ends the item, later where files are read. */
void certificate_change_begin(struct topic_change *item, const struct config_resource *resource);

#endif
