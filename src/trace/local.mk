# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/trace/attrs.c src/trace/attrs.h \
	src/trace/build_ids.c src/trace/build_ids.h \
	src/trace/chunk.c src/trace/chunk.h \
	src/trace/features.c src/trace/features.h \
	src/trace/file_header.c src/trace/file_header.h \
	src/trace/inflate.c src/trace/inflate.h \
	src/trace/input.c src/trace/input.h \
	src/trace/note.c src/trace/note.h \
	src/trace/order.c src/trace/order.h \
	src/trace/own_records.c \
	src/trace/perf_file.h \
	src/trace/trace.c src/trace/trace.h \
	src/trace/trace_loss.c \
	src/trace/trace_state.h \
	src/trace/writer.c src/trace/writer.h
