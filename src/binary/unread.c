/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/unread.h"

#include "binary/section_data.h"
#include "util/log.h"

/* Bytes of a name: a path may have thousands, and what is said about it comes behind it. */
#define SHOWN_MAX 200

/* Whether there is room for another file. */
static bool may_say(struct rts_unread *unread)
{
    if (!unread->files || ++*unread->files <= RTS_UNREAD_FILES_MAX)
        return true;
    if (*unread->files == RTS_UNREAD_FILES_MAX + 1)
        rts_log("debug information of other files cannot be read either");
    return false;
}

void rts_unread_say(struct rts_unread *unread, enum rts_unread_cause cause, const char *what)
{
    static const struct {
        const char *before, *after;
    } texts[RTS_UNREAD_COUNT] = {
        [RTS_UNREAD_ZSTD] = {"",
                             " is compressed with zstd, and rtsample was built without libzstd"},
        [RTS_UNREAD_PACKING] = {"", " is compressed in a way that is not known here; objcopy "
                                    "--decompress-debug-sections undoes it"},
        [RTS_UNREAD_DAMAGED] = {"", " is damaged"},
        [RTS_UNREAD_TOO_LARGE] = {"", " is larger than what is read"},
        [RTS_UNREAD_NO_ROOM] = {"",
                                " takes more than the share of its owner of what others need as "
                                "well, and is not used, or not all of it; a higher "
                                "Sampler:MaxMemoryBytes helps"},
        [RTS_UNREAD_VERSION] = {"its DWARF is of version ", ", and 5 is the highest known here"},
        [RTS_UNREAD_NO_SPLIT] = {"", " is not there, or is of another build; it belongs where the "
                                     "compiler left it or beside the program, or all of them into "
                                     "one .dwp beside the program"},
        [RTS_UNREAD_NO_COMMON] = {"", " is not there, or is of another build; the package with the "
                                      "debug symbols has it"},
    };
    if (!unread || unread->said)
        return;
    unread->said = true;
    if (!may_say(unread))
        return;
    rts_log("not all debug information of %.*s is read: %s%.*s%s", SHOWN_MAX,
            unread->path ? unread->path : "a file", texts[cause].before, SHOWN_MAX, what,
            texts[cause].after);
}

void rts_unread_say_overwritten(struct rts_unread *unread, const char *what, const char *effect)
{
    if (unread->said_overwritten || !may_say(unread))
        return;
    unread->said_overwritten = true;
    rts_log("%.*s: %s was overwritten while it was in use: %s", SHOWN_MAX,
            unread->path ? unread->path : "a file", what, effect);
}

void rts_unread_section(struct rts_unread *unread, const struct rts_elf_image *image,
                        const struct rts_section *section)
{
    static const enum rts_unread_cause causes[] = {
        [RTS_SECTION_NEEDS_ZSTD] = RTS_UNREAD_ZSTD,
        [RTS_SECTION_UNKNOWN_PACKING] = RTS_UNREAD_PACKING,
        [RTS_SECTION_DAMAGED] = RTS_UNREAD_DAMAGED,
    };
    /* Where debug information was moved to another file, its sections may be left without bytes. */
    if (section->header.sh_type == SHT_NOBITS || section->header.sh_size == 0)
        return;
    enum rts_section_fault fault = rts_section_data_fault(image, section);
    if (fault != RTS_SECTION_SOUND)
        rts_unread_say(unread, causes[fault], section->name);
}
