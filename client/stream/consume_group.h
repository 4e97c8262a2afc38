/* drave consume -G: as a member of a group. */
#ifndef CLIENT_STREAM_CONSUME_GROUP_H
#define CLIENT_STREAM_CONSUME_GROUP_H

#include "client/line/command.h"
#include "client/records/record_printer.h"

/* The call has -G. Ends after `limit` records, -1: none. Returns an exit code. */
int consume_as_member(struct invocation *in, struct record_printer *printer, int64_t limit);

#endif
