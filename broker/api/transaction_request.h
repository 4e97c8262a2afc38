/*
 * What the requests about one transactional id have in common: permission, the coordinator of the
 * id on this broker, and one call that ends the request.
 *
 * Happy path: fill the call (broker/coordinator/transaction/transaction_call.h) but for `done`, and
 * transaction_request_begin; `answer` with what came out.
 * Failures, through `answer`: INVALID_REQUEST (no id), TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
 * NOT_COORDINATOR, and those of the call. When the client goes, what is under way is canceled, and
 * the request ends without an answer. Invariant: the request ends once, by `answer` or because its
 * client has gone.
 */
#ifndef BROKER_API_TRANSACTION_REQUEST_H
#define BROKER_API_TRANSACTION_REQUEST_H

#include "broker/api/services.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/transaction/transaction_call.h"
#include "broker/server/request.h"

/* First of the handler's state, which is request->state, in the request's arena. */
struct transaction_request {
    struct request *request;
    const struct broker_services *services;
    struct transaction_call call;
    /* Ends the request. */
    void (*answer)(struct transaction_request *transaction, int16_t error);
    struct coordinator_find find; /* ours */
    bool calls;                   /* the call is under way */
    bool allowed;                 /* it was asked, and may */
};

/* The four above `find` are set; all else is zero. */
void transaction_request_begin(struct transaction_request *transaction);

/* Whether it names an id, and may write by it; else it is answered. For who does something before
 * it begins; transaction_request_begin asks by itself. */
bool transaction_request_allowed(struct transaction_request *transaction);

/* The code as that version of the API may have it: who was fenced was told INVALID_PRODUCER_EPOCH
 * before KIP-588. `fenced_from`: the version that knows PRODUCER_FENCED. */
int16_t transaction_request_code(const struct request *request, int16_t error, int fenced_from);

#endif
