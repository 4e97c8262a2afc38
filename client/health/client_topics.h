/* Who produces to topics, and who reads them, as the leaders of their partitions remember it. */
#ifndef CLIENT_HEALTH_CLIENT_TOPICS_H
#define CLIENT_HEALTH_CLIENT_TOPICS_H

#include "client/line/command.h"

/* Of the topics that are the words of the call; prints them, returns an exit code. */
int client_topics_list(const struct invocation *in);

#endif
