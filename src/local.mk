# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/cmd_sample.c src/commands.h \
	src/code_map.c src/code_map.h \
	src/command.c src/command.h \
	src/help.c \
	src/session.c src/session.h \
	src/session_close.c \
	src/session_flush.c \
	src/session_records.c \
	src/session_targets.c \
	src/settings.c src/settings.h \
	src/types.c src/types.h
