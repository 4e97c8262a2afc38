/* Arrivals as a position that moves on, readers and writers in arrays that grow to their limit. */
#include "broker/traffic/traffic.h"

#include <stdio.h>

#include "base/mem.h"

void traffic_close(struct traffic *traffic) {
    progress_close(&traffic->arrivals);
    mem_free(traffic->readers);
    mem_free(traffic->writers);
    *traffic = (struct traffic){.readers = NULL};
}

/* ---- What comes ---- */

void traffic_opened(struct traffic *traffic, int64_t end_offset) {
    traffic->known_from = end_offset;
}

void traffic_leading(struct traffic *traffic, int64_t now_ms, int64_t high_watermark) {
    if (!traffic->arrivals.begun)
        progress_begin(&traffic->arrivals, TRAFFIC_ARRIVALS_MAX, now_ms, high_watermark);
}

void traffic_committed(struct traffic *traffic, int64_t now_ms, int64_t base_offset,
                       int64_t end_offset, bool late) {
    struct progress *arrivals = &traffic->arrivals;
    if (base_offset < traffic->known_from) return;
    if (late)
        progress_begin(arrivals, TRAFFIC_ARRIVALS_MAX, now_ms, end_offset);
    else if (!arrivals->begun)
        progress_begin(arrivals, TRAFFIC_ARRIVALS_MAX, now_ms, base_offset);
    progress_move(arrivals, now_ms, end_offset);
}

struct traffic_arrival traffic_arrival(const struct traffic *traffic, int64_t now_ms,
                                       int64_t offset, int64_t high_watermark,
                                       const int64_t window_ms[2]) {
    const struct progress *arrivals = &traffic->arrivals;
    struct traffic_arrival arrival = {.age_ms = -1};
    int64_t at_ms = now_ms;
    for (int i = 0; i < 2; i++)
        arrival.per_second[i] = progress_rate(arrivals, now_ms, window_ms[i]);
    if (offset >= high_watermark) return arrival;
    arrival.at_least = !arrivals->begun ||
                       progress_passed(arrivals, offset, &at_ms) == PROGRESS_PASSED_BEFORE;
    arrival.age_ms = now_ms - at_ms;
    return arrival;
}

/* ---- Who fetches ---- */

uint64_t traffic_reader_key(struct kp_string client_id, const char *peer) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (int32_t i = 0; i < client_id.len; i++)
        hash = (hash ^ (uint8_t)client_id.data[i]) * UINT64_C(0x100000001b3);
    for (const char *at = peer; *at != 0; at++)
        hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
    return hash;
}

static struct traffic_reader *new_reader(struct traffic *traffic) {
    if (traffic->reader_count == TRAFFIC_READERS_MAX) {
        struct traffic_reader *oldest = &traffic->readers[0];
        for (size_t i = 1; i < traffic->reader_count; i++)
            if (traffic->readers[i].seen_ms < oldest->seen_ms) oldest = &traffic->readers[i];
        return oldest;
    }
    traffic->readers = mem_realloc(traffic->readers,
                                   (traffic->reader_count + 1u) * sizeof *traffic->readers);
    return &traffic->readers[traffic->reader_count++];
}

static void set_names(const struct traffic_reader_id *id, char client_id[TRAFFIC_TEXT],
                      char peer[TRAFFIC_TEXT]) {
    int len = id->client_id.len < 0 ? 0 : id->client_id.len;
    snprintf(client_id, TRAFFIC_TEXT, "%.*s", len, len > 0 ? id->client_id.data : "");
    snprintf(peer, TRAFFIC_TEXT, "%s", id->peer);
}

static struct traffic_reader *find_reader(struct traffic *traffic, int64_t now_ms,
                                          const struct traffic_reader_id *id, int64_t offset) {
    for (size_t i = 0; i < traffic->reader_count; i++)
        if (traffic->readers[i].key == id->key) return &traffic->readers[i];
    struct traffic_reader *reader = new_reader(traffic);
    *reader = (struct traffic_reader){
        .key = id->key, .offset = offset, .furthest = offset, .moved_ms = now_ms};
    set_names(id, reader->client_id, reader->peer);
    return reader;
}

void traffic_fetched(struct traffic *traffic, int64_t now_ms, const struct traffic_reader_id *id,
                     int64_t offset, bool brought) {
    struct traffic_reader *reader = find_reader(traffic, now_ms, id, offset);
    reader->session_id = id->session_id;
    reader->seen_ms = now_ms;
    if (offset > reader->furthest) {
        reader->furthest = offset;
        reader->moved_ms = now_ms;
        reader->again = 0;
    } else if (offset < reader->offset || (offset == reader->offset && reader->brought)) {
        reader->again++;
    }
    reader->offset = offset;
    reader->brought = brought;
}

/* ---- Who produces ---- */

static struct traffic_writer *new_writer(struct traffic *traffic) {
    if (traffic->writer_count == TRAFFIC_READERS_MAX) {
        struct traffic_writer *oldest = &traffic->writers[0];
        for (size_t i = 1; i < traffic->writer_count; i++)
            if (traffic->writers[i].seen_ms < oldest->seen_ms) oldest = &traffic->writers[i];
        return oldest;
    }
    traffic->writers = mem_realloc(traffic->writers,
                                   (traffic->writer_count + 1u) * sizeof *traffic->writers);
    return &traffic->writers[traffic->writer_count++];
}

static struct traffic_writer *find_writer(struct traffic *traffic, int64_t now_ms,
                                          const struct traffic_reader_id *id) {
    for (size_t i = 0; i < traffic->writer_count; i++)
        if (traffic->writers[i].key == id->key) return &traffic->writers[i];
    struct traffic_writer *writer = new_writer(traffic);
    *writer = (struct traffic_writer){.key = id->key, .since_ms = now_ms};
    set_names(id, writer->client_id, writer->peer);
    return writer;
}

void traffic_produced(struct traffic *traffic, int64_t now_ms, const struct traffic_reader_id *id,
                      uint64_t records, uint64_t bytes) {
    struct traffic_writer *writer = find_writer(traffic, now_ms, id);
    writer->seen_ms = now_ms;
    writer->batches++;
    writer->records += records;
    writer->bytes += bytes;
}
