/* Messages by chance: a walk over the schema that gives each field a value, some by its name, the
 * others by its type. */
#include "tests/garbage/messages.h"

#include <string.h>

#include "protocol/messages/frame.h"
#include "protocol/schema_values.h"
#include "tests/garbage/batches.h"

enum { ARENA_MAX = 400 << 20, NAMES_MADE = 12, LONG_NAME = 30000, DEEP = 6 };

struct making {
    struct chance *chance;
    const struct kp_api *api;
    int version;
    struct kp_arena arena;
};

/* ---- Numbers ---- */

struct numbers {
    const char *field;
    int64_t values[8];
};

/* Fields whose every value would take time or room, or say nothing. A zero at the end counts, too.
 */
static const struct numbers by_name[] = {
    {"acks", {-1, -1, -1, 1, 1, 1, -2, 5}},
    {"maxWaitMs", {0, 0, 0, 0, 1, 3, -1, 10}},
    {"minBytes", {0, 0, 1, 1, -1, INT32_MAX, INT32_MIN, 100}},
    {"timeoutMs", {5000, 1000, 1, 0, -1, INT32_MAX, INT32_MIN, 100}},
    {"partition", {0, 0, 0, 0, 1, 1, -1, INT32_MAX}},
    {"partitionIndex", {0, 0, 0, 0, 1, 1, INT32_MIN, 2}},
    {"index", {0, 0, 0, 0, 1, 1, -1, INT32_MAX}},
    {"fetchOffset", {0, 0, 0, 1, 5, -1, INT64_MAX, 100}},
    {"currentLeaderEpoch", {-1, -1, -1, -1, 0, 1, INT32_MAX, INT32_MIN}},
    {"timestamp", {-1, -2, -3, 0, -4, INT64_MAX, INT64_MIN, INT64_C(1764300000500)}},
    {"numPartitions", {1, 1, -1, 2, 0, INT32_MAX, INT32_MIN, -5}},
    {"replicationFactor", {1, 3, -1, 3, 0, INT16_MAX, INT16_MIN, 4}},
    {"count", {2, 2, 3, 1, 0, INT32_MAX, INT32_MIN, -1}},
    {"resourceType", {2, 2, 4, 4, 0, 8, 127, -128}},
    {"keyType", {0, 0, 1, 1, 2, 3, 127, -128}},
    {"transactionTimeoutMs", {60000, 60000, 0, -1, INT32_MAX, INT32_MIN, 1, 1000}},
    {"producerId", {-1, -1, -1, 0, 1, 5, INT64_MAX, INT64_MIN}},
};

static int64_t number(struct making *making, const char *field) {
    static const int64_t odd[] = {0,         1,         -1,        2,      10,    127,
                                  128,       255,       32767,     -32768, 65536, INT32_MAX,
                                  INT32_MIN, INT64_MAX, INT64_MIN, 1000};
    for (size_t i = 0; i < sizeof by_name / sizeof by_name[0]; i++)
        if (strcmp(by_name[i].field, field) == 0)
            return by_name[i].values[chance_below(making->chance, 8)];
    if (chance_of(making->chance, 60)) return (int64_t)chance_below(making->chance, 3);
    if (chance_of(making->chance, 80))
        return odd[chance_below(making->chance, sizeof odd / sizeof odd[0])];
    return (int64_t)chance_next(making->chance);
}

/* ---- Texts ---- */

static bool makes_or_removes(const struct making *making) {
    return making->api->key == KP_CREATE_TOPICS || making->api->key == KP_DELETE_TOPICS ||
           making->api->key == KP_CREATE_PARTITIONS;
}

static struct kp_string odd_text(struct making *making) {
    static const char *const texts[] = {"",
                                        ".",
                                        "..",
                                        "no-such-topic",
                                        "a\001b",
                                        "\xff\xfe",
                                        "1",
                                        "2",
                                        "-1",
                                        "2147483648",
                                        "__consumer_offsets",
                                        "retention.ms",
                                        "compression.type",
                                        "zstd",
                                        "max.message.bytes",
                                        "/brokers",
                                        "/",
                                        "/topics/garbage-0",
                                        "99999999999999999999",
                                        "\n",
                                        "gar bage",
                                        "%s%n"};
    if (chance_of(making->chance, 5)) return kp_arena_string(&making->arena, "a\0b", 3);
    if (!chance_of(making->chance, 3))
        return kp_string_of(texts[chance_below(making->chance, sizeof texts / sizeof texts[0])]);
    char *name = kp_arena_alloc(&making->arena, LONG_NAME);
    if (name == NULL) return kp_string_of("");
    memset(name, 'x', LONG_NAME);
    return (struct kp_string){
        name,
        (int32_t)(chance_of(making->chance, 50) ? 249 : chance_below(making->chance, LONG_NAME))};
}

static struct kp_string text(struct making *making, const char *field) {
    bool topic = strcmp(field, "topic") == 0 || strcmp(field, "name") == 0 ||
                 strcmp(field, "topicNames") == 0 || strcmp(field, "resourceName") == 0;
    if (!topic || chance_of(making->chance, 15)) return odd_text(making);
    if (makes_or_removes(making))
        return kp_arena_printf(&making->arena, "made-%zu",
                               chance_below(making->chance, NAMES_MADE));
    return kp_arena_printf(&making->arena, "garbage-%zu",
                           chance_below(making->chance, GARBAGE_TOPICS));
}

/* ---- Fields ---- */

static void fill(struct making *making, const struct kp_schema *schema, void *object,
                 unsigned depth);

static void fill_optional(struct making *making, const struct kp_schema *item, void *value,
                          bool null, unsigned depth) {
    void *object = null ? NULL : kp_arena_alloc(&making->arena, item->size);
    if (object != NULL) fill(making, item, object, depth + 1);
    memcpy(value, &object, sizeof object);
}

static void fill_value(struct making *making, const struct kp_field *field, enum kp_kind kind,
                       void *value, unsigned depth) {
    bool null = kp_version_in(field->nullable, making->version) && chance_of(making->chance, 10);
    switch (kind) {
    case KP_BOOL: *(bool *)value = chance_of(making->chance, 50); break;
    case KP_INT8: *(int8_t *)value = (int8_t)number(making, field->name); break;
    case KP_INT16: *(int16_t *)value = (int16_t)number(making, field->name); break;
    case KP_INT32: *(int32_t *)value = (int32_t)number(making, field->name); break;
    case KP_INT64: *(int64_t *)value = number(making, field->name); break;
    case KP_UINT16: *(uint16_t *)value = (uint16_t)number(making, field->name); break;
    case KP_FLOAT64: chance_fill(making->chance, value, sizeof(double)); break;
    case KP_UUID: chance_fill(making->chance, value, chance_of(making->chance, 50) ? 16 : 0); break;
    case KP_STRING:
        *(struct kp_string *)value = null ? KP_NULL_STRING : text(making, field->name);
        break;
    case KP_BYTES: {
        struct kp_string bytes = null ? KP_NULL_STRING : odd_text(making);
        *(struct kp_bytes *)value = (struct kp_bytes){(const uint8_t *)bytes.data, bytes.len};
        break;
    }
    case KP_OPTIONAL: fill_optional(making, field->item, value, null, depth); break;
    case KP_RECORDS: {
        struct kp_bytes records = batches_by_chance(making->chance, &making->arena);
        *(struct kp_records *)value = (struct kp_records){.data = records.data,
                                                          .len = null ? -1 : records.len};
        break;
    }
    case KP_STRUCT: fill(making, field->item, value, depth + 1); break;
    case KP_ARRAY: break; /* no arrays of arrays */
    }
}

static size_t array_count(struct making *making, unsigned depth) {
    static const size_t usual[] = {0, 1, 1, 1, 1, 1, 2, 2, 3, 5};
    if (chance_below(making->chance, 1000) < 3) return depth < 2 ? 500 : 100;
    return usual[chance_below(making->chance, sizeof usual / sizeof usual[0])];
}

static void fill_array(struct making *making, const struct kp_field *field, void *value,
                       unsigned depth) {
    struct kp_any_array array = {NULL, 0};
    bool unusual = strcmp(field->name, "assignments") == 0 && !chance_of(making->chance, 5);
    size_t count = unusual || depth > DEEP ? 0 : array_count(making, depth);
    size_t size = kp_value_size(field->element, field->item);
    if (kp_version_in(field->nullable, making->version) && chance_of(making->chance, 10)) {
        array.count = -1;
    } else if ((array.items = kp_arena_alloc(&making->arena, count * size + 1)) != NULL) {
        array.count = (int32_t)count;
        for (size_t i = 0; i < count; i++)
            fill_value(making, field, field->element, (uint8_t *)array.items + i * size, depth);
    }
    memcpy(value, &array, sizeof array);
}

static void fill(struct making *making, const struct kp_schema *schema, void *object,
                 unsigned depth) {
    kp_set_fallbacks(schema, object);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct kp_field *field = &schema->fields[i];
        void *value = (uint8_t *)object + field->offset;
        if (!kp_version_in(field->versions, making->version)) continue;
        if (kp_version_in(field->tagged, making->version) && chance_of(making->chance, 70))
            continue;
        if (field->kind == KP_ARRAY)
            fill_array(making, field, value, depth);
        else
            fill_value(making, field, field->kind, value, depth);
    }
}

bool message_by_chance(struct chance *chance, const struct kp_api *api, int version,
                       struct kp_writer *frame) {
    struct making making = {.chance = chance, .api = api, .version = version};
    kp_arena_init(&making.arena, ARENA_MAX);
    void *message = kp_arena_alloc(&making.arena, api->request->size);
    fill(&making, api->request, message, 0);
    struct kp_string client = chance_of(chance, 90) ? kp_string_of("garbage") : odd_text(&making);
    int32_t correlation = (int32_t)chance_next(chance);
    int error = kp_request_encode(api, version, correlation, client, message, frame);
    kp_arena_close(&making.arena);
    return error == ERR_NONE;
}
