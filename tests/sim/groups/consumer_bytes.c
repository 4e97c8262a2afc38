/* Subscriptions and assignments as bytes; consumer_bytes.h says of which messages. */
#include "tests/sim/groups/consumer_bytes.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"

enum { VERSION = 3 };

struct kp_bytes consumer_bytes_view(const struct consumer_bytes *bytes) {
    return (struct kp_bytes){.data = bytes->data, .len = bytes->len};
}

static void write_partitions(struct kp_writer *writer, const char *topic,
                             const struct owned_list *owned) {
    kp_write_count(writer, owned->count > 0, false, false);
    if (owned->count == 0) return;
    kp_write_string(writer, kp_string_of(topic), false, false);
    kp_write_count(writer, (int32_t)owned->count, false, false);
    for (size_t i = 0; i < owned->count; i++)
        kp_write_int32(writer, owned->items[i].partition);
}

static void take(struct kp_writer *writer, struct consumer_bytes *into) {
    uint8_t *data;
    size_t len;
    int error = kp_writer_take(writer, &data, &len);
    CHECK(error == ERR_NONE && len <= sizeof into->data);
    memcpy(into->data, data, len);
    into->len = (int32_t)len;
    mem_free(data);
}

void consumer_bytes_of_subscription(const char *topic, const struct owned_list *owned,
                                    int32_t generation, struct consumer_bytes *into) {
    struct kp_writer writer;
    kp_writer_init(&writer, sizeof into->data);
    kp_write_int16(&writer, VERSION);
    kp_write_count(&writer, 1, false, false);
    kp_write_string(&writer, kp_string_of(topic), false, false);
    kp_write_bytes(&writer, (struct kp_bytes){.data = NULL, .len = -1}, false, true);
    write_partitions(&writer, topic, owned);
    kp_write_int32(&writer, generation);
    kp_write_string(&writer, KP_NULL_STRING, false, true); /* the rack */
    take(&writer, into);
}

void consumer_bytes_of_assignment(const char *topic, const struct owned_list *owned,
                                  struct consumer_bytes *into) {
    struct kp_writer writer;
    kp_writer_init(&writer, sizeof into->data);
    kp_write_int16(&writer, VERSION);
    write_partitions(&writer, topic, owned);
    kp_write_bytes(&writer, (struct kp_bytes){.data = NULL, .len = -1}, false, true);
    take(&writer, into);
}

static void read_partitions(struct kp_reader *reader, struct owned_list *owned) {
    for (int32_t topics = kp_read_count(reader, false, false, 6); topics > 0; topics--) {
        kp_read_string(reader, false, false);
        for (int32_t left = kp_read_count(reader, false, false, 4); left > 0; left--)
            owned_add(owned, (struct owned){.partition = kp_read_int32(reader)});
    }
}

void consumer_bytes_subscription(struct run *run, struct kp_bytes bytes, struct owned_list *owned,
                                 int32_t *generation) {
    struct kp_reader reader;
    owned->count = 0;
    kp_reader_init(&reader, bytes.data, bytes.len < 0 ? 0 : (size_t)bytes.len);
    kp_read_int16(&reader);
    for (int32_t topics = kp_read_count(&reader, false, false, 2); topics > 0; topics--)
        kp_read_string(&reader, false, false);
    kp_read_bytes(&reader, false, true);
    read_partitions(&reader, owned);
    *generation = kp_read_int32(&reader);
    if (reader.error != ERR_NONE)
        run_fail(run, "a leader is given a subscription that it cannot read");
}

void consumer_bytes_assignment(struct run *run, struct kp_bytes bytes, struct owned_list *owned) {
    struct kp_reader reader;
    owned->count = 0;
    if (bytes.len <= 0) return;
    kp_reader_init(&reader, bytes.data, (size_t)bytes.len);
    kp_read_int16(&reader);
    read_partitions(&reader, owned);
    if (reader.error != ERR_NONE)
        run_fail(run, "a member is given an assignment that it cannot read");
}
