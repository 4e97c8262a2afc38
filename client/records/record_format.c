/* Checking a format once, then printing each record by its letters. */
#include "client/records/record_format.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "client/line/talk.h"

static bool is_hex_escape(const char *at) {
    return at[1] == 'x' && isxdigit((unsigned char)at[2]) && isxdigit((unsigned char)at[3]);
}

int record_format_check(const char *format, const char **at) {
    for (*at = format; **at; (*at)++) {
        if (**at == '%') {
            if (!(*at)[1] || !strchr("sSRkKtpoTh%", (*at)[1])) {
                return ERR_INVALID;
            }
            (*at)++;
        } else if (**at == '\\') {
            if (!is_hex_escape(*at) && (!(*at)[1] || !strchr("ntr0\\", (*at)[1]))) {
                return ERR_INVALID;
            }
            *at += is_hex_escape(*at) ? 3 : 1;
        }
    }
    return ERR_NONE;
}

static void print_headers(const rd_kafka_message_t *message) {
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t len;
    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return;
    }
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR;
         i++) {
        print_text("%s%s=", i ? "," : "", name);
        if (value) {
            print_bytes(value, len);
        } else {
            print_text("NULL");
        }
    }
}

/* The length of the value as kcat's %R has it: 32 bits, the highest byte first; -1: there is none.
 */
static void print_length(const rd_kafka_message_t *message) {
    uint32_t len = message->payload ? (uint32_t)message->len : UINT32_MAX;
    const uint8_t bytes[] = {(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
                             (uint8_t)len};
    print_bytes(bytes, sizeof(bytes));
}

static void print_part(const void *data, size_t len, const char *none) {
    if (data) {
        print_bytes(data, len);
    } else {
        print_text("%s", none);
    }
}

static void print_field(char letter, const char *none, const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t type;
    switch (letter) {
    case 's': print_part(message->payload, message->len, none); break;
    case 'S': print_text("%lld", message->payload ? (long long)message->len : -1LL); break;
    case 'R': print_length(message); break;
    case 'k': print_part(message->key, message->key_len, none); break;
    case 'K': print_text("%lld", message->key ? (long long)message->key_len : -1LL); break;
    case 't': print_text("%s", rd_kafka_topic_name(message->rkt)); break;
    case 'p': print_text("%d", (int)message->partition); break;
    case 'o': print_text("%" PRId64, message->offset); break;
    case 'T': print_text("%" PRId64, rd_kafka_message_timestamp(message, &type)); break;
    case 'h': print_headers(message); break;
    default: print_raw("%", 1);
    }
}

static void print_escape(const char *at) {
    static const char letters[] = "ntr0\\", bytes[] = "\n\t\r\0\\";
    if (is_hex_escape(at)) {
        print_raw(&(char){(char)strtol((char[]){at[2], at[3], 0}, NULL, 16)}, 1);
    } else {
        print_raw(&bytes[strchr(letters, at[1]) - letters], 1);
    }
}

void record_print(const char *format, const char *none, const rd_kafka_message_t *message) {
    for (const char *at = format; *at; at++) {
        if (*at == '%') {
            print_field(*++at, none, message);
        } else if (*at == '\\') {
            print_escape(at);
            at += is_hex_escape(at) ? 3 : 1;
        } else {
            print_raw(at, 1);
        }
    }
}
