/* One submit at a time, of all levels that can be set. */
#include "broker/metadata/asking/feature_raising.h"

#include "base/container_of.h"
#include "base/log.h"
#include "base/mem.h"
#include "broker/metadata/metadata_features.h"
#include "protocol/kafka_error.h"

enum { SUBMIT_MS = 10 * 1000 };

struct feature_raising {
    struct log *log;
    const struct metadata *metadata;
    struct metadata_group *group;
    struct metadata_submit submit;
    bool submitting;
    struct command_feature_level asked[METADATA_FEATURES_MAX]; /* by the submit */
    size_t asked_count;
};

static void on_submitted(struct metadata_submit *submit, const struct metadata_result *result) {
    struct feature_raising *raising = CONTAINER_OF(submit, struct feature_raising, submit);
    raising->submitting = false;
    for (size_t i = 0; i < raising->asked_count && result->error == KAFKA_NONE; i++)
        log_event(raising->log, LOGGED_FEATURE_RAISED,
                  "%.*s is at level %d from now on: all brokers know it",
                  (int)raising->asked[i].name.len, raising->asked[i].name.data,
                  raising->asked[i].level);
    if (result->error == KAFKA_NONE || result->error == KAFKA_REQUEST_TIMED_OUT)
        feature_raising_look(raising);
}

static void submit_asked(struct feature_raising *raising) {
    struct metadata_change change = {.validate_only = false};
    metadata_command_init(&change.command, COMMAND_SET_FEATURES);
    change.command.set_features.levels.items = raising->asked;
    change.command.set_features.levels.count = raising->asked_count;
    raising->submitting = true;
    raising->submit.done = on_submitted;
    metadata_group_submit(raising->group, &raising->submit, &change, SUBMIT_MS);
}

void feature_raising_look(struct feature_raising *raising) {
    size_t count;
    const struct metadata_feature *known = metadata_features_known(&count);
    if (raising->submitting || !metadata_group_is_leading(raising->group)) return;
    raising->asked_count = 0;
    for (size_t i = 0; i < count; i++) {
        int16_t level = metadata_feature_to_raise(raising->metadata, known[i].name);
        if (level > known[i].max) level = known[i].max;
        if (level > 0)
            raising->asked[raising->asked_count++] = (struct command_feature_level){
                .name = kp_string_of(known[i].name), .level = level, .change = FEATURE_UPGRADE};
    }
    if (raising->asked_count > 0) submit_asked(raising);
}

struct feature_raising *feature_raising_new(struct log *log, const struct metadata *metadata,
                                            struct metadata_group *group) {
    struct feature_raising *raising = mem_zalloc(sizeof *raising);
    raising->log = log;
    raising->metadata = metadata;
    raising->group = group;
    raising->submit.group = group;
    return raising;
}

void feature_raising_free(struct feature_raising *raising) {
    if (raising == NULL) return;
    metadata_group_submit_cancel(&raising->submit);
    mem_free(raising);
}
