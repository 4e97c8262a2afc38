/* drave consume --share: as a member of a share group. */
#ifndef CLIENT_STREAM_CONSUME_SHARE_H
#define CLIENT_STREAM_CONSUME_SHARE_H

#include "client/line/command.h"
#include "client/records/record_printer.h"

/* The call has --share. Ends after `limit` records, -1: none. Returns an exit code. */
int consume_as_sharer(struct invocation *in, struct record_printer *printer, int64_t limit);

#endif
