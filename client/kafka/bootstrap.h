/* The list of brokers that a user names: host:port,... */
#ifndef CLIENT_KAFKA_BOOTSTRAP_H
#define CLIENT_KAFKA_BOOTSTRAP_H

#include <stdint.h>

/* Splits "host:port", "[::1]:port" or "host" (9092), in place. */
void bootstrap_split(char *address, const char **host, const char **port);
/* Ends the program with EXIT_USAGE unless every address of the list can be one. */
void bootstrap_check(const char *bootstrap);
/* How many addresses the rest of a list has; NULL: none. */
uint64_t bootstrap_count(const char *rest);

#endif
