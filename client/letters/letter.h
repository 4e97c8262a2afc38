/*
 * What a dead letter says of the record that it was: headers of Kafka and drave (KIP-1191:
 * __dlq.errors.*), and those of Spring (kafka_dlt-*), whose numbers are binary.
 *
 * Happy path: letter_read. Failures: none; what a letter does not say is -1 or empty. Texts belong
 * to the message.
 */
#ifndef CLIENT_LETTERS_LETTER_H
#define CLIENT_LETTERS_LETTER_H

#include <jansson.h>

#include "client/format/record_view.h"

#define LETTER_OWN "__dlq."              /* what names of headers begin with that are ours */
#define LETTER_REDRIVEN "__dlq.redriven" /* of a record that was brought back: how often */

struct letter_facts {
    struct view_bytes topic, group, message; /* data NULL: not said */
    int32_t partition;                       /* -1, here and below: not said */
    int64_t offset, timestamp_ms, deliveries;
    int64_t redriven; /* how often it had been brought back; 0: never */
    bool bare;        /* it has not what the record had */
};

struct letter_facts letter_read(const struct record_view *record);
/* Whether it is a letter at all: it says where the record was. */
bool letter_is_one(const struct letter_facts *facts);
json_t *letter_json(const struct letter_facts *facts);

#endif
