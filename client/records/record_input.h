/*
 * What `produce` sends, as its options say: lines of standard input or of a file, as text, by a
 * format or as JSON; or whole files.
 *
 * Happy path: one record after the other until the input ends. Failures: options that make no sense
 * (EXIT_USAGE), a file that is not there; a piece that is too long for a record, one that is none,
 * an input that cannot be read. Invariant: memory is bounded by `record_max`, whatever comes.
 */
#ifndef CLIENT_RECORDS_RECORD_INPUT_H
#define CLIENT_RECORDS_RECORD_INPUT_H

#include "base/error.h"
#include "client/format/client_record.h"
#include "client/line/command.h"

enum input_result {
    INPUT_RECORD,
    INPUT_TOO_LONG, /* *len bytes, which are passed over */
    INPUT_WRONG,    /* no record: `why` says what is wrong with it */
    INPUT_END,
    INPUT_STOPPED, /* idle() said so */
    INPUT_FAILED   /* `why` has the sentence */
};

/* One piece of the input, until the next is asked for. */
struct input_piece {
    struct client_record record; /* INPUT_RECORD; of the input */
    const char *text;            /* as it was read, without what ends it */
    size_t len;
    uint64_t number; /* from 1 */
};

struct record_input;

/* Whether the options make sense, before anything is asked of a cluster; says what does not. */
int record_input_check(const struct invocation *in);

/* EXIT_DONE; else it was said, and nothing is to be freed. `record_max`: bytes of a piece that can
 * be a record. While nothing comes `idle` is called ten times a second; false ends the waiting. */
int record_input_open(struct record_input **input, const struct invocation *in, size_t record_max,
                      bool (*idle)(void *arg), void *arg);
void record_input_free(struct record_input *input); /* NULL does nothing */
enum input_result record_input_next(struct record_input *input, struct input_piece *piece,
                                    struct error_text *why);

/* What -T prints behind a piece. */
const char *record_input_delimiter(const struct record_input *input, size_t *len);

/* "line 7", "record 7" or "file x", for sentences. */
void record_input_name(const struct record_input *input, const struct input_piece *piece,
                       char *text, size_t room);

#endif
