# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/session/closing.c src/session/closing.h \
	src/session/line.c src/session/line.h \
	src/session/live.c \
	src/session/replay.c \
	src/session/session.h
