# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/package/allowance.c src/package/allowance.h \
	src/package/apk.c src/package/apk.h \
	src/package/cargo_auditable.c src/package/cargo_auditable.h \
	src/package/component_list.c src/package/component_list.h \
	src/package/components.c src/package/components.h \
	src/package/database.c src/package/database.h \
	src/package/debug_package.c src/package/debug_package.h \
	src/package/dpkg.c src/package/dpkg.h src/package/dpkg_read.c src/package/dpkg_state.h \
	src/package/elf_note.c src/package/elf_note.h \
	src/package/file_digest.c src/package/file_digest.h \
	src/package/file_package.c src/package/file_package.h \
	src/package/go_build_info.c src/package/go_build_info.h \
	src/package/language_package.c src/package/language_package.h \
	src/package/line_reader.c src/package/line_reader.h \
	src/package/merged_usr.c src/package/merged_usr.h \
	src/package/os_release.c src/package/os_release.h \
	src/package/owner.h \
	src/package/package_table.c src/package/package_table.h \
	src/package/path_index.c src/package/path_index.h \
	src/package/purl.c src/package/purl.h \
	src/package/purl_table.c src/package/purl_table.h \
	src/package/reading.c src/package/reading.h \
	src/package/root.c src/package/root.h \
	src/package/root_rpm.c src/package/root_rpm.h \
	src/package/rpm.c src/package/rpm.h \
	src/package/rpm_folder.c src/package/rpm_folder.h \
	src/package/rpm_keeper.c src/package/rpm_keeper.h \
	src/package/rpm_listing.c src/package/rpm_listing.h \
	src/package/rpm_run.c src/package/rpm_run.h \
	src/package/rpm_source.c src/package/rpm_source.h \
	src/package/rpm_starter.c src/package/rpm_starter.h \
	src/package/rpm_turns.c src/package/rpm_turns.h \
	src/package/rust_crate.c src/package/rust_crate.h
