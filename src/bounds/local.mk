# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/bounds/bounds.c src/bounds/bounds.h
