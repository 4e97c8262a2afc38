/* A blocking socket with time limits of its own; the other side closes behind its answer. */
#include "client/socket/http_get.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { ADDRESS_MAX = 300, PIECE = 16 * 1024 };

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* For the next call, of what is left. */
static bool limit_time(int fd, uint64_t until_ms) {
    uint64_t now = now_ms(), left = until_ms > now ? until_ms - now : 0;
    struct timeval limit = {.tv_sec = (time_t)(left / 1000),
                            .tv_usec = (suseconds_t)(left % 1000 * 1000)};
    return left > 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0;
}

static int failed(const char *address, struct error_text *why) {
    int error = errno == EAGAIN || errno == EINPROGRESS || errno == EWOULDBLOCK
                    ? ERR_TIMEOUT
                    : error_from_errno(errno);
    return error_set(why, error, "%s: %s; is a broker running there, and is that its http.listen?",
                     address, error_phrase(error));
}

static int dial(const char *address, uint64_t until_ms, int *result, struct error_text *why) {
    char host[ADDRESS_MAX];
    const char *colon = strrchr(address, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - address);
    bool brackets = len > 1 && address[0] == '[' && address[len - 1] == ']';
    if (colon == NULL || colon[1] == '\0' || len == 0 || len >= sizeof host)
        return error_set(why, ERR_INVALID,
                         "%.100s is not HOST:PORT; write for example 127.0.0.1:8092", address);
    snprintf(host, sizeof host, "%.*s", (int)(len - 2 * brackets), address + brackets);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
        return error_set(why, ERR_NAME, "%s: the name does not resolve", address);
    int fd = -1;
    errno = ECONNREFUSED;
    for (struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 &&
            (!limit_time(fd, until_ms) || connect(fd, at->ai_addr, at->ai_addrlen) != 0)) {
            int saved = errno;
            close(fd);
            errno = saved;
            fd = -1;
        }
    }
    freeaddrinfo(found);
    if (fd < 0) return failed(address, why);
    *result = fd;
    return ERR_NONE;
}

/* All that comes until the other side closes, terminated. */
static int hear(int fd, const char *address, uint64_t until_ms, char **text,
                struct error_text *why) {
    size_t len = 0, room = PIECE;
    *text = mem_alloc(room);
    for (;;) {
        if (room - len < PIECE) *text = mem_realloc(*text, room *= 2);
        ssize_t got = limit_time(fd, until_ms) ? recv(fd, *text + len, room - len - 1, 0) : -1;
        if (got < 0) return failed(address, why);
        len += (size_t)got;
        (*text)[len] = '\0';
        if (got == 0) return ERR_NONE;
        if (len > HTTP_ANSWER_MAX)
            return error_set(why, ERR_TOO_LARGE, "%s: the answer is larger than %d bytes", address,
                             HTTP_ANSWER_MAX);
    }
}

static int take_apart(const char *address, char *text, int *status, char **body,
                      struct error_text *why) {
    char *end = strstr(text, "\r\n\r\n");
    if (strncmp(text, "HTTP/1.", 7) != 0 || strlen(text) < 12 || end == NULL)
        return error_set(
            why, ERR_MALFORMED,
            "%s does not speak HTTP; name the address of http.listen, not that of clients",
            address);
    *status = (int)strtol(text + 9, NULL, 10);
    *body = mem_strdup(end + 4);
    return ERR_NONE;
}

int http_get(const char *address, const char *path, uint64_t timeout_ms, int *status, char **body,
             struct error_text *why) {
    char request[ADDRESS_MAX];
    char *text = NULL;
    int fd = -1;
    uint64_t until_ms = now_ms() + timeout_ms;
    int error = dial(address, until_ms, &fd, why);
    if (error) {
        return error;
    }
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: drave\r\nConnection: close\r\n\r\n", path);
    if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len) {
        error = failed(address, why);
    }
    error = error ? error : hear(fd, address, until_ms, &text, why);
    error = error ? error : take_apart(address, text, status, body, why);
    mem_free(text);
    close(fd);
    return error;
}
