/* Lines against settings, then settings against lines. */
#include "client/config/config_lines.h"

#include <string.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/line/talk.h"

bool config_is_shown(const struct kp_describe_configs_response_config *config) {
    return !config->read_only && !config->is_sensitive;
}

/* The value of the setting, if it is one of the resource's own; else NULL. */
static const char *own_value(const struct config_lines *lines, const char *name, size_t len) {
    for (int32_t i = 0; i < lines->found->configs.count; i++) {
        const struct kp_describe_configs_response_config *config = &lines->found->configs.items[i];
        if (config->config_source == lines->own_source && (size_t)config->name.len == len &&
            memcmp(config->name.data, name, len) == 0) {
            return cluster_text(lines->arena, config->value);
        }
    }
    return NULL;
}

static bool has_line(char **written, size_t count, struct kp_string name) {
    for (size_t i = 0; i < count; i++) {
        size_t len = strcspn(written[i], "=");
        if ((size_t)name.len == len && memcmp(written[i], name.data, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Lines with a name and a value. */
static bool cut_lines(char *text, char **written, size_t *count) {
    char *rest = text, *line;
    *count = 0;
    while ((line = strsep(&rest, "\n")) != NULL) {
        line += strspn(line, " \t");
        if (!*line || *line == '#') {
            continue;
        }
        if (!strchr(line, '=') || *line == '=') {
            say("\"%.60s\" is not NAME=VALUE: nothing was changed", line);
            return false;
        }
        if (*count == CONFIG_LINES_MOST) {
            say("more than %d lines; change fewer at once", CONFIG_LINES_MOST);
            return false;
        }
        written[(*count)++] = line;
    }
    return true;
}

static bool add_word(char **words, int *count, int most, const char *word) {
    if (*count == most) {
        say("more than %d changes; make fewer at once", CONFIG_LINES_MOST);
        return false;
    }
    words[(*count)++] = (char *)word;
    return true;
}

bool config_lines_compare(const struct config_lines *lines, char *text, char **words, int *count) {
    char **written = mem_alloc(CONFIG_LINES_MOST * sizeof(*written));
    int most = *count + CONFIG_LINES_MOST;
    size_t line_count;
    bool well = cut_lines(text, written, &line_count);
    for (size_t i = 0; well && i < line_count; i++) {
        size_t len = strcspn(written[i], "=");
        const char *now = own_value(lines, written[i], len);
        well = (now && strcmp(now, written[i] + len + 1) == 0) ||
               add_word(words, count, most, written[i]);
    }
    for (int32_t i = 0; well && i < lines->found->configs.count; i++) {
        const struct kp_describe_configs_response_config *config = &lines->found->configs.items[i];
        bool own = config->config_source == lines->own_source && config_is_shown(config);
        well = !own || has_line(written, line_count, config->name) ||
               add_word(words, count, most, cluster_text(lines->arena, config->name));
    }
    mem_free(written);
    return well;
}
