/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/elf_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/memory.h"
#include "util/share.h"
#include "util/whole_io.h"

/* Linkers make about a dozen; core-like oddities have hundreds. Beyond that the header lies. */
#define SEGMENTS_MAX 1024
/* What e_shnum can say without the escape; linked files have some dozens. */
#define SECTIONS_MAX 65535
/* 65535 names of 64 bytes, generously. */
#define SECTION_NAMES_MAX (4u << 20)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_DATA ELFDATA2LSB
#else
#define NATIVE_DATA ELFDATA2MSB
#endif

bool rts_is_elf(int fd)
{
    char magic[SELFMAG];
    return rts_read_all_at(fd, 0, magic, sizeof magic) && memcmp(magic, ELFMAG, SELFMAG) == 0;
}

bool rts_elf_image_read(const struct rts_elf_image *image, uint64_t offset, void *bytes,
                        size_t size)
{
    if (offset > image->size || size > image->size - offset)
        return false;
    if (!image->bytes)
        return rts_read_all_at(image->fd, offset, bytes, size) &&
               (!image->watch || rts_file_watch_has_same_time(image->watch));
    memcpy(bytes, image->bytes + offset, size);
    return true;
}

void *rts_elf_image_load(const struct rts_elf_image *image, uint64_t offset, uint64_t size,
                         uint64_t limit)
{
    if (size == 0 || size > limit || offset > image->size || size > image->size - offset)
        return NULL;
    char *bytes = malloc((size_t)size + 1);
    if (!bytes || !rts_elf_image_read(image, offset, bytes, (size_t)size)) {
        free(bytes);
        return NULL;
    }
    bytes[size] = '\0';
    return bytes;
}

bool rts_elf_image_is_intact(const struct rts_elf_image *image)
{
    return !image->watch || rts_file_watch_is_intact(image->watch);
}

bool rts_elf_image_has_changed(const struct rts_elf_image *image)
{
    return image->watch && rts_file_watch_has_changed(image->watch);
}

static int check_header(const struct rts_elf_image *image, bool is_run, struct rts_error *error)
{
    const Elf64_Ehdr *header = &image->header;
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return rts_fail(error, RTS_FAILED, "not an ELF file");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != NATIVE_DATA ||
        header->e_machine != RTS_NATIVE_MACHINE)
        return rts_fail(error, RTS_FAILED, "an ELF file of another architecture (machine %u)",
                        header->e_machine);
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN &&
        (is_run || header->e_type != ET_REL))
        return rts_fail(error, RTS_FAILED, "neither an executable nor a shared object");
    return 0;
}

/* The kernel refuses a segment whose file part exceeds its memory, or that wraps around. */
static bool usable_segment(const Elf64_Phdr *segment)
{
    if (segment->p_type != PT_LOAD)
        return true;
    return segment->p_filesz <= segment->p_memsz &&
           segment->p_vaddr + segment->p_memsz >= segment->p_vaddr &&
           segment->p_offset + segment->p_filesz >= segment->p_offset;
}

static int load_segments(struct rts_elf_image *image, struct rts_error *error)
{
    const Elf64_Ehdr *header = &image->header;
    if (header->e_phnum == 0)
        return 0;
    if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > SEGMENTS_MAX)
        return rts_fail(error, RTS_FAILED, "unusable program headers (%u of %u bytes)",
                        header->e_phnum, header->e_phentsize);
    image->segments = rts_elf_image_load(image, header->e_phoff,
                                         header->e_phnum * sizeof(Elf64_Phdr), UINT64_MAX);
    if (!image->segments)
        return rts_fail(error, RTS_FAILED, "program headers beyond the end of the file");
    image->segment_count = header->e_phnum;
    for (size_t i = 0; i < image->segment_count; i++)
        if (!usable_segment(&image->segments[i]))
            return rts_fail(error, RTS_FAILED, "program header %zu contradicts itself", i);
    return 0;
}

/* Section 0 holds the true count and name table index where the header's 16 bits are too small. */
static bool section_counts(const struct rts_elf_image *image, uint64_t *count, uint64_t *names)
{
    const Elf64_Ehdr *header = &image->header;
    *count = header->e_shnum;
    *names = header->e_shstrndx;
    if (header->e_shoff == 0 || header->e_shentsize != sizeof(Elf64_Shdr))
        return false;
    if (*count != 0 && *names != SHN_XINDEX)
        return true;
    Elf64_Shdr first;
    if (!rts_elf_image_read(image, header->e_shoff, &first, sizeof first))
        return false;
    if (*count == 0)
        *count = first.sh_size;
    if (*names == SHN_XINDEX)
        *names = first.sh_link;
    return true;
}

static const char *section_name(const struct rts_elf_image *image, uint64_t names_size,
                                uint32_t offset)
{
    /* The table has a NUL added behind, so every string in it ends. */
    return image->section_names && offset < names_size ? image->section_names + offset : "";
}

/* Zero-fill and TLS templates share addresses with what follows them. */
static bool takes_up_memory(const Elf64_Shdr *header)
{
    return (header->sh_flags & SHF_ALLOC) && header->sh_size > 0 &&
           header->sh_addr + header->sh_size > header->sh_addr &&
           !((header->sh_flags & SHF_TLS) && header->sh_type == SHT_NOBITS);
}

static int compare_address(const void *left, const void *right, void *context)
{
    const struct rts_section *sections = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    uint64_t first = sections[a].header.sh_addr, second = sections[b].header.sh_addr;
    if (first != second)
        return first < second ? -1 : 1;
    return a < b ? -1 : a > b;
}

static void index_addresses(struct rts_elf_image *image)
{
    image->by_address = rts_calloc(image->section_count, sizeof *image->by_address);
    for (size_t i = 0; i < image->section_count; i++)
        if (takes_up_memory(&image->sections[i].header))
            image->by_address[image->by_address_count++] = (uint32_t)i;
    qsort_r(image->by_address, image->by_address_count, sizeof *image->by_address, compare_address,
            image->sections);
}

static void load_sections(struct rts_elf_image *image)
{
    uint64_t count, names;
    if (!section_counts(image, &count, &names) || count == 0 || count > SECTIONS_MAX)
        return;
    Elf64_Shdr *headers =
        rts_elf_image_load(image, image->header.e_shoff, count * sizeof(Elf64_Shdr), UINT64_MAX);
    if (!headers)
        return;
    uint64_t names_size = 0;
    if (names < count) {
        names_size = headers[names].sh_size;
        image->section_names =
            rts_elf_image_load(image, headers[names].sh_offset, names_size, SECTION_NAMES_MAX);
        image->section_names_size = image->section_names ? (size_t)names_size : 0;
    }
    image->sections = rts_calloc((size_t)count, sizeof *image->sections);
    image->section_count = (size_t)count;
    for (size_t i = 0; i < count; i++)
        image->sections[i] =
            (struct rts_section){section_name(image, names_size, headers[i].sh_name), headers[i]};
    free(headers);
    index_addresses(image);
}

static int load_headers(struct rts_elf_image *image, bool is_run, struct rts_error *error)
{
    image->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    int result = 0;
    if (!rts_elf_image_read(image, 0, &image->header, sizeof image->header))
        result = rts_fail(error, RTS_FAILED, "not an ELF file");
    else if (check_header(image, is_run, error) < 0 || load_segments(image, error) < 0)
        result = -1;
    if (result < 0)
        rts_elf_image_finish(image);
    else
        load_sections(image);
    return result;
}

static int open_file(struct rts_elf_image *image, int fd, bool is_run, struct rts_error *error)
{
    *image = (struct rts_elf_image){.fd = fd};
    struct stat status;
    int result = 0;
    if (fstat(fd, &status) < 0)
        result = rts_fail_errno(error, errno, "fstat");
    else if (!S_ISREG(status.st_mode))
        result = rts_fail(error, RTS_FAILED, "not a regular file");
    if (result < 0) {
        rts_elf_image_finish(image);
        return result;
    }
    image->foreign = status.st_uid != 0 && status.st_uid != geteuid();
    image->watch = rts_file_watch_create(fd, error);
    if (!image->watch) {
        rts_elf_image_finish(image);
        return -1;
    }
    image->size = rts_file_watch_stamp(image->watch)->size;
    return load_headers(image, is_run, error);
}

int rts_elf_image_open(struct rts_elf_image *image, int fd, struct rts_error *error)
{
    return open_file(image, fd, true, error);
}

int rts_elf_image_open_debug(struct rts_elf_image *image, int fd, struct rts_error *error)
{
    return open_file(image, fd, false, error);
}

int rts_elf_image_from_bytes(struct rts_elf_image *image, uint8_t *bytes, size_t size,
                             struct rts_error *error)
{
    *image = (struct rts_elf_image){.fd = -1, .bytes = bytes, .size = size};
    return load_headers(image, true, error);
}

uint64_t rts_elf_image_limit(const struct rts_elf_image *image, uint64_t limit)
{
    return image->foreign && limit > RTS_FOREIGN_PART_MAX ? RTS_FOREIGN_PART_MAX : limit;
}

void rts_elf_image_finish(struct rts_elf_image *image)
{
    if (image->fd >= 0)
        close(image->fd);
    rts_file_watch_destroy(image->watch);
    free(image->bytes);
    free(image->segments);
    free(image->sections);
    free(image->by_address);
    free(image->section_names);
    *image = (struct rts_elf_image){.fd = -1};
}

size_t rts_elf_image_bytes(const struct rts_elf_image *image)
{
    return (image->bytes ? rts_heap_bytes((size_t)image->size) : 0) +
           rts_heap_bytes(image->segment_count * sizeof *image->segments) +
           rts_heap_bytes(image->section_count * sizeof *image->sections) +
           rts_heap_bytes(image->section_count * sizeof *image->by_address) +
           rts_heap_bytes(image->section_names_size);
}

bool rts_elf_image_is_debug_only(const struct rts_elf_image *image)
{
    for (size_t i = 0; i < image->section_count; i++)
        if (image->sections[i].header.sh_flags & SHF_EXECINSTR &&
            image->sections[i].header.sh_type == SHT_NOBITS)
            return true;
    return false;
}
