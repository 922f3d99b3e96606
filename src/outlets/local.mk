# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/outlets/account_file.c src/outlets/account_file.h \
	src/outlets/held_lines.c src/outlets/held_lines.h \
	src/outlets/lines_out.c src/outlets/lines_out.h \
	src/outlets/metrics_file.c src/outlets/metrics_file.h \
	src/outlets/outlet_places.c src/outlets/outlet_places.h \
	src/outlets/outlets.c src/outlets/outlets.h \
	src/outlets/segments.c src/outlets/segments.h \
	src/outlets/union_file.c src/outlets/union_file.h
