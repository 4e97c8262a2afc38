/*
 * A login that failed: its client hears so later, the later the more often its address has failed,
 * and then its connection is closed.
 *
 * Happy path: login_failure_begin; after the delay `tell` ends the request. Failures: too many
 * wait: the connection is closed without an answer. Nothing more of the client is read meanwhile;
 * one that goes is not waited for.
 */
#ifndef BROKER_API_LOGIN_FAILURE_H
#define BROKER_API_LOGIN_FAILURE_H

#include "broker/api/services.h"
#include "broker/server/request.h"

/* The request's `state` is the failure's from here on. */
void login_failure_begin(const struct broker_services *services, struct request *request,
                         void (*tell)(struct request *request));

#endif
