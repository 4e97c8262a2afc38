/*
 * Who votes on the metadata, and who follows, as its leader says it (KIP-595, DescribeQuorum).
 *
 * The answer lies in the session's arena. Failures: NULL, and `why` says why: no broker answers, or
 * none leads.
 */
#ifndef CLIENT_SESSION_META_QUORUM_H
#define CLIENT_SESSION_META_QUORUM_H

#include "client/session/topic_session.h"
#include "protocol/messages/describe_quorum.h"

const struct kp_describe_quorum_response_partition *meta_quorum_ask(struct session *session,
                                                                    struct error_text *why);

#endif
