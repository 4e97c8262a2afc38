/* The address begins with / for a file, with @ for the abstract name space. */
#include "broker/service_manager.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

struct service_manager {
    struct env *env;
    struct sockaddr_un address;
    socklen_t address_len;
    uint64_t feed_us; /* 0: no watchdog */
    struct env_timer *timer;
};

static void tell(const struct service_manager *manager, const char *text) {
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return;
    ssize_t sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL,
                          (const struct sockaddr *)&manager->address, manager->address_len);
    (void)sent; /* it has no other ear */
    close(fd);
}

static void feed(void *arg) {
    struct service_manager *manager = arg;
    tell(manager, "WATCHDOG=1");
    env_timer_start(manager->timer, manager->feed_us);
}

/* The watchdog may be meant for another process. */
static uint64_t watchdog_us(void) {
    const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (us == NULL || (pid != NULL && strtoll(pid, NULL, 10) != (long long)getpid())) return 0;
    return strtoull(us, NULL, 10);
}

struct service_manager *service_manager_new(struct env *env) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL || (path[0] != '/' && path[0] != '@') ||
        strlen(path) >= sizeof address.sun_path)
        return NULL;
    memcpy(address.sun_path, path, strlen(path));
    if (path[0] == '@') address.sun_path[0] = '\0';
    struct service_manager *manager = mem_zalloc(sizeof *manager);
    manager->env = env;
    manager->address = address;
    manager->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    manager->feed_us = watchdog_us() / 2;
    manager->timer = env_timer_new(env, feed, manager);
    if (manager->feed_us > 0) env_timer_start(manager->timer, 0);
    return manager;
}

void service_manager_ready(struct service_manager *manager, const char *status) {
    char text[512];
    if (manager == NULL) return;
    snprintf(text, sizeof text, "READY=1\nSTATUS=ready: %s", status);
    tell(manager, text);
}

void service_manager_stopping(struct service_manager *manager) {
    if (manager != NULL) tell(manager, "STOPPING=1\nSTATUS=handing leaderships over");
}

void service_manager_free(struct service_manager *manager) {
    if (manager == NULL) return;
    env_timer_free(manager->timer);
    mem_free(manager);
}
