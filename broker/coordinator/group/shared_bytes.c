/* Counted bytes, and a table in which equal ones meet; seeded, because clients choose them. */
#include "broker/coordinator/group/shared_bytes.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/coordinator/group/group_hash.h"

struct shared_bytes {
    struct shared_pool *pool; /* NULL: in none */
    UT_hash_handle hh;
    uint32_t references;
    int32_t len;
    uint8_t data[];
};

struct shared_pool {
    uint64_t seed;
    struct shared_bytes *all;
    size_t bytes;
};

struct shared_pool *shared_pool_new(uint64_t seed) {
    struct shared_pool *pool = mem_zalloc(sizeof *pool);
    pool->seed = seed;
    return pool;
}

void shared_pool_free(struct shared_pool *pool) {
    if (pool == NULL) return;
    CHECK(pool->all == NULL);
    mem_free(pool);
}

size_t shared_pool_bytes(const struct shared_pool *pool) {
    return pool->bytes;
}

static size_t size_of(const struct shared_bytes *bytes) {
    return sizeof *bytes + (size_t)bytes->len;
}

struct shared_bytes *shared_bytes_of(struct shared_pool *pool, const void *data, int32_t len) {
    if (len < 0) return NULL;
    unsigned hash = 0;
    struct shared_bytes *bytes = NULL;
    if (pool != NULL) {
        hash = group_hash(pool->seed, data, (size_t)len);
        HASH_FIND_BYHASHVALUE(hh, pool->all, data, (unsigned)len, hash, bytes);
        if (bytes != NULL) return shared_bytes_take(bytes);
    }
    bytes = mem_zalloc(sizeof *bytes + (size_t)len);
    bytes->references = 1;
    bytes->len = len;
    if (len > 0) memcpy(bytes->data, data, (size_t)len);
    if (pool != NULL) {
        bytes->pool = pool;
        pool->bytes += size_of(bytes);
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, pool->all, bytes->data, (unsigned)len, hash, bytes);
    }
    return bytes;
}

struct shared_bytes *shared_string_of(struct shared_pool *pool, struct kp_string string) {
    return shared_bytes_of(pool, string.data, string.len);
}

struct shared_bytes *shared_bytes_take(struct shared_bytes *bytes) {
    if (bytes != NULL) bytes->references++;
    return bytes;
}

void shared_bytes_release(struct shared_bytes *bytes) {
    if (bytes == NULL || --bytes->references > 0) return;
    if (bytes->pool != NULL) {
        bytes->pool->bytes -= size_of(bytes);
        HASH_DEL(bytes->pool->all, bytes);
    }
    mem_free(bytes);
}

struct kp_string shared_string(const struct shared_bytes *bytes) {
    if (bytes == NULL) return KP_NULL_STRING;
    return (struct kp_string){.data = (const char *)bytes->data, .len = bytes->len};
}

struct kp_bytes shared_bytes_view(const struct shared_bytes *bytes) {
    if (bytes == NULL) return (struct kp_bytes){.data = NULL, .len = -1};
    return (struct kp_bytes){.data = bytes->data, .len = bytes->len};
}

bool shared_string_is(const struct shared_bytes *bytes, struct kp_string string) {
    if (bytes == NULL || string.len < 0) return bytes == NULL && string.len < 0;
    return bytes->len == string.len && memcmp(bytes->data, string.data, (size_t)string.len) == 0;
}

bool shared_bytes_equal(const struct shared_bytes *a, const struct shared_bytes *b) {
    return a == b || shared_string_is(a, shared_string(b));
}
