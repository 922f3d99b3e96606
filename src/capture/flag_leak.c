/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/flag_leak.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/attr.h"
#include "capture/perf_rings.h"
#include "capture/record.h"
#include "capture/ring.h"
#include "util/cleanup.h"
#include "util/whole_io.h"

/* linux/memfd.h: what Linux 6.3 wants to be told of a file that will be executable. */
#define MFD_EXEC_FLAG 0x10U

/* The kernel visits the events of a thread from the newest to the oldest; that it is this way round
 * is nothing to rely on, hence one that does not ask on either side of the one that does. */
enum {
    BEFORE,
    ASKS,
    BEHIND,
    EVENTS
};

/* Records of one mapping for each event take far less. */
#define RECORD_BYTES_MAX 1024

struct trial {
    int fds[EVENTS];
    uint64_t ids[EVENTS];
    bool marked[EVENTS];  /* its record has the mark */
    struct rts_ring ring; /* of all of them; the first one's */
};

/* The least that the kernel finds a build-id in. */
struct image {
    Elf64_Ehdr header;
    Elf64_Phdr notes;
    Elf64_Nhdr note;
    char name[4];
    uint8_t build_id[20];
};

/* An executable file in memory that has a build-id; -1: none can be had. */
static int make_file(void)
{
    const struct image image = {
        .header =
            {
                .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                            EV_CURRENT},
                .e_type = ET_DYN,
                .e_version = EV_CURRENT,
                .e_phoff = offsetof(struct image, notes),
                .e_ehsize = sizeof image.header,
                .e_phentsize = sizeof image.notes,
                .e_phnum = 1,
            },
        .notes =
            {
                .p_type = PT_NOTE,
                .p_offset = offsetof(struct image, note),
                .p_filesz = sizeof image - offsetof(struct image, note),
                .p_memsz = sizeof image - offsetof(struct image, note),
                .p_align = 4,
            },
        .note =
            {
                .n_namesz = sizeof image.name,
                .n_descsz = sizeof image.build_id,
                .n_type = NT_GNU_BUILD_ID,
            },
        .name = ELF_NOTE_GNU,
        .build_id = "rtsample",
    };
    int made = (int)syscall(SYS_memfd_create, "rtsample", MFD_CLOEXEC | MFD_EXEC_FLAG);
    if (made < 0 && errno == EINVAL)
        made = (int)syscall(SYS_memfd_create, "rtsample", MFD_CLOEXEC);
    RTS_CLOSE int fd = made;
    return fd >= 0 && rts_write_all(fd, &image, sizeof image) ? rts_take_fd(&fd) : -1;
}

/* Opens one of the events; 0 or the errno. */
static int open_event(struct trial *trial, int which)
{
    struct perf_event_attr attr = {
        .size = PERF_ATTR_SIZE_VER5,
        .type = PERF_TYPE_SOFTWARE,
        .config = PERF_COUNT_SW_DUMMY,
        .sample_period = 1,
        .sample_type = RTS_ATTR_COMMON_TYPE,
        .sample_id_all = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .mmap = 1,
        .mmap2 = 1,
    };
    if (which == ASKS)
        rts_attr_ask_build_ids(&attr);
    int fd = trial->fds[which] = rts_perf_event_open(&attr, 0, (uint32_t)-1);
    if (fd < 0)
        return errno;
    if (which == BEFORE) {
        int result = rts_ring_map(&trial->ring, fd, (size_t)sysconf(_SC_PAGESIZE));
        if (result < 0)
            return -result;
    } else if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, trial->fds[BEFORE]) < 0) {
        return errno;
    }
    return ioctl(fd, PERF_EVENT_IOC_ID, &trial->ids[which]) < 0 ? errno : 0;
}

/* The one thing that happens while the events are there. */
static bool map_file(int fd)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *mapped = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED)
        return false;
    munmap(mapped, size);
    return true;
}

/* Who has the mark? False: not every event has its record. */
static bool read_marks(struct trial *trial)
{
    const struct rts_record_layout layout = {
        .sample_type = RTS_ATTR_COMMON_TYPE,
        .sample_id_all = true,
    };
    unsigned seen = 0;
    uint64_t head = rts_ring_head(&trial->ring);
    for (uint64_t at = 0; at < head;) {
        uint64_t scratch[RECORD_BYTES_MAX / sizeof(uint64_t)];
        struct perf_event_header header = rts_ring_header(&trial->ring, at, head);
        struct rts_record record;
        if (header.size == 0 || header.size > sizeof scratch)
            return false;
        const struct perf_event_header *bytes =
            rts_ring_record(&trial->ring, at, head, (uint8_t *)scratch);
        rts_record_decode(bytes, &layout, &record);
        for (int i = 0; header.type == PERF_RECORD_MMAP2 && i < EVENTS; i++) {
            if (record.id != trial->ids[i])
                continue;
            seen |= 1U << i;
            trial->marked[i] |= (header.misc & PERF_RECORD_MISC_MMAP_BUILD_ID) != 0;
        }
        at += header.size;
    }
    return seen == (1U << EVENTS) - 1;
}

static enum rts_flag_leak try_all(struct trial *trial)
{
    RTS_CLOSE int file = make_file();
    if (file < 0)
        return RTS_FLAG_LEAK_UNKNOWN;
    for (int i = 0; i < EVENTS; i++) {
        int number = open_event(trial, i);
        if (number != 0)
            return i == ASKS && number == EINVAL ? RTS_FLAG_LEAK_NO_IDS : RTS_FLAG_LEAK_UNKNOWN;
    }
    /* Without a build-id in the record of who asked, the others' tell nothing. */
    if (!map_file(file) || !read_marks(trial) || !trial->marked[ASKS])
        return RTS_FLAG_LEAK_UNKNOWN;
    return trial->marked[BEFORE] || trial->marked[BEHIND] ? RTS_FLAG_LEAK_FOUND
                                                          : RTS_FLAG_LEAK_NONE;
}

enum rts_flag_leak rts_flag_leak_try(void)
{
    struct trial trial = {.fds = {-1, -1, -1}};
    enum rts_flag_leak leak = try_all(&trial);
    rts_ring_unmap(&trial.ring);
    for (int i = 0; i < EVENTS; i++)
        if (trial.fds[i] >= 0)
            close(trial.fds[i]);
    return leak;
}
