/* Printing records by kcat's format letters: client/record_format.h. */
#include "client/record_format.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "client/talk.h"

static bool is_hex_escape(const char *at) {
    return at[1] == 'x' && isxdigit((unsigned char)at[2]) && isxdigit((unsigned char)at[3]);
}

int record_format_check(const char *format, const char **at) {
    for (*at = format; **at; (*at)++) {
        if (**at == '%') {
            if (!(*at)[1] || !strchr("sSkKtpoTh%", (*at)[1])) {
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
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        print_text("%s%s=", i ? "," : "", name);
        if (value) {
            print_bytes(value, len);
        } else {
            print_text("NULL");
        }
    }
}

static void print_field(char letter, const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t type;
    switch (letter) {
    case 's':
        if (message->payload) print_bytes(message->payload, message->len);
        break;
    case 'S': print_text("%lld", message->payload ? (long long)message->len : -1LL); break;
    case 'k':
        if (message->key) print_bytes(message->key, message->key_len);
        break;
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

void record_print(const char *format, const rd_kafka_message_t *message) {
    for (const char *at = format; *at; at++) {
        if (*at == '%') {
            print_field(*++at, message);
        } else if (*at == '\\') {
            print_escape(at);
            at += is_hex_escape(at) ? 3 : 1;
        } else {
            print_raw(at, 1);
        }
    }
}

static json_t *json_of_bytes(const void *bytes, size_t len) {
    if (!bytes) {
        return json_null();
    }
    json_t *text = json_stringn(bytes, len);
    if (text) {
        return text;
    }
    char *hex = mem_alloc(2 * len + 1);
    for (size_t i = 0; i < len; i++) {
        snprintf(hex + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
    }
    json_t *object = json_pack("{s:s}", "hex", hex);
    mem_free(hex);
    return object;
}

void record_print_json(const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t type;
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t len;
    json_t *list = json_array();
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &len) == RD_KAFKA_RESP_ERR_NO_ERROR;
             i++) {
            json_array_append_new(list, json_pack("{s:o,s:o}", "key", json_of_bytes(name, strlen(name)), "value",
                                                  json_of_bytes(value, len)));
        }
    }
    print_json(json_pack("{s:s,s:i,s:I,s:I,s:o,s:o,s:o}", "topic", rd_kafka_topic_name(message->rkt), "partition",
                         (int)message->partition, "offset", (json_int_t)message->offset, "timestamp",
                         (json_int_t)rd_kafka_message_timestamp(message, &type), "key",
                         json_of_bytes(message->key, message->key_len), "value",
                         json_of_bytes(message->payload, message->len), "headers", list));
}
