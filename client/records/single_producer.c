/* Encoding a batch of one record, and sending it to its leader until it is acknowledged. */
#include "client/records/single_producer.h"

#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/init_producer_id.h"
#include "protocol/messages/produce.h"
#include "protocol/record/record_batch_layout.h"

enum { ARENA_MAX = 512 << 20, BATCH_MAX = 256 << 20, PAUSE_MS = 50, VERSION_MIN = 3 };

struct single_producer {
    const char *bootstrap, *topic;
    uint64_t timeout_ms;
    int64_t id; /* -1: none yet */
    int32_t partitions;
    int16_t epoch;
    int32_t *sequences; /* of each partition, the next one */
};

struct single_producer *single_producer_new(const char *bootstrap, uint64_t timeout_ms,
                                            const char *topic, int32_t partitions) {
    struct single_producer *producer = mem_zalloc(sizeof(*producer));
    *producer = (struct single_producer){.bootstrap = bootstrap,
                                         .topic = topic,
                                         .timeout_ms = timeout_ms,
                                         .id = -1,
                                         .partitions = partitions};
    producer->sequences = mem_zalloc((size_t)partitions * sizeof(*producer->sequences));
    return producer;
}

void single_producer_free(struct single_producer *producer) {
    if (producer) {
        mem_free(producer->sequences);
        mem_free(producer);
    }
}

/* ---- The batch ---- */

/* Null is length -1. */
static void write_part(struct kp_writer *writer, const void *data, size_t len) {
    kp_write_varint(writer, data ? (int32_t)len : -1);
    if (data) {
        kp_write_raw(writer, data, len);
    }
}

static void write_headers(struct kp_writer *writer, const rd_kafka_headers_t *headers) {
    const char *name;
    const void *value;
    size_t len, count = headers ? rd_kafka_header_cnt(headers) : 0;
    kp_write_varint(writer, (int32_t)count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_header_get_all(headers, i, &name, &value, &len);
        write_part(writer, name, strlen(name));
        write_part(writer, value, len);
    }
}

/* The one record, whose timestamp and offset are those of the batch. */
static int encode_record(const struct client_record *record, uint8_t **data, size_t *len) {
    struct kp_writer writer;
    kp_writer_init(&writer, BATCH_MAX);
    kp_write_int8(&writer, 0);
    kp_write_varlong(&writer, 0);
    kp_write_varint(&writer, 0);
    write_part(&writer, record->key.data, record->key.len);
    write_part(&writer, record->value.data, record->value.len);
    write_headers(&writer, record->headers);
    return kp_writer_take(&writer, data, len);
}

static int encode_batch(const struct single_producer *producer, int32_t partition,
                        const struct client_record *record, uint8_t **batch, size_t *batch_len) {
    uint8_t *data;
    size_t len;
    int error = encode_record(record, &data, &len);
    if (error) {
        return error;
    }
    struct kp_writer writer;
    kp_writer_init(&writer, BATCH_MAX);
    kp_write_raw(&writer, (uint8_t[RECORD_BATCH_HEADER]){0}, RECORD_BATCH_HEADER);
    kp_write_varint(&writer, (int32_t)len);
    kp_write_raw(&writer, data, len);
    mem_free(data);
    error = kp_writer_take(&writer, batch, batch_len);
    if (error) {
        return error;
    }
    uint8_t *header = *batch;
    store_big_endian(header + AT_LENGTH, *batch_len - RECORD_BATCH_LENGTH_PREFIX, 4);
    store_big_endian(header + AT_LEADER_EPOCH, UINT32_MAX, 4);
    header[AT_MAGIC] = 2;
    store_big_endian(header + AT_BASE_TIMESTAMP, (uint64_t)record->timestamp_ms, 8);
    store_big_endian(header + AT_MAX_TIMESTAMP, (uint64_t)record->timestamp_ms, 8);
    store_big_endian(header + AT_PRODUCER_ID, (uint64_t)producer->id, 8);
    store_big_endian(header + AT_PRODUCER_EPOCH, (uint16_t)producer->epoch, 2);
    store_big_endian(header + AT_BASE_SEQUENCE, (uint32_t)producer->sequences[partition], 4);
    store_big_endian(header + AT_RECORD_COUNT, 1, 4);
    store_big_endian(header + AT_CRC, crc32c(0, header + AT_ATTRIBUTES, *batch_len - AT_ATTRIBUTES),
                     4);
    return ERR_NONE;
}

/* ---- Sending ---- */

static int get_id(struct single_producer *producer, struct admin_client *admin,
                  struct kp_arena *arena, struct error_text *why) {
    struct kp_init_producer_id_request request;
    struct kp_init_producer_id_response response;
    if (producer->id >= 0) {
        return ERR_NONE;
    }
    kp_set_fallbacks(&kp_init_producer_id_request_schema, &request);
    request.transactional_id.len = -1;
    int error = admin_request(admin, KP_INIT_PRODUCER_ID, 0, &request, arena, &response, NULL, why);
    if (!error && response.error_code) {
        error = error_set(why, ERR_AGAIN, "there is no producer id: %s",
                          kafka_error_message(response.error_code));
    }
    if (!error) {
        producer->id = response.producer_id;
        producer->epoch = response.producer_epoch;
    }
    return error;
}

/* One try. ERR_AGAIN and errors of the connection: another may help. ERR_INVALID: the broker
 * refuses the record. */
static int try_send(struct single_producer *producer, struct admin_client *admin,
                    struct kp_arena *arena, int32_t partition, const uint8_t *batch, size_t len,
                    int64_t *offset, struct error_text *why) {
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *topic;
    if (cluster_topic(admin, arena, producer->topic, TOPIC_TO_USE, &metadata, &topic) !=
        EXIT_DONE) {
        return error_set(why, ERR_INVALID, "its topic could not be found");
    }
    const struct kp_metadata_response_broker *leader = NULL;
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        if (topic->partitions.items[i].partition_index == partition) {
            leader = cluster_broker(&metadata, topic->partitions.items[i].leader_id);
            cluster_partition_trouble(&metadata, &topic->partitions.items[i], why->text,
                                      sizeof(why->text));
        }
    }
    if (!leader) {
        return ERR_AGAIN;
    }
    struct kp_produce_request request;
    struct kp_produce_request_topic one;
    struct kp_produce_request_partition part;
    struct kp_produce_response response;
    kp_set_fallbacks(&kp_produce_request_schema, &request);
    kp_set_fallbacks(&kp_produce_request_topic_schema, &one);
    kp_set_fallbacks(&kp_produce_request_partition_schema, &part);
    part.index = partition;
    part.records = (struct kp_records){.data = batch, .len = (int32_t)len};
    one.name = kp_string_of(producer->topic); /* up to version 12; from 13 on its id */
    one.topic_id = topic->topic_id;
    one.partition_data.items = &part;
    one.partition_data.count = 1;
    request.transactional_id.len = -1;
    request.acks = -1;
    request.timeout_ms = (int32_t)(admin_client_left_ms(admin) / 2 + 1);
    request.topic_data.items = &one;
    request.topic_data.count = 1;
    int error = admin_request_to(admin, cluster_text(arena, leader->host), leader->port, KP_PRODUCE,
                                 VERSION_MIN, &request, arena, &response, NULL, why);
    if (error || response.responses.count != 1 ||
        response.responses.items[0].partition_responses.count != 1) {
        return error ? error : error_set(why, ERR_AGAIN, "its leader did not answer about it");
    }
    const struct kp_produce_response_partition *answer =
        &response.responses.items[0].partition_responses.items[0];
    *offset = answer->base_offset;
    if (answer->error_code == 0) {
        return ERR_NONE;
    }
    const char *text = cluster_text(arena, answer->error_message);
    return error_set(why, kafka_error_retriable(answer->error_code) ? ERR_AGAIN : ERR_INVALID, "%s",
                     *text ? text : kafka_error_message(answer->error_code));
}

int single_producer_send(struct single_producer *producer, int32_t partition,
                         const struct client_record *record, int64_t *offset,
                         struct error_text *why) {
    struct admin_client *admin = admin_client_new(producer->bootstrap, producer->timeout_ms);
    struct patience patience;
    struct kp_arena arena;
    uint8_t *batch = NULL;
    size_t len = 0;
    int error;
    patience_begin(&patience);
    kp_arena_init(&arena, ARENA_MAX);
    for (;;) {
        error = get_id(producer, admin, &arena, why);
        if (!error && !batch) {
            error = encode_batch(producer, partition, record, &batch, &len);
        }
        error = error ? error
                      : try_send(producer, admin, &arena, partition, batch, len, offset, why);
        if (error == ERR_NONE || error == ERR_INVALID || error == ERR_TOO_LARGE ||
            admin_client_left_ms(admin) <= PAUSE_MS) {
            break;
        }
        patience_say(&patience, "partition %s-%d: %s", producer->topic, (int)partition, why->text);
        pause_ms(PAUSE_MS);
        kp_arena_close(&arena);
    }
    if (error == ERR_NONE) {
        producer->sequences[partition]++;
    } else if (error != ERR_INVALID && error != ERR_TOO_LARGE) {
        /* It may have been stored: its sequence must not be that of the next record, which would
         * pass for its repetition. */
        producer->id = -1;
        memset(producer->sequences, 0, (size_t)producer->partitions * sizeof(*producer->sequences));
    }
    mem_free(batch);
    kp_arena_close(&arena);
    admin_client_free(admin);
    return error;
}
