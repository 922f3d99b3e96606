# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/naming/namer.c src/naming/namer.h \
	src/naming/own_packages.c src/naming/own_packages.h \
	src/naming/package_source.h
