/* Byte by byte. */
#include "base/measure/time_reader.h"

bool time_reader_is(struct time_reader *reader, char c) {
    if (reader->at == reader->end || *reader->at != c) return false;
    reader->at++;
    return true;
}

bool time_reader_at_digit(const struct time_reader *reader) {
    return reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9';
}

int64_t time_reader_digits(struct time_reader *reader, int min, int max) {
    int64_t value = 0;
    int count = 0;
    for (; count < max && time_reader_at_digit(reader); count++)
        value = value * 10 + (*reader->at++ - '0');
    reader->wrong = reader->wrong || count < min;
    return value;
}

bool time_reader_is_through(const struct time_reader *reader) {
    return !reader->wrong && reader->at == reader->end;
}
