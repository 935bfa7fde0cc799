/* Loaded before the C library: makes one call that writes, or all from it on, fail in files below one folder.
   HEADCOUNT_FAULT_AT: which call, from 0. HEADCOUNT_FAULT_ERRNO: with what. HEADCOUNT_FAULT_FOREVER: all from it on.
   HEADCOUNT_FAULT_READ_ONLY: nothing may be opened to write.
   HEADCOUNT_FAULT_THREADS: as many threads are granted, and no more.
   HEADCOUNT_FAULT_SHORT: a write takes half of what it was given before it fails. HEADCOUNT_FAULT_IN: the folder. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;

static int is_inside(const char *path) {
    const char *folder = getenv("HEADCOUNT_FAULT_IN");
    return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static int is_open_inside(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_inside(path);
}

static int fails(void) {
    const char *at = getenv("HEADCOUNT_FAULT_AT"), *number = getenv("HEADCOUNT_FAULT_ERRNO");
    if (!at || !number) return 0;
    long call = atomic_fetch_add(&calls, 1), from = atol(at);
    if (call != from && !(call > from && getenv("HEADCOUNT_FAULT_FOREVER"))) return 0;
    errno = atoi(number);
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t count) {
    if (is_open_inside(fd) && fails()) {
        if (!getenv("HEADCOUNT_FAULT_SHORT") || count < 2) return -1;
        return REAL(write)(fd, bytes, count / 2);
    }
    return REAL(write)(fd, bytes, count);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    if (is_open_inside(fd) && fails()) {
        if (getenv("HEADCOUNT_FAULT_SHORT") && count > 1) REAL(pwrite64)(fd, bytes, count / 2, at);
        return -1;
    }
    return REAL(pwrite64)(fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t at) {
    if (is_open_inside(fd) && fails()) return -1;
    return REAL(pwritev64)(fd, pieces, count, at);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t at) { return pwritev64(fd, pieces, count, at); }

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    if (is_open_inside(fd) && fails()) return -1;
    return REAL(writev)(fd, pieces, count);
}

int fsync(int fd) { return is_open_inside(fd) && fails() ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return is_open_inside(fd) && fails() ? -1 : REAL(fdatasync)(fd); }
int ftruncate64(int fd, off64_t length) { return is_open_inside(fd) && fails() ? -1 : REAL(ftruncate64)(fd, length); }
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
int rename(const char *from, const char *to) { return is_inside(to) && fails() ? -1 : REAL(rename)(from, to); }

static atomic_long threads;

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    const char *granted = getenv("HEADCOUNT_FAULT_THREADS");
    if (granted && atomic_fetch_add(&threads, 1) >= atol(granted)) return EAGAIN;
    return REAL(pthread_create)(thread, attributes, start, argument);
}

static int is_forbidden(const char *path, int flags) {
    if (!getenv("HEADCOUNT_FAULT_READ_ONLY") || !is_inside(path)) return 0;
    if ((flags & O_ACCMODE) == O_RDONLY && !(flags & O_CREAT)) return 0;
    errno = EROFS;
    return 1;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        return is_forbidden(path, flags) ? -1 : REAL(name)(path, flags, mode); \
    }

OPEN(open)
OPEN(open64)
