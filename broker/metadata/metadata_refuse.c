/* How a command is refused. */
#include <stdarg.h>
#include <stdio.h>

#include "broker/metadata/metadata.h"

bool metadata_refuse(struct metadata_result *result, int16_t error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    result->error = error;
    vsnprintf(result->message, sizeof result->message, format, args);
    va_end(args);
    return false;
}
