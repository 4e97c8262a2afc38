/*
 * How `consume` prints each record, as its options say: --json, or a format of -f, or one made from
 * -K and -D.
 *
 * Failures: options that make no sense, alone or together, are said (EXIT_USAGE) before anything is
 * read.
 */
#ifndef CLIENT_RECORDS_RECORD_PRINTER_H
#define CLIENT_RECORDS_RECORD_PRINTER_H

#include <stdbool.h>

#include "client/format/record_view.h"
#include "client/line/command.h"

struct record_printer;

/* EXIT_DONE: *printer is to be freed. `in` must outlive it. */
int record_printer_open(struct record_printer **printer, const struct invocation *in);
/* Says how to read them if all values came from a schema registry's clients. NULL does nothing. */
void record_printer_free(struct record_printer *printer);
/* What was printed may still be in memory, unless -u. False: it could not be, and was said. */
bool record_printer_print(struct record_printer *printer, const rd_kafka_message_t *message);
bool record_printer_print_view(struct record_printer *printer, const struct record_view *view);

#endif
