/* Three names of headers, each with its value. */
#include "protocol/record/record_delivery.h"

#include <string.h>

#include "base/measure/calendar_time.h"
#include "base/measure/iso_duration.h"
#include "protocol/record/record_batch_layout.h"

enum {
    NUMBER_DIGITS_MOST = 18, /* that fit into 63 bits, whatever they are */
    VALUE_MOST = 64,         /* longer texts are no times */
};

/* Each name begins so; before it stands its length, as a varint of one byte. */
static const char start[] = "deliver-";
enum { START_LEN = sizeof start - 1 };
static const uint8_t lengths[] = {2 * (sizeof DELIVER_AT - 1), 2 * (sizeof DELIVER_IN - 1),
                                  2 * (sizeof DELIVER_CANCEL - 1)};

static bool is_named(const struct record_header *header, const char *name) {
    size_t len = strlen(name);
    return (size_t)header->key_len == len && memcmp(header->key, name, len) == 0;
}

static bool asks_for_something(const struct record_header *header) {
    return is_named(header, DELIVER_AT) || is_named(header, DELIVER_IN) ||
           is_named(header, DELIVER_CANCEL);
}

static bool read_number(const struct record_header *header, int64_t *number) {
    *number = 0;
    if (header->value_len < 1 || header->value_len > NUMBER_DIGITS_MOST) return false;
    for (int32_t i = 0; i < header->value_len; i++) {
        if (header->value[i] < '0' || header->value[i] > '9') return false;
        *number = *number * 10 + (header->value[i] - '0');
    }
    return true;
}

static bool read_duration(const struct record_header *header, int64_t *ms) {
    char text[VALUE_MOST + 1];
    if (header->value_len < 1 || header->value_len > VALUE_MOST) return false;
    memcpy(text, header->value, (size_t)header->value_len);
    text[header->value_len] = '\0';
    if (strlen(text) != (size_t)header->value_len) return false;
    return iso_duration_read(text, ms);
}

static bool read_time(const struct record_header *header, int64_t *ms) {
    return header->value_len > 0 && header->value_len <= VALUE_MOST &&
           calendar_time_read((const char *)header->value, (size_t)header->value_len, ms);
}

static int refuse_value(const struct record_header *header, const char *forms,
                        struct error_text *why) {
    int len = header->value_len < 0            ? 0
              : header->value_len > VALUE_MOST ? VALUE_MOST
                                               : header->value_len;
    return REFUSE(ERR_MALFORMED, "The header %.*s has the value \"%.*s\"; it may be %s.",
                  header->key_len, header->key, len,
                  header->value == NULL ? "" : (const char *)header->value, forms);
}

/* One of the three. */
static int read_header(const struct record_header *header, int64_t now_ms,
                       struct record_delivery *delivery, struct error_text *why) {
    int64_t number;
    delivery->kind = DELIVERY_LATER;
    if (is_named(header, DELIVER_CANCEL)) {
        delivery->kind = DELIVERY_CANCEL;
        return read_number(header, &delivery->offset)
                   ? ERR_NONE
                   : refuse_value(header, "the offset of a delayed record", why);
    }
    if (is_named(header, DELIVER_AT))
        return read_number(header, &delivery->due_ms) || read_time(header, &delivery->due_ms)
                   ? ERR_NONE
                   : refuse_value(header, "milliseconds since 1970, or RFC 3339", why);
    if (!read_number(header, &number) && !read_duration(header, &number))
        return refuse_value(header, "milliseconds, or a duration of ISO 8601", why);
    if (__builtin_add_overflow(now_ms, number, &delivery->due_ms)) delivery->due_ms = INT64_MAX;
    return ERR_NONE;
}

int record_delivery_read(const struct record *record, int64_t now_ms,
                         struct record_delivery *delivery, struct error_text *why) {
    struct record left = *record;
    struct record_header header;
    bool any = false;
    int error;
    *delivery = (struct record_delivery){.kind = DELIVERY_NOW};
    for (size_t before = left.headers_len; (error = record_header_next(&left, &header)) == ERR_NONE;
         before = left.headers_len) {
        if (!asks_for_something(&header)) continue;
        if (any)
            return REFUSE(ERR_MALFORMED,
                          "A record has one of the headers " DELIVER_AT ", " DELIVER_IN
                          " and " DELIVER_CANCEL ", once; this one has more.");
        any = true;
        delivery->at = record->headers_len - before;
        delivery->len = before - left.headers_len;
        error = read_header(&header, now_ms, delivery, why);
        if (error != ERR_NONE) return error;
    }
    if (error != ERR_EOF) return REFUSE(error, "The headers of the record are not sound.");
    if (delivery->kind == DELIVERY_LATER && delivery->due_ms <= now_ms)
        delivery->kind = DELIVERY_NOW;
    return ERR_NONE;
}

/* ---- Looking for them ---- */

static bool is_length(uint8_t byte) {
    for (size_t i = 0; i < sizeof lengths; i++)
        if (lengths[i] == byte) return true;
    return false;
}

bool record_delivery_may_be_in(const uint8_t *data, size_t len) {
    const uint8_t *at = data, *end = data + len;
    while (at < end && (at = memmem(at, (size_t)(end - at), start, START_LEN)) != NULL) {
        if (at > data && is_length(at[-1])) return true;
        at++;
    }
    return false;
}

/* What one search needs of what came before: all but the last byte of a length and the start. */
_Static_assert(DELIVERY_SEAM == sizeof start - 1, "a length and a start may lie across two pieces");

void record_delivery_search(struct delivery_search *search, const uint8_t *piece, size_t len) {
    uint8_t seam[2 * DELIVERY_SEAM];
    size_t more = len < DELIVERY_SEAM ? len : DELIVERY_SEAM, both = search->end_len + more;
    if (search->found || len == 0) return;
    memcpy(seam, search->end, search->end_len);
    memcpy(seam + search->end_len, piece, more);
    search->found = record_delivery_may_be_in(seam, both) || record_delivery_may_be_in(piece, len);
    const uint8_t *behind = len < DELIVERY_SEAM ? seam + both : piece + len;
    search->end_len = len < DELIVERY_SEAM && both < DELIVERY_SEAM ? both : DELIVERY_SEAM;
    memcpy(search->end, behind - search->end_len, search->end_len);
}
