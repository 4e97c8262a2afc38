/* Owned sets of settings, and rings of requests. */
#include "broker/metadata/metadata_configs.h"

#include <string.h>

#include "base/mem.h"

/* What a setting takes beside its texts: two pointers, two blocks of the allocator. */
enum { PAIR_BYTES = 48, RESOURCE_BYTES = 256 };

static void free_pair(const struct config_pair *pair) {
    mem_free((void *)pair->name);
    mem_free((void *)pair->value);
}

static char *copy_text(struct kp_string text) {
    return mem_text(text.data == NULL ? "" : text.data, text.len < 0 ? 0 : (size_t)text.len);
}

void metadata_configs_add(struct config_set *set, struct kp_string name, struct kp_string value) {
    struct config_pair *pairs = mem_realloc((void *)set->pairs, (set->count + 1) * sizeof *pairs);
    pairs[set->count++] = (struct config_pair){.name = copy_text(name), .value = copy_text(value)};
    set->pairs = pairs;
}

static void drop(struct config_set *set, struct kp_string name) {
    struct config_pair *pairs = (void *)set->pairs;
    for (size_t i = 0; i < set->count; i++) {
        if (!kp_string_is(name, pairs[i].name)) continue;
        free_pair(&pairs[i]);
        memmove(pairs + i, pairs + i + 1, (--set->count - i) * sizeof *pairs);
        return;
    }
}

void metadata_configs_change(struct config_set *set, const struct command_set_configs *command) {
    if (command->replace) metadata_configs_close(set);
    for (int32_t i = 0; i < command->configs.count; i++) {
        const struct command_config_change *change = &command->configs.items[i];
        drop(set, change->name);
        if (change->value.len >= 0) metadata_configs_add(set, change->name, change->value);
    }
}

void metadata_configs_close(struct config_set *set) {
    for (size_t i = 0; i < set->count; i++)
        free_pair(&set->pairs[i]);
    mem_free((void *)set->pairs);
    *set = (struct config_set){0};
}

size_t metadata_configs_bytes(const struct config_set *set, const char *name) {
    size_t bytes = RESOURCE_BYTES + strlen(name);
    for (size_t i = 0; i < set->count; i++)
        bytes += PAIR_BYTES + strlen(set->pairs[i].name) + strlen(set->pairs[i].value);
    return bytes;
}

bool metadata_requests_have(const struct metadata_requests *requests, struct kp_uuid request) {
    for (uint32_t i = 0; i < requests->count && i < METADATA_REQUESTS_KEPT; i++)
        if (memcmp(&requests->ids[i], &request, sizeof request) == 0) return true;
    return false;
}

void metadata_requests_add(struct metadata_requests *requests, struct kp_uuid request) {
    requests->ids[requests->count++ % METADATA_REQUESTS_KEPT] = request;
}
