# SPDX-License-Identifier: Apache-2.0
# Sources and headers of binary/, appended to librtsample_a_SOURCES.
librtsample_a_SOURCES += \
	src/binary/build_id.c src/binary/build_id.h \
	src/binary/cfi.c src/binary/cfi.h \
	src/binary/cfi_entry.c src/binary/cfi_entry.h \
	src/binary/cfi_program.c src/binary/cfi_program.h \
	src/binary/debug_file.c src/binary/debug_file.h \
	src/binary/debug_place.h \
	src/binary/dwarf_handle.c src/binary/dwarf_handle.h \
	src/binary/dwarf_image.c src/binary/dwarf_image.h \
	src/binary/dwarf_pcs.c src/binary/dwarf_pcs.h \
	src/binary/dwarf_ranges.c src/binary/dwarf_ranges.h \
	src/binary/dwarf_units.c src/binary/dwarf_units.h \
	src/binary/elf_dynamic.c src/binary/elf_dynamic.h \
	src/binary/elf_image.c src/binary/elf_image.h \
	src/binary/elf_lookup.c \
	src/binary/elf_symbols.c src/binary/elf_symbols.h \
	src/binary/elf_versions.c src/binary/elf_versions.h \
	src/binary/fde_index.c src/binary/fde_index.h \
	src/binary/file_index.c src/binary/file_index.h \
	src/binary/file_match.c src/binary/file_match.h \
	src/binary/file_search.c src/binary/file_search.h \
	src/binary/file_watch.c src/binary/file_watch.h \
	src/binary/function.h \
	src/binary/go_frames.c src/binary/go_frames.h \
	src/binary/go_functions.c src/binary/go_functions.h \
	src/binary/go_layout.c src/binary/go_layout.h \
	src/binary/go_module.c src/binary/go_module.h \
	src/binary/go_table.c src/binary/go_table.h \
	src/binary/hash_cache.c src/binary/hash_cache.h \
	src/binary/inlines.c src/binary/inlines.h \
	src/binary/mini_debug.c src/binary/mini_debug.h \
	src/binary/object.c src/binary/object.h \
	src/binary/object_bare.c \
	src/binary/object_cache.c src/binary/object_cache.h \
	src/binary/object_cache_state.h \
	src/binary/object_cache_tables.c \
	src/binary/object_cache_trim.c \
	src/binary/object_content.c src/binary/object_content.h \
	src/binary/object_extent.c \
	src/binary/object_functions.c \
	src/binary/object_intact.c \
	src/binary/object_key.c \
	src/binary/object_layout.c \
	src/binary/object_memory.c \
	src/binary/object_state.h \
	src/binary/plt.c src/binary/plt.h \
	src/binary/plt_bindings.c src/binary/plt_bindings.h \
	src/binary/plt_code.c src/binary/plt_code.h \
	src/binary/section_data.c src/binary/section_data.h \
	src/binary/split_file.c src/binary/split_file.h \
	src/binary/splits.c src/binary/splits.h \
	src/binary/symbol_lookup.c \
	src/binary/symbols.c src/binary/symbols.h \
	src/binary/unread.c src/binary/unread.h \
	src/binary/vdso.c src/binary/vdso.h

# Compressed sections, and the checksum of .gnu_debuglink.
RTSAMPLE_LIBS += -lz
