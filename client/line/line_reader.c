/* The buffer of a stream, the lines in it, and passing over those that are too long. */
#include "client/line/line_reader.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { READ = 64 << 10, IDLE_MS = 100 };

struct line_reader {
    int fd;
    size_t max;
    const char *delimiter;
    size_t delimiter_len;
    bool (*idle)(void *arg);
    void *arg;
    char *buffer;
    size_t room, begin, used; /* what was read and not given out: [begin, used) */
    size_t searched;          /* up to here there is no newline */
    size_t passed;            /* bytes of a line that is too long, passed over */
    bool too_long, end;
};

struct line_reader *line_reader_new(int fd, size_t max, bool (*idle)(void *arg), void *arg) {
    struct line_reader *reader = mem_zalloc(sizeof(*reader));
    *reader = (struct line_reader){
        .fd = fd, .max = max, .delimiter = "\n", .delimiter_len = 1, .idle = idle, .arg = arg};
    return reader;
}

void line_reader_delimiter(struct line_reader *reader, const char *text, size_t len) {
    reader->delimiter = text;
    reader->delimiter_len = len;
}

void line_reader_free(struct line_reader *reader) {
    if (reader) {
        mem_free(reader->buffer);
        mem_free(reader);
    }
}

/* Room for one more piece, by moving what is there to the front first. */
static void make_room(struct line_reader *reader) {
    if (reader->begin > 0) {
        memmove(reader->buffer, reader->buffer + reader->begin, reader->used - reader->begin);
        reader->used -= reader->begin;
        reader->searched -= reader->begin;
        reader->begin = 0;
    }
    if (reader->room - reader->used < READ) {
        size_t most = reader->max + reader->delimiter_len + READ, twice = 2 * reader->room;
        size_t wanted = reader->used + READ > twice ? reader->used + READ : twice;
        reader->room = wanted < most ? wanted : most;
        reader->buffer = mem_realloc(reader->buffer, reader->room);
    }
}

/* Reads one piece; LINE_WHOLE: something came, or the end. */
static enum line_result fill(struct line_reader *reader, struct error_text *why) {
    make_room(reader);
    for (;;) {
        struct pollfd wait = {.fd = reader->fd, .events = POLLIN};
        int ready = poll(&wait, 1, IDLE_MS);
        if (ready <= 0 && !reader->idle(reader->arg)) {
            return LINE_STOPPED;
        }
        if (ready <= 0) {
            continue;
        }
        ssize_t n = read(reader->fd, reader->buffer + reader->used, reader->room - reader->used);
        if (n >= 0) {
            reader->used += (size_t)n;
            reader->end = n == 0;
            return LINE_WHOLE;
        }
        if (errno != EINTR && errno != EAGAIN) {
            error_set(why, ERR_IO, "the input cannot be read: %s",
                      errno == EBADF ? "it is closed" : error_phrase(error_from_errno(errno)));
            return LINE_FAILED;
        }
    }
}

/* The line [begin, end) and `skip` bytes behind it are given out. */
static enum line_result reader_give(struct line_reader *reader, size_t end, size_t skip,
                                    char **line, size_t *len) {
    size_t size = end - reader->begin + reader->passed;
    bool too_long = reader->too_long || size > reader->max;
    *line = too_long ? NULL : reader->buffer + reader->begin;
    *len = size;
    reader->begin = reader->searched = end + skip;
    reader->passed = 0;
    reader->too_long = false;
    return too_long ? LINE_TOO_LONG : LINE_WHOLE;
}

/* The first delimiter in what was not looked at; NULL: there is none yet. */
static char *find_delimiter(struct line_reader *reader) {
    char *found = reader->used > reader->searched
                      ? memmem(reader->buffer + reader->searched, reader->used - reader->searched,
                               reader->delimiter, reader->delimiter_len)
                      : NULL;
    /* Its beginning may stand at the end. */
    size_t kept = reader->delimiter_len - 1;
    size_t seen = reader->used - reader->begin > kept ? reader->used - kept : reader->begin;
    reader->searched = seen > reader->searched ? seen : reader->searched;
    return found;
}

enum line_result line_reader_next(struct line_reader *reader, char **line, size_t *len,
                                  struct error_text *why) {
    for (;;) {
        char *found = find_delimiter(reader);
        if (found) {
            return reader_give(reader, (size_t)(found - reader->buffer), reader->delimiter_len,
                               line, len);
        }
        if (reader->end && reader->used == reader->begin && reader->passed == 0) {
            return LINE_END;
        }
        if (reader->end) {
            return reader_give(reader, reader->used, 0, line, len);
        }
        if (reader->too_long || reader->searched - reader->begin > reader->max) {
            reader->too_long = true;
            reader->passed += reader->searched - reader->begin;
            reader->begin = reader->searched;
        }
        enum line_result result = fill(reader, why);
        if (result != LINE_WHOLE) {
            return result;
        }
    }
}
