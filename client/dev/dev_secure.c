/* Certificates by client/users/tls_authority.h, keys of the user by client/users/user_keys.h. */
#include "client/dev/dev_secure.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secure/base64.h"
#include "base/secure/tls_secret.h"
#include "client/line/talk.h"
#include "client/socket/socket_login.h"
#include "client/socket/socket_tls.h"
#include "client/users/tls_authority.h"
#include "client/users/user_keys.h"

enum { PATH = DEV_PATH + 64, CA_DAYS = 3650, DAYS = 365, PASSWORD_BYTES = 18 };

static const char USER[] = "dev";

/* DIR/NAME. */
static void path_of(const struct dev_node *node, const char *name, char path[PATH]) {
    const char *slash = strrchr(node->directory, '/');
    int len = slash ? (int)(slash - node->directory) : 0;
    snprintf(path, PATH, "%.*s/%s", len, node->directory, name);
}

static void certificate_of(const struct dev_node *node, char path[PATH]) {
    char name[48];
    snprintf(name, sizeof(name), "tls/broker-%d.pem", node->id);
    path_of(node, name, path);
}

void dev_secure_conf(struct output *conf, const struct dev_node *node, size_t count) {
    char path[PATH];
    if (node->tls) {
        certificate_of(node, path);
        output_print(conf, "ssl.keystore.location=%s\n", path);
    }
    if (node->tls && count > 1) {
        path_of(node, "tls/peers.secret", path);
        output_print(conf, "peer.secret.file=%s\n", path);
    }
    if (node->sasl) {
        path_of(node, "login/users", path);
        output_print(conf, "bootstrap.users.file=%s\n", path);
    }
}

/* ---- Files ---- */

static int make_folder(const struct dev_node *node, const char *name, struct error_text *why) {
    char path[PATH];
    path_of(node, name, path);
    if (mkdir(path, 0700) == 0) {
        return ERR_NONE;
    }
    int error = error_from_errno(errno);
    return error_set(why, error, "cannot make %s: %s; name another place with --dir", path,
                     error_phrase(error));
}

/* A file that was not there, for its owner alone. */
static int write_secret(const struct dev_node *node, const char *name, const char *text,
                        struct error_text *why) {
    char path[PATH];
    path_of(node, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    int failed = fd < 0 ? errno : output_write(fd, text, strlen(text));
    if (fd >= 0 && close(fd) != 0 && !failed) {
        failed = errno;
    }
    if (!failed) {
        return ERR_NONE;
    }
    int error = error_from_errno(failed);
    return error_set(why, error, "cannot write %s: %s; name another place with --dir", path,
                     error_phrase(error));
}

static int make_tls(const struct dev_node *nodes, size_t count, struct error_text *why) {
    char ca[PATH], key[PATH], path[PATH], line[TLS_SECRET_LINE + 1];
    struct tls_authority *authority = NULL;
    path_of(&nodes[0], "tls/ca.pem", ca);
    path_of(&nodes[0], "tls/ca.key", key);
    int error = make_folder(&nodes[0], "tls", why);
    error = error ? error : tls_authority_make(ca, key, CA_DAYS, &authority, why);
    for (size_t i = 0; !error && i < count; i++) {
        char name[32];
        const struct tls_wish wish = {.name = name,
                                      .hosts = {"localhost", "127.0.0.1", "::1"},
                                      .host_count = 3,
                                      .days = DAYS};
        snprintf(name, sizeof(name), "broker-%d", nodes[i].id);
        certificate_of(&nodes[i], path);
        error = tls_authority_issue(authority, &wish, path, why);
    }
    tls_authority_free(authority);
    if (!error && count > 1) {
        error = tls_secret_make(line)
                    ? error_set(why, ERR_SYSTEM, "the system gives no random bytes")
                    : ERR_NONE;
        memcpy(line + TLS_SECRET_LINE - 1, "\n", 2);
        error = error ? error : write_secret(&nodes[0], "tls/peers.secret", line, why);
        scram_wipe(line, sizeof(line));
    }
    return error;
}

static int make_login(const struct dev_node *node, const char *password, struct error_text *why) {
    char lines[SCRAM_MECHANISMS * (USER_LINE_MAX + 1)], line[USER_LINE_MAX];
    struct made_keys made;
    size_t used = 0;
    if (user_keys_make(password, SCRAM_NONE, SCRAM_ITERATIONS_USUAL, &made)) {
        return error_set(why, ERR_SYSTEM, "the system gives no random bytes");
    }
    for (int i = 0; i < made.count; i++) {
        user_key_line(USER, &made.keys[i], line);
        used += (size_t)snprintf(lines + used, sizeof(lines) - used, "%s\n", line);
    }
    int error = make_folder(node, "login", why);
    error = error ? error : write_secret(node, "login/users", lines, why);
    snprintf(line, sizeof(line), "%s\n", password);
    error = error ? error : write_secret(node, "login/dev.password", line, why);
    scram_wipe(&made, sizeof(made));
    scram_wipe(lines, sizeof(lines));
    scram_wipe(line, sizeof(line));
    return error;
}

/* ---- What clients read ---- */

struct text {
    char bytes[(DEV_NODES_MAX * 24) + (2 * PATH)];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text->bytes + text->used, sizeof(text->bytes) - text->used, format,
                        arguments);
    va_end(arguments);
    text->used += len > 0 ? (size_t)len : 0;
    text->used = text->used < sizeof(text->bytes) ? text->used : sizeof(text->bytes) - 1;
}

/* What librdkafka and Java call alike. */
static void begin_properties(struct text *text, const struct dev_node *nodes, size_t count) {
    *text = (struct text){.used = 0};
    add(text, "bootstrap.servers=");
    for (size_t i = 0; i < count; i++) {
        add(text, "%s127.0.0.1:%d", i ? "," : "", nodes[i].port);
    }
    add(text, "\nsecurity.protocol=%s%s\n", nodes[0].sasl ? "SASL_" : "",
        nodes[0].tls ? "SSL" : "PLAINTEXT");
    if (nodes[0].sasl) {
        add(text, "sasl.mechanism=SCRAM-SHA-256\n");
    }
}

static int make_properties(const struct dev_node *nodes, size_t count, const char *password,
                           struct error_text *why) {
    struct text text;
    char ca[PATH];
    path_of(&nodes[0], "tls/ca.pem", ca);
    begin_properties(&text, nodes, count);
    if (nodes[0].tls) {
        add(&text, "ssl.ca.location=%s\n", ca);
    }
    if (nodes[0].sasl) {
        add(&text, "sasl.username=%s\nsasl.password=%s\n", USER, password);
    }
    int error = write_secret(&nodes[0], "kcat.conf", text.bytes, why);
    begin_properties(&text, nodes, count);
    if (nodes[0].tls) {
        add(&text, "ssl.truststore.type=PEM\nssl.truststore.location=%s\n", ca);
    }
    if (nodes[0].sasl) {
        add(&text,
            "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required "
            "username=\"%s\" password=\"%s\";\n",
            USER, password);
    }
    error = error ? error : write_secret(&nodes[0], "java.properties", text.bytes, why);
    scram_wipe(&text, sizeof(text));
    return error;
}

int dev_secure_make(const struct dev_node *nodes, size_t count, struct error_text *why) {
    char random[PASSWORD_BYTES], password[BASE64_SIZE(PASSWORD_BYTES)];
    if (!nodes[0].tls && !nodes[0].sasl) {
        return ERR_NONE;
    }
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return error_set(why, ERR_SYSTEM, "the system gives no random bytes");
    }
    base64_encode(BASE64_URL, random, sizeof(random), password);
    int error = nodes[0].tls ? make_tls(nodes, count, why) : ERR_NONE;
    error = error || !nodes[0].sasl ? error : make_login(&nodes[0], password, why);
    error = error ? error : make_properties(nodes, count, password, why);
    scram_wipe(random, sizeof(random));
    scram_wipe(password, sizeof(password));
    return error;
}

void dev_secure_unmake(const struct dev_node *nodes, size_t count) {
    static const char *const files[] = {"tls/ca.pem",     "tls/ca.key",         "tls/peers.secret",
                                        "login/users",    "login/dev.password", "kcat.conf",
                                        "java.properties"};
    char path[PATH];
    if (!*nodes[0].directory || (!nodes[0].tls && !nodes[0].sasl)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        certificate_of(&nodes[i], path);
        unlink(path);
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        path_of(&nodes[0], files[i], path);
        unlink(path);
    }
    path_of(&nodes[0], "tls", path);
    rmdir(path);
    path_of(&nodes[0], "login", path);
    rmdir(path);
}

/* ---- Clients ---- */

int dev_secure_use(const struct dev_node *node, struct error_text *why) {
    char ca[PATH], password[PATH];
    path_of(node, "tls/ca.pem", ca);
    path_of(node, "login/dev.password", password);
    const struct invocation as = {.tls = node->tls,
                                  .ca = node->tls ? ca : NULL,
                                  .user = node->sasl ? USER : NULL,
                                  .password_file = password};
    if (socket_tls_use(&as) || socket_login_use(&as)) {
        return error_set(why, ERR_INVALID,
                         "without these files the brokers cannot be asked; put them back, or "
                         "delete the directory and make it anew");
    }
    return ERR_NONE;
}

void dev_secure_print(const struct dev_node *node, const char *bootstrap) {
    char ca[PATH], password[PATH], kcat[PATH], java[PATH];
    path_of(node, "tls/ca.pem", ca);
    path_of(node, "login/dev.password", password);
    path_of(node, "kcat.conf", kcat);
    path_of(node, "java.properties", java);
    if (node->tls) {
        print_text("CA:        %s\n", ca);
    }
    if (node->sasl) {
        print_text("user:      %s, by SCRAM-SHA-256 or SCRAM-SHA-512\npassword:  in %s\n", USER,
                   password);
    }
    print_text(
        "\nother clients have all of this in a file (the console needs a plain listener):\n");
    print_text("  kcat -F %s -L\n", kcat);
    print_text("  kafka-topics.sh --bootstrap-server %.*s --command-config %s --list\n",
               (int)strcspn(bootstrap, ","), bootstrap, java);
    print_text("\ntry:\n  drave profile add dev bootstrap=%s", bootstrap);
    if (node->tls) {
        print_text(" tls.ca=%s", ca);
    }
    if (node->sasl) {
        print_text(" user=%s password.file=%s", USER, password);
    }
    print_text("\n  export DRAVE_PROFILE=dev\n");
}
