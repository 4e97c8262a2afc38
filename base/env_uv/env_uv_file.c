/*
 * Open files of the libuv environment. Plain system calls, on whatever thread asks; nothing here
 * touches the loop.
 *
 * Every write and read is one system call unless the kernel does less than was asked; the rest is
 * then asked for again. A durable write is pwritev2(RWF_DSYNC), one call, where the file system has
 * it, else a write and fdatasync. ENV_DIRECT where O_DIRECT is refused (tmpfs, some overlays): a
 * plain file whose cache is dropped after each sync.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/env_uv/env_uv_internal.h"
#include "base/mem.h"

enum { DIRECT_GRAIN = 4096, FILE_MODE = 0640, PARTS_AT_ONCE = 256 };

struct env_file {
    struct env *env;
    int fd;
    bool direct;     /* memory, offset and length must be multiples of DIRECT_GRAIN */
    bool drop_cache; /* not really O_DIRECT */
};

struct env_file *env_uv_file_new(struct env *env, int fd, bool direct, bool drop_cache) {
    struct env_file *file = mem_alloc(sizeof *file);
    *file = (struct env_file){.env = env, .fd = fd, .direct = direct, .drop_cache = drop_cache};
    env_uv_own(env);
    return file;
}

int env_uv_file_fd(const struct env_file *file) {
    return file->fd;
}

static int open_retrying(const char *path, int flags) {
    int fd;
    do
        fd = open(path, flags, FILE_MODE);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* A directory is told by whoever reads it. */
static bool is_regular(int fd) {
    struct stat status;
    return fstat(fd, &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
}

int env_file_open(struct env *env, const char *path, int flags, struct env_file **file) {
    CHECK((flags & (ENV_READ | ENV_WRITE)) != 0);
    int mode = (flags & ENV_WRITE) == 0 ? O_RDONLY : (flags & ENV_READ) == 0 ? O_WRONLY : O_RDWR;
    mode |= O_CLOEXEC | O_NONBLOCK; /* of what is no file: an open would wait for its other end */
    if ((flags & ENV_CREATE) != 0) mode |= O_CREAT;
    if ((flags & ENV_EXCLUSIVE) != 0) mode |= O_EXCL;
    bool direct = (flags & ENV_DIRECT) != 0, drop_cache = false;
    int fd = open_retrying(path, direct ? mode | O_DIRECT : mode);
    if (fd < 0 && errno == EINVAL && direct) {
        /* O_DIRECT is refused after O_CREAT has made the file */
        drop_cache = true;
        fd = open_retrying(path, mode & ~O_EXCL);
    }
    if (fd < 0 && errno == ENXIO) return ERR_NO_FILE; /* a FIFO that nobody reads, or a socket */
    if (fd < 0) return env_uv_made(path, error_from_errno(errno));
    if (!is_regular(fd)) {
        close(fd);
        return ERR_NO_FILE;
    }
    *file = env_uv_file_new(env, fd, direct, drop_cache);
    return ERR_NONE;
}

void env_file_close(struct env_file *file) {
    if (file == NULL) return;
    close(file->fd); /* nothing is lost when it fails: durability was a matter of sync */
    env_uv_disown(file->env);
    mem_free(file);
}

bool env_file_is_direct(const struct env_file *file) {
    return file->direct && !file->drop_cache;
}

int env_file_size(struct env_file *file, uint64_t *size) {
    struct stat status;
    if (fstat(file->fd, &status) != 0) return error_from_errno(errno);
    *size = (uint64_t)status.st_size;
    return ERR_NONE;
}

static void check_grain(const struct env_file *file, const void *memory, size_t len,
                        uint64_t offset) {
    if (!file->direct) return;
    CHECK((uintptr_t)memory % DIRECT_GRAIN == 0);
    CHECK(len % DIRECT_GRAIN == 0);
    CHECK(offset % DIRECT_GRAIN == 0);
}

static int read_all(struct env_file *file, void *into, size_t len, uint64_t offset, size_t *got,
                    int flags) {
    check_grain(file, into, len, offset);
    *got = 0;
    while (*got < len) {
        struct iovec part = {(char *)into + *got, len - *got};
        ssize_t n = flags == 0 ? preadv(file->fd, &part, 1, (off_t)(offset + *got))
                               : preadv2(file->fd, &part, 1, (off_t)(offset + *got), flags);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return error_from_errno(errno);
        if (n == 0) return ERR_NONE;
        *got += (size_t)n;
        /* The end; it cannot be asked for from there. */
        if (file->direct && n % DIRECT_GRAIN != 0) return ERR_NONE;
    }
    return ERR_NONE;
}

int env_file_read(struct env_file *file, void *into, size_t len, uint64_t offset, size_t *got) {
    return read_all(file, into, len, offset, got, 0);
}

int env_file_read_cached(struct env_file *file, void *into, size_t len, uint64_t offset,
                         size_t *got) {
    int error = read_all(file, into, len, offset, got, RWF_NOWAIT);
    /* a file system without RWF_NOWAIT may always block */
    return error == ERR_SYSTEM || error == ERR_INVALID ? ERR_AGAIN : error;
}

/* One call's worth: up to PARTS_AT_ONCE pieces, of which the first `done` bytes are written
 * already. */
static int write_parts(struct env_file *file, struct iovec *parts, unsigned n, uint64_t offset,
                       bool *sync) {
    while (n > 0) {
        ssize_t written = *sync ? pwritev2(file->fd, parts, (int)n, (off_t)offset, RWF_DSYNC)
                                : pwritev(file->fd, parts, (int)n, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && *sync && (errno == EOPNOTSUPP || errno == ENOSYS)) {
            *sync = false; /* no RWF_DSYNC here: the caller syncs */
            continue;
        }
        if (written < 0) return error_from_errno(errno);
        if (written == 0 && parts[0].iov_len > 0) return ERR_IO;
        offset += (uint64_t)written;
        while (n > 0 && (size_t)written >= parts[0].iov_len) {
            written -= (ssize_t)parts[0].iov_len;
            parts++;
            n--;
        }
        if (n > 0) {
            parts[0].iov_base = (char *)parts[0].iov_base + written;
            parts[0].iov_len -= (size_t)written;
        }
    }
    return ERR_NONE;
}

int env_file_write(struct env_file *file, const struct env_iov *iov, unsigned n, uint64_t offset,
                   bool sync) {
    /* More pieces: one sync behind all of them. */
    bool sync_inline = sync && n > 0 && n <= PARTS_AT_ONCE;
    while (n > 0) {
        struct iovec parts[PARTS_AT_ONCE];
        unsigned now = n < PARTS_AT_ONCE ? n : PARTS_AT_ONCE;
        uint64_t bytes = 0;
        for (unsigned i = 0; i < now; i++) {
            check_grain(file, iov[i].base, iov[i].len, offset);
            parts[i] = (struct iovec){(void *)iov[i].base, iov[i].len};
            bytes += iov[i].len;
        }
        int error = write_parts(file, parts, now, offset, &sync_inline);
        if (error != ERR_NONE) return error;
        iov += now;
        n -= now;
        offset += bytes;
    }
    if (sync && !sync_inline) return env_file_sync(file);
    if (sync && file->drop_cache) posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
    return ERR_NONE;
}

int env_file_sync(struct env_file *file) {
    /* Never tried again: docs/decisions/0004. */
    if (fdatasync(file->fd) != 0) return error_from_errno(errno);
    if (file->drop_cache) posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED);
    return ERR_NONE;
}

int env_file_truncate(struct env_file *file, uint64_t size) {
    int status;
    do
        status = ftruncate(file->fd, (off_t)size);
    while (status != 0 && errno == EINTR);
    return status == 0 ? ERR_NONE : error_from_errno(errno);
}

int env_lock_file(struct env *env, const char *path, struct env_file **lock, int *holder_pid) {
    char text[24];
    int fd = open_retrying(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return errno == ENXIO ? ERR_NO_FILE : error_from_errno(errno);
    if (!is_regular(fd)) {
        close(fd);
        return ERR_NO_FILE;
    }
    int error = ERR_NONE;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        error = errno == EWOULDBLOCK ? ERR_BUSY : error_from_errno(errno);
        ssize_t len = pread(fd, text, sizeof text - 1, 0);
        text[len > 0 ? len : 0] = '\0';
        *holder_pid = (int)strtol(text, NULL, 10); /* 0 while the holder has not written it yet */
        close(fd);
        return error;
    }
    int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len) {
        error = error_from_errno(errno);
        close(fd);
        return error;
    }
    *lock = env_uv_file_new(env, fd, false, false);
    return ERR_NONE;
}
