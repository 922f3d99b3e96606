# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/guard/cpu_guard.c src/guard/cpu_guard.h \
	src/guard/guard.c src/guard/guard.h \
	src/guard/rate_limit.c src/guard/rate_limit.h \
	src/guard/ratio.c src/guard/ratio.h
