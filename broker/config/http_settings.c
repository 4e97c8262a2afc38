/* One address, and who reaches it. */
#include "broker/config/http_settings.h"

#include <stdio.h>
#include <string.h>

#include "base/io/host_port.h"

/* In the order of its choices. */
enum { CONSOLE_NEVER, CONSOLE_ON_LOOPBACK, CONSOLE_ALWAYS };

static int read_admin(struct broker_settings *into, struct error_text *why) {
    const char *path = settings_text(into->values, "console.token.file");
    if (!settings_bool(into->values, "console.admin")) return ERR_NONE;
    if (!into->console)
        return error_set(why, ERR_INVALID,
                         "console.admin=true, but no console is served; see http.listen and "
                         "console.serve");
    if (*path == '\0')
        return error_set(why, ERR_INVALID,
                         "console.admin=true needs console.token.file, a file with the token of "
                         "whoever may change things");
    return settings_read_secret("console.token.file", path, CONSOLE_TOKEN_MIN,
                                sizeof into->console_token, into->console_token, why);
}

int http_settings_read(struct broker_settings *into, struct error_text *why) {
    const char *text = settings_text(into->values, "http.listen");
    into->http_is_default = settings_is_default(into->values, "http.listen");
    into->metrics_topics = (size_t)settings_int(into->values, "metrics.topics.max");
    into->metrics_groups = (size_t)settings_int(into->values, "metrics.groups.max");
    into->console_hosts = settings_text(into->values, "console.hosts");
    if (text[0] == '\0') return read_admin(into, why);
    if (!host_port_parse(text, strlen(text), into->http_host, &into->http_port))
        return error_set(
            why, ERR_INVALID,
            "http.listen=%.100s is not HOST:PORT; write for example 127.0.0.1:8092, or leave it empty",
            text);
    if (into->http_host[0] == '\0') snprintf(into->http_host, sizeof into->http_host, "0.0.0.0");
    int serve = settings_choice(into->values, "console.serve");
    into->console = serve == CONSOLE_ALWAYS ||
                    (serve == CONSOLE_ON_LOOPBACK && host_is_loopback(into->http_host));
    bool plain = false; /* the console is a client that speaks no TLS, and is no user */
    for (size_t i = 0; i < into->listener_count; i++)
        plain = plain || (!into->listeners[i].tls && !into->listeners[i].logs_in);
    if (serve == CONSOLE_ALWAYS && !plain)
        return error_set(
            why, ERR_INVALID,
            "console.serve=always, and all listeners speak TLS or want logins, which the console does not; add one for it alone, "
            "for example PLAINTEXT://127.0.0.1:9092 in listeners, or set console.serve=never");
    into->console = into->console && plain;
    return read_admin(into, why);
}
