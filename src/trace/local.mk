# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/trace/note.c src/trace/note.h \
	src/trace/perf_file.h
