# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/settings/settings.c src/settings/settings.h \
	src/settings/settings_canonical.c \
	src/settings/settings_complete.c \
	src/settings/settings_environment.c \
	src/settings/settings_file.c \
	src/settings/settings_keys.c src/settings/settings_keys.h \
	src/settings/settings_layers.c \
	src/settings/settings_options.c src/settings/settings_options.h \
	src/settings/settings_values.c
