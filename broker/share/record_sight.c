/* Records of a batch, one after the other, and the offsets between them. */
#include "broker/share/record_sight.h"

#include <string.h>

#include "base/error.h"

static const char header[] = RECORD_TTL;
enum { DIGITS_MOST = 18, PLAIN_PART = 4 /* of what it takes to unfold as much */ };

void record_sights_open(struct record_sights *sights, const struct record_batch *batch,
                        int64_t ttl_ms) {
    *sights = (struct record_sights){.batch = batch, .ttl_ms = ttl_ms, .next = batch->base_offset};
    sights->blind = record_iterator_open(&sights->records, batch, RECORD_SIGHT_MOST) != ERR_NONE;
    sights->bytes = sights->blind ? batch->size
                    : record_batch_codec(batch) == RECORD_CODEC_NONE
                        ? sights->records.len / PLAIN_PART
                        : sights->records.len;
}

void record_sights_close(struct record_sights *sights) {
    if (!sights->blind) record_iterator_close(&sights->records);
}

/* -1: it is no number. */
static int64_t number_of(const struct record_header *said) {
    int64_t number = 0;
    if (said->value_len < 1 || said->value_len > DIGITS_MOST) return -1;
    for (int32_t i = 0; i < said->value_len; i++) {
        if (said->value[i] < '0' || said->value[i] > '9') return -1;
        number = number * 10 + (said->value[i] - '0');
    }
    return number;
}

/* The first one of that name counts; -1: there is none. */
static int64_t said_ttl(struct record record) {
    struct record_header said;
    while (record_header_next(&record, &said) == ERR_NONE)
        if (said.key_len == (int32_t)sizeof header - 1 &&
            memcmp(said.key, header, sizeof header - 1) == 0)
            return number_of(&said);
    return -1;
}

static int64_t until_of(int64_t timestamp_ms, int64_t ttl_ms) {
    if (timestamp_ms < 0) return INT64_MAX;
    return ttl_ms > INT64_MAX - timestamp_ms ? INT64_MAX : timestamp_ms + ttl_ms;
}

static int64_t life_of(const struct record_sights *sights, const struct record *record) {
    if (sights->ttl_ms < 0) return INT64_MAX;
    int64_t said_ms = said_ttl(*record);
    if (said_ms >= 0) return until_of(record->timestamp_ms, said_ms);
    return sights->ttl_ms > 0 ? until_of(record->timestamp_ms, sights->ttl_ms) : INT64_MAX;
}

/* All that is left, as one. */
static bool rest(struct record_sights *sights, struct record_sight *sight, bool none) {
    kafka_offset last = record_batch_last_offset(sights->batch);
    if (sights->next > last) return false;
    *sight = (struct record_sight){.at = {sights->next, last}, .none = none, .until_ms = INT64_MAX};
    if (!none && sights->ttl_ms > 0)
        sight->until_ms = until_of(sights->batch->max_timestamp, sights->ttl_ms);
    sights->next = last + 1;
    return true;
}

bool record_sights_next(struct record_sights *sights, struct record_sight *sight) {
    if (sights->blind) return rest(sights, sight, false);
    if (!sights->waits) {
        int error = record_iterator_next(&sights->records, &sights->record);
        if (error != ERR_NONE || sights->record.offset < sights->next)
            return rest(sights, sight, error == ERR_EOF);
    }
    const struct record *record = &sights->record;
    sights->waits = record->offset > sights->next && !sights->waits;
    *sight = (struct record_sight){.at = {sights->next, record->offset}, .until_ms = INT64_MAX};
    if (sights->waits) {
        sight->none = true;
        sight->at.last--;
    } else {
        sight->until_ms = life_of(sights, record);
    }
    sights->next = sight->at.last + 1;
    return true;
}

/* FNV-1a, and its bits spread over all of it. */
uint64_t record_sights_key(const struct record_sights *sights) {
    const struct record *record = &sights->record;
    uint64_t hash = UINT64_C(14695981039346656037);
    if (sights->blind) return RECORD_KEY_ANY;
    if (record->key_len < 0) return RECORD_KEY_NONE;
    for (int32_t i = 0; i < record->key_len; i++)
        hash = (hash ^ record->key[i]) * UINT64_C(1099511628211);
    hash = (hash ^ (hash >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
    return hash < RECORD_KEY_LEAST ? RECORD_KEY_LEAST : hash;
}
