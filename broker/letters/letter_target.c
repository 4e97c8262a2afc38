/* Looking up the topic of a group's dead letters. */
#include "broker/letters/letter_target.h"

#include <string.h>

#include "broker/config/group_settings.h"
#include "broker/config/topic_settings.h"
#include "broker/partition_set/partition_settings.h"

struct letter_target letter_target_of(const struct metadata *metadata,
                                      const struct broker_settings *settings, const char *group,
                                      int32_t source) {
    struct letter_target target = {0};
    const struct metadata_resource *set = metadata_resource_named(metadata, CONFIG_RESOURCE_GROUP,
                                                                  group, strlen(group));
    struct group_letters letters = group_settings_letters(set == NULL ? NULL : &set->configs);
    const struct metadata_topic *topic = letters.topic == NULL
                                             ? NULL
                                             : metadata_topic_named(metadata, letters.topic,
                                                                    strlen(letters.topic));
    if (letters.topic == NULL)
        target.why = "the group has no errors.deadletterqueue.topic.name any more; set it again";
    else if (topic == NULL)
        target.why = "its dead-letter topic does not exist; make it again";
    else if (!topic_settings_takes_letters(&topic->configs))
        target.why =
            "errors.deadletterqueue.group.enable of its dead-letter topic is not true; set it";
    if (target.why != NULL) return target;
    struct partition_settings limits;
    partition_settings_of(settings, topic, &limits);
    target.topic = topic;
    target.partition = metadata_partition_at(topic, source % topic->partition_count);
    target.most = (size_t)limits.max_message_bytes;
    target.copies = letters.copies;
    return target;
}

bool letter_target_is(const struct letter_target *target, const struct share_move *move) {
    return memcmp(move->topic, target->topic->id, sizeof move->topic) == 0 &&
           move->partition == target->partition->index;
}
