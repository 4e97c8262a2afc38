/*
 * What systemd is told, when it started this process: one datagram to
 * $NOTIFY_SOCKET, no library.
 *
 * Happy path: ready and stopping are said once each; a watchdog ($WATCHDOG_USEC) is fed from a
 * timer of the event loop, at twice the pace, so that a loop that hangs is seen. Failures: what
 * cannot be sent is not sent: nobody depends on it but systemd, which will say so.
 */
#ifndef BROKER_SERVICE_MANAGER_H
#define BROKER_SERVICE_MANAGER_H

#include "base/env.h"

struct service_manager;
/* NULL: nobody wants to be told. */
struct service_manager *service_manager_new(struct env *env);
/* Both: NULL does nothing. `status` is shown by systemctl status. */
void service_manager_ready(struct service_manager *manager, const char *status);
void service_manager_stopping(struct service_manager *manager);
void service_manager_free(struct service_manager *manager);

#endif
