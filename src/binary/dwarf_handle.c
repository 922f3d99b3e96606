/* SPDX-License-Identifier: Apache-2.0 */
#include "binary/dwarf_handle.h"

bool rts_dwarf_handle_open(struct rts_dwarf_handle *handle, uint8_t *bytes, size_t size)
{
    *handle = (struct rts_dwarf_handle){0};
    elf_version(EV_CURRENT);
    handle->elf = elf_memory((char *)bytes, size);
    handle->dwarf = handle->elf ? dwarf_begin_elf(handle->elf, DWARF_C_READ, NULL) : NULL;
    if (!handle->dwarf)
        rts_dwarf_handle_close(handle);
    return handle->dwarf != NULL;
}

void rts_dwarf_handle_close(struct rts_dwarf_handle *handle)
{
    dwarf_end(handle->dwarf);
    elf_end(handle->elf);
    *handle = (struct rts_dwarf_handle){0};
}
