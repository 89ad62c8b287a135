// Put before the C library's own calls: one of them fails, once, and what every other one did stands in a journal.
//
// FAULT_ROOT     the folder that is watched
// FAULT_JOURNAL  the file that the journal is added to, outside of the folder
// FAULT_KEEP     a folder beside it: what a name stood for before it was renamed over or removed is kept here
// FAULT_AT       "PHASE CALL PLACE N": the Nth of such calls fails; absent: none does
// FAULT_MODE     lost (not carried out, EIO), kept (carried out, and yet EIO), nospace (not carried out, ENOSPC),
//                short (half of a write is carried out and told, the rest is refused with ENOSPC),
//                killed (carried out, and the process is killed before it hears of it)
//
// FAULT_MEET     a folder: its sync in a thread of the process's own and the one that is to fail, of another thread, wait for each other
//
// The phase is what the process last said on standard output: "opened", "erasing", "done"; calls of RocksDB's threads have "flush" and "compaction" for
// it, whenever they are made. One lock for all calls: the journal tells the order in which they took effect.
//
// A sync that failed is told as the kernel tells it: once to each descriptor that was open, and what it was to make durable stays lost.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum mode { NONE, LOST, KEPT, NOSPACE, SHORT, KILLED };
#define IS_KEPT(how) ((how) == KEPT || (how) == KILLED)
#define COUNTED 1024
#define DESCRIPTORS 4096
// A thread in the background whose call failed hears of it after so many acknowledgements, or so many milliseconds.
#define ACKNOWLEDGED 3
#define HELD_MS 300
#define MEET_MS 5000

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char root[PATH_MAX], keep[PATH_MAX], at[PATH_MAX + 64], meet[PATH_MAX], failed[PATH_MAX];
static char owed[DESCRIPTORS];
static int waits_here, acknowledged;
static __thread int held;
static int journal = -1, fired, rest_of = -1, kept_files;
static enum mode mode;
static const char *phase = "opening";
static struct { char key[160]; unsigned n; } counts[COUNTED];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void broken(const char *why) {
    dprintf(2, "inject: %s\n", why);
    _exit(99);
}

static void setup(void) {
    const char *name = getenv("FAULT_MODE"), *point = getenv("FAULT_AT"), *file = getenv("FAULT_JOURNAL");
    if (!getenv("FAULT_ROOT") || !getenv("FAULT_KEEP") || !file) return;
    snprintf(root, sizeof root, "%s", getenv("FAULT_ROOT"));
    snprintf(keep, sizeof keep, "%s", getenv("FAULT_KEEP"));
    snprintf(at, sizeof at, "%s", point ? point : "");
    snprintf(meet, sizeof meet, "%s", getenv("FAULT_MEET") ? getenv("FAULT_MEET") : "");
    journal = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal < 0) broken("no journal");
    if (!point) return;
    if (!name) broken("no mode");
    mode = !strcmp(name, "lost") ? LOST : !strcmp(name, "kept") ? KEPT : !strcmp(name, "nospace") ? NOSPACE
         : !strcmp(name, "short") ? SHORT : !strcmp(name, "killed") ? KILLED : NONE;
    if (mode == NONE) broken("no such mode");
}

static void say(const char *form, ...) {
    char line[3 * PATH_MAX];
    va_list arguments;
    va_start(arguments, form);
    int length = vsnprintf(line, sizeof line, form, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof line || syscall(SYS_write, journal, line, (size_t)length) != length) broken("the journal is cut");
}

static int watched(const char *path) {
    pthread_once(&once, setup);
    size_t length = strlen(root);
    return journal >= 0 && !strncmp(path, root, length) && (!path[length] || path[length] == '/');
}

// The path behind a descriptor; whether it is watched.
static int behind(int fd, char *path) {
    char link[64];
    if (journal < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length < 0 ? 0 : length] = 0;
    return watched(path);
}

// Which of RocksDB's threads this is; null for the process's own.
static const char *background(void) {
    char name[17] = "";
    prctl(PR_GET_NAME, name);
    return !strcmp(name, "rocksdb:high") ? "flush" : !strncmp(name, "rocksdb:", 8) ? "compaction" : NULL;
}

// A path without what differs from run to run: "log/000004.log" is "log/#.log", a name of hexadecimal digits alone is "#".
static void place_of(const char *path, char *place) {
    const char *from = path + strlen(root);
    if (!*from++) {
        strcpy(place, ".");
        return;
    }
    while (*from) {
        size_t name = strcspn(from, "/");
        if (strspn(from, "0123456789abcdef") >= name && name >= 1) {
            *place++ = '#';
        } else {
            for (size_t i = 0; i < name;) {
                size_t digits = strspn(from + i, "0123456789");
                if (digits) *place++ = '#', i += digits;
                else *place++ = from[i++];
            }
        }
        from += name;
        if (*from) *place++ = *from++;
    }
    *place = 0;
}

// Counts a call; whether and how it is to fail.
static enum mode fault(const char *call, const char *path) {
    char place[PATH_MAX], key[160], point[192];
    place_of(path, place);
    const char *thread = background();
    if (snprintf(key, sizeof key, "%s %s %s", thread ? thread : phase, call, place) >= (int)sizeof key) broken("a long name");
    size_t i = 0;
    while (i < COUNTED && counts[i].n && strcmp(counts[i].key, key)) i++;
    if (i == COUNTED) broken("too many kinds of calls");
    strcpy(counts[i].key, key);
    counts[i].n++;
    snprintf(point, sizeof point, "%s %u", key, counts[i].n);
    say("call %s\n", point);
    if (fired || strcmp(point, at)) return NONE;
    fired = 1;
    held = thread != NULL;
    acknowledged = 0;
    say("fired %s\n", path);
    return mode;
}

// What a name stands for is kept, in case that a power cut undoes the change.
static void keep_old(const char *what, const char *path) {
    char old[PATH_MAX + 16];
    snprintf(old, sizeof old, "%s/%d", keep, kept_files);
    if (linkat(AT_FDCWD, path, AT_FDCWD, old, 0) == 0) say("%s %s %d\n", what, path, kept_files++);
}

static long refused(enum mode how) {
    if (how == KILLED) {
        say("killed\n");
        kill(getpid(), SIGKILL);
    }
    errno = how == NOSPACE || how == SHORT ? ENOSPC : EIO;
    return -1;
}

static void enter(void) {
    pthread_once(&once, setup);
    pthread_mutex_lock(&lock);
}

static long leave(long result) {
    int saved = errno;
    pthread_mutex_unlock(&lock);
    // Others go on meanwhile, as they may where threads run as they like.
    for (int ms = 0; held && ms < HELD_MS && __atomic_load_n(&acknowledged, __ATOMIC_SEQ_CST) < ACKNOWLEDGED; ms++) usleep(1000);
    held = 0;
    errno = saved;
    return result;
}

// Waits, with the lock given up, until another thread has set a flag.
static void wait_for(int *flag) {
    for (int ms = 0; ms < MEET_MS && !__atomic_load_n(flag, __ATOMIC_SEQ_CST); ms++) {
        pthread_mutex_unlock(&lock);
        usleep(1000);
        pthread_mutex_lock(&lock);
    }
}

// CALL is carried out, unless it is the one that fails; DONE stands in the journal when it was.
#define CARRY_OUT(NAME, PATH, CALL, DONE)                                         \
    enum mode how = fault(NAME, PATH);                                            \
    if (how == LOST || how == NOSPACE || how == SHORT) return leave(refused(how)); \
    long result = CALL;                                                           \
    int saved = errno;                                                            \
    if (result >= 0) { DONE; }                                                    \
    errno = saved;                                                                \
    return leave(IS_KEPT(how) ? refused(how) : result)

static int opening(const char *name, int flags, mode_t bits, int (*real)(const char *, int, ...)) {
    struct stat found;
    enter();
    if (!watched(name) || !((flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT)) return leave(real(name, flags, bits));
    int is_new = stat(name, &found) != 0;
    enum mode how = fault("open", name);
    if (how == LOST || how == NOSPACE || how == SHORT) return leave(refused(how));
    int fd = real(name, flags, bits), saved = errno;
    if (fd >= 0 && is_new) say("create %s\n", name);
    else if (fd >= 0) say("found %s %lld\n", name, flags & O_TRUNC ? 0LL : (long long)found.st_size);
    if (IS_KEPT(how)) {
        if (fd >= 0) close(fd);
        return leave(refused(how));
    }
    errno = saved;
    return leave(fd);
}

static mode_t bits_of(int flags, va_list arguments) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
}

int open(const char *name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t bits = bits_of(flags, arguments);
    va_end(arguments);
    return opening(name, flags, bits, REAL(open));
}

int open64(const char *name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t bits = bits_of(flags, arguments);
    va_end(arguments);
    return opening(name, flags, bits, REAL(open64));
}

// One write, by a pointer and a length: `part` carries out that much of it.
#define WRITING(NAME, FD, LENGTH, ALL, HALF)                          \
    char path[PATH_MAX];                                              \
    enter();                                                          \
    if (!behind(FD, path)) return leave(ALL);                         \
    if (rest_of == FD) {                                              \
        rest_of = -1;                                                 \
        say("refused %s\n", path);                                    \
        return leave(refused(NOSPACE));                               \
    }                                                                 \
    enum mode how = fault(NAME, path);                                \
    if (how == LOST || how == NOSPACE) return leave(refused(how));    \
    if (how == SHORT) {                                               \
        rest_of = FD;                                                 \
        return leave(HALF);                                           \
    }                                                                 \
    long result = ALL;                                                \
    return leave(IS_KEPT(how) ? refused(how) : result)

ssize_t write(int fd, const void *bytes, size_t length) {
    pthread_once(&once, setup);
    if (fd == 1) {
        if (length >= 6 && !memcmp(bytes, "opened", 6)) phase = "appending";
        if (length >= 7 && !memcmp(bytes, "erasing", 7)) phase = "erasing";
        if (length >= 4 && !memcmp(bytes, "done", 4)) phase = "closing";
        if (length >= 4 && !memcmp(bytes, "done", 4) && journal >= 0) say("done\n");
        if (length >= 3 && !memcmp(bytes, "ack", 3) && journal >= 0) {
            say("ack\n");
            __atomic_add_fetch(&acknowledged, 1, __ATOMIC_SEQ_CST);
        }
        return REAL(write)(fd, bytes, length);
    }
    WRITING("write", fd, length, REAL(write)(fd, bytes, length), REAL(write)(fd, bytes, length / 2));
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    WRITING("pwrite", fd, length, REAL(pwrite64)(fd, bytes, length, offset), REAL(pwrite64)(fd, bytes, length / 2, offset));
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    WRITING("pwrite", fd, length, REAL(pwrite)(fd, bytes, length, offset), REAL(pwrite)(fd, bytes, length / 2, offset));
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    WRITING("writev", fd, 0, REAL(writev)(fd, parts, count), REAL(write)(fd, parts->iov_base, parts->iov_len / 2));
}

// All other descriptors of what could not be synced will be told.
static void owe(int fd, const char *path) {
    char other[PATH_MAX];
    strcpy(failed, path);
    for (int one = 0; one < DESCRIPTORS; one++) owed[one] = one != fd && behind(one, other) && !strcmp(other, path);
}

static int syncing(const char *name, int fd, int (*real)(int)) {
    struct stat found;
    char path[PATH_MAX];
    enter();
    if (!behind(fd, path)) return leave(real(fd));
    if (fstat(fd, &found)) broken("no length");
    if (!strcmp(path, meet) && !fired) {
        if (background()) {
            wait_for(&waits_here);
        } else if (!strcmp(phase, "appending")) {
            waits_here = 1;
            wait_for(&fired);
            if (fired) say("met\n");
        }
    }
    if (fd < DESCRIPTORS && owed[fd] && !strcmp(path, failed)) {
        owed[fd] = 0;
        say("told %s\n", path);
        return leave(refused(LOST));
    }
    enum mode how = fault(name, path);
    if (how != NONE) owe(fd, path);
    if (how == LOST || how == NOSPACE) {
        say("lost %s\n", path);
        return leave(refused(how));
    }
    long result = real(fd);
    int saved = errno;
    if (result >= 0) say(S_ISDIR(found.st_mode) ? "folder %s\n" : "sync %s %lld\n", path, (long long)found.st_size);
    errno = saved;
    return leave(IS_KEPT(how) ? refused(how) : result);
}

int fsync(int fd) { return syncing("fsync", fd, REAL(fsync)); }
int fdatasync(int fd) { return syncing("fdatasync", fd, REAL(fdatasync)); }

// Other calls on a descriptor, which promise nothing about what is durable.
#define ON_DESCRIPTOR(NAME, FD, CALL)          \
    char path[PATH_MAX];                       \
    enter();                                   \
    if (!behind(FD, path)) return leave(CALL); \
    CARRY_OUT(NAME, path, CALL, )

int sync_file_range(int fd, off64_t offset, off64_t count, unsigned flags) {
    ON_DESCRIPTOR("sync_file_range", fd, REAL(sync_file_range)(fd, offset, count, flags));
}
int fallocate(int fd, int how_to, off_t offset, off_t length) {
    ON_DESCRIPTOR("fallocate", fd, REAL(fallocate)(fd, how_to, offset, length));
}
int fallocate64(int fd, int how_to, off64_t offset, off64_t length) {
    ON_DESCRIPTOR("fallocate", fd, REAL(fallocate64)(fd, how_to, offset, length));
}
int ftruncate(int fd, off_t length) { ON_DESCRIPTOR("ftruncate", fd, REAL(ftruncate)(fd, length)); }
int ftruncate64(int fd, off64_t length) { ON_DESCRIPTOR("ftruncate", fd, REAL(ftruncate64)(fd, length)); }

int rename(const char *from, const char *to) {
    enter();
    if (!watched(to)) return leave(REAL(rename)(from, to));
    enum mode how = fault("rename", to);
    if (how == LOST || how == NOSPACE || how == SHORT) return leave(refused(how));
    keep_old("replaced", to);
    int result = REAL(rename)(from, to), saved = errno;
    if (result == 0) say("rename %s %s\n", from, to);
    errno = saved;
    return leave(IS_KEPT(how) ? refused(how) : result);
}

int unlink(const char *name) {
    enter();
    if (!watched(name)) return leave(REAL(unlink)(name));
    enum mode how = fault("unlink", name);
    if (how == LOST || how == NOSPACE || how == SHORT) return leave(refused(how));
    keep_old("unlink", name);
    int result = REAL(unlink)(name);
    return leave(IS_KEPT(how) ? refused(how) : result);
}

int mkdir(const char *name, mode_t bits) {
    struct stat found;
    enter();
    // Making what is there is a question, not a change.
    if (!watched(name) || stat(name, &found) == 0) return leave(REAL(mkdir)(name, bits));
    CARRY_OUT("mkdir", name, REAL(mkdir)(name, bits), say("create %s\n", name));
}
