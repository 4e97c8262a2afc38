/* How brokers and their cluster are, asked over the port of clients (BrokerStatus). */
#ifndef CLIENT_HEALTH_HEALTH_REMOTE_H
#define CLIENT_HEALTH_HEALTH_REMOTE_H

#include "client/health/health_format.h"
#include "client/line/command.h"

/* Each of these prints what it found, and returns an exit code: 0 all is well, 1 not, 3 a broker
 * cannot be asked. */

/* Of every address of the bootstrap list: "live", "ready", "stoppable". */
int health_of_addresses(const struct invocation *in, const char *what);
/* A sentence each for brokers, metadata, partitions, disks and versions, then the reasons; or as
 * health_format.h has it, with its exit codes. */
int health_of_cluster(const struct invocation *in, enum health_format format);

/* `look` until all is well, as long as OPTION_WAIT says; only the last look is shown. Without that
 * option once. */
int health_wait(const struct invocation *in, int (*look)(const struct invocation *in));

#endif
