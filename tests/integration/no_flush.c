/* LD_PRELOAD for the proof that the power-cut test can fail: disks that say "durable" and lie. No
 * flush, no direct writes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/uio.h>

int fdatasync(int fd) {
    return fd < 0 ? -1 : 0;
}

int fsync(int fd) {
    return fd < 0 ? -1 : 0;
}

ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags) {
    (void)flags;
    return pwritev(fd, iov, n, offset);
}

ssize_t pwritev64v2(int fd, const struct iovec *iov, int n, off_t offset, int flags) {
    (void)flags;
    return pwritev(fd, iov, n, offset);
}

static int open_through(const char *name, const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);
    return real(path, flags & ~(O_DIRECT | O_DSYNC | O_SYNC), mode);
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_through("open", path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    return open_through("open64", path, flags, mode);
}
