/* SPDX-License-Identifier: Apache-2.0 */
#include "module.h"

#include <gelf.h>
#include <stdlib.h>

/* Separate debug files are nobody's business here. */
static int find_nothing(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
                        const char *file, const char *link, GElf_Word crc, char **path)
{
    (void)module, (void)user, (void)name, (void)base, (void)file, (void)link, (void)crc, (void)path;
    return -1;
}

bool module_open(struct module *module, const char *path)
{
    static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                             .find_debuginfo = find_nothing};
    *module = (struct module){.dwfl = dwfl_begin(&callbacks)};
    Dwarf_Addr bias = 0;
    Dwfl_Module *file =
        module->dwfl ? dwfl_report_elf(module->dwfl, path, path, -1, 0, true) : NULL;
    dwfl_report_end(module->dwfl, NULL, NULL);
    module->elf = file ? dwfl_module_getelf(file, &bias) : NULL;
    if (!module->elf || bias != 0)
        return false;
    module->cfi[0] = dwfl_module_eh_cfi(file, &bias);
    module->cfi[1] = dwfl_module_dwarf_cfi(file, &bias);
    return true;
}

void module_close(struct module *module)
{
    dwfl_end(module->dwfl);
    *module = (struct module){0};
}

bool module_row_at(const struct module *module, uint64_t vaddr, struct cfi_row *row)
{
    for (int i = 0; i < 2; i++) {
        Dwarf_Frame *frame;
        Dwarf_Op *operations;
        size_t count = 0;
        if (!module->cfi[i] || dwarf_cfi_addrframe(module->cfi[i], vaddr, &frame) != 0)
            continue;
        dwarf_frame_info(frame, &row->start, &row->end, NULL);
        row->has_cfa = dwarf_frame_cfa(frame, &operations, &count) == 0 && count > 0;
        free(frame);
        return row->start <= vaddr && vaddr < row->end;
    }
    return false;
}

bool module_next_row(struct module *module, struct cfi_row *row)
{
    GElf_Phdr header;
    for (; gelf_getphdr(module->elf, (int)module->segment, &header); module->segment++) {
        if (header.p_type != PT_LOAD || !(header.p_flags & PF_X))
            continue;
        if (module->next < header.p_vaddr)
            module->next = header.p_vaddr;
        for (; module->next < header.p_vaddr + header.p_filesz; module->next++) {
            if (!module_row_at(module, module->next, row))
                continue;
            row->start = module->next;
            module->next = row->end;
            return true;
        }
    }
    return false;
}
