# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/cmd_sample.c \
	src/commands.c src/commands.h \
	src/cmd_doctor.c \
	src/cmd_replay.c \
	src/cmd_send.c \
	src/help.c \
	src/types.c src/types.h
