/* A check that is stepped to its end at once. */
#include "tests/batches/record_batch_check.h"

#include "protocol/record/record_check.h"

int record_batch_check(const struct record_batch *batch, struct error_text *why) {
    static const struct record_check_options options = {.unfolded_max = INT32_MAX,
                                                        .recompress = -1};
    struct record_check *check = record_check_new(batch, &options);
    int error = record_check_step(check, SIZE_MAX);
    if (why != NULL) *why = *record_check_why(check);
    record_check_free(check);
    return error;
}
