/* The metadata table as a peer gives it (broker/metadata/image): what is read is a table that can
 * be walked, written again, and applied to. */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/metadata/image/metadata_image.h"
#include "broker/metadata/metadata_commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void delete_topic(struct metadata *table, const struct metadata_topic *topic) {
    struct metadata_command command;
    struct metadata_result result;
    struct slice bytes;
    metadata_command_init(&command, COMMAND_DELETE_TOPIC);
    memcpy(command.delete_topic.id.bytes, topic->id, METADATA_UUID_SIZE);
    CHECK(metadata_command_encode(&command, &bytes) == ERR_NONE);
    CHECK(metadata_apply(table, metadata_version(table) + 1, bytes.data, bytes.len, &result) ==
          ERR_NONE);
    CHECK(result.error == 0);
    slice_unref(&bytes);
}

static void use(struct metadata *table) {
    const struct metadata_topic *topic;
    for (topic = NULL; (topic = metadata_next_topic(table, topic)) != NULL;) {
        struct slice part = image_of_topic((const struct topic_row *)topic);
        slice_unref(&part);
    }
    struct slice plans = image_of_plans(table), roster = image_of_roster(table);
    slice_unref(&plans);
    slice_unref(&roster);
    while ((topic = metadata_next_topic(table, NULL)) != NULL)
        delete_topic(table, topic);
    CHECK(metadata_partition_count(table) == 0 && metadata_plan_count(table) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct image_reader reader = {
        .into = metadata_new(0, 1), .index = UINT64_MAX, .bytes = data, .len = len};
    int error;
    while ((error = image_read_part(&reader)) == ERR_NONE) {}
    if (error == ERR_EOF && metadata_version(reader.into) < INT64_MAX) use(reader.into);
    metadata_free(reader.into);
    return 0;
}
