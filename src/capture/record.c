/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/record.h"

#include <string.h>

/* A build-id in a record of the kernel's has this many bytes at most. */
#define BUILD_ID_BYTES_MAX 20

/* What a device number of Linux has room for. */
#define DEVICE_MAJOR_MAX ((1U << 12) - 1)
#define DEVICE_MINOR_MAX ((1U << 20) - 1)

/* Newer than the headers of the oldest supported systems. */
#define READ_LOST       (1U << 4)  /* PERF_FORMAT_LOST */
#define BRANCH_HW_INDEX (1U << 17) /* PERF_SAMPLE_BRANCH_HW_INDEX */
#define BRANCH_COUNTERS (1U << 19) /* PERF_SAMPLE_BRANCH_COUNTERS */
#define WEIGHT_STRUCT   (1U << 24) /* PERF_SAMPLE_WEIGHT_STRUCT */

/* A cursor over the 8-byte words of one record. Reading past the end yields zero and is noted. */
struct cursor {
    const uint64_t *at, *end;
    bool overrun;
};

static uint64_t next_word(struct cursor *cursor)
{
    if (cursor->at >= cursor->end) {
        cursor->overrun = true;
        return 0;
    }
    return *cursor->at++;
}

static const uint64_t *next_words(struct cursor *cursor, uint64_t count)
{
    if (count > (uint64_t)(cursor->end - cursor->at)) {
        cursor->overrun = true;
        return NULL;
    }
    const uint64_t *words = cursor->at;
    cursor->at += count;
    return words;
}

static int32_t low_half(uint64_t word)
{
    uint32_t halves[2];
    memcpy(halves, &word, sizeof halves);
    return (int32_t)halves[0];
}

static int32_t high_half(uint64_t word)
{
    uint32_t halves[2];
    memcpy(halves, &word, sizeof halves);
    return (int32_t)halves[1];
}

/* Number of words of the sample_id that ends every record but samples. */
static size_t trailer_words(const struct rts_record_layout *layout)
{
    if (!layout->sample_id_all)
        return 0;
    const uint64_t members = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ID |
                             PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU | PERF_SAMPLE_IDENTIFIER;
    return (size_t)__builtin_popcountll(layout->sample_type & members);
}

static void decode_trailer(struct cursor cursor, const struct rts_record_layout *layout,
                           struct rts_record *record)
{
    uint64_t type = layout->sample_type;
    if (type & PERF_SAMPLE_TID) {
        uint64_t word = next_word(&cursor);
        record->pid = low_half(word);
        record->tid = high_half(word);
    }
    if (type & PERF_SAMPLE_TIME)
        record->time = next_word(&cursor);
    if (type & PERF_SAMPLE_ID)
        record->id = next_word(&cursor);
    if (type & PERF_SAMPLE_STREAM_ID)
        next_word(&cursor);
    if (type & PERF_SAMPLE_CPU)
        record->cpu = (uint32_t)low_half(next_word(&cursor));
    if (type & PERF_SAMPLE_IDENTIFIER)
        record->id = next_word(&cursor);
}

/* The values that counters had, which nothing here uses. */
static void skip_read(struct cursor *cursor, uint64_t format)
{
    uint64_t members = format & (PERF_FORMAT_ID | READ_LOST);
    uint64_t each = 1 + (uint64_t)__builtin_popcountll(members);
    uint64_t counters = format & PERF_FORMAT_GROUP ? next_word(cursor) : 1;
    next_words(cursor, (uint64_t)__builtin_popcountll(format & (PERF_FORMAT_TOTAL_TIME_ENABLED |
                                                                PERF_FORMAT_TOTAL_TIME_RUNNING)));
    if (counters > UINT16_MAX)
        cursor->overrun = true;
    else
        next_words(cursor, counters * each);
}

/* What a tracepoint tells: a size of 32 bits and as many bytes. */
static void skip_raw(struct cursor *cursor)
{
    uint64_t size = (uint32_t)low_half(next_word(cursor));
    if (size > 4)
        next_words(cursor, (size - 4 + 7) / 8);
}

static void skip_branches(struct cursor *cursor, uint64_t type)
{
    uint64_t branches = next_word(cursor);
    if (type & BRANCH_HW_INDEX)
        next_word(cursor);
    if (branches > UINT16_MAX)
        cursor->overrun = true;
    else
        next_words(cursor, branches * (type & BRANCH_COUNTERS ? 4 : 3));
}

static void decode_stack(struct cursor *cursor, struct rts_sample *sample)
{
    uint64_t size = next_word(cursor);
    if (size == 0)
        return;
    const uint64_t *bytes = next_words(cursor, size / 8);
    uint64_t copied = next_word(cursor);
    if (size % 8 || !bytes || copied > size) {
        cursor->overrun = true;
        return;
    }
    sample->stack = (const uint8_t *)bytes;
    sample->stack_size = copied;
    sample->stack_asked = size;
}

/* What lies behind the stack; registers of the interrupt are of a number that the layout does not
 * have. */
static void decode_cgroup(struct cursor *cursor, uint64_t type, struct rts_sample *sample)
{
    const uint64_t words[] = {PERF_SAMPLE_WEIGHT | WEIGHT_STRUCT, PERF_SAMPLE_DATA_SRC,
                              PERF_SAMPLE_TRANSACTION, PERF_SAMPLE_PHYS_ADDR};
    if (!(type & PERF_SAMPLE_CGROUP) || type & PERF_SAMPLE_REGS_INTR)
        return;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (type & words[i])
            next_word(cursor);
    sample->cgroup = next_word(cursor);
}

static int decode_sample(struct cursor cursor, const struct rts_record_layout *layout,
                         struct rts_record *record)
{
    uint64_t type = layout->sample_type;
    struct rts_sample *sample = &record->sample;
    if (type & PERF_SAMPLE_IDENTIFIER)
        record->id = next_word(&cursor);
    if (type & PERF_SAMPLE_IP)
        sample->ip = next_word(&cursor);
    if (type & PERF_SAMPLE_TID) {
        uint64_t word = next_word(&cursor);
        record->pid = low_half(word);
        record->tid = high_half(word);
    }
    if (type & PERF_SAMPLE_TIME)
        record->time = next_word(&cursor);
    if (type & PERF_SAMPLE_ADDR)
        next_word(&cursor);
    if (type & PERF_SAMPLE_ID)
        record->id = next_word(&cursor);
    if (type & PERF_SAMPLE_STREAM_ID)
        next_word(&cursor);
    if (type & PERF_SAMPLE_CPU)
        record->cpu = (uint32_t)low_half(next_word(&cursor));
    if (type & PERF_SAMPLE_PERIOD)
        next_word(&cursor);
    if (type & PERF_SAMPLE_READ)
        skip_read(&cursor, layout->read_format);
    if (type & PERF_SAMPLE_CALLCHAIN) {
        sample->callchain_size = next_word(&cursor);
        sample->callchain = next_words(&cursor, sample->callchain_size);
    }
    if (type & PERF_SAMPLE_RAW)
        skip_raw(&cursor);
    if (type & PERF_SAMPLE_BRANCH_STACK)
        skip_branches(&cursor, layout->branch_sample_type);
    if (type & PERF_SAMPLE_REGS_USER) {
        sample->register_abi = next_word(&cursor);
        sample->register_set = layout->user_registers;
        if (sample->register_abi != PERF_SAMPLE_REGS_ABI_NONE)
            sample->registers =
                next_words(&cursor, (uint64_t)__builtin_popcountll(layout->user_registers));
    }
    if (type & PERF_SAMPLE_STACK_USER)
        decode_stack(&cursor, sample);
    decode_cgroup(&cursor, type, sample);
    return cursor.overrun ? -1 : 0;
}

/* The NUL-terminated text at the cursor, or NULL when it does not end inside the record. */
static const char *decode_text(const struct cursor *cursor)
{
    const char *text = (const char *)cursor->at;
    size_t room = (size_t)((const char *)cursor->end - text);
    return memchr(text, '\0', room) ? text : NULL;
}

/* What `words` of an MMAP2 record identify the file by. */
static void decode_device(const uint64_t *words, struct rts_mmap_record *map)
{
    map->has_identity = true;
    map->major = (uint32_t)low_half(words[0]);
    map->minor = (uint32_t)high_half(words[0]);
    map->inode = words[1];
}

static void decode_build_id(const uint64_t *words, struct rts_mmap_record *map)
{
    const uint8_t *bytes = (const uint8_t *)words;
    map->build_id.size = bytes[0];
    memcpy(map->build_id.bytes, bytes + 4, bytes[0]);
}

static bool can_be_device(const uint64_t *words)
{
    return (uint32_t)low_half(words[0]) <= DEVICE_MAJOR_MAX &&
           (uint32_t)high_half(words[0]) <= DEVICE_MINOR_MAX;
}

/* A size, three bytes of zero, and the build-id, with zeroes up to its room. */
static bool can_be_build_id(const uint64_t *words)
{
    const uint8_t *bytes = (const uint8_t *)words;
    if (bytes[0] == 0 || bytes[0] > BUILD_ID_BYTES_MAX || bytes[1] || bytes[2] || bytes[3])
        return false;
    for (size_t i = bytes[0]; i < BUILD_ID_BYTES_MAX; i++)
        if (bytes[4 + i])
            return false;
    return true;
}

/* Device and inode or the build-id, which an MMAP2 record has room for one of. */
static int decode_identity(const uint64_t *words, const struct perf_event_header *header,
                           enum rts_build_id_flag flag, struct rts_mmap_record *map)
{
    bool device = can_be_device(words), build_id = can_be_build_id(words);
    if (!(header->misc & PERF_RECORD_MISC_MMAP_BUILD_ID)) {
        decode_device(words, map);
        return 0;
    }
    if (flag == RTS_BUILD_ID_FLAG_HOLDS) {
        if (*(const uint8_t *)words > BUILD_ID_BYTES_MAX)
            return -1;
        decode_build_id(words, map);
        return 0;
    }
    if (flag == RTS_BUILD_ID_FLAG_UNSURE && device && build_id)
        return 0;
    if (device)
        decode_device(words, map);
    else if (build_id)
        decode_build_id(words, map);
    return device || build_id ? 0 : -1;
}

static int decode_mmap(struct cursor cursor, const struct perf_event_header *header,
                       enum rts_build_id_flag flag, struct rts_record *record)
{
    struct rts_mmap_record *map = &record->mmap;
    uint64_t task = next_word(&cursor);
    record->pid = low_half(task);
    record->tid = high_half(task);
    map->start = next_word(&cursor);
    map->size = next_word(&cursor);
    map->offset = next_word(&cursor);
    map->executable = !(header->misc & PERF_RECORD_MISC_MMAP_DATA);
    if (header->type == PERF_RECORD_MMAP2) {
        const uint64_t *identity = next_words(&cursor, 3);
        uint64_t protection = next_word(&cursor);
        if (!identity || decode_identity(identity, header, flag, map) < 0)
            return -1;
        map->executable = low_half(protection) & 4; /* PROT_EXEC */
    }
    map->path = decode_text(&cursor);
    return cursor.overrun || !map->path ? -1 : 0;
}

static int decode_comm(struct cursor cursor, const struct perf_event_header *header,
                       struct rts_record *record)
{
    uint64_t task = next_word(&cursor);
    record->pid = low_half(task);
    record->tid = high_half(task);
    record->comm.exec = header->misc & PERF_RECORD_MISC_COMM_EXEC;
    record->comm.name = decode_text(&cursor);
    return cursor.overrun || !record->comm.name ? -1 : 0;
}

static int decode_task(struct cursor cursor, struct rts_record *record)
{
    uint64_t pids = next_word(&cursor);
    uint64_t tids = next_word(&cursor);
    uint64_t time = next_word(&cursor);
    record->pid = low_half(pids);
    record->task.parent_pid = high_half(pids);
    record->tid = low_half(tids);
    record->task.parent_tid = high_half(tids);
    if (record->time == 0)
        record->time = time;
    return cursor.overrun ? -1 : 0;
}

static int decode_cgroup_record(struct cursor cursor, struct rts_record *record)
{
    record->cgroup.id = next_word(&cursor);
    record->cgroup.path = decode_text(&cursor);
    return cursor.overrun || !record->cgroup.path ? -1 : 0;
}

static enum rts_record_kind kind_of(uint32_t type)
{
    switch (type) {
    case PERF_RECORD_SAMPLE: return RTS_RECORD_SAMPLE;
    case PERF_RECORD_MMAP:
    case PERF_RECORD_MMAP2: return RTS_RECORD_MMAP;
    case PERF_RECORD_COMM: return RTS_RECORD_COMM;
    case PERF_RECORD_FORK: return RTS_RECORD_FORK;
    case PERF_RECORD_EXIT: return RTS_RECORD_EXIT;
    case PERF_RECORD_LOST:
    case PERF_RECORD_LOST_SAMPLES: return RTS_RECORD_LOST;
    case PERF_RECORD_THROTTLE: return RTS_RECORD_THROTTLE;
    case PERF_RECORD_UNTHROTTLE: return RTS_RECORD_UNTHROTTLE;
    case PERF_RECORD_CGROUP: return RTS_RECORD_CGROUP;
    default: return RTS_RECORD_OTHER;
    }
}

int rts_record_decode(const struct perf_event_header *header,
                      const struct rts_record_layout *layout, struct rts_record *record)
{
    uint16_t mode = header->misc & PERF_RECORD_MISC_CPUMODE_MASK;
    *record = (struct rts_record){.kind = kind_of(header->type), .pid = -1, .tid = -1};
    if (header->size < sizeof *header || header->size % 8)
        return -1;
    struct cursor cursor = {
        .at = (const uint64_t *)(const void *)(header + 1),
        .end = (const uint64_t *)(const void *)((const char *)header + header->size),
    };
    if (record->kind == RTS_RECORD_SAMPLE) {
        /* In a guest, too, the process is in the kernel, which runs it. */
        record->sample.kernel_mode = mode != PERF_RECORD_MISC_USER;
        return decode_sample(cursor, layout, record);
    }
    size_t trailer = trailer_words(layout);
    if (trailer > (size_t)(cursor.end - cursor.at))
        return -1;
    cursor.end -= trailer;
    decode_trailer((struct cursor){.at = cursor.end, .end = cursor.end + trailer}, layout, record);
    switch (record->kind) {
    case RTS_RECORD_MMAP:
        if (decode_mmap(cursor, header, layout->build_id_flag, record) < 0)
            return -1;
        /* Of a guest, whose addresses are none of the process that it goes by. */
        if (mode == PERF_RECORD_MISC_GUEST_KERNEL || mode == PERF_RECORD_MISC_GUEST_USER)
            record->mmap.executable = false;
        return 0;
    case RTS_RECORD_COMM: return decode_comm(cursor, header, record);
    case RTS_RECORD_FORK:
    case RTS_RECORD_EXIT: return decode_task(cursor, record);
    case RTS_RECORD_CGROUP: return decode_cgroup_record(cursor, record);
    case RTS_RECORD_LOST:
        if (header->type == PERF_RECORD_LOST)
            next_word(&cursor); /* the id of the event that noticed, not of those that lost */
        record->lost.records = next_word(&cursor);
        record->lost.samples = header->type == PERF_RECORD_LOST_SAMPLES;
        return cursor.overrun ? -1 : 0;
    default: return 0;
    }
}

uint64_t rts_record_time(const struct perf_event_header *header,
                         const struct rts_record_layout *layout)
{
    if (header->size < sizeof *header || header->size % 8)
        return 0;
    uint64_t type = layout->sample_type;
    bool timed = type & PERF_SAMPLE_TIME;
    size_t words = header->size / 8 - 1;
    const uint64_t *body = (const uint64_t *)(const void *)(header + 1);
    if (header->type == PERF_RECORD_SAMPLE) {
        size_t index = (size_t)__builtin_popcountll(
            type & (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID));
        return timed && index < words ? body[index] : 0;
    }
    size_t trailer = trailer_words(layout);
    if (trailer > words)
        return 0;
    uint64_t time = 0;
    if (timed && trailer > 0)
        time = body[words - trailer + (type & PERF_SAMPLE_TID ? 1 : 0)];
    /* FORK and EXIT also tell it themselves (decode_task). */
    bool is_task = header->type == PERF_RECORD_FORK || header->type == PERF_RECORD_EXIT;
    if (time == 0 && is_task && words - trailer >= 3)
        time = body[2];
    return time;
}
