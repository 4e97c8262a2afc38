/* The ring of a log's entries, and the runs of the tail cache that leave it. */
#include "storage/tables/log_memory.h"

#include "base/check.h"
#include "base/mem.h"

enum { SLOTS_AT_FIRST = 16, STEP_BYTES = 1 << 20 };

/* Entries of one log that were served at the same moment: what leaves memory together. */
struct tail_run {
    struct log_memory *memory;
    log_index last_index;
    struct tail_run *older, *newer; /* of the cache */
    struct tail_run *next;          /* of the log, towards newer */
};

void tail_cache_init(struct tail_cache *cache, uint64_t limit_bytes) {
    *cache = (struct tail_cache){.limit = limit_bytes};
}

void log_memory_init(struct log_memory *memory, struct tail_cache *cache, log_index next_index) {
    CHECK(next_index > 0);
    *memory = (struct log_memory){
        .cache = cache, .first_index = next_index, .served = next_index - 1};
}

static struct memory_slot *slot_of(const struct log_memory *memory, log_index index) {
    return &memory->slots[index & (memory->room - 1)];
}

static void memory_grow(struct log_memory *memory) {
    struct log_memory larger = *memory;
    larger.room = memory->room ? memory->room * 2 : SLOTS_AT_FIRST;
    larger.slots = mem_alloc(larger.room * sizeof *larger.slots);
    for (uint64_t i = memory->first_index; i < memory->first_index + memory->count; i++)
        *slot_of(&larger, i) = *slot_of(memory, i);
    mem_free(memory->slots);
    *memory = larger;
}

/* Thousands of logs are idle: an empty one holds nothing. */
static void shrink_if_empty(struct log_memory *memory) {
    if (memory->count > 0) return;
    mem_free(memory->slots);
    memory->slots = NULL;
    memory->room = 0;
}

void log_memory_push(struct log_memory *memory, struct entry *entry) {
    CHECK(entry->index == memory->first_index + memory->count);
    if (memory->count == memory->room) memory_grow(memory);
    memory->count++;
    *slot_of(memory, entry->index) = (struct memory_slot){.entry = entry_ref(entry)};
}

void log_memory_truncate(struct log_memory *memory, log_index index) {
    CHECK(index > memory->served && index >= memory->first_index);
    while (memory->first_index + memory->count > index) {
        uint64_t last = memory->first_index + memory->count - 1;
        entry_unref(slot_of(memory, last)->entry);
        memory->count--;
    }
    shrink_if_empty(memory);
}

/* What an entry takes in memory, bytes. */
static uint64_t footprint(const struct entry *entry) {
    uint64_t bytes = sizeof *entry + entry->body.len;
    if (entry->raw.buffer != entry->body.buffer) bytes += entry->raw.len;
    return bytes;
}

static void take_off_cache(struct tail_run *run) {
    struct tail_cache *cache = run->memory->cache;
    if (run->older)
        run->older->newer = run->newer;
    else
        cache->oldest = run->newer;
    if (run->newer)
        run->newer->older = run->older;
    else
        cache->newest = run->older;
}

static void evict_up_to(struct log_memory *memory, log_index index) {
    while (memory->count > 0 && memory->first_index <= index) {
        struct memory_slot *slot = slot_of(memory, memory->first_index);
        memory->cache->bytes -= slot->charged;
        entry_unref(slot->entry);
        memory->first_index++;
        memory->count--;
    }
}

/* The oldest run of a log leaves. */
static void evict_run(struct log_memory *memory) {
    struct tail_run *run = memory->oldest;
    evict_up_to(memory, run->last_index);
    memory->oldest = run->next;
    if (!memory->oldest) memory->newest = NULL;
    take_off_cache(run);
    mem_free(run);
    shrink_if_empty(memory);
}

static void memory_trim(struct tail_cache *cache) {
    /* The cache's oldest is its log's oldest. */
    while (cache->bytes > cache->limit && cache->oldest)
        evict_run(cache->oldest->memory);
}

bool tail_cache_set_limit(struct tail_cache *cache, uint64_t limit_bytes) {
    cache->limit = limit_bytes;
    if (cache->bytes > limit_bytes && cache->bytes - limit_bytes > STEP_BYTES)
        cache->limit = cache->bytes - STEP_BYTES;
    memory_trim(cache);
    return cache->limit > limit_bytes;
}

void log_memory_serve(struct log_memory *memory, log_index index) {
    CHECK(index >= memory->served && index < memory->first_index + memory->count);
    if (index == memory->served) return;
    for (uint64_t i = memory->served + 1; i <= index; i++) {
        struct memory_slot *slot = slot_of(memory, i);
        slot->charged = footprint(slot->entry);
        memory->cache->bytes += slot->charged;
    }
    memory->served = index;

    struct tail_run *run = mem_alloc(sizeof *run);
    *run = (struct tail_run){.memory = memory, .last_index = index, .older = memory->cache->newest};
    if (run->older)
        run->older->newer = run;
    else
        memory->cache->oldest = run;
    memory->cache->newest = run;
    if (memory->newest)
        memory->newest->next = run;
    else
        memory->oldest = run;
    memory->newest = run;
    memory_trim(memory->cache);
}

void log_memory_forget(struct log_memory *memory, log_index index) {
    CHECK(index <= memory->served);
    while (memory->oldest && memory->oldest->last_index <= index)
        evict_run(memory);
    evict_up_to(memory, index); /* of a run that goes on behind it */
}

void log_memory_close(struct log_memory *memory) {
    while (memory->oldest)
        evict_run(memory);
    while (memory->count > 0) {
        entry_unref(slot_of(memory, memory->first_index)->entry);
        memory->first_index++;
        memory->count--;
    }
    shrink_if_empty(memory);
}

struct entry *log_memory_at(const struct log_memory *memory, log_index index) {
    if (index < memory->first_index || index - memory->first_index >= memory->count) return NULL;
    return slot_of(memory, index)->entry;
}

struct entry *log_memory_find_offset(const struct log_memory *memory, kafka_offset offset) {
    if (memory->count == 0 || slot_of(memory, memory->first_index)->entry->base_offset > offset)
        return NULL;
    /* The first entry that ends behind the offset: ends never go back from one entry to the next.
     */
    uint64_t low = memory->first_index, high = memory->first_index + memory->count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        const struct entry *entry = slot_of(memory, middle)->entry;
        if (entry->base_offset + entry->records > offset)
            high = middle;
        else
            low = middle + 1;
    }
    return log_memory_at(memory, low);
}

int log_memory_raw(struct log_memory *memory, log_index index, struct slice *raw) {
    struct entry *entry = log_memory_at(memory, index);
    CHECK(entry);
    struct tail_cache *cache = memory->cache;
    bool keep = entry->codec == ENTRY_LZ4 && !entry->raw.data &&
                cache->bytes + entry->raw_len <= cache->limit;
    int error = entry_raw(entry, NULL, keep, raw);
    if (!error && keep && index <= memory->served) {
        slot_of(memory, index)->charged += entry->raw_len;
        cache->bytes += entry->raw_len;
    }
    return error;
}
