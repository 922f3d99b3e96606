# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/delivery/sink.c src/delivery/sink.h
