# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/util/archive_library.c src/util/archive_library.h \
	src/util/base64url.c src/util/base64url.h \
	src/util/buffer.c src/util/buffer.h \
	src/util/cleanup.h \
	src/util/clock.c src/util/clock.h \
	src/util/cursor.h \
	src/util/error.c src/util/error.h \
	src/util/file_replace.c src/util/file_replace.h \
	src/util/heap.c src/util/heap.h \
	src/util/hex.c src/util/hex.h \
	src/util/json.c src/util/json.h \
	src/util/json_scan.c src/util/json_scan.h \
	src/util/json_text.c src/util/json_text.h \
	src/util/large_array.c src/util/large_array.h \
	src/util/library.c src/util/library.h \
	src/util/ledger.c src/util/ledger.h \
	src/util/log.c src/util/log.h \
	src/util/memory.c src/util/memory.h \
	src/util/output_file.c src/util/output_file.h \
	src/util/own_folder.c src/util/own_folder.h \
	src/util/own_memory.c src/util/own_memory.h \
	src/util/nearest.c src/util/nearest.h \
	src/util/nameless_file.c src/util/nameless_file.h \
	src/util/notify.c src/util/notify.h \
	src/util/open_below.c src/util/open_below.h src/util/walk_below.c \
	src/util/option_reader.c src/util/option_reader.h \
	src/util/place.c src/util/place.h \
	src/util/sha256.c src/util/sha256.h \
	src/util/share.c src/util/share.h \
	src/util/shared_memory.c src/util/shared_memory.h \
	src/util/short_name.c src/util/short_name.h \
	src/util/stop_signals.c src/util/stop_signals.h \
	src/util/table.c src/util/table.h \
	src/util/time_namespace.c src/util/time_namespace.h \
	src/util/utf8.c src/util/utf8.h \
	src/util/visible.c src/util/visible.h \
	src/util/whole_io.c src/util/whole_io.h
