/* Reading and making the directories of `drave dev`, and the conf in each. */
#include "client/dev/dev_node.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/io/output.h"
#include "base/mem.h"
#include "client/dev/dev_secure.h"

enum { CONF_LINE = 1024 };

static void node_path(const struct dev_node *node, const char *name, char path[DEV_PATH + 32]) {
    snprintf(path, DEV_PATH + 32, "%s/%s", node->directory, name);
}

/* What stands behind "key=" in the conf; empty: it is not there. */
static void conf_text(const struct dev_node *node, const char *key, char text[CONF_LINE]) {
    char path[DEV_PATH + 32], line[CONF_LINE];
    size_t len = strlen(key);
    text[0] = 0;
    node_path(node, "draved.conf", path);
    FILE *file = fopen(path, "re");
    if (!file) {
        return;
    }
    while (!*text && fgets(line, sizeof(line), file)) {
        if (strncmp(line, key, len) == 0 && line[len] == '=') {
            snprintf(text, CONF_LINE, "%s", line + len + 1);
        }
    }
    fclose(file);
}

/* The number in "key=NUMBER" or behind "key=...:" in the conf; 0: not there. */
static int conf_number(const struct dev_node *node, const char *key) {
    char text[CONF_LINE];
    conf_text(node, key, text);
    char *colon = strrchr(text, ':');
    return (int)strtol(colon ? colon + 1 : text, NULL, 10);
}

static int by_id(const void *a, const void *b) {
    return ((const struct dev_node *)a)->id - ((const struct dev_node *)b)->id;
}

static int read_node(const char *dir, const char *name, struct dev_node *node,
                     struct error_text *why) {
    char *end, conf[DEV_PATH + 32], listener[CONF_LINE];
    long id = strtol(name, &end, 10);
    if (*end || id < 1 || id > DEV_NODES_MAX) {
        return ERR_NOT_FOUND;
    }
    *node = (struct dev_node){.id = (int)id};
    snprintf(node->directory, sizeof(node->directory), "%s/%ld", dir, id);
    node_path(node, "draved.conf", conf);
    if (access(conf, F_OK) != 0) {
        return ERR_NOT_FOUND;
    }
    conf_text(node, "listeners", listener);
    node->sasl = strncmp(listener, "SASL_", strlen("SASL_")) == 0;
    node->tls = strncmp(listener + (node->sasl ? strlen("SASL_") : 0), "SSL:", strlen("SSL:")) == 0;
    node->port = conf_number(node, "listeners");
    node->peer_port = conf_number(node, "peer.listen");
    if (node->port <= 0) {
        return error_set(why, ERR_MALFORMED,
                         "%s has no line listeners=PLAINTEXT://HOST:PORT; write one or delete %s",
                         conf, dir);
    }
    return ERR_NONE;
}

/* The first metadata.voters of the list elect the metadata leader. */
static void set_voters(struct dev_node *nodes, size_t count) {
    enum { USUAL_VOTERS = 3 };
    int set = count > 0 ? conf_number(&nodes[0], "metadata.voters") : 0;
    for (size_t i = 0; i < count; i++) {
        nodes[i].votes = i < (size_t)(set > 0 ? set : USUAL_VOTERS);
    }
}

int dev_nodes_read(const char *dir, struct dev_node *nodes, size_t room, size_t *count,
                   struct error_text *why) {
    *count = 0;
    char *whole = realpath(dir, NULL); /* brokers are known by their whole paths */
    DIR *open_dir = whole && strlen(whole) <= DEV_PATH - 64 ? opendir(whole) : NULL;
    if (!open_dir) {
        mem_free(whole);
        return error_set(
            why, ERR_NOT_FOUND,
            "%s: %s; start a cluster with drave dev --dir %s, or name its directory with --dir",
            dir, error_phrase(error_from_errno(errno)), dir);
    }
    struct dirent *entry;
    int error = ERR_NONE;
    while (!error && (entry = readdir(open_dir)) && *count < room) {
        error = read_node(whole, entry->d_name, &nodes[*count], why);
        *count += error == ERR_NONE;
        error = error == ERR_NOT_FOUND ? ERR_NONE : error;
    }
    closedir(open_dir);
    mem_free(whole);
    if (!error && *count == 0) {
        error = error_set(why, ERR_NOT_FOUND,
                          "%s holds no brokers of drave dev; start some with drave dev --dir %s",
                          dir, dir);
    }
    qsort(nodes, *count, sizeof(*nodes), by_id);
    set_voters(nodes, *count);
    return error;
}

static int make_directory(const char *path, struct error_text *why) {
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        return error_set(why, ERR_DENIED, "cannot make %s: %s; name another place with --dir", path,
                         error_phrase(error_from_errno(errno)));
    }
    return ERR_NONE;
}

/* A new file for the caller to fill; `flags` beside O_WRONLY | O_CREAT. */
static int begin_file(const char *path, int flags, struct output *out, struct error_text *why) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);
    if (fd < 0) {
        return error_set(why, ERR_DENIED, "cannot write %s: %s", path,
                         error_phrase(error_from_errno(errno)));
    }
    output_open(out, fd);
    return ERR_NONE;
}

/* Half a file is worse than none: it would be believed the next time. */
static int end_file(const char *path, struct output *out, struct error_text *why) {
    bool written = output_flush(out);
    int failed = close(out->fd) != 0 ? errno : 0;
    if (written && !failed) {
        return ERR_NONE;
    }
    unlink(path);
    return error_set(why, ERR_IO, "cannot write %s: %s", path,
                     error_phrase(error_from_errno(written ? failed : out->failed)));
}

static int write_conf(const struct dev_node *nodes, size_t count, size_t at,
                      const char *const *settings, struct error_text *why) {
    const struct dev_node *node = &nodes[at];
    char path[DEV_PATH + 32], data[DEV_PATH + 32];
    struct output file;
    node_path(node, "draved.conf", path);
    node_path(node, "data", data);
    int error = begin_file(path, O_EXCL, &file, why);
    if (error) {
        return error;
    }
    output_print(
        &file,
        "# Made by drave dev; drave dev start %d reads it again.\nnode.id=%d\ndata.dir=%s\nlisteners=%s%s://127.0.0.1:%d\n"
        "http.listen=127.0.0.1:%d\n",
        node->id, node->id, data, node->sasl ? "SASL_" : "", node->tls ? "SSL" : "PLAINTEXT",
        node->port, node->http_port);
    dev_secure_conf(&file, node, count);
    if (count > 1) {
        output_print(&file, "peer.listen=127.0.0.1:%d\ncluster.nodes=", node->peer_port);
        for (size_t i = 0; i < count; i++) {
            output_print(&file, "%s%d@127.0.0.1:%d", i ? "," : "", nodes[i].id, nodes[i].peer_port);
        }
        output_print(&file, "\n");
    }
    for (; settings && *settings; settings++) {
        output_print(&file, "%s\n", *settings);
    }
    return end_file(path, &file, why);
}

int dev_nodes_make(const char *dir, struct dev_node *nodes, size_t count,
                   const char *const *settings, struct error_text *why) {
    for (size_t i = 0; settings && settings[i]; i++) {
        if (!strchr(settings[i], '=') || strchr(settings[i], '\n')) {
            return error_set(why, ERR_INVALID, "--set %.200s is not one KEY=VALUE%s", settings[i],
                             strchr(settings[i], '\n')
                                 ? ": it has a line break; give each setting its own --set"
                                 : "");
        }
    }
    if (strlen(dir) > DEV_PATH - 64) {
        return error_set(why, ERR_INVALID,
                         "--dir %.40s... is longer than %d bytes; name a shorter path", dir,
                         DEV_PATH - 64);
    }
    int error = make_directory(dir, why);
    char *whole = error ? NULL
                        : realpath(dir, NULL); /* a conf is read from any working directory */
    if (!error && (!whole || strlen(whole) > DEV_PATH - 64)) {
        error = error_set(
            why, ERR_INVALID,
            "the whole path of %.100s is too long or cannot be read; name another place "
            "with --dir",
            dir);
    } else if (!error && strpbrk(whole, "\r\n")) {
        error = error_set(why, ERR_INVALID,
                          "%s has a line break in its name, which draved.conf cannot hold; name "
                          "another place with --dir",
                          dir);
    }
    for (size_t i = 0; !error && i < count; i++) {
        snprintf(nodes[i].directory, sizeof(nodes[i].directory), "%s/%d", whole, nodes[i].id);
        error = make_directory(nodes[i].directory, why);
        if (!error) {
            error = write_conf(nodes, count, i, settings, why);
        }
    }
    mem_free(whole);
    if (!error) {
        set_voters(nodes, count);
    }
    return error;
}

void dev_nodes_unmake(const char *dir, const struct dev_node *nodes, size_t count) {
    char path[DEV_PATH + 32];
    for (size_t i = 0; i < count; i++) {
        if (*nodes[i].directory) {
            node_path(&nodes[i], "draved.conf", path);
            unlink(path);
            rmdir(nodes[i].directory); /* not what somebody else put something into */
        }
    }
    rmdir(dir);
}

/* draved beside this program, else on PATH. */
static void find_draved(char *path, size_t room) {
    ssize_t n = readlink("/proc/self/exe", path, room - 8);
    char *slash = n > 0 ? (path[n] = 0, strrchr(path, '/')) : NULL;
    if (slash) {
        snprintf(slash + 1, room - (size_t)(slash + 1 - path), "draved");
        if (access(path, X_OK) == 0) {
            return;
        }
    }
    snprintf(path, room, "draved");
}

/* In the child: draved --check, with what it says in a pipe. Never returns. */
static _Noreturn void become_check(const struct dev_node *node, int out) {
    char program[4096], conf[DEV_PATH + 32];
    find_draved(program, sizeof(program));
    node_path(node, "draved.conf", conf);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execlp(program, "draved", "--check", "--config", conf, (char *)NULL);
    output_sentence("draved: ", "cannot run %s: %s; build it, or put it on PATH", program,
                    error_phrase(error_from_errno(errno)));
    _exit(127);
}

int dev_node_check(const struct dev_node *node, struct error_text *why) {
    static const char name[] = "draved: ";
    char said[512] = "";
    int ends[2], status = 0;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return error_set(why, ERR_SYSTEM, "no pipe: %s", error_phrase(error_from_errno(errno)));
    }
    pid_t child = fork();
    if (child == 0) {
        become_check(node, ends[1]);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t n; used < sizeof(said) - 1 &&
                    (n = read(ends[0], said + used, sizeof(said) - 1 - used)) > 0;) {
        used += (size_t)n;
    }
    close(ends[0]);
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return error_set(why, ERR_SYSTEM, "cannot start a process: %s",
                         error_phrase(error_from_errno(errno)));
    }
    said[strcspn(said, "\n")] = 0;
    const char *sentence = strncmp(said, name, strlen(name)) == 0 ? said + strlen(name) : said;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? ERR_NONE
               : error_set(why, ERR_INVALID, "the brokers cannot be started: %s", sentence);
}

/* In the child: a session of its own, output to the log, then draved. Never returns. */
static _Noreturn void become_draved(const struct dev_node *node) {
    char program[4096], conf[DEV_PATH + 32], log[DEV_PATH + 32];
    find_draved(program, sizeof(program));
    node_path(node, "draved.conf", conf);
    node_path(node, "draved.log", log);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    int null = open("/dev/null", O_RDONLY), out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (null < 0 || out < 0) {
        _exit(126);
    }
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    execlp(program, "draved", "--config", conf, (char *)NULL);
    output_sentence("drave: ", "cannot run %s: %s; build it, or put it on PATH", program,
                    error_phrase(error_from_errno(errno)));
    _exit(127);
}

int dev_port_check(int port, struct error_text *why) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error = ERR_NONE;
    if (fd < 0) {
        return error_set(why, ERR_SYSTEM, "no socket: %s", error_phrase(error_from_errno(errno)));
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 && errno == EADDRINUSE) {
        error = error_set(
            why, ERR_BUSY,
            "127.0.0.1:%d is in use by another program; stop that one, or take other ports: --port P for "
            "a new directory, else draved.conf",
            port);
    }
    close(fd);
    return error;
}

int dev_node_start(struct dev_node *node, struct error_text *why) {
    int error = dev_port_check(node->port, why);
    error = error || node->peer_port == 0 ? error : dev_port_check(node->peer_port, why);
    if (error) {
        return error;
    }
    char path[DEV_PATH + 32];
    node->child = fork();
    if (node->child == 0) {
        become_draved(node);
    }
    if (node->child < 0) {
        return error_set(why, ERR_SYSTEM, "cannot start a process: %s",
                         error_phrase(error_from_errno(errno)));
    }
    node_path(node, "draved.pid", path);
    struct output file;
    if (begin_file(path, O_TRUNC, &file, why) ==
        ERR_NONE) { /* for people and scripts: the broker runs without it */
        output_print(&file, "%d\n", (int)node->child);
        end_file(path, &file, why);
    }
    return ERR_NONE;
}

void dev_node_last_words(const struct dev_node *node, char *text, size_t room) {
    char path[DEV_PATH + 32];
    node_path(node, "draved.log", path);
    text[0] = 0;
    FILE *file = fopen(path, "r");
    if (!file) {
        return;
    }
    char line[1024];
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = 0;
        snprintf(text, room, "%s", line);
    }
    fclose(file);
}

int dev_free_ports(int *ports, size_t count, struct error_text *why) {
    int fds[2 * DEV_NODES_MAX];
    CHECK(count <= sizeof(fds) / sizeof(fds[0]));
    size_t n = 0;
    int error = ERR_NONE;
    for (; n < count; n++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof(address);
        fds[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fds[n] < 0 || bind(fds[n], (struct sockaddr *)&address, len) != 0 ||
            getsockname(fds[n], (struct sockaddr *)&address, &len) != 0) {
            error = error_set(why, ERR_SYSTEM,
                              "no free port on 127.0.0.1: %s; name one with --port",
                              error_phrase(error_from_errno(errno)));
            if (fds[n] >= 0) {
                close(fds[n]);
            }
            break;
        }
        ports[n] = ntohs(address.sin_port);
    }
    while (n-- > 0) {
        close(fds[n]);
    }
    return error;
}
