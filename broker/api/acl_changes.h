/*
 * What CreateAcls and DeleteAcls have in common: one command of the metadata for the whole request,
 * and what rules look like in it.
 *
 * Failures: INVALID_REQUEST with a sentence for more than ACL_CHANGES_MOST rules or filters (the
 * connection is closed), SECURITY_DISABLED while the authorizer is off,
 * CLUSTER_AUTHORIZATION_FAILED; what the metadata leader says.
 */
#ifndef BROKER_API_ACL_CHANGES_H
#define BROKER_API_ACL_CHANGES_H

#include "broker/access/acl.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata_group.h"
#include "broker/server/request.h"

enum { ACL_CHANGES_MOST = 1000, ACL_TIMEOUT_MS = 8000 };

#define ACLS_DISABLED "No Authorizer is configured on the broker"

/* NONE, or why the request is not even looked at. */
int16_t acl_request_error(const struct request *request, enum authorize_operation operation);
/* Its sentence. */
struct kp_string acl_error_message(int16_t error);

/* A host, or the filter of one, as rules have it; as it is, if it is none. In the arena. */
struct kp_string acl_host_of(struct kp_string host, struct kp_arena *arena);
struct command_acl acl_command_of(const struct acl_rule *rule);

/* Lines about rules that have changed, some a step: all of them, also when the client goes
 * meanwhile. Lies in the request's arena. */
struct acl_telling {
    const struct broker_services *services;
    struct request *request;
    bool added;
    bool (*next)(struct acl_telling *telling, struct acl_rule *rule); /* false: those were all */
    void (*done)(struct acl_telling *telling);                        /* ends the request */
};
/* Takes the request's state. */
void acl_tell_changes(struct acl_telling *telling);

#endif
