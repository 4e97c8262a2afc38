/*
 * All connections on one epoll loop.
 *
 *   closed -> dialling -> sending -> waiting -> (answered) sending ... until either side closes
 */
#include "tests/garbage/pump.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "protocol/messages/frame.h"
#include "tests/garbage/door.h"

enum {
    HEAD = 4,
    CHECKED_MAX = 1 << 18, /* a longer answer is read and not looked into */
    ARENA_MAX = 256 << 20,
    RECENT = 1024,
    DIALS_OF_ADDRESS =
        10000, /* then from another one, so that no port of ours is asked for twice in a minute */
    SWEEP_MS = 20,
};

enum fate { LIVES, DIES_HALF_SENT, DIES_ANSWERLESS };

struct link {
    unsigned port;      /* its place in the options */
    int fd;             /* -1: closed */
    struct ssl_st *tls; /* NULL: plain */
    bool dialling;
    struct frame frame;
    size_t sent;
    enum fate fate;
    uint64_t begun_ms, since_ms; /* it was sent; something of the answer came last */
    uint8_t *answer;             /* its first bytes */
    size_t got;                  /* bytes of the answer, with its length */
};

struct pump {
    const struct pump_options *options;
    struct frames *frames;
    struct pump_counts *counts;
    char *why; /* set: over */
    unsigned failed_port;
    int epoll;
    struct link *links;
    size_t link_count, busy;
    uint64_t dials, now_ms, moved_ms[PUMP_PORTS_MAX];
    struct bytes recent[PUMP_PORTS_MAX][RECENT];
    uint64_t recent_at[PUMP_PORTS_MAX];
    struct bytes *slow; /* what was under way in the slowest moment, one for each link of a port */
    bool over;          /* no more frames */
};

static uint64_t clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void fail(struct pump *pump, unsigned port, const char *what) {
    if (pump->why[0] != '\0') return;
    snprintf(pump->why, 256, "the broker on port %d %s", pump->options->ports[port], what);
    pump->failed_port = port;
}

static void remember(struct pump *pump, const struct link *link) {
    struct bytes *place = &pump->recent[link->port][pump->recent_at[link->port]++ % RECENT];
    bytes_set(place, link->frame.bytes.data, link->frame.bytes.len);
}

/* ---- Connections ---- */

static void hang_up(struct pump *pump, struct link *link, bool reset) {
    struct linger now = {.l_onoff = 1};
    if (link->fd < 0) return;
    door_close(link->tls);
    link->tls = NULL;
    if (reset) setsockopt(link->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(link->fd);
    link->fd = -1;
    pump->busy--;
}

/* Both wait: brokers are on this machine. */
static void enter(struct pump *pump, struct link *link, const struct sockaddr_in *to) {
    const struct pump_options *options = pump->options;
    struct timeval patience = {.tv_sec = PUMP_SILENT_MS / 1000};
    setsockopt(link->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(link->fd, (const struct sockaddr *)to, sizeof *to) == 0)
        link->tls = door_open(link->fd, options->user, options->password);
    if (link->tls == NULL) fail(pump, link->port, "does not let in who logs in as it should");
}

static void dial(struct pump *pump, struct link *link) {
    uint64_t turn = pump->dials++ / DIALS_OF_ADDRESS;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(0x7f010001 + (uint32_t)(turn % 60000))};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)pump->options->ports[link->port]),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    bool secured = pump->options->user != NULL;
    link->fd = socket(AF_INET, SOCK_STREAM | (secured ? 0 : SOCK_NONBLOCK) | SOCK_CLOEXEC, 0);
    if (link->fd < 0) {
        fail(pump, link->port, "is not to blame: this program has no more sockets");
        return;
    }
    pump->busy++;
    setsockopt(link->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    bind(link->fd, (struct sockaddr *)&from,
         sizeof from); /* or from 127.0.0.1, where it cannot be had */
    link->dialling = !secured;
    link->got = 0;
    if (secured) enter(pump, link, &to);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = link};
    epoll_ctl(pump->epoll, EPOLL_CTL_ADD, link->fd, &event);
    if (!secured && connect(link->fd, (struct sockaddr *)&to, sizeof to) != 0 &&
        errno != EINPROGRESS)
        fail(pump, link->port, "cannot be dialled: it has ended");
}

/* ---- One frame after another ---- */

static void begin(struct pump *pump, struct link *link) {
    static const unsigned rare = 400;
    for (unsigned i = 0; i < pump->options->every && !pump->over; i++)
        pump->over = !frames_next(pump->frames, &link->frame);
    if (pump->over) {
        hang_up(pump, link, false);
        return;
    }
    uint64_t n = pump->counts->frames++;
    link->fate = n % rare == 7 ? DIES_HALF_SENT : n % rare == 77 ? DIES_ANSWERLESS : LIVES;
    link->sent = link->got = 0;
    link->begun_ms = link->since_ms = pump->now_ms;
    remember(pump, link);
    if (link->fd < 0) dial(pump, link);
}

static void again(struct pump *pump, struct link *link, bool reset) {
    hang_up(pump, link, reset);
    begin(pump, link);
}

/* The frame has its end, whatever it is. */
static void note_time(struct pump *pump, const struct link *link) {
    uint64_t took_ms = pump->now_ms - link->begun_ms;
    if (took_ms <= pump->counts->slowest_ms) return;
    pump->counts->slowest_ms = took_ms;
    struct bytes *into = pump->slow;
    bytes_set(into++, link->frame.bytes.data, link->frame.bytes.len);
    for (size_t i = 0; i < pump->link_count; i++) {
        const struct link *other = &pump->links[i];
        if (other != link && other->port == link->port)
            bytes_set(into++, other->frame.bytes.data, other->frame.bytes.len);
    }
}

/* False: the connection has ended. */
static bool send_frame(struct pump *pump, struct link *link) {
    const struct bytes *bytes = &link->frame.bytes;
    size_t end = link->fate == DIES_HALF_SENT ? bytes->len / 2 : bytes->len;
    while (link->sent < end) {
        const uint8_t *at = bytes->data + link->sent;
        ssize_t n = link->tls != NULL ? door_send(link->tls, at, end - link->sent)
                                      : send(link->fd, at, end - link->sent, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN;
        link->sent += (size_t)n;
    }
    if (link->fate != LIVES) {
        pump->counts->died++;
        again(pump, link, pump->counts->died % 2 == 0);
    }
    return true;
}

static size_t answer_len(const struct link *link) {
    uint32_t len;
    memcpy(&len, link->answer, HEAD);
    return HEAD + (size_t)be32toh(len);
}

static void check_answer(struct pump *pump, struct link *link, size_t len) {
    const struct frame *frame = &link->frame;
    if (memcmp(link->answer + HEAD, frame->bytes.data + 8, 4) != 0) {
        fail(pump, link->port, "answered with the correlation id of another request");
        return;
    }
    if (frame->api == NULL || len > CHECKED_MAX) return;
    uint32_t correlation;
    memcpy(&correlation, frame->bytes.data + 8, sizeof correlation);
    struct kp_arena arena;
    kp_arena_init(&arena, ARENA_MAX);
    int error = kp_response_decode(frame->api, frame->version, (int32_t)be32toh(correlation),
                                   link->answer + HEAD, len - HEAD, &arena,
                                   kp_arena_alloc(&arena, frame->api->response->size));
    kp_arena_close(&arena);
    if (error != ERR_NONE) fail(pump, link->port, "gave an answer that cannot be decoded");
}

/* False: the connection has ended. */
static bool receive(struct pump *pump, struct link *link) {
    static uint8_t rest[1 << 16];
    for (;;) {
        bool kept = link->got < CHECKED_MAX;
        uint8_t *into = kept ? link->answer + link->got : rest;
        size_t room = kept ? CHECKED_MAX - link->got : sizeof rest;
        ssize_t n = link->tls != NULL ? door_receive(link->tls, into, room)
                                      : recv(link->fd, into, room, 0);
        if (n == 0) return false;
        if (n < 0) return errno == EAGAIN;
        link->got += (size_t)n;
        link->since_ms = pump->now_ms;
        if (link->got < HEAD + 4) continue;
        size_t len = answer_len(link);
        if (link->got < len) continue;
        if (link->got > len) fail(pump, link->port, "said more than was asked");
        check_answer(pump, link, len);
        note_time(pump, link);
        pump->counts->answered++;
        begin(pump, link);
        return link->fd < 0 || send_frame(pump, link);
    }
}

static void serve(struct pump *pump, struct link *link) {
    if (link->fd < 0) return;
    if (link->dialling) {
        int error = 0;
        socklen_t size = sizeof error;
        getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error == ECONNREFUSED) {
            fail(pump, link->port, "cannot be dialled: it has ended");
            return;
        }
        link->dialling = false;
    }
    pump->moved_ms[link->port] = pump->now_ms;
    if ((link->sent == link->frame.bytes.len || send_frame(pump, link)) &&
        (link->dialling || receive(pump, link)))
        return;
    if (link->fd < 0) return;
    note_time(pump, link);
    pump->counts->closed++;
    again(pump, link,
          true); /* a reset costs less, and of a socket that is closed nobody hears it */
}

/* ---- The loop ---- */

static void sweep(struct pump *pump) {
    for (size_t i = 0; i < pump->link_count; i++) {
        struct link *link = &pump->links[i];
        if (link->fd < 0 || link->dialling ||
            pump->now_ms - link->since_ms < pump->options->patience_ms)
            continue;
        pump->counts->left++;
        again(pump, link, pump->counts->left % 2 == 0);
    }
    for (unsigned port = 0; port < pump->options->port_count && !pump->over; port++)
        if (pump->now_ms - pump->moved_ms[port] > PUMP_SILENT_MS)
            fail(pump, port, "does not answer any more");
}

static void loop(struct pump *pump) {
    struct epoll_event events[64];
    uint64_t swept_ms = pump->now_ms;
    while (pump->busy > 0 && pump->why[0] == '\0') {
        int n = epoll_wait(pump->epoll, events, 64, SWEEP_MS);
        pump->now_ms = clock_ms();
        for (int i = 0; i < n; i++)
            serve(pump, events[i].data.ptr);
        if (pump->now_ms - swept_ms < SWEEP_MS) continue;
        sweep(pump);
        swept_ms = pump->now_ms;
    }
}

static void write_hex(FILE *file, const struct bytes *bytes) {
    for (size_t i = 0; i < bytes->len; i++)
        fprintf(file, "%02x", bytes->data[i]);
    fputc('\n', file);
}

/* What was under way comes first, then the others, the newest first. */
static void write_suspects(const struct pump *pump, FILE *file) {
    for (size_t i = 0; i < pump->link_count; i++)
        if (pump->links[i].port == pump->failed_port) write_hex(file, &pump->links[i].frame.bytes);
    uint64_t newest = pump->recent_at[pump->failed_port];
    for (uint64_t i = 1; i <= RECENT && i <= newest; i++)
        write_hex(file, &pump->recent[pump->failed_port][(newest - i) % RECENT]);
}

static struct pump *pump_new(const struct pump_options *options, struct frames *frames,
                             struct pump_counts *counts, char why[256]) {
    struct pump *pump = mem_zalloc(sizeof *pump);
    pump->options = options;
    pump->frames = frames;
    pump->counts = counts;
    pump->why = why;
    pump->epoll = epoll_create1(EPOLL_CLOEXEC);
    pump->now_ms = clock_ms();
    pump->link_count = (size_t)options->connections * options->port_count;
    pump->links = mem_zalloc(pump->link_count * sizeof *pump->links);
    pump->slow = mem_zalloc(options->connections * sizeof *pump->slow);
    for (size_t i = 0; i < pump->link_count; i++) {
        unsigned port = (unsigned)(i % options->port_count);
        pump->links[i] = (struct link){.port = port, .fd = -1, .answer = mem_alloc(CHECKED_MAX)};
        pump->moved_ms[port] = pump->now_ms;
    }
    return pump;
}

static void pump_free(struct pump *pump) {
    for (size_t i = 0; i < pump->link_count; i++) {
        hang_up(pump, &pump->links[i], false);
        mem_free(pump->links[i].answer);
        mem_free(pump->links[i].frame.bytes.data);
    }
    for (unsigned port = 0; port < pump->options->port_count; port++)
        for (unsigned i = 0; i < RECENT; i++)
            mem_free(pump->recent[port][i].data);
    for (unsigned i = 0; i < pump->options->connections; i++)
        mem_free(pump->slow[i].data);
    close(pump->epoll);
    mem_free(pump->slow);
    mem_free(pump->links);
    mem_free(pump);
}

bool pump_run(const struct pump_options *options, struct frames *frames, struct pump_counts *counts,
              char why[256], FILE *suspects) {
    why[0] = '\0';
    struct pump *pump = pump_new(options, frames, counts, why);
    for (size_t i = 0; i < pump->link_count; i++)
        begin(pump, &pump->links[i]);
    loop(pump);
    bool ok = why[0] == '\0';
    if (!ok) write_suspects(pump, suspects);
    for (unsigned i = 0; ok && i < options->connections; i++)
        if (pump->slow[i].len > 0) write_hex(suspects, &pump->slow[i]);
    pump_free(pump);
    return ok;
}
