/* Telling listener.name.NAME.ssl.* from other settings, and waiting for the look at the files. */
#include "broker/api/certificate_change.h"

#include <string.h>
#include <strings.h>

#include "base/container_of.h"
#include "base/text.h"
#include "broker/tls/tls_listening.h"
#include "protocol/kafka_error.h"

static const char PREFIX[] = "listener.name.", SSL[] = ".ssl.";

/* Who waits; in the request's arena. */
struct wait {
    struct tls_look look;
    struct topic_change *item;
};

/* listener.name.NAME.ssl.KEY */
struct named {
    const char *listener, *key; /* behind the dot of "ssl." */
    size_t listener_len, key_len;
};

/* A name of a listener may have dots, too: the first ".ssl." counts. */
static bool cut_name(struct kp_string name, struct named *into) {
    size_t prefix = sizeof PREFIX - 1, ssl = sizeof SSL - 1;
    if (name.len <= (int32_t)prefix || memcmp(name.data, PREFIX, prefix) != 0) return false;
    into->listener = name.data + prefix;
    size_t left = (size_t)name.len - prefix;
    const char *found = memmem(into->listener, left, SSL, ssl);
    if (found == NULL) return false;
    into->listener_len = (size_t)(found - into->listener);
    into->key = found + ssl;
    into->key_len = left - into->listener_len - ssl;
    return true;
}

bool certificate_change_is(const struct config_resource *resource) {
    struct named named;
    for (int32_t i = 0; i < resource->asked->configs.count; i++)
        if (resource->asked->configs.items[i].config_operation != CONFIG_DELETE &&
            cut_name(resource->asked->configs.items[i].name, &named))
            return resource->asked->resource_name.len > 0;
    return false;
}

/* ---- One setting ---- */

static bool has_listener(const struct broker_settings *settings, const struct named *named) {
    for (size_t i = 0; i < settings->listener_count; i++) {
        const struct broker_listener *one = &settings->listeners[i];
        if (one->tls && strlen(one->name) == named->listener_len &&
            strncasecmp(one->name, named->listener, named->listener_len) == 0)
            return true;
    }
    return false;
}

static bool key_is(const struct named *named, const char *key) {
    return named->key_len == strlen(key) && memcmp(named->key, key, named->key_len) == 0;
}

/* What the broker's file says of it; NULL: it cannot be set so. */
static const char *value_of(const struct broker_settings *settings, const struct named *named) {
    if (key_is(named, "keystore.location")) return settings->tls.own.path;
    if (key_is(named, "truststore.location")) return settings->tls.trusted.path;
    if (key_is(named, "keystore.type")) return settings_text(settings->values, "ssl.keystore.type");
    if (key_is(named, "truststore.type"))
        return settings_text(settings->values, "ssl.truststore.type");
    return NULL;
}

static int printed(struct kp_string text) {
    if (text.len < 0 || !text_is_plain(text.data, (size_t)text.len)) return 0;
    return text.len > 100 ? 100 : text.len;
}

/* False: refused. */
static bool check_one(struct topic_change *item,
                      const struct kp_incremental_alter_configs_request_config *config) {
    const struct broker_settings *settings = item->changes->services->settings;
    struct named named;
    if (config->config_operation != CONFIG_SET || !cut_name(config->name, &named)) {
        topic_change_refuse(item, KAFKA_INVALID_REQUEST,
                            "files of TLS are read anew by a request that asks for nothing else of "
                            "this broker; change %.*s by another one",
                            printed(config->name), config->name.data);
        return false;
    }
    const char *value = value_of(settings, &named);
    if (!has_listener(settings, &named))
        topic_change_refuse(item, KAFKA_INVALID_REQUEST,
                            "%.*s: no listener of that name speaks TLS here", printed(config->name),
                            config->name.data);
    else if (value == NULL)
        topic_change_refuse(
            item, KAFKA_INVALID_REQUEST,
            "%.*s needs a restart: change ssl.%.*s in the broker's configuration file",
            printed(config->name), config->name.data, (int)named.key_len, named.key);
    else if (config->value.len <= 0 || !kp_string_is(config->value, value))
        topic_change_refuse(
            item, KAFKA_INVALID_REQUEST,
            "%.*s can only be set to what it is already, which reads the file anew: ssl.%.*s of "
            "the broker's configuration file. Put the new content into that file",
            printed(config->name), config->name.data, (int)named.key_len, named.key);
    return item->error == 0;
}

/* ---- All of them ---- */

static void looked(struct tls_look *look, int error, const char *why) {
    struct wait *wait = CONTAINER_OF(look, struct wait, look);
    struct topic_change *item = wait->item;
    if (error != ERR_NONE) {
        topic_change_refuse(item, KAFKA_INVALID_CONFIG, "%s; what was read before stays in force",
                            why);
        return;
    }
    item->changes->api->changed(item->changes, item->place);
    topic_change_done(item);
}

void certificate_change_begin(struct topic_change *item, const struct config_resource *resource) {
    const struct broker_services *services = item->changes->services;
    for (int32_t i = 0; i < resource->asked->configs.count; i++)
        if (!check_one(item, &resource->asked->configs.items[i])) return;
    if (resource->validate_only || services->tls == NULL) {
        topic_change_done(item);
        return;
    }
    struct wait *wait = kp_arena_alloc(&item->changes->request->arena, sizeof *wait);
    if (wait == NULL) {
        topic_change_refuse(item, KAFKA_INVALID_REQUEST, "the request has more settings than fit");
        return;
    }
    *wait = (struct wait){.look.done = looked, .item = item};
    tls_listening_look(services->tls, &wait->look);
}
