/* Loaded before the C library: writes down, in order, every call that changes files below one folder, so that a test can
   build what a disk may hold after a loss of power. HEADCOUNT_RECORD_IN: the folder. HEADCOUNT_RECORD: where to.

   A record is a line of words, and bytes after some:
     write INODE OFFSET LENGTH SYNCED, and the bytes       truncate INODE LENGTH       sync INODE
     create FOLDER INODE NAME    folder FOLDER INODE NAME  remove FOLDER NAME
     link FOLDER INODE NAME      rename FOLDER FOLDER INODE, and two lines, a name each
     said: something was written to standard output */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int record_to = -1;

static void put(const void *bytes, size_t count) {
    if (record_to < 0) {
        const char *path = getenv("HEADCOUNT_RECORD");
        if (!path) return;
        record_to = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    while (count > 0) {
        ssize_t written = REAL(write)(record_to, bytes, count);
        if (written <= 0) abort();
        bytes = (const char *)bytes + written;
        count -= (size_t)written;
    }
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...) {
    char line[3 * PATH_MAX];
    va_list rest;
    va_start(rest, format);
    int length = vsnprintf(line, sizeof line, format, rest);
    va_end(rest);
    put(line, (size_t)length);
}

static int is_inside(const char *path) {
    const char *folder = getenv("HEADCOUNT_RECORD_IN");
    return folder && strncmp(path, folder, strlen(folder)) == 0;
}

static int path_of(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return 1;
}

/* The inode of an open file below the folder, or 0. */
static unsigned long inside(int fd) {
    char path[PATH_MAX];
    struct stat found;
    if (!path_of(fd, path) || !is_inside(path) || fstat(fd, &found) != 0) return 0;
    return found.st_ino;
}

static unsigned long inode_of(const char *path) {
    struct stat found;
    return lstat(path, &found) == 0 ? found.st_ino : 0;
}

/* A path, made absolute. */
static void whole(int folder, const char *path, char *out) {
    char base[PATH_MAX] = "";
    if (path[0] == '/') {
        snprintf(out, PATH_MAX, "%s", path);
        return;
    }
    if (folder == AT_FDCWD) {
        if (!getcwd(base, sizeof base)) abort();
    } else if (!path_of(folder, base)) {
        abort();
    }
    if (strlen(base) + strlen(path) + 2 > PATH_MAX) abort();
    strcpy(out, base);
    strcat(out, "/");
    strcat(out, strncmp(path, "./", 2) == 0 ? path + 2 : path);
}

static const char *name_in(const char *path) { return strrchr(path, '/') + 1; }

static unsigned long folder_of(const char *path) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    return inode_of(folder);
}

/* Files that are open so that each write is synced: not every kernel tells it afterwards. */
static char syncs_writes[1 << 16];

static int is_synced(int fd) { return fd >= 0 && fd < (int)sizeof syncs_writes && syncs_writes[fd]; }

static int noted(int fd, int flags) {
    if (fd >= 0 && fd < (int)sizeof syncs_writes) syncs_writes[fd] = (flags & O_DSYNC) != 0;
    return fd;
}

static void written(int fd, const void *bytes, ssize_t count, off64_t at) {
    unsigned long inode = count > 0 ? inside(fd) : 0;
    if (!inode) return;
    say("write %lu %lld %zd %d\n", inode, (long long)at, count, is_synced(fd));
    put(bytes, (size_t)count);
}

#define RECORDED(type, call, record) \
    pthread_mutex_lock(&lock); \
    type result = call; \
    int error = errno; \
    record; \
    pthread_mutex_unlock(&lock); \
    errno = error; \
    return result

ssize_t write(int fd, const void *bytes, size_t count) {
    RECORDED(ssize_t, REAL(write)(fd, bytes, count), {
        if (fd == STDOUT_FILENO && result > 0) say("said\n");
        else if (result > 0 && inside(fd)) {
            off64_t end = (fcntl(fd, F_GETFL) & O_APPEND) ? lseek64(fd, 0, SEEK_END) : lseek64(fd, 0, SEEK_CUR);
            written(fd, bytes, result, end - result);
        }
    });
}

static void written_pieces(int fd, const struct iovec *pieces, int count, ssize_t taken, off64_t at) {
    for (int piece = 0; piece < count && taken > 0; piece++) {
        ssize_t part = (ssize_t)pieces[piece].iov_len < taken ? (ssize_t)pieces[piece].iov_len : taken;
        written(fd, pieces[piece].iov_base, part, at);
        at += part;
        taken -= part;
    }
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    RECORDED(ssize_t, REAL(writev)(fd, pieces, count), {
        if (fd == STDOUT_FILENO && result > 0) say("said\n");
        else if (result > 0 && inside(fd)) written_pieces(fd, pieces, count, result, lseek64(fd, 0, SEEK_CUR) - result);
    });
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    RECORDED(ssize_t, REAL(pwrite64)(fd, bytes, count, at), written(fd, bytes, result, at));
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { return pwrite64(fd, bytes, count, at); }

ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off64_t at) {
    RECORDED(ssize_t, REAL(pwritev64)(fd, pieces, count, at), written_pieces(fd, pieces, count, result, at));
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t at) { return pwritev64(fd, pieces, count, at); }

/* Copies within the system are refused, so that they are made by reading and writing. */
ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *there, size_t count, unsigned flags) {
    (void)from, (void)at, (void)to, (void)there, (void)count, (void)flags;
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t count) {
    (void)to, (void)from, (void)at, (void)count;
    errno = ENOSYS;
    return -1;
}

static void synced(int fd, int result) {
    unsigned long inode = result == 0 ? inside(fd) : 0;
    if (inode) say("sync %lu\n", inode);
}

int fsync(int fd) { RECORDED(int, REAL(fsync)(fd), synced(fd, result)); }
int fdatasync(int fd) { RECORDED(int, REAL(fdatasync)(fd), synced(fd, result)); }

int ftruncate64(int fd, off64_t length) {
    RECORDED(int, REAL(ftruncate64)(fd, length), {
        unsigned long inode = result == 0 ? inside(fd) : 0;
        if (inode) say("truncate %lu %lld\n", inode, (long long)length);
    });
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int renamed(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    char before[PATH_MAX], after[PATH_MAX];
    whole(from_folder, from, before);
    whole(to_folder, to, after);
    RECORDED(int, REAL(renameat2)(from_folder, from, to_folder, to, flags), {
        if (result == 0 && is_inside(after)) {
            say("rename %lu %lu %lu\n%s\n%s\n", folder_of(before), folder_of(after), inode_of(after), name_in(before),
                name_in(after));
        }
    });
}

int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }

static int removed(int folder, const char *path, int flags) {
    char whole_path[PATH_MAX];
    whole(folder, path, whole_path);
    unsigned long in = folder_of(whole_path);
    RECORDED(int, REAL(unlinkat)(folder, path, flags), {
        if (result == 0 && is_inside(whole_path)) say("remove %lu %s\n", in, name_in(whole_path));
    });
}

int unlinkat(int folder, const char *path, int flags) { return removed(folder, path, flags); }
int unlink(const char *path) { return removed(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return removed(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdir(const char *path, mode_t mode) {
    char whole_path[PATH_MAX];
    whole(AT_FDCWD, path, whole_path);
    RECORDED(int, REAL(mkdir)(path, mode), {
        if (result == 0 && is_inside(whole_path)) {
            say("folder %lu %lu %s\n", folder_of(whole_path), inode_of(whole_path), name_in(whole_path));
        }
    });
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    char whole_path[PATH_MAX];
    whole(to_folder, to, whole_path);
    RECORDED(int, REAL(linkat)(from_folder, from, to_folder, to, flags), {
        if (result == 0 && is_inside(whole_path)) {
            say("link %lu %lu %s\n", folder_of(whole_path), inode_of(whole_path), name_in(whole_path));
        }
    });
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
    char whole_path[PATH_MAX];
    if (!(flags & (O_CREAT | O_TRUNC))) return noted(REAL(openat64)(folder, path, flags, mode), flags);
    whole(folder, path, whole_path);
    unsigned long before = inode_of(whole_path);
    RECORDED(int, noted(REAL(openat64)(folder, path, flags, mode), flags), {
        if (result >= 0 && is_inside(whole_path)) {
            unsigned long inode = inode_of(whole_path);
            if (!before) say("create %lu %lu %s\n", folder_of(whole_path), inode, name_in(whole_path));
            else if (flags & O_TRUNC) say("truncate %lu 0\n", inode);
        }
    });
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        return opened(AT_FDCWD, path, flags, mode); \
    }

OPEN(open)
OPEN(open64)

#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = va_arg(rest, mode_t); \
        va_end(rest); \
        return opened(folder, path, flags, mode); \
    }

OPENAT(openat)
OPENAT(openat64)
