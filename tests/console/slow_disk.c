/* LD_PRELOAD for a broker whose disk takes 60 ms to make something durable. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SLOW_US = 60 * 1000 };

int fdatasync(int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    usleep(SLOW_US);
    return real(fd);
}

ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags) {
    ssize_t written = pwritev(fd, iov, n, offset);
    return written >= 0 && flags != 0 && fdatasync(fd) != 0 ? -1 : written;
}

ssize_t pwritev64v2(int fd, const struct iovec *iov, int n, off_t offset, int flags) {
    return pwritev2(fd, iov, n, offset, flags);
}
