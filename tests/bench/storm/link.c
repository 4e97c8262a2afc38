/* Sockets that never block, and frames on them. A link that breaks tells everybody who waits. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/mem.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/frame.h"
#include "tests/bench/storm/storm.h"

enum { READ_SIZE = 256 << 10, FRAME_MAX = 64 << 20 };

static void watch(struct link *link, int operation) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};
    if (link->connecting || link->out_len > 0) event.events |= EPOLLOUT;
    epoll_ctl(link->storm->epoll, operation, link->fd, &event);
}

static void say_hello(struct link *link) {
    struct kp_api_versions_request request;
    kp_set_fallbacks(&kp_api_versions_request_schema, &request);
    request.client_software_name = kp_string_of("storm");
    request.client_software_version = kp_string_of("1");
    link->hello.api = kp_api_find(KP_API_VERSIONS);
    link->hello.version = 3;
    link_ask(link, &link->hello, &request);
}

void link_open(struct link *link, struct storm *storm, uint16_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    link->storm = storm;
    link->port = port;
    link->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0) {
        fprintf(stderr, "storm: no socket (%s); raise ulimit -n\n", strerror(errno));
        exit(1);
    }
    setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    storm->counts.links++;
    connect(link->fd, (struct sockaddr *)&to, sizeof to); /* what became of it: link_ready */
    link->connecting = true;
    watch(link, EPOLL_CTL_ADD);
    say_hello(link);
}

void link_close(struct link *link) {
    if (link->fd < 0) return;
    close(link->fd);
    link->fd = -1;
    link->connecting = false;
    mem_free(link->in);
    mem_free(link->out);
    link->in = link->out = NULL;
    link->in_len = link->out_len = 0;
    struct call *call = link->first;
    link->first = link->last = NULL;
    while (call != NULL) {
        struct call *next = call->next;
        call->under_way = false;
        if (call->member != NULL) member_cut(call->member, call);
        call = next;
    }
}

/* ---- Out ---- */

static void put_aside(struct link *link, const uint8_t *data, size_t len) {
    link->out = mem_realloc(link->out, link->out_len + len);
    memcpy(link->out + link->out_len, data, len);
    link->out_len += len;
}

static void send_bytes(struct link *link, const uint8_t *data, size_t len) {
    bool waits = link->connecting || link->out_len > 0;
    ssize_t sent = waits ? 0 : send(link->fd, data, len, MSG_NOSIGNAL);
    if (sent < 0) sent = 0; /* a broken one says so when it is read */
    if ((size_t)sent == len) return;
    put_aside(link, data + sent, len - (size_t)sent);
    if (!waits) watch(link, EPOLL_CTL_MOD);
}

void link_ask(struct link *link, struct call *call, const void *request) {
    struct kp_writer writer;
    uint8_t *frame;
    size_t len;
    call->correlation = ++link->storm->correlation;
    call->sent_us = storm_now_us();
    call->under_way = true;
    call->next = NULL;
    *(link->last != NULL ? &link->last->next : &link->first) = call;
    link->last = call;
    kp_writer_init(&writer, 16 << 20);
    kp_request_encode(call->api, call->version, call->correlation, kp_string_of("storm"), request,
                      &writer);
    if (kp_writer_take(&writer, &frame, &len) != ERR_NONE) {
        fprintf(stderr, "storm: %s does not fit into version %d\n", call->api->name, call->version);
        exit(1);
    }
    send_bytes(link, frame, len);
    mem_free(frame);
}

static bool send_rest(struct link *link) {
    int failed = 0;
    getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &failed, &(socklen_t){sizeof failed});
    if (failed != 0) return false;
    link->connecting = false;
    ssize_t sent = send(link->fd, link->out, link->out_len, MSG_NOSIGNAL);
    if (sent > 0) {
        link->out_len -= (size_t)sent;
        memmove(link->out, link->out + sent, link->out_len);
    }
    if (link->out_len == 0) watch(link, EPOLL_CTL_MOD);
    return sent > 0 || errno == EAGAIN;
}

/* ---- In ---- */

static size_t frame_len(const uint8_t *data) {
    return (size_t)data[0] << 24 | (size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3];
}

/* Whole frames of it; returns how many bytes they had. Whoever is answered may close the link. */
static size_t take_frames(struct link *link, const uint8_t *data, size_t len) {
    size_t at = 0;
    while (link->fd >= 0 && len - at >= 4 && len - at - 4 >= frame_len(data + at)) {
        size_t size = frame_len(data + at);
        struct call *call = link->first;
        if (call == NULL || size > FRAME_MAX) return len; /* a broker that says what nobody asked */
        link->first = call->next;
        if (link->first == NULL) link->last = NULL;
        call->under_way = false;
        if (call->member != NULL) member_answered(call, data + at + 4, size);
        at += 4 + size;
    }
    return at;
}

static void keep_rest(struct link *link, const uint8_t *data, size_t len) {
    uint8_t *rest = len > 0 ? mem_alloc(len) : NULL;
    if (len > 0) memcpy(rest, data, len);
    mem_free(link->in);
    link->in = rest;
    link->in_len = len;
}

static bool read_some(struct link *link) {
    static uint8_t buffer[READ_SIZE];
    if (link->in_len >= READ_SIZE) { /* a frame that is larger than the buffer: none is here */
        fprintf(stderr, "storm: an answer has more than %d bytes\n", READ_SIZE);
        exit(1);
    }
    if (link->in_len > 0) memcpy(buffer, link->in, link->in_len);
    ssize_t got = recv(link->fd, buffer + link->in_len, READ_SIZE - link->in_len, 0);
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) return false;
    size_t len = link->in_len + (size_t)got;
    size_t taken = take_frames(link, buffer, len);
    if (link->fd >= 0) keep_rest(link, buffer + taken, len - taken);
    return true;
}

void link_ready(struct link *link, uint32_t events) {
    bool whole = true;
    if (link->fd < 0) return;
    if (events & EPOLLOUT) whole = send_rest(link);
    if (whole && (events & (EPOLLIN | EPOLLHUP | EPOLLERR))) whole = read_some(link);
    if (whole) return;
    struct member *owner = link->owner;
    link_close(link);
    if (owner != NULL) member_alone(owner);
}
