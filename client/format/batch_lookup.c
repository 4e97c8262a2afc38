/* Fetching the batch in which an offset lies, and reading its header. */
#include "client/format/batch_lookup.h"

#include <inttypes.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/fetch.h"

enum { ARENA_MAX = 512 << 20, VERSION_MIN = 5 };

struct known_batch {
    char *topic;
    int32_t partition;
    struct batch_facts facts;
};

struct batch_lookup {
    const struct invocation *in;
    struct known_batch *known;
    size_t count, room;
};

static const struct batch_facts nothing = {.batch = {.base_offset = -1, .last_offset_delta = -1}};

struct batch_lookup *batch_lookup_new(const struct invocation *in) {
    struct batch_lookup *lookup = mem_zalloc(sizeof(*lookup));
    lookup->in = in;
    return lookup;
}

void batch_lookup_free(struct batch_lookup *lookup) {
    for (size_t i = 0; lookup && i < lookup->count; i++) {
        mem_free(lookup->known[i].topic);
    }
    if (lookup) {
        mem_free(lookup->known);
        mem_free(lookup);
    }
}

/* The entry of a partition; a new one knows no batch yet. */
static struct known_batch *entry_of(struct batch_lookup *lookup, const char *topic,
                                    int32_t partition) {
    for (size_t i = 0; i < lookup->count; i++) {
        if (lookup->known[i].partition == partition && strcmp(lookup->known[i].topic, topic) == 0) {
            return &lookup->known[i];
        }
    }
    lookup->known = mem_grow(lookup->known, lookup->count, &lookup->room, sizeof(*lookup->known));
    struct known_batch *entry = &lookup->known[lookup->count++];
    *entry = (struct known_batch){
        .topic = mem_strdup(topic), .partition = partition, .facts = nothing};
    return entry;
}

static bool holds(const struct batch_facts *facts, int64_t offset) {
    return offset >= facts->batch.base_offset && offset <= record_batch_last_offset(&facts->batch);
}

/* The first batch of the answer, if `offset` lies in it. */
static int read_header(const struct kp_fetch_response_partition *answer, int64_t offset,
                       struct batch_facts *facts, struct error_text *why) {
    if (answer->error_code) {
        return error_set(why, ERR_AGAIN, "%s", kafka_error_message(answer->error_code));
    }
    *facts = (struct batch_facts){.log_start = answer->log_start_offset,
                                  .last_stable = answer->last_stable_offset,
                                  .high_watermark = answer->high_watermark};
    const struct kp_records *records = &answer->records;
    if (!records->data || records->len <= 0 ||
        record_batch_parse(records->data, (size_t)records->len, &facts->batch, why) != ERR_NONE ||
        !holds(facts, offset)) {
        *facts = nothing;
        return error_set(why, ERR_NOT_FOUND, "its leader has no batch with offset %" PRId64,
                         offset);
    }
    facts->batch.data = NULL; /* they lie in the answer */
    return ERR_NONE;
}

static int fetch(struct admin_client *admin, struct kp_arena *arena,
                 const struct kp_metadata_response_topic *topic,
                 const struct kp_metadata_response_broker *leader, const char *name,
                 int32_t partition, int64_t offset, struct batch_facts *facts,
                 struct error_text *why) {
    struct kp_fetch_request request;
    struct kp_fetch_request_topic one;
    struct kp_fetch_request_partition part;
    struct kp_fetch_response response;
    kp_set_fallbacks(&kp_fetch_request_schema, &request);
    kp_set_fallbacks(&kp_fetch_request_topic_schema, &one);
    kp_set_fallbacks(&kp_fetch_request_partition_schema, &part);
    part.partition = partition;
    part.fetch_offset = offset;
    part.partition_max_bytes = 1;   /* the first batch comes whole */
    one.topic = kp_string_of(name); /* up to version 12; from 13 on its id */
    one.topic_id = topic->topic_id;
    one.partitions.items = &part;
    one.partitions.count = 1;
    request.max_bytes = 1;
    request.session_epoch = -1;
    request.topics.items = &one;
    request.topics.count = 1;
    int error = admin_request_to(admin, cluster_text(arena, leader->host), leader->port, KP_FETCH,
                                 VERSION_MIN, &request, arena, &response, NULL, why);
    if (error) {
        return error;
    }
    if (response.error_code || response.responses.count != 1 ||
        response.responses.items[0].partitions.count != 1) {
        return error_set(why, ERR_AGAIN, "its leader did not answer about it");
    }
    return read_header(&response.responses.items[0].partitions.items[0], offset, facts, why);
}

static int ask(const struct batch_lookup *lookup, const char *name, int32_t partition,
               int64_t offset, struct batch_facts *facts, struct error_text *why) {
    struct admin_client *admin = admin_client_for(lookup->in);
    struct kp_arena arena;
    struct kp_metadata_response metadata;
    kp_arena_init(&arena, ARENA_MAX);
    int error = cluster_ask(admin, &arena, name, &metadata, why);
    const struct kp_metadata_response_topic *topic = error ? NULL
                                                           : cluster_find_topic(&metadata, name);
    const struct kp_metadata_response_partition *of = cluster_find_partition(topic, partition);
    const struct kp_metadata_response_broker *leader = of ? cluster_broker(&metadata, of->leader_id)
                                                          : NULL;
    if (!error && !leader) {
        error = error_set(why, ERR_AGAIN, "nobody leads it");
    }
    error = error ? error
                  : fetch(admin, &arena, topic, leader, name, partition, offset, facts, why);
    kp_arena_close(&arena);
    admin_client_free(admin);
    return error;
}

int batch_lookup_of(struct batch_lookup *lookup, const char *topic, int32_t partition,
                    int64_t offset, const struct batch_facts **facts, struct error_text *why) {
    struct known_batch *entry = entry_of(lookup, topic, partition);
    *facts = &entry->facts;
    if (holds(*facts, offset)) {
        return ERR_NONE;
    }
    return ask(lookup, topic, partition, offset, &entry->facts, why);
}
