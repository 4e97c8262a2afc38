/* Encoding and decoding of what brokers exchange; the layouts are in peer_frame.h. Every read is
 * bounded by what is there. */
#include "raft-glue/peer/peer_frame.h"

#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "storage/little_endian.h"

enum { HELLO_FIXED_SIZE = 44, BYTES_FIRST_ROOM = 256 };

uint8_t *peer_bytes_extend(struct peer_bytes *bytes, size_t len) {
    if (bytes->len + len > bytes->room) {
        size_t room = bytes->room == 0 ? BYTES_FIRST_ROOM : bytes->room * 2;
        if (room < bytes->len + len) room = bytes->len + len;
        bytes->data = mem_realloc(bytes->data, room);
        bytes->room = room;
    }
    bytes->len += len;
    return bytes->data + bytes->len - len;
}

void peer_bytes_add(struct peer_bytes *bytes, const void *data, size_t len) {
    if (len > 0) memcpy(peer_bytes_extend(bytes, len), data, len);
}

struct slice peer_bytes_take(struct peer_bytes *bytes) {
    size_t len = bytes->len;
    struct buffer *buffer = buffer_adopt(NULL, bytes->data, len);
    struct slice slice = slice_of(buffer, 0, len);
    buffer_unref(buffer);
    *bytes = (struct peer_bytes){0};
    return slice;
}

void peer_bytes_free(struct peer_bytes *bytes) {
    mem_free(bytes->data);
    *bytes = (struct peer_bytes){0};
}

void peer_frame_head(uint8_t head[PEER_FRAME_HEAD_SIZE], uint8_t kind, uint8_t channel,
                     uint32_t crc, size_t payload_len) {
    /* Of what we send, which ENTRY_BODY_MAX bounds. */
    CHECK(payload_len <= UINT32_MAX - PEER_FRAME_HEAD_SIZE);
    uint32_t length = (uint32_t)payload_len + PEER_FRAME_HEAD_SIZE - PEER_LENGTH_SIZE;
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(length >> (24 - 8 * i));
    head[4] = kind;
    head[5] = channel;
    le_put_u16(head + 6, 0);
    le_put_u32(head + 8, crc);
}

int peer_frame_open(struct slice frame, uint8_t *kind, uint8_t *channel, struct slice *payload) {
    const size_t head = PEER_FRAME_HEAD_SIZE - PEER_LENGTH_SIZE;
    if (frame.len < head || le_get_u16(frame.data + 2) != 0 || frame.data[1] > PEER_BULK)
        return ERR_MALFORMED;
    *kind = frame.data[0];
    *channel = frame.data[1];
    *payload = frame;
    payload->data += head;
    payload->len -= head;
    size_t covered = payload->len;
    if (*kind == PEER_KIND_ENTRIES) {
        if (payload->len < 4) return ERR_MALFORMED;
        covered = le_get_u32(payload->data);
        if (covered < 4 || covered > payload->len) return ERR_MALFORMED;
    }
    return crc32c(0, payload->data, covered) == le_get_u32(frame.data + 4) ? ERR_NONE : ERR_CORRUPT;
}

static void bytes_add_field(struct peer_bytes *into, const void *data, size_t len) {
    le_put_u32(peer_bytes_extend(into, 4), (uint32_t)len);
    peer_bytes_add(into, data, len);
}

void peer_hello_encode(struct peer_bytes *into, const struct peer_hello *hello, uint64_t session) {
    uint8_t *at = peer_bytes_extend(into, HELLO_FIXED_SIZE);
    le_put_u32(at, PEER_MAGIC);
    le_put_u16(at + 4, hello->version);
    le_put_u16(at + 6, 0);
    le_put_u32(at + 8, (uint32_t)hello->node);
    le_put_u32(at + 12, hello->shard);
    memcpy(at + 16, hello->directory, PEER_UUID_SIZE);
    le_put_u64(at + 32, session);
    le_put_u32(at + 40, hello->minor);
    bytes_add_field(into, hello->cluster_id, strlen(hello->cluster_id) + 1);
    bytes_add_field(into, hello->nodes, strlen(hello->nodes) + 1);
    bytes_add_field(into, hello->record, hello->record_len);
}

/* A cursor that remembers that something was missing. */
struct field_reader {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static const void *read_field(struct field_reader *reader, uint32_t *len) {
    if (!reader->bad && reader->left >= 4) {
        *len = le_get_u32(reader->at);
        if (*len <= reader->left - 4) {
            const void *field = reader->at + 4;
            reader->at += 4 + *len;
            reader->left -= 4 + *len;
            return field;
        }
    }
    reader->bad = true;
    *len = 0;
    return NULL;
}

static const char *read_text(struct field_reader *reader) {
    uint32_t len;
    const char *text = read_field(reader, &len);
    if (reader->bad || len == 0 || memchr(text, 0, len) != text + len - 1) {
        reader->bad = true;
        return "";
    }
    return text;
}

int peer_hello_decode(struct slice payload, struct peer_hello *hello, uint64_t *session) {
    *hello = (struct peer_hello){.cluster_id = "", .nodes = ""};
    if (payload.len < HELLO_FIXED_SIZE || le_get_u32(payload.data) != PEER_MAGIC)
        return ERR_MALFORMED;
    hello->version = le_get_u16(payload.data + 4);
    hello->node = (int32_t)le_get_u32(payload.data + 8);
    if (hello->version != PEER_PROTOCOL_VERSION) return ERR_VERSION;
    hello->shard = le_get_u32(payload.data + 12);
    memcpy(hello->directory, payload.data + 16, PEER_UUID_SIZE);
    *session = le_get_u64(payload.data + 32);
    hello->minor = le_get_u32(payload.data + 40);
    struct field_reader reader = {payload.data + HELLO_FIXED_SIZE, payload.len - HELLO_FIXED_SIZE,
                                  false};
    hello->cluster_id = read_text(&reader);
    hello->nodes = read_text(&reader);
    hello->record = read_field(&reader, &hello->record_len);
    return reader.bad || reader.left != 0 ? ERR_MALFORMED : ERR_NONE;
}

void peer_journal_encode(uint8_t into[PEER_JOURNAL_SIZE], const struct peer_journal *journal) {
    le_put_u64(into, journal->run);
    le_put_u64(into + 8, journal->sequence);
}

int peer_journal_decode(struct slice payload, struct peer_journal *journal) {
    if (payload.len != PEER_JOURNAL_SIZE) return ERR_MALFORMED;
    journal->run = le_get_u64(payload.data);
    journal->sequence = le_get_u64(payload.data + 8);
    return ERR_NONE;
}

void peer_verdict_encode(struct peer_bytes *into, enum peer_answer answer,
                         const struct peer_journal *seen, const char *sentence) {
    *peer_bytes_extend(into, 1) = (uint8_t)answer;
    peer_journal_encode(peer_bytes_extend(into, PEER_JOURNAL_SIZE), seen);
    bytes_add_field(into, sentence, strlen(sentence) + 1);
}

int peer_verdict_decode(struct slice payload, enum peer_answer *answer, struct peer_journal *seen,
                        const char **sentence) {
    enum { FIXED_SIZE = 1 + PEER_JOURNAL_SIZE };
    if (payload.len < FIXED_SIZE || payload.data[0] > PEER_REFUSED_FOR_GOOD) return ERR_MALFORMED;
    *answer = payload.data[0];
    peer_journal_decode((struct slice){.data = payload.data + 1, .len = PEER_JOURNAL_SIZE}, seen);
    struct field_reader reader = {payload.data + FIXED_SIZE, payload.len - FIXED_SIZE, false};
    *sentence = read_text(&reader);
    return reader.bad || reader.left != 0 ? ERR_MALFORMED : ERR_NONE;
}

void peer_ping_encode(uint8_t *into, const struct peer_ping *ping, bool timed) {
    le_put_u64(into, ping->received[PEER_CONTROL]);
    le_put_u64(into + 8, ping->received[PEER_BULK]);
    into[16] = ping->paused;
    if (!timed) return;
    le_put_u64(into + PEER_PING_SIZE, ping->sent_us);
    le_put_u64(into + PEER_PING_SIZE + 8, ping->echo_us);
    le_put_u64(into + PEER_PING_SIZE + 16, ping->held_us);
}

int peer_ping_decode(struct slice payload, struct peer_ping *ping) {
    bool timed = payload.len == PEER_TIMED_PING_SIZE;
    if ((payload.len != PEER_PING_SIZE && !timed) || payload.data[16] > 1) return ERR_MALFORMED;
    *ping = (struct peer_ping){.paused = payload.data[16]};
    ping->received[PEER_CONTROL] = le_get_u64(payload.data);
    ping->received[PEER_BULK] = le_get_u64(payload.data + 8);
    if (!timed) return ERR_NONE;
    ping->sent_us = le_get_u64(payload.data + PEER_PING_SIZE);
    ping->echo_us = le_get_u64(payload.data + PEER_PING_SIZE + 8);
    ping->held_us = le_get_u64(payload.data + PEER_PING_SIZE + 16);
    return ERR_NONE;
}

void peer_record_encode(uint8_t into[PEER_RECORD_SIZE], const struct peer_record *record) {
    le_put_u64(into, record->group);
    le_put_u64(into + 8, record->from);
    le_put_u64(into + 16, record->to);
    le_put_u32(into + 24, record->term);
    into[28] = record->type;
    into[29] = record->flags;
    le_put_u16(into + 30, 0);
    memset(into + 32, 0, PEER_RECORD_SIZE - 32);
    switch (record->type) {
    case RECORD_APPEND:
        le_put_u64(into + 32, record->append.prev_index);
        le_put_u64(into + 40, record->append.commit);
        le_put_u32(into + 48, record->append.prev_term);
        le_put_u32(into + 52, record->append.quiet_round);
        break;
    case RECORD_APPEND_RESULT:
        le_put_u64(into + 32, record->append_result.rejected);
        le_put_u64(into + 40, record->append_result.last_index);
        le_put_u32(into + 48, record->append_result.quiet_round);
        break;
    case RECORD_VOTE:
    case RECORD_TIMEOUT_NOW:
        le_put_u64(into + 32, record->vote.last_index);
        le_put_u64(into + 40, record->vote.last_term);
        break;
    case RECORD_CONFIRM:
    case RECORD_CONFIRMED: le_put_u64(into + 32, record->confirm.round); break;
    case RECORD_RESIGNED: le_put_u64(into + 32, record->resigned.deposed_by); break;
    }
}

_Static_assert(RECORD_FLAGS == UINT8_MAX, "every flag is known, so none is refused");

int peer_record_decode(const uint8_t bytes[PEER_RECORD_SIZE], struct peer_record *record) {
    record->group = le_get_u64(bytes);
    record->from = le_get_u64(bytes + 8);
    record->to = le_get_u64(bytes + 16);
    record->term = le_get_u32(bytes + 24);
    record->type = bytes[28];
    record->flags = bytes[29];
    if (le_get_u16(bytes + 30) != 0) return ERR_MALFORMED;
    switch (record->type) {
    case RECORD_APPEND:
        record->append.prev_index = le_get_u64(bytes + 32);
        record->append.commit = le_get_u64(bytes + 40);
        record->append.prev_term = le_get_u32(bytes + 48);
        record->append.quiet_round = le_get_u32(bytes + 52);
        return ERR_NONE;
    case RECORD_APPEND_RESULT:
        record->append_result.rejected = le_get_u64(bytes + 32);
        record->append_result.last_index = le_get_u64(bytes + 40);
        record->append_result.quiet_round = le_get_u32(bytes + 48);
        return le_get_u32(bytes + 52) == 0 ? ERR_NONE : ERR_MALFORMED;
    case RECORD_VOTE:
    case RECORD_TIMEOUT_NOW:
        record->vote.last_index = le_get_u64(bytes + 32);
        record->vote.last_term = le_get_u64(bytes + 40);
        return ERR_NONE;
    case RECORD_VOTE_RESULT: return ERR_NONE;
    case RECORD_CONFIRM:
    case RECORD_CONFIRMED: record->confirm.round = le_get_u64(bytes + 32); return ERR_NONE;
    case RECORD_RESIGNED: record->resigned.deposed_by = le_get_u64(bytes + 32); return ERR_NONE;
    default: return ERR_MALFORMED;
    }
}

void peer_piece_encode(uint8_t into[PEER_PIECE_SIZE], const struct peer_piece *piece) {
    le_put_u64(into, piece->group);
    le_put_u64(into + 8, piece->from);
    le_put_u64(into + 16, piece->to);
    le_put_u32(into + 24, piece->term);
    le_put_u32(into + 28, piece->count);
    le_put_u64(into + 32, piece->prev_index);
    le_put_u32(into + 40, piece->prev_term);
    le_put_u32(into + 44, 0);
    le_put_u64(into + 48, piece->commit);
}

void peer_piece_decode(const uint8_t bytes[PEER_PIECE_SIZE], struct peer_piece *piece) {
    piece->group = le_get_u64(bytes);
    piece->from = le_get_u64(bytes + 8);
    piece->to = le_get_u64(bytes + 16);
    piece->term = le_get_u32(bytes + 24);
    piece->count = le_get_u32(bytes + 28);
    piece->prev_index = le_get_u64(bytes + 32);
    piece->prev_term = le_get_u32(bytes + 40);
    piece->commit = le_get_u64(bytes + 48);
}
