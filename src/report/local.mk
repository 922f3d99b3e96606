# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/report/number.c src/report/number.h \
	src/report/status_line.c src/report/status_line.h \
	src/report/summary.c src/report/summary.h
