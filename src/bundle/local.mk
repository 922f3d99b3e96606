# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/bundle/bundle.c src/bundle/bundle.h \
	src/bundle/bundle_open.c \
	src/bundle/bundle_pack.c \
	src/bundle/bundle_parts.h \
	src/bundle/packer.c src/bundle/packer.h \
	src/bundle/union_bundle.c src/bundle/union_bundle.h
