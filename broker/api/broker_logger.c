/* Checking what is asked of the one logger, and setting its level. */
#include "broker/api/broker_logger.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "protocol/kafka_error.h"

static const char LOGGER[] = "log.level";
static const char *const levels[] =
    {[LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};
enum { LEVELS = sizeof levels / sizeof levels[0] };

const char *broker_logger_level(const struct broker_services *services) {
    return levels[services->log->level];
}

/* As the setting has it, or in Kafka's capitals. */
static bool level_of(struct kp_string value, enum log_level *level) {
    for (int i = 0; i < LEVELS; i++) {
        if ((size_t)value.len != strlen(levels[i]) ||
            strncasecmp(value.data, levels[i], (size_t)value.len) != 0)
            continue;
        *level = (enum log_level)i;
        return true;
    }
    return false;
}

static int printed(struct kp_string text) {
    return !text_is_plain(text.data, text.len < 0 ? 0 : (size_t)text.len) ? 0
           : text.len > 80                                                ? 80
                                                                          : (int)text.len;
}

/* False: refused. */
static bool logger_check(struct topic_change *item,
                         const struct kp_incremental_alter_configs_request_config *config,
                         enum log_level *level) {
    if (config->config_operation != CONFIG_SET)
        topic_change_refuse(item, KAFKA_INVALID_REQUEST,
                            "the level of a logger can only be set; its operation is 0, not %d",
                            config->config_operation);
    else if (config->value.len < 0)
        topic_change_refuse(item, KAFKA_INVALID_REQUEST, "the level of the logger has no value");
    else if (!kp_string_is(config->name, LOGGER))
        topic_change_refuse(item, KAFKA_INVALID_CONFIG,
                            "Logger %.*s does not exist! A broker has one, %s",
                            printed(config->name), config->name.data, LOGGER);
    else if (!level_of(config->value, level))
        topic_change_refuse(item, KAFKA_INVALID_CONFIG,
                            "%s=%.*s is not possible; it takes one of error,warn,info,debug",
                            LOGGER, printed(config->value), config->value.data);
    return item->error == 0;
}

void broker_logger_change(struct topic_change *item,
                          const struct kp_incremental_alter_configs_request_resource *asked,
                          bool validate_only) {
    const struct broker_services *services = item->changes->services;
    enum log_level level = services->log->level;
    int32_t node;
    if (!authorize(&item->changes->request->ctx, AUTHORIZE_ALTER_CONFIGS, AUTHORIZE_CLUSTER, NULL,
                   0)) {
        topic_change_refuse(item, KAFKA_CLUSTER_AUTHORIZATION_FAILED,
                            "the loggers of brokers may not be changed by this user");
        return;
    }
    if (!config_node_id(asked->resource_name.data, (size_t)asked->resource_name.len, &node) ||
        node != services->settings->node_id) {
        topic_change_refuse(
            item, KAFKA_INVALID_REQUEST,
            "a logger is of one broker, and is changed at that broker by its id; this "
            "is broker %" PRId32,
            services->settings->node_id);
        return;
    }
    if (asked->configs.count > 1) {
        topic_change_refuse(item, KAFKA_INVALID_REQUEST,
                            "a broker has one logger, %s, which can be "
                            "given once",
                            LOGGER);
        return;
    }
    if (asked->configs.count == 1 && !logger_check(item, &asked->configs.items[0], &level)) return;
    if (!validate_only) services->log->level = level;
    topic_change_done(item);
}
