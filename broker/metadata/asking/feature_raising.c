/* One submit at a time. */
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
    struct command_feature_level asked; /* by the submit */
};

static void on_submitted(struct metadata_submit *submit, const struct metadata_result *result) {
    struct feature_raising *raising = CONTAINER_OF(submit, struct feature_raising, submit);
    raising->submitting = false;
    if (result->error == KAFKA_NONE)
        log_event(raising->log, LOGGED_FEATURE_RAISED,
                  "%.*s is at level %d from now on: all brokers know it",
                  (int)raising->asked.name.len, raising->asked.name.data, raising->asked.level);
    if (result->error == KAFKA_NONE || result->error == KAFKA_REQUEST_TIMED_OUT)
        feature_raising_look(raising);
}

static void raise_to(struct feature_raising *raising, const char *name, int16_t level) {
    struct metadata_change change = {.validate_only = false};
    raising->asked = (struct command_feature_level){
        .name = kp_string_of(name), .level = level, .change = FEATURE_UPGRADE};
    metadata_command_init(&change.command, COMMAND_SET_FEATURES);
    change.command.set_features.levels.items = &raising->asked;
    change.command.set_features.levels.count = 1;
    raising->submitting = true;
    raising->submit.done = on_submitted;
    metadata_group_submit(raising->group, &raising->submit, &change, SUBMIT_MS);
}

void feature_raising_look(struct feature_raising *raising) {
    size_t count;
    const struct metadata_feature *known = metadata_features_known(&count);
    for (size_t i = 0; i < count; i++) {
        if (raising->submitting || !metadata_group_is_leading(raising->group)) return;
        int16_t level = metadata_feature_to_raise(raising->metadata, known[i].name);
        if (level > known[i].max) level = known[i].max;
        if (level > 0) raise_to(raising, known[i].name, level);
    }
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
