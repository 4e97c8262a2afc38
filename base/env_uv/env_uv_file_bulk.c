/*
 * Bulk writes of the libuv environment: whole blocks go to the disk by O_DIRECT, through one buffer
 * that is used again and again.
 *
 * Bytes that pass through the page cache are copied into pages that are new each time, which costs
 * several times as much (and where the memory is a virtual machine's, far more). What lies before
 * the first and behind the last whole block is written as always, so the file has its exact size
 * and nobody needs to know. Failures: small writes, and files that cannot be opened with O_DIRECT,
 * are plain writes; a file system that refuses in the middle gets the rest as plain writes, too.
 * Invariant: at the end the bytes are where env_file_write would have put them, durable after
 * env_file_sync.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/env_uv/env_uv_internal.h"
#include "base/mem.h"

enum { GRAIN = 4096, CHUNK_BYTES = 512 << 10, WORTH_IT_BYTES = 128 << 10 };

/* What is left of the pieces. */
struct pieces {
    const struct env_iov *iov;
    size_t done; /* of the first */
};

static void bulk_take(struct pieces *from, char *into, size_t len) {
    while (len > 0) {
        size_t rest = from->iov->len - from->done, now = rest < len ? rest : len;
        memcpy(into, (const char *)from->iov->base + from->done, now);
        into += now;
        len -= now;
        from->done += now;
        if (from->done == from->iov->len) *from = (struct pieces){.iov = from->iov + 1};
    }
}

/* Whole blocks, as far as the file system takes them: *done. */
static int write_direct(int fd, const char *bytes, size_t len, uint64_t offset, size_t *done) {
    for (*done = 0; *done < len && *done % GRAIN == 0;) {
        ssize_t n = pwrite(fd, bytes + *done, len - *done, (off_t)(offset + *done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EINVAL) return ERR_NONE;
        if (n < 0) return error_from_errno(errno);
        if (n == 0) return ERR_NONE;
        *done += (size_t)n;
    }
    return ERR_NONE;
}

static int write_chunk(struct env_file *file, int direct_fd, const char *bytes, size_t len,
                       uint64_t offset) {
    size_t done = 0;
    int error = offset % GRAIN == 0 && len % GRAIN == 0
                    ? write_direct(direct_fd, bytes, len, offset, &done)
                    : ERR_NONE;
    if (error != ERR_NONE || done == len) return error;
    struct env_iov rest = {.base = bytes + done, .len = len - done};
    return env_file_write(file, &rest, 1, offset + done, false);
}

/* The bytes up to the next border: of the first block, of a chunk, of the last whole block, of all.
 */
static size_t next_chunk(uint64_t at, uint64_t end) {
    if (at % GRAIN != 0) return GRAIN - at % GRAIN;
    uint64_t whole = (end - at) / GRAIN * GRAIN;
    if (whole == 0) return (size_t)(end - at);
    return whole < CHUNK_BYTES ? (size_t)whole : CHUNK_BYTES;
}

int env_file_write_bulk(struct env_file *file, const struct env_iov *iov, unsigned n,
                        uint64_t offset) {
    uint64_t end = offset;
    for (unsigned i = 0; i < n; i++)
        end += iov[i].len;
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", env_uv_file_fd(file));
    int fd = end - offset < WORTH_IT_BYTES ? -1 : open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
    if (fd < 0) return env_file_write(file, iov, n, offset, false);
    char *buffer = mem_aligned(GRAIN, CHUNK_BYTES);
    struct pieces pieces = {.iov = iov};
    int error = ERR_NONE;
    for (size_t len; error == ERR_NONE && offset < end; offset += len) {
        len = next_chunk(offset, end);
        bulk_take(&pieces, buffer, len);
        error = write_chunk(file, fd, buffer, len, offset);
    }
    mem_free(buffer);
    close(fd);
    return error;
}
